"""What pages say of how long a clip is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from video_classifier.models import Retention
from video_classifier.services import retention
from video_classifier.states import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Of one clip."""

    until: datetime | None = None
    is_held: bool = False
    makes_room: bool = False  # for newer ones of live cameras
    is_withheld: bool = False  # when would tell the verdict to who isn't to know it yet
    waits: bool = False  # for its first result; `until` holds if there is none

    @property
    def words(self) -> str:
        """Without the moment; it follows, if there is one."""
        if self.is_held:
            return "as long as it is in a case"
        if self.is_withheld:
            return "as people's answers decide"
        if self.waits:
            return "as its first result decides" + ("; without one until" if self.until else "")
        if self.until is not None:
            return "until"
        if self.makes_room:
            return "until somebody deletes it, or newer clips of live cameras need the room"
        return "until somebody deletes it"

    def __str__(self) -> str:
        """All of it, for where there is no room for elements."""
        if self.until is None:
            return f"Kept {self.words}"
        return f"Kept {self.words} {timezone.localtime(self.until):%-d %b %Y, %H:%M %Z}"


def keeping_of(analysis: Any) -> Keeping:
    """Of the clip of one of AnalysisQuerySet.for_listing, marked by services.second_opinions: asks
    the database nothing.
    """
    clip = analysis.clip
    days: Retention | None = getattr(clip.store, "retention", None)
    is_held: bool = analysis.clip_is_held
    if analysis.verdict_is_withheld and not is_held and retention.counts(days):
        return Keeping(is_withheld=True)
    known = {"hints": analysis.clip_hints, "first_result_at": analysis.clip_first_result_at}
    return Keeping(
        until=retention.expires_at(clip, days, is_held=is_held, **known),
        is_held=is_held,
        makes_room=clip.origin != Origin.UPLOAD,
        waits=retention.counts(days) and retention.waits_for_result(**known),
    )
