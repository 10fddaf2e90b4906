"""Scores and false hints of a camera by how people appear, and by the clock of the store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.conftest import MakeClip, MakeStore
from tests.makers.scored_hours import WEIGHTS, make_hour, make_score
from video_classifier.models import Camera, CandidateScore, ScoredTime
from video_classifier.services import group_figures, planted_acts
from video_classifier.services.group_figures import GroupFigures
from video_classifier.services.weights import Weights
from video_classifier.states import RecordedFrom, Verdict

NOW = timezone.now().replace(hour=13, minute=0, second=0, microsecond=0)
YESTERDAY = NOW - timedelta(days=1)


@pytest.fixture
def camera(make_store: MakeStore) -> Camera:
    made = Camera.objects.create(store=make_store(), name="Aisle 4")
    make_hour(made, YESTERDAY)
    return made


def see(camera: Camera, score: float = 0.2, minutes: int = 0, **fields: Any) -> CandidateScore:
    made = make_score(camera, YESTERDAY + timedelta(minutes=minutes), score, **fields)
    made.save()
    return made


def figures(camera: Camera) -> GroupFigures:
    return group_figures.of_camera(camera, Weights(**WEIGHTS), now=NOW)


def test_each_fact_has_its_quarters_and_what_is_not_known_is_counted(camera: Camera) -> None:
    for number in range(8):
        see(camera, number / 10, clothing=number / 10, light=0.5)
    see(camera, 0.9, height=0.3)

    found = figures(camera)

    scores = [group.score for group in found.by["clothing"].groups]
    assert scores == pytest.approx([0.05, 0.25, 0.45, 0.65])
    assert found.by["clothing"].unmeasured == 1
    assert [group.hints.of for group in found.by["light"].groups] == [8, 0, 0, 0]
    assert found.by["height"].unmeasured == 8
    assert (found.candidates, found.days) == (9, 1)


def test_false_hints_are_those_that_people_call_so(camera: Camera) -> None:
    see(camera, 0.9, is_hint=True, verdict=Verdict.FALSE_ALARM, clothing=0.1)
    see(camera, 0.2, verdict=Verdict.FALSE_ALARM, clothing=0.1)  # it was no hint
    see(camera, 0.9, is_hint=True, clothing=0.9)

    found = figures(camera)

    dark = found.by["clothing"].groups[0].hints
    assert (dark.count, dark.of, dark.people) == (1, 2, 1)
    assert (found.false_hints, found.open) == (1, 1)


def test_what_was_confirmed_or_acted_or_is_of_a_shadow_or_not_scored_is_in_no_group(
    camera: Camera,
) -> None:
    see(camera, is_hint=True, verdict=Verdict.CONFIRMED)
    see(camera, minutes=30)
    planted_acts.plant(camera, YESTERDAY + timedelta(minutes=30), None, seconds=5)
    see(camera, is_shadow=True)
    make_score(camera, YESTERDAY - timedelta(days=40), 0.2).save()
    make_score(camera, YESTERDAY - timedelta(hours=5), 0.2).save()  # in no hour that counts

    assert figures(camera).candidates == 0


def test_the_time_of_day_is_the_stores_and_unknown_of_recordings_without_one(
    camera: Camera, make_clip: MakeClip
) -> None:
    camera.store.time_zone = "Asia/Tokyo"  # nine hours ahead: 22 h
    camera.store.save()
    later = YESTERDAY + timedelta(hours=1)
    known = make_clip(recorded_at=later, recorded_from=RecordedFrom.GIVEN)
    for clip in (known, unknown := make_clip()):
        ScoredTime.objects.create(camera=camera, clip=clip, start=later, seconds=3600.0, **WEIGHTS)
    see(camera)
    see(camera, minutes=60, clip=known)
    see(camera, minutes=60, clip=unknown)

    by_hour = figures(camera).by["hour"]

    assert [group.hints.of for group in by_hour.groups] == [0, 0, 0, 2]
    assert by_hour.unmeasured == 1


def test_intervals_are_by_day(camera: Camera) -> None:
    """Many candidates of one day are one day."""
    other = YESTERDAY - timedelta(days=1)
    make_hour(camera, other)
    for number in range(40):
        see(camera, 0.1, number, clothing=0.5)
        make_score(camera, other + timedelta(minutes=number), 0.9, clothing=0.5).save()

    group = figures(camera).by["clothing"].groups[0]

    assert (group.score_low, group.score_high) == pytest.approx((0.1, 0.9))
    assert group.hints.people == 2
