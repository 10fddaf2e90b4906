"""The clips themselves: their bytes, and how to play them."""

from __future__ import annotations

import sys
from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from django.db.models.fields.files import FieldFile
from django.http import HttpRequest, HttpResponse
from django.http.response import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from video_classifier.models import Clip, SegmentCopy
from video_classifier.services import audit, audit_views, copies, database, files
from video_classifier.states import Playback, Status
from video_classifier.web import ranges
from video_classifier.web.players import AT, player_of, second_asked
from video_classifier.web.responses import SignedInRequest, asked_for, is_alone, note_view
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

SENT = (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.FOUND)
PLAYED = timedelta(hours=1)  # for which the address of a stored video is good: players come back

# Opened by itself, the file may be played, and that is all.
BARE = "sandbox allow-same-origin; default-src 'none'; media-src 'self'"


@require_safe
@gone_if_trashed(CLIP)
def clip_file(request: SignedInRequest, pk: UUID) -> HttpResponseBase:
    """The clip as it was uploaded (?download=1), or as a browser can play it.

    Where it plays segment by segment, ?at= leads to the one with that second.
    """
    clip = _clip(request, pk)
    download = "download" in request.GET
    if clip.playback == Playback.SEGMENTS and AT in request.GET and not download:
        return _moment(clip, second_asked(request.GET))
    copy = bool(clip.playable) and not download
    name = "".join(filter(str.isprintable, clip.name)) or "clip"
    disposition = content_disposition_header(download, name) or "inline"
    response = _sent(
        request,
        clip.playable if copy else clip.file,
        etag=f'"{clip.sha256}{"-playable" if copy else ""}"',
        container="mp4" if copy else clip.container,
        longest=sys.maxsize if download else ranges.STRETCH,
        disposition=disposition,
    )
    if request.method == "GET" and response.status_code in SENT:
        if download:
            audit_views.note_download(request.user, clip, in_parts=not is_alone(request))
        elif is_alone(request):
            note_view(request, audit.CLIP, clip.pk, store=clip.store_id)
    response["Content-Disposition"] = disposition
    return response


@require_safe
@gone_if_trashed(CLIP)
def segment_copy(request: SignedInRequest, pk: UUID, number: int) -> HttpResponseBase:
    """The copy of a segment, as a browser plays it."""
    made = SegmentCopy.objects.visible_to(request.user).filter(status=Status.DONE)
    found = get_object_or_404(made.select_related("clip"), clip=pk, number=number)
    if is_alone(request):
        note_view(request, audit.CLIP, pk, store=found.clip.store_id, segment=number)
    etag = f'"{found.clip.sha256}-{found.number}"'
    return _sent(request, found.file, etag=etag, container="mp4", longest=ranges.STRETCH)


def _sent(  # noqa: PLR0913
    request: HttpRequest,
    stored: FieldFile,
    *,
    etag: str,
    container: str,
    longest: int,
    disposition: str = "inline",
) -> HttpResponseBase:
    content_type = CONTENT_TYPES.get(container, "application/octet-stream")
    address = files.address(
        stored, content_type=content_type, disposition=disposition, lasts=PLAYED
    )
    try:
        if address:
            response = _elsewhere(request, stored, address, content_type)
        else:
            database.give_back()  # others need it, however long the storage takes
            response = ranges.respond(
                request, stored.open("rb"), etag=etag, content_type=content_type, longest=longest
            )
    except FileNotFoundError as error:
        msg = "The file of this clip is no longer there."
        raise Http404(msg) from error
    response["Cache-Control"] = "private, no-store"  # a desk may be shared
    response["Content-Security-Policy"] = BARE
    return response


def _elsewhere(
    request: HttpRequest, stored: FieldFile, address: str, content_type: str
) -> HttpResponseBase:
    """To where it is stored, which sends ranges, too. Raises FileNotFoundError to who is alone.

    The address is signed for GET, so what asks for the head alone is answered here.
    """
    if request.method == "HEAD":
        headers = {"Content-Length": str(stored.size), "Accept-Ranges": "bytes"}
        return HttpResponse(content_type=content_type, headers=headers)
    if is_alone(request):
        stored.size  # noqa: B018  (the storage would tell programs, and not people)
    return redirect(address)


def _moment(clip: Clip, second: float) -> HttpResponse:
    """To the copy with that second, if it is there; else to a page that says when it is."""
    found = player_of(clip, start=second)
    if not (found.is_in_segments and found.is_ready):
        return redirect(f"{_page_of(clip)}?{AT}={second:.3f}")
    address = reverse("web:segment-copy", args=[clip.pk, found.here.number])
    return redirect(f"{address}#t={max(second - found.here.start, 0.0):.3f}")


def _page_of(clip: Clip) -> str:
    """The address of its latest result."""
    latest = clip.analyses.order_by("-queued_at", "pk").first()
    return latest.get_absolute_url() if latest else reverse("web:history")


@never_cache
@require_safe
@gone_if_trashed(CLIP)
def player(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The player alone: asked for until there is a copy that browsers play.

    Where there is one of each segment, only what became of them, for who looks at ?at=.
    """
    return _player(request, _clip(request, pk))


def _player(request: HttpRequest, clip: Clip) -> HttpResponse:
    found = player_of(clip, start=second_asked(request.GET))
    is_part = found.is_in_segments and asked_for(request) == "segment-copies"
    part = "_segment_copies" if is_part else "_player"
    return render(request, f"video_classifier/result/{part}.html", {"player": found})


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
    return redirect(_page_of(clip))


def _clip(request: HttpRequest, pk: UUID) -> Clip:
    return get_object_or_404(Clip.objects.visible_to(request.user), pk=pk)
