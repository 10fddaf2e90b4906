"""Saved views of lists, and presets of the history: links, and how many rows each leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from video_classifier.http import paging
from video_classifier.http.filters import PERIOD, PERIODS, SORT, HistoryFilter
from video_classifier.http.permissions import may_delete_view
from video_classifier.http.review_filters import ReviewFilter
from video_classifier.models import Analysis, SavedView
from video_classifier.querysets import Visitor
from video_classifier.services import review_queue
from video_classifier.states import ListPage

LONGEST = 2000  # characters of a query
HOMES = {ListPage.HISTORY: "web:history", ListPage.REVIEW: "web:review"}
_NAMES: dict[ListPage, Iterable[str]] = {
    ListPage.HISTORY: HistoryFilter.base_filters,
    ListPage.REVIEW: ReviewFilter.base_fields,
}
NOT_VALID = "not valid: what it filters by is gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewLink:
    """A view or preset; `count` is "" as long as nobody has counted."""

    name: str
    query: str
    about: str = ""  # on hover
    since: str = ""  # beside its name
    count: str = ""
    key: int | None = None  # of a saved view
    may_be_deleted: bool = False
    is_current: bool = False  # what is shown, in whichever order
    is_all: bool = False  # without filters, and a count
    page: ListPage = ListPage.HISTORY

    @property
    def address(self) -> str:
        return reverse(HOMES[self.page]) if self.is_all else address(self.page, self.query)


def address(page: ListPage, query: str) -> str:
    return f"{reverse(HOMES[page])}?{query}"


def links(
    user: Visitor, page: ListPage = ListPage.HISTORY, *, shown: str, now: datetime
) -> list[ViewLink]:
    """All of it, presets, then one's own and the shared ones; `shown` is the query of the page."""
    found = SavedView.objects.open_to(user).filter(page=page)
    saved = [_link(each, user) for each in found.select_related("owner", "shared_in")]
    presets = _presets(now) if page == ListPage.HISTORY else []
    if not presets and not saved:
        return []
    current = _filters(shown, page)
    every = [ViewLink(name="All", query="", page=page, is_all=True), *presets, *saved]
    return [replace(each, is_current=_filters(each.query, page) == current) for each in every]


def _presets(now: datetime) -> list[ViewLink]:
    return [
        ViewLink(
            name=period.name,
            query=f"{PERIOD}={word}",
            about=period.about,
            since=_since(period.start(now), now) if period.shows_start else "",
        )
        for word, period in PERIODS.items()
    ]


def _since(start: datetime, now: datetime) -> str:
    """ "since 06:12"; of the day before, too."""
    local, today = timezone.localtime(start), timezone.localtime(now).date()
    return f"since {'yesterday, ' if local.date() != today else ''}{local:%H:%M}"


def counted(found: Iterable[ViewLink], request: HttpRequest) -> list[ViewLink]:
    """The same with their counts."""
    return [each if each.is_all else _counted(each, request) for each in found]


def normalized(query: str, page: ListPage = ListPage.HISTORY) -> str:
    """Of an address: the filters that are filled in, without the page."""
    asked = QueryDict(query)
    kept: MultiValueDict[str, str] = QueryDict(mutable=True)
    for name in _NAMES[page]:
        if value := asked.get(name, ""):
            kept[name] = value
    shown: str = kept.urlencode()  # type: ignore[attr-defined]  # it is a QueryDict
    return shown[:LONGEST]


def _filters(query: str, page: ListPage) -> str:
    """What it shows, and not in which order."""
    asked = QueryDict(query, mutable=True)
    asked.pop(SORT, None)
    return normalized(asked.urlencode(), page)


def _link(view: SavedView, user: Visitor) -> ViewLink:
    shared = f"Shared in {view.shared_in} by {view.owner}" if view.shared_in else ""
    return ViewLink(
        name=view.name,
        query=view.query,
        about=shared,
        key=view.pk,
        may_be_deleted=may_delete_view(user, view),
        page=ListPage(view.page),
    )


def _counted(link: ViewLink, request: HttpRequest) -> ViewLink:
    count = _COUNTS[link.page](QueryDict(link.query), request)
    if count is None:
        return replace(link, count="\N{EN DASH}", about=NOT_VALID)
    return replace(link, count=count)


def _results(query: QueryDict, request: HttpRequest) -> str | None:
    visible = Analysis.objects.visible_to(request.user)
    found = HistoryFilter(query, queryset=visible, request=request)
    return None if found.invalid() else str(paging.count(found.rows()))


def _waiting(query: QueryDict, request: HttpRequest) -> str | None:
    found = ReviewFilter(query, user=request.user)
    if not found.is_valid():
        return None
    number = review_queue.left(request.user, found.filters)
    return f"{number:,} or more" if number >= review_queue.MOST_COUNTED else str(number)


# Of what it filters by that is gone: None.
_COUNTS: dict[ListPage, Callable[[QueryDict, HttpRequest], str | None]] = {
    ListPage.HISTORY: _results,
    ListPage.REVIEW: _waiting,
}
