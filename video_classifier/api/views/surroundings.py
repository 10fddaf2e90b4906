"""What clips belong to, and what looks at them: stores, cameras, models."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema_view
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from video_classifier.api.documented import documented
from video_classifier.api.pages import ByName
from video_classifier.api.serializers import CameraSerializer, ModelSerializer, StoreSerializer
from video_classifier.models import Camera, Store
from video_classifier.services import catalog


@extend_schema_view(get=documented({200: StoreSerializer(many=True)}, summary="Stores, by name"))
class Stores(ListAPIView[Store]):
    """Those that you are a member of."""

    serializer_class = StoreSerializer
    pagination_class = ByName

    def get_queryset(self) -> QuerySet[Store]:
        return Store.objects.visible_to(self.request.user)


@extend_schema_view(get=documented({200: CameraSerializer(many=True)}, summary="Cameras, by name"))
class Cameras(ListAPIView[Camera]):
    """Those of your stores."""

    serializer_class = CameraSerializer
    pagination_class = ByName

    def get_queryset(self) -> QuerySet[Camera]:
        return Camera.objects.visible_to(self.request.user)


class Models(GenericAPIView[Store]):
    """Those on disk, and how well they do."""

    pagination_class = None
    queryset = Store.objects.none()  # they are not in the database

    @documented({200: ModelSerializer(many=True)}, summary="Models", operation_id="models_list")
    def get(self, _: Request) -> Response:
        return Response(_shown(catalog.available(), many=True))


class OneModel(GenericAPIView[Store]):
    queryset = Store.objects.none()

    @documented({200: ModelSerializer}, 404, summary="A model")
    def get(self, _: Request, name: str) -> Response:
        found = [choice for choice in catalog.available() if choice.name == name]
        if not found:
            raise Http404
        return Response(_shown(found[0]))


def _shown(choices: Any, *, many: bool = False) -> Any:
    context = {"default": catalog.default_name()}
    return ModelSerializer(choices, many=many, context=context).data
