"""Everything that was analyzed: as a page, and as a table for a spreadsheet."""

from __future__ import annotations

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from video_classifier.models import Analysis
from video_classifier.services import audit, exports
from video_classifier.states import Action
from video_classifier.web.filters import PAGING, HistoryFilter
from video_classifier.web.permissions import why_empty
from video_classifier.web.responses import page_or_part


def _asked(request: HttpRequest) -> HistoryFilter:
    visible = Analysis.objects.visible_to(request.user)
    return HistoryFilter(request.GET, queryset=visible.for_listing(), request=request)


@never_cache
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    asked = _asked(request)
    page = Paginator(asked.qs, settings.HISTORY_PAGE_SIZE).get_page(request.GET.get(PAGING))
    return page_or_part(
        request,
        page="video_classifier/history/page.html",
        part="video_classifier/history/_table.html",
        context={
            "filter": asked,
            "page": page,
            "chips": list(asked.chips()),
            "nothing": asked.nothing(),
            "why_empty": why_empty(request.user),
        },
    )


@require_safe
def history_csv(request: HttpRequest) -> StreamingHttpResponse:
    """?separator=semicolon gives it as Excel wants it where numbers have a decimal comma."""
    asked = _asked(request)
    if request.method == "GET":
        rows, filters = asked.qs.count(), asked.choices_made()
        audit.record(Action.EXPORTED, request.user, audit.ANALYSES, rows=rows, filters=filters)
    lines = exports.history_csv(asked.qs, semicolons=request.GET.get("separator") == "semicolon")
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    day = timezone.localdate().isoformat()
    response["Content-Disposition"] = f'attachment; filename="analyses-{day}.csv"'
    return response
