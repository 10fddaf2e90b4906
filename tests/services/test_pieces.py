"""A long file, analyzed outside the queue, comes to what the site makes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from tests.conftest import FakePredictor, followed
from video_classifier.ml.contracts import (
    WHOLE,
    Box,
    ClipFacts,
    Outcome,
    ScoredTrack,
    Span,
    WindowScore,
)
from video_classifier.ml.contracts import Track as Motion
from video_classifier.services import pieces, segments
from video_classifier.services.errors import Refused
from video_classifier.services.sandbox import ChildPredictor, ScorerDiedError

MINUTE = 60.0


def facts(minutes: int) -> ClipFacts:
    return ClipFacts(
        container="mp4",
        codec="h264",
        pixel_format="yuv420p",
        width=64,
        height=48,
        rotation=0,
        frame_rate=25.0,
        duration=MINUTE * minutes,
        size_bytes=1000,
        segment_spans=tuple((MINUTE * n, MINUTE * (n + 1)) for n in range(minutes))
        if minutes > 1
        else (),
    )


def standing(scores: dict[float, float], *, since: float, until: float) -> ScoredTrack:
    box = Box(left=0.1, top=0.2, right=0.3, bottom=0.8)
    times = tuple(since + 0.5 * n for n in range(round(2 * (until - since)) + 1))
    windows = tuple(WindowScore(start=at, end=at + 2, score=s) for at, s in scores.items())
    return replace(
        followed(max(scores.values())),
        track=Motion(times=times, boxes=(box,) * len(times)),
        windows=windows,
    )


class Spans(FakePredictor):
    """Gives each span what is planned for it: tracks, a score, or an error."""

    def __init__(self, *planned: Any) -> None:
        super().__init__()
        self._planned = planned
        self.seen: list[Span] = []

    def analyze(self, video: Path, *, span: Span = WHOLE, **facts: Any) -> Outcome:
        self.seen.append(span)
        planned = self._planned[len(self.seen) - 1]
        if isinstance(planned, Exception):
            raise planned
        if isinstance(planned, str):
            return FakePredictor(no_result=planned).analyze(video, span=span, **facts)
        if isinstance(planned, float):
            return FakePredictor(planned).analyze(video, span=span, **facts)
        return FakePredictor(tracks=planned).analyze(video, **facts)


def analyze(video: Path, *planned: Any) -> Outcome:
    predictor = Spans(*planned)
    return pieces.analyze(video, facts(len(planned)), cast("ChildPredictor", predictor))


@pytest.fixture
def video(tmp_path: Path) -> Path:
    made = tmp_path / "long.mp4"
    made.write_bytes(b"video")
    return made


def test_a_short_one_is_what_the_predictor_says(video: Path) -> None:
    assert analyze(video, 0.7).sample.times == (0.5, 1.5)
    assert len(analyze(video, (followed(0.7),)).tracks[0].images) == 2


def test_every_span_is_analyzed(video: Path) -> None:
    predictor = Spans(0.2, 0.7, 0.3)

    found = pieces.analyze(video, facts(3), cast("ChildPredictor", predictor))

    assert predictor.seen == [Span(0.0, 60.0), Span(60.0, 120.0), Span(120.0, 180.0)]
    assert found.prediction is not None
    assert found.prediction.score == 0.7
    assert [each.start for each in found.windows] == [0.0, 60.0, 120.0]
    assert [(each.start, each.score) for each in found.events] == [(60.0, 0.7)]
    assert found.sample.times == (60.5, 61.5)
    assert found.seconds_reading == pytest.approx(0.6)


def test_a_track_is_joined_over_the_border(video: Path) -> None:
    found = analyze(
        video,
        (standing({20.0: 0.2, 56.0: 0.6}, since=10, until=60),),
        (standing({58.0: 0.9}, since=58, until=90),),
    )

    (track,) = found.tracks
    assert (track.score, track.track.times[0], track.track.times[-1]) == (0.9, 10, 90)
    assert [each.start for each in track.windows] == [20.0, 56.0, 58.0]
    assert [(each.start, each.end, each.track) for each in found.events] == [(56.0, 60.0, 1)]
    assert (found.tracks_found, found.decided_by) == (1, 1)


def test_a_part_that_fails_is_named(video: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = analyze(video, 0.2, Refused("It is torn."), 0.3, ScorerDiedError("gone"))

    assert found.sample.warnings == (
        "From 1:00 to 2:00 there is no result. It is torn.",
        f"From 3:00 to 4:00 there is no result. {segments.BROKE}",
    )


def test_without_any_part_it_is_refused(video: Path) -> None:
    with pytest.raises(Refused, match="It is torn"):
        analyze(video, Refused("It is torn."), Refused("It is torn."))


def test_without_any_result_there_is_a_reason(video: Path) -> None:
    found = analyze(video, "There is nobody.", "It is black.")

    assert (found.prediction, found.no_result) == (None, "There is nobody.")
    assert found.events == ()


def test_a_part_without_a_result_leaves_the_others(video: Path) -> None:
    found = analyze(video, "There is nobody.", (standing({70.0: 0.9}, since=70, until=80),))

    assert found.prediction is not None
    assert found.prediction.is_hint
    assert found.no_result == ""
