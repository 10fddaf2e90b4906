"""The processes of a site: started, killed at once, frozen, and run by another clock."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from scripts._lib import families
from scripts._lib.site_under_test import ROOT

_LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")
PATIENCE = 30.0  # seconds to end


class Clock:
    """That some processes have, if they are started with it: right, or so many seconds off."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, seconds: int) -> None:
        self._file.write_text(f"{seconds:+d}\n")

    @staticmethod
    def library() -> str:
        """ "" if faketime is not installed."""
        found = (each for pattern in _LIBRARIES for each in Path("/").glob(pattern[1:]))
        return str(next(found, ""))

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": self.library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }


class Service:
    """A process of ours with all that it starts."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self._command, self._environment, self._log = command, environment, log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def fallen(self) -> str:
        """What it ended with, in words, if it isn't running; else ""."""
        if self._process is None or self.is_running:
            return ""
        return f"{self.name} has ended with code {self._process.returncode}"

    def last_words(self, lines: int = 30) -> str:
        """The end of what it wrote."""
        written = self._log.read_text(errors="replace") if self._log.exists() else ""
        return "\n".join(written.splitlines()[-lines:])

    def start(self, **environment: str) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  (our own commands)
                self._command,
                cwd=ROOT,
                env={**self._environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def family(self) -> list[psutil.Process]:
        """The process, and all that it started."""
        return families.of(self._process)

    def kill(self) -> None:
        """The process alone, as the kernel does that runs out of memory."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)

    def kill_all(self) -> None:
        kill(self.family())
        self.kill()

    def end(self) -> int:
        """In good order; returns the exit code, or -9 if it had to be killed."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill_all()
            return -signal.SIGKILL


def kill(processes: Sequence[psutil.Process]) -> None:
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(processes, timeout=PATIENCE)


def freeze(processes: Sequence[psutil.Process], *, now: bool) -> None:
    for each in processes:
        with suppress(ProcessLookupError):
            os.kill(each.pid, signal.SIGSTOP if now else signal.SIGCONT)
