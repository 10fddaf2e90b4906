"""The clips themselves: their bytes, and how to play them."""

from __future__ import annotations

import sys
from http import HTTPStatus
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from video_classifier.models import Clip
from video_classifier.services import audit, copies
from video_classifier.states import Action
from video_classifier.web import ranges
from video_classifier.web.responses import SignedInRequest
from video_classifier.web.trashed import CLIP, gone_if_trashed

# By what the file was found to be, never by what its uploader called it.
CONTENT_TYPES = {
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "avi": "video/x-msvideo",
    "mkv": "video/x-matroska",
    "webm": "video/webm",
    "ts": "video/mp2t",
    "mpg": "video/mpeg",
    "flv": "video/x-flv",
    "asf": "video/x-ms-asf",
    "h264": "video/h264",
    "hevc": "video/h265",
}

SENT = (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT)

# Opened by itself, the file may be played, and that is all.
BARE = "sandbox allow-same-origin; default-src 'none'; media-src 'self'"


@require_safe
@gone_if_trashed(CLIP)
def clip_file(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The clip as it was uploaded (?download=1), or as a browser can play it."""
    clip = _clip(request, pk)
    download = "download" in request.GET
    copy = bool(clip.playable) and not download
    container = "mp4" if copy else clip.container
    try:
        file = (clip.playable if copy else clip.file).open("rb")
    except FileNotFoundError as error:
        msg = "The file of this clip is no longer there."
        raise Http404(msg) from error
    response = ranges.respond(
        request,
        file,
        etag=f'"{clip.sha256}{"-playable" if copy else ""}"',
        content_type=CONTENT_TYPES.get(container, "application/octet-stream"),
        longest=sys.maxsize if download else ranges.STRETCH,
    )
    if download and request.method == "GET" and response.status_code in SENT:
        audit.record(Action.DOWNLOADED, request.user, audit.CLIP, clip.pk)
    name = "".join(filter(str.isprintable, clip.name)) or "clip"
    response["Content-Disposition"] = content_disposition_header(download, name) or "inline"
    response["Cache-Control"] = "private, no-store"  # a desk may be shared
    response["Content-Security-Policy"] = BARE
    return response


@never_cache
@require_safe
@gone_if_trashed(CLIP)
def player(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The player alone: asked for until there is a copy that browsers play."""
    return _player(request, _clip(request, pk))


def _player(request: HttpRequest, clip: Clip) -> HttpResponse:
    return render(request, "video_classifier/result/_player.html", {"clip": clip})


@never_cache
@require_POST
@gone_if_trashed(CLIP)
def ask_for_copy(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Has a copy made that browsers play, where none could be made before."""
    clip = _clip(request, pk)
    copies.ask(clip, user=request.user)
    if "HX-Request" in request.headers:
        clip.refresh_from_db()
        return _player(request, clip)
    latest = clip.analyses.order_by("-queued_at", "pk").first()
    return redirect(latest or "web:history")


def _clip(request: HttpRequest, pk: UUID) -> Clip:
    return get_object_or_404(Clip.objects.visible_to(request.user), pk=pk)
