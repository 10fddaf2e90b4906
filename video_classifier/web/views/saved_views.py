"""Filters of the history under a name: saving, deleting, and counting what they lead to."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from video_classifier.models import SavedView, Store
from video_classifier.services import saved_views
from video_classifier.services.errors import Refused
from video_classifier.states import ListPage
from video_classifier.web import listed_views
from video_classifier.web.responses import SignedInRequest, asked_next

MOST_DIGITS = 9
NOT_OWN = "Only the person who saved a view may delete it."


@never_cache
@require_safe
def view_counts(request: SignedInRequest) -> HttpResponse:
    """The bar of views with how many rows each has, asked for once the page is there."""
    links = listed_views.counted(listed_views.links(request.user), request)
    return render(request, "video_classifier/history/_views.html", {"views": links})


@require_POST
def save_view(request: SignedInRequest) -> HttpResponse:
    query = listed_views.normalized(request.POST.get("query", "")[: listed_views.LONGEST])
    stores = Store.objects.visible_to(request.user)
    shared_in = stores.filter(pk=_number(request.POST.get("shared_in", ""))).first()
    name = request.POST.get("name", "")
    try:
        view = saved_views.save(
            request.user, ListPage.HISTORY, name=name, query=query, shared_in=shared_in
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"The view “{view.name}” was saved.")
    return redirect(f"{reverse('web:history')}?{query}")


@require_POST
def delete_view(request: SignedInRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(SavedView.objects.open_to(request.user), pk=pk)
    if view.owner_id != request.user.pk:
        raise PermissionDenied(NOT_OWN)
    view.delete()
    messages.success(request, f"The view “{view.name}” was deleted.")
    return redirect(asked_next(request) or "web:history")


def _number(asked: str) -> int:
    is_one = asked.isascii() and asked.isdecimal() and len(asked) <= MOST_DIGITS
    return int(asked) if is_one else 0
