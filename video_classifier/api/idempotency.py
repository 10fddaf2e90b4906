"""The header Idempotency-Key, of requests that change something."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from video_classifier.api.access import user_of
from video_classifier.api.problems import Problem
from video_classifier.models import RepeatableRequest
from video_classifier.services import idempotency
from video_classifier.services.idempotency import Answer

HEADER = "Idempotency-Key"
LONGEST = 255
INVALID = f"The header {HEADER} has 1 to {LONGEST} printable ASCII characters."
REPEATED = "Idempotency-Replayed"

PARAMETER = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="A name for this request, such as a UUID. A second one of the same name within 24 "
    "hours gets the answer to the first, and nothing is done twice.",
)


Note = Callable[[Callable[[], Response]], None]


def once(request: Request, act: Callable[[Note], Response]) -> Response:
    """What `act` answers, or what it answered before.

    `act` gets a function that it calls in the transaction in which something is done, with what
    makes an answer: that one is given if the process dies before the real one is noted.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return act(lambda _: None)
    if not (key.isascii() and key.isprintable() and 0 < len(key) <= LONGEST):
        raise Problem(400, INVALID)
    begun = idempotency.begin(user_of(request), key, _fingerprint(request))
    if isinstance(begun, Answer):
        headers = {REPEATED: "true"} | ({"Location": begun.location} if begun.location else {})
        return Response(begun.body, status=begun.status, headers=headers)
    try:
        with idempotency.alive(begun):
            response = act(lambda made: _note(begun, made()))
            _note(begun, response)
    except BaseException:
        idempotency.forget(begun)
        raise
    return response


def _note(begun: RepeatableRequest, response: Response) -> None:
    location = response.headers.get("Location", "")
    answer = Answer(status=response.status_code, body=response.data, location=location)
    idempotency.finish(begun, answer)


def _fingerprint(request: Request) -> str:
    """SHA-256 of all that decides what is done."""
    found = hashlib.sha256(f"{request.method} {request.path}".encode())
    for name in sorted(request.data):
        values = (
            request.data.getlist(name) if hasattr(request.data, "getlist") else [request.data[name]]
        )
        for value in values:
            found.update(b"\0" + name.encode() + b"\0" + _digest(value))
    return found.hexdigest()


def _digest(value: object) -> bytes:
    if not isinstance(value, UploadedFile):
        return repr(value).encode()
    digest = hashlib.sha256((value.name or "").encode())
    for chunk in value.chunks():
        digest.update(chunk)
    return digest.digest()
