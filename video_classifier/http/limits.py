"""Turns away who asks too often for what is costly."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from video_classifier.services import limits
from video_classifier.services.clients import client_address
from video_classifier.services.limits import Limit

View = Callable[..., HttpResponseBase]
LIMITED_BY = "limited_by"  # of a view: the limit's name, which tests ask for


def limited(
    limit: Limit, *, methods: Collection[str] = ("GET", "POST"), searches: bool = False
) -> Callable[[View], View]:
    """Of a view: one user, or of strangers one address, may ask for it so often.

    Only requests by the `methods` count, HEAD as GET; with `searches` none that asks for nothing
    particular.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            # The head of an answer takes as long as all of it, which the server then throws away.
            method = "GET" if request.method == "HEAD" else request.method
            is_plain = searches and method == "GET" and not request.GET
            counts = method in methods and not is_plain
            own = limits.scaled(limit) if counts else None
            if own and (seconds := limits.wait(own, asker(request))):
                return too_many(request, seconds)
            return view(request, *args, **kwargs)

        setattr(counted, LIMITED_BY, limit.name)
        return counted

    return decorate


def asker(request: HttpRequest) -> str:
    """Whose requests count together."""
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return f"user {user.pk}"
    return f"address {client_address(request)}"


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    response = render(
        request, "video_classifier/limited/page.html", {"seconds": seconds}, status=429
    )
    response["Retry-After"] = str(seconds)
    add_never_cache_headers(response)
    return response
