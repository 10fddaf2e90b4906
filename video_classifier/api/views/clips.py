"""Clips: those that are there, and new ones."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from drf_spectacular.utils import extend_schema_view
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from video_classifier.api import idempotency, receiving
from video_classifier.api.access import user_of
from video_classifier.api.documented import LOCATION, RETRY, documented
from video_classifier.api.pages import ByKey, ByTime
from video_classifier.api.problems import Problem
from video_classifier.api.serializers import (
    AnalysisDetailSerializer,
    ClipSerializer,
    ReviewSerializer,
    UploadSerializer,
)
from video_classifier.api.views.shared import accepted, kept_or_gone, one
from video_classifier.http.permissions import may_delete
from video_classifier.models import Analysis, Clip, Review
from video_classifier.querysets import ClipQuerySet, ReviewQuerySet
from video_classifier.services import second_opinions, trash
from video_classifier.services.errors import Refused

NOT_YOURS = "Your account may not delete this clip."


def shown(request: Request) -> ClipQuerySet:
    return Clip.objects.visible_to(request.user).select_related("uploaded_by")


@extend_schema_view(
    get=documented({200: ClipSerializer(many=True)}, summary="Clips, the newest first")
)
class Clips(ListAPIView[Clip]):
    """What was uploaded."""

    serializer_class = ClipSerializer
    pagination_class = ByTime
    parser_classes = (MultiPartParser,)

    def get_queryset(self) -> ClipQuerySet:
        return shown(self.request).kept()

    @documented(
        {200: AnalysisDetailSerializer, 202: AnalysisDetailSerializer},
        *(409, 413, 415, 422, 503, 507),
        summary="Upload a clip and have it analyzed",
        description="The answer is the analysis: 202 while it waits or runs, 200 if it is finished "
        "within `wait` seconds. Files of up to 100 MB; larger ones by tus at /uploads/, on the "
        "pages of the site.",
        request={"multipart/form-data": UploadSerializer},
        parameters=[receiving.wait_parameter(0), idempotency.PARAMETER, LOCATION, RETRY],
    )
    def post(self, request: Request) -> Response:
        seconds = receiving.seconds_to_wait(request, default=0)
        file = receiving.the_file(request)

        def act(note: idempotency.Note) -> Response:
            def then(analysis: Analysis) -> None:
                note(lambda: accepted(request, analysis))

            analysis = receiving.accept(request, file, then=then)
            receiving.wait_for(analysis, seconds=seconds)
            return accepted(request, analysis)

        return idempotency.once(request, act)


class OneClip(GenericAPIView[Clip]):
    """One of them."""

    serializer_class = ClipSerializer

    @documented({200: ClipSerializer}, 404, 410, summary="A clip")
    def get(self, request: Request, pk: UUID) -> Response:
        clip = kept_or_gone(one(shown(request), pk))
        return Response(ClipSerializer(clip, context={"request": request}).data)

    @documented({204: None}, 404, 409, 410, summary="Move a clip to the trash", request=None)
    def delete(self, request: Request, pk: UUID) -> Response:
        """From where the pages of the site restore it, for 30 days if nothing else is set.

        One that is in a case can't be moved there.
        """
        clip = kept_or_gone(one(shown(request), pk))
        if not may_delete(request.user, clip):
            raise PermissionDenied(NOT_YOURS)
        try:
            trash.put(clip, by=user_of(request))
        except Refused as refusal:
            raise Problem(409, str(refusal)) from refusal
        return Response(status=204)


@extend_schema_view(
    get=documented({200: ReviewSerializer(many=True)}, 404, 410, summary="The reviews of a clip")
)
class ReviewsOfClip(ListAPIView[Review]):
    """What people said of it and of its events, the latest first; also what was withdrawn.

    What others said of an event is left out as long as you are the one to answer it without
    knowing.
    """

    serializer_class = ReviewSerializer
    pagination_class = ByKey

    def get_queryset(self) -> ReviewQuerySet:
        clip = kept_or_gone(one(shown(self.request), self.kwargs["pk"]))
        found = second_opinions.shown(Review.objects.filter(clip=clip), self.request.user)
        return found.select_related("by", "event", "undone_by")
