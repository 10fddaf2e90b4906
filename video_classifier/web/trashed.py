"""What is in the trash answers 410 at every address that it had."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from video_classifier.http.permissions import may_delete
from video_classifier.models import Clip
from video_classifier.services import trash

View = Callable[..., HttpResponseBase]

CLIP = "pk"
ANALYSIS = "analyses"


def gone_if_trashed(found_by: str) -> Callable[[View], View]:
    """Keeps a view of a CLIP or an ANALYSIS, by its `pk`, from what is in the trash.

    To be put outside of decorators that let an answer be cached: a restored clip is back at once.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, pk: UUID, **rest: Any) -> HttpResponseBase:
            clip = {found_by: pk}
            if not trash.has(**clip):  # nearly always, and cheaper than who may see it
                return view(request, pk, **rest)
            trashed = Clip.objects.visible_to(request.user).in_trash().filter(**clip).first()
            return view(request, pk, **rest) if trashed is None else gone(request, trashed)

        return guarded

    return decorate


def gone(request: HttpRequest, clip: Clip) -> HttpResponse:
    """Of a clip in the trash, to somebody who may see it."""
    context = {"clip": clip, "may_restore": may_delete(request.user, clip)}
    response = render(request, "video_classifier/trash/gone.html", context, status=410)
    add_never_cache_headers(response)
    return response
