"""How many hints there are, what people made of them, and what waits; also as a file."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from video_classifier.http.permissions import why_empty
from video_classifier.services import audit, review_queue, spreadsheets
from video_classifier.services.dashboard import Board, Dashboard, Filters
from video_classifier.services.periods import TODAY
from video_classifier.services.spreadsheets import Table
from video_classifier.states import Action
from video_classifier.web import charts, dashboard_export, live_cameras
from video_classifier.web import dashboard as pages
from video_classifier.web.dashboard import SPANS, DashboardForm
from video_classifier.web.live_cameras import CameraView
from video_classifier.web.responses import SignedInRequest, is_part, page_or_part


@never_cache
@require_safe
def dashboard(request: SignedInRequest) -> HttpResponse:
    form = DashboardForm(request.GET, user=request.user)
    found = Dashboard(request.user, now=timezone.now())
    context = {"form": form, **_figures(request, form, found)}
    if not is_part(request):
        context |= _now(request, found)
    return page_or_part(
        request,
        page="video_classifier/dashboard/page.html",
        part="video_classifier/dashboard/_figures.html",
        context=context,
    )


@require_safe
def dashboard_csv(request: SignedInRequest) -> HttpResponseBase:
    form = DashboardForm(request.GET, user=request.user)
    board = _board(form, Dashboard(request.user, now=timezone.now()))
    rows = list(dashboard_export.rows(board, form, SPANS[form.span_name][1]))
    if request.method == "GET":
        audit.record(Action.EXPORTED, request.user, audit.FIGURES, rows=len(rows))
    table = Table(name="figures", head=dashboard_export.HEAD, rows=rows)
    semicolons = request.GET.get("separator") == "semicolon"
    lines = spreadsheets.csv_lines(table, semicolons=semicolons)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = f"figures-{timezone.localdate().isoformat()}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _board(form: DashboardForm, found: Dashboard) -> Board:
    """Of an invalid form none: it must not pass for all."""
    if not form.is_valid():
        return Board(starts=[])
    return found.read(form.filters, SPANS[form.span_name][1])


def _figures(request: SignedInRequest, form: DashboardForm, found: Dashboard) -> dict[str, object]:
    board = _board(form, found)
    words, span = SPANS[form.span_name]
    if form.errors or board.total.is_empty:
        return {"problem": form.problem if form.errors else "", "words": words}
    rows = pages.by_time(board)
    return {
        "total": pages.Row(name=f"Last {words}", figures=board.total),
        "measured": pages.MeasuredRow(measured=found.measured(form.filters, span)),
        "drawing": charts.drawing(rows, span),
        "tables": [
            pages.by_time_table(rows, span),
            *pages.tables(board, form),
        ],
        "words": words,
        "query": request.GET.urlencode(),
    }


def _now(request: SignedInRequest, found: Dashboard) -> dict[str, object]:
    """What is going on, whatever the filters."""
    now = timezone.now()
    feeds = live_cameras.visible_feeds(request.user).enabled()
    cameras = live_cameras.views(list(feeds), request.user, now=now)
    return {
        "waiting": review_queue.left(request.user, review_queue.Filters()),
        "most_waiting": review_queue.MOST_COUNTED,
        "cameras": cameras,
        "offline": _offline(cameras),
        "today": found.read(Filters(), TODAY, has_answers=False).total,
        "why_empty": why_empty(request.user),
    }


def _offline(cameras: Sequence[CameraView]) -> list[CameraView]:
    return [each for each in cameras if each.status.tone == live_cameras.TROUBLE]
