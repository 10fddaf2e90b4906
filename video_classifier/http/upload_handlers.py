"""Stops an upload while it streams: at the size limit, and at once for strangers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import SkipFile, StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest

from video_classifier.services import disk

TOO_LARGE = "shoplift.too_large"
NO_ROOM = "shoplift.no_room"
TOO_MANY = "shoplift.too_many"
FORM_BYTES = 1024 * 1024  # what the other fields and the boundaries may take
STRANGERS_BYTES = 64 * 1024  # of a form from a client that isn't signed in


class ClipUploadHandler(TemporaryFileUploadHandler):
    """Streams each file to disk, and no byte beyond settings.CLIP_MAX_BYTES.

    A file that is too large, or for which the disk has no room, does not appear in
    request.FILES, nor does one beyond settings.CLIPS_PER_UPLOAD; the rest of the batch does.
    The view finds the uploader's names of those left out by `too_large(request)`,
    `no_room(request)` and `too_many(request)`; services.uploads.too_large(name, most),
    services.disk.FULL and services.uploads.too_many() are the sentences. A request that can't
    be right whatever it holds raises RequestDataTooBig, status 400, before any byte is read.
    """

    _files = 0  # that came so far

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: dict[str, Any],  # noqa: N803  (Django's name)
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        if content_length > settings.CLIPS_PER_UPLOAD * settings.CLIP_MAX_BYTES + FORM_BYTES:
            msg = "The request is larger than all the clips that one upload may hold."
            raise RequestDataTooBig(msg)
        if content_length > STRANGERS_BYTES and not self._signed_in:
            msg = "A form this large is only read for somebody who is signed in."
            raise RequestDataTooBig(msg)

    @property
    def _signed_in(self) -> bool:
        return self.request is not None and self.request.user.is_authenticated

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        if not self._signed_in:
            raise StopUpload(connection_reset=True)
        self.__dict__.pop("file", None)  # the one before stays open, whatever becomes of this one
        with self._skipped_if_full():
            super().new_file(*args, **kwargs)
        self._files += 1
        if self._files > settings.CLIPS_PER_UPLOAD:
            self._skip(TOO_MANY)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if start + len(raw_data) > settings.CLIP_MAX_BYTES:
            self._skip(TOO_LARGE)
        with self._skipped_if_full():
            super().receive_data_chunk(raw_data, start)
        return None

    def file_complete(self, file_size: int) -> UploadedFile[bytes] | None:
        try:
            with self._skipped_if_full():
                return super().file_complete(file_size)
        except SkipFile:  # which Django expects only before
            return None

    @contextmanager
    def _skipped_if_full(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not disk.ran_full(error):
                raise
            if "file" in self.__dict__:  # else there was no room even for its name
                with suppress(OSError):  # what it still has to write
                    self.file.close()
            self._skip(NO_ROOM)

    def _skip(self, why: str) -> NoReturn:
        if self.request is not None:
            self.request.META.setdefault(why, []).append(self.file_name)
        raise SkipFile  # Django closes the temporary file, which deletes it


def too_large(request: HttpRequest) -> tuple[str, ...]:
    """The names of the files that were left out. Read request.FILES before."""
    return tuple(request.META.get(TOO_LARGE, ()))


def no_room(request: HttpRequest) -> tuple[str, ...]:
    """The names of the files for which the disk had no room. Read request.FILES before."""
    return tuple(request.META.get(NO_ROOM, ()))


def too_many(request: HttpRequest) -> tuple[str, ...]:
    """The names of the files beyond the limit of one request. Read request.FILES before."""
    return tuple(request.META.get(TOO_MANY, ()))
