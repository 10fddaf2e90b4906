"""Filters of a list under a name: saving, deleting, and counting what they lead to."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from video_classifier.http.permissions import MAY_NOT_DELETE_VIEW, may_delete_view
from video_classifier.models import SavedView, Store
from video_classifier.services import saved_views
from video_classifier.services.errors import Refused
from video_classifier.states import ListPage
from video_classifier.web import listed_views
from video_classifier.web.responses import (
    SignedInRequest,
    asked_next,
    asking_page,
    is_part,
    parts_of,
)

MOST_DIGITS = 9


@never_cache
@require_safe
def view_counts(request: SignedInRequest) -> HttpResponse:
    """The bar of views with how many rows each has, asked for once the page is there."""
    page = _page(request.GET.get("page", ""))
    shown = parts_of(asking_page(request)).query
    found = listed_views.links(request.user, page, shown=shown, now=timezone.now())
    links = listed_views.counted(found, request)
    return render(request, "video_classifier/history/_views.html", {"views": links, "page": page})


@require_POST
def save_view(request: SignedInRequest) -> HttpResponse:
    page = _page(request.POST.get("page", ""))
    # By htmx the fields of the filters come along: they may have changed since the page was made.
    shown = request.POST.urlencode() if is_part(request) else request.POST.get("query", "")
    query = listed_views.normalized(shown[: listed_views.LONGEST], page)
    stores = Store.objects.visible_to(request.user)
    shared_in = stores.filter(pk=_number(request.POST.get("shared_in", ""))).first()
    name = request.POST.get("name", "")
    try:
        view = saved_views.save(request.user, page, name=name, query=query, shared_in=shared_in)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"The view “{view.name}” was saved.")
    address = listed_views.address(page, query)
    return HttpResponseClientRedirect(address) if is_part(request) else redirect(address)


@require_POST
def delete_view(request: SignedInRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(SavedView.objects.open_to(request.user), pk=pk)
    if not may_delete_view(request.user, view):
        raise PermissionDenied(MAY_NOT_DELETE_VIEW)
    view.delete()
    messages.success(request, f"The view “{view.name}” was deleted.")
    return redirect(asked_next(request) or "web:history")


def _page(asked: str) -> ListPage:
    return ListPage.REVIEW if asked == ListPage.REVIEW else ListPage.HISTORY


def _number(asked: str) -> int:
    is_one = asked.isascii() and asked.isdecimal() and len(asked) <= MOST_DIGITS
    return int(asked) if is_one else 0
