"""The list that led to a result: the way back to it, and along it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, QueryDict
from django.urls import reverse

from video_classifier.http import paging
from video_classifier.http.filters import HistoryFilter
from video_classifier.models import Analysis

LIST = "list"  # in the address: the filters and the order of the history that led here
LONGEST = 2000  # characters
LEAD = 10  # rows above the one that somebody comes back to


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Addresses; "" where the list begins or ends."""

    back: str
    previous: str = ""
    following: str = ""


def link(address: str) -> str:
    """What a row adds to the address of its result, on the page of the history at `address`."""
    return f"?{urlencode({LIST: _filters(urlsplit(address).query)})}"


def of(request: HttpRequest, analysis: Analysis) -> Way | None:
    """None if no list led here."""
    asked = request.GET.get(LIST)
    if asked is None or len(asked) > LONGEST:
        return None
    query = _filters(asked)
    visible = Analysis.objects.visible_to(request.user)
    found = HistoryFilter(QueryDict(query), queryset=visible, request=request)
    near = paging.near(found.rows(), found.order, analysis.pk, lead=LEAD)
    page = QueryDict(query, mutable=True)
    if near.page_after:
        page[paging.AFTER] = str(near.page_after)
    asked_for = f"?{page.urlencode()}" if page else ""
    return Way(
        back=f"{reverse('web:history')}{asked_for}#open-{analysis.pk}",
        previous=_result(near.previous, query),
        following=_result(near.following, query),
    )


def _result(key: object, query: str) -> str:
    return f"{reverse('web:result', args=[key])}?{urlencode({LIST: query})}" if key else ""


def _filters(query: str) -> str:
    """Without the page."""
    asked = QueryDict(query, mutable=True)
    for mark in (paging.AFTER, paging.BEFORE):
        asked.pop(mark, None)
    return asked.urlencode()
