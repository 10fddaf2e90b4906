"""Privileges that a child process drops before it reads untrusted bytes.

On Linux: memory, files of any size, core dumps, the network, the means to start programs or to
touch other processes, and system calls that no decoder needs. Elsewhere only what `resource`
offers.
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
