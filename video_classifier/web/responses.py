"""The shapes of answer that several views share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from video_classifier.services import audit_views, database, files

JPEG = "image/jpeg"


class SignedInRequest(HttpRequest):
    """What every view gets: LoginRequiredMiddleware turns strangers away before."""

    user: User
    htmx: HtmxDetails


def page_or_part(  # noqa: PLR0913
    request: HttpRequest,
    *,
    page: str,
    part: str,
    context: Mapping[str, Any],
    parts: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The whole page to a browser, only its moving part to htmx.

    `parts` are others, by the id of what htmx puts them in the place of.
    """
    template = (parts or {}).get(asked_for(request), part) if is_part(request) else page
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request", *(["HX-Target"] if parts else [])])
    return response


def is_part(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers


def is_alone(request: HttpRequest) -> bool:
    """Whether a video is asked for by itself, not by a player, which asks for ranges."""
    return "Range" not in request.headers


def stored_picture(name: str) -> HttpResponseBase:
    """A JPEG, or the address where it is stored. Raises FileNotFoundError."""
    if address := files.address(name, content_type=JPEG):
        return HttpResponseRedirect(address)
    database.give_back()  # others need it, however long the storage takes
    return FileResponse(default_storage.open(name), content_type=JPEG)


def shows_page(request: HttpRequest) -> bool:
    """Whether somebody gets a page to see: not a part of it, and not its head alone."""
    return request.method == "GET" and not is_part(request)


def note_view(
    request: SignedInRequest, kind: str, key: object = "", *, store: int | None, **details: int
) -> None:
    """Of a page with footage, for the audit log."""
    if shows_page(request):
        audit_views.note(request.user, kind, key, store=store, **details)


def asked_for(request: HttpRequest) -> str:
    """The id of the part of a page that htmx asks for; "" if none is named."""
    return request.headers.get("HX-Target", "") if is_part(request) else ""


def asked_next(request: HttpRequest) -> str:
    """Where the sender wants to be afterwards, if that is on this site; "" otherwise."""
    asked = request.POST.get("next") or request.GET.get("next", "")
    here = asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=None)
    return asked if here else ""


def came_from(request: HttpRequest) -> str:
    """The history as it was filtered when it led here; "" if something else did."""
    before = parts_of(request.headers.get("Referer", ""))
    if (before.netloc, before.path) != (request.get_host(), reverse("web:history")):
        return ""
    return before._replace(scheme="", netloc="").geturl()


def asking_page(request: SignedInRequest) -> str:
    """The address of the page that htmx asks from, on this site; "" if there is none."""
    try:
        return request.htmx.current_url_abs_path or ""
    except ValueError:
        return ""


def parts_of(address: str) -> SplitResult:
    """Of what a browser says is one; empty ones of what is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def uuids(asked: Iterable[str]) -> Iterator[UUID]:
    """Those that are some; what is none is left out."""
    for each in asked:
        try:
            yield UUID(each)
        except ValueError:
            continue
