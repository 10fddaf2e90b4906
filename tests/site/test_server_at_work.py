"""The site as shipped, while it analyzes: what its web process holds, and how it stops."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from scripts._lib.site_under_test import Site
from tests.conftest import Migrated
from tests.makers import videos

pytestmark = pytest.mark.keras

MODEL = "conv3d"  # the smallest
LONG = 5400  # frames
PATIENCE = 180.0  # seconds: a busy machine loads TensorFlow slowly
HEAVY = ("tensorflow", "cv2", "libav")


@pytest.fixture
def site(tmp_path: Path, migrated: Migrated) -> Iterator[Site]:
    site = Site(migrated(tmp_path / "data"))
    site.start()
    site.sign_in()
    yield site
    site.stop()


def clip(folder: Path, *, frames: int = 60) -> bytes:
    return videos.write(folder / "clip.mp4", frames).read_bytes()


def statuses(site: Site) -> list[str]:
    """Of all segments."""
    return [status for (status,) in site.rows("SELECT status FROM video_classifier_segment")]


def wait_for(site: Site, reached: Callable[[list[str]], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not reached(statuses(site)):
        assert time.monotonic() < until, statuses(site)
        time.sleep(0.05)


def all_done(found: list[str]) -> bool:
    return set(found) == {"done"}


def test_the_web_process_never_loads_what_reads_and_scores(site: Site, tmp_path: Path) -> None:
    assert site.upload("clip.mp4", clip(tmp_path), model=MODEL).ok

    wait_for(site, all_done)

    mapped = {Path(each.path).name for each in site.worker().memory_maps()}
    assert not [name for name in mapped if any(heavy in name for heavy in HEAVY)]
    children = [" ".join(each.cmdline()) for each in site.worker().children(recursive=True)]
    assert {"scorer_process" in each or "decoder_process" in each for each in children} == {True}


@pytest.mark.long
def test_a_stop_in_the_middle_ends_with_code_0_and_takes_all_children_along(
    site: Site, tmp_path: Path
) -> None:
    # It is cut in segments, and stopped while the first of them is looked at.
    site.upload("clip.mp4", clip(tmp_path, frames=LONG), model="i3d_person")
    wait_for(site, lambda found: "running" in found)
    children = site.worker().children(recursive=True)

    code = site.stop()

    assert code == 0
    assert "queued" in statuses(site)
    assert "running" not in statuses(site)
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive
    site.start()
    wait_for(site, all_done)
