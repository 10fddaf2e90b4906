"""A live camera as a film: JPEGs one after another, until somebody has seen enough."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from http import HTTPStatus

from django.contrib.auth import get_user
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import Http404, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from video_classifier.models import Camera
from video_classifier.services import audit, audit_views, live_pictures, live_streams
from video_classifier.services.errors import Refused
from video_classifier.services.live_pictures import Latest
from video_classifier.services.live_streams import NoRoomError, Place
from video_classifier.web.views.live_pages import no_picture

logger = logging.getLogger(__name__)

TOKEN = "token"  # noqa: S105  (in the address)
_BOUNDARY = "picture"
_FIRST = f"--{_BOUNDARY}\r\n".encode()
_NEXT = f"\r\n--{_BOUNDARY}\r\n".encode()


@login_not_required  # it asks by itself: a signed address will do
def video(request: HttpRequest, pk: int) -> HttpResponseBase:
    if signed := request.GET.get(TOKEN):
        return _by_token(request, pk, signed)
    if not request.user.is_authenticated:
        return redirect_to_login(request.path)
    return _video(request, pk, request.user, _still_signed_in(request, pk), live_streams.LONGEST)


def _by_token(request: HttpRequest, pk: int, signed: str) -> HttpResponseBase:
    try:
        user = live_streams.holder(signed, pk)
    except Refused as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    logger.info("camera %d is watched by a signed address of user %d", pk, user.pk)

    def may_go_on() -> bool:
        found = User.objects.filter(pk=user.pk).first()
        return found is not None and live_streams.may_watch(found, pk)

    response = _video(request, pk, user, may_go_on, live_streams.GOOD_FOR.total_seconds())
    if request.method == "GET" and response.status_code == HTTPStatus.OK:
        # On a page of the site the page was noted.
        store = Camera.objects.visible_to(user).get(pk=pk).store_id
        audit_views.note(user, audit.CAMERA, pk, store=store, by_address=1)
    return response


def _still_signed_in(request: HttpRequest, pk: int) -> Callable[[], bool]:
    """Whether the session, read anew, is still the user's, and the camera one of theirs."""
    key, kind = request.session.session_key, type(request.session)

    def is_still_so() -> bool:
        again = HttpRequest()
        again.session = kind(key)
        user = get_user(again)
        return isinstance(user, User) and live_streams.may_watch(user, pk)

    return is_still_so


@require_safe
def _video(
    request: HttpRequest, pk: int, user: User, may_go_on: Callable[[], bool], seconds: float
) -> HttpResponseBase:
    if not live_streams.may_watch(user, pk):
        msg = "There is no such camera."
        raise Http404(msg)
    if live_pictures.stamp(pk) is None:
        return no_picture()
    try:
        if request.method == "HEAD":
            live_streams.check_room(user.pk)
            return _headed(HttpResponse())
        place = live_streams.take_place(user.pk)
    except NoRoomError as refusal:
        return _no_room(request, pk, refusal)
    pictures = live_streams.pictures(pk, may_go_on=may_go_on, seconds=seconds)
    return _headed(StreamingHttpResponse(_Film(pictures, place)))


def _no_room(request: HttpRequest, pk: int, refusal: NoRoomError) -> HttpResponse:
    context = {"sentence": str(refusal), "pk": pk}
    response = render(request, "video_classifier/camera/no_room.html", context, status=503)
    response["Retry-After"] = str(live_streams.RETRY_SECONDS)
    return response


def _headed(response: HttpResponseBase) -> HttpResponseBase:
    response["Content-Type"] = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
    response["Cache-Control"] = "private, no-store"
    response["Accept-Ranges"] = "none"
    response["X-Accel-Buffering"] = "no"  # a proxy that collects would show what was
    return response


class _Film:
    """What is sent. The server closes it, whether it has begun or not."""

    def __init__(self, pictures: Iterator[Latest], place: Place) -> None:
        self._pictures = pictures
        self._place = place

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield _FIRST
            for latest in self._pictures:
                yield _part(latest.content)
        finally:
            self.close()

    def close(self) -> None:
        self._place.leave()


def _part(content: bytes) -> bytes:
    """With the next boundary: browsers show a picture when they have seen its end."""
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content + _NEXT
