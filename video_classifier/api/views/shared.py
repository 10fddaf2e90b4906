"""What several resources answer alike."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from video_classifier.api.problems import Problem
from video_classifier.api.serializers import AnalysisDetailSerializer
from video_classifier.models import Analysis, Clip

Row = TypeVar("Row", bound=Model)

IN_TRASH = "This clip is in the trash. Restore it on the pages of the site."
AGAIN_SECONDS = 2  # until it is worth asking again


def one(rows: QuerySet[Row], pk: UUID) -> Row:
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def kept_or_gone(clip: Clip) -> Clip:
    if clip.trashed_at:
        raise Problem(410, IN_TRASH)
    return clip


def analysis_of(request: Request, pk: UUID) -> Analysis:
    """Raises Http404, and Problem if it is in the trash."""
    analyses = Analysis.objects.visible_to(request.user)
    analysis = one(analyses.select_related("clip__uploaded_by", "clip__store"), pk)
    kept_or_gone(analysis.clip)
    return analysis


def accepted(request: Request, analysis: Analysis) -> Response:
    """200 with one that is finished, else 202 and where to ask for it."""
    body = AnalysisDetailSerializer(analysis, context={"request": request}).data
    if analysis.is_finished:
        return Response(body)
    headers = {
        "Location": reverse("api:analysis", args=[analysis.pk], request=request),
        "Retry-After": str(AGAIN_SECONDS),
    }
    return Response(body, status=202, headers=headers)
