"""Live cameras, for the managers of their stores: added, changed, tried out, switched, removed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from video_classifier.http.permissions import (
    MAY_NOT_MANAGE,
    manages_a_store,
    may_manage,
    sees_several_stores,
)
from video_classifier.models import Camera, Feed
from video_classifier.services import camera_tests, channels, feeds
from video_classifier.services.errors import Refused
from video_classifier.web.cameras import (
    CameraForm,
    CameraStatus,
    KnownOfModel,
    Picture,
    polygons,
)
from video_classifier.web.measures import measured_at
from video_classifier.web.responses import SignedInRequest, page_or_part

PAGES = "video_classifier/cameras"
MOST_OTHERS = 200  # cameras without a live stream that are listed


@never_cache
@require_safe
def camera_list(request: SignedInRequest) -> HttpResponse:
    """Those that `request.user` manages."""
    _check_manager(request)
    found = Feed.objects.managed_by(request.user).select_related("camera__store")
    page = Paginator(found, settings.HISTORY_PAGE_SIZE).get_page(request.GET.get("page"))
    now = timezone.now()
    others = Camera.objects.managed_by(request.user).without_feed().select_related("store")
    measured = measured_at([feed.pk for feed in page], request.user)
    context = {
        "page": page,
        "rows": [
            CameraStatus(feed=feed, now=now, measured_at=measured.get((feed.pk, feed.model)))
            for feed in page
        ],
        "others": others[:MOST_OTHERS] if page.number == 1 else (),
        "show_store": sees_several_stores(request.user),
    }
    return render(request, f"{PAGES}/page.html", context)


@never_cache
@require_safe
def camera_duties(request: SignedInRequest) -> HttpResponse:
    """What to think of before a camera is watched."""
    return render(request, f"{PAGES}/duties.html")


@never_cache
@sensitive_post_parameters("address", "sub_address")
@require_http_methods(["GET", "POST"])
def new_camera(request: SignedInRequest) -> HttpResponse:
    _check_manager(request)
    form = CameraForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        name = form.cleaned_data["name"]
        try:
            feed = feeds.create(form.store, name, form.choices_made, by=request.user)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, f"“{feed.camera}” was added. Test it before it is watched.")
            return redirect("web:camera-settings", feed.pk)
    status = 422 if form.errors else 200
    return render(request, f"{PAGES}/new.html", {"form": form}, status=status)


@never_cache
@sensitive_post_parameters("address", "sub_address")
@require_http_methods(["GET", "POST"])
def camera_settings(request: SignedInRequest, pk: int) -> HttpResponse:
    feed = _managed(request, pk)
    sent = request.POST if request.method == "POST" else None
    form = CameraForm(sent, user=request.user, feed=feed)
    if form.is_valid():
        name = form.cleaned_data["name"]
        try:
            feeds.change(feed, name, form.choices_made, by=request.user)
        except Refused as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, "The settings were saved.")
            return redirect("web:camera-settings", pk)
    return _settings_page(request, feed, form, status=422 if form.errors else 200)


@never_cache
@require_POST
def test_camera(request: SignedInRequest, pk: int) -> HttpResponse:
    """Whatever came of it is the answer, and no error."""
    feed = _managed(request, pk)
    tried: dict[str, Any] = {"tested": True}
    try:
        found = camera_tests.try_out(feed)
    except Refused as refusal:
        tried["problem"] = str(refusal)
    else:
        tried |= {"found": found, "picture": Picture(content=found.picture)}
    form = CameraForm(None, user=request.user, feed=feed)
    return _settings_page(request, feed, form, tried=tried)


@require_POST
def switch_camera(request: SignedInRequest, pk: int) -> HttpResponse:
    """Has it watched, or watched no longer."""
    feed = _managed(request, pk)
    try:
        if _is_on(request):
            if feeds.enable(feed, by=request.user):
                messages.success(request, f"“{feed.camera}” is being watched from now on.")
        elif feeds.disable(feed, by=request.user):
            messages.success(request, f"“{feed.camera}” is watched no longer.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("web:camera-settings", pk)


@require_POST
def switch_alerts(request: SignedInRequest, pk: int) -> HttpResponse:
    feed = _managed(request, pk)
    on = _is_on(request)
    if feeds.switch_alerts(feed, on=on, by=request.user):
        messages.success(
            request, f"Alerts of “{feed.camera}” are {'on' if on else 'off'} from now on."
        )
    return redirect("web:camera-settings", pk)


@never_cache
@require_http_methods(["GET", "POST"])
def delete_camera(request: SignedInRequest, pk: int) -> HttpResponse:
    """Asks, and removes it from the live ones."""
    feed = _managed(request, pk)
    if request.method == "POST":
        if feeds.remove(feed, by=request.user):
            messages.success(request, f"“{feed.camera}” was removed from the live cameras.")
        return redirect("web:cameras")
    return render(request, f"{PAGES}/delete.html", {"feed": feed})


def _settings_page(
    request: SignedInRequest,
    feed: Feed,
    form: CameraForm,
    *,
    tried: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    return page_or_part(
        request,
        page=f"{PAGES}/settings.html",
        part=f"{PAGES}/_test.html",
        context={
            "feed": feed,
            "form": form,
            "status": CameraStatus(feed=feed, now=timezone.now()),
            "known": KnownOfModel.of(feed),
            "still": Picture.newest_of(feed),
            "polygons": polygons(feed),
            "show_store": sees_several_stores(request.user),
            "tried": tried or {},
            "nobody_hears": feed.alerts and not channels.hear_of(feed.camera),
        },
        status=status,
    )


def _managed(request: SignedInRequest, pk: int) -> Feed:
    """That nobody sees at all is not found; who may look but not manage is refused."""
    visible = Feed.objects.visible_to(request.user).select_related("camera__store")
    feed = get_object_or_404(visible, pk=pk)
    if not may_manage(request.user, feed.camera):
        raise PermissionDenied(MAY_NOT_MANAGE)
    return feed


def _check_manager(request: SignedInRequest) -> None:
    if not manages_a_store(request.user):
        raise PermissionDenied(MAY_NOT_MANAGE)


def _is_on(request: SignedInRequest) -> bool:
    return request.POST.get("on") == "1"
