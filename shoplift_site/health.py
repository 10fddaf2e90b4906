"""Tells a supervisor whether the site answers, and a proxy whether it should get work."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from video_classifier.services import disk, readiness


@login_not_required
@never_cache
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("no database", content_type="text/plain", status=503)
    if disk.is_nearly_full():
        return HttpResponse("disk nearly full", content_type="text/plain", status=503)
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """For each check "ok" or why not; 503 if one keeps the site from working."""
    found = readiness.recent()
    reasons = [each.problem for each in found if each.problem]
    checks = {each.subject: each.problem or each.note or "ok" for each in found}
    answer = {"ready": not reasons, "reasons": reasons, "checks": checks}
    return JsonResponse(answer, status=503 if reasons else 200)
