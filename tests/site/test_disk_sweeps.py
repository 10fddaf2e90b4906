"""That each machine sweeps its own disk: with a web server alone, and with a watcher alone."""

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
from tests.site.test_run_worker import ROOT
from tests.site.test_run_worker import Site as Machine

PATIENCE = 60.0


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


def test_nor_does_a_watcher(data: Path, copy: Path) -> None:
    command = [sys.executable, "manage.py", "watch_cameras"]
    with subprocess.Popen(command, cwd=ROOT, env=Machine(data).settings) as process:
        try:
            until(lambda: not copy.exists())
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
