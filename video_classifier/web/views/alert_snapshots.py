"""The picture in a message, for who reads it where they aren't signed in."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.response import Http404
from django.views.decorators.http import require_safe

from video_classifier.services import alert_snapshots


@login_not_required  # the address is signed, and good for a day
@require_safe
def alert_snapshot(request: HttpRequest, token: str) -> HttpResponse:
    try:
        found = alert_snapshots.shown_by(token)
    except alert_snapshots.UnknownAddressError as error:
        raise Http404(str(error)) from error
    except alert_snapshots.GoneError as gone:
        return HttpResponse(str(gone), status=410, content_type="text/plain; charset=utf-8")
    response = HttpResponse(found, content_type="image/jpeg")
    response["X-Robots-Tag"] = "noindex"
    return response
