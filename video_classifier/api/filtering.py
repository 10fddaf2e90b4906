"""The filters of the history, as parameters of an address."""

from __future__ import annotations

from rest_framework.request import Request

from video_classifier.api.access import as_django
from video_classifier.api.problems import Problem
from video_classifier.http.filters import SORT, HistoryFilter
from video_classifier.querysets import AnalysisQuerySet


def filtered(request: Request) -> AnalysisQuerySet:
    """Analyses that `request.user` may see, in no order. Raises Problem for what is no filter."""
    said = request.query_params.copy()
    said.pop(SORT, None)
    found = HistoryFilter(said, request=as_django(request))
    if invalid := found.invalid():
        errors = {name: [str(each) for each in found.form.errors[name]] for name in invalid}
        raise Problem(400, f"Not a valid filter: {', '.join(invalid)}.", errors=errors)
    return found.rows()
