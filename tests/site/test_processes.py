"""Several web processes of one server: one does the jobs, and hears at once of new ones."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests

from scripts._lib.site_under_test import Site
from shoplift_site import processes
from shoplift_site.arrivals import SETTLED_SECONDS
from tests.conftest import Migrated
from tests.makers import videos

MODEL = "conv3d"  # the smallest
PATIENCE = 180.0  # seconds: a busy machine loads TensorFlow slowly
SENT = re.compile(r'shoplift_request_seconds_count\{method="GET",status="2xx"\} (\d+)')


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    ends = processes.make_bell()
    for name in (processes.LISTENS, processes.RINGS):
        monkeypatch.delenv(name, raising=False)
    yield ends
    os.close(ends[1])  # which ends the thread that listens


def test_the_first_listens_and_keeps_its_settings(bell: tuple[int, int]) -> None:
    environment = {"RUNNER": "thread", "WATCHER": "child"}

    processes.settle_in(environment, bell, first=True)

    assert environment == {"RUNNER": "thread", "WATCHER": "child", "BELL_LISTENS": str(bell[0])}


@pytest.mark.parametrize(
    ("given", "runner"),
    [({}, "none"), ({"RUNNER": "thread"}, "none"), ({"RUNNER": "celery"}, "celery")],
)
def test_others_do_no_jobs_and_watch_nothing(
    bell: tuple[int, int], given: dict[str, str], runner: str
) -> None:
    environment = dict(given)

    processes.settle_in(environment, bell, first=False)

    assert environment == {"RUNNER": runner, "WATCHER": "none", "BELL_RINGS": str(bell[1])}


def test_the_first_looks_when_another_rings(
    bell: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()
    told: list[Callable[[str], None]] = []
    monkeypatch.setenv(processes.LISTENS, str(bell[0]))
    processes.connect(look=looked.set, tell=told.append)
    monkeypatch.delenv(processes.LISTENS)
    monkeypatch.setenv(processes.RINGS, str(bell[1]))
    processes.connect(look=looked.set, tell=told.append)

    told[0]("segments")

    assert looked.wait(30)


def test_a_bell_that_nobody_hears_holds_nobody_up(
    bell: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Callable[[str], None]] = []
    monkeypatch.setenv(processes.RINGS, str(bell[1]))
    processes.connect(look=lambda: None, tell=told.append)

    for _ in range(100_000):  # more than a pipe holds
        told[0]("segments")


def test_one_process_has_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Callable[[str], None]] = []

    processes.connect(look=lambda: None, tell=told.append)

    assert not told


SERVER = """
import os, pathlib, sys, time
from shoplift_site import processes
processes.MEMORY = pathlib.Path(sys.argv[1])
processes.make_folder_of_figures()
if beside := os.fork():
    print(beside, flush=True)
time.sleep(600)
"""


def test_a_folder_of_figures_is_swept_once_all_of_a_killed_server_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "MEMORY", tmp_path)
    main = subprocess.Popen(
        [sys.executable, "-c", SERVER, tmp_path], stdout=subprocess.PIPE, text=True
    )
    with main:
        assert main.stdout is not None
        beside = int(main.stdout.readline())
        main.kill()

    try:
        (folder,) = tmp_path.iterdir()
        (folder / "gauge_1.db").touch()
        processes.sweep_figures()
        assert list(tmp_path.iterdir()) == [folder]
    finally:
        os.kill(beside, signal.SIGKILL)

    def is_swept() -> bool:
        processes.sweep_figures()
        return not list(tmp_path.iterdir())

    wait_until(is_swept)


def test_figures_are_on_the_disk_only_where_memory_is_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "MEMORY", tmp_path)
    assert processes._place() == tmp_path
    monkeypatch.setattr(processes, "MEMORY", tmp_path / "none")

    assert processes._place() == Path(tempfile.gettempdir())


@pytest.fixture
def site(tmp_path: Path, migrated: Migrated) -> Iterator[Site]:
    site = Site(migrated(tmp_path / "data"), WEB_PROCESSES="2", WATCHER="none")
    site.start()
    site.sign_in()
    yield site
    site.stop()


def servers(site: Site) -> list[psutil.Process]:
    """Without gunicorn's main one."""
    return [each for each in site.processes()[1:] if is_called(each, "gunicorn")]


def workers(site: Site) -> list[psutil.Process]:
    """Of them those that have scored something."""
    return [
        each
        for each in servers(site)
        if any(is_called(child, "scorer_process") for child in each.children())
    ]


def is_called(process: psutil.Process, name: str) -> bool:
    with suppress(psutil.NoSuchProcess):  # or it has just ended
        return name in " ".join(process.cmdline())
    return False


def is_ended(site: Site) -> bool:
    """Whether the answer on the browser's connection says that it was the last."""
    answer = site.browser.get(f"{site.address}/healthz", timeout=PATIENCE)
    return answer.headers.get("Connection") == "close"


def wait_until(reached: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.long
@pytest.mark.keras
def test_all_serve_one_analyzes_and_another_takes_its_place(site: Site, tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "clip.mp4", 60).read_bytes()
    wait_until(lambda: len(servers(site)) == 2)

    for _ in range(10):  # each by a connection of its own
        assert requests.get(f"{site.address}/healthz", timeout=PATIENCE).ok
    wait_until(lambda: not is_ended(site))  # of one that is new
    time.sleep(SETTLED_SECONDS)
    assert is_ended(site)
    figures = requests.get(f"{site.address}/metrics", timeout=PATIENCE).text
    found = SENT.search(figures)
    assert found
    assert int(found[1]) >= 10
    assert site.upload("clip.mp4", clip, model=MODEL).ok
    wait_until(lambda: not site.unfinished())
    (first,) = workers(site)
    first.kill()
    wait_until(lambda: first not in servers(site) and len(servers(site)) == 2)

    assert site.upload("clip.mp4", clip, model=MODEL).ok

    wait_until(lambda: not site.unfinished())
    assert site.rows("SELECT DISTINCT status FROM video_classifier_segment") == [("done",)]
    assert len(workers(site)) == 1
