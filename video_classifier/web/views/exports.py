"""What the history shows, as tables for spreadsheets: its analyses, and the events in them."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from video_classifier.http import paging
from video_classifier.http.filters import HistoryFilter
from video_classifier.models import Analysis
from video_classifier.services import audit, disk, exports, spreadsheets
from video_classifier.services.spreadsheets import Table
from video_classifier.states import Action
from video_classifier.web.views.history import asked

EVENTS = "events"  # in the address; the other table is of analyses
SEMICOLON = "semicolon"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NO_ROOM = (
    "The server's disk is full, so the workbook can't be written. Export CSV, which needs no room "
    "there, and tell your administrator."
)


@require_safe
def export_csv(request: HttpRequest, what: str) -> HttpResponseBase:
    """?separator=semicolon gives it as Excel wants it where numbers have a decimal comma."""
    found = asked(request)
    _note(request, found, what)
    semicolons = request.GET.get("separator") == SEMICOLON
    lines = spreadsheets.csv_lines(_table(request, found, what), semicolons=semicolons)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{_file_name(what)}.csv"'
    return response


@require_safe
def export_workbook(request: HttpRequest, what: str) -> HttpResponseBase:
    """An Excel workbook, which can only be sent once all of it is written."""
    found = asked(request)
    if request.method == "HEAD":
        return HttpResponse(content_type=WORKBOOK)
    if disk.is_nearly_full():
        return _no_room(request)
    _note(request, found, what)
    table = _table(request, found, what)
    try:
        file = spreadsheets.workbook(table, Path(settings.FILE_UPLOAD_TEMP_DIR))
    except OSError as error:
        if disk.ran_full(error):
            return _no_room(request)
        raise
    name = f"{_file_name(what)}.xlsx"
    return FileResponse(file, as_attachment=True, filename=name, content_type=WORKBOOK)


def _table(request: HttpRequest, found: HistoryFilter, what: str) -> Table:
    visible = Analysis.objects.visible_to(request.user).kept()
    rows = exports.with_events(found.rows()) if what == EVENTS else found.rows()
    keys = paging.walk(rows, found.order, size=exports.AT_ONCE)
    if what == EVENTS:
        return exports.events_table(visible, keys, link=request.build_absolute_uri)
    return exports.analyses_table(visible, keys)


def _note(request: HttpRequest, found: HistoryFilter, what: str) -> None:
    """What is about to leave, in the audit log; looking at the head is no export."""
    if request.method == "GET":
        of_events = what == EVENTS
        rows = exports.count_events(found.rows()) if of_events else found.rows().count()
        kind = audit.EVENTS if of_events else audit.ANALYSES
        filters = found.choices_made()
        audit.record(Action.EXPORTED, request.user, kind, rows=rows, filters=filters)


def _file_name(what: str) -> str:
    kind = "events" if what == EVENTS else "analyses"
    return f"{kind}-{timezone.localdate().isoformat()}"


def _no_room(request: HttpRequest) -> HttpResponse:
    return render(request, "507.html", {"sentence": NO_ROOM}, status=507)
