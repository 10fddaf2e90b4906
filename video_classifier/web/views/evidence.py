"""What a prediction rests on: the pictures that the model looked at, and what in them mattered."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_http_methods, require_safe

from video_classifier.models import Analysis, HeatMap
from video_classifier.services import candidates, evidence, heat_maps
from video_classifier.services.errors import Refused
from video_classifier.states import Status
from video_classifier.web.responses import SignedInRequest, stored_picture
from video_classifier.web.results import HeatMapPanel
from video_classifier.web.trashed import ANALYSIS, gone_if_trashed

_not_cached = cache_control(private=True, no_store=True)  # a desk may be shared


@require_safe
@gone_if_trashed(ANALYSIS)
@_not_cached
def frame(request: HttpRequest, pk: UUID, number: int) -> HttpResponseBase:
    """One of the frames that the model looked at, as a small picture."""
    analysis = get_object_or_404(Analysis.objects.visible_to(request.user), pk=pk)
    return _picture(evidence.frame_files(analysis), number)


@require_safe
@gone_if_trashed(ANALYSIS)
@_not_cached
def crop(request: HttpRequest, pk: UUID, track: int, number: int) -> HttpResponseBase:
    """What the model saw of a track at one moment."""
    analysis = get_object_or_404(Analysis.objects.visible_to(request.user), pk=pk)
    found = candidates.track(analysis, track)
    return _picture(evidence.crop_files(found.row) if found else [], number)


@require_safe
@gone_if_trashed(ANALYSIS)
@_not_cached
def heat(request: HttpRequest, pk: UUID, number: int) -> HttpResponseBase:
    """One of the pictures that the score comes from, dim where it did not matter."""
    done = HeatMap.objects.visible_to(request.user).select_related("analysis")
    found = get_object_or_404(done, pk=pk, status=Status.DONE)
    numbers = range(len(candidates.moments(found.analysis)))
    return _picture([evidence.heat_file(found.analysis, each) for each in numbers], number)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@gone_if_trashed(ANALYSIS)
def heat_map(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Which part mattered: asked for by POST, and then shown as far as it has got."""
    visible = Analysis.objects.visible_to(request.user)
    finished = visible.filter(score__isnull=False).select_related("heat_map")
    if request.method == "POST":
        try:
            heat_maps.ask(get_object_or_404(finished, pk=pk), user=request.user)
        except Refused as refusal:  # deleted since
            raise Http404 from refusal
        if "HX-Request" not in request.headers:
            return redirect(f"{reverse('web:result', args=[pk])}#heat-map")
    analysis = get_object_or_404(finished, pk=pk)
    return render(
        request,
        "video_classifier/result/_heat_map.html",
        {
            "panel": HeatMapPanel(
                analysis=analysis, moments=candidates.moments(analysis), can_be_asked=True
            )
        },
    )


def _picture(names: Sequence[str], number: int) -> HttpResponseBase:
    """The file, if there is a picture `number`; not even looked for if there can't be one."""
    if number < len(names):
        try:
            return stored_picture(names[number])
        except FileNotFoundError:
            pass
    msg = "There is no such picture."
    raise Http404(msg)
