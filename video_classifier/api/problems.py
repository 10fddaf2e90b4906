"""What went wrong, as RFC 9457 has it, with the sentences of the services."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, JsonResponse, UnreadablePostError
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from video_classifier.http import statuses
from video_classifier.services.errors import Refused

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 10  # where the server is busy, or the queue is full

NOT_FOUND = "There is nothing at this address, or nothing that you may see."
TOO_LARGE = "The request is larger than anything that may be sent to this address."
CUT_OFF = "The request broke off before its end. Send it again."
UNREADABLE = "The request can't be read."
BUSY = "The database is busy. Try again in a moment."
BROKEN = "Something went wrong on the server. Its log has the details; try again later."


class Problem(Exception):  # noqa: N818  (RFC 9457 calls it so)
    """An answer other than what was asked for."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.more = more


class ProblemSerializer(serializers.Serializer[Any]):
    """How it looks, for the schema."""

    type = serializers.CharField(help_text="Always about:blank: the status says what kind it is.")
    title = serializers.CharField(help_text="The status in words.")
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What is wrong and what to do, in a sentence.")
    errors = serializers.DictField(  # type: ignore[assignment]  # of all, its field
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="What is wrong with each field.",
    )
    clip = serializers.UUIDField(
        required=False, help_text="The clip in the trash that has the same bytes."
    )


def handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """What REST framework calls with what a view raises; None has it raised again."""
    found = _problem(error)
    if found is None:
        return None
    headers = _headers(error, found.status)
    return Response(_body(found), status=found.status, headers=headers, content_type=MEDIA_TYPE)


def plain(status: int, detail: str) -> JsonResponse:
    """The same outside of REST framework."""
    response = JsonResponse(_body(Problem(status, detail)), status=status, content_type=MEDIA_TYPE)
    for name, value in _headers(None, status).items():
        response[name] = value
    return response


def _problem(error: Exception) -> Problem | None:  # noqa: C901, PLR0911  (one a kind)
    match error:
        case Problem():
            return error
        case Refused():
            return Problem(statuses.of(error), str(error))
        case Http404() | exceptions.NotFound():
            return Problem(404, NOT_FOUND)
        case PermissionDenied():
            return Problem(403, str(error) or "You may not do this.")
        case exceptions.ValidationError():
            return _invalid(error)
        case exceptions.APIException():
            return Problem(error.status_code, _sentence(error))
        case RequestDataTooBig():
            return Problem(413, TOO_LARGE)
        case UnreadablePostError():
            return Problem(400, CUT_OFF)
        case SuspiciousOperation():
            return Problem(400, UNREADABLE)
    return None


def _invalid(error: exceptions.ValidationError) -> Problem:
    detail = error.detail
    if isinstance(detail, dict):
        fields = {name: [str(each) for each in _flat(found)] for name, found in detail.items()}
    else:
        fields = {"": [str(each) for each in _flat(detail)]}
    said = " ".join(
        f"{name}: {' '.join(found)}" if name else " ".join(found) for name, found in fields.items()
    )
    return Problem(400, said, errors=fields)


def _flat(found: Any) -> list[Any]:
    if isinstance(found, dict):
        return [each for one in found.values() for each in _flat(one)]
    if isinstance(found, list):
        return [each for one in found for each in _flat(one)]
    return [found]


def _sentence(error: exceptions.APIException) -> str:
    if isinstance(error, exceptions.Throttled):
        wait = getattr(error, "wait", None) or RETRY_SECONDS
        return f"Too many requests. Try again in {max(1, round(wait))} s."
    return str(error.detail)


def _headers(error: Exception | None, status: int) -> dict[str, str]:
    headers = {}
    if sign_in := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = sign_in
    wait = getattr(error, "wait", None)
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        headers["Retry-After"] = str(max(1, round(wait or RETRY_SECONDS)))
    return headers


def _body(problem: Problem) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        **problem.more,
    }
