"""How a page shows a clip: its file, a copy of it, or copies of its segments, one after another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, isfinite

from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import cached_property

from video_classifier.models import Clip, SegmentCopy
from video_classifier.services import segment_copies
from video_classifier.services.segment_copies import Hindrance
from video_classifier.states import Playback, Status
from video_classifier.web.times import from_to, in_words

AT = "at"  # in an address: the second of the clip that somebody looks at
ROUND = 5  # seconds: no more is known of how long something takes

FULL = (
    "The server's disk is full, so {stretch} can't be prepared for playing yet. Tell your "
    "administrator."
)
GIVEN_UP = "{stretch} can't be played here. {reason}"
MADE = "{stretch} is being prepared for playing"
BEHIND = "{stretch} is prepared for playing once no analysis waits"
TIME = "; that takes about {time}"
BY_ITSELF = ". It starts here by itself."


@dataclass(frozen=True, kw_only=True)  # not slotted: what is worked out once is kept beside
class Player:
    """A clip, and which seconds of it are shown."""

    clip: Clip
    start: float = 0.0
    end: float | None = None
    copies: Sequence[SegmentCopy] = ()  # all, where the clip has one a segment

    @property
    def is_awaited(self) -> bool:
        """Whether a copy that browsers play is still to be made."""
        return self.clip.playback == Playback.WANTED

    @property
    def is_in_segments(self) -> bool:
        return self.clip.playback == Playback.SEGMENTS and bool(self.copies)

    @property
    def plays(self) -> bool:
        """Whether there is a copy, or one is still to be made, where the file doesn't play."""
        if self.clip.playback == Playback.SEGMENTS:
            return bool(self.copies)
        return self.clip.playback != Playback.NONE

    @property
    def problem(self) -> str:
        """What a browser says that does not play it."""
        kind = f"{self.clip.container.upper()}, {self.clip.codec}"
        return f"This clip ({kind}) can\N{RIGHT SINGLE QUOTATION MARK}t be played here."

    @property
    def fragment(self) -> str:
        """Has a player begin and end with an event, without scripts too; "" if all is shown."""
        return "" if self.end is None else f"#t={self.start:.3f},{self.end:.3f}"

    @property
    def moments(self) -> str:
        """The address of a moment, but for its seconds; "" if none can be shown.

        It asks nothing of the copies of segments: the address leads to the one with the moment.
        """
        if self.clip.playback == Playback.NONE:
            return ""
        file = reverse("web:clip-file", args=[self.clip.pk])
        return f"{file}?at=" if self.clip.playback == Playback.SEGMENTS else f"{file}#t="

    # Of copies of segments, of which there is at least one (`is_in_segments`)

    @cached_property
    def here(self) -> SegmentCopy:
        """The copy that is shown first."""
        return segment_copies.at(self.copies, self.start)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is still to be made."""
        return all(each.is_finished for each in self.copies)

    @property
    def has_all(self) -> bool:
        return all(map(_is_made, self.copies))

    @property
    def spans(self) -> str:
        """Start and end of each copy, and whether it is there, as JSON."""
        return json.dumps([[each.start, each.end, _is_made(each)] for each in self.copies])

    @property
    def length(self) -> float:
        return self.copies[-1].end

    @property
    def is_ready(self) -> bool:
        return _is_made(self.here)

    @property
    def has_failed(self) -> bool:
        return self.here.status == Status.FAILED

    @property
    def is_there(self) -> bool:
        """Whether all copies of the seconds that are shown are there."""
        return all(_is_made(each) for each in self._shown)

    @property
    def is_coming(self) -> bool:
        """Whether one of them is still to be made."""
        return not all(each.is_finished for each in self._shown)

    @property
    def next_missing(self) -> Player:
        """The same from the first of them on that isn't there."""
        missing = next((each for each in self._shown if not _is_made(each)), self.here)
        return replace(self, start=max(self.start, missing.start))

    @property
    def _shown(self) -> list[SegmentCopy]:
        end = self.length if self.end is None else self.end
        found = [each for each in self.copies if each.start < end and self.start < each.end]
        return found or [self.here]

    @cached_property
    def wait(self) -> str:
        """Why the copy isn't there, and for how long; "" if it is."""
        if self.is_ready:
            return ""
        if self.has_failed or self._hindrance is Hindrance.FULL:
            return self.news
        return f"{self.news.removesuffix('.')}{self._time}{BY_ITSELF}"

    @cached_property
    def news(self) -> str:
        """For assistive technology: what of that doesn't change every few seconds."""
        stretch = from_to(self.here.start, self.here.end)
        if self.is_ready:
            return ""
        if self.has_failed:
            return GIVEN_UP.format(stretch=stretch, reason=self.here.error)
        if self._hindrance is Hindrance.FULL:
            return FULL.format(stretch=stretch)
        sentence = BEHIND if self._hindrance is Hindrance.ANALYSES else MADE
        return f"{sentence.format(stretch=stretch)}."

    @cached_property
    def _hindrance(self) -> Hindrance | None:
        return segment_copies.hindrance(self.here)

    @property
    def _time(self) -> str:
        seconds = segment_copies.seconds_left(self.copies, self.here)
        if seconds is None:
            return ""
        return TIME.format(time=in_words(max(ROUND * ceil(seconds / ROUND), ROUND)))

    @property
    def links(self) -> list[tuple[str, str]]:
        """Words and address of each copy that is there and shown; for pages without scripts."""
        made = filter(_is_made, self._shown)
        return [(from_to(each.start, each.end), self._address(each)) for each in made]

    @property
    def address(self) -> str:
        """Of the first copy, without scripts."""
        return self._address(self.here)

    def _address(self, copy: SegmentCopy) -> str:
        """With the seconds of an event that are in it."""
        address = reverse("web:segment-copy", args=[self.clip.pk, copy.number])
        if self.end is None:
            return address
        first, last = max(self.start, copy.start), min(self.end, copy.end)
        return f"{address}#t={first - copy.start:.3f},{last - copy.start:.3f}"


def _is_made(copy: SegmentCopy) -> bool:
    return copy.status == Status.DONE


def second_asked(params: QueryDict, name: str = AT) -> float:
    """0 for what is none."""
    try:
        second = float(params.get(name, "0"))
    except ValueError:
        return 0.0
    return max(second, 0.0) if isfinite(second) else 0.0


def player_of(clip: Clip, *, start: float = 0.0, end: float | None = None) -> Player:
    """What shows the clip from `start` on: where it has to be made for that, it is made first.

    Asks the database once, and only of copies of segments.
    """
    copies = segment_copies.of(clip) if clip.playback == Playback.SEGMENTS else []
    if copies:
        segment_copies.look(copies, start)
    return Player(clip=clip, start=start, end=end, copies=copies)
