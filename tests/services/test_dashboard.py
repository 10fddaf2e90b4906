"""The figures of the dashboard: whose, of when, and of what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeUser
from tests.makers.live_cameras import make_feed
from tests.makers.reviews import ago, answer, make_hint, mark_missed
from tests.makers.scored_hours import WEIGHTS, make_hour, make_score
from video_classifier.models import Analysis, Camera, Event, Review, ScoredTime, Store
from video_classifier.services import clips, planted_acts, trash
from video_classifier.services.dashboard import Board, Dashboard, Filters, Measured
from video_classifier.services.figures import Figures
from video_classifier.services.periods import DAYS, TODAY, WEEKS, YEAR, Span
from video_classifier.states import Answer, Origin, RecordedFrom, Role, Status, Verdict

NOW = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)  # a Thursday
YES, NO = Answer.CONFIRMED, Answer.FALSE_ALARM
Made = Callable[..., Analysis]


@pytest.fixture
def made(make_clip: MakeClip, make_analysis: MakeAnalysis) -> Made:
    """A finished analysis of a clip that was recorded so long ago."""

    def make(*, model: str = "standard", **fields: Any) -> Analysis:
        length = {name: fields.pop(name) for name in ("days", "hours") if name in fields}
        facts: dict[str, Any] = {"duration": 1800.0, "recorded_from": RecordedFrom.GIVEN}
        clip = make_clip(**facts | ago(NOW, **length) | fields)
        finished = clip.uploaded_at + timedelta(minutes=1)
        return make_analysis(clip=clip, status=Status.DONE, model=model, finished_at=finished)

    return make


def look_blind(analysis: Analysis, what: Answer, *, start: float, by: User) -> None:
    stretch = {"start": start, "end": start + 5.0, "model": analysis.model}
    Review.objects.create(clip=analysis.clip, answer=what, at=NOW, by=by, is_blind=True, **stretch)


def read(user: User, span: Span = WEEKS, **filters: Any) -> Board:
    return Dashboard(user, now=NOW).read(Filters(**filters), span)


def test_measured_asks_review_by_review_and_not_for_all_clips(user: User, made: Made) -> None:
    made()
    with CaptureQueriesContext(connection) as asked:
        Dashboard(user, now=NOW).measured(Filters(), WEEKS)

    found = [each["sql"] for each in asked if 'FROM "video_classifier_review"' in each["sql"]]
    assert found
    assert not any("video_classifier_clip" in each.partition("WHERE")[0] for each in found)


def test_hints_are_counted_by_what_people_said(user: User, made: Made) -> None:
    analysis = made()
    for number, what in enumerate((Answer.CONFIRMED, Answer.CONFIRMED, Answer.FALSE_ALARM)):
        answer(make_hint(analysis, start=10.0 * number), what, at=NOW)
    make_hint(analysis, start=90.0, verdict="disputed")
    make_hint(analysis, start=95.0)

    found = read(user).total

    assert (found.confirmed, found.false_alarms, found.disputed, found.unanswered) == (2, 1, 1, 1)
    assert (found.clips, found.seconds, found.hints) == (1, 1800.0, 5)


def test_what_is_uncertain_is_counted_apart(user: User, made: Made) -> None:
    analysis = made()
    answer(make_hint(analysis, start=10.0, is_hint=False), YES, at=NOW)
    make_hint(analysis, start=20.0, is_hint=False)
    make_hint(analysis, start=30.0)

    found = read(user).total

    assert (found.hints, found.unanswered, found.confirmed, found.uncertain) == (1, 1, 0, 2)
    assert (found.precision, found.waits) == (None, [])


def test_a_hint_counts_in_the_week_in_which_it_happened(user: User, made: Made) -> None:
    make_hint(made(days=3))  # on Monday
    make_hint(made(days=4))  # on Sunday

    weeks = read(user).by(lambda cell: cell.start)

    assert {day: each.hints for day, each in weeks.items()} == {
        date(2026, 11, 23): 1,
        date(2026, 11, 16): 1,
    }


def test_a_clip_whose_time_nobody_knows_counts_from_its_upload(user: User, made: Made) -> None:
    analysis = made(recorded_at=None, recorded_from="", uploaded_at=NOW - timedelta(days=7))
    make_hint(analysis)

    (found,) = read(user).cells.items()

    assert found[0].start == date(2026, 11, 16)
    assert (found[1].clips, found[1].hints) == (1, 1)


def test_what_was_before_the_time_is_left_out(user: User, made: Made) -> None:
    analysis = made(days=100)
    answer(make_hint(analysis), Answer.CONFIRMED, at=NOW)
    mark_missed(analysis, 20.0, 30.0)

    assert read(user).cells == {}
    assert read(user, YEAR).total.confirmed == 1


@pytest.mark.parametrize(
    ("at", "is_in"),
    [
        (datetime(2026, 10, 24, 21, 59, tzinfo=UTC), False),
        (datetime(2026, 10, 24, 22, 1, tzinfo=UTC), True),  # 0:01, summer time
        (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), True),  # 23:59, in the day's 25th hour
        (datetime(2026, 10, 25, 23, 1, tzinfo=UTC), False),
    ],
)
def test_a_day_of_25_hours_has_them_all(
    user: User, made: Made, make_store: MakeStore, at: datetime, *, is_in: bool
) -> None:
    Store.objects.update(time_zone="Europe/Berlin")
    make_hint(made(recorded_at=at, uploaded_at=at))

    found = Dashboard(user, now=datetime(2026, 10, 25, 12, tzinfo=UTC)).read(Filters(), TODAY)

    assert bool(found.total.hints) == is_in


def test_each_store_has_its_own_day(made: Made, make_store: MakeStore, make_user: MakeUser) -> None:
    root = make_user("root", is_superuser=True)
    tokyo = make_store("Tokyo", time_zone="Asia/Tokyo")
    new_york = make_store("New York", time_zone="America/New_York")
    make_hint(made(store=tokyo))
    make_hint(made(store=new_york))

    stores = read(root, DAYS).by(lambda cell: (cell.store, cell.start))

    assert set(stores) == {(tokyo.pk, date(2026, 11, 26)), (new_york.pk, date(2026, 11, 26))}
    late = Dashboard(root, now=datetime(2026, 11, 26, 16, tzinfo=UTC)).read(Filters(), TODAY)
    assert set(late.by(lambda cell: cell.store)) == {new_york.pk}  # in Tokyo it is tomorrow


def test_nobody_counts_what_they_do_not_see(
    user: User, made: Made, make_store: MakeStore, make_user: MakeUser
) -> None:
    north = make_store("North")
    analysis = made(store=north)
    answer(make_hint(analysis), Answer.CONFIRMED, at=NOW)
    mark_missed(analysis, 20.0, 30.0)

    assert read(user).cells == {}
    assert read(user, store=north.pk).cells == {}
    assert read(make_user("grace", store=north, roles=[Role.REVIEWER])).total.hints == 1


def test_the_trash_and_earlier_results_do_not_count(
    user: User, made: Made, make_analysis: MakeAnalysis
) -> None:
    trashed = made(trashed_at=NOW)
    make_hint(trashed, is_current=False)
    mark_missed(trashed, 20.0, 30.0)
    kept = made()
    Analysis.objects.filter(pk=kept.pk).update(is_latest=False)
    make_hint(kept, is_current=False)

    assert read(user).cells == {}


def test_filters_leave_what_they_say(user: User, made: Made, make_store: MakeStore) -> None:
    door = Camera.objects.create(store=make_store(), name="Door")
    answer(make_hint(made(camera=door, model="one")), Answer.CONFIRMED, at=NOW)
    mark_missed(made(model="two"), 20.0, 30.0)

    assert read(user, camera=door.pk).total.hints == 1
    assert read(user, camera=door.pk).total.missed == 0
    assert (read(user, model="two").total.clips, read(user, model="two").total.missed) == (1, 1)
    assert read(user, store=make_store().pk).total.clips == 2


def test_figures_are_by_camera_and_model(user: User, made: Made, make_store: MakeStore) -> None:
    door = Camera.objects.create(store=make_store(), name="Door")
    make_hint(made(camera=door, model="one"))
    make_hint(made(model="two"))

    board = read(user)

    assert {key: each.hints for key, each in board.by(lambda cell: cell.camera).items()} == {
        door.pk: 1,
        None: 1,
    }
    assert set(board.by(lambda cell: cell.model)) == {"one", "two"}


def test_a_stretch_that_several_marked_was_missed_once(user: User, made: Made) -> None:
    analysis = made()
    for start, end in ((10.0, 20.0), (15.0, 40.0), (18.0, 19.0), (39.0, 41.0), (60.0, 70.0)):
        mark_missed(analysis, start, end)

    assert read(user).total.missed == 2


def test_a_mark_that_was_withdrawn_does_not_count(user: User, made: Made) -> None:
    marked = mark_missed(made(), 10.0, 20.0)
    analysis = marked.analysis
    assert analysis is not None
    mark_missed(analysis, 10.0, 20.0, answer=Answer.WITHDRAWN, undoes=marked)

    assert read(user).total.missed == 0


def test_the_wait_is_from_the_result_to_the_first_answer(user: User, made: Made) -> None:
    for minutes in (1, 10, 600):
        analysis = made()
        finished = analysis.finished_at
        assert finished is not None
        event = make_hint(analysis)
        answer(event, Answer.CONFIRMED, at=finished + timedelta(minutes=minutes))
        answer(event, Answer.FALSE_ALARM, at=finished + timedelta(minutes=minutes + 5))

    assert read(user).total.wait == 600.0  # the middle one: ten minutes


def test_an_answer_to_an_earlier_result_is_no_wait(user: User, made: Made) -> None:
    analysis = made()
    finished = analysis.finished_at
    assert finished is not None
    answer(make_hint(analysis), Answer.CONFIRMED, at=finished - timedelta(days=1))

    assert read(user).total.wait is None


def test_blind_answers_are_no_waits(user: User, made: Made) -> None:
    answer(make_hint(made()), Answer.CONFIRMED, at=NOW, is_blind=True)

    assert read(user).total.wait is None


def test_it_asks_no_more_the_more_there_is(user: User, made: Made) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            read(user)
        return len(asked)

    make_hint(made())
    few = queries()
    for days in range(10):
        make_hint(made(days=days), start=3.0)

    assert queries() == few == 8
    assert Event.objects.count() == 11


# People and model, measured


def measured(user: User, span: Span = WEEKS, **filters: Any) -> Measured:
    return Dashboard(user, now=NOW).measured(Filters(**filters), span)


def test_agreement_and_misses_are_of_the_answers_of_the_time_and_the_filters(
    user: User, made: Made, make_user: MakeUser, make_store: MakeStore
) -> None:
    dana, analysis = make_user("dana"), made(model="one")
    for number, (one, other) in enumerate(((YES, YES), (NO, NO), (YES, NO))):
        hint = make_hint(analysis, start=10.0 * number)
        answer(hint, one, at=NOW, by=user)
        answer(hint, other, at=NOW, by=dana)
    for number, what in enumerate((YES, NO, NO, NO)):
        look_blind(analysis, what, start=10.0 * number, by=user)

    found = measured(user)

    assert found.kappa is not None
    assert found.misses is not None
    assert (found.kappa.pairs, found.kappa.agreed) == (3, 2)
    assert (found.misses.count, found.misses.of) == (1, 4)
    assert measured(user, model="one") == found
    nothing = Measured(kappa=None, misses=None)
    door = Camera.objects.create(store=make_store(), name="Door")
    assert measured(user, model="two") == measured(user, camera=door.pk) == nothing
    assert Dashboard(user, now=NOW + timedelta(days=30)).measured(Filters(), DAYS) == nothing


def test_answers_of_other_stores_measure_nothing(
    user: User, made: Made, make_store: MakeStore, make_user: MakeUser
) -> None:
    north = make_store("North")
    look_blind(made(store=north), YES, start=0.0, by=make_user("root", is_superuser=True))

    assert measured(user).misses is None
    assert measured(user, store=north.pk).misses is None


def test_nothing_is_no_figure(user: User) -> None:
    board = read(user)

    assert board.total == Figures()
    assert len(board.starts) == 12


# A camera-day


def test_false_hints_are_told_a_camera_day(user: User, made: Made, make_store: MakeStore) -> None:
    feed = make_feed(make_store(), opens_at=time(8), closes_at=time(20))
    for hours in range(1, 13):
        make_hour(feed.camera, NOW - timedelta(hours=hours))
    weights = {"camera": feed.camera, "model": WEIGHTS["model"]}
    answer(make_hint(made(**weights)), NO, at=NOW)
    answer(make_hint(made()), NO, at=NOW)  # of no camera, so of no camera-day

    found = read(user)

    assert (found.total.false_alarms, found.total.rated, found.total.recordings) == (2, 1, 12)
    assert found.total.camera_days == pytest.approx(1.0)
    assert found.total.false_rate_in_words == "1.0 (0.025 to 5.6)"
    (of_camera,) = (each for cell, each in found.cells.items() if cell.camera)
    assert of_camera.clips == 1


def test_hints_without_an_answer_make_a_range_of_the_rate(
    user: User, made: Made, make_store: MakeStore
) -> None:
    """Of no camera they are of no camera-day."""
    feed = make_feed(make_store(), opens_at=time(8), closes_at=time(20))
    for hours in range(1, 13):
        make_hour(feed.camera, NOW - timedelta(hours=hours))
    analysis = made(camera=feed.camera, model=WEIGHTS["model"])
    for start in (1.0, 20.0):
        make_hint(analysis, start=start)
    make_hint(made())

    found = read(user).total

    assert (found.unanswered, found.rated_open) == (3, 2)
    assert found.false_rate_in_words == "0 to 2.0 (0 to 7.2)"


def test_a_camera_without_any_hint_has_a_rate_too(user: User, make_store: MakeStore) -> None:
    feed = make_feed(make_store())
    for hours in range(1, 25):
        make_hour(feed.camera, NOW - timedelta(hours=hours))

    found = read(user).total

    assert not found.is_empty
    assert found.false_rate_in_words == "0 (below 3.7)"


def test_where_nothing_was_scored_no_rate_is_known(user: User, made: Made) -> None:
    answer(make_hint(made()), NO, at=NOW)

    assert read(user).total.false_rate_in_words == ""


def test_what_other_stores_scored_does_not_count(user: User, make_store: MakeStore) -> None:
    make_hour(make_feed(make_store("North")).camera, NOW - timedelta(hours=1))

    assert read(user).total.is_empty


def test_what_a_version_scored_along_is_no_time_of_the_camera(
    user: User, make_store: MakeStore
) -> None:
    camera = make_feed(make_store()).camera
    for hours in range(1, 25):
        at = NOW - timedelta(hours=hours)
        make_hour(camera, at)
        make_hour(camera, at, model="i3d_person@1", model_sha256="c" * 64, is_shadow=True)

    assert read(user).total.camera_days == pytest.approx(1.0)


def test_a_recording_counts_once_however_often_it_is_analyzed(user: User, made: Made) -> None:
    analysis = made()
    sums = {name: WEIGHTS[name] for name in ("model_sha256", "detector_sha256")}
    Analysis.objects.filter(pk=analysis.pk).update(**sums)
    clip = analysis.clip
    clip.camera = make_feed(clip.store).camera
    clip.save()
    for sha in (WEIGHTS["model_sha256"], "c" * 64):
        fields = WEIGHTS | {"model_sha256": sha}
        ScoredTime.objects.create(camera=clip.camera, clip=clip, start=NOW, seconds=600, **fields)

    assert read(user).total.recordings == 1

    trash.put(clip, by=user)

    assert read(user).total.recordings == 0


def test_a_false_hint_stays_one_when_its_clip_is_deleted(
    user: User, made: Made, make_store: MakeStore
) -> None:
    feed = make_feed(make_store(), opens_at=time(8), closes_at=time(20))
    for hours in range(1, 13):
        make_hour(feed.camera, NOW - timedelta(hours=hours))
    analysis = made(camera=feed.camera, model=WEIGHTS["model"])
    event = make_hint(analysis)
    answer(event, NO, at=NOW)
    make_score(feed.camera, NOW - timedelta(hours=1), 0.9, event=event, is_hint=True).save()
    before = read(user).total.rated

    clips.delete(analysis.clip)

    assert (before, read(user).total.rated) == (1, 1)


def test_an_hour_that_was_watched_live_and_recorded_as_well_is_rated_once(
    user: User, made: Made, make_store: MakeStore
) -> None:
    """A recording of two hours, of which one was watched; whether it is kept or deleted."""
    camera = make_feed(make_store()).camera
    hour = NOW - timedelta(hours=3)
    make_hour(camera, hour)
    recorded = made(camera=camera, model=WEIGHTS["model"], hours=3, duration=7200.0)
    sums = {name: WEIGHTS[name] for name in ("model_sha256", "detector_sha256")}
    Analysis.objects.filter(pk=recorded.pk).update(**sums)
    facts: dict[str, Any] = {"camera": camera, "clip": recorded.clip}
    ScoredTime.objects.create(start=hour, seconds=7200.0, **facts, **WEIGHTS)
    for seconds in (60.0, 4000.0):
        event = make_hint(recorded, start=seconds)
        answer(event, NO, at=NOW)
        at = hour + timedelta(seconds=seconds)
        make_score(at=at, score=0.9, event=event, is_hint=True, **facts).save()
    watched = made(camera=camera, model=WEIGHTS["model"], hours=3, origin=Origin.EVENT)
    answer(make_hint(watched, start=60.0), NO, at=NOW)

    kept = read(user).total
    clips.delete(recorded.clip)
    deleted = read(user).total

    for found in (kept, deleted):
        assert found.camera_days == pytest.approx(2 / 24)
        assert (found.rated, found.recordings) == (2, 2)
    assert (kept.false_alarms, deleted.false_alarms) == (3, 1)


def test_a_recording_of_an_hour_that_was_watched_adds_nothing(
    user: User, made: Made, make_store: MakeStore
) -> None:
    camera = make_feed(make_store()).camera
    hour = NOW - timedelta(hours=3)
    make_hour(camera, hour)
    facts: dict[str, Any] = {"camera": camera, "file": "a" * 64, "start": hour, "seconds": 3600.0}
    ScoredTime.objects.create(**facts, **WEIGHTS)
    make_score(camera, hour, 0.9, file="a" * 64, is_hint=True, verdict=Verdict.FALSE_ALARM).save()

    found = read(user).total

    assert found.camera_days == pytest.approx(1 / 24)
    assert (found.rated, found.recordings) == (0, 1)


def test_acts_for_a_test_are_no_false_hints(user: User, made: Made, make_store: MakeStore) -> None:
    """Who knows that staff acted it calls it a false alarm; whether it is kept or deleted."""
    camera = make_feed(make_store()).camera
    hour = NOW - timedelta(hours=3)
    make_hour(camera, hour)
    watched = made(camera=camera, model=WEIGHTS["model"], hours=3, origin=Origin.EVENT)
    for seconds in (60.0, 600.0):
        event = make_hint(watched, start=seconds)
        answer(event, NO, at=NOW)
        at = hour + timedelta(seconds=seconds)
        make_score(camera, at, 0.9, event=event, is_hint=True).save()
    planted_acts.plant(camera, hour + timedelta(seconds=60), None)

    kept = read(user).total
    clips.delete(watched.clip)
    deleted = read(user).total

    assert (kept.rated, deleted.rated) == (1, 1)
    assert kept.false_alarms == 2  # as people said
