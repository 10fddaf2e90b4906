"""Events as files to take away."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from video_classifier.models import Event
from video_classifier.services import audit, disk, event_files
from video_classifier.services.errors import Refused
from video_classifier.states import Action
from video_classifier.web.responses import SignedInRequest
from video_classifier.web.trashed import ANALYSIS, gone_if_trashed

ZIP = "application/zip"
NO_ROOM = (
    "The server's disk is full, so the event can't be cut out. Download the whole clip, and tell "
    "your administrator."
)


@never_cache
@require_safe
@gone_if_trashed(ANALYSIS)
def event_download(request: SignedInRequest, pk: UUID, number: int) -> HttpResponseBase:
    """A ZIP of its seconds, its still and a manifest; who may see the clip may take it away."""
    event = _event(request, pk, number)
    if request.method == "HEAD":
        return HttpResponse(content_type=ZIP)
    if disk.is_nearly_full():
        return _no_room(request)
    try:
        file = event_files.archive(event, link=request.build_absolute_uri)
    except Refused as refusal:
        if isinstance(refusal, disk.DiskFullError) and not disk.is_away(refusal):
            return _no_room(request)
        messages.error(request, str(refusal))
        return redirect(event.analysis)
    store = event.analysis.store_id
    audit.record(Action.DOWNLOADED, request.user, audit.EVENT, pk, store=store, number=number)
    name = f"event-{number}-{str(pk)[:8]}.zip"
    return FileResponse(file, as_attachment=True, filename=name, content_type=ZIP)


def _event(request: HttpRequest, pk: UUID, number: int) -> Event:
    related = ("analysis__clip__store", "analysis__clip__camera", "segment", "track")
    visible = Event.objects.visible_to(request.user).select_related(*related)
    return get_object_or_404(visible, analysis=pk, number=number)


def _no_room(request: HttpRequest) -> HttpResponse:
    return render(request, "507.html", {"sentence": NO_ROOM}, status=507)
