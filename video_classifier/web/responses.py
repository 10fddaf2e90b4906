"""The shapes of answer that several views share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


class SignedInRequest(HttpRequest):
    """What every view gets: LoginRequiredMiddleware turns strangers away before."""

    user: User


def page_or_part(
    request: HttpRequest, *, page: str, part: str, context: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    """The whole page to a browser, only its moving part to htmx."""
    template = part if "HX-Request" in request.headers else page
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response
