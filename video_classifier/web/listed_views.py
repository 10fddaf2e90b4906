"""Saved views and presets of the history: links, and how many rows each leads to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from video_classifier.http import paging
from video_classifier.http.filters import PERIOD, PERIODS, HistoryFilter
from video_classifier.models import Analysis, SavedView
from video_classifier.querysets import Visitor
from video_classifier.states import ListPage

LONGEST = 2000  # characters of a query
NOT_VALID = "not valid: what it filters by is gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewLink:
    """A view or preset; `count` is "" as long as nobody has counted."""

    name: str
    query: str
    about: str = ""  # on hover
    count: str = ""
    key: int | None = None  # of a saved view
    is_own: bool = False

    @property
    def address(self) -> str:
        return f"{reverse('web:history')}?{self.query}"


def links(user: Visitor) -> list[ViewLink]:
    """Presets first, then one's own and the shared ones."""
    presets = [
        ViewLink(name=period.name, query=f"{PERIOD}={word}", about=period.about)
        for word, period in PERIODS.items()
    ]
    found = SavedView.objects.open_to(user).filter(page=ListPage.HISTORY)
    return presets + [_link(each, user) for each in found.select_related("owner", "shared_in")]


def counted(found: Iterable[ViewLink], request: HttpRequest) -> list[ViewLink]:
    """The same with their counts."""
    return [_counted(each, request) for each in found]


def normalized(query: str) -> str:
    """Of an address: the filters that are filled in, without the page."""
    asked = QueryDict(query)
    kept: MultiValueDict[str, str] = QueryDict(mutable=True)
    for name in HistoryFilter.base_filters:
        if value := asked.get(name, ""):
            kept[name] = value
    shown: str = kept.urlencode()  # type: ignore[attr-defined]  # it is a QueryDict
    return shown[:LONGEST]


def _link(view: SavedView, user: Visitor) -> ViewLink:
    shared = f"Shared in {view.shared_in} by {view.owner}" if view.shared_in else ""
    return ViewLink(
        name=view.name,
        query=view.query,
        about=shared,
        key=view.pk,
        is_own=view.owner_id == user.pk,
    )


def _counted(link: ViewLink, request: HttpRequest) -> ViewLink:
    visible = Analysis.objects.visible_to(request.user)
    found = HistoryFilter(QueryDict(link.query), queryset=visible, request=request)
    count = "\N{EN DASH}" if found.invalid() else str(paging.count(found.rows()))
    about = NOT_VALID if found.invalid() else link.about
    return ViewLink(
        name=link.name,
        query=link.query,
        about=about,
        count=count,
        key=link.key,
        is_own=link.is_own,
    )
