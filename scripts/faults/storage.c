/* Stands between the processes of a site and the C library, and has their storage fail.

   Loaded by LD_PRELOAD. It looks at files below one folder, whose path is in a file of control that
   all processes map: a write is counted there, and fails from the n-th one on as on a disk without
   room; each call takes longer, or waits; reading what is below another folder fails, or may not
   begin. scripts/faults/storage.py writes the file. What maps a file into memory is not seen. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
    int64_t writes;      /* so far */
    int64_t fail_from;   /* the first write that fails; 0: none */
    int64_t failed;      /* writes so far */
    int32_t read_error;  /* of each read; 0: none */
    int32_t open_error;  /* of each opening of a file that is there; 0: none */
    int64_t delay;       /* nanoseconds, of each call */
    int64_t hits;        /* calls that failed, or were slowed down */
    int64_t only;        /* whose writes count and fail: of all, of what is stored, of all else */
    int64_t hangs;       /* whether calls for what is below `stored` wait until it is 0 again */
    char folder[1024];
    char stored[1024];   /* below it: what reading fails for */
    char first[1024];    /* the path of the write that failed first */
};

enum { MOST = 65536, WRITTEN = 1, STORED = 2 }; /* of a file: below which of the two folders */
enum { ALL, ONLY_STORED, ONLY_OTHERS };

static struct control *control;
static unsigned char watched[MOST];

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_CONTROL");
    int (*plain)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int file = path ? plain(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *found = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (found != MAP_FAILED)
        control = found;
}

static int is_below(const char *path, const char *folder) {
    size_t length = strlen(folder);
    return length && path && !strncmp(path, folder, length)
        && (path[length] == '/' || !path[length]);
}

/* PostgreSQL goes to its folder and opens what is below by names without one. */
static int where(const char *path) {
    if (!control || !path)
        return 0;
    char whole[PATH_MAX];
    if (path[0] != '/') {
        char folder[PATH_MAX];
        if (!getcwd(folder, sizeof folder))
            return 0;
        int length = snprintf(whole, sizeof whole, "%s/%s", folder, path);
        if (length < 0 || (size_t)length >= sizeof whole)
            return 0;
        path = whole;
    }
    return (is_below(path, control->folder) ? WRITTEN : 0)
        | (is_below(path, control->stored) ? STORED : 0);
}

static int is_watched(int file) {
    return control && file >= 0 && file < MOST && watched[file];
}

static void pass_time(void) {
    int64_t delay = control->delay;
    if (!delay)
        return;
    __atomic_add_fetch(&control->hits, 1, __ATOMIC_RELAXED);
    struct timespec pause = {delay / 1000000000, delay % 1000000000};
    nanosleep(&pause, NULL);
}

static void hang(int place) {
    if (!control->hangs || !(place & STORED))
        return;
    __atomic_add_fetch(&control->hits, 1, __ATOMIC_RELAXED);
    struct timespec pause = {0, 20000000};
    while (control->hangs)
        nanosleep(&pause, NULL);
}

static void note(const char *path, int file) {
    if (__atomic_add_fetch(&control->failed, 1, __ATOMIC_RELAXED) != 1)
        return;
    char link[64], found[sizeof control->first] = "";
    if (!path) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        if (readlink(link, found, sizeof found - 1) > 0)
            path = found;
    }
    strncpy(control->first, path ? path : "?", sizeof control->first - 1);
}

/* Whether this write fails, with errno set. */
static int has_no_room(const char *path, int file) {
    int place = path ? where(path) : watched[file];
    pass_time();
    hang(place);
    int64_t only = control->only;
    if ((only == ONLY_STORED && !(place & STORED)) || (only == ONLY_OTHERS && (place & STORED)))
        return 0;
    int64_t number = __atomic_add_fetch(&control->writes, 1, __ATOMIC_RELAXED);
    int64_t from = control->fail_from;
    if (!from || number < from)
        return 0;
    note(path, file);
    __atomic_add_fetch(&control->hits, 1, __ATOMIC_RELAXED);
    errno = ENOSPC;
    return 1;
}

static int cant_be_read(int file) {
    pass_time();
    hang(watched[file]);
    if (!control->read_error || !(watched[file] & STORED))
        return 0;
    __atomic_add_fetch(&control->hits, 1, __ATOMIC_RELAXED);
    errno = control->read_error;
    return 1;
}

/* What opening that path fails with; a new file counts as a write. */
static int cant_be_opened(const char *path, int flags) {
    int place = where(path);
    if (!place)
        return 0;
    struct stat found;
    int is_there = !stat(path, &found); /* which hangs, too */
    if (!is_there && (flags & O_CREAT))
        return has_no_room(path, -1);
    if (is_there && S_ISREG(found.st_mode) && (flags & O_ACCMODE) == O_RDONLY
        && (place & STORED) && control->open_error) {
        __atomic_add_fetch(&control->hits, 1, __ATOMIC_RELAXED);
        errno = control->open_error;
        return 1;
    }
    return 0;
}

static int opened(int file, const char *path) {
    if (control && file >= 0 && file < MOST)
        watched[file] = (unsigned char)where(path);
    return file;
}

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) \
        real = dlsym(RTLD_NEXT, name)

#define MODE(mode) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        MODE(mode) \
        if (cant_be_opened(path, flags)) \
            return -1; \
        return opened(real(path, flags, mode), path); \
    }

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(int, #name, int, const char *, int, ...); \
        MODE(mode) \
        if (folder != AT_FDCWD && path[0] != '/') /* in a folder that only its number names */ \
            return opened(real(folder, path, flags, mode), NULL); \
        if (cant_be_opened(path, flags)) \
            return -1; \
        return opened(real(folder, path, flags, mode), path); \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int close(int file) {
    REAL(int, "close", int);
    if (file >= 0 && file < MOST)
        watched[file] = 0;
    return real(file);
}

static int same(int copy, int file) {
    if (copy >= 0 && copy < MOST && file >= 0 && file < MOST)
        watched[copy] = watched[file];
    return copy;
}

int dup(int file) {
    REAL(int, "dup", int);
    return same(real(file), file);
}

int dup2(int file, int copy) {
    REAL(int, "dup2", int, int);
    return same(real(file, copy), file);
}

int dup3(int file, int copy, int flags) {
    REAL(int, "dup3", int, int, int);
    return same(real(file, copy, flags), file);
}

#define FCNTL(name) \
    int name(int file, int command, ...) { \
        REAL(int, #name, int, int, ...); \
        va_list rest; \
        va_start(rest, command); \
        void *argument = va_arg(rest, void *); /* or a number, in the same register */ \
        va_end(rest); \
        int found = real(file, command, argument); \
        return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? same(found, file) : found; \
    }

FCNTL(fcntl)
FCNTL(fcntl64)

#define WRITES(result, name, parameters, arguments, ...) \
    result name parameters { \
        REAL(result, #name, __VA_ARGS__); \
        if (is_watched(file) && has_no_room(NULL, file)) \
            return -1; \
        return real arguments; \
    }

WRITES(ssize_t, write, (int file, const void *from, size_t size), (file, from, size),
       int, const void *, size_t)
WRITES(ssize_t, writev, (int file, const struct iovec *from, int count), (file, from, count),
       int, const struct iovec *, int)
WRITES(ssize_t, pwrite, (int file, const void *from, size_t size, off_t at),
       (file, from, size, at), int, const void *, size_t, off_t)
WRITES(ssize_t, pwrite64, (int file, const void *from, size_t size, off64_t at),
       (file, from, size, at), int, const void *, size_t, off64_t)
WRITES(ssize_t, pwritev, (int file, const struct iovec *from, int count, off_t at),
       (file, from, count, at), int, const struct iovec *, int, off_t)
WRITES(ssize_t, pwritev64, (int file, const struct iovec *from, int count, off64_t at),
       (file, from, count, at), int, const struct iovec *, int, off64_t)
WRITES(ssize_t, sendfile, (int file, int from, off_t *at, size_t size), (file, from, at, size),
       int, int, off_t *, size_t)
WRITES(ssize_t, sendfile64, (int file, int from, off64_t *at, size_t size),
       (file, from, at, size), int, int, off64_t *, size_t)

/* Of these what is written to comes third. */
ssize_t copy_file_range(int from, off64_t *at, int file, off64_t *to, size_t size, unsigned flags) {
    REAL(ssize_t, "copy_file_range", int, off64_t *, int, off64_t *, size_t, unsigned);
    if (is_watched(file) && has_no_room(NULL, file))
        return -1;
    return real(from, at, file, to, size, flags);
}

#define READS(result, name, parameters, arguments, ...) \
    result name parameters { \
        REAL(result, #name, __VA_ARGS__); \
        if (is_watched(file) && cant_be_read(file)) \
            return -1; \
        return real arguments; \
    }

READS(ssize_t, read, (int file, void *to, size_t size), (file, to, size), int, void *, size_t)
READS(ssize_t, readv, (int file, const struct iovec *to, int count), (file, to, count),
      int, const struct iovec *, int)
READS(ssize_t, pread, (int file, void *to, size_t size, off_t at), (file, to, size, at),
      int, void *, size_t, off_t)
READS(ssize_t, pread64, (int file, void *to, size_t size, off64_t at), (file, to, size, at),
      int, void *, size_t, off64_t)

#define LOOKS(result, name, parameters, arguments, ...) \
    result name parameters { \
        REAL(result, #name, __VA_ARGS__); \
        if (control && control->hangs) \
            hang(where(path)); \
        return real arguments; \
    }

LOOKS(int, stat, (const char *path, struct stat *found), (path, found), const char *, struct stat *)
LOOKS(int, stat64, (const char *path, struct stat64 *found), (path, found),
      const char *, struct stat64 *)
LOOKS(int, lstat, (const char *path, struct stat *found), (path, found),
      const char *, struct stat *)
LOOKS(int, lstat64, (const char *path, struct stat64 *found), (path, found),
      const char *, struct stat64 *)
LOOKS(int, statvfs, (const char *path, struct statvfs *found), (path, found),
      const char *, struct statvfs *)
LOOKS(int, statvfs64, (const char *path, struct statvfs64 *found), (path, found),
      const char *, struct statvfs64 *)
LOOKS(int, access, (const char *path, int how), (path, how), const char *, int)
LOOKS(int, unlink, (const char *path), (path), const char *)
LOOKS(int, rename, (const char *path, const char *to), (path, to), const char *, const char *)
LOOKS(int, mkdir, (const char *path, mode_t mode), (path, mode), const char *, mode_t)
LOOKS(DIR *, opendir, (const char *path), (path), const char *)
