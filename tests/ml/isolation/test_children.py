"""Whatever a child process does, its parent learns of it in time and goes on."""

from __future__ import annotations

import errno
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import psutil
import pytest

from video_classifier.ml.contracts import ClipError, Image
from video_classifier.ml.isolation import children, confinement, system_calls
from video_classifier.ml.isolation.children import (
    Child,
    ChildBrokeError,
    ChildDiedError,
    ChildKilledError,
    ChildTooLargeError,
    Meanwhile,
)

MEGABYTE = 2**20
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux offers these limits")


LANDLOCK = pytest.mark.skipif(
    not confinement.can_close_files(), reason="this kernel has no Landlock"
)


def bad(
    *folders: Path,
    address_space: int = 0,
    deaf: bool = False,
    starts: bool = False,
    memory: int | None = None,
) -> Child:
    return Child(
        "tests.ml.isolation.bad_child",
        str(address_space),
        str(int(deaf)),
        str(int(starts)),
        *map(str, folders),
        errors={"ClipError": ClipError},
        memory=memory,
    )


@pytest.fixture
def child() -> Iterator[Child]:
    child = bad()
    yield child
    child.kill()


class TooLateError(Exception):
    pass


def too_late() -> None:
    raise TooLateError


def test_a_call_gives_its_parts_and_its_result(child: Child) -> None:
    parts: list[int] = []
    taken = Meanwhile(parts=int, on_part=parts.append)

    assert child.call("count", 3, returns=str, meanwhile=taken) == "done"
    assert parts == [0, 1, 2]


def test_pictures_go_both_ways(child: Child) -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)

    np.testing.assert_array_equal(child.call("mirror", image, returns=Image), image[:, ::-1])


def test_an_expected_error_is_raised_as_in_the_child(child: Child) -> None:
    with pytest.raises(ClipError, match=r"^No clip\.$"):
        child.call("refuse", returns=type(None))

    assert child.call("count", 0, returns=str) == "done"


def test_an_unexpected_error_comes_with_its_traceback(child: Child) -> None:
    with pytest.raises(ChildBrokeError, match=r"(?s)nobody expected this.*in stumble"):
        child.call("stumble", returns=type(None))

    assert child.is_alive


def test_a_crash_is_an_error_and_not_the_parents_end(child: Child) -> None:
    with pytest.raises(ChildDiedError, match="-11"):
        child.call("crash", returns=type(None))

    assert not child.is_alive
    with pytest.raises(ChildDiedError):
        child.call("count", 0, returns=str)


@pytest.mark.parametrize(
    ("number", "is_killed"),
    [(signal.SIGKILL, True), (signal.SIGTERM, True), (signal.SIGABRT, False)],
)
def test_a_child_that_somebody_killed_did_not_crash(
    child: Child, number: signal.Signals, *, is_killed: bool
) -> None:
    threading.Timer(0.3, os.kill, (child.pid, number)).start()

    with pytest.raises(ChildDiedError) as died:
        child.call("hang", returns=type(None))

    assert isinstance(died.value, ChildKilledError) == is_killed


def test_what_a_child_says_is_not_believed_unseen(child: Child) -> None:
    with pytest.raises(msgspec.ValidationError):
        child.call("lie", returns=int)


@pytest.mark.parametrize("deaf", [True, False])
def test_a_hang_ends_when_the_watch_says_so(*, deaf: bool) -> None:
    child = bad(deaf=deaf)
    start = time.monotonic()

    with pytest.raises(TooLateError):
        child.call("hang", returns=type(None), meanwhile=Meanwhile(watch=too_late))

    assert not child.is_alive
    assert time.monotonic() - start < children.PATIENCE + 20  # of a minute


def test_a_call_that_ends_by_itself_keeps_the_child(child: Child) -> None:
    child = bad(deaf=True)

    with pytest.raises(TooLateError):
        child.call("count", 100, returns=str, meanwhile=Meanwhile(watch=too_late))

    assert child.call("count", 0, returns=str) == "done"
    child.kill()


def test_a_child_that_grows_too_large_is_killed() -> None:
    child = bad(memory=200 * MEGABYTE)

    with pytest.raises(ChildTooLargeError):
        child.call("grow", 300, returns=type(None))

    assert not child.is_alive


@LINUX
def test_a_child_can_not_take_more_address_space_than_it_may() -> None:
    child = bad(address_space=800 * MEGABYTE)

    with pytest.raises(ChildTooLargeError):
        child.call("grow", 900, returns=type(None))

    assert child.call("count", 0, returns=str) == "done"
    child.kill()


@LINUX
def test_a_child_has_no_network_and_starts_no_program(child: Child) -> None:
    assert child.call("call_out", returns=str) == "PermissionError"
    assert child.call("start_program", returns=str) == "PermissionError"


@LINUX
def test_a_child_ends_no_other_process_though_it_may_crash_itself(child: Child) -> None:
    assert child.call("end_its_parent", returns=str) == "PermissionError"
    with pytest.raises(ChildDiedError, match="-11"):
        child.call("crash", returns=type(None))


@LINUX
def test_system_calls_that_nothing_here_needs_are_refused(child: Child) -> None:
    machine = platform.machine()
    needless = (system_calls.OTHERS, system_calls.KERNEL, system_calls.MACHINE)
    refused = [number for calls in needless for number in system_calls.numbers(machine, calls)]

    answers = {number: child.call("system_call", number, returns=int) for number in refused}

    assert len(answers) > 60
    assert set(answers.values()) == {errno.EACCES}
    assert child.call("system_call", system_calls.NEWEST + 1, returns=int) == errno.ENOSYS


@LANDLOCK
def test_a_child_has_no_files_but_those_that_it_is_told_of(tmp_path: Path) -> None:
    here, there, elsewhere = (tmp_path / name for name in ("here", "there", "elsewhere"))
    for folder in (here, there, elsewhere):
        folder.mkdir()
        (folder / "file").write_text("clip")
    child = bad(here, there)
    secret = [elsewhere / "file", Path("/etc/passwd"), Path(f"/proc/{os.getpid()}/environ")]
    site = [children.ROOT / "manage.py", Path.home()]

    assert child.call("read", here / "file", returns=str) == "clip"
    assert child.call("write", there / "new", returns=str) == "written"
    assert child.call("read", there / "new", returns=str) == "mine"
    for path in (*secret, *site):
        assert child.call("read", path, returns=str) == "PermissionError", path
    for path in (here / "file", here / "new", elsewhere / "new", elsewhere / "file"):
        assert child.call("write", path, returns=str) == "PermissionError", path
    assert child.call("read", children.ROOT / "video_classifier/states.py", returns=str) == '"""Th'
    child.kill()


@LANDLOCK
def test_a_child_that_may_start_programs_has_no_more_files(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    for folder in (here, elsewhere):
        folder.mkdir()
        (folder / "file").write_text("clip")
    child = bad(here, starts=True)

    assert child.call("start_program", returns=str) == "started"
    assert child.call("read", here / "file", returns=str) == "clip"
    for path in (elsewhere / "file", Path("/etc/passwd"), children.ROOT / "manage.py"):
        assert child.call("read", path, returns=str) == "PermissionError", path
    for path in (here / "new", elsewhere / "new", children.ROOT / "new"):
        assert child.call("write", path, returns=str) == "PermissionError", path
        assert child.call("have_a_program_write", path, returns=str) == "PermissionError", path
    child.kill()


@pytest.mark.parametrize("version", [0, 1])
def test_an_older_kernel_takes_what_it_knows(tmp_path: Path, version: int) -> None:
    """In a process of its own, as there is no way back."""
    given = (
        "from pathlib import Path\n"
        "from video_classifier.ml.isolation import confinement\n"
        f"confinement._landlock_version = lambda: {version}\n"
        f"print(confinement.close_files(readable=[], writable=[Path({str(tmp_path)!r})]))\n"
        f"Path({str(tmp_path / 'new')!r}).write_text('x')\n"
    )
    done = subprocess.run([sys.executable, "-c", given], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == str(bool(version) and confinement.can_close_files())


@LINUX
def test_whether_a_kernel_takes_filters_is_asked_without_installing_one() -> None:
    assert confinement.is_possible()
    assert "Seccomp:\t0" in Path("/proc/self/status").read_text(encoding="utf-8")


def test_a_child_is_not_told_any_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "s3cret")
    monkeypatch.setenv("DATABASE_URL", "postgres://me:s3cret@db/site")
    child = bad()

    found = child.call("environment", returns=dict[str, str])

    assert "s3cret" not in str(found)
    assert "PATH" in found
    child.kill()


def test_a_child_outlives_the_thread_that_asked_for_it() -> None:
    with ThreadPoolExecutor(1) as threads:
        child = threads.submit(bad).result()

    time.sleep(0.3)

    assert child.call("count", 0, returns=str) == "done"
    child.kill()


@pytest.mark.parametrize("busy", ["hang", "hold_all_threads"])
def test_no_child_outlives_its_parent(busy: str) -> None:
    parent = (
        "import os, threading\n"
        "from video_classifier.ml.isolation.children import Child\n"
        "child = Child('tests.ml.isolation.bad_child', '0', '1', '0', errors={})\n"
        "print(child.call('pid', returns=int), flush=True)\n"
        f"call = threading.Thread(target=child.call, args=({busy!r},), kwargs={{'returns': int}})\n"
        "call.start()\n"
        "call.join(0.5)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", parent], capture_output=True, text=True, check=False, timeout=120
    )

    assert gone(int(done.stdout))


def gone(pid: int) -> bool:
    try:
        psutil.Process(pid).wait(timeout=60)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True
