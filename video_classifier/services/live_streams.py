"""Who watches a camera live, and for how long: a few at once, and no longer than they may."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.contrib.auth.models import User
from django.core import signing
from django.db import DatabaseError

from video_classifier.models import Camera
from video_classifier.services import database, live_pictures
from video_classifier.services.errors import Refused
from video_classifier.services.live_pictures import Latest

logger = logging.getLogger(__name__)

MOST = 8  # streams at once
MOST_OF_ONE_USER = 2
RETRY_SECONDS = 10
LONGEST = 60 * 60.0  # seconds
CHECK_EVERY = 10.0  # seconds, whether somebody may still watch
REPEAT_EVERY = 2.0  # seconds: who has gone is noticed when something is sent
POLL_EVERY = 0.05  # seconds: half of what there may be from picture to picture
GOOD_FOR = timedelta(minutes=5)  # a signed address, and what is watched by it

FULL = (
    f"{MOST} people watch live already, which is as many as the server takes. The still is "
    "renewed meanwhile."
)
ENOUGH = (
    f"You watch {MOST_OF_ONE_USER} cameras live already, which is as many as one user may. Close "
    "one of them. The still is renewed meanwhile."
)
EXPIRED = (
    f"This address was good for {GOOD_FOR.seconds // 60} minutes. Sign in to watch the camera, or "
    "ask for another one."
)
NOT_YOURS = "The camera is in no store of yours."

_signer = signing.TimestampSigner(salt="live video")
_lock = threading.Lock()
_taken: set[Place] = set()


class NoRoomError(Refused):
    """There are as many streams as there may be; a little later there may be room."""


class Place:
    """One of the streams that there may be, until it is left."""

    def __init__(self, user: int) -> None:
        self.user = user

    def leave(self) -> None:
        """May be called more than once."""
        with _lock:
            _taken.discard(self)


def take_place(user: int) -> Place:
    """Raises NoRoomError."""
    place = Place(user)
    with _lock:
        _check_room(user)
        _taken.add(place)
    return place


def check_room(user: int) -> None:
    """Raises NoRoomError where `take_place` would."""
    with _lock:
        _check_room(user)


def _check_room(user: int) -> None:
    if sum(place.user == user for place in _taken) >= MOST_OF_ONE_USER:
        raise NoRoomError(ENOUGH)
    if len(_taken) >= MOST:
        raise NoRoomError(FULL)


def token(camera: Camera, user: User) -> str:
    """Lets its holder watch that camera as `user` for a few minutes. Raises Refused."""
    if not may_watch(user, camera.pk):
        raise Refused(NOT_YOURS)
    return _signer.sign_object([camera.pk, user.pk])


def holder(signed: str, camera: int) -> User:
    """The user as whom the holder of a token may watch that camera. Raises Refused."""
    try:
        of, user_pk = _signer.unsign_object(signed, max_age=GOOD_FOR)
    except (signing.BadSignature, ValueError) as error:
        raise Refused(EXPIRED) from error
    user = User.objects.filter(pk=user_pk, is_active=True).first()
    if of != camera or user is None:
        raise Refused(EXPIRED)
    return user


def may_watch(user: User, camera: int) -> bool:
    return (
        user.is_active
        and Camera.objects.visible_to(user).filter(pk=camera, feed__isnull=False).exists()
    )


def pictures(
    camera: int, *, may_go_on: Callable[[], bool], seconds: float = LONGEST
) -> Iterator[Latest]:
    """Each new picture, and the last one again where there is no new one for a while.

    Ends after so many seconds, or when somebody may not go on or there are no more pictures. It
    holds no connection to the database meanwhile: streams are long, and connections few.
    """
    until = time.monotonic() + seconds
    checked = time.monotonic()
    sent, last = float("-inf"), None
    database.release()
    while (now := time.monotonic()) < until:
        if now - checked >= CHECK_EVERY:
            checked = now
            if not _goes_on(camera, may_go_on):
                return
        live_pictures.look(camera)
        is_new = live_pictures.stamp(camera) != last
        if (is_new or now - sent >= REPEAT_EVERY) and (found := live_pictures.latest(camera)):
            yield found
            sent, last = time.monotonic(), found.stamp
        time.sleep(POLL_EVERY)


def _goes_on(camera: int, may_go_on: Callable[[], bool]) -> bool:
    try:
        return live_pictures.stamp(camera) is not None and may_go_on()
    except DatabaseError:  # who may watch can't be told
        logger.warning("a live stream of camera %d ends", camera, exc_info=True)
        return False
    finally:
        database.release()
