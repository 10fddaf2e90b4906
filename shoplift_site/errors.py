"""The page for what nobody caught: also where the disk or the database stands in the way."""

from __future__ import annotations

import sqlite3
import sys

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import requires_csrf_token
from django.views.defaults import server_error

from video_classifier.services import disk

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
RETRY_SECONDS = 10


@requires_csrf_token
def broken(request: HttpRequest) -> HttpResponse:
    """Django calls it while it handles the exception."""
    error = sys.exception()
    if disk.ran_full(error):
        return render(request, "507.html", status=507)
    if _is_busy(error):
        response = render(request, "503.html", status=503)
        response["Retry-After"] = str(RETRY_SECONDS)
        return response
    return server_error(request)


def _is_busy(error: BaseException | None) -> bool:
    """Whether somebody else held the database's write lock for too long."""
    cause = error.__cause__ if isinstance(error, DatabaseError) else None
    return isinstance(cause, sqlite3.Error) and cause.sqlite_errorcode & 0xFF in _BUSY
