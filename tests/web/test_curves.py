"""What the score curve shows of stored windows: each state, without a page."""

from __future__ import annotations

import json
from time import process_time

import pytest

from tests.conftest import MakeAnalysis, MakeTrack
from video_classifier.ml.contracts import EventCandidate, WindowScore
from video_classifier.services.moments import minutes
from video_classifier.states import Status, View
from video_classifier.web.curves import MOST_ROWS, Curve, Scored, curve_of, drawn

SECONDS = 2.0  # of a window


def scored(*scores: float, number: int | None = 1, since: float = 0.0) -> Scored:
    """A window a second."""
    windows = (
        WindowScore(start=since + at, end=since + at + SECONDS, score=score)
        for at, score in enumerate(scores)
    )
    return Scored(number=number, windows=tuple(windows))


def candidate_of(of: Scored) -> EventCandidate:
    best = of.best
    return EventCandidate(
        start=of.windows[0].start,
        end=of.windows[-1].end,
        peak=(best.start + best.end) / 2,
        score=best.score,
        track=of.number,
    )


def curve(
    *several: Scored,
    threshold: float = 0.6,
    duration: float | None = 10.0,
    decided_by: int | None = 1,
) -> Curve:
    found = drawn(
        several,
        [candidate_of(each) for each in several],
        threshold=threshold,
        duration=duration,
        decided_by=decided_by,
    )
    assert found is not None
    return found


def test_old_results_have_no_curve() -> None:
    old = [Scored(number=1, windows=()), Scored(number=2, windows=())]

    assert drawn(old, [], threshold=0.6, duration=10.0, decided_by=1) is None
    assert drawn([], [], threshold=0.6, duration=10.0, decided_by=None) is None


def test_a_single_window_a_track_says_nothing_that_the_score_does_not() -> None:
    single = [scored(0.7), scored(0.2, number=2)]

    assert drawn(single, [], threshold=0.6, duration=10.0, decided_by=1) is None


def test_without_a_threshold_there_is_no_curve() -> None:
    assert drawn([scored(0.7, 0.2)], [], threshold=None, duration=10.0, decided_by=1) is None


def test_a_track_with_one_window_shows_beside_one_with_several() -> None:
    assert len(curve(scored(0.7, 0.2), scored(0.1, number=2)).lines) == 2


def test_the_track_that_decided_lies_on_top_of_the_others() -> None:
    found = curve(scored(0.3, 0.2, number=1), scored(0.9, 0.1, number=2), decided_by=1)

    assert found.highest.of.name == "Track 1"
    assert [each.name for each in found.others] == ["Track 2"]


def test_whole_pictures_are_one_line() -> None:
    found = curve(scored(0.3, 0.2, number=None), decided_by=None)

    assert (found.highest.of.name, found.others) == ("Whole picture", [])


def test_the_axis_is_as_long_as_the_clip() -> None:
    assert curve(scored(0.3, 0.2), duration=12.5).length == 12.5


@pytest.mark.parametrize("duration", [None, 0.0, 1.0])
def test_windows_after_the_stated_end_still_show(duration: float | None) -> None:
    assert curve(scored(0.3, 0.2), duration=duration).length == 3.0


def test_candidates_from_the_threshold_on_are_events() -> None:
    found = curve(scored(0.6, 0.2), scored(0.59, 0.1, number=2))

    assert [each.track for each in found.events] == [1]
    assert found.has_lower_peaks
    assert [key.words for key in found.event_keys] == ["Event, 0:00 to 0:03: possible shoplifting"]
    assert [span.width for span in found.spans] == pytest.approx([0.3])


def test_many_events_are_counted() -> None:
    several = [scored(0.9, 0.2, number=number) for number in range(1, 8)]

    assert [key.words for key in curve(*several).event_keys] == ["7 events: possible shoplifting"]


def test_scores_of_exactly_0_and_1_are_drawn_at_the_edges() -> None:
    found = curve(scored(0.0, 1.0, 0.0))

    assert found.highest.path == "M0 100H150V0H250V100H400"
    assert [peak.top for peak in found.peaks] == [0.0]


@pytest.mark.parametrize("threshold", [0.001, 0.5, 0.999])
def test_a_threshold_at_the_edge_stays_on_the_chart(threshold: float) -> None:
    found = curve(scored(0.4, 0.2), threshold=threshold)

    assert 0 <= found.threshold_top <= 1
    assert found.threshold_label.place.anchor in {"start", "end"}


def test_a_reading_has_what_the_script_needs_to_say() -> None:
    (line,) = curve(scored(0.2, 0.5996, 0.8)).lines

    assert json.loads(line.readings) == [
        [0.0, 1.5, 0.2, "0.20", 1],
        [1.5, 2.5, 0.5996, "0.5996", 1],
        [2.5, 4.0, 0.8, "0.80", 1],
    ]


def test_windows_outside_an_event_are_not_of_it() -> None:
    of = Scored(number=1, windows=(*scored(0.9, 0.8).windows, *scored(0.1, since=20).windows))
    event = EventCandidate(start=0.0, end=3.0, peak=1.0, score=0.9, track=1)

    found = drawn([of], [event], threshold=0.6, duration=30.0, decided_by=1)

    assert found is not None
    assert [reading[-1] for reading in json.loads(found.highest.readings)] == [1, 1, 0]


def test_the_peak_of_a_mean_of_windows_is_on_the_line() -> None:
    mean = EventCandidate(start=0.0, end=4.0, peak=2.0, score=0.65, track=1)

    found = drawn([scored(0.5, 0.8, 0.5)], [mean], threshold=0.6, duration=10.0, decided_by=1)

    assert found is not None
    assert [peak.top for peak in found.peaks] == [pytest.approx(0.2)]


def test_moments_are_never_before_their_picture() -> None:
    found = curve(scored(0.2, 0.3, since=1 / 3))

    assert json.loads(found.stops) == [0.334, 1.834]


def test_stops_of_several_tracks_are_where_one_is_the_highest() -> None:
    found = curve(scored(0.9, 0.8, 0.1), scored(0.5, 0.4, number=2, since=5.0))

    assert json.loads(found.stops) == [0.0, 1.5, 2.5, 5.0, 6.5]
    assert json.loads(found.moments) == [1.0, 6.0]


def test_the_table_has_each_window_with_the_highest_track_first() -> None:
    found = curve(scored(0.2, 0.9), scored(0.4, number=2))

    assert [(row.name, row.times, row.digits) for row in found.rows] == [
        ("Track 1", (0.0, 2.0), "0.20"),
        ("Track 1", (1.0, 3.0), "0.90"),
        ("Track 2", (0.0, 2.0), "0.40"),
    ]
    assert found.left_out == 0


def test_a_table_that_would_be_too_long_has_the_highest_scores_in_order() -> None:
    many = scored(*(number % 7 / 10 for number in range(MOST_ROWS)), 0.9, 0.8)

    found = curve(many)

    assert (len(found.rows), found.left_out) == (MOST_ROWS, 2)
    assert [row.digits for row in found.rows[-2:]] == ["0.90", "0.80"]
    assert [row.times for row in found.rows] == sorted(row.times for row in found.rows)


def test_ten_minutes_of_twelve_tracks_are_drawn_at_once() -> None:
    several = [
        scored(*(number % 11 / 10 for number in range(600)), number=track, since=track / 8)
        for track in range(1, 13)
    ]
    started = process_time()

    found = curve(*several, duration=601.5)

    assert len(found.lines) == 12
    assert not found.names_others
    assert json.loads(found.stops)
    assert sum(peak.number is not None for peak in found.peaks) >= 1
    assert found.threshold_label.place.anchor
    assert process_time() - started < 2.0


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (6.99, "0:06"), (65, "1:05"), (3723.5, "1:02:03")]
)
def test_moments_look_as_in_a_player(seconds: float, shown: str) -> None:
    assert minutes(seconds) == shown


def test_a_stored_analysis_has_its_curve(
    make_analysis: MakeAnalysis, make_track: MakeTrack
) -> None:
    analysis = make_analysis(
        status=Status.DONE, view=View.PERSON, decided_by=2, score=0.8, threshold=0.6
    )
    make_track(analysis=analysis, number=1, score=0.3, windows=[[0.0, 2.0, 0.3], [1.0, 3.0, 0.1]])
    make_track(analysis=analysis, number=2, score=0.8, windows=[[2.0, 4.0, 0.2], [3.0, 5.0, 0.8]])

    found = curve_of(analysis)

    assert found is not None
    assert found.highest.of.name == "Track 2"
    assert [(each.track, each.peak) for each in found.events] == [(2, 4.0)]
    assert found.length == 5.0


def test_a_stored_analysis_from_before_there_were_windows_has_none(
    make_analysis: MakeAnalysis, make_track: MakeTrack
) -> None:
    analysis = make_analysis(status=Status.DONE, view=View.PERSON, decided_by=1)
    make_track(analysis=analysis)

    assert curve_of(analysis) is None
