"""The shapes of answer that several views share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails


class SignedInRequest(HttpRequest):
    """What every view gets: LoginRequiredMiddleware turns strangers away before."""

    user: User
    htmx: HtmxDetails


def page_or_part(
    request: HttpRequest, *, page: str, part: str, context: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    """The whole page to a browser, only its moving part to htmx."""
    template = part if "HX-Request" in request.headers else page
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def asked_next(request: HttpRequest) -> str:
    """Where the sender wants to be afterwards, if that is on this site; "" otherwise."""
    asked = request.POST.get("next") or request.GET.get("next", "")
    here = asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=None)
    return asked if here else ""


def came_from(request: HttpRequest) -> str:
    """The history as it was filtered when it led here; "" if something else did."""
    before = urlsplit(request.headers.get("Referer", ""))
    if (before.netloc, before.path) != (request.get_host(), reverse("web:history")):
        return ""
    return before._replace(scheme="", netloc="").geturl()
