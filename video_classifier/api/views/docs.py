"""The schema, the page that shows it, and what is nowhere."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class Schema(SpectacularJSONAPIView):
    """OpenAPI 3.1."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        answer: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return answer


class Docs(SpectacularSwaggerSplitView):
    """Without inline scripts, which the site's Content-Security-Policy forbids."""

    url_name = "api:schema"
    template_name = "video_classifier/api_docs/page.html"
    title = "API"


class Nowhere(APIView):
    """Every other address under the API's."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise Http404
