"""Filters, as parameters of an address: those of the history, and of live events."""

from __future__ import annotations

from rest_framework.request import Request

from video_classifier.api.access import as_django
from video_classifier.api.problems import Problem
from video_classifier.http.filters import ALL, SORT, HistoryFilter
from video_classifier.models import LiveEvent
from video_classifier.querysets import AnalysisQuerySet, LiveEventQuerySet

CAMERA, OPEN = "camera", "open"
RESULTS = "results"
BAD_CAMERA = "“camera” is a camera's id."
BAD_OPEN = "“open” is “yes” or “no”."
_MOST_DIGITS = 18  # that a database takes for a whole number


def filtered(request: Request) -> AnalysisQuerySet:
    """Analyses that `request.user` may see, in no order. Raises Problem for what is no filter."""
    said = request.query_params.copy()
    said.pop(SORT, None)
    said.setdefault(RESULTS, ALL)
    found = HistoryFilter(said, request=as_django(request))
    if invalid := found.invalid():
        errors = {name: [str(each) for each in found.form.errors[name]] for name in invalid}
        raise Problem(400, f"Not a valid filter: {', '.join(invalid)}.", errors=errors)
    return found.rows()


def filtered_live(request: Request) -> LiveEventQuerySet:
    """Live events that `request.user` may see, in no order. Raises Problem as `filtered` does."""
    events = LiveEvent.objects.visible_to(request.user)
    camera, is_open = (request.query_params.get(name) for name in (CAMERA, OPEN))
    if camera is not None:
        if not (camera.isascii() and camera.isdecimal() and len(camera) <= _MOST_DIGITS):
            raise Problem(400, BAD_CAMERA, errors={CAMERA: [BAD_CAMERA]})
        events = events.filter(camera=int(camera))
    if is_open is not None:
        if is_open not in {"yes", "no"}:
            raise Problem(400, BAD_OPEN, errors={OPEN: [BAD_OPEN]})
        events = events.filter(closed_at__isnull=is_open == "yes")
    return events
