"""What somebody has before them in the review queue, and the token that an answer comes back with.

The answer goes to what was shown, whatever the queue holds by then. The token is encrypted: of a
blind item it must not say what is known.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User

from video_classifier.models import Clip, Event, Review
from video_classifier.services import reviews, secrets
from video_classifier.services.clips import GONE
from video_classifier.services.errors import Refused

STALE = "This page doesn't know any more what it shows. Load it again; nothing was saved."
_PURPOSE = "review item"  # nothing else that is sealed is taken for one


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An event, or a stretch in which the model said nothing (always blind)."""

    user: int  # whom it is shown to
    clip: Clip
    event: Event | None  # of a blind item it is not to be shown that there is one
    start: float  # seconds of the clip
    end: float
    is_blind: bool = False
    turn: str = ""  # whose answer it waits for; none of a blind one
    seen: int | None = None  # the newest answer when it was drawn; None: that doesn't matter
    place: int | None = None  # the event of the queue where one goes on from here; None: its head
    draw: int = 0  # the how manieth item of the person today it is

    @property
    def token(self) -> str:
        told = {
            "for": _PURPOSE,
            "user": self.user,
            "clip": str(self.clip.pk),
            "event": self.event.pk if self.event else None,
            "start": self.start,
            "end": self.end,
            "is_blind": self.is_blind,
            "turn": self.turn,
            "seen": self.seen,
            "place": self.place,
            "draw": self.draw,
        }
        return secrets.seal(json.dumps(told))


def of_event(event: Event, user: User, *, draw: int = 0) -> Item:
    """As the queue shows it; also for pages that show one event."""
    clip = event.analysis.clip
    return Item(
        user=user.pk,
        clip=clip,
        event=event,
        start=event.start,
        end=event.end,
        turn=event.waits_for,
        seen=reviews.newest(event, clip),
        place=event.pk,
        draw=draw,
    )


def of_review(review: Review, user: User) -> Item:
    """What an answer was about, to be shown again once that is withdrawn; see reviews.last."""
    if review.event is not None and not review.is_blind:
        return of_event(review.event, user)
    return Item(
        user=user.pk,
        clip=review.clip,
        event=review.event,
        start=review.start or 0.0,
        end=review.end or 0.0,
        is_blind=True,
    )


def read(token: str, user: User) -> Item:
    """Raises Refused if it is none of the person's, or what it shows is gone or in the trash."""
    told = _told(token)
    if told.pop("for", None) != _PURPOSE or told.get("user") != user.pk:
        raise Refused(STALE)
    clips = Clip.objects.visible_to(user).kept().select_related("store", "camera")
    clip = clips.filter(pk=told.pop("clip")).first()
    number = told.pop("event")
    events = Event.objects.filter(analysis__clip=clip).select_related("analysis__clip")
    event = events.filter(pk=number).first() if number is not None and clip else None
    if clip is None or (event is None) != (number is None):
        raise Refused(GONE)
    return Item(clip=clip, event=event, **told)


def _told(token: str) -> dict[str, Any]:
    try:
        told = json.loads(secrets.unseal(token))
    except (secrets.LostKeyError, ValueError):
        raise Refused(STALE) from None
    return told if isinstance(told, dict) else {}
