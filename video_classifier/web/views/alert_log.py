"""The log of alerts: what was sent where, what wasn't and why, and another try."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from video_classifier.http import paging
from video_classifier.http.alert_filters import ORDER, DeliveryFilter
from video_classifier.http.permissions import (
    MAY_NOT_ALERT,
    manages_a_store,
    sees_several_stores,
)
from video_classifier.models import Delivery
from video_classifier.services import deliveries
from video_classifier.services.errors import Refused
from video_classifier.web.alert_log import DeliveryRow, has_channels, listed
from video_classifier.web.responses import SignedInRequest, asked_next, page_or_part


@never_cache
@require_safe
def alert_log(request: SignedInRequest) -> HttpResponse:
    if not manages_a_store(request.user):
        raise PermissionDenied(MAY_NOT_ALERT)
    visible = Delivery.objects.managed_by(request.user)
    found = DeliveryFilter(request.GET, queryset=visible, request=request)
    rows = found.rows()
    page = paging.page(
        rows, ORDER, request.GET, listed=listed(request.user), size=settings.HISTORY_PAGE_SIZE
    )
    now = timezone.now()
    return page_or_part(
        request,
        page="video_classifier/alerts/page.html",
        part="video_classifier/alerts/_log.html",
        context={
            "filter": found,
            "page": page,
            "rows": [DeliveryRow(delivery=each, now=now) for each in page.rows],
            "count": paging.count(rows),
            "chips": list(found.chips()),
            "nothing": found.nothing(),
            "has_channels": bool(page.rows) or has_channels(request.user),
            "show_store": sees_several_stores(request.user),
        },
    )


@never_cache
@require_POST
def retry_delivery(request: SignedInRequest, pk: UUID) -> HttpResponse:
    delivery = get_object_or_404(Delivery.objects.managed_by(request.user), pk=pk)
    try:
        deliveries.retry(delivery, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Another try is made to reach “{delivery.channel_name}”.")
    return redirect(asked_next(request) or "web:alerts")
