"""The page for what nobody caught: also where disk, storage or database stand in the way.

And what Django's own page about an exception, under DEBUG, keeps to itself.
"""

from __future__ import annotations

import re
import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.debug import SafeExceptionReporterFilter
from django.views.decorators.csrf import requires_csrf_token
from django.views.defaults import server_error

from shoplift_site import env
from video_classifier.api import problems
from video_classifier.services import database, disk

API = "/api/"
RETRY_SECONDS = 10


class ReporterFilter(SafeExceptionReporterFilter):
    """Hides addresses with passwords, too: `runserver` puts the environment into each request."""

    hidden_settings = re.compile(
        "|".join((SafeExceptionReporterFilter.hidden_settings.pattern, *sorted(env.SECRETS))),
        re.IGNORECASE,
    )


@requires_csrf_token
def broken(request: HttpRequest) -> HttpResponse:
    """Django calls it while it handles the exception."""
    error = sys.exception()
    if request.path.startswith(API):
        return _problem(error)
    if disk.ran_full(error):
        return render(request, "507.html", status=507)
    if database.is_away(error):
        response = _without_database(request)
    elif disk.is_away(error) or database.is_busy(error):
        sentence = {"sentence": disk.AWAY} if disk.is_away(error) else {}
        response = render(request, "503.html", sentence, status=503)
    else:
        return server_error(request)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def _without_database(request: HttpRequest) -> HttpResponse:
    """Drawn for nobody: to see who asks would be to wait for the database once more."""
    if "HX-Request" in request.headers:
        part = {"text": database.AWAY, "tone": "error"}
        return HttpResponse(render_to_string("components/notice.html", part), status=503)
    page = {"heading": "The database does not answer", "sentence": database.AWAY}
    return HttpResponse(render_to_string("503.html", page), status=503)


def _problem(error: BaseException | None) -> HttpResponse:
    """For programs."""
    if disk.ran_full(error):
        return problems.plain(507, disk.FULL)
    if disk.is_away(error):
        return problems.plain(503, disk.AWAY)
    if database.is_away(error):
        return problems.plain(503, database.AWAY)
    if database.is_busy(error):
        return problems.plain(503, problems.BUSY)
    return problems.plain(500, problems.BROKEN)
