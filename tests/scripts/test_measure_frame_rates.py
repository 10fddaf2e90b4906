"""Frame rates are compared on copies that are what they say, and counterparts are in one place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scripts import measure_frame_rates
from scripts.measure_frame_rates import WAYS, Followed, Line, chosen, counterpart
from tests.makers import crowd, videos
from tests.makers.crowd import Way, standing, walking
from tests.ml.conftest import OF_PERSONS, write_bundle
from video_classifier.ml.contracts import LABELS, Box, Track
from video_classifier.ml.data import manifest
from video_classifier.ml.data.manifest import Entry, ManifestError
from video_classifier.ml.persons import loading
from video_classifier.ml.video import decoding
from video_classifier.ml.video.reel import open_reel
from video_classifier.ml.video.scaling import FitWithin

HEAD = "path,label,source,note\n"


def track(way: Way, start: float = 0.0, end: float = 6.0) -> Track:
    times = tuple(np.arange(start, end, 0.5).tolist())
    boxes = [way(time) or Box(left=0, top=0, right=1, bottom=1) for time in times]
    return Track(times=times, boxes=tuple(boxes))


def numbers(clip: Path) -> list[int]:
    fit = FitWithin(width=64, height=48)
    seen = open_reel(clip, rate=1000).map(lambda _, frame: videos.number_of(fit(frame))).values
    return list(seen.values())


@pytest.mark.parametrize(
    ("way", "expected"), [("as taken", [0, 10, 20]), ("filter `fps`", [4, 14, 24])]
)
def test_copies_have_the_pictures_of_their_rate(
    tmp_path: Path, way: str, expected: list[int]
) -> None:
    clip = videos.write(tmp_path / "clip.mp4", 30, rate=30)

    copy = WAYS[way](clip, tmp_path / "copy.mp4", 3)

    assert numbers(copy)[:3] == expected
    assert np.diff(decoding.decoded_timeline(copy).ticks) == pytest.approx(
        1 / 3 / float(decoding.decoded_timeline(copy).time_base)
    )


def test_a_counterpart_is_in_the_same_place_for_half_of_the_time() -> None:
    somebody = track(walking(0.1, speed=0.05))

    assert counterpart(somebody, [track(standing(0.9)), somebody]) is somebody
    assert counterpart(somebody, [track(walking(0.1, speed=0.05), 0, 3.5)])
    assert counterpart(somebody, [track(walking(0.1, speed=0.05), 0, 2.5)]) is None
    assert counterpart(somebody, [track(walking(0.17, speed=0.05))]) is None
    assert counterpart(somebody, []) is None


def entry(clip: Path, number: int, label: str, **facts: str) -> Entry:
    return Entry(path=clip, name=str(number), label=label, group="", source="lab", **facts)


def test_six_clips_of_each_label_are_spread_over_the_manifest(tmp_path: Path) -> None:
    clip = crowd.write(tmp_path / "a.mp4", seconds=6)
    entries = [entry(clip, number, label) for label in LABELS for number in range(24)]

    once, between = (chosen(entries, "lab", between=between) for between in (False, True))

    assert [one.label for one in once] == [label for label in LABELS for _ in range(6)]
    assert [one.name for one in once] == ["0", "4", "8", "12", "16", "20"] * 2
    assert [one.name for one in between] == ["2", "6", "10", "14", "18", "22"] * 2


def test_short_clips_and_those_with_a_note_are_left_out(tmp_path: Path) -> None:
    short = crowd.write(tmp_path / "short.mp4", seconds=3)
    long = crowd.write(tmp_path / "long.mp4", seconds=6)
    entries = [
        one
        for label in LABELS
        for number in range(12)
        for one in (
            entry(short, -1, label),
            entry(long, -2, label, note="leave out"),
            entry(long, number, label),
        )
    ]

    assert [one.name for one in chosen(entries, "lab")] == ["0", "2", "4", "6", "8", "10"] * 2


def test_too_few_clips_are_a_sentence(tmp_path: Path) -> None:
    crowd.write(tmp_path / "a.mp4", seconds=6)
    (tmp_path / "m.csv").write_text(HEAD + "a.mp4,shoplifter,lab,\n")

    with pytest.raises(ManifestError, match="0 clips of lab that are labelled non_shoplifter"):
        chosen(manifest.read(tmp_path / "m.csv"), "lab")


def test_a_line_counts_who_is_followed_and_how_scores_change() -> None:
    one, other = track(standing(0.1)), track(standing(0.6))
    own = Followed(tracks=(one, other), score=0.6, is_hint=True)
    followed = Followed(tracks=(one,), score=0.25, is_hint=False)

    drawn = measure_frame_rates._table([Line(rate=3, way="as taken", pairs=((own, followed),))])

    assert "| 3 | as taken | 1 | 1 of 2 (50%) | 0.350 | 0.350 | 1 → 0 |" in drawn


@pytest.mark.keras
def test_the_figures_are_put_into_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loading, "load", lambda _: crowd.Spotter())
    monkeypatch.setattr(measure_frame_rates, "OF_EACH_LABEL", 1)
    write_bundle(tmp_path / "models" / "whole")
    model = write_bundle(tmp_path / "models" / "persons", spec=OF_PERSONS)
    crowd.write(tmp_path / "a.mp4", walking(0.1, speed=0.1), seconds=6, rate=30)
    rows = [f"a.mp4,{label},lab,\n" for label in ("shoplifter", "non_shoplifter")] * 2
    (tmp_path / "m.csv").write_text(HEAD + "".join(rows))
    page = tmp_path / "page.md"
    page.write_text("<!-- frame_rates: begin -->\n<!-- frame_rates: end -->\n")
    options = ["--manifest", str(tmp_path / "m.csv"), "--model", str(model), "--source", "lab"]

    code = measure_frame_rates.main([*options, "--rates", "3", "--write", str(page)])

    assert code == 0
    assert "| 3 | as taken | 2 | 2 of 2 (100%) |" in page.read_text()
    assert "2 of 2" in capsys.readouterr().out
