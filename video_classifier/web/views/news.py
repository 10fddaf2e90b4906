"""New hints: the bar on every page, the page that lists them, and where an alert's link leads."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from video_classifier.http.permissions import sees_several_stores, why_empty
from video_classifier.models import Alert
from video_classifier.services import news as service
from video_classifier.web import news as presenters
from video_classifier.web.news import NOTHING, News
from video_classifier.web.responses import SignedInRequest, is_part, page_or_part
from video_classifier.web.trashed import gone

PAGE = "video_classifier/news/page.html"
BAR = "components/news_bar.html"
DISMISSED = "The new hints are marked as seen."


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def news(request: SignedInRequest) -> HttpResponse:
    """The list; the bar, to htmx, which says what it shows: if that is still so, nothing (204)."""
    if request.method == "POST":
        return _dismiss(request)
    found = News.of(request.user, now=timezone.now())
    if is_part(request) and request.GET.get("seen", NOTHING) == found.mark:
        response = HttpResponse(status=204)
        patch_vary_headers(response, ["HX-Request"])
        return response
    return _shown(request, {"news": found})


def _dismiss(request: SignedInRequest) -> HttpResponse:
    now = timezone.now()
    service.dismiss(request.user, until=_until(request), now=now)
    if not is_part(request):
        return redirect("web:news")
    found = News.of(request.user, now=now)  # one may have come meanwhile
    return _shown(request, {"news": found, "said": "" if found.hints else DISMISSED})


def _shown(request: SignedInRequest, context: dict[str, Any]) -> HttpResponse:
    if not is_part(request):
        context["show_store"] = sees_several_stores(request.user)
        context["why_empty"] = why_empty(request.user)
    return page_or_part(request, page=PAGE, part=BAR, context=context)


def _until(request: SignedInRequest) -> datetime:
    try:
        found = parse_datetime(request.POST.get("until", ""))
    except ValueError:
        found = None
    if found is None or timezone.is_naive(found):
        msg = "There is no such moment."
        raise BadRequest(msg)
    return found


@never_cache
@require_safe
def alert(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Messages link here: by and by there is more to be shown of what they tell."""
    # What is of no store says nothing of any: a full disk, or a test.
    visible = Alert.objects.visible_to(request.user) | Alert.objects.filter(store=None)
    found = get_object_or_404(visible.select_related("live_event__clip", "analysis__clip"), pk=pk)
    if clip := presenters.trashed_clip(found, request.user):
        return gone(request, clip)
    if address := presenters.address_of(found, request.user):
        return redirect(address)
    return render(request, "video_classifier/news/gone.html", {"alert": found}, status=410)
