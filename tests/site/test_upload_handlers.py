"""What is too large, broken off, or a stranger's is not kept on disk, not even for a while."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import RequestDataTooBig
from django.core.files import uploadhandler
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from pytest_django import Settings

from video_classifier.http.upload_handlers import no_room, too_large

LIMIT = 200 * 1024  # more than three of the chunks in which Django reads


Post = Callable[..., HttpRequest]


class Wire(io.BytesIO):
    """A request's body as it comes in; calls back before each piece."""

    def __init__(self, content: bytes, coming: Callable[[], None]) -> None:
        super().__init__(content)
        self._coming = coming

    def read(self, size: int | None = -1) -> bytes:
        self._coming()
        return super().read(size)


@pytest.fixture(autouse=True)
def _limit(settings: Settings) -> None:
    settings.CLIP_MAX_BYTES = LIMIT
    settings.CLIPS_PER_UPLOAD = 3


@pytest.fixture
def folder(settings: Settings) -> Path:
    return Path(settings.FILE_UPLOAD_TEMP_DIR)


def stored(folder: Path) -> int:
    return sum(entry.stat().st_size for entry in os.scandir(folder))


@pytest.fixture
def post() -> Iterator[Post]:
    """Makes requests that upload zeros, and closes what they opened."""
    made: list[HttpRequest] = []

    def make(*sizes: int, by: User | AnonymousUser | None = None) -> HttpRequest:
        clips = [SimpleUploadedFile(f"{n}.mp4", bytes(size)) for n, size in enumerate(sizes)]
        request = RequestFactory().post("/", {"model": "standard", "clips": clips, "last": "yes"})
        request.user = by or User(username="ada")
        made.append(request)
        return request

    yield make
    for request in made:
        request.close()


def watch(request: HttpRequest, coming: Callable[[], None]) -> HttpRequest:
    body = request.environ["wsgi.input"].read()  # type: ignore[attr-defined]
    request._stream = Wire(body, coming)
    return request


def names(request: HttpRequest) -> list[str | None]:
    return [file.name for file in request.FILES.getlist("clips")]


def test_a_clip_of_just_the_limit_comes_to_disk(post: Post, folder: Path) -> None:
    request = post(LIMIT)

    (file,) = request.FILES.getlist("clips")

    assert isinstance(file, TemporaryUploadedFile)
    assert Path(file.temporary_file_path()).parent == folder
    assert (file.size, too_large(request)) == (LIMIT, ())


def test_one_byte_more_is_left_out_by_name(post: Post, folder: Path) -> None:
    request = post(LIMIT + 1)

    assert names(request) == []
    assert too_large(request) == ("0.mp4",)
    assert stored(folder) == 0


@pytest.mark.parametrize("sizes", [(9, LIMIT + 1, 9), (LIMIT + 1, 9, 9), (9, 9, 3 * LIMIT)])
def test_the_rest_of_a_batch_goes_on(post: Post, sizes: tuple[int, ...]) -> None:
    request = post(*sizes)

    kept = [f"{n}.mp4" for n, size in enumerate(sizes) if size == 9]

    assert names(request) == kept
    assert all(file.read() == bytes(9) for file in request.FILES.getlist("clips"))
    assert len(too_large(request)) == 1
    assert request.POST["last"] == "yes"


def test_never_more_than_the_limit_is_on_disk(post: Post, folder: Path) -> None:
    seen: list[int] = []
    request = watch(post(3 * LIMIT), lambda: seen.append(stored(folder)))

    request.POST  # noqa: B018  (reads the body)

    assert 0 < max(seen) <= LIMIT


def test_a_request_beyond_all_reason_is_refused_unread(post: Post) -> None:
    def refuse() -> None:
        pytest.fail("the body was read")

    request = watch(post(9), refuse)
    request.META["CONTENT_LENGTH"] = str(100 * LIMIT)

    with pytest.raises(RequestDataTooBig):
        request.POST  # noqa: B018


def test_a_strangers_large_form_is_refused_unread(post: Post) -> None:
    def refuse() -> None:
        pytest.fail("the body was read")

    request = watch(post(LIMIT, by=AnonymousUser()), refuse)

    with pytest.raises(RequestDataTooBig):
        request.POST  # noqa: B018


def test_a_strangers_file_is_never_stored(post: Post, folder: Path) -> None:
    seen: list[int] = []
    request = watch(post(9_000, by=AnonymousUser()), lambda: seen.append(stored(folder)))

    assert request.POST["model"] == "standard"
    assert names(request) == []
    assert max(seen) == 0


def send(client: Client, path: str, coming: Callable[[], None]) -> None:
    """A whole request through the site, its body by way of a Wire."""
    body = encode_multipart(BOUNDARY, {"clips": SimpleUploadedFile("0.mp4", bytes(LIMIT))})
    client.raise_request_exception = False
    wire = {"wsgi.input": Wire(body, coming)}
    client.generic("POST", path, body, MULTIPART_CONTENT, **wire)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/admin/", "/nowhere/"])
def test_a_strangers_request_leaves_nothing(stranger: Client, folder: Path, path: str) -> None:
    seen = [0]

    send(stranger, path, lambda: seen.append(stored(folder)))

    assert max(seen) == 0
    assert stored(folder) == 0


def test_an_upload_that_breaks_off_leaves_nothing(client: Client, folder: Path) -> None:
    seen: list[int] = []

    def break_off() -> None:
        seen.append(stored(folder))
        if seen[-1]:
            msg = "the browser was closed"
            raise OSError(msg)

    send(client, "/", break_off)

    assert max(seen) > 0
    assert list(folder.iterdir()) == []


class Full(TemporaryUploadedFile):
    """What was written to it has no room after all, as is found when it is written out."""

    def seek(self, *_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def nothing(*_: object) -> TemporaryUploadedFile:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("second", [nothing, Full])
def test_a_disk_without_room_for_another_file_leaves_the_others_whole(
    post: Post, monkeypatch: pytest.MonkeyPatch, second: Callable[..., TemporaryUploadedFile]
) -> None:
    made = iter([TemporaryUploadedFile, second, TemporaryUploadedFile])

    def make(*how: str) -> TemporaryUploadedFile:
        return next(made)(*how)

    monkeypatch.setattr(uploadhandler, "TemporaryUploadedFile", make)
    request = post(10, 20, 30)

    files = request.FILES.getlist("clips")

    assert [len(each.read()) for each in files] == [10, 30]
    assert no_room(request) == ("1.mp4",)
