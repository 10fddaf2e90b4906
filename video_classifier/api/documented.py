"""What all operations have in common in the schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from video_classifier.api.problems import MEDIA_TYPE, ProblemSerializer
from video_classifier.http.filters import HINTS, NOBODY, PERIODS, SECOND
from video_classifier.states import Reason, Status, Verdict

ALWAYS = (400, 401, 403, 429)
REASONS = {
    400: "The request is not one that this address understands.",
    401: "Neither a key that holds nor a session.",
    403: "The key lacks the scope, or its user the role.",
    404: "There is no such thing, or you may not see it.",
    409: "Not in the state that it is in.",
    410: "It is in the trash.",
    413: "Larger than it may be.",
    415: "Of another type than this address takes.",
    422: "Understood and refused, with the reason.",
    429: "Too many requests; Retry-After says when to go on.",
    503: "Too busy just now; Retry-After says when to go on.",
    507: "The server's disk is full.",
}

LOCATION = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, response=[202], description="Of the analysis."
)
RETRY = OpenApiParameter(
    "Retry-After", int, OpenApiParameter.HEADER, response=[202], description="Seconds."
)


def documented(
    answers: dict[int, Any], *problems: int, **more: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`extend_schema`, with the problems that there may be."""
    refused = {
        (status, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description=REASONS[status])
        for status in sorted({*ALWAYS, *problems})
    }
    return extend_schema(responses={**answers, **refused}, **more)


def _filter(name: str, kind: Any, text: str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, description=text)


LIVE_FILTERS = [
    _filter("camera", {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}, "Its id."),
    _filter("open", {"type": "string", "enum": ["yes", "no"]}, "Whether it goes on just now."),
]

FILTERS = [
    _filter(
        "text",
        {"type": "string", "maxLength": 200},
        "The name of the clip, its store, camera, tag, model or case contains it, or a note does.",
    ),
    _filter(
        "hint", {"type": "string", "enum": list(HINTS)}, "Hint, uncertain, no hint, or no result."
    ),
    _filter(
        "verdict",
        {"type": "string", "enum": [NOBODY, SECOND, *Verdict.values]},
        "What people said. “second”: you are asked for a second opinion, and not told the first.",
    ),
    _filter(
        "reason",
        {"type": "string", "enum": list(Reason.values)},
        "Why it was a false alarm.",
    ),
    _filter("tag", str, "A tag of the clip."),
    _filter("status", {"type": "string", "enum": list(Status.values)}, "Where the analysis is."),
    _filter("model", str, "The model's name."),
    _filter("store", int, "Its id."),
    _filter("camera", int, "Its id."),
    _filter("uploader", int, "The id of the account."),
    _filter("period", {"type": "string", "enum": list(PERIODS)}, "When it was added."),
    _filter("since", {"type": "string", "format": "date"}, "Added on this day or later."),
    _filter("until", {"type": "string", "format": "date"}, "Added on this day or earlier."),
]
