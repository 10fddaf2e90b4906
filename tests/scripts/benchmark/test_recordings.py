"""Recordings of minutes and hours are timed beside decoding, and the tables go into a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts._lib import recordings as made
from scripts.benchmark import __main__ as benchmark
from scripts.benchmark import recordings
from scripts.benchmark.recordings import Analyzed, Measured, OfLength, Taken
from tests.makers import crowd, videos
from tests.makers.crowd import walking
from tests.ml.conftest import write_bundle

PAGE = "# Performance\n<!-- {0}: begin -->\nold\n<!-- {0}: end -->\n"


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "models" / "whole")
    return tmp_path / "models"


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Recordings of it are small."""
    for name, value in {"WIDTH": 64, "HEIGHT": 48, "RATE": 5}.items():
        monkeypatch.setattr(made, name, value)
    return crowd.write(tmp_path / "clip.mp4", walking(0.1, speed=0.07), seconds=10)


def rows(page: Path) -> list[list[str]]:
    lines = [line.strip("| ").split(" | ") for line in page.read_text().splitlines()]
    return [cells for cells in lines if len(cells) > 1][2:]


@pytest.mark.long
@pytest.mark.keras
def test_each_kind_of_recording_is_timed_beside_decoding(
    storage: Path, clip: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.format("recordings"))
    kept = tmp_path / "kept"

    options = ["--storage", str(storage), "--recordings", "--runs", "1", "--keep", str(kept)]
    assert benchmark.main([str(clip), *options, "--write", str(page)]) == 0

    found = rows(page)
    assert [row[0] for row in found] == list(recordings.KINDS)
    for _, model, minutes, *seconds, ratio, _, scoring, reading in found:
        assert (model, minutes) == ("`whole`", "2")
        assert [each.split()[1] for each in seconds] == ["s", "s", "s"]
        assert all(float(each.split()[0]) > 0 for each in (ratio, scoring, reading))
    assert (kept / "empty, 2 min.mp4").is_file()


@pytest.mark.long
@pytest.mark.keras
def test_lengths_are_analyzed_by_one_worker_and_by_two(
    storage: Path, clip: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.format("lengths"))

    options = ["--storage", str(storage), "--lengths", "4", "--segments", "2"]
    assert benchmark.main([str(clip), *options, "--write", str(page)]) == 0

    found = rows(page)
    assert [row[0] for row in found] == ["4", "4"]
    assert [row[3:5] for row in found] == [["1", "2 of 4"], ["2", "2 of 4"]]
    assert all(float(row[7].split()[0]) > 0 for row in found)


@pytest.mark.keras
def test_a_clip_that_cannot_be_read_is_a_sentence(
    storage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = videos.text(tmp_path / "notes.mp4", "buy milk")

    assert benchmark.main([str(clip), "--storage", str(storage), "--recordings"]) == 2
    assert "not a video" in capsys.readouterr().err


def test_seconds_are_those_of_a_minute_and_ratios_those_of_the_same_run() -> None:
    one = Measured(
        kind="empty",
        model="it",
        minutes=4,
        decoding=Taken(seconds=8.0, processor=10.0),
        analysis=Analyzed(
            seconds=10.0, processor=11.0, classifying=6.0, scoring=150.4, reading=90.0
        ),
    )

    assert recordings.table([one]).splitlines()[-1] == (
        "| empty | `it` | 4 | 2.00 s | 2.50 s | 1.50 s | 1.25 | 1.10 | 150 MB | 90 MB |"
    )


def test_a_length_has_its_packets_and_its_workers() -> None:
    analysis = Analyzed(seconds=18.0, processor=24.0, classifying=0.0, scoring=150.4, reading=90.0)
    one = OfLength(
        minutes=60,
        size=120.2,
        packets=3.0,
        segments=60,
        analyzed=12,
        workers=2,
        analysis=analysis,
    )

    assert recordings.table_of_lengths([one]).splitlines()[-1] == (
        "| 60 | 120 MB | 3.00 s | 2 | 12 of 60 | 1.50 s | 2.00 s | 150 MB | 90 MB |"
    )


def test_figures_of_several_runs_are_medians() -> None:
    taken = [Taken(seconds=seconds, processor=1.0) for seconds in (3.0, 9.0, 4.0)]

    assert recordings._median(taken) == Taken(seconds=4.0, processor=1.0)
