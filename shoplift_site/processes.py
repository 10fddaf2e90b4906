"""Several web processes of one server: the first does its jobs, and the others tell it of new ones.

What they say goes through a pipe that gunicorn's main process makes before it forks any of them, so
that a process which takes the first one's place has it, too. A byte means: look at the queue. How
each of them answers is counted in files of a folder that they share.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from pathlib import Path

LISTENS, RINGS = "BELL_LISTENS", "BELL_RINGS"  # descriptors; set by gunicorn, for its own processes
BYTES = 4096
MEMORY = Path("/dev/shm")  # nosec B108  # noqa: S108
FIGURES = "shoplift-figures-"  # the beginning of a folder's name
NEW = "shoplift-new-"  # … until it is held


def make_bell() -> tuple[int, int]:
    """Both ends: who rings never waits, and programs that are started later get neither."""
    listens, rings = os.pipe()
    os.set_blocking(rings, False)
    return listens, rings


def make_folder_of_figures() -> Path:
    """It is held until all processes that this one forks have ended, however they end."""
    new = Path(tempfile.mkdtemp(prefix=NEW, dir=_place()))
    fcntl.flock(os.open(new, os.O_RDONLY), fcntl.LOCK_EX)
    return new.rename(new.with_name(new.name.replace(NEW, FIGURES, 1)))


def sweep_figures() -> None:
    """Removes the folders of servers that were killed, which nobody holds any more."""
    for folder in _place().glob(f"{FIGURES}*"):
        with suppress(OSError):  # somebody else's, or another server removes it just now
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(held)


def _place() -> Path:
    """In memory, if it can be: a full disk kills the processes that have mapped files on it."""
    is_there = os.access(MEMORY, os.W_OK | os.X_OK)
    return MEMORY if is_there else Path(tempfile.gettempdir())


def settle_in(environment: MutableMapping[str, str], bell: tuple[int, int], *, first: bool) -> None:
    """Says to a process that was just forked what it does, before it reads its settings.

    One beside the first is a web server as one with workers of its own has it.
    """
    if first:
        environment[LISTENS] = str(bell[0])
    else:
        environment[RINGS] = str(bell[1])
        environment["WATCHER"] = "none"
        if environment.get("RUNNER", "thread") == "thread":
            environment["RUNNER"] = "none"


def connect(*, look: Callable[[], None], tell: Callable[[Callable[[str], None]], None]) -> None:
    """In the first of several: calls `look` when another rings. In those: `tell` of new jobs."""
    if LISTENS in os.environ:
        ears = int(os.environ[LISTENS])
        threading.Thread(target=_listen, args=(ears, look), name="bell", daemon=True).start()
    elif RINGS in os.environ:
        bell = int(os.environ[RINGS])
        tell(lambda _: _ring(bell))


def _listen(ears: int, look: Callable[[], None]) -> None:
    while os.read(ears, BYTES):
        look()


def _ring(bell: int) -> None:
    with suppress(BlockingIOError):  # it is full of rings that nobody has heard yet
        os.write(bell, b"\n")
