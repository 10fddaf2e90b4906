"""Events open, peak and close as candidates of clips would have it, while they happen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_classifier.ml.contracts import (
    LEAD,
    Box,
    Outcome,
    Prediction,
    Region,
    Sample,
    ScoredTrack,
    Span,
    Track,
    WindowScore,
)
from video_classifier.ml.serving import events
from video_classifier.services.thresholds import Thresholds
from video_classifier.states import Closing, ThresholdOrigin
from video_classifier.watching.people import HORIZON, LONGEST, PAUSE, Candidate, Happening, People
from video_classifier.watching.strides import Scored

THRESHOLD = 0.6
ONE = Thresholds(low=None, high=THRESHOLD, origin=ThresholdOrigin.MODEL, measure=None)
TWO = Thresholds(low=0.4, high=THRESHOLD, origin=ThresholdOrigin.CAMERA, measure=1)
BEST = 10
PICTURE = np.zeros((9, 16, 3), np.uint8)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """Somebody who stays at one place, with a window of two seconds every second."""

    scores: Sequence[float]
    since: float = 0.0
    left: float = 0.1
    others: tuple[float, ...] = ()  # how much higher the heads in the shadow score
    clothing: float | None = None
    light: float | None = None

    def within(self, start: float, end: float) -> list[WindowScore]:
        """The windows that are all in it, in seconds of the stretch."""
        return [
            WindowScore(start=self.since + n, end=self.since + n + 2, score=score)
            for n, score in enumerate(self.scores)
            if start <= self.since + n and self.since + n + 2 <= end
        ]

    def scored(self, start: float, end: float, zero: float) -> ScoredTrack | None:
        found = self.within(start, end)
        if not found:
            return None
        times = np.arange(max(start, self.since), found[-1].end + 0.01, 0.5) - zero
        box = Box(left=self.left, top=0.2, right=self.left + 0.1, bottom=0.9)
        windows = [
            WindowScore(
                start=each.start - zero,
                end=each.end - zero,
                score=each.score,
                others=tuple(each.score + by for by in self.others),
                clothing=self.clothing,
                light=self.light,
            )
            for each in found
        ]
        best = max(windows, key=lambda each: each.score)
        return ScoredTrack(
            track=Track(times=tuple(times.tolist()), boxes=(box,) * len(times)),
            score=max(each.score for each in events.candidates(windows, best=BEST)),
            images=np.zeros((2, 8, 8, 3), np.uint8),
            times=(best.start, best.end),
            windows=tuple(windows),
            preview=PICTURE,
        )


def stride(
    since: float, until: float, visits: Iterable[Visit], *, begins: float | None = None
) -> Scored:
    """What `strides.score` would have made of these visits."""
    zero = max(0.0, since - LEAD - 1) if begins is None else begins  # a keyframe before the lead
    start = max(zero, since - LEAD)
    tracks = [found for each in visits if (found := each.scored(start, until, zero))]
    sample = Sample(
        images=np.zeros((2, 8, 8, 3), np.uint8),
        times=(start - zero, until - zero),
        length=until - start,
        previews=(PICTURE, PICTURE),
    )
    candidates = tuple(
        candidate
        for number, each in enumerate(tracks, 1)
        for candidate in events.candidates(each.windows, best=BEST, track=number)
    )
    score = max((each.score for each in candidates), default=None)
    return Scored(
        camera=1,
        stretch=1,
        start=zero,
        span=Span(since - zero),
        until=until,
        outcome=Outcome(
            prediction=None if score is None else Prediction(score=score, threshold=THRESHOLD),
            no_result="Nobody." if score is None else "",
            sample=sample,
            seconds_reading=0.0,
            seconds_classifying=0.0,
            view=Region.PERSON,
            candidates=candidates,
            tracks=tuple(tracks),
            tracks_found=len(tracks),
            shadows=("a" * 64, "b" * 64)[: len(tracks[0].windows[0].others) if tracks else 0],
        ),
    )


def look(
    visits: Sequence[Visit], cuts: Sequence[float], people: People | None = None
) -> list[Happening]:
    """All events, in the order in which they opened, as they were in the end."""
    people = people or People(best=BEST, thresholds=ONE)
    seen: list[Happening] = []
    for since, until in pairwise(cuts):
        for each in people.look(stride(since, until, visits)):
            if each not in seen:
                seen.append(each)
    return seen


def every(seconds: float, *, to: float) -> list[float]:
    return np.arange(0, to + 0.01, seconds).tolist()


def test_nobody_opens_nothing() -> None:
    people = People(best=BEST, thresholds=ONE)

    assert look([], every(2, to=20), people) == []
    assert people.score is None


def test_an_event_opens_with_the_stride_in_which_the_score_reaches_the_threshold() -> None:
    people = People(best=BEST, thresholds=ONE)
    visits = [Visit(scores=[0.9] * 10)]

    assert people.look(stride(0, 4, visits)) == []  # three windows are too few
    (opened,) = people.look(stride(4, 8, visits))

    assert (opened.start, opened.until, opened.closing) == (0.0, 8.0, None)
    assert opened.hint.score == pytest.approx(0.9)
    assert opened.hint.track is not None
    assert opened.hint.shown.preview is PICTURE
    assert people.score == pytest.approx(0.9)


def test_a_model_that_scores_single_windows_needs_one() -> None:
    people = People(best=1, thresholds=ONE)

    (opened,) = people.look(stride(0, 3, [Visit(scores=[0.1, 0.7])]))

    assert opened.hint.score == 0.7


def test_a_hint_does_not_vanish_because_somebody_walks_on() -> None:
    """It opens with five windows; the mean of ten would be below the threshold."""
    (event,) = look([Visit(scores=[0.9] * 5 + [0.1] * 15)], every(2, to=22))

    assert event.hint.score == pytest.approx(0.9)
    assert len(event.hint.windows) == 5
    assert event.hint.candidate.end == 6.0
    assert event.until == 21.0  # they were in view for longer


def test_an_event_that_opens_late_stays_open_for_a_while() -> None:
    people = People(best=BEST, thresholds=ONE)
    visits = [Visit(scores=[0.9] * 9)]

    (late,) = people.look(stride(0, 21, visits, begins=0.0))
    opened_as = late.closing
    (still,) = people.look(stride(21, 30, visits))
    kept_as = still.closing
    (closed,) = people.look(stride(30, 31, visits))

    assert (opened_as, kept_as) == (None, None)
    assert (closed.until, closed.closing) == (10.0, Closing.GONE)


def test_who_walks_away_closes_the_event_ten_seconds_later() -> None:
    people = People(best=BEST, thresholds=ONE)
    visits = [Visit(scores=[0.9] * 9)]
    look(visits, every(2, to=18), people)

    (closed,) = people.look(stride(18, 20, visits))

    assert (closed.until, closed.closing) == (10.0, Closing.GONE)
    assert closed.hint.track is not None
    assert closed.hint.track.times[-1] == 10.0  # to the end, not to the best moment
    assert people.look(stride(20, 22, visits)) == []


def test_who_stays_gets_events_of_a_minute_with_pauses() -> None:
    first, second, *_ = look([Visit(scores=[0.9] * 200)], every(2, to=180))

    assert (first.start, first.until, first.closing) == (0.0, 60.0, Closing.LONGEST)
    assert second.start >= first.until + PAUSE


def test_an_event_late_in_a_long_stay_leaves_time_for_its_end() -> None:
    """The act comes after two minutes; what was before is not a part of it for ever."""
    (event,) = look([Visit(scores=[0.1] * 120 + [1.0] * 12 + [0.1] * 50)], every(2, to=170))

    assert event.hint.candidate.end - LONGEST <= event.start
    assert event.until - event.start <= LONGEST
    assert event.until > 133  # the end of the act


def test_two_people_have_an_event_each() -> None:
    visits = [Visit(scores=[0.9] * 10), Visit(scores=[0.8] * 10, left=0.7)]

    found = look(visits, every(2, to=12))

    assert sorted(round(each.hint.score, 2) for each in found) == [0.8, 0.9]


def test_the_end_of_the_stretch_cuts_events_off() -> None:
    people = People(best=BEST, thresholds=ONE)
    look([Visit(scores=[0.9] * 10)], every(2, to=10), people)

    (ended,) = people.end()

    assert ended.closing == Closing.CUT_OFF
    assert people.end() == []


def test_who_stands_in_an_ignored_zone_opens_nothing() -> None:
    till = [[0.0, 0.8], [0.5, 0.8], [0.5, 1.0], [0.0, 1.0]]
    people = People(best=BEST, thresholds=ONE, zones=[till])
    visits = [Visit(scores=[0.9] * 10), Visit(scores=[0.7] * 10, left=0.7)]

    (event,) = look(visits, every(2, to=12), people)

    assert event.hint.score == pytest.approx(0.7)


# Between two thresholds


def test_what_is_uncertain_opens_and_becomes_a_hint() -> None:
    people = People(best=BEST, thresholds=TWO)
    visits = [Visit(scores=[0.5] * 8 + [1.0] * 8)]

    (opened,) = people.look(stride(0, 8, visits))
    before = opened.is_hint, [each.is_hint for each in people.views]
    (same,) = people.look(stride(8, 16, visits))

    assert before == (False, [False])
    assert same is opened
    assert same.is_hint
    assert [each.is_hint for each in people.views] == [True]


def test_other_thresholds_hold_for_what_opens_later() -> None:
    people = People(best=BEST, thresholds=TWO)
    visits = [Visit(scores=[0.5] * 40), Visit(scores=[0.5] * 20, since=16.0, left=0.7)]
    (opened,) = people.look(stride(0, 8, visits))

    people.thresholds = ONE
    found = look(visits, every(8, to=40)[1:], people)

    assert found == [opened]  # and the other one, of 0.5, never opens
    assert opened.judged_by == TWO


# All candidates


def over(visits: Sequence[Visit], *, to: float, thresholds: Thresholds = ONE) -> list[Candidate]:
    people = People(best=BEST, thresholds=thresholds)
    look(visits, every(2, to=to), people)
    people.end()
    return people.take_over()


def test_a_candidate_is_over_when_the_person_is_gone_whatever_it_scored() -> None:
    people = People(best=BEST, thresholds=ONE)
    visits = [Visit(scores=[0.2] * 4 + [0.3] * 10, clothing=0.25, light=0.5)]
    look(visits, every(2, to=14), people)
    before = people.take_over()

    look(visits, every(2, to=40)[7:], people)
    (found,) = people.take_over()

    assert before == []
    assert (found.start, found.end, found.happening) == (0.0, 15.0, None)
    assert found.score == pytest.approx(0.3)
    assert found.height == pytest.approx(0.7)
    assert (found.clothing, found.light) == (0.25, 0.5)
    assert people.take_over() == []


def test_a_candidate_has_the_score_of_each_head_in_the_shadow() -> None:
    visits = [Visit(scores=[0.2] * 4 + [0.3] * 10, others=(0.5, -0.125))]

    (found,) = over(visits, to=40)

    assert found.score == pytest.approx(0.3)
    assert found.others == pytest.approx((0.8, 0.175))


def test_too_few_windows_are_no_candidate() -> None:
    assert over([Visit(scores=[0.9] * 4)], to=30) == []


def test_a_candidate_that_became_an_event_is_that_event() -> None:
    people = People(best=BEST, thresholds=ONE)
    (event,) = look([Visit(scores=[0.3] * 10 + [0.9] * 12 + [0.1] * 5)], every(2, to=60), people)

    (found,) = people.take_over()

    assert found.happening is event
    assert (found.start, found.end, found.score) == (event.start, event.until, event.hint.score)


def test_who_stays_is_a_candidate_a_minute_and_each_moment_counts_once() -> None:
    visits = [Visit(scores=[0.1] * 50 + [0.5] * 8 + [0.1] * 70)]

    found = over(visits, to=140)

    assert [round(each.score, 1) for each in found] == [0.4, 0.1, 0.1]
    assert all(each.end - each.start <= LONGEST for each in found)


def test_pauses_after_an_event_are_no_candidates() -> None:
    found = over([Visit(scores=[0.9] * 69)], to=90)

    assert [each.happening is not None for each in found] == [True]


def test_two_people_are_a_candidate_each() -> None:
    found = over([Visit(scores=[0.4] * 9), Visit(scores=[0.2] * 9, left=0.7)], to=30)

    assert sorted(round(each.score, 1) for each in found) == [0.2, 0.4]


def test_whole_pictures_are_followed_as_one() -> None:
    people = People(best=1, thresholds=ONE)
    found: list[Happening] = []

    for until in range(10, 30, 2):
        window = WindowScore(start=0.0, end=10.0, score=0.9 if until == 16 else 0.2)
        scored = stride(until - 10.0, until, [], begins=until - 10.0)
        outcome = Outcome(
            prediction=Prediction(score=window.score, threshold=THRESHOLD),
            sample=scored.outcome.sample,
            seconds_reading=0.0,
            seconds_classifying=0.0,
            candidates=events.candidates([window], best=1),
            windows=(window,),
        )
        found += people.look(
            Scored(
                camera=1,
                stretch=1,
                start=until - 10.0,
                span=Span(),
                until=until,
                outcome=outcome,
            )
        )

    assert len(set(map(id, found))) == 1
    assert found[0].hint.candidate.peak == 11.0
    assert found[0].hint.track is None
    assert found[0].hint.box is None


SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=150)
CUTS = st.lists(st.floats(2, 9), min_size=2, max_size=60)


@given(scores=SCORES, steps=CUTS)
def test_what_holds_of_every_event(scores: list[float], steps: list[float]) -> None:
    cuts = [0.0, *np.cumsum(steps).tolist()]
    found = look([Visit(scores=scores)], cuts)

    for event in found:
        hint = event.hint
        assert hint.score >= THRESHOLD
        assert len(hint.windows) >= 5
        (again,) = events.candidates(hint.windows, best=BEST)
        assert again == hint.candidate
        assert event.start <= hint.candidate.start <= hint.candidate.peak
        assert hint.candidate.end <= event.until <= event.start + LONGEST + 1e-6
    for one, other in pairwise(found):
        assert other.start >= one.until


@given(scores=st.lists(st.floats(0, 1), min_size=1, max_size=int(HORIZON) - 2), steps=CUTS)
def test_an_event_is_never_lower_than_the_candidate_that_a_clip_would_have(
    scores: list[float], steps: list[float]
) -> None:
    cuts = [0.0, *np.cumsum(steps).tolist()]
    windows = Visit(scores=scores).within(0, cuts[-1])
    as_clip = max((each.score for each in events.candidates(windows, best=BEST)), default=0.0)

    found = look([Visit(scores=scores)], cuts)

    if len(windows) >= BEST and as_clip >= THRESHOLD:
        assert max(each.hint.score for each in found) >= as_clip - 1e-9
