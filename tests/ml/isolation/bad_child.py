"""A child process for tests that does what a child can do wrong."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from video_classifier.ml.contracts import ClipError, Image
from video_classifier.ml.isolation import confinement, wire


class Operations:
    def __init__(self) -> None:
        self._kept: list[bytearray] = []

    def count(self, until: int, emit: Callable[[int], None]) -> str:
        for number in range(until):
            emit(number)
        return "done"

    def mirror(self, image: Image) -> Image:
        return image[:, ::-1]

    def pid(self) -> int:
        return os.getpid()

    def refuse(self) -> None:
        msg = "No clip."
        raise ClipError(msg)

    def stumble(self) -> None:
        msg = "nobody expected this"
        raise KeyError(msg)

    def crash(self) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    def hang(self) -> None:
        time.sleep(60)

    def grow(self, megabytes: int) -> None:
        """And wait to be noticed."""
        self._kept.append(bytearray(b"x" * (megabytes * 2**20)))
        time.sleep(60)

    def lie(self) -> int:
        return "no number"  # type: ignore[return-value]

    def hold_all_threads(self) -> None:
        """As a library does that is being loaded: no other thread gets to run."""
        ctypes.PyDLL(None).sleep(60)

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def call_out(self) -> str:
        try:
            socket.create_connection(("127.0.0.1", 9), timeout=1).close()
        except OSError as error:
            return type(error).__name__
        return "connected"

    def start_program(self) -> str:
        try:
            subprocess.run([sys.executable, "-c", "import video_classifier.states"], check=True)
        except OSError as error:
            return type(error).__name__
        return "started"

    def have_a_program_write(self, path: Path) -> str:
        code = "import sys; open(sys.argv[1], 'w')"
        command = [sys.executable, "-c", code, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stderr.splitlines()[-1].partition(":")[0] if done.stderr else "written"

    def end_its_parent(self) -> str:
        """With a signal that would do nothing."""
        try:
            os.kill(os.getppid(), 0)
        except OSError as error:
            return type(error).__name__
        return "signalled"

    def system_call(self, number: int) -> int:
        """The error of a call with arguments that no kernel takes; 0: it was carried out."""
        library = ctypes.CDLL(None, use_errno=True)
        wrong = ctypes.c_long(-1)
        found = library.syscall(number, wrong, wrong, wrong, wrong, wrong)
        return ctypes.get_errno() if found == -1 else 0

    def read(self, path: Path) -> str:
        """Of the beginning of a file, or why not."""
        try:
            with path.open("rb") as file:
                return file.read(5).decode(errors="replace")
        except OSError as error:
            return type(error).__name__

    def write(self, path: Path) -> str:
        try:
            path.write_text("mine")
        except OSError as error:
            return type(error).__name__
        return "written"


def main() -> None:
    handle, memory, deaf, starts = map(int, sys.argv[1:5])
    folders = [Path(each) for each in sys.argv[5:]]  # one to read, and one to write
    confinement.die_with_parent()
    confinement.limit(memory=memory or None)
    if folders:
        confinement.close_files(
            readable=folders[:1], writable=folders[1:], may_start_programs=bool(starts)
        )
    confinement.isolate(may_start_programs=bool(starts))
    wire.Server(
        Connection(handle),
        wire.operations_of(Operations()),
        expected=(ClipError,),
        cancel=(lambda: None) if deaf else (lambda: os._exit(1)),
        abandoned=lambda: os._exit(0),
    ).serve()


if __name__ == "__main__":
    main()
