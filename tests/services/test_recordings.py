"""A long recording, from its segments in the queue to one result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tests.conftest import FakePredictor, MakeClip, MakeUser, followed, later
from tests.databases import together
from video_classifier.ml.contracts import WHOLE, Box, Outcome, ScoredTrack, Span, WindowScore
from video_classifier.ml.contracts import Track as Motion
from video_classifier.models import Analysis, Clip, Event, Segment, Track
from video_classifier.services import (
    analyses,
    candidates,
    conclusions,
    evidence,
    following,
    segments,
    trash,
)
from video_classifier.services.errors import Refused
from video_classifier.services.following import Piece
from video_classifier.services.jobs import LeaseLostError, QueueFullError
from video_classifier.states import Prediction, Status, View

MINUTE = 60.0


class MakeRecording(Protocol):
    def __call__(self, minutes: int = ..., *, by: User | None = ...) -> Analysis: ...


@pytest.fixture
def make_recording(make_clip: MakeClip, user: User) -> MakeRecording:
    """An analysis of so many minutes."""

    def make(minutes: int = 3, *, by: User | None = user) -> Analysis:
        spans = [[MINUTE * n, MINUTE * (n + 1)] for n in range(minutes)]
        clip = make_clip(duration=MINUTE * minutes, segment_spans=spans)
        return analyses.enqueue(clip, model="standard", user=by)

    return make


@pytest.fixture
def recording(make_recording: MakeRecording) -> Analysis:
    return make_recording()


def claim(worker: str = "one") -> Segment:
    segment = segments.claim_next(worker=worker)
    assert segment is not None
    return segment


def run(*tracks: ScoredTrack, score: float = 0.2, **facts: object) -> Segment:
    """The next segment, whose tracks have times of the clip."""
    segment = claim()
    shifted = tuple(later(each, by=-segment.start) for each in tracks)
    segments.run(segment, predictor=FakePredictor(score, tracks=shifted, **facts))  # type: ignore[arg-type]
    return segment


def scored(left: float, scores: dict[float, float], *, since: float, until: float) -> ScoredTrack:
    """Somebody who stands there, with windows of 2 s that begin at the keys of `scores`."""
    times = tuple(since + 0.5 * n for n in range(round(2 * (until - since)) + 1))
    box = Box(left=left, top=0.2, right=left + 0.2, bottom=0.8)
    windows = tuple(WindowScore(start=at, end=at + 2, score=s) for at, s in scores.items())
    best = max(windows, key=lambda each: each.score)
    return replace(
        followed(best.score),
        track=Motion(times=times, boxes=(box,) * len(times)),
        times=(best.start, best.end),
        windows=windows,
    )


def now(analysis: Analysis) -> Analysis:
    return Analysis.objects.get(pk=analysis.pk)


def lose_lease() -> None:
    running = Segment.objects.filter(status=Status.RUNNING)
    running.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    segments.requeue_stalled()


# The plan


def test_a_recording_is_a_segment_a_minute(recording: Analysis) -> None:
    rows = recording.segments.values_list("number", "start", "end", "priority", "requested_by")

    assert list(rows) == [
        (number, MINUTE * (number - 1), MINUTE * number, -1, recording.requested_by_id)
        for number in (1, 2, 3)
    ]


def test_the_predictor_gets_the_span(recording: Analysis) -> None:
    seen: list[Span] = []

    class Witness(FakePredictor):
        def analyze(self, video: Path, *, span: Span = WHOLE, **facts: Any) -> Outcome:
            seen.append(span)
            return super().analyze(video, span=span, **facts)

    for _ in range(3):
        segments.run(claim(), predictor=Witness(0.2))

    assert [(each.start, each.end) for each in seen] == [(0.0, 60.0), (60.0, 120.0), (120.0, 180.0)]


def test_its_deadline_is_that_of_a_minute_and_of_reading_the_file(
    recording: Analysis, settings: Settings
) -> None:
    Clip.objects.update(size_bytes=4e9)

    segment = claim()

    assert segment.deadline is not None
    assert segment.claimed_at is not None
    allowed = segment.deadline - segment.claimed_at
    assert allowed == settings.ANALYSIS_DEADLINE + timedelta(seconds=60 + 200)


def test_several_workers_share_it(recording: Analysis) -> None:
    taken = [claim(worker) for worker in ("one", "two", "three")]

    assert [each.number for each in taken] == [1, 2, 3]
    for each in (2, 0, 1):
        segments.run(taken[each], predictor=FakePredictor(0.2))
    assert now(recording).status == Status.DONE


@pytest.mark.parametrize("same_user", [True, False])
def test_a_short_clip_waits_for_one_segment_at_most(
    recording: Analysis, make_clip: MakeClip, make_user: MakeUser, user: User, *, same_user: bool
) -> None:
    running = claim()
    whose = user if same_user else make_user("bob")
    short = analyses.enqueue(make_clip(), model="standard", user=whose)
    assert analyses.place_in_queue(short) == 1

    segments.run(running, predictor=FakePredictor())

    assert claim().analysis == short


def test_the_place_in_the_queue_counts_recordings(
    recording: Analysis, make_recording: MakeRecording, user: User
) -> None:
    other = make_recording(by=user)

    assert [analyses.place_in_queue(each) for each in (recording, other)] == [1, 2]


def test_a_user_may_have_so_many_recordings_waiting_not_segments(
    make_recording: MakeRecording, user: User, settings: Settings
) -> None:
    settings.WAITING_PER_USER = 2
    make_recording(by=user)
    paused = make_recording(by=user)
    analyses.pause(paused)

    with pytest.raises(QueueFullError, match="as one user may have: 2"):
        make_recording(by=user)


# Deaths, and going on


def test_a_worker_that_dies_loses_one_segment(recording: Analysis) -> None:
    done = run()
    dying = claim("dying")

    lose_lease()

    assert now(recording).status == Status.RUNNING
    assert Segment.objects.get(pk=done.pk).status == Status.DONE
    again = claim("two")
    assert (again.number, again.attempts) == (dying.number, 2)


def test_after_three_deaths_of_one_segment_the_others_stand(recording: Analysis) -> None:
    run(score=0.7)
    for _ in range(3):
        assert claim().number == 2
        lose_lease()

    run()

    found = now(recording)
    assert (found.status, found.prediction) == (Status.DONE, Prediction.HINT)
    (warning,) = found.warnings
    assert warning.startswith("From 1:00 to 2:00 there is no result. The analysis stopped 3 times")
    assert recording.segments.get(number=2).status == Status.FAILED


def test_it_closes_with_the_third_death_of_the_last_segment(recording: Analysis) -> None:
    run()
    run()

    for _ in range(3):
        claim()
        lose_lease()

    assert now(recording).status == Status.DONE


def test_a_restart_goes_on_after_the_last_finished_segment(recording: Analysis) -> None:
    run()
    claim("old process")

    segments.put_back(worker="old process")

    assert now(recording).status == Status.RUNNING
    assert {claim("new").number, claim("new").number} == {2, 3}


def test_a_first_segment_that_failed_keeps_it_running(recording: Analysis) -> None:
    run(error=Refused("It is torn."))
    claim()

    segments.put_back(worker="one")

    assert now(recording).status == Status.RUNNING


# Pause, cancel, trash


def test_a_pause_stops_what_waits_and_lets_what_runs_end(recording: Analysis) -> None:
    running = claim()

    assert analyses.pause(recording)

    assert now(recording).status == Status.PAUSED
    assert segments.claim_next(worker="two") is None
    segments.run(running, predictor=FakePredictor(0.2))
    assert now(recording).status == Status.PAUSED
    statuses = list(recording.segments.values_list("status", flat=True))
    assert statuses == [Status.DONE, Status.PAUSED, Status.PAUSED]


def test_it_is_resumed_where_it_was(recording: Analysis) -> None:
    run()
    began = now(recording).started_at
    analyses.pause(recording)

    assert analyses.resume(recording)

    assert now(recording).status == Status.QUEUED
    assert [run().number, run().number] == [2, 3]
    assert (now(recording).status, now(recording).started_at) == (Status.DONE, began)


def test_only_what_waits_is_paused_and_only_what_is_paused_resumed(
    make_recording: MakeRecording, user: User
) -> None:
    single = make_recording(1, by=user)
    claim()

    assert not analyses.pause(single)
    assert not analyses.resume(single)
    assert now(single).status == Status.RUNNING


@pytest.mark.parametrize("back", ["dies", "ends"])
def test_a_segment_that_comes_back_while_it_is_paused_is_paused_too(
    recording: Analysis, back: str
) -> None:
    claim("one")
    analyses.pause(recording)

    if back == "dies":
        lose_lease()
    else:
        segments.put_back(worker="one")

    assert set(recording.segments.values_list("status", flat=True)) == {Status.PAUSED}
    assert segments.claim_next(worker="two") is None
    assert now(recording).status == Status.PAUSED


def test_the_run_that_ends_last_closes_it_though_it_is_paused(recording: Analysis) -> None:
    run()
    last = [claim("one"), claim("two")]
    Analysis.objects.update(status=Status.PAUSED)

    for each in last:
        segments.run(each, predictor=FakePredictor(0.2))

    assert now(recording).status == Status.DONE


@pytest.mark.django_db(transaction=True)
def test_of_a_pause_and_a_return_at_once_none_leaves_a_segment_waiting(
    make_recording: MakeRecording, user: User
) -> None:
    for _ in range(8):
        made = make_recording(2, by=user)
        claim("one")
        both: list[Callable[[], object]] = [
            partial(analyses.pause, made),
            partial(segments.put_back, worker="one"),
        ]

        together(partial(call_one_of, both), times=2)

        assert now(made).status == Status.PAUSED
        assert set(made.segments.values_list("status", flat=True)) == {Status.PAUSED}


def call_one_of(calls: list[Callable[[], object]]) -> object:
    return calls.pop()()


def test_a_paused_one_can_be_cancelled(recording: Analysis) -> None:
    run()
    analyses.pause(recording)

    assert analyses.cancel(recording)

    assert now(recording).status == Status.CANCELLED
    assert not recording.segments.unfinished().exists()
    assert not analyses.resume(recording)


def test_a_cancelled_one_takes_its_running_segment_along(recording: Analysis) -> None:
    def cancel(_: object) -> None:
        analyses.cancel(recording)

    with pytest.raises(LeaseLostError):
        run(during=cancel)

    assert not recording.segments.unfinished().exists()


def test_a_paused_one_is_still_paused_when_it_leaves_the_trash(
    recording: Analysis, user: User
) -> None:
    run()
    running = claim()
    analyses.pause(recording)

    trash.put(recording.clip, by=user)
    assert not recording.segments.unfinished().exists()
    with pytest.raises(LeaseLostError):
        segments.run(running, predictor=FakePredictor())
    with pytest.raises(Refused):
        analyses.resume(recording)
    trash.restore(recording.clip, by=user)

    statuses = list(recording.segments.values_list("status", flat=True))
    assert statuses == [Status.DONE, Status.PAUSED, Status.PAUSED]
    assert now(recording).status == Status.PAUSED
    analyses.resume(recording)
    run()
    run()
    assert now(recording).status == Status.DONE


def test_one_that_goes_into_the_trash_while_it_runs_goes_on_after_it(
    recording: Analysis, user: User
) -> None:
    run()
    claim()
    trash.put(recording.clip, by=user)

    trash.restore(recording.clip, by=user)

    assert [run().number, run().number] == [2, 3]
    assert now(recording).status == Status.DONE


# Joining


def test_who_stands_over_three_segments_is_one_with_one_event(recording: Analysis) -> None:
    run(scored(0.1, {40.0: 0.1, 50.0: 0.6, 58.0: 0.55}, since=30, until=60))
    run(scored(0.1, {58.0: 0.55, 68.0: 0.7, 78.0: 0.8, 88.0: 0.7}, since=58, until=120))
    run(scored(0.1, {118.0: 0.2}, since=118, until=140))

    found = now(recording)
    assert (found.prediction, found.score, found.decided_by) == (Prediction.HINT, 0.8, 1)
    rows = found.tracks.order_by("number", "segment__number")
    assert [(row.number, row.segment.number, row.score) for row in rows] == [
        (1, 1, 0.8),
        (1, 2, 0.8),
        (1, 3, 0.8),
    ]
    (event,) = found.events.all()
    assert (event.number, event.start, event.end, event.peak) == (1, 40.0, 90.0, 79.0)
    assert (event.score, event.segment.number) == (0.8, 2)
    assert event.track is not None
    assert event.track.segment == event.segment
    assert (found.view, found.tracks_found) == (View.PERSON, 1)
    assert found.frame_times == [60.5, 61.5]
    decider = candidates.deciding_track(found)
    assert decider == event.track


def test_two_who_cross_at_the_border_have_an_event_each(recording: Analysis) -> None:
    def crossing(start: float, end: float, score: float, *, since: float) -> ScoredTrack:
        made = scored(0.0, {since: score}, since=since, until=since + 2)
        way = [start + (end - start) * n / 4 for n in range(5)]
        boxes = tuple(Box(left=x, top=0.2, right=x + 0.2, bottom=0.8) for x in way)
        return replace(made, track=replace(made.track, boxes=boxes))

    to_the_right, to_the_left = (0.0, 0.8), (0.8, 0.0)
    run(crossing(*to_the_right, 0.6, since=58.0), crossing(*to_the_left, 0.7, since=58.0))
    run(crossing(*to_the_left, 0.9, since=58.0), crossing(*to_the_right, 0.8, since=58.0))
    run(no_result="There is nobody.")

    found = now(recording)
    numbers = list(found.tracks.order_by("pk").values_list("number", flat=True))
    assert numbers == [1, 2, 2, 1]
    assert [(each.track and each.track.number, each.score) for each in found.events.all()] == [
        (1, 0.8),
        (2, 0.9),
    ]


def test_a_run_of_whole_pictures_goes_on_over_the_border_but_not_over_a_gap(
    make_recording: MakeRecording, user: User
) -> None:
    class Windows(FakePredictor):
        def _scored(self, start: float) -> tuple[tuple[ScoredTrack, ...], tuple[WindowScore, ...]]:
            ten = range(int(start), int(start) + 60, 10)
            return (), tuple(WindowScore(start=a, end=a + 10, score=self._score) for a in ten)

    made = make_recording(4, by=user)
    for score in (0.6, 0.7, None, 0.8):
        error = None if score else Refused("It is torn.")
        segments.run(claim(), predictor=Windows(score or 0.5, error=error))

    found = now(made)
    assert (found.score, found.view, found.decided_by) == (0.8, View.FRAME, None)
    assert len(found.windows) == 18
    spans = [(each.start, each.end, each.peak, each.score) for each in found.events.all()]
    assert spans == [(0.0, 120.0, 65.0, 0.7), (180.0, 240.0, 185.0, 0.8)]
    assert [each.segment.number for each in found.events.all()] == [2, 4]
    assert found.frame_times == [180.5, 181.5]


def test_the_curve_and_the_events_agree(recording: Analysis) -> None:
    run(scored(0.1, {40.0: 0.6}, since=30, until=60), scored(0.5, {20.0: 0.3}, since=20, until=40))
    run(scored(0.1, {58.0: 0.4, 90.0: 0.9}, since=58, until=120))
    run(score=0.2, no_result="There is nobody.")

    found = now(recording)
    rule = [each for each in candidates.of(found) if each.score >= 0.5]
    written = [
        (each.start, each.end, each.peak, each.score, each.track and each.track.number)
        for each in found.events.all()
    ]
    assert written == [(e.start, e.end, e.peak, e.score, e.track) for e in rule]
    assert [each[-1] for each in written] == [2, 2]  # the other came into view first


def test_a_single_segment_is_as_before_and_has_its_event(
    make_recording: MakeRecording, user: User
) -> None:
    made = make_recording(0, by=user)

    run(followed(0.2), followed(0.81234567, since=4.1))

    found = now(made)
    assert (found.score, found.decided_by) == (0.81234567, 2)
    (event,) = found.events.all()
    assert (event.score, event.start, event.end) == (0.81234567, 4.1, 5.1)
    assert event.track == found.tracks.get(number=2)


def test_without_a_hint_there_is_no_event(recording: Analysis) -> None:
    for _ in range(3):
        run(score=0.49)

    assert now(recording).prediction == Prediction.NO_HINT
    assert not Event.objects.exists()


def test_an_event_has_a_still_of_its_track(recording: Analysis) -> None:
    import numpy as np

    picture = np.full((18, 24, 3), 90, np.uint8)
    run(replace(scored(0.1, {40.0: 0.9}, since=30, until=50), preview=picture))
    run(scored(0.5, {90.0: 0.8}, since=90, until=95))
    run(no_result="There is nobody.")

    of_the_track, of_the_segment = now(recording).events.all()
    name = evidence.event_still(of_the_track)
    assert name.endswith("person-01-still.jpg")
    assert abs(evidence.read([name]).astype(int) - 90).max() <= 2
    assert evidence.event_still(of_the_segment).endswith("segment-0002-01.jpg")  # the nearest


# Closing


def test_closing_once_more_changes_nothing(recording: Analysis) -> None:
    for _ in range(3):
        last = run(scored(0.1, {140.0: 0.9}, since=130, until=150))
    before = rows(recording)

    assert not conclusions.close_if_complete(last)

    assert rows(recording) == before


def rows(analysis: Analysis) -> list[object]:
    return [
        list(kind.objects.order_by("pk").values()) for kind in (Analysis, Segment, Track, Event)
    ]


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_close_it_once(make_recording: MakeRecording, user: User) -> None:
    for _ in range(4):
        made = make_recording(2, by=user)
        meeting = threading.Barrier(2)

        def take(made: Analysis = made, meeting: threading.Barrier = meeting) -> None:
            segment = claim(str(threading.get_ident()))
            track = scored(
                0.1, {segment.start + 30: 0.8}, since=segment.start - 2, until=segment.start + 60
            )
            shifted = later(track, by=-segment.start)
            meeting.wait(60)
            segments.run(segment, predictor=FakePredictor(tracks=(shifted,)))
            connection.close()

        together(take, times=2)

        found = now(made)
        assert found.status == Status.DONE
        assert list(found.tracks.values_list("number", flat=True)) == [1, 1]
        assert list(found.events.values_list("number", flat=True)) == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_who_is_who_is_found_out_while_nobody_waits(
    recording: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of hours that takes seconds, in which others want to write."""
    locked: list[bool] = []
    numbers = following.numbers

    def look(pieces: Iterable[Piece]) -> list[tuple[int, ...]]:
        locked.append(connection.in_atomic_block)
        return numbers(pieces)

    monkeypatch.setattr(following, "numbers", look)
    run(scored(0.1, {50.0: 0.6}, since=40, until=60))
    run(scored(0.1, {59.0: 0.7}, since=58, until=120))
    run(
        scored(0.1, {119.0: 0.8}, since=118, until=130),
        scored(0.7, {125.0: 0.5}, since=122, until=130),
    )

    assert locked == [False]
    assert list(now(recording).tracks.values_list("number", flat=True)) == [1, 1, 1, 2]


def test_what_was_found_out_too_early_is_found_out_anew(recording: Analysis) -> None:
    first = run(scored(0.1, {50.0: 0.6}, since=40, until=60))
    run(scored(0.1, {59.0: 0.7}, since=58, until=120))
    segment = claim()
    Segment.objects.filter(pk=segment.pk).update(status=Status.FAILED, error="Broke.")

    assert conclusions.close_if_complete(segment, {(first.pk, 1): 7})

    assert list(now(recording).tracks.values_list("number", flat=True)) == [1, 1]


def test_six_hours_close_with_few_queries(
    make_recording: MakeRecording,
    user: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    made = make_recording(360, by=user)
    parts = list(made.segments.all())
    for part in parts:
        Segment.objects.filter(pk=part.pk).update(
            status=Status.DONE,
            score=0.6,
            threshold=0.5,
            view=View.PERSON,
            decided_by=1,
            tracks_found=2,
            model_sha256="f" * 64,
        )
    Track.objects.bulk_create(
        Track(
            analysis=made,
            segment=part,
            number=number,
            number_in_segment=number,
            score=0.6,
            times=[part.start - 2 + n / 8 for n in range(496)],
            boxes=[[0.3 * number, 0.2, 0.3 * number + 0.2, 0.8]] * 496,
            crop_times=[part.start],
            windows=[[part.start - 2 + n, part.start + n, 0.3] for n in range(60)],
        )
        for part in parts
        for number in (1, 2)
    )
    began = time.process_time()

    with django_assert_max_num_queries(20):
        assert conclusions.close_if_complete(parts[0])

    assert time.process_time() - began < 15  # seconds; 3.5 on a busy machine
    assert set(made.tracks.values_list("number", flat=True)) == {1, 2}
    assert now(made).tracks_found == 2
