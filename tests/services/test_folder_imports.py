"""A recorder's exports: each is taken once, and none before it is written."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.conftest import MakeModel, MakeStore
from tests.makers import videos
from video_classifier.models import Analysis, Camera, Clip
from video_classifier.services import trash, uploads
from video_classifier.services.folder_imports import Fate, FolderImport

Import = Callable[..., FolderImport]


@pytest.fixture(autouse=True)
def _model(make_model: MakeModel) -> None:
    make_model("standard")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two videos, and what else lies beside them."""
    folder = tmp_path / "nvr"
    (folder / "2026-11-26").mkdir(parents=True)
    videos.write(folder / "2026-11-26" / "14.30.00.mp4", 5)
    videos.write(folder / "20261125_090000.mp4", 6)
    (folder / "index.txt").write_text("a list")
    (folder / ".hidden.mp4").write_text("half a file")
    return folder


@pytest.fixture
def importing(folder: Path, user: User, make_store: MakeStore) -> Import:
    def importing(*, settle_seconds: float = 0.0) -> FolderImport:
        choices = uploads.Choices(model="standard", store=make_store())
        return FolderImport(
            folder=folder, user=user, choices=choices, settle_seconds=settle_seconds
        )

    return importing


def fates(run: FolderImport) -> list[tuple[str, Fate]]:
    return [(line.path.name, line.fate) for line in run.run()]


def test_each_video_is_taken_once_and_stays_where_it_is(importing: Import, folder: Path) -> None:
    run = importing()

    assert fates(run) == [("14.30.00.mp4", Fate.TAKEN), ("20261125_090000.mp4", Fate.TAKEN)]
    assert run.is_done
    assert fates(run) == []
    assert fates(importing()) == [
        ("14.30.00.mp4", Fate.KNOWN),
        ("20261125_090000.mp4", Fate.KNOWN),
    ]
    times = Clip.objects.order_by("recorded_at").values_list("recorded_at", flat=True)
    assert [f"{at:%d %H:%M}" for at in times if at] == ["25 09:00", "26 14:30"]
    assert len(list(folder.rglob("*.mp4"))) == 3
    stored = Path(Clip.objects.get(name="14.30.00.mp4").file.path)
    assert stored.read_bytes() == (folder / "2026-11-26" / "14.30.00.mp4").read_bytes()


def test_a_file_that_grows_is_waited_for(
    importing: Import, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    run, growing = importing(settle_seconds=5.0), folder / "20261125_090000.mp4"
    whole = growing.read_bytes()
    growing.write_bytes(whole[:100])

    assert fates(run) == []
    now[0] += 6
    growing.write_bytes(whole)
    assert fates(run) == [("14.30.00.mp4", Fate.TAKEN)]
    assert not run.is_done
    now[0] += 6
    assert fates(run) == [("20261125_090000.mp4", Fate.TAKEN)]
    assert run.is_done


def test_what_is_refused_says_why_and_the_others_go_on(importing: Import, folder: Path) -> None:
    (folder / "15.mp4").write_text("only words")

    lines = {line.path.name: line for line in importing().run()}

    assert lines["15.mp4"].fate == Fate.REFUSED
    assert "not a video" in lines["15.mp4"].more
    assert (
        lines["14.30.00.mp4"].more
        == Analysis.objects.get(clip__name="14.30.00.mp4").get_absolute_url()
    )


def test_a_full_queue_is_waited_for(importing: Import, settings: Settings) -> None:
    settings.WAITING_PER_USER = 1
    run = importing()

    assert [fate for _, fate in fates(run)] == [Fate.TAKEN, Fate.WAITING]
    assert not run.is_done
    settings.WAITING_PER_USER = 2
    assert [fate for _, fate in fates(run)] == [Fate.TAKEN]


def test_what_is_in_the_trash_does_not_come_back(importing: Import, user: User) -> None:
    list(importing().run())
    for clip in Clip.objects.all():
        trash.put(clip, by=user)

    assert {fate for _, fate in fates(importing())} == {Fate.KNOWN}


def test_nothing_is_left_where_uploads_arrive(importing: Import, settings: Settings) -> None:
    list(importing().run())

    assert [each for each in Path(settings.FILE_UPLOAD_TEMP_DIR).rglob("*") if each.is_file()] == []


# The command


def run_command(folder: Path, *options: str) -> None:
    call_command("import_folder", str(folder), "--user", "ada", "--settle", "0", *options)


def test_the_command_says_one_line_a_file(
    folder: Path, user: User, make_store: MakeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    camera = Camera.objects.create(store=make_store(), name="Till 3")

    run_command(folder, "--camera", "Till 3", "--model", "standard", "--store", "Main")

    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1].split(".")[0] for line in lines[:-1]] == ["taken", "taken"]
    assert lines[-1] == "2 taken, 0 already there, 0 refused."
    assert {clip.camera for clip in Clip.objects.all()} == {camera}


def test_its_exit_code_says_that_something_was_refused(folder: Path, user: User) -> None:
    (folder / "15.mp4").write_text("only words")

    with pytest.raises(CommandError) as error:
        run_command(folder, "--model", "standard")

    assert error.value.returncode == 1
    assert Clip.objects.count() == 2


@pytest.mark.parametrize(
    "options",
    [
        ("--store", "North"),
        ("--camera", "Till 9"),
        ("--model", "unknown"),
        ("--pattern", "%H"),
        ("--user", "nobody"),
    ],
)
def test_options_that_make_no_sense_end_it_at_once(
    folder: Path, user: User, options: tuple[str, str]
) -> None:
    with pytest.raises(CommandError) as error:
        run_command(folder, *options)

    assert error.value.returncode == 2
    assert not Clip.objects.exists()


def test_a_folder_that_is_not_there_ends_it_at_once(tmp_path: Path, user: User) -> None:
    with pytest.raises(CommandError, match="There is no folder"):
        run_command(tmp_path / "nothing")
