"""Tracks are counted where one person is alone, and clips are missed where somebody is."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import measure_tracks
from scripts.measure_tracks import Followed, line
from tests.makers import crowd
from tests.makers.crowd import Spotter, standing
from video_classifier.ml.contracts import Box, Track

HEAD = "path,label,note\n"


def track(start: float, end: float) -> Track:
    return Track(times=(start, end), boxes=(Box(left=0, top=0, right=0.5, bottom=1),) * 2)


def followed(*tracks: Track, folder: str = "mnnit", seconds: float = 10.0) -> Followed:
    return Followed(folder, seconds, tracks)


def test_tracks_and_seconds_are_those_of_clips_that_show_one_person() -> None:
    measured = line(
        "own",
        [
            followed(track(0, 4), track(3, 6)),
            followed(track(0, 10)),
            followed(track(0, 1), folder="street"),
        ],
    )

    assert measured.tracks == 1.5
    assert measured.followed == pytest.approx(16 / 20)


def test_clips_in_which_nobody_is_found_are_counted_by_folder() -> None:
    clips = [followed(), followed(track(0, 1)), followed(folder="street")]

    assert line("own", clips).overlooked == {"mnnit": (1, 2), "street": (1, 1)}


def test_clips_that_show_nobody_or_have_no_label_are_left_out(tmp_path: Path) -> None:
    table = tmp_path / "clips.csv"
    empty = next(iter(measure_tracks.EMPTY))
    table.write_text(
        f"{HEAD}mnnit/a.mp4,shoplifter,\nmnnit/b.mp4,non_shoplifter,no shopper in view\n"
        f"mnnit/c.mp4,,\n{empty},non_shoplifter,\n"
    )

    assert [clip.name for clip in measure_tracks.showing_somebody(table)] == ["mnnit/a.mp4"]


def test_a_person_who_stands_there_is_one_track_for_all_of_the_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mnnit").mkdir()
    crowd.write(tmp_path / "mnnit" / "a.mp4", standing(0.4), seconds=3)
    (tmp_path / "clips.csv").write_text(f"{HEAD}mnnit/a.mp4,shoplifter,\n")
    (tmp_path / "page.md").write_text("<!-- tracks: begin -->\n<!-- tracks: end -->\n")
    monkeypatch.setattr("scripts.measure_tracks.detectors.load", lambda _: Spotter())

    told = [str(tmp_path / "clips.csv"), "--write", str(tmp_path / "page.md")]
    assert measure_tracks.main(told) == 0

    row = "| own | 1.00 | 97% | 0 of 1 |"
    assert row in capsys.readouterr().out
    assert row in (tmp_path / "page.md").read_text()


def test_a_table_that_is_not_there_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure_tracks.main([str(tmp_path / "clips.csv")]) == 2

    assert "clips.csv can't be read" in capsys.readouterr().err
