"""Everything that was analyzed, as a page."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from video_classifier.http import paging
from video_classifier.http.filters import SORT, HistoryFilter
from video_classifier.http.permissions import why_empty
from video_classifier.models import Analysis, Case
from video_classifier.services import openings, reviews, second_opinions
from video_classifier.states import CaseState
from video_classifier.web import listed_views
from video_classifier.web.listed_views import ViewLink
from video_classifier.web.responses import SignedInRequest, is_part, page_or_part

MOST_CASES = 50  # that are offered


def asked(request: HttpRequest) -> HistoryFilter:
    """What the address asks for, of what `request.user` can see."""
    visible = Analysis.objects.visible_to(request.user)
    return HistoryFilter(request.GET, queryset=visible, request=request)


@never_cache
@require_safe
def history(request: SignedInRequest) -> HttpResponse:
    found = asked(request)
    rows = found.rows()
    is_by_default = (
        _is_up_to_us(request)
        and not found.is_of_answered
        and openings.has_unread_hints(rows, request.user)
    )
    if is_by_default:
        _put_hints_on_top(request, found)
    visible = Analysis.objects.visible_to(request.user).for_listing()
    listed = reviews.explained(
        openings.marked(second_opinions.marked(visible, request.user), request.user)
    )
    page = paging.page(
        rows,
        found.order,
        request.GET,
        listed=listed.defer("windows", "clip__segment_spans"),
        size=settings.HISTORY_PAGE_SIZE,
    )
    return page_or_part(
        request,
        page="video_classifier/history/page.html",
        part="video_classifier/history/_table.html",
        context={
            "filter": found,
            "is_by_default": is_by_default,
            "page": page,
            "count": paging.count(rows),
            "chips": list(found.chips()),
            "nothing": found.nothing(),
            "cases": [] if is_part(request) else _cases(request),
            "views": [] if is_part(request) else _views(request),
            "stores": found.form.fields["store"].queryset,
            "why_empty": why_empty(request.user),
        },
    )


def _is_up_to_us(request: HttpRequest) -> bool:
    """Whether nobody has chosen an order: who turns pages or filters has one already."""
    return not is_part(request) and not {SORT, paging.AFTER, paging.BEFORE} & request.GET.keys()


def _put_hints_on_top(request: HttpRequest, found: HistoryFilter) -> None:
    """All links of the page lead on in this order, even when the hints have been read."""
    found.put_hints_on_top()
    request.GET = found.data  # type: ignore[assignment]  # nobody writes into it
    request.META["QUERY_STRING"] = found.data.urlencode()


def _views(request: SignedInRequest) -> list[ViewLink]:
    shown = request.GET.urlencode()
    return listed_views.links(request.user, shown=shown, now=timezone.now())


def _cases(request: SignedInRequest) -> list[Case]:
    """The newest open ones, to which chosen clips can be added."""
    found = Case.objects.open_to(request.user).in_state(CaseState.OPEN)
    return list(found.order_by("-opened_at").only("name")[:MOST_CASES])
