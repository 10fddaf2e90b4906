"""Analyses: what they came to, another one of a clip, and the end of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema_view
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from video_classifier.api import idempotency, receiving
from video_classifier.api.access import user_of
from video_classifier.api.documented import FILTERS, LOCATION, RETRY, documented
from video_classifier.api.filtering import filtered
from video_classifier.api.pages import ByKey, ByNumber, Pages
from video_classifier.api.parsing import SmallJSONParser
from video_classifier.api.problems import Problem
from video_classifier.api.serializers import (
    AgainSerializer,
    AnalysisDetailSerializer,
    AnalysisSerializer,
    EventSerializer,
    TrackSerializer,
)
from video_classifier.api.views.clips import shown
from video_classifier.api.views.shared import accepted, analysis_of, kept_or_gone, one
from video_classifier.http.permissions import MAY_NOT_UPLOAD, may_analyze, may_cancel
from video_classifier.models import Analysis, Event, Track
from video_classifier.services import analyses, catalog

NOT_YOURS = "Only the person who asked for an analysis, or who may delete its clip, can do that."
FINISHED = "This analysis is finished."
NOTHING_WAITS = "Nothing of this analysis waits, so there is nothing to pause."
NOT_PAUSED = "This analysis isn't paused."


@extend_schema_view(
    get=documented(
        {200: AnalysisSerializer(many=True)},
        parameters=FILTERS,
        summary="Analyses, the newest first",
    )
)
class Analyses(ListAPIView[Analysis]):
    """Of all clips, with the filters of the history."""

    serializer_class = AnalysisSerializer
    pagination_class = Pages
    parser_classes: tuple[type[BaseParser], ...] = (SmallJSONParser,)

    def get_queryset(self) -> QuerySet[Analysis]:
        return filtered(self.request).select_related("clip__uploaded_by").defer("windows")

    @documented(
        {200: AnalysisDetailSerializer, 202: AnalysisDetailSerializer},
        *(404, 410, 413, 415, 422),
        summary="Analyze a clip again",
        request=AgainSerializer,
        parameters=[receiving.wait_parameter(0), idempotency.PARAMETER, LOCATION, RETRY],
    )
    def post(self, request: Request) -> Response:
        seconds = receiving.seconds_to_wait(request, default=0)
        wanted = AgainSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)

        def act(note: idempotency.Note) -> Response:
            clip = kept_or_gone(one(shown(request), wanted.validated_data["clip"]))
            if not may_analyze(request.user, clip):
                raise PermissionDenied(MAY_NOT_UPLOAD)
            model = wanted.validated_data.get("model") or catalog.default_name()
            catalog.usable(model)
            with transaction.atomic():
                analysis = analyses.enqueue(clip, model=model, user=user_of(request))
                note(lambda: accepted(request, analysis))
            receiving.wait_for(analysis, seconds=seconds)
            return accepted(request, analysis)

        return idempotency.once(request, act)


class OneAnalysis(GenericAPIView[Analysis]):
    """One of them, with how far it has got."""

    serializer_class = AnalysisDetailSerializer

    @documented(
        {200: AnalysisDetailSerializer},
        *(404, 410),
        summary="An analysis",
        parameters=[receiving.wait_parameter(0)],
    )
    def get(self, request: Request, pk: UUID) -> Response:
        seconds = receiving.seconds_to_wait(request, default=0)
        analysis = analysis_of(request, pk)
        receiving.wait_for(analysis, seconds=seconds)
        return _answer(request, analysis)


class _Change(GenericAPIView[Analysis]):
    """Of an analysis that is on its way; returns False if it is in no state for that."""

    serializer_class = AnalysisDetailSerializer
    change: Callable[[Analysis], bool]
    refusal = ""

    def post(self, request: Request, pk: UUID) -> Response:
        analysis = analysis_of(request, pk)
        if not may_cancel(request.user, analysis):
            raise PermissionDenied(NOT_YOURS)
        if not type(self).change(analysis):
            raise Problem(409, self.refusal)
        analysis.refresh_from_db()
        return _answer(request, analysis)


@extend_schema_view(
    post=documented(
        {200: AnalysisDetailSerializer}, 404, 409, 410, summary="End an analysis", request=None
    )
)
class Cancel(_Change):
    change = staticmethod(analyses.cancel)
    refusal = FINISHED


@extend_schema_view(
    post=documented(
        {200: AnalysisDetailSerializer}, 404, 409, 410, summary="Pause an analysis", request=None
    )
)
class Pause(_Change):
    change = staticmethod(analyses.pause)
    refusal = NOTHING_WAITS


@extend_schema_view(
    post=documented(
        {200: AnalysisDetailSerializer},
        *(404, 409, 410, 422),
        summary="Go on with a paused analysis",
        request=None,
    )
)
class Resume(_Change):
    change = staticmethod(analyses.resume)
    refusal = NOT_PAUSED


@extend_schema_view(
    get=documented({200: TrackSerializer(many=True)}, 404, 410, summary="The tracks of an analysis")
)
class Tracks(ListAPIView[Track]):
    """The people whom an analysis followed, as numbers, and where they were."""

    serializer_class = TrackSerializer
    pagination_class = ByNumber

    def get_queryset(self) -> QuerySet[Track]:
        rows = Track.objects.filter(analysis=analysis_of(self.request, self.kwargs["pk"]))
        return rows.select_related("segment").defer("windows", "crop_times")


def _events(rows: QuerySet[Event]) -> QuerySet[Event]:
    related = rows.select_related("analysis__clip", "track")
    return related.defer("analysis__windows", "track__boxes", "track__times", "track__windows")


@extend_schema_view(
    get=documented({200: EventSerializer(many=True)}, 404, 410, summary="The events of an analysis")
)
class EventsOfAnalysis(ListAPIView[Event]):
    """In order of time."""

    serializer_class = EventSerializer
    pagination_class = ByNumber

    def get_queryset(self) -> QuerySet[Event]:
        rows = Event.objects.filter(analysis=analysis_of(self.request, self.kwargs["pk"]))
        return _events(rows)


@extend_schema_view(
    get=documented(
        {200: EventSerializer(many=True)}, parameters=FILTERS, summary="Events, the latest first"
    )
)
class Events(ListAPIView[Event]):
    """Of all analyses that the filters find."""

    serializer_class = EventSerializer
    pagination_class = ByKey

    def get_queryset(self) -> QuerySet[Event]:
        return _events(Event.objects.filter(analysis__in=filtered(self.request)))


class OneEvent(GenericAPIView[Event]):
    """One of them."""

    serializer_class = EventSerializer

    @documented({200: EventSerializer}, 404, 410, summary="An event")
    def get(self, request: Request, pk: UUID, number: int) -> Response:
        found = _events(Event.objects.filter(analysis=analysis_of(request, pk), number=number))
        event = found.first()
        if event is None:
            raise Http404
        return Response(EventSerializer(event, context={"request": request}).data)


def _answer(request: Request, analysis: Any) -> Response:
    return Response(AnalysisDetailSerializer(analysis, context={"request": request}).data)
