"""The pages of personal data: what there is, and export and erasure by camera and time."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeClip, MakeStore
from tests.makers.live_cameras import make_feed
from tests.makers.measures import make_score
from video_classifier.models import AuditEntry, Camera, CandidateScore, Clip
from video_classifier.services import cases, files, personal_data
from video_classifier.states import Action, RecordedFrom
from video_classifier.web.views import personal_data as views

pytestmark = pytest.mark.postgresql

FOOTAGE = "/personal-data/footage/"
NOON = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=3)


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", password="x")


@pytest.fixture
def client(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def camera(make_store: MakeStore) -> Camera:
    found: Camera = make_feed(make_store("Station", time_zone="Europe/Berlin")).camera
    return found


@pytest.fixture
def make_recording(make_clip: MakeClip, camera: Camera) -> Callable[..., Clip]:
    def make(minutes: float, **fields: Any) -> Clip:
        facts: dict[str, Any] = {
            "store": camera.store,
            "camera": camera,
            "recorded_at": NOON + timedelta(minutes=minutes),
            "recorded_from": RecordedFrom.FILE,
        }
        return make_clip(**facts | fields)

    return make


@pytest.fixture
def asked(camera: Camera) -> dict[str, Any]:
    """From noon on for half an hour, by the clock of the store."""
    local = NOON.astimezone(ZoneInfo("Europe/Berlin")).replace(tzinfo=None)
    return {
        "camera": camera.pk,
        "since": local.isoformat(),
        "until": (local + timedelta(minutes=30)).isoformat(),
    }


def test_each_kind_is_listed_with_its_number_and_in_the_docs(
    client: Client, make_recording: Callable[..., Clip]
) -> None:
    for minutes in range(2):
        make_recording(minutes)
    docs = (project.BASE_DIR / "docs" / "personal-data.md").read_text(encoding="utf-8")

    page = client.get("/personal-data/").content.decode()

    kinds = personal_data.kinds()
    assert next(each.how_many for each in kinds if each.what == "Clips and recordings") == "2"
    assert [each.what for each in kinds if each.what not in page] == []
    assert [each.what for each in kinds if f"| {each.what}" not in docs] == []


def test_what_there_is_is_shown_and_stays(
    client: Client,
    make_recording: Callable[..., Clip],
    make_clip: MakeClip,
    camera: Camera,
    asked: dict[str, Any],
) -> None:
    make_recording(10, name="till.mp4")
    make_recording(31, name="later.mp4")
    make_clip(name="unknown.mp4", store=camera.store, camera=camera)

    page = client.get(FOOTAGE, asked).content.decode()

    assert "till.mp4" in page
    assert "later.mp4" not in page
    assert "Of these nobody knows when" in page
    assert "unknown.mp4" in page
    assert "Erase 1 clip and" in page
    assert Clip.objects.count() == 3


def test_it_asks_the_database_no_more_the_more_clips_there_are(
    client: Client,
    make_recording: Callable[..., Clip],
    asked: dict[str, Any],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for minutes in range(12):
        make_recording(minutes)

    with django_assert_max_num_queries(24):
        client.get(FOOTAGE, asked)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"camera": "7000000"}, "Choose the camera."),
        ({"since": "noon"}, "Write day and time"),
        ({"until": "2020-01-01T10:00"}, "The end has to be after the beginning."),
        ({"until": "2999-01-01T10:00"}, "The end lies ahead."),
    ],
)
def test_nonsense_is_refused_with_a_sentence(
    client: Client, asked: dict[str, Any], wrong: dict[str, str], sentence: str
) -> None:
    response = client.get(FOOTAGE, asked | wrong)

    assert response.status_code == 422
    assert sentence in response.content.decode()


def test_an_export_is_a_zip_of_the_files_and_is_noted(
    client: Client,
    make_recording: Callable[..., Clip],
    camera: Camera,
    asked: dict[str, Any],
    root: User,
) -> None:
    clip = make_recording(10)
    make_score(camera, started_at=NOON + timedelta(minutes=1))

    response = client.get(f"{FOOTAGE}export", asked)

    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as found:
        assert found.testzip() is None
        told = json.loads(found.read("manifest.json"))
        assert found.read(f"{clip.pk}.mp4") == b"video"
    assert [each["file"] for each in told["clips"]] == [f"{clip.pk}.mp4"]
    assert len(told["candidates"]) == 1
    assert AuditEntry.objects.get(action=Action.EXPORTED).actor == root.pk


def test_an_export_that_lacks_a_file_is_refused_before_anything_is_sent(
    client: Client, make_recording: Callable[..., Clip], asked: dict[str, Any]
) -> None:
    clip = make_recording(10)
    files.discard([str(clip.file.name)])

    response = client.get(f"{FOOTAGE}export", asked, follow=True)

    assert "is no longer there, so that nothing was exported" in response.content.decode()
    assert not AuditEntry.objects.filter(action=Action.EXPORTED).exists()


def test_who_is_sure_erases_it_and_the_audit_log_notes_who(
    client: Client, make_recording: Callable[..., Clip], asked: dict[str, Any], root: User
) -> None:
    make_recording(10)
    spared = make_recording(31)

    response = client.post(f"{FOOTAGE}erase/", asked | {"sure": "1"}, follow=True)

    assert "Erased: 1 clip, and all else" in response.content.decode()
    assert list(Clip.objects.all()) == [spared]
    assert AuditEntry.objects.get(object_type="camera", action=Action.ERASED).actor == root.pk


@pytest.mark.parametrize("sure", ["", "1", "x", "9" * 40])
def test_who_knows_of_fewer_or_did_not_say_so_erases_nothing(
    client: Client, make_recording: Callable[..., Clip], asked: dict[str, Any], sure: str
) -> None:
    for minutes in range(2):
        make_recording(minutes)

    response = client.post(f"{FOOTAGE}erase/", asked | {"sure": sure}, follow=True)

    assert "Nothing was erased: tick the box" in response.content.decode()
    assert Clip.objects.count() == 2


def test_what_is_held_by_a_case_is_named_and_stays(
    client: Client, make_recording: Callable[..., Clip], asked: dict[str, Any], root: User
) -> None:
    clip = make_recording(10, name="till.mp4")
    case = cases.create(clip.store, cases.Subject(name="Bicycles"), by=root)
    cases.add_clip(case, clip, by=root)

    page = client.get(FOOTAGE, asked).content.decode()
    client.post(f"{FOOTAGE}erase/", asked | {"sure": "1"})

    assert "Take “till.mp4” out of “Bicycles” first." in page
    assert "I have looked" not in page
    assert Clip.objects.count() == 1


def test_a_long_erasure_says_how_far_it_is_and_goes_on(
    client: Client,
    make_recording: Callable[..., Clip],
    camera: Camera,
    asked: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(views, "STEP", -1.0)
    for minutes in range(2):
        make_recording(minutes)
    make_score(camera, started_at=NOON + timedelta(minutes=1))

    first = client.post(f"{FOOTAGE}erase/", asked | {"sure": "2"})

    assert "<strong>1</strong> of 2 clips are erased." in first.content.decode()
    assert (Clip.objects.count(), CandidateScore.objects.count()) == (1, 1)

    rest = asked | {"sure": "1", "done": "1"}
    last = client.post(f"{FOOTAGE}erase/", rest, headers={"HX-Request": "true"})

    assert last["HX-Redirect"] == FOOTAGE
    assert "Erased: 2 clips" in client.get(FOOTAGE).content.decode()
    assert not Clip.objects.exists()
    assert not CandidateScore.objects.exists()
