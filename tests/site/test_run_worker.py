"""`manage.py run_worker` as a real process on a real database file."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Migrated
from tests.makers import videos

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60.0  # seconds

# Clips that are to be analyzed and copied; their ids.
QUEUE = """
import sys, django; django.setup()
from pathlib import Path
from django.core.files.base import ContentFile
from video_classifier.models import BrowserCopy, Clip, Store
from video_classifier.services import analyses, copies
video, version, clips, model = sys.argv[1:]
for _ in range(int(clips)):
    clip = Clip.objects.create(
        name="door.avi", file=ContentFile(Path(video).read_bytes(), name="clip.avi"),
        sha256="0" * 64, size_bytes=1, container="avi", codec="mjpeg", width=64, height=48,
        duration=2.0, playback="wanted", store=Store.objects.get(),
    )
    analyses.enqueue(clip, model=model, user=None)
    copies.want(clip)
    BrowserCopy.objects.filter(clip=clip).update(version=int(version))
    print(clip.pk.hex)
"""

# An alert to a channel that was deleted; the id of its delivery.
ALERT = """
import django; django.setup()
from django.utils import timezone
from video_classifier.models import Alert, Delivery
alert = Alert.objects.create(kind="disk", happened_at=timezone.now())
print(Delivery.objects.create(alert=alert, channel_name="Office", channel_kind="email").pk.hex)
"""


class Site:
    """A site with data of its own, and workers of its own."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.settings = os.environ | {
            "DATA_DIR": str(data),
            "RUNNER": "none",
            "DJANGO_SETTINGS_MODULE": "shoplift_site.settings",
        }

    def run(self, *words: str) -> str:
        command = [sys.executable, *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self.settings, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def queue(self, video: Path, *, version: int = 1, clips: int = 1, model: str = "conv3d") -> str:
        """The ids of so many clips with these bytes, each with an analysis and a copy queued."""
        return self.run("-c", QUEUE, str(video), str(version), str(clips), model)

    def worker(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "manage.py", "run_worker", *words],
            cwd=ROOT,
            env=self.settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def status(self, kind: str, key: str) -> tuple[str, int]:
        """Of the job of the clip with that id, and how often it was tried."""
        analyses = "SELECT id FROM video_classifier_analysis WHERE clip_id = ?"
        of_clip = {"segment": f"analysis_id IN ({analyses})", "browsercopy": "clip_id = ?"}[kind]
        query = f"SELECT status, attempts FROM video_classifier_{kind} WHERE {of_clip}"  # noqa: S608
        with closing(sqlite3.connect(self._data / "db.sqlite3")) as database:
            status, attempts = database.execute(query, (key,)).fetchone()
        return status, attempts

    def delivery(self, key: str) -> str:
        """The status of the one with that id."""
        query = "SELECT status FROM video_classifier_delivery WHERE id = ?"
        with closing(sqlite3.connect(self._data / "db.sqlite3")) as database:
            (status,) = database.execute(query, (key,)).fetchone()
        return str(status)


@pytest.fixture
def site(tmp_path: Path, migrated: Migrated) -> Site:
    return Site(migrated(tmp_path / "data"))


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return videos.write(tmp_path / "made.avi", 60, codec="mjpeg", pixels="yuvj420p")


@pytest.fixture
def started(site: Site) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts workers, and ends what a test left running."""
    processes: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        processes.append(site.worker(*words))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        with process:  # closes its output
            pass


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    process.send_signal(number)
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    return output


@pytest.mark.keras
def test_a_worker_does_every_kind_of_job_and_says_so(
    site: Site, video: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    clip = site.queue(video)

    process = started()
    until(lambda: site.status("browsercopy", clip)[0] == "done")
    output = end(process)

    assert site.status("segment", clip) == ("done", 1)
    assert output.count(": done after") == 2


@pytest.mark.keras
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_ended_puts_its_job_back(
    site: Site, tmp_path: Path, started: Callable[..., subprocess.Popen[str]], number: int
) -> None:
    # To look for people in minutes of pictures takes seconds: it is ended in the middle.
    long = videos.write(tmp_path / "long.avi", 5400, codec="mjpeg", pixels="yuvj420p")
    clip = site.queue(long, model="i3d_person")

    process = started()
    until(lambda: site.status("segment", clip)[0] == "running")
    output = end(process, number)

    assert site.status("segment", clip) == ("queued", 1)
    assert "is queued again" in output


def test_a_worker_that_was_frozen_for_a_while_can_be_ended(
    site: Site, started: Callable[..., subprocess.Popen[str]]
) -> None:
    """The system may hand the signal to any thread; Python acts on it in the first one only."""
    workers = [started("--kinds", "copies") for _ in range(4)]
    for worker in workers:
        assert worker.stdout is not None
        assert "does copies" in worker.stdout.readline()
        worker.send_signal(signal.SIGSTOP)
    time.sleep(0.5)

    for worker in workers:  # each of them first: one may have been frozen in a transaction
        worker.send_signal(signal.SIGCONT)
    for worker in workers:
        end(worker)


def test_a_worker_does_only_the_kinds_that_it_is_for_and_no_newer_ones(
    site: Site, video: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    newer, known = site.queue(video, version=99), site.queue(video)

    process = started("--kinds", "copies")
    until(lambda: site.status("browsercopy", known)[0] == "done")
    end(process)

    assert site.status("segment", known) == ("queued", 0)
    assert site.status("browsercopy", newer) == ("queued", 0)


def test_a_worker_sends_alerts_beside_its_jobs_if_it_is_to(
    site: Site, video: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    delivery = site.run("-c", ALERT)
    clip = site.queue(video)

    process = started("--kinds", "copies")
    until(lambda: site.status("browsercopy", clip)[0] == "done")
    end(process)
    assert site.delivery(delivery) == "queued"

    process = started("--kinds", "alerts")
    until(lambda: site.delivery(delivery) == "cancelled")
    assert "Worker" in end(process)


def test_two_workers_make_each_copy_once(
    site: Site, video: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    clips = site.queue(video, clips=8).split()
    workers = [started("--kinds", "copies") for _ in range(2)]

    until(lambda: all(site.status("browsercopy", clip)[0] == "done" for clip in clips))
    output = "".join(end(worker) for worker in workers)

    assert {site.status("browsercopy", clip) for clip in clips} == {("done", 1)}
    assert output.count(": done after") == len(clips)


@pytest.mark.keras
def test_what_a_killed_worker_ran_is_done_by_another(
    site: Site, video: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    site.settings |= {"ANALYSIS_LEASE": "3", "ANALYSIS_HEARTBEAT": "1"}
    clip = site.queue(video)
    killed = started("--kinds", "segments")
    until(lambda: site.status("segment", clip)[0] == "running")
    killed.kill()

    other = started("--kinds", "segments")
    until(lambda: site.status("segment", clip)[0] == "done")
    end(other)

    assert site.status("segment", clip) == ("done", 2)


def test_help_has_an_example_and_an_unknown_kind_is_refused(site: Site) -> None:
    assert "run_worker --kinds heat_maps,copies" in site.run("manage.py", "run_worker", "--help")

    process = site.worker("--kinds", "poems")
    output, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 2
    assert "there is no kind “poems”" in output


# `manage.py run_worker`, which waits for the database for no more than a moment.
IMPATIENT = """
import django; django.setup()
from django.core import management
from video_classifier.services import database
database.START_SECONDS = 0.1
management.execute_from_command_line(["manage.py", "run_worker"])
"""


@pytest.mark.long
def test_without_a_database_that_it_can_use_a_worker_says_what_to_do_and_ends(
    tmp_path: Path,
) -> None:
    def run(**environment: str) -> tuple[int, str]:
        usual = {"DATA_DIR": str(tmp_path), "DATABASE_URL": ""}
        usual["DJANGO_SETTINGS_MODULE"] = "shoplift_site.settings"
        done = subprocess.run(
            [sys.executable, "-c", IMPATIENT],
            cwd=ROOT,
            env=os.environ | usual | environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        return done.returncode, done.stderr

    code, output = run()
    assert (code, "Run `manage.py migrate`" in output) == (2, True)

    code, output = run(DATABASE_URL="postgres://nobody:nothing@127.0.0.1:1/shoplift")
    assert (code, "The database can't be reached" in output) == (1, True)
    assert "waiting for the database" in output
    assert "Traceback" not in output
