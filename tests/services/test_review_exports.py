"""What people agree on becomes a data set that training reads."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeUser
from tests.makers import videos
from tests.makers.events import make_result_event
from video_classifier.ml.data import manifest
from video_classifier.models import AuditEntry, Camera, Clip, Event, PlantedAct, Store
from video_classifier.services import audit, files, review_exports, reviews, sandbox, trash
from video_classifier.services.errors import Refused
from video_classifier.states import Action, Answer, Origin, RecordedFrom, Status

YES, NO, UNSURE = Answer.CONFIRMED, Answer.FALSE_ALARM, Answer.UNSURE


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Six seconds."""
    return videos.write(tmp_path_factory.mktemp("video") / "clip.mp4", 60).read_bytes()


@pytest.fixture
def clip(make_clip: MakeClip, make_store: MakeStore, content: bytes) -> Clip:
    """Recorded late in the evening of its store."""
    store = make_store("Rome", time_zone="Europe/Rome")
    return make_clip(
        content=content,
        duration=6.0,
        store=store,
        camera=Camera.objects.create(store=store, name="Till 2"),
        recorded_at=datetime(2026, 11, 25, 23, 30, tzinfo=UTC),
        recorded_from=RecordedFrom.GIVEN,
    )


@pytest.fixture
def people(make_user: MakeUser) -> list[User]:
    return [make_user(name) for name in ("ada", "dana", "kim")]


def say(event: Event, *answers: tuple[User, Answer]) -> Event:
    for by, answer in answers:
        reviews.answer(event, event.analysis.clip, by, answer=answer, note="A name")
    return event


@pytest.fixture
def confirmed(clip: Clip, make_analysis: MakeAnalysis, people: list[User]) -> Event:
    ada, dana, _ = people
    event = make_result_event(make_analysis(clip=clip, status=Status.DONE))
    return say(event, (ada, YES), (dana, YES))


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_training_reads_it(confirmed: Event, people: list[User], tmp_path: Path) -> None:
    beside = make_result_event(confirmed.analysis, start=3.5, score=0.6)
    say(beside, (people[1], NO), (people[2], UNSURE))

    call_command("export_reviewed", str(tmp_path / "out"))

    found = manifest.read(tmp_path / "out" / "manifest.csv")
    assert [(each.label, each.group) for each in found] == [
        ("shoplifter", f"camera {confirmed.analysis.clip.camera_id}, 2026-11-26"),
        ("non_shoplifter", f"camera {confirmed.analysis.clip.camera_id}, 2026-11-26"),
    ]
    assert {(each.source, each.take) for each in found} == {
        ("Rome / Till 2", confirmed.analysis.clip.sha256[:16])
    }
    assert len({each.path for each in found}) == 2
    for each in found:
        assert sandbox.probe(each.path)[0].duration < 4.0


def test_reviewers_are_numbers_and_nothing_that_was_typed_is_in_it(
    confirmed: Event, people: list[User], tmp_path: Path
) -> None:
    say(make_result_event(confirmed.analysis, start=3.5), (people[2], NO))

    review_exports.write(review_exports.agreed(), tmp_path / "out")

    first, second = rows(tmp_path / "out")
    assert (first["reviewer"], second["reviewer"]) == ("1 2", "3")
    assert (first["camera"], first["day"]) == ("Rome / Till 2", "2026-11-26")
    assert (first["event"], first["score"], first["model"]) == (
        str(confirmed.pk),
        "0.9",
        "standard",
    )
    text = (tmp_path / "out" / "manifest.csv").read_text()
    assert not any(each in text for each in ("ada", "dana", "kim", "A name"))


@pytest.mark.parametrize(
    "answers", [[], [YES], [UNSURE], [YES, NO], [YES, NO, NO], [NO, YES], [YES, UNSURE]]
)
def test_what_people_do_not_agree_on_is_left_out(
    clip: Clip, make_analysis: MakeAnalysis, people: list[User], answers: list[Answer]
) -> None:
    event = make_result_event(make_analysis(clip=clip, status=Status.DONE))
    say(event, *zip(people, answers, strict=False))

    assert not review_exports.agreed().exists()


def test_an_event_that_two_results_have_is_in_it_once(
    confirmed: Event, make_analysis: MakeAnalysis
) -> None:
    again = make_analysis(clip=confirmed.analysis.clip, status=Status.DONE)
    later = make_result_event(again, start=1.2)

    assert list(review_exports.agreed()) == [later]


def test_the_trash_is_left_out(confirmed: Event, people: list[User]) -> None:
    trash.put(confirmed.analysis.clip, by=people[0])

    assert not review_exports.agreed().exists()


@pytest.mark.parametrize(("seconds_before", "left"), [(5, 0), (120, 1)])
def test_acts_for_a_test_are_left_out(confirmed: Event, seconds_before: int, left: int) -> None:
    camera = confirmed.analysis.clip.camera
    assert camera is not None
    at = confirmed.happened_at - timedelta(seconds=seconds_before)
    PlantedAct.objects.create(camera=camera, started_at=at, ended_at=at + timedelta(seconds=4))
    summary = review_exports.Summary()

    found = list(review_exports.once(review_exports.agreed(), summary))

    assert len(found) == left
    assert summary.left_out[review_exports.ACTED] == 1 - left


@pytest.mark.parametrize(("answer", "left"), [(YES, 1), (NO, 0)])
def test_footage_that_was_uploaded_twice_is_in_it_once(
    confirmed: Event,
    people: list[User],
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    content: bytes,
    answer: Answer,
    left: int,
) -> None:
    twin = make_analysis(clip=make_clip(content=content, duration=6.0), status=Status.DONE)
    say(make_result_event(twin, start=1.5), *((each, answer) for each in people))
    summary = review_exports.Summary()

    found = list(review_exports.once(review_exports.agreed(), summary))

    assert len(found) == left
    assert summary.left_out.total() == 2 - left


def test_the_clip_of_a_live_event_is_linked(confirmed: Event, tmp_path: Path) -> None:
    Clip.objects.update(origin=Origin.EVENT)
    confirmed.analysis.clip.refresh_from_db()

    review_exports.write(review_exports.agreed(), tmp_path / "out")

    (row,) = rows(tmp_path / "out")
    with files.local_path(confirmed.analysis.clip.file) as source:
        assert (tmp_path / "out" / row["path"]).samefile(source)


def test_a_copy_does_where_nothing_can_be_linked(
    confirmed: Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    Clip.objects.update(origin=Origin.EVENT)
    monkeypatch.setattr("os.link", refuse)

    summary = review_exports.write(review_exports.agreed(), tmp_path / "out")

    assert summary.labels == {"shoplifter": 1}


def test_by_day_and_store(confirmed: Event, make_store: MakeStore) -> None:
    day = date(2026, 11, 26)  # by the clocks of Rome

    assert review_exports.agreed(since=day, store=confirmed.store).get() == confirmed
    assert not review_exports.agreed(since=date(2026, 11, 27)).exists()
    assert not review_exports.agreed(store=make_store("Elsewhere")).exists()


def test_a_file_that_is_gone_is_left_out(
    confirmed: Event, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for origin in (Origin.EVENT, Origin.UPLOAD):
        Clip.objects.update(origin=origin)
        with files.local_path(confirmed.analysis.clip.file) as source:
            source.unlink(missing_ok=True)

        call_command("export_reviewed", str(tmp_path / origin))

        out = capsys.readouterr().out
        assert "1 left out" in out
        assert "0 written" in out
        assert rows(tmp_path / origin) == []
        assert not list((tmp_path / origin / "clips").iterdir())


@pytest.mark.usefixtures("confirmed")
def test_an_export_is_noted(tmp_path: Path) -> None:
    review_exports.write(review_exports.agreed(), tmp_path / "out")

    entry = AuditEntry.objects.get(action=Action.EXPORTED)
    assert (entry.actor, entry.object_type, entry.details) == (None, audit.EVENTS, {"rows": 1})


@pytest.mark.usefixtures("confirmed")
def test_a_spreadsheet_runs_no_name_of_a_store(tmp_path: Path) -> None:
    Store.objects.filter(name="Rome").update(name="=1+1")

    review_exports.write(review_exports.agreed(), tmp_path / "out")

    (row,) = rows(tmp_path / "out")
    assert (row["source"], row["camera"]) == ("'=1+1 / Till 2",) * 2


# The command


@pytest.mark.usefixtures("confirmed")
def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("export_reviewed", str(tmp_path / "out"), "--dry-run", "--since", "2026-11-01")

    assert capsys.readouterr().out == "1 would be written (1 shoplifter).\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("db")
def test_exports_are_not_mixed(tmp_path: Path) -> None:
    (tmp_path / "other").touch()

    with pytest.raises(CommandError, match="isn't empty"):
        call_command("export_reviewed", str(tmp_path))

    assert [each.name for each in tmp_path.iterdir()] == ["other"]


@pytest.mark.usefixtures("db")
def test_a_folder_has_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CommandError, match="can't be written to"):
        call_command("export_reviewed", str(tmp_path / "file"))


def test_a_store_has_to_be_there(make_store: MakeStore, tmp_path: Path) -> None:
    make_store()

    with pytest.raises(CommandError, match="There are: “Main”"):
        call_command("export_reviewed", str(tmp_path / "out"), "--store", "Mian")


@pytest.mark.usefixtures("confirmed")
def test_a_full_disk_leaves_no_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sandbox, "cut", full)

    with pytest.raises(Refused):
        review_exports.write(review_exports.agreed(), tmp_path / "out")

    assert not (tmp_path / "out" / "manifest.csv").exists()
