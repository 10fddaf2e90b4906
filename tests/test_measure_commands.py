"""`manage.py plant_act` and `manage.py measure_camera`."""

from __future__ import annotations

import json
from datetime import datetime
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.conftest import MakeModel, MakeStore, MakeUser
from tests.makers import videos
from tests.makers.scored_hours import make_days, make_hour
from video_classifier.models import Analysis, Camera, Clip, Measure, PlantedAct
from video_classifier.states import Role, Status


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


# measure_camera


NOW = timezone.now().replace(minute=0, second=0, microsecond=0)


def test_without_apply_it_only_says_what_it_would_come_to(camera: Camera) -> None:
    make_days(camera, 2, before=NOW)

    said = run("measure_camera", "Berlin", "Aisle 4", "--budget", "2")

    assert "at most 2 false hints a day" in said
    assert "48.0 h of this camera" in said
    assert not Measure.objects.exists()


def test_days_can_be_chosen_by_the_clock_of_the_store(camera: Camera) -> None:
    """Such as those of a folder that is known to be ordinary."""
    midnight = datetime(2026, 11, 10, tzinfo=ZoneInfo("Europe/Berlin"))
    make_days(camera, 3, before=midnight)

    said = run("measure_camera", "Berlin", "Aisle 4", "--from", "2026-11-08", "--to", "2026-11-08")

    assert "24.0 h of this camera" in said
    with pytest.raises(CommandError, match="first day comes after"):
        run("measure_camera", "Berlin", "Aisle 4", "--from", "2026-11-09", "--to", "2026-11-08")
    for wrong in ("today", "0001-01-01"):
        with pytest.raises(CommandError, match="is no day"):
            run("measure_camera", "Berlin", "Aisle 4", "--from", wrong)


def test_with_apply_it_holds_from_then_on(camera: Camera) -> None:
    make_days(camera, 2, before=NOW)

    run("measure_camera", "Berlin", "Aisle 4", "--apply")
    said = run("measure_camera", "Berlin", "Aisle 4", "--apply", "--budget", "2", "--thefts", "0")

    assert "hold from now on" in said
    assert [each.budget for each in Measure.objects.in_force()] == [2]
    assert Measure.objects.count() == 2


def test_an_hour_instead_of_a_day_is_exit_code_one_with_the_hours_missing(camera: Camera) -> None:
    make_hour(camera, NOW, [0.1, 0.5])

    with pytest.raises(CommandError, match=r"23\.0 h are missing") as error:
        run("measure_camera", "Berlin", "Aisle 4", "--apply")

    assert error.value.returncode == 1
    assert not Measure.objects.exists()


@pytest.mark.parametrize("budget", ["0", "-1", "nan", "inf"])
def test_a_budget_that_makes_no_sense_is_refused(camera: Camera, budget: str) -> None:
    make_days(camera, 2, before=NOW)

    with pytest.raises(CommandError, match="false hint"):
        run("measure_camera", "Berlin", "Aisle 4", f"--budget={budget}", "--apply")

    assert not Measure.objects.exists()


def test_json_is_one_object_with_the_keys_that_the_docs_have(camera: Camera) -> None:
    make_days(camera, 2, before=NOW)

    found = json.loads(run("measure_camera", "Berlin", "Aisle 4", "--json", "--apply"))

    assert (found["hours"], found["days"], found["recordings"]) == (48, 2, 48)
    assert found["measure"] == Measure.objects.get().pk
    assert found["thresholds"]["high"] == Measure.objects.get().high
    documented = (settings.BASE_DIR / "docs" / "json.md").read_text()
    keys = {*found, *(f"thresholds.{each}" for each in found["thresholds"])}
    assert [key for key in sorted(keys) if f"`{key}`" not in documented] == []


def test_a_folder_needs_somebody_whose_uploads_they_are(camera: Camera, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--user"):
        run("measure_camera", "Berlin", "Aisle 4", f"--folder={tmp_path}")


def test_a_folder_is_taken_in_for_the_camera_and_waited_for(
    camera: Camera,
    tmp_path: Path,
    make_user: MakeUser,
    make_model: MakeModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_model("standard")
    make_user("grace", roles=[Role.ANALYST], store=camera.store)
    videos.write(tmp_path / "20261125_090000.mp4", 6)
    waited: list[int] = []

    def analyze(_: float) -> None:
        """As a worker would, meanwhile."""
        waited.append(Analysis.objects.unfinished().count())
        Analysis.objects.update(status=Status.CANCELLED)

    monkeypatch.setattr("video_classifier.management.commands.import_folder.time.sleep", analyze)

    with pytest.raises(CommandError, match="was scored yet"):
        run(
            *("measure_camera", "Berlin", "Aisle 4", f"--folder={tmp_path}"),
            *("--user=grace", "--pattern=%Y%m%d_%H%M%S"),
        )

    clip = Clip.objects.get()
    assert (clip.camera, clip.store) == (camera, camera.store)
    assert waited
