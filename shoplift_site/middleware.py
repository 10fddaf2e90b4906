"""What every answer carries, what no request leaves behind, and who may go on."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse

from shoplift_site.logs import REQUEST_ID
from video_classifier.services import accounts, disk, log_ids, second_factor, sessions
from video_classifier.services.second_factor import Need

API = "/api/"
ID = "X-Request-ID"
FACTOR_FIRST = "This was not done yet: the site now asks you for a second factor."
PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
Answer = Callable[[HttpRequest], HttpResponse]

HEADERS = {
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "private, no-store",  # what it shows is for those who signed in
}


def _policy() -> str:
    """What a page may load; pictures and videos also from where they are stored."""
    stored = f" {settings.STORAGE_ORIGIN}" if settings.STORAGE_ORIGIN else ""
    return "; ".join(
        (
            "default-src 'self'",
            f"img-src 'self' data: blob:{stored}",
            f"media-src 'self' blob:{stored}",
            "object-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'self'",
            "form-action 'self'",
        )
    )


def numbered(answer: Answer) -> Answer:
    """Gives each request an id, which its lines in the log and its answer bear.

    A trusted proxy's own is taken, so that its log and ours can be put together.
    """

    def with_id(request: HttpRequest) -> HttpResponse:
        heard = request.headers.get(ID, "") if settings.TRUSTED_PROXIES else ""
        found = heard if PLAIN_ID.fullmatch(heard) else uuid.uuid4().hex
        request.META[REQUEST_ID] = found
        with log_ids.of(request=found):
            response = answer(request)
        response[ID] = found
        return response

    return with_id


def security_headers(answer: Answer) -> Answer:
    """Adds the headers; a view that sets one of them itself is believed."""

    def with_headers(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        for name, value in (("Content-Security-Policy", _policy()), *HEADERS.items()):
            response.headers.setdefault(name, value)
        return response

    return with_headers


def no_upload_left(answer: Answer) -> Answer:
    """Deletes the temporary file of an upload that broke off; Django leaves it to the collector."""

    def tidy(request: HttpRequest) -> HttpResponse:
        try:
            return answer(request)
        finally:
            if request.content_type == "multipart/form-data":
                for handler in request.upload_handlers:
                    handler.upload_interrupted()

    return tidy


class RoomForUploads:
    """Refuses an upload unread while the disk is nearly full, so that the rest goes on working."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._answer(request)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        """After the sign-in was checked, and before the form is read."""
        form = request.content_type == "multipart/form-data" and request.user.is_authenticated
        if form and disk.is_nearly_full():
            return render(request, "507.html", {"sentence": disk.FULL}, status=507)
        return None


def own_password_first(answer: Answer) -> Answer:
    """Somebody who came in by a one-time password gets no further than to changing it."""

    def guarded(request: HttpRequest) -> HttpResponse:
        if request.path.startswith(API):  # which asks by itself, of sessions alone
            return answer(request)
        if not accounts.owes_new_password(request):
            return answer(request)
        open_pages = {
            reverse("password_change"),
            reverse("logout"),
            *_second_factor_pages(Need.SET_UP),
        }
        return answer(request) if request.path in open_pages else redirect("password_change")

    return guarded


def session_seen(answer: Answer) -> Answer:
    """Keeps the list of somebody's sessions up to date, once a minute."""

    def noted(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            sessions.note(request)  # else the database may be away, and asking it takes seconds
        return response

    return noted


def second_factor_first(answer: Answer) -> Answer:
    """Somebody who has given their password alone gets no further than to the second step."""

    def guarded(request: HttpRequest) -> HttpResponse:
        if request.path.startswith(API) or not request.user.is_authenticated:
            return answer(request)  # the API asks by itself, of sessions alone
        need = second_factor.needs(request)
        if need == Need.NONE or request.path in {reverse("logout"), *_second_factor_pages(need)}:
            return answer(request)
        page = "web:check-second-factor" if need == Need.CODE else "web:set-up-second-factor"
        if request.method == "GET" and "HX-Request" not in request.headers:
            return redirect(reverse(page, query={"next": request.get_full_path()}))
        return _unanswered(request, page)

    return guarded


def _unanswered(request: HttpRequest, page: str) -> HttpResponse:
    """What was typed is still in the browser, which sends it once more when it is reloaded."""
    if "HX-Request" in request.headers:
        part = {"text": FACTOR_FIRST, "tone": "error"}
        return HttpResponse(render_to_string("components/notice.html", part), status=403)
    context = {"step": reverse(page), "sentence": FACTOR_FIRST}
    return render(request, "403_second_factor.html", context, status=403)


def _second_factor_pages(need: Need) -> set[str]:
    """The steps themselves. Who has an app, and hasn't given its code, sets up no other one."""
    check = reverse("web:check-second-factor")
    if need == Need.CODE:
        return {check}
    return {check, reverse("web:set-up-second-factor"), reverse("web:second-factor-picture")}
