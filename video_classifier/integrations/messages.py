"""What is sent, and what may go wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

TIME_OUT = 10.0  # seconds for an attempt, from the first lookup to the answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An alert or a digest in words, and as what a program reads."""

    id: str  # the delivery's: the same at each attempt, so that receivers can tell repeats
    kind: str  # of states.AlertKind, or "digest"
    subject: str  # one line
    text: str
    link: str  # to a page that asks for a sign-in; "" if the site's address isn't known
    snapshot: bytes | None  # a JPEG
    snapshot_url: str  # a signed address of it that expires; "" without one
    at: datetime  # aware: when it happened
    data: Mapping[str, object]  # ready for JSON


class NotSentError(Exception):
    """It did not arrive; the sentence says why, and nothing of what a server answered."""

    def __init__(self, sentence: str, *, is_final: bool = False) -> None:
        """`is_final`: another attempt can't help."""
        super().__init__(sentence)
        self.is_final = is_final


class PerhapsSentError(NotSentError):
    """Time ran out after it was on its way: nobody knows whether it arrived."""


class WrongTargetError(ValueError):
    """What somebody typed leads nowhere; the sentence says why, and has nothing of it in it."""
