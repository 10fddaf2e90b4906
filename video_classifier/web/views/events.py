"""A single event of a recording: its page, which plays just these seconds, and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from video_classifier.http.permissions import manages, works_on_cases_of
from video_classifier.models import Analysis, Event
from video_classifier.services import audit, candidates, evidence, gaps
from video_classifier.web import zoom
from video_classifier.web.curves import Curve, curve_of
from video_classifier.web.events import (
    AROUND,
    Marked,
    around,
    crop_numbers,
    marked,
    neighbours,
    one,
    sorted_by,
    view_of,
)
from video_classifier.web.overview import overview_of
from video_classifier.web.players import Player, player_of
from video_classifier.web.responses import (
    SignedInRequest,
    is_part,
    note_view,
    page_or_part,
    stored_picture,
)
from video_classifier.web.trashed import ANALYSIS, gone_if_trashed

_not_cached = cache_control(private=True, no_store=True)  # a desk may be shared


@never_cache
@require_safe
@gone_if_trashed(ANALYSIS)
def event(request: SignedInRequest, pk: UUID, number: int) -> HttpResponse:
    analysis = get_object_or_404(Analysis.objects.visible_to(request.user).for_listing(), pk=pk)
    row = one(analysis, number)
    if row is None:
        msg = "There is no such event."
        raise Http404(msg)
    note_view(request, audit.EVENT, pk, store=analysis.store_id, number=number)
    shown = view_of(row, sorted_by(request.GET))
    events = marked(analysis)
    return page_or_part(
        request,
        page="video_classifier/event/page.html",
        part="video_classifier/result/_curve.html",
        context={
            "analysis": analysis,
            "event": shown,
            "player": _player(request, row),
            "beside": neighbours(shown, events),
            "curve": _curve(request, analysis, row, events),
            "tracks": [around(row)] if row.track and row.track.times else [],
            "crops": _crops(row),
            "may_add_to_case": works_on_cases_of(request.user, analysis.store_id),
            "may_see_who_looked": manages(request.user, analysis.store_id),
            "home": analysis.get_absolute_url(),
        },
    )


def _player(request: HttpRequest, row: Event) -> Player | None:
    """None to who asks for a part of the page without it."""
    if is_part(request):
        return None
    return player_of(row.analysis.clip, start=row.start, end=row.end)


def _curve(
    request: HttpRequest, analysis: Analysis, row: Event, events: Sequence[Marked]
) -> Curve | None:
    coverage = gaps.of(analysis)
    if not coverage.is_long:
        return curve_of(analysis)
    stretch = row.start - AROUND, row.end + AROUND
    asked = zoom.asked(request.GET, coverage.length, otherwise=stretch)
    return overview_of(analysis, asked, events, coverage.gaps)


def _crops(row: Event) -> list[tuple[int, float]]:
    """Number and time of what the model saw of the person, if that is kept of this event."""
    if row.track is None:
        return []
    kept = candidates.track(row.analysis, row.track.number)
    return crop_numbers(row) if kept and kept.row.pk == row.track_id else []


@require_safe
@gone_if_trashed(ANALYSIS)
@_not_cached
def event_still(request: HttpRequest, pk: UUID, number: int) -> HttpResponseBase:
    """The whole picture that shows an event."""
    visible = Event.objects.visible_to(request.user).select_related("segment", "track__segment")
    found = get_object_or_404(visible, analysis=pk, number=number)
    try:
        if name := evidence.event_still(found):
            return stored_picture(name)
    except FileNotFoundError:
        pass
    msg = "There is no picture of this event."
    raise Http404(msg)
