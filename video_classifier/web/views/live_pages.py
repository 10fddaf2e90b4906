"""The wall of live cameras, the page of one of them, and its still."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from video_classifier.http import paging
from video_classifier.http.permissions import manages_a_store, sees_several_stores, why_empty
from video_classifier.models import Feed, FeedHour, LiveEvent
from video_classifier.services import audit, live_pictures, live_streams, second_opinions
from video_classifier.web import alert_log, live_cameras, live_health, measures
from video_classifier.web.live_cameras import CameraView
from video_classifier.web.measures import Seen
from video_classifier.web.responses import (
    SignedInRequest,
    asked_for,
    is_part,
    note_view,
    page_or_part,
)

NO_PICTURE = (
    "There is no picture of this camera: none came yet, or none for a day. Its page says how it "
    "fares."
)
EVENTS = paging.Order(fields=("opened_at", "id"), descending=True)
EVENTS_PER_PAGE = 10
SEEN = "seen"  # in the address: what a part that asks for itself shows already
_UNSAID = "SEEN-YET"  # stands in such a part where that is to be


@never_cache
@require_safe
def wall(request: SignedInRequest) -> HttpResponse:
    found = live_cameras.visible_feeds(request.user)
    cameras = live_cameras.views(list(found), request.user, now=timezone.now())
    context = {
        "cameras": cameras,
        "stores": [(name, list(each)) for name, each in groupby(cameras, _store)],
        "show_store": sees_several_stores(request.user),
        "counts": _counts(cameras),
        "hints": [each for each in cameras if each.hints],
    }
    part = "video_classifier/wall/_cameras.html"
    if is_part(request):
        return _unless_seen(request, part, context)
    if cameras:
        stores = {each.feed.camera.store_id for each in cameras}
        note_view(request, audit.WALL, store=min(stores) if len(stores) == 1 else None)
    may_add = manages_a_store(request.user)
    context |= {
        "part": _part(part, context, request),
        "why_empty": why_empty(request.user),
        "may_add": may_add,
        "add": reverse("web:new-camera") if may_add else "",
    }
    return page_or_part(request, page="video_classifier/wall/page.html", part=part, context=context)


def _store(camera: CameraView) -> str:
    return str(camera.feed.camera.store)


def _counts(cameras: Sequence[CameraView]) -> str:
    """ "8 cameras: 6 live, 1 offline, 1 off"."""
    labels = Counter(each.status.label.lower() for each in cameras)
    words = ", ".join(f"{count} {label}" for label, count in labels.most_common())
    return f"{len(cameras)} camera{'s' if len(cameras) != 1 else ''}: {words}"


@never_cache
@require_safe
def camera(request: SignedInRequest, pk: int) -> HttpResponse:
    feed = get_object_or_404(live_cameras.visible_feeds(request.user), pk=pk)
    now = timezone.now()
    (view,) = live_cameras.views([feed], request.user, now=now)
    context = {"camera": view, "measures_only": "" if feed.alerts else live_cameras.MEASURES_ONLY}
    part = "video_classifier/camera/_state.html"
    if is_part(request) and asked_for(request) != "events":
        return _unless_seen(request, part, context)
    context |= {"events": _events(request, view)}
    if not is_part(request):
        visible = Feed.objects.visible_to(request.user)
        manages = visible.managed_by(request.user).filter(pk=pk).exists()
        note_view(request, audit.CAMERA, pk, store=feed.camera.store_id)
        context |= {
            "part": _part(part, context, request),
            "health": _health(request, view),
            **_measure(feed, now),
            "settings": reverse("web:camera-settings", args=[pk]) if manages else "",
            "is_still": "still" in request.GET,
            "failed_alerts": alert_log.failed_of(pk, request.user, now=now),
        }
    return page_or_part(
        request,
        page="video_classifier/camera/page.html",
        part=part,
        parts={"events": "video_classifier/camera/_events.html"},
        context=context,
    )


@never_cache
@require_safe
def camera_link(request: SignedInRequest, pk: int) -> HttpResponse:
    """An address that shows the camera for some minutes to whoever has it."""
    feed = get_object_or_404(live_cameras.visible_feeds(request.user), pk=pk)
    signed = live_streams.token(feed.camera, request.user)
    way = reverse("web:video", args=[pk])
    context = {
        "camera": feed.camera,
        "address": request.build_absolute_uri(f"{way}?{urlencode({'token': signed})}"),
        "minutes": live_streams.GOOD_FOR.seconds // 60,
    }
    return render(request, "video_classifier/camera/link.html", context)


def _events(request: SignedInRequest, view: CameraView) -> dict[str, Any]:
    rows = LiveEvent.objects.visible_to(request.user).filter(camera=view.pk)
    listed = rows.select_related("clip").defer("clip__segment_spans")
    found = paging.page(rows, EVENTS, request.GET, listed=listed, size=EVENTS_PER_PAGE)
    results = live_cameras.results_of(request.user, found.rows)
    withheld = second_opinions.withheld(request.user, results)
    shown = [
        replace(
            live_cameras.row_of(each, results, view.time_zone),
            verdict_is_withheld=each.clip_id in withheld,
        )
        for each in found.rows
    ]
    return {"page": found, "rows": shown}


def _health(request: SignedInRequest, view: CameraView) -> live_health.Health:
    since = live_health.since(view.now, view.time_zone)
    hours = FeedHour.objects.visible_to(request.user).filter(camera=view.pk, start__gte=since)
    return live_health.of(hours, now=view.now, time_zone=view.time_zone)


def _measure(feed: Feed, now: datetime) -> dict[str, Any]:
    standing = measures.standing(feed.camera)
    return {"standing": standing, "seen": Seen.of(feed.camera, standing.weights, now=now)}


def _part(template: str, context: Mapping[str, Any], request: HttpRequest) -> SafeString:
    """With its own mark in it, so that it can ask for what differs from it."""
    html = render_to_string(template, {**context, "seen": _UNSAID}, request)
    mark = hashlib.sha256(html.encode()).hexdigest()[:16]
    return mark_safe(html.replace(_UNSAID, mark))  # nosec B308, B703  # noqa: S308  (a template has escaped it)


def _unless_seen(request: HttpRequest, template: str, context: Mapping[str, Any]) -> HttpResponse:
    """The part, or nothing (204) if the page shows the very same: what has the focus keeps it."""
    html = _part(template, context, request)
    seen = request.GET.get(SEEN, "")
    is_seen = bool(seen) and f"{SEEN}={seen}" in html
    response = HttpResponse(status=204) if is_seen else HttpResponse(html)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def no_picture() -> HttpResponse:
    return HttpResponse(NO_PICTURE, status=404, content_type="text/plain; charset=utf-8")


@require_safe
def camera_still(request: SignedInRequest, pk: int) -> HttpResponse:
    """The newest picture, with the boxes in it."""
    get_object_or_404(Feed.objects.visible_to(request.user).only("pk"), pk=pk)
    latest = live_pictures.latest(pk)
    if latest is None:
        return no_picture()
    etag = f'"{latest.stamp}"'
    response = get_conditional_response(request, etag=etag) or HttpResponse(
        latest.content, content_type="image/jpeg"
    )
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-store"  # a desk may be shared
    return response
