"""`manage.py watch_cameras` as a real process, and as a child of the web server."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.conftest import MakeStore, Migrated
from tests.services.test_watching import make_feed
from tests.site.test_run_worker import ROOT, Site
from video_classifier.management.commands.watch_cameras import Command
from video_classifier.ml.isolation import confinement
from video_classifier.models import Feed
from video_classifier.services import files, watcher_process, watching
from video_classifier.services.watcher_process import WatcherProcess

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
PATIENCE = 60.0
MIGRATIONS = ROOT / "video_classifier/migrations"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, migrated: Migrated) -> Site:
    return Site(migrated(tmp_path_factory.mktemp("site") / "data"))


def watch(site: Site, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "watch_cameras", *words],
        cwd=ROOT,
        env=site.settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(site: Site, number: int) -> None:
    with watch(site, "--most", "3") as process:
        try:
            assert process.stdout is not None
            assert "at most 3 cameras" in process.stdout.readline()
            process.send_signal(number)
            said, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()

    assert process.returncode == 0
    assert "handed back" in said


def test_it_does_not_start_with_an_old_database(site: Site) -> None:
    *_, last_but_one, _ = sorted(MIGRATIONS.glob("0*.py"))
    site.run("manage.py", "migrate", "--skip-checks", "video_classifier", last_but_one.stem)

    with watch(site) as process:
        said, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 2
    assert "manage.py migrate" in said


def test_nonsense_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("watch_cameras", "--help")
    assert "70" in capsys.readouterr().out


# As a child


@pytest.fixture
def parent() -> Iterator[WatcherProcess]:
    made = WatcherProcess(lambda: [sys.executable, "-c", SLEEPER])
    yield made
    made.stop()


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    return make_feed(make_store)


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.usefixtures("feed")
def test_the_child_is_started_once_a_camera_is_enabled(parent: WatcherProcess) -> None:
    Feed.objects.update(is_enabled=False)
    parent.look()
    assert not parent.is_running

    Feed.objects.update(is_enabled=True)
    parent.look()
    parent.look()

    assert parent.is_running


@pytest.mark.usefixtures("feed")
def test_there_are_never_two(parent: WatcherProcess, settings: Settings) -> None:
    """Not even where a server was killed, and its child runs on."""
    parent.look()
    other = WatcherProcess(lambda: [sys.executable, "-c", SLEEPER])

    other.look()

    assert not other.is_running
    parent.stop()
    with (Path(settings.DATA_DIR) / watcher_process.LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the child had it, and it is gone


@pytest.mark.usefixtures("feed")
def test_a_child_that_dies_is_started_again_after_a_growing_pause() -> None:
    parent = WatcherProcess(lambda: [sys.executable, "-c", "raise SystemExit(70)"])

    for pause in (1, 2, 5):
        parent.look()
        until(lambda: not parent.is_running)
        began = time.monotonic()
        parent.look()
        assert began + pause <= parent._not_before <= time.monotonic() + pause
        parent._not_before = 0.0

    parent.stop()


@pytest.mark.usefixtures("feed")
def test_it_ends_once_no_camera_is_left_and_no_clip_waits(
    parent: WatcherProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent.look()
    Feed.objects.update(is_enabled=False)
    parent.look()
    assert parent.is_running  # somebody may just be changing their mind

    waiting = files.waiting_folder(uuid4())
    waiting.mkdir(parents=True)
    monkeypatch.setattr(watcher_process, "UNWANTED_SECONDS", -1.0)
    parent.look()
    assert parent.is_running
    waiting.rmdir()
    parent.look()

    assert not parent.is_running


@pytest.mark.usefixtures("feed")
def test_it_ends_with_the_server(parent: WatcherProcess) -> None:
    parent.look()
    child = parent._child
    assert child is not None

    parent.stop()

    assert child.returncode == -signal.SIGTERM


POLITE = """
import pathlib, signal, sys, time
from video_classifier.ml.isolation import confinement

confinement.die_with_parent()

def end(*_):
    time.sleep(0.5)  # as long as it takes to close events
    pathlib.Path(sys.argv[1]).write_text("handed back")
    sys.exit()

signal.signal(signal.SIGTERM, end)
pathlib.Path(sys.argv[2]).touch()
time.sleep(60)
"""


def test_it_has_time_to_end_in_good_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the kernel kills it with the thread that has started it."""
    monkeypatch.setattr(watching, "is_wanted", lambda: True)
    farewell, ready = tmp_path / "farewell", tmp_path / "ready"
    words = [sys.executable, "-c", POLITE, str(farewell), str(ready)]
    parent = WatcherProcess(lambda: words)
    parent.start()
    until(ready.exists)

    parent.stop()

    assert farewell.read_text() == "handed back"


def test_a_child_whose_server_ended_while_it_started_ends_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The kernel kills it with its server only once it has asked for that."""
    monkeypatch.setattr(confinement, "die_with_parent", lambda: None)
    monkeypatch.setattr(os, "getppid", lambda: 1)
    monkeypatch.setattr(Command, "check", lambda *_, **__: pytest.fail("it goes on"))

    call_command("watch_cameras", child=os.getpid())


def test_the_site_may_have_watchers_of_its_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    monkeypatch.setattr(WatcherProcess, "start", lambda _: started.append(1))

    settings.WATCHER = "none"
    watcher_process.start()
    assert started == []

    settings.WATCHER = "child"
    watcher_process.start()
    assert started == [1]


@pytest.mark.django_db
def test_a_watcher_is_wanted_while_a_camera_is_enabled(feed: Feed) -> None:
    assert watching.is_wanted()

    Feed.objects.filter(pk=feed.pk).update(is_enabled=False)

    assert not watching.is_wanted()
