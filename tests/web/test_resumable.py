"""The tus protocol, word for word, and who may speak it about which upload."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import MakeModel, MakeStore, MakeUser
from tests.makers import videos
from video_classifier.models import Analysis, Camera, Clip, Membership, Upload
from video_classifier.services import disk, resumable, sandbox, trash
from video_classifier.states import RecordedFrom, UploadStatus
from video_classifier.web.views import resumable as view

TUS = {"Tus-Resumable": "1.0.0"}
UPLOADS = "/uploads/"
MEGABYTE = 1024 * 1024
DISK = 8 * MEGABYTE


@pytest.fixture(autouse=True)
def _a_model(make_model: MakeModel) -> None:
    make_model()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return videos.write(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()


def metadata(**said: str) -> str:
    """As the header has it."""
    return ",".join(f"{key} {base64.b64encode(said[key].encode()).decode()}" for key in said)


def create(client: Client, size: int, **said: str) -> Any:
    said = {"filename": "till.mp4", "model": "standard"} | said
    headers = TUS | {"Upload-Length": str(size), "Upload-Metadata": metadata(**said)}
    return client.generic("POST", UPLOADS, headers=headers)


def begin(client: Client, size: int, **said: str) -> str:
    """The address of a new upload."""
    response = create(client, size, **said)
    assert response.status_code == 201, response.content
    return str(response["Location"]).removeprefix("http://testserver")


def patch(client: Client, address: str, piece: bytes, offset: int, **more: str) -> Any:
    headers = TUS | {"Upload-Offset": str(offset)} | {k.replace("_", "-"): more[k] for k in more}
    kind = headers.pop("Content-Type", view.PIECE_TYPE)
    return client.patch(address, piece, content_type=kind, headers=headers)


def head(client: Client, address: str) -> Any:
    return client.head(address, headers=TUS)


def part_of(address: str) -> Path:
    return resumable.path_of(Upload.objects.get(pk=address.split("/")[2]))


# The protocol


def test_says_what_it_can_do(client: Client, settings: Settings) -> None:
    settings.RECORDING_MAX_BYTES = 1000

    response = client.options(UPLOADS)

    assert response.status_code == 204
    assert response["Tus-Version"] == "1.0.0"
    assert response["Tus-Extension"] == "creation,expiration,checksum,termination"
    assert response["Tus-Max-Size"] == "1000"
    assert response["Tus-Checksum-Algorithm"] == "sha1,sha256"


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0.1"])
def test_another_version_is_refused(client: Client, version: str | None) -> None:
    address = begin(client, 10)
    headers = {"Tus-Resumable": version} if version else {}

    for method, where in (("POST", UPLOADS), ("HEAD", address), ("PATCH", address)):
        response = client.generic(method, where, headers=headers)
        assert (response.status_code, response["Tus-Version"]) == (412, "1.0.0")
    assert client.delete(address, headers=headers).status_code == 412
    assert Upload.objects.exists()


def test_a_new_upload_has_an_address_and_an_end(client: Client, user: User) -> None:
    response = create(client, 10, filename="Kasse 3 – Übersicht.mp4", fingerprint="x|10")  # noqa: RUF001

    upload = Upload.objects.get()
    assert response.status_code == 201
    assert response["Location"] == f"http://testserver/uploads/{upload.pk}/"
    assert response["Tus-Resumable"] == "1.0.0"
    assert response["Upload-Expires"].endswith("GMT")
    assert (upload.user, upload.size_bytes, upload.fingerprint) == (user, 10, "x|10")
    assert upload.name == "Kasse 3 – Übersicht.mp4"  # noqa: RUF001


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload-Length": "-1"},
        {"Upload-Length": "1e3"},
        {"Upload-Length": "9" * 30},
        {"Upload-Length": "10", "Upload-Metadata": "filename not+base64"},
        {"Upload-Length": "10", "Upload-Metadata": "filename YQ==,filename YQ=="},
        {"Upload-Length": "10", "Upload-Metadata": "filename YQ==,path AGE="},  # "\0a"
        {"Upload-Defer-Length": "1"},
    ],
)
def test_what_makes_no_sense_makes_no_upload(client: Client, headers: dict[str, str]) -> None:
    assert client.generic("POST", UPLOADS, headers=TUS | headers).status_code == 400
    assert not Upload.objects.exists()


def test_bytes_in_the_first_request_are_refused(client: Client) -> None:
    headers = TUS | {"Upload-Length": "4"}

    response = client.post(UPLOADS, b"four", content_type=view.PIECE_TYPE, headers=headers)

    assert response.status_code == 400


def test_pieces_follow_each_other(client: Client, video: bytes) -> None:
    address, middle = begin(client, len(video)), len(video) // 2

    first = patch(client, address, video[:middle], 0)
    where = head(client, address)
    last = patch(client, address, video[middle:], middle)

    assert (first.status_code, first["Upload-Offset"]) == (204, str(middle))
    assert (where["Upload-Offset"], where["Upload-Length"]) == (str(middle), str(len(video)))
    assert "no-store" in where["Cache-Control"]
    assert where["Tus-Resumable"] == "1.0.0"
    assert (last.status_code, last["Upload-Offset"]) == (204, str(len(video)))
    assert Path(Clip.objects.get().file.path).read_bytes() == video


@pytest.mark.parametrize("offset", [0, 3, 5, 6])
def test_a_piece_in_the_wrong_place_changes_nothing(client: Client, offset: int) -> None:
    address = begin(client, 10)
    patch(client, address, b"four", 0)

    response = patch(client, address, b"x", offset)

    assert response.status_code == 409
    assert head(client, address)["Upload-Offset"] == "4"
    assert part_of(address).read_bytes() == b"four"


@pytest.mark.parametrize("offset", ["", "-1", "two", "1.0"])
def test_an_offset_is_a_number(client: Client, offset: str) -> None:
    address = begin(client, 10)

    headers = TUS | {"Upload-Offset": offset}
    response = client.patch(address, b"x", content_type=view.PIECE_TYPE, headers=headers)

    assert response.status_code == 400


def test_a_piece_is_of_the_type_that_says_so(client: Client) -> None:
    address = begin(client, 10)

    for kind in ("application/octet-stream", "multipart/form-data; boundary=x", ""):
        headers = TUS | {"Upload-Offset": "0"}
        response = client.patch(address, b"x", content_type=kind, headers=headers)
        assert response.status_code == 415, kind
    assert head(client, address)["Upload-Offset"] == "0"


def test_more_than_was_said_is_refused(client: Client) -> None:
    address = begin(client, 10)

    response = patch(client, address, b"eleven bytes"[:11], 0)

    assert response.status_code == 413
    assert head(client, address)["Upload-Offset"] == "0"


def test_a_file_beyond_the_limit_is_refused_before_it_comes(
    client: Client, settings: Settings
) -> None:
    settings.RECORDING_MAX_BYTES = 1000

    response = create(client, 1001)

    assert response.status_code == 413
    assert "larger than 1000 bytes" in response.content.decode()
    assert create(client, 1000).status_code == 201


def test_more_than_the_form_takes_may_come_piece_by_piece(
    client: Client, settings: Settings, video: bytes
) -> None:
    settings.CLIP_MAX_BYTES = 100
    address = begin(client, len(video))

    patch(client, address, video, 0)

    assert Clip.objects.get().size_bytes == len(video)


@pytest.mark.parametrize("algorithm", resumable.ALGORITHMS)
def test_a_piece_with_its_checksum_is_taken(client: Client, algorithm: str) -> None:
    address = begin(client, 10)
    digest = base64.b64encode(hashlib.new(algorithm, b"four").digest()).decode()

    response = patch(client, address, b"four", 0, Upload_Checksum=f"{algorithm} {digest}")

    assert (response.status_code, response["Upload-Offset"]) == (204, "4")
    assert part_of(address).read_bytes() == b"four"


def test_a_piece_that_is_not_what_was_sent_is_thrown_away(client: Client) -> None:
    address = begin(client, 10)
    digest = base64.b64encode(hashlib.sha256(b"four").digest()).decode()

    response = patch(client, address, b"fOur", 0, Upload_Checksum=f"sha256 {digest}")

    assert response.status_code == 460
    assert head(client, address)["Upload-Offset"] == "0"
    assert part_of(address).read_bytes() == b""


@pytest.mark.parametrize("header", ["md5 abcd", "sha256", "sha256 ????", "crc32 AAAA"])
def test_a_checksum_of_another_kind_is_refused(client: Client, header: str) -> None:
    address = begin(client, 10)

    assert patch(client, address, b"four", 0, Upload_Checksum=header).status_code in {400, 460}
    assert head(client, address)["Upload-Offset"] == "0"


def test_what_is_not_wanted_any_more_is_deleted(client: Client) -> None:
    address = begin(client, 10)
    patch(client, address, b"four", 0)
    part = part_of(address)

    with_bytes = part.exists()
    response = client.delete(address, headers=TUS)

    assert (with_bytes, response.status_code) == (True, 204)
    assert head(client, address).status_code == 404
    assert patch(client, address, b"x", 4).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_bytes_go_with_the_upload(client: Client) -> None:
    address = begin(client, 10)
    part = part_of(address)

    client.delete(address, headers=TUS)

    assert not part.exists()


def test_what_has_expired_is_gone(client: Client) -> None:
    address = begin(client, 10)
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert head(client, address).status_code == 410
    assert patch(client, address, b"x", 0).status_code == 410


def test_each_piece_puts_the_end_off(client: Client) -> None:
    address = begin(client, 10)
    soon = timezone.now() + timedelta(minutes=1)
    Upload.objects.update(expires_at=soon)

    patch(client, address, b"x", 0)

    assert Upload.objects.get().expires_at > soon + timedelta(hours=23)


def test_an_upload_whose_bytes_are_lost_is_gone(client: Client) -> None:
    """As after a restore: the backup has the row, and no unfinished bytes."""
    address = begin(client, 10)
    patch(client, address, b"four", 0)
    part_of(address).write_bytes(b"")

    assert head(client, address).status_code == 410


# Who


def test_another_users_upload_is_not_there(
    client: Client, make_user: MakeUser, video: bytes
) -> None:
    address = begin(client, len(video))
    boss = Client()
    boss.force_login(make_user("root", is_superuser=True, is_staff=True))

    assert boss.get(address).status_code == 404
    assert head(boss, address).status_code == 404
    assert patch(boss, address, video, 0).status_code == 404
    assert boss.delete(address, headers=TUS).status_code == 404
    assert head(client, address)["Upload-Offset"] == "0"


def test_who_may_no_longer_upload_to_the_store_is_stopped_at_the_next_piece(
    client: Client, user: User
) -> None:
    address = begin(client, 10)
    patch(client, address, b"four", 0)
    Membership.objects.filter(user=user).delete()

    response = patch(client, address, b"more", 4)

    assert response.status_code == 403
    assert part_of(address).read_bytes() == b"four"


def test_a_stores_clips_are_for_its_members(client: Client, make_store: MakeStore) -> None:
    north = make_store("North")

    response = create(client, 10, store=str(north.pk))

    assert response.status_code == 422
    assert "can't upload to this store" in response.content.decode()


def test_who_may_look_only_is_told(make_user: MakeUser) -> None:
    from video_classifier.states import Role

    client = Client()
    client.force_login(make_user("rita", roles=[Role.REVIEWER]))

    assert create(client, 10).status_code == 403


def test_a_piece_without_the_token_of_the_page_is_refused(client: Client) -> None:
    address = begin(client, 10)
    client.handler.enforce_csrf_checks = True

    assert patch(client, address, b"x", 0).status_code == 403
    assert client.delete(address, headers=TUS).status_code == 403
    assert create(client, 10).status_code == 403
    assert Upload.objects.get().received_bytes == 0


# What becomes of it


def send(client: Client, content: bytes, **said: str) -> str:
    address = begin(client, len(content), **said)
    assert patch(client, address, content, 0).status_code == 204
    return address


def test_the_clip_is_what_was_chosen(client: Client, user: User, video: bytes) -> None:
    store = Membership.objects.filter(user=user)[0].store
    camera = Camera.objects.create(store=store, name="Till 3")

    address = send(client, video, camera=str(camera.pk), recorded_at="2026-11-26T14:30")

    analysis = Analysis.objects.get()
    clip = analysis.clip
    assert (clip.name, clip.camera, clip.uploaded_by) == ("till.mp4", camera, user)
    assert clip.recorded_from == RecordedFrom.GIVEN
    assert clip.recorded_at is not None
    assert f'href="/results/{analysis.pk}/"' in client.get(address).content.decode()
    assert not part_of(address).exists()


def test_folders_say_when_too(client: Client, video: bytes) -> None:
    send(client, video, filename="14.30.00.mp4", path="2026-11-26/till/14.30.00.mp4")

    clip = Clip.objects.get()
    assert clip.recorded_at is not None
    assert f"{clip.recorded_at:%Y-%m-%d %H:%M}" == "2026-11-26 14:30"
    assert clip.recorded_from == RecordedFrom.NAME


def test_what_is_no_video_ends_with_its_sentence_and_without_its_bytes(client: Client) -> None:
    address = send(client, b"only words")

    html = client.get(address).content.decode()
    assert "not a video" in html
    assert "Not taken." in html
    assert not part_of(address).exists()
    assert not Clip.objects.exists()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"model": "unknown"}, "Choose another one"),
        ({"recorded_at": "yesterday"}, "can't be read"),
        ({"recorded_at": "2026-03-29 02:30"}, "did not happen"),
        ({"pattern": "%d.%m."}, "doesn't say when"),
        ({"pattern": "%Y" * 60}, "too long"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused_before_a_byte(
    client: Client, user: User, said: dict[str, str], sentence: str
) -> None:
    store = Membership.objects.filter(user=user)[0].store
    store.time_zone = "Europe/Berlin"
    store.save()

    response = create(client, 10, **said)

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert response["Content-Type"].startswith("text/plain")


def test_an_empty_file_is_refused(client: Client) -> None:
    response = create(client, 0)

    assert (response.status_code, "is empty" in response.content.decode()) == (422, True)


def test_the_same_clip_in_the_trash_can_be_restored(
    client: Client, user: User, video: bytes
) -> None:
    first = send(client, video)
    clip = Clip.objects.get()
    trash.put(clip, by=user)

    again = send(client, video)

    for address in (first, again):
        html = client.get(address).content.decode()
        assert "In the trash." in html
        assert f'action="/clips/{clip.pk}/restore/"' in html
    assert Clip.objects.count() == 1


def test_a_clip_that_is_gone_for_good_is_told(client: Client, user: User, video: bytes) -> None:
    address = send(client, video)
    clip = Clip.objects.get()
    trash.put(clip, by=user)
    trash.purge(clip, by=None)

    assert "deleted meanwhile" in client.get(address).content.decode()


# Limits


def test_no_more_come_than_the_queue_takes(
    client: Client, settings: Settings, video: bytes
) -> None:
    """500 files at once: the page waits with the rest until some are done."""
    settings.WAITING_PER_USER = 2
    for _ in range(2):
        send(client, video)

    response = create(client, len(video))

    assert response.status_code == 429
    assert response["Retry-After"] == "10"
    assert "when some of them are done" in response.content.decode()


def test_what_came_before_the_queue_was_full_waits_and_is_taken_later(
    client: Client, settings: Settings, video: bytes
) -> None:
    addresses = [begin(client, len(video)) for _ in range(2)]
    settings.WAITING_PER_USER = 1
    for address in addresses:
        assert patch(client, address, video, 0).status_code == 204

    waiting = client.get(addresses[1]).content.decode()
    settings.WAITING_PER_USER = 100
    taken = client.get(addresses[1]).content.decode()

    assert "data-undecided" in waiting
    assert "when some of them are done" in waiting
    assert f'href="/results/{Analysis.objects.first().pk}/"' in taken  # type: ignore[union-attr]
    assert Clip.objects.count() == 2


def test_a_user_has_so_many_unfinished_ones(client: Client, settings: Settings) -> None:
    settings.UPLOADS_PER_USER = 2
    addresses = [begin(client, 10) for _ in range(2)]

    refused = create(client, 10)
    client.delete(addresses[0], headers=TUS)

    assert refused.status_code == 429
    assert "Finish or discard one" in refused.content.decode()
    assert create(client, 10).status_code == 201


def test_all_of_them_together_take_so_much(client: Client, settings: Settings) -> None:
    settings.UPLOADS_MAX_BYTES = 15
    begin(client, 10)

    assert create(client, 6).status_code == 429
    assert create(client, 5).status_code == 201


def test_a_disk_without_room_is_told_before_a_byte(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DISK_FLOOR_BYTES = 100
    monkeypatch.setattr("shutil.disk_usage", usage(150))

    assert create(client, 51).status_code == 507
    assert create(client, 40).status_code == 201
    full = create(client, 40)  # of what the first will still take
    assert full.status_code == 429
    assert "take all the room" in full.content.decode()


def usage(free: int) -> Any:
    from collections import namedtuple

    kind = namedtuple("kind", "free")
    return lambda _: kind(free)


def test_a_disk_that_runs_full_at_80_percent_keeps_what_has_come(
    client: Client, video: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, most = begin(client, len(video)), len(video) * 8 // 10
    patch(client, address, video[:most], 0)
    with monkeypatch.context() as full:
        full.setattr(disk, "is_nearly_full", lambda: True)

        response = patch(client, address, video[most:], most)

        assert response.status_code == 507
        assert "What has arrived is kept" in response.content.decode()
        assert head(client, address)["Upload-Offset"] == str(most)
    assert patch(client, address, video[most:], most).status_code == 204
    assert Path(Clip.objects.get().file.path).read_bytes() == video


@pytest.fixture
def small_disk(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """A real one of 8 MB, on which uploads and clips are kept."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    options = ("-t", "tmpfs", "-o", f"size={DISK}")
    if not (mount and unmount) or subprocess.call([mount, *options, "tmpfs", disk]):
        pytest.skip("A disk is mounted by root only, and not in every container.")
    settings.MEDIA_ROOT, settings.FILE_UPLOAD_TEMP_DIR = disk / "media", disk / "uploads"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    yield disk
    subprocess.check_call([unmount, disk])


def test_a_real_disk_that_is_full_at_80_percent_keeps_what_has_come(
    client: Client, small_disk: Path, tmp_path: Path
) -> None:
    video = videos.enlarge(videos.write(tmp_path / "clip.mp4"), 5 * MEGABYTE).read_bytes()
    address = begin(client, len(video))
    other = small_disk / "other"
    other.write_bytes(bytes(DISK - len(video) * 8 // 10))

    response = patch(client, address, video, 0)

    come = int(head(client, address)["Upload-Offset"])
    assert response.status_code == 507
    assert "What has arrived is kept" in response.content.decode()
    assert 0 < come < len(video)
    other.unlink()
    assert patch(client, address, video[come:], come).status_code == 204
    assert Path(Clip.objects.get().file.path).read_bytes() == video


def test_one_user_does_not_take_all_threads(
    client: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = begin(client, 10)
    monkeypatch.setattr(view, "_sending", Counter({user.pk: view.AT_ONCE}))

    assert patch(client, address, b"x", 0).status_code == 503
    monkeypatch.setattr(view, "_sending", Counter({user.pk + 1: view.AT_ONCE}))
    assert patch(client, address, b"x", 0).status_code == 204
    assert view._sending[user.pk] == 0


def test_a_server_with_too_much_to_look_at_keeps_the_file(
    client: Client, video: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_: Path) -> None:
        raise sandbox.BusyError(sandbox.BUSY)

    with monkeypatch.context() as crowd:
        crowd.setattr(sandbox, "probe", busy)
        address = send(client, video)
        assert "too much to look at" in client.get(address).content.decode()

    client.get(address)

    assert Upload.objects.get().status == UploadStatus.ACCEPTED


def test_what_is_not_there_is_not_found(client: Client) -> None:
    assert head(client, f"/uploads/{uuid.UUID(int=7)}/").status_code == 404
