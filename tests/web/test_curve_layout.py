"""Where ticks, peaks and labels of the score curve stand."""

from __future__ import annotations

import pytest

from video_classifier.ml.contracts import EventCandidate
from video_classifier.web.curve_layout import (
    MOST_INTERVALS,
    Peak,
    Place,
    Span,
    ThresholdLabel,
    peaks,
    ticks,
)


def candidate(peak: float, score: float, track: int | None = 1) -> EventCandidate:
    return EventCandidate(start=peak - 1, end=peak + 1, peak=peak, score=score, track=track)


@pytest.mark.parametrize(
    ("length", "seconds"),
    [
        (0.4, [0]),
        (3.0, [0, 1, 2, 3]),
        (9.9, [0, 2, 4, 6, 8]),
        (30.0, [0, 10, 20, 30]),
        (95.0, [0, 30, 60, 90]),
        (3600.0, [0, 900, 1800, 2700, 3600]),
    ],
)
def test_ticks_are_at_round_moments(length: float, seconds: list[int]) -> None:
    assert [tick.seconds for tick in ticks(length)] == seconds


@pytest.mark.parametrize("length", [1.0, 7.3, 61.0, 5000.0, 100_000.0])
def test_there_are_no_more_ticks_than_fit(length: float) -> None:
    found = ticks(length)

    assert len(found) <= MOST_INTERVALS + 1
    assert all(0 <= tick.left <= 1 for tick in found)


@pytest.mark.parametrize(("left", "anchor"), [(0, "start"), (0.5, "middle"), (1, "end")])
def test_labels_stay_inside(left: float, anchor: str) -> None:
    assert Place(left=left).anchor == anchor


def test_of_two_peaks_close_together_the_higher_is_named() -> None:
    low, high = candidate(5.0, 0.70, track=1), candidate(5.2, 0.75, track=2)

    found = peaks([(low, 0.30, low.track), (high, 0.25, high.track)], 30.0)

    assert [(peak.number, peak.left) for peak in found] == [(2, 5.2 / 30), (None, 5.0 / 30)]


def test_peaks_apart_are_all_named() -> None:
    found = peaks(
        [(candidate(5.0, 0.7, track=1), 0.3, 1), (candidate(9.0, 0.7, track=2), 0.3, 2)], 30.0
    )

    assert [peak.number for peak in found] == [1, 2]


def label(threshold: float, *spans: Span, peaks: tuple[Peak, ...] = ()) -> ThresholdLabel:
    return ThresholdLabel(threshold=threshold, spans=spans, peaks=peaks)


def test_the_threshold_has_its_label_at_the_end_unless_a_line_is_there() -> None:
    at_end, at_start = Span(left=0.8, right=1, top=0.35), Span(left=0, right=0.3, top=0.35)

    assert label(0.6).place.anchor == "end"
    assert label(0.6, at_end).place.anchor == "start"
    assert label(0.6, at_start).place.anchor == "end"


def test_a_line_below_the_threshold_is_not_in_the_way() -> None:
    assert label(0.6, Span(left=0.8, right=1, top=0.45)).place.anchor == "end"


def test_the_number_of_a_track_below_the_threshold_is_in_the_way() -> None:
    peak = Peak(of=candidate(8, 0.55), left=0.8, top=0.45, number=3)

    assert label(0.6, peaks=(peak,)).place.anchor == "start"


@pytest.mark.parametrize(("threshold", "is_below"), [(0.01, False), (0.85, False), (0.99, True)])
def test_the_label_of_a_threshold_at_the_top_stands_below(threshold: float, is_below: bool) -> None:  # noqa: FBT001
    assert label(threshold).is_below is is_below
