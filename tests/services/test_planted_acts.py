"""Acts that staff plant, so that what is noticed can be counted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.conftest import MakeStore
from video_classifier.models import AuditEntry, Camera, PlantedAct
from video_classifier.services import planted_acts
from video_classifier.services.errors import Refused
from video_classifier.states import Action

NOW = timezone.now()
EARLIER = NOW - timedelta(hours=2)


@pytest.fixture
def camera(make_store: MakeStore) -> Camera:
    return Camera.objects.create(store=make_store(), name="Aisle 4")


def test_an_act_is_noted_with_who_noted_it(camera: Camera, user: User) -> None:
    act = planted_acts.plant(camera, EARLIER, user, seconds=20, note="  a scarf,\n into a bag ")

    assert (act.ended_at - act.started_at).total_seconds() == 20
    assert (act.note, act.noted_by) == ("a scarf, into a bag", user)
    entry = AuditEntry.objects.get(action=Action.ACT_PLANTED)
    assert (entry.actor, entry.object_id, entry.store) == (
        user.pk,
        str(camera.pk),
        camera.store_id,
    )


@pytest.mark.parametrize("seconds", [0, -3, 601, float("nan"), float("inf")])
def test_an_act_that_takes_no_time_or_hours_is_refused(camera: Camera, seconds: float) -> None:
    with pytest.raises(Refused, match="how long"):
        planted_acts.plant(camera, EARLIER, None, seconds=seconds)

    assert not PlantedAct.objects.exists()


def test_an_act_is_noted_when_it_is_over(camera: Camera) -> None:
    with pytest.raises(Refused, match="still to come"):
        planted_acts.plant(camera, timezone.now() + timedelta(minutes=5), None)


def test_a_long_note_is_refused(camera: Camera) -> None:
    with pytest.raises(Refused, match="200 characters"):
        planted_acts.plant(camera, EARLIER, None, note="x" * 201)


def test_the_same_act_is_noted_once(camera: Camera) -> None:
    planted_acts.plant(camera, EARLIER, None)

    with pytest.raises(Refused, match="already"):
        planted_acts.plant(camera, EARLIER + timedelta(seconds=10), None)

    planted_acts.plant(camera, EARLIER + timedelta(minutes=1), None)
    assert PlantedAct.objects.count() == 2


def test_a_deleted_act_can_be_brought_back(camera: Camera, user: User) -> None:
    act = planted_acts.plant(camera, EARLIER, user, seconds=20, note="scarf")

    token = planted_acts.remove(act, user)
    assert not PlantedAct.objects.exists()
    planted_acts.restore(camera, token, user)

    again = PlantedAct.objects.get()
    assert (again.started_at, again.ended_at, again.note) == (EARLIER, act.ended_at, "scarf")
    assert AuditEntry.objects.filter(action=Action.ACT_REMOVED).count() == 1


def test_two_who_delete_an_act_delete_it_once(camera: Camera, user: User) -> None:
    act = planted_acts.plant(camera, EARLIER, user)
    other = PlantedAct.objects.get()
    planted_acts.remove(act, user)

    with pytest.raises(Refused, match="meanwhile"):
        planted_acts.remove(other, user)


def test_an_act_comes_back_to_its_own_camera_alone(camera: Camera, user: User) -> None:
    other = Camera.objects.create(store=camera.store, name="Till")
    token = planted_acts.remove(planted_acts.plant(camera, EARLIER, user), user)

    for wrong in (token, "nonsense"):
        with pytest.raises(Refused, match="too late"):
            planted_acts.restore(other, wrong, user)


def test_an_act_is_near_what_is_seen_within_half_a_minute(camera: Camera) -> None:
    act = planted_acts.plant(camera, EARLIER, None, seconds=10)

    def meets(begins: float, ends: float) -> bool:
        start, end = (EARLIER + timedelta(seconds=each) for each in (begins, ends))
        return planted_acts.meets([act], start, end) is not None

    assert meets(-40, -30)
    assert meets(40, 50)
    assert not meets(-40, -31)
    assert not meets(41, 50)
