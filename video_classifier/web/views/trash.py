"""The end of clips: into the trash, out of it, and gone for good."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from video_classifier.http.permissions import (
    may_delete,
    may_purge,
    sees_several_stores,
    why_empty,
)
from video_classifier.models import Clip
from video_classifier.services import trash
from video_classifier.services.errors import Refused
from video_classifier.web.responses import SignedInRequest, asked_next
from video_classifier.web.trashed import CLIP, gone_if_trashed


@never_cache
@require_safe
def trash_list(request: SignedInRequest) -> HttpResponse:
    """What `request.user` can restore."""
    user = request.user
    found = Clip.objects.visible_to(user).in_trash().deletable_by(user)
    clips = found.select_related("store", "camera", "uploaded_by", "trashed_by").order_by(
        "-trashed_at", "pk"
    )
    page = Paginator(clips, settings.HISTORY_PAGE_SIZE).get_page(request.GET.get("page"))
    return render(
        request,
        "video_classifier/trash/page.html",
        {
            "page": page,
            "may_purge": may_purge(user),
            "show_store": sees_several_stores(user),
            "why_empty": why_empty(user),
        },
    )


@require_http_methods(["GET", "POST"])
@gone_if_trashed(CLIP)
def delete_clip(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Asks (for those without JavaScript) and moves the clip to the trash."""
    clip = _own(request, pk)
    after = asked_next(request)
    if request.method == "POST":
        try:
            if trash.put(clip, by=request.user):
                # The page that shows the message makes an Undo button of its address.
                undo = reverse("web:restore-clip", args=[pk])
                messages.success(request, f"“{clip.name}” was moved to the trash.", extra_tags=undo)
        except Refused as refusal:  # it is in a case
            messages.error(request, str(refusal))
        return redirect(after or "web:history")
    return render(request, "video_classifier/delete/page.html", {"clip": clip, "next": after})


@require_POST
def restore_clip(request: SignedInRequest, pk: UUID) -> HttpResponse:
    clip = _own(request, pk)
    if trash.restore(clip, by=request.user):
        messages.success(request, f"“{clip.name}” was restored.")
    latest = clip.analyses.first()
    return redirect(asked_next(request) or latest or "web:history")


@require_http_methods(["GET", "POST"])
def purge_clip(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Asks, and deletes for good what is in the trash."""
    clip = get_object_or_404(Clip.objects.visible_to(request.user).in_trash(), pk=pk)
    if not may_purge(request.user):
        msg = "Only administrators with the permission to delete clips may delete one for good."
        raise PermissionDenied(msg)
    if request.method == "POST":
        if trash.purge(clip, by=request.user):
            messages.success(request, f"“{clip.name}” was deleted for good.")
        return redirect("web:trash")
    return render(request, "video_classifier/trash/purge.html", {"clip": clip})


def _own(request: SignedInRequest, pk: UUID) -> Clip:
    clip = get_object_or_404(Clip.objects.visible_to(request.user), pk=pk)
    if not may_delete(request.user, clip):
        msg = (
            "Only the analyst who uploaded a clip, a manager of its store, or an administrator may "
            "delete or restore it."
        )
        raise PermissionDenied(msg)
    return clip
