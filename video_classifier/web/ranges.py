"""Sends a stored file, or the stretch of it that a player asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.core.files.base import File
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

CHUNK = 64 * 1024
_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def respond(
    request: HttpRequest, file: File[bytes], *, etag: str, content_type: str
) -> HttpResponseBase:
    """The file whole (200), a stretch (206), nothing new (304) or beyond its end (416).

    Takes over `file` and closes it. What is no single range is answered with the whole file,
    as the standard allows; so is a stretch of an older version (If-Range).
    """
    response: HttpResponseBase
    if (unchanged := get_conditional_response(request, etag=etag)) is not None:
        file.close()
        response = unchanged
    else:
        response = _stretch(request, file, etag=etag) or FileResponse(file)
    if response.status_code in {200, 206}:
        response["Content-Type"] = content_type
    response["ETag"] = etag
    response["Accept-Ranges"] = "bytes"
    return response


def _stretch(request: HttpRequest, file: File[bytes], *, etag: str) -> HttpResponseBase | None:
    asked = _ONE_RANGE.fullmatch(request.headers.get("Range", "").strip())
    if asked is None or request.headers.get("If-Range", etag) != etag:
        return None
    first, last = asked.groups()
    if not first and not last:
        return None
    if not first:  # "bytes=-500": the last 500
        start, end = max(0, file.size - int(last)), file.size - 1
    else:
        start, end = int(first), min(int(last or file.size), file.size - 1)
        if last and int(last) < start:
            return None
    if start > end:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.size}"})
    response = StreamingHttpResponse(_read(file, start, end + 1), status=206)
    response["Content-Range"] = f"bytes {start}-{end}/{file.size}"
    response["Content-Length"] = str(end + 1 - start)
    return response


def _read(file: File[bytes], start: int, stop: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while start < stop and (chunk := file.read(min(CHUNK, stop - start))):
            start += len(chunk)
            yield chunk
