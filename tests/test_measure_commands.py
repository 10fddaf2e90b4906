"""`manage.py plant_act` and `manage.py measure_camera`."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.conftest import MakeStore
from video_classifier.models import Camera, PlantedAct


@pytest.fixture
def camera(make_store: MakeStore) -> Camera:
    store = make_store("Berlin", time_zone="Europe/Berlin")
    return Camera.objects.create(store=store, name="Aisle 4")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_an_act_is_noted_by_the_clock_of_the_store(camera: Camera) -> None:
    run("plant_act", "Berlin", "Aisle 4", "2026-07-01 14:03", "--seconds", "20", "--note", "Scarf")

    act = PlantedAct.objects.get()
    assert act.started_at.isoformat() == "2026-07-01T12:03:00+00:00"
    assert ((act.ended_at - act.started_at).seconds, act.note) == (20, "Scarf")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("Paris", "Aisle 4", "2026-07-01 14:03"), "There are: Berlin"),
        (("Berlin", "Door", "2026-07-01 14:03"), "There are: Aisle 4"),
        (("Berlin", "Aisle 4", "at noon"), "is no time"),
        (("Berlin", "Aisle 4", "2026-07-01 14:03", "--seconds", "0"), "how long"),
        (("Berlin", "Aisle 4", "2199-07-01 14:03"), "still to come"),
    ],
)
def test_what_is_wrong_with_an_act_is_said(
    camera: Camera, arguments: tuple[str, ...], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        run("plant_act", *arguments)

    assert not PlantedAct.objects.exists()
