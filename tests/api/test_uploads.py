"""Clips that come in, and what they come to."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from tests.api.conftest import V1, Key, MakeKey, sentence
from tests.conftest import MakeModel, MakeStore, MakeUser
from tests.makers import videos
from video_classifier.api import idempotency, receiving
from video_classifier.api.problems import TOO_LARGE
from video_classifier.models import Analysis, Camera, Clip, RepeatableRequest
from video_classifier.services import accounts, database, disk, resumable, trash, uploads
from video_classifier.services import idempotency as repeating
from video_classifier.states import Role, Status


@pytest.fixture(autouse=True)
def _a_model(make_model: MakeModel) -> None:
    make_model()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return videos.write(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()


def sent(content: bytes, name: str = "till.mp4") -> dict[str, Any]:
    return {"file": SimpleUploadedFile(name, content, content_type="video/mp4")}


def test_a_clip_is_kept_and_its_analysis_waits(api: Key, video: bytes, user: User) -> None:
    response = api.post(f"{V1}/clips", sent(video))

    assert response.status_code == 202, response.content
    told = response.json()
    assert response["Location"] == told["url"]
    assert int(response["Retry-After"]) >= 1
    assert (told["status"], told["model"], told["same_bytes"]) == ("queued", "standard", None)
    analysis = Analysis.objects.get(pk=told["id"])
    assert (analysis.requested_by, analysis.clip.uploaded_by) == (user, user)
    assert analysis.clip.name == "till.mp4"
    assert api.get(response["Location"]).json()["id"] == told["id"]


def test_the_same_bytes_are_told(api: Key, video: bytes) -> None:
    first = api.post(f"{V1}/clips", sent(video)).json()

    again = api.post(f"{V1}/clips", sent(video, "copy.mp4")).json()

    assert again["id"] != first["id"]
    assert again["same_bytes"] == first["url"]


def test_the_same_in_the_trash_is_a_conflict(api: Key, video: bytes, user: User) -> None:
    told = api.post(f"{V1}/clips", sent(video)).json()
    trash.put(Clip.objects.get(), by=user)

    response = api.post(f"{V1}/clips", sent(video))

    assert response.status_code == 409
    assert sentence(response) == resumable.IN_TRASH
    assert response.json()["clip"] == told["clip"]["id"]


def test_it_says_where_and_when(api: Key, video: bytes, user: User, make_store: MakeStore) -> None:
    north = make_store("North")
    accounts.join(user, north, Role.ANALYST)
    camera = Camera.objects.create(store=north, name="Till")
    said = {"store": north.pk, "camera": camera.pk, "recorded_at": "2026-11-26 14:30"}

    clip = api.post(f"{V1}/clips", sent(video) | said).json()["clip"]

    assert (clip["store"], clip["camera"]) == (north.pk, camera.pk)
    assert clip["recorded_at"] == "2026-11-26T14:30:00Z"
    without = api.post(f"{V1}/clips", sent(video))
    assert without.status_code == 422
    assert "store" in without.json()["errors"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"model": "none"}, "model"),
        ({"store": "9"}, "store"),
        ({"camera": "x"}, "camera"),
        ({"recorded_at": "noon"}, "recorded_at"),
        ({"recorded_at": "0001-01-01 00:00"}, "recorded_at"),
        ({"recorded_at": "1999-12-31 23:59Z"}, "recorded_at"),
        ({"recorded_at": "9999-12-31T23:59:59.999999-23:59"}, "recorded_at"),
        ({"pattern": "%Q"}, "pattern"),
    ],
)
def test_a_wrong_choice_is_a_sentence(
    api: Key, video: bytes, said: dict[str, str], field: str
) -> None:
    response = api.post(f"{V1}/clips", sent(video) | said)

    assert response.status_code == 422
    assert sentence(response)
    assert field in response.json()["errors"] or field == "recorded_at"
    assert not Clip.objects.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", b"hello"), ("empty.mp4", b""), ("torn.mp4", b"\0\0\0\x18ftypmp42" + b"\0" * 500)],
)
def test_what_is_no_clip_is_refused_with_the_reason(api: Key, name: str, content: bytes) -> None:
    response = api.post(f"{V1}/clips", sent(content, name))

    assert response.status_code == 422
    assert len(sentence(response)) > 20
    assert not Clip.objects.exists()


def test_one_file_is_sent_in_its_field(api: Key, video: bytes) -> None:
    two = [SimpleUploadedFile(name, video) for name in ("a.mp4", "b.mp4")]
    for body in ({}, {"file": two}, {"clips": sent(video)["file"]}, {"file": "text"}):
        response = api.post(f"{V1}/clips", body)
        assert response.status_code == 422, body
        assert sentence(response) == receiving.ONE_FILE


def test_another_content_type_is_refused(api: Key) -> None:
    response = api.post(f"{V1}/clips", b"\0" * 100, content_type="video/mp4")

    assert response.status_code == 415
    assert sentence(response)


def test_a_file_beyond_the_limit_is_refused(api: Key, video: bytes, settings: Settings) -> None:
    settings.CLIP_MAX_BYTES = len(video) - 1

    response = api.post(f"{V1}/clips", sent(video))

    assert response.status_code == 413
    assert "larger than" in sentence(response)
    assert not Clip.objects.exists()


def test_101_megabytes_are_refused_and_leave_nothing(api: Key, settings: Settings) -> None:
    response = api.post(f"{V1}/clips", sent(bytes(101 * 1024 * 1024)))

    assert response.status_code == 413
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []


def test_a_form_larger_than_all_that_may_be_sent_is_not_read(
    api: Key, video: bytes, settings: Settings
) -> None:
    settings.CLIP_MAX_BYTES = settings.CLIPS_PER_UPLOAD = 1

    big = api.post(f"{V1}/clips", sent(bytes(2 * 1024 * 1024)))

    assert big.status_code == 413
    assert sentence(big) == TOO_LARGE


def test_an_upload_that_is_cut_off_keeps_nothing(
    api: Key, video: bytes, settings: Settings
) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n' + video
    response = api.generic(
        "POST", f"{V1}/clips", body[:-50], content_type="multipart/form-data; boundary=b"
    )

    assert response.status_code in {400, 422}
    assert sentence(response)
    assert not Clip.objects.exists()
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []


def test_a_full_disk_is_a_sentence(api: Key, video: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "is_nearly_full", lambda *_: True)

    response = api.post(f"{V1}/clips", sent(video))

    assert response.status_code == 507
    assert sentence(response) == disk.FULL


def test_a_disk_that_is_write_protected_is_a_sentence(
    api: Key, video: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> str:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(FileSystemStorage, "_save", refuse)

    response = api.post(f"{V1}/clips", sent(video))

    assert response.status_code == 503
    assert sentence(response) == disk.AWAY
    assert not Clip.objects.exists()


def test_a_full_queue_is_told_with_when_to_come_back(
    api: Key, video: bytes, settings: Settings
) -> None:
    settings.WAITING_PER_USER = 1
    api.post(f"{V1}/clips", sent(video))

    response = api.post(f"{V1}/clips", sent(video))

    assert response.status_code == 429
    assert int(response["Retry-After"]) >= 1


def test_a_reviewer_may_not_upload(make_user: MakeUser, make_key: MakeKey, video: bytes) -> None:
    response = make_key(make_user("grace", roles=[Role.REVIEWER])).post(f"{V1}/clips", sent(video))

    assert response.status_code == 403
    assert sentence(response)


@pytest.mark.parametrize("wait", ["-1", "11", "1.5", "x", "", "9" * 400, "٣"])
def test_a_wrong_wait_is_refused(api: Key, video: bytes, wait: str) -> None:
    response = api.post(f"{V1}/clips?wait={wait}", sent(video))

    assert response.status_code == 400
    assert sentence(response) == receiving.BAD_WAIT
    assert not Clip.objects.exists()


def test_who_waits_gets_the_end(api: Key, video: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The analysis ends while the request waits."""

    def end(_: float) -> None:
        Analysis.objects.update(status=Status.CANCELLED)

    monkeypatch.setattr("time.sleep", end)

    response = api.post(f"{V1}/clips?wait=5", sent(video))

    assert response.status_code == 200
    assert response.json()["status"] == "cancelled"


def test_not_all_threads_wait(api: Key, video: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "_free", threading.BoundedSemaphore(1))
    receiving._free.acquire()
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("it waited"))

    assert api.post(f"{V1}/clips?wait=10", sent(video)).status_code == 202


# Another analysis


def test_a_clip_is_analyzed_again(api: Key, video: bytes, make_model: MakeModel) -> None:
    make_model("other")
    first = api.post(f"{V1}/clips", sent(video)).json()
    body = {"clip": first["clip"]["id"], "model": "other"}

    response = api.post(f"{V1}/analyses", body, content_type="application/json")

    assert response.status_code == 202
    assert (response.json()["model"], response.json()["id"] != first["id"]) == ("other", True)
    body["model"] = "none"
    refused = api.post(f"{V1}/analyses", body, content_type="application/json")
    assert refused.status_code == 422
    assert "none" in sentence(refused)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b'"a"', b"{}", b'{"clip": NaN}', b'{"clip": Infinity}'),
        *(b'{"clip": "x"}', b'{"clip": {"a": 1}}', b"[" * 20_000, b'{"a":' * 10_000, b"\xff\xfe"),
        b'{"clip": "00000000-0000-0000-0000-000000000000", "model": {}}',
    ],
)
def test_what_is_no_request_is_refused(api: Key, body: bytes) -> None:
    response = api.generic("POST", f"{V1}/analyses", body, content_type="application/json")

    assert response.status_code == 400
    assert sentence(response)


def test_50_megabytes_of_json_are_refused_unread(api: Key) -> None:
    body = b'{"clip": "' + b"a" * (50 * 1024 * 1024) + b'"}'
    response = api.generic("POST", f"{V1}/analyses", body, content_type="application/json")

    assert response.status_code == 413
    assert sentence(response) == TOO_LARGE


# The same request again


@pytest.fixture
def keyed(api: Key) -> dict[str, str]:
    return {idempotency.HEADER: "one"}


def test_the_same_request_is_done_once(api: Key, video: bytes, keyed: dict[str, str]) -> None:
    first = api.post(f"{V1}/clips", sent(video), headers=keyed)
    again = api.post(f"{V1}/clips", sent(video), headers=keyed)

    assert again.json() == first.json()
    assert (again.status_code, again["Location"]) == (202, first["Location"])
    assert again[idempotency.REPEATED] == "true"
    assert Clip.objects.count() == 1


def test_a_request_that_broke_after_the_clip_was_kept_is_not_done_again(
    api: Key, video: bytes, keyed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the process is killed, or the database is lost, before it answers."""
    with monkeypatch.context() as patch:
        patch.setattr(receiving, "wait_for", make_raise(ConnectionError))
        with pytest.raises(ConnectionError):
            api.post(f"{V1}/clips", sent(video), headers=keyed)

    again = api.post(f"{V1}/clips", sent(video), headers=keyed)

    assert again.status_code == 202
    assert again[idempotency.REPEATED] == "true"
    assert again.json()["id"] == str(Analysis.objects.get().pk)
    assert Clip.objects.count() == 1


def make_raise(error: type[Exception]) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_another_body_under_the_same_key_is_refused(
    api: Key, video: bytes, keyed: dict[str, str]
) -> None:
    api.post(f"{V1}/clips", sent(video), headers=keyed)

    for body in (
        sent(video, "other.mp4"),
        sent(video + b"\0"),
        sent(video) | {"model": "standard"},
    ):
        response = api.post(f"{V1}/clips", body, headers=keyed)
        assert response.status_code == 422
        assert sentence(response) == repeating.OTHER
    assert Clip.objects.count() == 1


def test_while_the_first_runs_the_second_is_told(
    api: Key, video: bytes, keyed: dict[str, str]
) -> None:
    api.post(f"{V1}/clips", sent(video), headers=keyed)
    now = database.now()
    RepeatableRequest.objects.update(status=None, heartbeat_at=now - repeating.LEASE / 2)

    response = api.post(f"{V1}/clips", sent(video), headers=keyed)

    assert response.status_code == 409
    assert sentence(response) == repeating.RUNNING


@pytest.mark.parametrize("beats", [-1.1, 120])
def test_one_whose_process_died_is_begun_anew_once_its_lease_is_over(
    api: Key, video: bytes, keyed: dict[str, str], beats: float
) -> None:
    """Also where the clock was set back by an hour since."""
    assert api.post(f"{V1}/clips", sent(video), headers=keyed).status_code == 202
    last = database.now() + beats * repeating.LEASE
    RepeatableRequest.objects.update(status=None, heartbeat_at=last)

    response = api.post(f"{V1}/clips", sent(video), headers=keyed)

    assert response.status_code == 202
    assert idempotency.REPEATED not in response


def test_one_that_was_begun_anew_meanwhile_keeps_nothing(
    api: Key, video: bytes, keyed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where its process was frozen: the other one does it."""
    check = uploads.check

    def take_away(*arguments: Any) -> None:
        RepeatableRequest.objects.all().delete()
        check(*arguments)

    monkeypatch.setattr(uploads, "check", take_away)

    response = api.post(f"{V1}/clips", sent(video), headers=keyed)

    assert response.status_code == 409
    assert sentence(response) == repeating.LOST
    assert not Clip.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_one_that_takes_long_shows_life(
    make_user: MakeUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeating, "BEAT_SECONDS", 0.001)
    begun = repeating.begin(make_user(), "one", "")
    assert isinstance(begun, RepeatableRequest)
    first = begun.heartbeat_at

    with repeating.alive(begun):
        while begun.heartbeat_at == first:
            begun.refresh_from_db()

    assert begun.heartbeat_at > first


def test_what_was_refused_may_be_sent_again(api: Key, video: bytes, keyed: dict[str, str]) -> None:
    assert api.post(f"{V1}/clips", sent(b"hello"), headers=keyed).status_code == 422

    assert api.post(f"{V1}/clips", sent(video), headers=keyed).status_code == 202


def test_keys_are_of_their_users_and_last_a_day(
    api: Key, video: bytes, keyed: dict[str, str], make_user: MakeUser, make_key: MakeKey
) -> None:
    api.post(f"{V1}/clips", sent(video), headers=keyed)
    other = make_key(make_user("grace", roles=[Role.ANALYST]))

    assert idempotency.REPEATED not in other.post(f"{V1}/clips", sent(video), headers=keyed)
    for row in RepeatableRequest.objects.all():
        row.created_at -= repeating.KEEP * 2
        row.save()
    assert idempotency.REPEATED not in api.post(f"{V1}/clips", sent(video), headers=keyed)
    assert repeating.purge() == 1


@pytest.mark.parametrize("key", ["", "é", "a" * 256, "a\tb"])
def test_a_wrong_key_is_refused(api: Key, video: bytes, key: str) -> None:
    response = api.post(f"{V1}/clips", sent(video), headers={idempotency.HEADER: key})

    assert response.status_code == 400
    assert sentence(response) == idempotency.INVALID
