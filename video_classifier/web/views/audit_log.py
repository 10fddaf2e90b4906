"""The audit log: to superusers all of it, to managers what was done in their stores."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from video_classifier.http import paging
from video_classifier.http.audit_filters import ORDER, AuditFilter
from video_classifier.http.permissions import MAY_NOT_AUDIT, manages_a_store, sees_several_stores
from video_classifier.models import AuditEntry
from video_classifier.querysets import AuditEntryQuerySet
from video_classifier.services import audit, spreadsheets
from video_classifier.states import Action
from video_classifier.web import audit_log as presenters
from video_classifier.web.responses import SignedInRequest, page_or_part

AT_ONCE = 500  # rows of the export in memory


@never_cache
@require_safe
def audit_log(request: SignedInRequest) -> HttpResponse:
    managed = _managed(request)
    found = AuditFilter(request.GET, queryset=managed, request=request)
    rows = found.rows()
    page = paging.page(rows, ORDER, request.GET, listed=managed, size=settings.HISTORY_PAGE_SIZE)
    return page_or_part(
        request,
        page="video_classifier/audit/page.html",
        part="video_classifier/audit/_log.html",
        context={
            "filter": found,
            "page": page,
            "rows": presenters.rows(page.rows, request.user),
            "count": paging.count(rows.order_by("-at", "-id")),
            "chips": list(found.chips()),
            "nothing": found.nothing(),
            "show_store": sees_several_stores(request.user),
        },
    )


@require_safe
def audit_csv(request: SignedInRequest) -> HttpResponseBase:
    """What the page shows, all of it; that it was taken is an entry, too."""
    managed = _managed(request)
    found = AuditFilter(request.GET, queryset=managed, request=request)
    rows = found.rows()
    if request.method == "GET":
        audit.record(Action.EXPORTED, request.user, audit.LOG, filters=found.choices_made())
    keys = paging.walk(rows, ORDER, size=AT_ONCE)
    lines = spreadsheets.csv_lines(presenters.table(managed, keys))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = f"audit-log-{timezone.localdate().isoformat()}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _managed(request: SignedInRequest) -> AuditEntryQuerySet:
    """Raises PermissionDenied."""
    if not manages_a_store(request.user):
        raise PermissionDenied(MAY_NOT_AUDIT)
    return AuditEntry.objects.managed_by(request.user)
