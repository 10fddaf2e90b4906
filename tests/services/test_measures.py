"""A camera's own thresholds: previewed, taken, ended, checked."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.conftest import MakeClip, MakeStore
from tests.makers.live_cameras import make_feed
from tests.makers.scored_hours import WEIGHTS, make_days, make_hour, make_measure, make_score
from video_classifier.models import AuditEntry, Camera, CandidateScore, Feed, Measure, ScoredTime
from video_classifier.services import feeds, measure_words, measures, planted_acts
from video_classifier.services.errors import Refused
from video_classifier.states import Action, EndOfMeasure, RecordedFrom

NOW = timezone.now().replace(minute=0, second=0, microsecond=0)
WISH: dict[str, Any] = {"budget": 1.0, "thefts": 1.0}


@pytest.fixture
def camera(make_store: MakeStore) -> Camera:
    return Camera.objects.create(store=make_store(), name="Aisle 4")


@pytest.fixture
def measured(camera: Camera) -> Camera:
    """With three days of footage."""
    make_days(camera, 3, before=NOW)
    return camera


def passing(camera: Camera, measure: Measure) -> int:
    return CandidateScore.objects.filter(camera=camera, score__gte=measure.high).count()


# Preview


def test_of_a_camera_that_scored_nothing_nothing_can_be_said(camera: Camera) -> None:
    found = measures.preview(camera, **WISH)

    assert (found.thresholds, found.problem) == (None, measures.NOT_SCORED)
    assert measure_words.of_preview(found) is None


def test_a_budget_gives_thresholds_and_what_they_rest_on(measured: Camera) -> None:
    found = measures.preview(measured, **WISH)

    assert found.thresholds is not None
    assert found.footage is not None
    assert (found.footage.recordings, len(found.footage.scores)) == (72, 720)
    # (1 + 1) x 3 days: at most five of them pass.
    assert found.thresholds.rate.count == 5
    assert found.thresholds.promised == (1.0, 2.0)
    assert not Measure.objects.exists()


def test_words_say_both_ends_of_the_promise_and_what_it_rests_on(measured: Camera) -> None:
    words = measure_words.of_preview(measures.preview(measured, **WISH))

    assert words is not None
    assert "at most 1 false hint a day" in words.promise
    assert "if 1 case of shoplifting a day is among the highest scores" in words.promise
    assert "at most 2 if none is" in words.promise
    assert "72.0 h of this camera in 72 recordings" in words.basis
    assert "5 in 3.0 days: 1.7 a day (95 %: 0.54 to 3.9)" in words.measured


def test_an_hour_instead_of_a_day_is_refused_with_the_hours_that_are_missing(
    camera: Camera,
) -> None:
    make_hour(camera, NOW - timedelta(hours=1), [0.1, 0.2, 0.9])

    found = measures.preview(camera, **WISH)

    assert found.thresholds is None
    assert found.missing_seconds == pytest.approx(23 * 3600)
    assert "1.0 h of this camera were scored, and it takes 24.0 h, so 23.0 h" in found.problem
    with pytest.raises(Refused, match=r"23\.0 h are missing"):
        measures.take(camera, None, **WISH)


def test_what_would_be_noticed_is_of_cameras_that_training_had_seen(camera: Camera) -> None:
    share = {"count": 27, "of": 41, "people": 11, "low": 0.48, "high": 0.82}
    figures = {
        "rank": 6,
        "rate": {"count": 5, "days": 3.0, "recordings": 72},
        "high_interval": [0.6, 0.8],
        "noticed": share,
        "uncertain_noticed": share | {"count": 4},
        "uncertain_a_day": 2.0,
        "promised": [1.0, 2.0],
    }

    words = measure_words.of_measure(make_measure(camera, now=NOW, figures=figures))

    assert "27 of 41 (66 %; 95 %: 48 to 82 %), 11 people" in words.noticed
    assert words.noticed.endswith("which the model knew from its training: expect fewer here.")


@pytest.mark.parametrize(
    ("budget", "way_out"),
    [(0.02, "Allow more false hints, or wait."), (0.01, "to wait is not enough")],
)
def test_nobody_waits_for_more_footage_than_is_kept(
    measured: Camera, budget: float, way_out: str
) -> None:
    assert way_out in measures.preview(measured, budget=budget, thefts=0.0).problem


def test_of_few_recordings_it_says_that_other_days_may_differ(
    camera: Camera, make_clip: MakeClip
) -> None:
    """A day in four files is a day, and four observations."""
    for number in range(4):
        at = NOW - timedelta(hours=6 * (number + 1))
        clip = make_clip(camera=camera, recorded_at=at, recorded_from=RecordedFrom.GIVEN)
        of_it = {"clip": clip, **WEIGHTS}
        ScoredTime.objects.create(camera=camera, start=at, seconds=21_600.0, **of_it)
        make_score(camera, at, 0.2 + number / 10, clip=clip).save()

    words = measure_words.of_preview(measures.preview(camera, **WISH))

    assert words is not None
    assert "4 recordings" in words.basis
    assert measure_words.OF_FEW in words.basis


def test_a_day_of_a_camera_that_is_watched_for_twelve_hours_has_twelve(
    make_store: MakeStore,
) -> None:
    feed = make_feed(make_store(), opens_at=time(8), closes_at=time(20))
    for hours in range(6):
        make_hour(feed.camera, NOW - timedelta(hours=hours + 1), [0.1, 0.2])

    assert measures.preview(feed.camera, **WISH).missing_seconds == pytest.approx(6 * 3600)
    assert measures.preview(feed.camera, budget=2.0, thefts=0.0).thresholds is not None


@pytest.mark.parametrize(
    ("budget", "thefts", "says"),
    [
        (0.0, 1.0, measures.NO_BUDGET),
        (-1.0, 1.0, measures.WRONG_BUDGET),
        (float("nan"), 1.0, measures.WRONG_BUDGET),
        (float("inf"), 1.0, measures.WRONG_BUDGET),
        (1001.0, 1.0, measures.WRONG_BUDGET),
        (1.0, -1.0, measures.WRONG_THEFTS),
        (1.0, float("nan"), measures.WRONG_THEFTS),
        (1.0, 21.0, measures.WRONG_THEFTS),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused_by_a_sentence(
    measured: Camera, budget: float, thefts: float, says: str
) -> None:
    assert measures.preview(measured, budget=budget, thefts=thefts).problem == says
    with pytest.raises(Refused) as refusal:
        measures.take(measured, None, budget=budget, thefts=thefts)
    assert str(refusal.value) == says


def test_a_quiet_day_with_thefts_in_it_keeps_them_above_the_threshold(measured: Camera) -> None:
    for day in range(3):  # one a day, whose candidate is far above all others
        at = NOW - timedelta(days=day, minutes=30)
        make_score(measured, at, 0.95, **WEIGHTS).save()

    with_them = measures.preview(measured, budget=1.0, thefts=1.0).thresholds
    without = measures.preview(measured, budget=1.0, thefts=0.0).thresholds

    assert with_them is not None
    assert without is not None
    assert with_them.high < 0.81  # the thefts would be hints, with two ordinary ones
    assert with_them.rate.count == 5
    assert without.rate.count <= 2  # all of the budget went to them


def test_an_act_for_a_test_does_not_raise_the_threshold(measured: Camera) -> None:
    before = measures.preview(measured, **WISH).thresholds
    make_score(measured, NOW - timedelta(minutes=30), 0.99, **WEIGHTS).save()
    planted_acts.plant(measured, NOW - timedelta(minutes=30), None)

    after = measures.preview(measured, **WISH).thresholds

    assert before is not None
    assert after is not None
    assert after.high == before.high


def test_days_can_be_chosen(measured: Camera) -> None:
    found = measures.preview(measured, **WISH, first=NOW - timedelta(days=2), last=NOW)
    wrong = measures.preview(measured, **WISH, first=NOW, last=NOW - timedelta(days=1))
    empty = measures.preview(measured, **WISH, first=NOW + timedelta(days=1))

    assert found.footage is not None
    assert found.footage.days == 2
    assert wrong.problem == measures.WRONG_DAYS
    assert empty.problem == measures.NONE_IN_TIME


# Taken and ended


def test_a_measure_is_taken_with_all_that_it_says(measured: Camera, user: User) -> None:
    made = measures.take(measured, user, **WISH)

    assert measures.in_force(measured) == made
    assert (made.made_by, made.budget, made.thefts, made.recordings) == (user, 1, 1, 72)
    assert 0 <= made.low <= made.high <= 1
    assert passing(measured, made) == 5
    assert len(made.reference) > 50
    read = Measure.objects.get()
    thresholds = measures.thresholds_of(read)
    assert (thresholds.rank, thresholds.rate.count) == (6, 5)
    words = measure_words.of_measure(read)
    assert words == measure_words.of_preview(measures.preview(measured, **WISH))
    entry = AuditEntry.objects.get(action=Action.MEASURED)
    assert (entry.actor, entry.details["measure"], entry.details["hours"]) == (
        user.pk,
        made.pk,
        72,
    )


def test_a_newer_measure_ends_the_one_before(measured: Camera, user: User) -> None:
    first = measures.take(measured, user, **WISH)

    second = measures.take(measured, user, budget=2.0, thefts=0.0, before=first.pk)

    first.refresh_from_db()
    assert measures.in_force(measured) == second
    assert (first.end, first.ended_by) == (EndOfMeasure.REPLACED, user)


def test_of_two_at_once_one_wins_and_the_other_gets_a_sentence(
    measured: Camera, user: User
) -> None:
    winner = measures.take(measured, user, **WISH)

    with pytest.raises(Refused) as refusal:
        measures.take(measured, user, **WISH)

    assert str(refusal.value) == measures.MEANWHILE
    assert measures.in_force(measured) == winner
    assert Measure.objects.count() == 1


def test_going_back_to_the_model_ends_it_once(measured: Camera, user: User) -> None:
    made = measures.take(measured, user, **WISH)

    measures.end(made, user)

    made.refresh_from_db()
    assert measures.in_force(measured) is None
    assert (made.end, made.ended_by) == (EndOfMeasure.REMOVED, user)
    assert AuditEntry.objects.filter(action=Action.MEASURE_ENDED).count() == 1
    with pytest.raises(Refused, match="already"):
        measures.end(made, user)


def test_after_going_back_somebody_who_saw_the_old_one_is_told(
    measured: Camera, user: User
) -> None:
    made = measures.take(measured, user, **WISH)
    measures.end(made, user)

    with pytest.raises(Refused, match="since this page was made"):
        measures.take(measured, user, **WISH, before=made.pk)


def test_a_renamed_camera_keeps_its_measure(make_store: MakeStore, user: User) -> None:
    feed = make_feed(make_store())
    make_days(feed.camera, 2, before=NOW)
    made = measures.take(feed.camera, user, **WISH)

    Camera.objects.filter(pk=feed.pk).update(name="Entrance")

    again = Camera.objects.get(pk=feed.pk)
    assert measures.in_force(again) == made
    assert not measures.has_other_scene(made)


def test_another_model_has_the_measure_wait(make_store: MakeStore, user: User) -> None:
    feed = make_feed(make_store())
    make_days(feed.camera, 2, before=NOW)
    made = measures.take(feed.camera, user, **WISH)

    Feed.objects.update(model="another")
    make_hour(feed.camera, NOW, model="another", model_sha256="c" * 64)

    assert measures.in_force(feed.camera) is None
    assert measures.held(feed.camera).waiting == [made]
    Feed.objects.update(model=WEIGHTS["model"])
    assert measures.in_force(feed.camera) == made


def test_other_zones_or_another_stream_ask_for_a_new_measure(
    make_store: MakeStore, user: User
) -> None:
    feed = make_feed(make_store())
    make_days(feed.camera, 2, before=NOW)
    made = measures.take(feed.camera, user, **WISH)
    assert not measures.has_other_scene(made)

    Feed.objects.update(ignored_zones=[[[0, 0], [0.5, 0], [0.5, 0.5]]])
    assert measures.has_other_scene(made)

    Feed.objects.update(ignored_zones=[], sealed_address="elsewhere")
    assert measures.has_other_scene(made)
    assert measures.in_force(feed.camera) == made  # asked, but not ended


def test_a_camera_that_is_gone_from_the_live_ones_keeps_its_measure(
    make_store: MakeStore, user: User
) -> None:
    feed = make_feed(make_store())
    make_days(feed.camera, 2, before=NOW)
    make_score(feed.camera, NOW, 0.1).save()
    made = measures.take(feed.camera, user, **WISH)

    Feed.objects.all().delete()

    assert measures.in_force(Camera.objects.get(pk=made.camera_id)) == made
    assert feeds.NAME_LENGTH  # the service that removes one leaves cameras with footage


# Each week


def week(camera: Camera, *, like: tuple[float, float], before: datetime) -> None:
    drawn = np.random.default_rng(5)
    for hour in range(24):
        scores = drawn.uniform(*like, size=20).round(4).tolist()
        make_hour(camera, before - timedelta(hours=hour + 1), scores)


@pytest.mark.parametrize(("like", "drifts"), [((0.0, 0.8), False), ((0.5, 1.0), True)])
def test_each_week_the_scores_are_compared(
    camera: Camera, like: tuple[float, float], *, drifts: bool
) -> None:
    measure = make_measure(camera, now=NOW, made_at=NOW - timedelta(days=8))
    week(camera, like=like, before=NOW)

    assert measures.check_due(now=NOW) == 1

    measure.refresh_from_db()
    assert measure.checked_at == NOW
    assert (measure.drift["has_drifted"], measure.drift["recordings"]) == (drifts, 24)
    assert measure.ended_at is None
    assert measures.check_due(now=NOW + timedelta(days=6)) == 0
    assert measures.check_due(now=NOW + timedelta(days=7)) == 1


def test_a_measure_of_this_week_is_not_checked(camera: Camera) -> None:
    make_measure(camera, now=NOW, made_at=NOW - timedelta(days=6))

    assert measures.check_due(now=NOW) == 0


def test_a_week_without_footage_says_nothing(camera: Camera) -> None:
    measure = make_measure(camera, now=NOW, made_at=NOW - timedelta(days=8))

    measures.check_due(now=NOW)

    measure.refresh_from_db()
    assert (measure.checked_at, measure.drift, measure.ended_at) == (NOW, {}, None)


def test_a_measure_whose_model_scored_nothing_for_a_week_ends(camera: Camera) -> None:
    measure = make_measure(camera, now=NOW, made_at=NOW - timedelta(days=8))
    make_hour(camera, NOW - timedelta(days=1), [0.1], model="another", model_sha256="c" * 64)

    measures.check_due(now=NOW)

    measure.refresh_from_db()
    assert (measure.end, measure.ended_by) == (EndOfMeasure.MODEL, None)


def test_one_that_can_not_be_checked_does_not_keep_others(
    camera: Camera, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = make_measure(camera, now=NOW, made_at=NOW - timedelta(days=8), reference=[])
    make_hour(camera, NOW - timedelta(days=1), [0.1, 0.4])
    other = Camera.objects.create(store=make_store(), name="Till")
    good = make_measure(other, now=NOW, made_at=NOW - timedelta(days=8))

    measures.check_due(now=NOW)

    broken.refresh_from_db()
    good.refresh_from_db()
    assert (broken.drift, good.checked_at) == ({}, NOW)
