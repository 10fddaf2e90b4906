"""An analysis in child processes is timed beside the same one in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmark import isolated
from tests.makers import videos
from tests.ml.conftest import write_bundle


@pytest.mark.keras
def test_both_ways_are_timed_by_turns(tmp_path: Path) -> None:
    model = write_bundle(tmp_path / "whole")
    clip = videos.write(tmp_path / "clip.mp4", 20)
    ticks: list[None] = []

    both = isolated.measure(model, tmp_path, [clip], 2, lambda: ticks.append(None))

    assert both.names == ("in_process", "in_children")
    assert both.one["whole"] > 0
    assert both.other["whole"] > 0
    assert len(ticks) == 2
