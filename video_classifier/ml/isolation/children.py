"""Child processes that do what their parent must not do itself, and can be killed at any time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from queue import SimpleQueue
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec
import psutil

from video_classifier.ml.isolation import wire

ROOT = Path(__file__).resolve().parents[3]  # where `python -m` finds this package

TICK = 0.1  # seconds from look to look at a child that is busy
KILLED = (-signal.SIGKILL, -signal.SIGTERM)  # a crash ends otherwise
PATIENCE = 2.0  # seconds in which a child has to end a call that is no longer wanted
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH")
_FAMILIES = ("TF_", "OPENBLAS_", "OMP_", "ONEDNN_")

Value = TypeVar("Value")
Start = Callable[[], subprocess.Popen[bytes]]


class ChildDiedError(Exception):
    """The child ended in the middle of a call."""


class ChildKilledError(ChildDiedError):
    """Somebody killed it in the middle of a call, which may not be what it was working on."""


class ChildTooLargeError(Exception):
    """The child took more memory than it may have, and was killed."""


class ChildBrokeError(Exception):
    """A call raised an unexpected error; the message has the child's traceback."""


class _Starter:
    """Starts all children from one thread, which lives as long as this process does.

    Children die with the thread that started them (`confinement.die_with_parent`), and one that
    serves a request may not last. It is a daemon: at the end of the process nobody joins it.
    """

    def __init__(self) -> None:
        self._asked: SimpleQueue[tuple[Start, Future[subprocess.Popen[bytes]]]] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def started(self, start: Start) -> subprocess.Popen[bytes]:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="starter", daemon=True)
                self._thread.start()
        found: Future[subprocess.Popen[bytes]] = Future()
        self._asked.put((start, found))
        return found.result()

    def _serve(self) -> None:
        while True:
            start, found = self._asked.get()
            try:
                found.set_result(start())
            except Exception as error:  # noqa: BLE001  (the thread that asked raises it)
                found.set_exception(error)


_starter = _Starter()


def _forget() -> None:
    """In a forked process the thread is gone, and a lock may be held for ever."""
    global _starter  # noqa: PLW0603
    _starter = _Starter()


os.register_at_fork(after_in_child=_forget)


Watch = Callable[[], None]


def idle() -> None:
    """Lets a call go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanwhile:
    """What the caller of an operation does while it runs."""

    watch: Watch = idle  # called several times a second; ends the call by raising
    on_part: Callable[[Any], None] = lambda _: None  # gets what is handed out before the end
    parts: Any = object  # the type of that


NOTHING = Meanwhile()


class Child:
    """A process of `module`, which serves calls; one at a time, from any thread."""

    def __init__(
        self,
        module: str,
        *arguments: str,
        errors: Mapping[str, type[Exception]],
        memory: int | None = None,
        leads_group: bool = True,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`errors` are raised here as in the child. With more than `memory` bytes resident it is
        killed; so are its own children, if it leads a group. It gets `settings` and none of the
        secrets that the environment may hold.
        """
        self._connection, theirs = Pipe()
        self._errors = errors
        self._memory = memory
        self._leads_group = leads_group
        self._settings = settings
        self._busy = threading.Lock()
        command = [sys.executable, "-m", module, str(theirs.fileno()), *arguments]
        with theirs:
            self._process = _starter.started(lambda: self._start(command, theirs.fileno()))

    def _start(self, command: Sequence[str], handle: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603
            command,
            pass_fds=[handle],
            cwd=ROOT,
            env=_environment() | dict(self._settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=self._leads_group,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def resident(self) -> int:
        """Bytes in memory; 0 once it is gone."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return 0

    @property
    def worked(self) -> float:
        """Seconds of processor time so far; 0 once it is gone."""
        try:
            times = psutil.Process(self.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    def call(
        self,
        operation: str,
        *arguments: object,
        returns: type[Value],
        meanwhile: Meanwhile = NOTHING,
    ) -> Value:
        """What the operation returns.

        Raises the child's errors, ChildDiedError (a ChildKilledError if it may be called again),
        ChildTooLargeError and ChildBrokeError.
        """
        with self._busy:
            try:
                self._send(wire.Call(operation, msgspec.Raw(wire.pack(arguments))))
                while isinstance(answer := self._next(meanwhile.watch), wire.Part):
                    meanwhile.on_part(wire.unpack(answer.value, meanwhile.parts))
            except BaseException:
                self._give_up()
                raise
        if isinstance(answer, wire.Failure):
            raise self._raised(answer)
        return wire.unpack(answer.value, returns)

    def kill(self) -> None:
        """At once; may be called from any thread, and again."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                if self._leads_group:
                    os.killpg(self.pid, signal.SIGKILL)
                else:
                    self._process.kill()
        self._process.wait()

    def _send(self, message: wire.Call | wire.Cancel) -> None:
        with self._noticing_its_end():
            self._connection.send_bytes(wire.pack(message))

    def _next(self, watch: Watch) -> wire.Answer:
        while True:
            watch()
            self._check_memory()
            if (answer := self._received(within=TICK)) is not None:
                return answer

    def _received(self, *, within: float) -> wire.Answer | None:
        with self._noticing_its_end():
            if not self._connection.poll(within):
                return None
            packed = self._connection.recv_bytes(wire.LARGEST)
        return wire.unpack(packed, wire.Answer)  # type: ignore[arg-type]

    @contextmanager
    def _noticing_its_end(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError) as error:
            self.kill()
            msg = f"it ended with {self._process.returncode}"
            is_killed = self._process.returncode in KILLED
            raise (ChildKilledError if is_killed else ChildDiedError)(msg) from error

    def _check_memory(self) -> None:
        if self._memory is not None and self.resident > self._memory:
            self.kill()
            msg = f"it took more than {self._memory} bytes"
            raise ChildTooLargeError(msg)

    def _give_up(self) -> None:
        """Waits a little for the call to end, so that a child that is warm can go on living."""
        until = time.monotonic() + PATIENCE
        with suppress(ChildDiedError, msgspec.DecodeError):
            self._send(wire.Cancel())
            while (left := until - time.monotonic()) > 0:
                if isinstance(self._received(within=left), wire.Result | wire.Failure):
                    return
        self.kill()

    def _raised(self, failure: wire.Failure) -> Exception:
        if kind := self._errors.get(failure.error):
            return kind(failure.message)
        if failure.error == wire.OUT_OF_MEMORY:
            return ChildTooLargeError(failure.message)
        return ChildBrokeError(f"{failure.error}: {failure.message}\n{failure.trace}")


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name in _INHERITED or name.startswith(_FAMILIES)
    }
