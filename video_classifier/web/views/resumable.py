"""The tus protocol, 1.0.0 (https://tus.io/protocols/resumable-upload), with four extensions.

Whoever is signed in reaches their own uploads and no others. Errors are sentences in plain text.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, UnreadablePostError
from django.utils.http import http_date
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from video_classifier.http import statuses
from video_classifier.http.forms import UploadForm
from video_classifier.http.permissions import sees_several_stores, why_no_upload
from video_classifier.models import Upload
from video_classifier.services import resumable
from video_classifier.services.errors import Refused
from video_classifier.services.sandbox import BusyError
from video_classifier.states import UploadStatus
from video_classifier.web.receipts import of_upload, with_twins
from video_classifier.web.responses import SignedInRequest, page_or_part

VERSION = "1.0.0"
EXTENSIONS = ("creation", "expiration", "checksum", "termination")
PIECE_TYPE = "application/offset+octet-stream"
PIECE_BYTES = 1024 * 1024  # that are in memory, and then on the disk, at once
READ_BYTES = 64 * 1024
AT_ONCE = 6  # pieces that one user may be sending: others need threads, too
RETRY_SECONDS = 10
_DIGITS = 18  # of a size in bytes

View = Callable[..., HttpResponse]


class ProtocolError(Exception):
    """The client doesn't speak the protocol as it should."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def _speaks_tus(view: View) -> View:
    """Turns what went wrong into a status and a sentence, and signs each answer."""

    @wraps(view)
    def speaking(request: SignedInRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            if request.method not in {"GET", "OPTIONS"}:
                _check_version(request)
            response = view(request, *args, **kwargs)
        except ProtocolError as error:
            response = _sentence(str(error), error.status)
        except Refused as refusal:
            response = _sentence(str(refusal), statuses.of(refusal))
        if response.status_code in {429, 503}:
            response["Retry-After"] = str(RETRY_SECONDS)
        response["Tus-Resumable"] = VERSION
        return response

    return speaking


def _check_version(request: SignedInRequest) -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        msg = f"This server speaks version {VERSION} of the tus protocol."
        raise ProtocolError(msg, 412)


def _sentence(text: str, status: int) -> HttpResponse:
    response = HttpResponse(text, content_type="text/plain; charset=utf-8", status=status)
    if status == 412:  # noqa: PLR2004
        response["Tus-Version"] = VERSION
    return response


@never_cache
@require_http_methods(["OPTIONS", "POST"])
@_speaks_tus
def resumable_uploads(request: SignedInRequest) -> HttpResponse:
    """What this server can do, or a new upload."""
    return _abilities() if request.method == "OPTIONS" else _create(request)


@never_cache
@require_http_methods(["OPTIONS", "GET", "HEAD", "PATCH", "DELETE"])
@_speaks_tus
def resumable_upload(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One upload: how far it is, its next piece, its end, or what became of it."""
    if request.method == "OPTIONS":
        return _abilities()
    try:
        upload = resumable.find(pk, request.user)
    except Upload.DoesNotExist as error:
        msg = "There is no such upload of yours."
        raise Http404(msg) from error
    answers = {"GET": _show, "HEAD": _where, "PATCH": _append, "DELETE": _discard}
    return answers[str(request.method)](request, upload)


def _abilities() -> HttpResponse:
    return HttpResponse(
        status=204,
        headers={
            "Tus-Version": VERSION,
            "Tus-Extension": ",".join(EXTENSIONS),
            "Tus-Max-Size": str(settings.RECORDING_MAX_BYTES),
            "Tus-Checksum-Algorithm": ",".join(resumable.ALGORITHMS),
        },
    )


def _create(request: SignedInRequest) -> HttpResponse:
    size = _number(request, "Upload-Length")
    if request.headers.get("Content-Length", "0") not in {"", "0"}:
        msg = "A new upload comes without a body: its bytes follow by PATCH."
        raise ProtocolError(msg)
    said = _metadata(request.headers.get("Upload-Metadata", ""))
    form = UploadForm(said, user=request.user)
    if not form.stores:
        raise PermissionDenied(why_no_upload(request.user))
    if not form.is_valid():
        raise Refused(form.problem)
    name = said.get("filename", "")
    upload = resumable.create(
        resumable.File(
            name=name,
            size=size,
            with_folders=said.get("path") or name,
            fingerprint=said.get("fingerprint", ""),
        ),
        user=request.user,
        choices=form.chosen,
    )
    response = HttpResponse(status=201)
    response["Location"] = request.build_absolute_uri(upload.get_absolute_url())
    return _with_place(response, upload)


def _where(_: SignedInRequest, upload: Upload) -> HttpResponse:
    response = _with_place(HttpResponse(), upload)
    response["Upload-Length"] = str(upload.size_bytes)
    return response


def _append(request: SignedInRequest, upload: Upload) -> HttpResponse:
    if request.headers.get("Content-Type") != PIECE_TYPE:
        msg = f"A piece of an upload is of the type {PIECE_TYPE}."
        raise ProtocolError(msg, 415)
    offset, length = _number(request, "Upload-Offset"), _number(request, "Content-Length")
    if offset == upload.received_bytes and offset + length > upload.size_bytes:
        msg = "This is more than the upload said it would have."
        raise ProtocolError(msg, 413)
    checksum = _checksum(request)
    with _turn_of(request.user.pk):
        resumable.append(upload, _pieces(request, length), offset=offset, checksum=checksum)
    # In this request, so that it is done even if nobody asks what became of it.
    resumable.finish(upload)
    return _with_place(HttpResponse(status=204), upload)


def _discard(_: SignedInRequest, upload: Upload) -> HttpResponse:
    resumable.discard(upload)
    return HttpResponse(status=204)


def _show(request: SignedInRequest, upload: Upload) -> HttpResponse:
    """For people: the receipt that it gets in the end, or how far it is."""
    receipts = with_twins([of_upload(resumable.finish(upload))], request.user)
    return page_or_part(
        request,
        page="video_classifier/upload/receipts.html",
        part="video_classifier/upload/_receipts.html",
        context={"receipts": receipts, "show_store": sees_several_stores(request.user)},
    )


def _with_place(response: HttpResponse, upload: Upload) -> HttpResponse:
    response["Upload-Offset"] = str(upload.received_bytes)
    if upload.status == UploadStatus.RECEIVING:
        response["Upload-Expires"] = http_date(upload.expires_at.timestamp())
    return response


def _number(request: SignedInRequest, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        msg = f"The header {name} has to be a number of bytes."
        raise ProtocolError(msg)
    return int(text)


def _metadata(header: str) -> dict[str, str]:
    """Keys and values, of which the header has the latter in Base64."""
    found: dict[str, str] = {}
    for pair in filter(None, map(str.strip, header.split(","))):
        key, _, value = pair.partition(" ")
        if key in found:
            msg = f"The header Upload-Metadata has “{key}” twice."
            raise ProtocolError(msg)
        found[key] = _decoded(value, "Upload-Metadata").decode("utf-8", "replace")
        if "\0" in found[key]:  # which PostgreSQL doesn't store
            msg = f"The header Upload-Metadata has a NUL character in “{key}”."
            raise ProtocolError(msg)
    return found


def _decoded(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        msg = f"The header {name} is not in Base64."
        raise ProtocolError(msg) from error


def _checksum(request: SignedInRequest) -> resumable.Checksum | None:
    header = request.headers.get("Upload-Checksum")
    if header is None:
        return None
    algorithm, _, digest = header.partition(" ")
    if algorithm not in resumable.ALGORITHMS:
        msg = f"Checksums here are of {' or '.join(resumable.ALGORITHMS)}."
        raise ProtocolError(msg)
    return resumable.Checksum(algorithm=algorithm, digest=_decoded(digest, "Upload-Checksum"))


def _pieces(request: SignedInRequest, length: int) -> Iterator[bytes]:
    """The body; where the connection breaks, what has come of it."""
    piece, left = bytearray(), length
    while left:
        try:
            read = request.read(min(READ_BYTES, left))
        except UnreadablePostError:
            read = b""
        piece += read
        left -= len(read)
        if len(piece) >= PIECE_BYTES or not left or not read:
            yield bytes(piece)
            piece.clear()
        if not read:
            return


_sending: Counter[int] = Counter()
_counting = threading.Lock()


@contextmanager
def _turn_of(user: int) -> Iterator[None]:
    """Raises BusyError if that user sends as many pieces as one may at once."""
    with _counting:
        if _sending[user] >= AT_ONCE:
            msg = "You are sending as much at once as one user may. Try again in a moment."
            raise BusyError(msg)
        _sending[user] += 1
    try:
        yield
    finally:
        with _counting:
            _sending[user] -= 1
