"""Each machine looks after its own disk: with a web server alone, and with a watcher alone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts._lib.site_under_test import Site
from tests.conftest import Migrated
from tests.makers import videos
from tests.site.test_run_worker import ROOT
from tests.site.test_run_worker import Site as Machine

PATIENCE = 60.0

# All of its bytes have come; then the server was killed, or the storage away.
WAITS = """
import sys, django
django.setup()
from pathlib import Path
from django.contrib.auth.models import User
from video_classifier.models import Store
from video_classifier.services import resumable, uploads
content = Path(sys.argv[1]).read_bytes()
store, user = Store.objects.get(), User.objects.get()
file = resumable.File(name="till.mp4", size=len(content))
choices = uploads.Choices(model="conv3d", store=store)
upload = resumable.create(file, user=user, choices=choices)
resumable.append(upload, [content], offset=0)
"""


@pytest.fixture
def data(tmp_path: Path, migrated: Migrated) -> Path:
    return migrated(tmp_path / "data")


@pytest.fixture
def copy(data: Path) -> Path:
    """Of a clip that another machine has erased."""
    (data / "copies").mkdir()
    made = data / "copies" / "clips%2F2026%2F11%2Fx.mp4"
    made.write_bytes(b"footage")
    return made


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_web_server_needs_no_worker_for_it(data: Path, copy: Path) -> None:
    site = Site(data, RUNNER="none", WATCHER="none", WEB_PROCESSES="2")
    site.start()
    try:
        until(lambda: not copy.exists())
    finally:
        site.stop()


def test_it_finishes_uploads_that_wait_there_too(data: Path, tmp_path: Path) -> None:
    video = videos.write(tmp_path / "till.mp4", 30)
    site = Site(data, RUNNER="none", WATCHER="none")
    Machine(data).run("-c", WAITS, str(video))
    assert site.rows("SELECT status FROM video_classifier_upload") == [("checking",)]

    site.start()
    try:
        until(lambda: site.rows("SELECT status FROM video_classifier_upload") == [("accepted",)])
    finally:
        site.stop()
    assert site.rows("SELECT name FROM video_classifier_clip") == [("till.mp4",)]


def test_nor_does_a_watcher(data: Path, copy: Path) -> None:
    command = [sys.executable, "manage.py", "watch_cameras"]
    with subprocess.Popen(command, cwd=ROOT, env=Machine(data).settings) as process:
        try:
            until(lambda: not copy.exists())
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
