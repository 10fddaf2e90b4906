"""Storage on a disk that runs full at a chosen write, can't be read, or is slow; without root.

A small library (storage.c) is compiled with the system's C compiler and loaded into each process
of a site before the C library, as faketime is. Children get next to nothing of the environment, but
look for Python modules where their parents do: a `sitecustomize` starts them once more with it.
"""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path

_SOURCE = Path(__file__).with_name("storage.c")
# As `struct control` there has it.
_FORM = struct.Struct("=qqqiiqqqq1024s1024s1024s")
_WRITES, _FAIL_FROM, _FAILED, _READ_ERROR, _OPEN_ERROR = 0, 8, 16, 24, 28
_DELAY, _HITS, _ONLY, _HANGS = 32, 40, 48, 56
_FOLDER, _STORED, _FIRST, _LONGEST = 64, 1088, 2112, 1024
_AGAIN = """
import os, sys
if "FAULTS_CONTROL" not in os.environ:
    os.environ.update({environment!r})
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
"""
REFUSALS = {"EACCES": errno.EACCES, "ENOENT": errno.ENOENT, "EIO": errno.EIO}


class Only(IntEnum):
    """Whose writes fail. What is stored may be on a disk of its own."""

    ALL = 0
    STORED = 1
    OTHERS = 2


class Storage:
    """What happens below a folder, in processes that were started with `environment`."""

    def __init__(self, folder: Path, work: Path, *, stored: str = "media") -> None:
        """`work` is a new folder for what is compiled and written for this."""
        self.folder = folder
        work.mkdir()
        library, control = work / "storage.so", work / "control"
        compiler = shutil.which("cc") or "cc"
        subprocess.run(  # noqa: S603
            [compiler, "-O1", "-shared", "-fPIC", "-o", library, _SOURCE, "-ldl"], check=True
        )
        control.write_bytes(bytes(_FORM.size))
        control.chmod(0o666)  # PostgreSQL has an account of its own
        with control.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _FORM.size)
        for place, path in ((_FOLDER, folder), (_STORED, folder / stored)):
            self._shared[place : place + _LONGEST] = str(path).encode().ljust(_LONGEST, b"\0")
        loaded = {"LD_PRELOAD": str(library), "FAULTS_CONTROL": str(control)}
        (work / "sitecustomize.py").write_text(_AGAIN.format(environment=loaded))
        others = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
        self.environment = loaded | {"PYTHONPATH": os.pathsep.join([str(work), *others])}

    @staticmethod
    def is_possible() -> bool:
        return sys.platform == "linux" and shutil.which("cc") is not None

    @property
    def writes(self) -> int:
        """So far, of all processes."""
        return self._number("q", _WRITES)

    @property
    def failed(self) -> int:
        """Writes, since it was full last."""
        return self._number("q", _FAILED)

    @property
    def hits(self) -> int:
        """Calls that failed or were slow, since it was well last."""
        return self._number("q", _HITS)

    @property
    def first(self) -> str:
        """The path of the write that failed first, below the folder; "" if none did."""
        end = self._shared[_FIRST : _FIRST + _LONGEST].partition(b"\0")[0].decode()
        return end.removeprefix(f"{self.folder}/")

    @contextmanager
    def full(self, *, after: int = 0, only: Only = Only.ALL) -> Iterator[None]:
        """From the write on that comes after so many, until the end of this."""
        self._set("q", _FAILED, 0)
        self._set("q", _ONLY, only)
        self._shared[_FIRST : _FIRST + _LONGEST] = bytes(_LONGEST)
        with self._broken("q", _FAIL_FROM, self.writes + after + 1):
            yield

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Each call takes so much longer."""
        with self._broken("q", _DELAY, round(seconds * 1e9)):
            yield

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """What is stored: each call waits until the end of this, as of a server that is away."""
        with self._broken("q", _HANGS, 1):
            yield

    @contextmanager
    def unreadable(self, *, error: int) -> Iterator[None]:
        """What is stored: reading fails (EIO), or opening does (all else)."""
        place = _READ_ERROR if error == errno.EIO else _OPEN_ERROR
        with self._broken("i", place, error):
            yield

    @contextmanager
    def _broken(self, form: str, place: int, value: int) -> Iterator[None]:
        self._set("q", _HITS, 0)
        self._set(form, place, value)
        try:
            yield
        finally:
            self._set(form, place, 0)

    def _number(self, form: str, place: int) -> int:
        (value,) = struct.unpack_from(f"={form}", self._shared, place)
        return int(value)

    def _set(self, form: str, place: int, value: int) -> None:
        struct.pack_into(f"={form}", self._shared, place, value)
