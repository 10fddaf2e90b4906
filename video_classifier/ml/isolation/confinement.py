"""Privileges that a child process drops before it reads untrusted bytes.

On Linux: memory, files of any size, core dumps, the network, the means to start programs or to
touch other processes, system calls that no decoder needs, and all files but those that it is told
of. Elsewhere only what `resource` offers.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from video_classifier.ml.isolation import system_calls

_BYTES_WRITTEN = 4 * 2**30  # the largest copy for browsers

# From the kernel's headers: linux/prctl.h, linux/seccomp.h, linux/filter.h, linux/audit.h.
_SET_DEATH_SIGNAL, _SET_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 1, 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_REFUSE, _UNKNOWN = _ERROR | errno.EACCES, _ERROR | errno.ENOSYS
# Offsets into struct seccomp_data; of the first argument the half that has a process id.
_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16
_X32 = 0x40000000  # system calls from here on are the same ones by other numbers

# From linux/landlock.h. Its system calls have the same numbers on every processor.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
_REMOVE_FILE, _MAKE_REGULAR, _TRUNCATE = 1 << 5, 1 << 8, 1 << 14
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE  # a rule on a file has no others
_READING = _READ_FILE | _READ_DIR
_WRITING = _READING | _WRITE_FILE | _REMOVE_FILE | _MAKE_REGULAR | _TRUNCATE
# By the version from which the kernel knows them: all of these are given up.
_RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: _TRUNCATE, 5: 1 << 15}

# What the C library, Python and the libraries of decoders read.
_SYSTEM = (
    *("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm"),
    *("/sys/devices/system/cpu", "/sys/devices/system/node"),
    *("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"),
)
_PACKAGE = Path(__file__).resolve().parents[2]
_GRAPHICS = ("nvidia*", "kfd", "dxg")  # below /dev, where drivers of graphics cards are

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def limit(*, memory: int | None) -> None:
    """Bounds the address space (bytes) and what is written; nothing is left of a crash."""
    if memory is not None and sys.platform == "linux":
        _lower(resource.RLIMIT_AS, memory)
    _lower(resource.RLIMIT_FSIZE, _BYTES_WRITTEN)
    _lower(resource.RLIMIT_CORE, 0)


def die_with_parent() -> None:
    """Has the kernel kill this process once the thread that started it is gone (on Linux).

    A closed connection says the same, but nobody hears it while a library is being loaded.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def isolate(*, may_start_programs: bool) -> bool:
    """Gives up the network and much more for good, and says whether that worked.

    It does not where `is_possible` says no. Who may start programs may also end them.
    """
    if not is_possible():
        return False
    return _install(_rules(platform.machine(), may_start_programs=may_start_programs))


def is_possible() -> bool:
    """Whether the kernel takes filters of system calls, and the processor is known here."""
    if sys.platform != "linux" or platform.machine() not in _ARCHITECTURES:
        return False
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_SET_SECCOMP, _FILTER, None, 0, 0)  # no filter at all: nothing changes
    return ctypes.get_errno() == errno.EFAULT  # which is said by kernels that would take one


def close_files(
    *, readable: Iterable[Path], writable: Iterable[Path], may_start_programs: bool = False
) -> bool:
    """Gives up all files but those of the system and of Python, and what is in these folders.

    Says whether that worked; it does not where `can_close_files` says no. What is open already
    stays open. It has to come before `isolate`. Children have the same files or fewer: who may
    start programs may also see the names of what lies beside this package, or they don't find it.
    """
    version = _landlock_version()
    if not version:
        return False
    given_up = sum(rights for since, rights in _RIGHTS.items() if since <= version)
    library = ctypes.CDLL(None, use_errno=True)
    attributes = struct.pack("=Q", given_up)
    rules = library.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        return False
    running = _EXECUTE if may_start_programs else 0
    listed = [_PACKAGE.parent] if may_start_programs else []
    try:
        for rights, paths in (
            (_READING | running, _of_the_system()),
            (_READING, readable),
            (_READ_DIR, listed),
            (_WRITING, (Path(os.devnull), *writable)),
        ):
            for path in paths:
                _permit(library, rules, path, rights & given_up)
        if library.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            return False
        return not library.syscall(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def has_graphics_card() -> bool:
    """Whether there is a driver of one, which reads and writes devices and files of its own."""
    return any(any(Path("/dev").glob(each)) for each in _GRAPHICS)


def can_close_files() -> bool:
    """Whether the kernel has Landlock, and it is switched on."""
    return _landlock_version() > 0


def _landlock_version() -> int:
    """0 if there is none."""
    if sys.platform != "linux":
        return 0
    version = ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    return max(int(version), 0)


def _of_the_system() -> Iterable[Path]:
    """Not the folder that the package is in, where the site may keep its database and its key."""
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    imported = [Path(each).absolute() for each in sys.path if each]
    found = {Path(each) for each in (*_SYSTEM, *filter(None, libraries))}
    found |= {Path(each) for each in (sys.prefix, sys.exec_prefix, sys.base_prefix)}
    found |= {each for each in imported if not _PACKAGE.is_relative_to(each.resolve())}
    return [*(each for each in found if each != Path("/")), _PACKAGE]


def _permit(library: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    """What is not there can't be read anyway."""
    with suppress(OSError):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            allowed = rights if path.is_dir() else rights & _OF_FILES
            rule = struct.pack("=Qi", allowed, place)
            library.syscall(_ADD_RULE, rules, _PATH_BENEATH, rule, 0)
        finally:
            os.close(place)


def _lower(which: int, wanted: int) -> None:
    _, most = resource.getrlimit(which)
    bound = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(which, (bound, bound))


def _rules(machine: str, *, may_start_programs: bool) -> bytes:
    """A program for the kernel's packet filter, which looks at each system call."""
    refused = [
        number
        for calls in (
            system_calls.REACHING_OUT,
            system_calls.OTHERS,
            system_calls.KERNEL,
            system_calls.MACHINE,
        )
        for number in system_calls.numbers(machine, calls)
    ]
    on_itself: list[int] = []
    if not may_start_programs:
        signals = {"kill", "tgkill"}
        refused += system_calls.numbers(machine, system_calls.STARTING, without=signals)
        others = system_calls.STARTING.keys() - signals
        on_itself = system_calls.numbers(machine, system_calls.STARTING, without=others)
    count = len(refused)
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        (_AT_LEAST, 0, 1, system_calls.NEWEST + 1),
        (_RETURN, 0, 0, _UNKNOWN),  # as an older kernel would say: libraries know what to do
        *(rule for number in on_itself for rule in _only_on_itself(number)),
        *((_EQUAL, count - place, 0, number) for place, number in enumerate(refused)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("=HBBI", *rule) for rule in program)


def _only_on_itself(number: int) -> list[tuple[int, int, int, int]]:
    """Of a call whose first argument is a process: a library aborts by a signal to its own."""
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _ARGUMENT),
        (_EQUAL, 0, 1, os.getpid()),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]


def _install(rules: bytes) -> bool:
    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("rules", ctypes.c_char_p))

    library = ctypes.CDLL(None, use_errno=True)
    program = Program(len(rules) // 8, rules)
    if library.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        return False
    return not library.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)


def single_threaded_numpy() -> None:
    """To be called before NumPy is imported: each thread of its algebra takes address space."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
