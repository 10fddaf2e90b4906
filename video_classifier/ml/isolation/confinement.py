"""Privileges that a child process drops before it reads untrusted bytes.

On Linux: memory, files of any size, core dumps, the network, and the means to start programs or to
look into other processes. Elsewhere only what `resource` offers.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
import sys

_BYTES_WRITTEN = 4 * 2**30  # the largest copy for browsers

# From the kernel's headers: linux/prctl.h, linux/seccomp.h, linux/filter.h, linux/audit.h.
_SET_DEATH_SIGNAL, _SET_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 1, 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | 13, 0x80000000  # 13 is EACCES
_NUMBER, _ARCHITECTURE = 0, 4  # offsets into struct seccomp_data
_X32 = 0x40000000  # system calls from here on are the same ones by other numbers

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CALLS = {
    "x86_64": {
        "socket": 41,  # of any family: a database listens on local ones, too
        "execve": 59,
        "ptrace": 101,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "execveat": 322,
        "io_uring_setup": 425,
        "pidfd_getfd": 438,
    },
    "aarch64": {
        "socket": 198,
        "execve": 221,
        "ptrace": 117,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "execveat": 281,
        "io_uring_setup": 425,
        "pidfd_getfd": 438,
    },
}
_PROGRAMS = {"execve", "execveat"}


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
    """Gives up the network and other processes for good, and says whether that worked.

    It does not where the kernel has no seccomp or the processor isn't known here.
    """
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _CALLS:
        return False
    spared = _PROGRAMS if may_start_programs else set()
    refused = [number for name, number in _CALLS[machine].items() if name not in spared]
    return _install(_rules(_ARCHITECTURES[machine], refused))


def _lower(which: int, wanted: int) -> None:
    _, most = resource.getrlimit(which)
    bound = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(which, (bound, bound))


def _rules(architecture: int, refused: list[int]) -> bytes:
    """A program for the kernel's packet filter, which looks at each system call."""
    count = len(refused)
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        *((_EQUAL, count - place, 0, number) for place, number in enumerate(refused)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("=HBBI", *rule) for rule in program)


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
