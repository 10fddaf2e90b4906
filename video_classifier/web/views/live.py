"""The rows of a list while their analyses go on: one request for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from django.http import HttpResponse
from django.http.response import Http404
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from video_classifier.http.permissions import sees_several_stores
from video_classifier.models import Analysis
from video_classifier.services import openings, reviews, second_opinions
from video_classifier.web.receipts import receipts
from video_classifier.web.responses import SignedInRequest, asking_page

ROWS = {
    "history": "video_classifier/history/_row.html",
    "receipts": "video_classifier/upload/_receipt.html",
    "runs": "video_classifier/result/_run_outcome.html",
}


@never_cache
@require_safe
def live(request: SignedInRequest, rows: str) -> HttpResponse:
    """The rows that have got further than the page shows, and those whose analysis is gone."""
    if rows not in ROWS:
        msg = "There is no such list."
        raise Http404(msg)
    shown = dict(_marks(request.GET.getlist("live")))
    visible = Analysis.objects.visible_to(request.user).for_listing()
    marked = openings.marked(second_opinions.marked(visible, request.user), request.user)
    found = reviews.explained(marked).in_bulk(shown)
    changed = [each for pk, each in found.items() if each.progress != shown[pk]]
    return render(
        request,
        "video_classifier/live/rows.html",
        {
            "row": ROWS[rows],
            "changed": receipts(changed, request.user),
            "gone": shown.keys() - found.keys(),
            "show_store": sees_several_stores(request.user),
            "next": _next(request),
        },
    )


def _next(request: SignedInRequest) -> str:
    """Where rows lead back to: the list may have an order that the browser's address lacks."""
    asked = request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(asked, allowed_hosts=None):
        return asked
    return asking_page(request)


def _marks(marks: Iterable[str]) -> Iterator[tuple[UUID, str]]:
    """Analyses, and how far the page shows them; what is no such mark is left out."""
    for mark in marks:
        pk, _, progress = mark.partition(".")
        try:
            yield UUID(pk), progress
        except ValueError:
            continue
