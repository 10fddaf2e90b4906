"""What a short clip comes to, at once; and who is in a picture."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from pytest_django import Settings

from tests.api.conftest import V1, Key, sentence
from tests.conftest import MEASURED, MakeModel, MakeTrack
from tests.makers import videos
from tests.makers.footage import ROOT
from video_classifier.api import receiving
from video_classifier.models import Analysis, Clip, RepeatableRequest
from video_classifier.services import pictures
from video_classifier.states import Prediction, Status, View

SHEET = ROOT / "docs/screenshots/person_detector.jpg"  # twelve pictures of shops
PEOPLE = (960, 240, 1280, 480)  # of one with two people


@pytest.fixture(autouse=True)
def _a_model(make_model: MakeModel, settings: Settings) -> None:
    make_model(metrics=MEASURED)
    settings.PERSON_DETECTOR = ROOT / "models_storage/person_detector"


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return videos.write(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()


def sent(content: bytes, name: str) -> dict[str, Any]:
    return {"file": SimpleUploadedFile(name, content)}


def encoded(picture: Image.Image, kind: str = "JPEG", **how: Any) -> bytes:
    written = BytesIO()
    picture.save(written, kind, **how)
    return written.getvalue()


def test_a_clip_gives_all_that_its_result_says(
    api: Key, video: bytes, make_track: MakeTrack, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def analyze(analysis: Analysis, *, seconds: float) -> None:
        if not seconds:  # of a look at what came of it
            return
        waited.append(seconds)
        make_track(analysis=analysis, number=1, score=0.2)
        make_track(
            analysis=analysis,
            number=2,
            score=0.8,
            times=[1.0, 2.0, 3.0],
            boxes=[[0.1, 0.2, 0.3, 0.9]] * 3,
            crop_times=[1.5, 2.5],
        )
        done = {
            "status": Status.DONE,
            "prediction": Prediction.HINT,
            "score": 0.8,
            "threshold": 0.5,
        }
        Analysis.objects.update(
            **done, view=View.PERSON, decided_by=2, finished_at=analysis.queued_at
        )
        analysis.refresh_from_db()

    monkeypatch.setattr(receiving, "wait_for", analyze)

    response = api.post(f"{V1}/predict", sent(video, "till.mp4"))

    assert response.status_code == 200, response.content
    assert waited == [10]
    told = response.json()
    assert (told["kind"], told["prediction"], told["score"], told["threshold"]) == (
        "clip",
        "hint",
        0.8,
        0.5,
    )
    assert told["sentence"] == "Possible shoplifting"
    assert "never an accusation" in told["note"]
    assert [each["number"] for each in told["tracks"]] == [1, 2]
    assert told["looked_at"]["track"] == 2
    assert told["looked_at"]["times_s"] == [1.5, 2.5]
    assert [box["time_s"] for box in told["looked_at"]["boxes"]] == [2.0]
    assert api.get(told["analysis"]).json()["id"] in told["page"]
    assert Clip.objects.get().name == "till.mp4"


def test_one_that_takes_longer_is_told_where(api: Key, video: bytes) -> None:
    response = api.post(f"{V1}/predict?wait=0", sent(video, "till.mp4"))

    assert response.status_code == 202
    assert api.get(response["Location"]).json()["status"] == "queued"


def test_a_clip_that_failed_is_refused_with_the_reason(
    api: Key, video: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(analysis: Analysis, *, seconds: float) -> None:
        Analysis.objects.update(status=Status.FAILED, error="It broke off.")
        analysis.refresh_from_db()

    monkeypatch.setattr(receiving, "wait_for", fail)

    response = api.post(f"{V1}/predict", sent(video, "till.mp4"))

    assert response.status_code == 422
    assert sentence(response) == "It broke off."


def test_the_people_in_a_picture(api: Key) -> None:
    with Image.open(SHEET) as sheet:
        shop = encoded(sheet.crop(PEOPLE))

    response = api.post(f"{V1}/predict", sent(shop, "shop.jpg"))

    assert response.status_code == 200, response.content
    told = response.json()
    assert (told["kind"], told["prediction"], told["sentence"]) == (
        "picture",
        None,
        pictures.NO_MOVEMENT,
    )
    assert told["people"]
    for person in told["people"]:
        box = person["box"]
        assert 0 <= box["left"] < box["right"] <= 1
        assert 0 <= box["top"] < box["bottom"] <= 1
    assert not Clip.objects.exists()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_each_kind_of_picture_is_read(api: Key, kind: str) -> None:
    gray = Image.new("RGB", (320, 240), (90, 90, 90))

    response = api.post(f"{V1}/predict", sent(encoded(gray, kind), "empty"))

    assert response.status_code == 200, response.content
    assert response.json()["people"] == []


@pytest.mark.parametrize(
    "content",
    [
        encoded(Image.new("RGB", (320, 240)))[:200],
        b"\xff\xd8\xff" + b"\0" * 500,
        b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
        b"RIFF\0\0\0\0WEBP",
        b"BM" + b"\xff" * 60,
        b"II*\0" + b"\xff" * 60,
    ],
)
def test_a_broken_picture_is_refused_with_a_sentence(api: Key, content: bytes) -> None:
    response = api.post(f"{V1}/predict", sent(content, "a.jpg"))

    assert response.status_code == 422
    assert "picture" in sentence(response)


def test_a_bomb_of_pixels_is_refused(api: Key) -> None:
    """A few kilobytes that would take hundreds of megabytes."""
    bomb = encoded(Image.new("L", (20_000, 20_000)), "PNG")

    response = api.post(f"{V1}/predict", sent(bomb, "a.png"))

    assert len(bomb) < 1_000_000
    assert response.status_code == 422
    assert "million pixels" in sentence(response)


def test_the_answer_about_a_picture_is_kept_for_its_key(api: Key) -> None:
    gray = encoded(Image.new("RGB", (64, 64)))
    first, again = (
        api.post(f"{V1}/predict", sent(gray, "a.jpg"), headers={"Idempotency-Key": "one"})
        for _ in range(2)
    )

    assert again.json() == first.json()
    assert RepeatableRequest.objects.get().status == 200


@pytest.mark.django_db
def test_the_old_address_leads_here() -> None:
    response = Client().post("/predict?wait=3")

    assert response.status_code == 308
    assert response["Location"] == f"{V1}/predict?wait=3"
