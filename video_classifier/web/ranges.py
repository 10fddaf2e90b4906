"""Sends a stored file, or the stretch of it that a player asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re

from django.core.files.base import File
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

STRETCH = 1024 * 1024  # what a player gets that asks for all the rest

_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def respond(
    request: HttpRequest, file: File[bytes], *, etag: str, content_type: str, longest: int
) -> HttpResponseBase:
    """The file whole (200), a stretch (206), nothing new (304) or beyond its end (416).

    A stretch without an end is cut to `longest` bytes, as the standard allows (15.3.7): a player
    asks for the next when it needs it, and while it is paused no thread waits for it.

    Takes over `file` and closes it. What is no single range is answered with the whole file,
    as the standard allows; so is a stretch of an older version (If-Range).
    """
    response: HttpResponseBase
    if (unchanged := get_conditional_response(request, etag=etag)) is not None:
        file.close()
        response = unchanged
    elif (asked := _asked(request, file.size, etag=etag, longest=longest)) is None:
        response = _Chunks(file, content_type=content_type)
    elif asked:
        response = _Chunks(_Stretch(file, asked), content_type=content_type, status=206)
        response["Content-Range"] = f"bytes {asked.start}-{asked.stop - 1}/{file.size}"
        response["Content-Length"] = str(len(asked))
    else:
        file.close()
        response = HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.size}"})
    response["ETag"] = etag
    response["Accept-Ranges"] = "bytes"
    return response


def _asked(request: HttpRequest, size: int, *, etag: str, longest: int) -> range | None:
    """The bytes asked for, empty if there are none of them; None for the whole file."""
    found = _ONE_RANGE.fullmatch(request.headers.get("Range", "").strip())
    if found is None or request.headers.get("If-Range", etag) != etag:
        return None
    first, last = found.groups()
    if first and last and int(last) < int(first):
        return None
    if first:
        return range(int(first), min(int(last) + 1 if last else int(first) + longest, size))
    return range(max(0, size - int(last)), size) if last else None  # "-500": the last 500


class _Chunks(FileResponse):
    block_size = 64 * 1024


class _Stretch:
    """The part of a file's interface that a response needs, for some of its bytes."""

    def __init__(self, file: File[bytes], part: range) -> None:
        file.seek(part.start)
        self._file = file
        self._left = len(part)

    def read(self, size: int) -> bytes:
        chunk: bytes = self._file.read(min(size, self._left))
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        self._file.close()
