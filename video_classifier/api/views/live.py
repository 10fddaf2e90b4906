"""What watchers saw on live cameras."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_view
from rest_framework.generics import ListAPIView

from video_classifier.api.documented import LIVE_FILTERS, documented
from video_classifier.api.filtering import filtered_live
from video_classifier.api.pages import ByOpening
from video_classifier.api.serializers import LiveEventSerializer
from video_classifier.models import LiveEvent


@extend_schema_view(
    get=documented(
        {200: LiveEventSerializer(many=True)},
        parameters=LIVE_FILTERS,
        summary="Live events, the latest first",
    )
)
class LiveEvents(ListAPIView[LiveEvent]):
    """Of the cameras of your stores, while they happen and afterwards."""

    serializer_class = LiveEventSerializer
    pagination_class = ByOpening

    def get_queryset(self) -> QuerySet[LiveEvent]:
        return filtered_live(self.request).select_related("camera")
