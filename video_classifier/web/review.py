"""Presenters of the review queue: what is asked, which seconds are shown, what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.utils.timesince import timesince

from video_classifier.models import Preferences, Review
from video_classifier.querysets import Visitor
from video_classifier.services.review_items import Item
from video_classifier.services.review_queue import MOST_COUNTED, Coming
from video_classifier.services.shifts import Shift
from video_classifier.states import Answer, Reason, Turn
from video_classifier.web.events import around
from video_classifier.web.overlays import Shown
from video_classifier.web.players import Player, player_of
from video_classifier.web.results import ScoreReading, reading
from video_classifier.web.times import ClockTime, clock_time, in_words

AT, AFTER, BEFORE = "at", "after", "before"  # in an address, with the token of an item
EVENT = "event"  # in an address, with the number of one that waits
BEFORE_PEAK = 2.0  # seconds: so long before it playing starts
AFTER_PEAK = 1.0  # seconds that are shown of it at least
MINUTE = timedelta(minutes=1)

HINT = "Is this shoplifting, as far as the pictures show?"
OF_A_CLIP = "Is there shoplifting in this clip, as far as the pictures show?"
BLIND = "Does anything here look like shoplifting?"
BLIND_NOTE = (
    "A look without a hint: some footage is shown without score, box and result, so that the model "
    "and the answers can be measured."
)
UNCERTAIN_NOTE = "It is uncertain: the score is between both thresholds of its camera."
SECOND_NOTE = (
    "Somebody has answered this one already. Yours is the second answer; theirs isn't shown."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An answer that can be given, with its key."""

    answer: Answer
    label: str
    key: str
    icon: str


CHOICES = (
    Choice(answer=Answer.CONFIRMED, label="Confirmed", key="1", icon="check-lg"),
    Choice(answer=Answer.FALSE_ALARM, label="False alarm", key="2", icon="x-lg"),
    Choice(
        answer=Answer.UNSURE,
        label="Can\N{RIGHT SINGLE QUOTATION MARK}t tell",
        key="3",
        icon="question-lg",
    ),
)
OF_A_BLIND_LOOK = (
    replace(CHOICES[0], label="Yes, possibly"),
    replace(CHOICES[1], label="Nothing of the kind"),
    CHOICES[2],
)
REASONS = tuple((str(key), reason) for key, reason in enumerate(Reason, 4))


@dataclass(frozen=True, kw_only=True)  # not slotted: what is worked out once is kept beside
class Card:
    """An item of the queue as it is laid before somebody."""

    item: Item
    player: Player
    query: str = ""  # the filters, as a part of an address
    left: str = ""

    @property
    def question(self) -> str:
        return BLIND if self.item.is_blind else HINT

    @property
    def note(self) -> str:
        if self.item.is_blind:
            return BLIND_NOTE
        if self.item.event is not None and not self.item.event.is_hint:
            return UNCERTAIN_NOTE
        return SECOND_NOTE if self.item.turn == Turn.SECOND else ""

    @property
    def choices(self) -> Sequence[Choice]:
        return OF_A_BLIND_LOOK if self.item.is_blind else CHOICES

    # What is known of it

    @property
    def shows_event(self) -> bool:
        return self.item.event is not None and not self.item.is_blind

    @property
    def place(self) -> str:
        """Its camera; without one the clip's name, which of a blind look might tell too much."""
        clip = self.item.clip
        if clip.camera is not None:
            return clip.camera.name
        return str(clip.store) if self.item.is_blind else clip.name

    @property
    def at(self) -> ClockTime | None:
        return clock_time(self.item.clip, self.item.start)

    @property
    def length(self) -> str:
        return in_words(max(self.item.end - self.item.start, 1.0))

    @property
    def reading(self) -> ScoreReading | None:
        if self.item.event is None or self.item.is_blind:
            return None
        analysis = self.item.event.analysis
        return reading(self.item.event.score, analysis.threshold, analysis.low)

    @property
    def home(self) -> str:
        """The event's own page, with what comes before and after; "" where that tells too much."""
        event = self.item.event
        if event is None or self.item.is_blind:
            return ""
        return reverse("web:event", args=[event.analysis_id, event.number])

    # Where to go from here

    @property
    def action(self) -> str:
        return address(self.query)

    @property
    def here(self) -> str:
        return address(self.query, at=self.item.token)

    @property
    def ahead(self) -> str:
        return address(self.query, after=self.item.token)

    @property
    def back(self) -> str:
        return address(self.query, before=self.item.token)

    # What is played: seconds of the clip. Copies of segments play one after another.

    @property
    def source(self) -> str:
        """Of the file, with its second from which it plays; "" while there is none."""
        player = self._first
        if not player.plays or player.is_awaited or (player.is_in_segments and not player.is_ready):
            return ""
        name, *rest = (
            ("segment-copy", player.here.number) if player.is_in_segments else ("clip-file",)
        )
        address = reverse(f"web:{name}", args=[self.item.clip.pk, *rest])
        before = player.here.start if player.is_in_segments else 0.0
        return f"{address}#t={max(self.plays_from - before, 0.0):.3f}"

    @property
    def wait(self) -> str:
        """Why nothing plays yet; "" if it does, or never will."""
        if not self.player.plays or self.source:
            return ""
        if self.player.is_in_segments:
            return self._first.wait
        return (
            "A copy of this clip that browsers can play is being made. It appears here by itself."
        )

    @property
    def plays_from(self) -> float:
        return self._in_clip(first_second(self.item))

    @property
    def loops_from(self) -> float:
        return self._in_clip(min(first_second(self.item), self.item.start))

    @property
    def loops_until(self) -> float:
        return self._in_clip(last_second(self.item))

    @property
    def tracks(self) -> list[Shown]:
        """For the boxes over the player."""
        event = self.item.event
        if event is None or self.item.is_blind or event.track is None or not event.track.times:
            return []
        return [around(event)]

    @property
    def segment(self) -> int:
        """The number of the copy that is played first."""
        return self._first.here.number

    @cached_property
    def _first(self) -> Player:
        return replace(self.player, start=self.plays_from)

    def _in_clip(self, second: float) -> float:
        """An event may last longer than what is left of the clip."""
        length = self.player.length if self.player.is_in_segments else self.item.clip.duration
        return min(second, length)


def first_second(item: Item) -> float:
    """Of a blind look its own, which must not tell where an event may be."""
    if item.event is None or item.is_blind:
        return item.start
    return max(item.event.peak - BEFORE_PEAK, 0.0)


def last_second(item: Item) -> float:
    if item.event is None or item.is_blind:
        return item.end
    return max(item.end, item.event.peak + AFTER_PEAK)


def waiting_address(query: str) -> str:
    """Of the list of all that waits, with the filters of the desk."""
    path = reverse("web:waiting")
    return f"{path}?{query}" if query else path


def address(query: str, **token: str) -> str:
    chosen = "&".join(filter(None, (query, urlencode(token))))
    path = reverse("web:review")
    return f"{path}?{chosen}" if chosen else path


def _of(review: Review, name: str, query: str) -> str:
    path = reverse(f"web:{name}", args=[review.pk])
    return f"{path}?{query}" if query else path


def card_of(item: Item, *, query: str = "", left: str = "") -> Card:
    """Where it has to be made for that, what is played is made first."""
    player = player_of(item.clip, start=min(first_second(item), item.start), end=last_second(item))
    return Card(item=item, player=player, query=query, left=left)


def are_the_same(one: Item, other: Item) -> bool:
    """Whether two items ask for the same."""
    return (one.event and one.event.pk, one.clip.pk, one.start) == (
        other.event and other.event.pk,
        other.clip.pk,
        other.start,
    )


def left_in_words(number: int) -> str:
    return f"{number:,} left or more" if number >= MOST_COUNTED else f"{number} left"


ANSWERED = "All hints are answered, as far as they wait for you."
ELSEWHERE = (
    "All that matches these filters is answered, or somebody else\N{RIGHT SINGLE QUOTATION MARK}s "
    "turn."
)
BY_THEMSELVES = "New hints appear here by themselves."


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """An empty queue: what is still to come, and what the person has done so far."""

    coming: Coming
    shift: Shift | None
    query: str = ""
    is_narrowed: bool = False
    may_upload: bool = False

    @property
    def title(self) -> str:
        if self.coming:
            return "Nothing to review yet"
        return "Nothing left here" if self.is_narrowed else "Nothing left to review"

    @property
    def text(self) -> str:
        """Of the desk, which asks by itself whether something waits."""
        return f"{self.known} {BY_THEMSELVES}"

    @property
    def known(self) -> str:
        done = ELSEWHERE if self.is_narrowed else ANSWERED
        return " ".join(self._coming) or done

    @property
    def _coming(self) -> list[str]:
        found = self.coming
        kinds = (
            (found.running, "{} being analyzed."),
            (found.queued, "{} waiting to be analyzed."),
            (found.paused, "{} paused: resume the analysis on the page of its result."),
        )
        return [text.format(_clips(count)) for count, text in kinds if count]

    @property
    def here(self) -> str:
        return address(self.query)

    @property
    def took(self) -> str:
        """The median; "" if nobody knows."""
        if self.shift is None or self.shift.seconds is None:
            return ""
        return in_words(max(self.shift.seconds, 1.0))

    @property
    def answers(self) -> Sequence[tuple[str, int]]:
        """How often which was given."""
        if self.shift is None:
            return ()
        kinds = (self.shift.confirmed, self.shift.false_alarms, self.shift.unsure)
        return [(each.label, count) for each, count in zip(CHOICES, kinds, strict=True) if count]


def _clips(count: int) -> str:
    return "1 clip is" if count == 1 else f"{count:,} clips are"


def has_keys(user: Visitor) -> bool:
    """Whether single keys work for them; as shipped they do."""
    chosen = Preferences.objects.filter(user=user.pk).values_list("has_keys", flat=True).first()
    return True if chosen is None else chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer that was just saved, or the last one of before the page was loaded."""

    review: Review
    token: str
    query: str
    left: str = ""
    now: datetime | None = None  # as of which the earlier one is told

    @property
    def ago(self) -> str:
        """Of an earlier one; "" of one that was just saved."""
        return ago(self.review.at, self.now) if self.now else ""

    @property
    def label(self) -> str:
        return label_of(self.review)

    @property
    def reasons(self) -> Sequence[tuple[str, Reason]]:
        """To choose from, by a key each, if it still has none."""
        review = self.review
        if review.answer != Answer.FALSE_ALARM or review.reason or review.is_blind or self.now:
            return ()
        return REASONS

    @property
    def sentence(self) -> str:
        return f"Saved: {self.label}. {self.left}."

    @property
    def explain(self) -> str:
        return _of(self.review, "review-reason", self.query)

    @property
    def undo(self) -> str:
        return _of(self.review, "undo-review", self.query)

    @property
    def back(self) -> str:
        """Where the item is shown again."""
        return address(self.query, at=self.token)


def label_of(review: Review) -> str:
    """ "False alarm, put back"."""
    choices = OF_A_BLIND_LOOK if review.is_blind else CHOICES
    label = next((each.label for each in choices if each.answer == review.answer), "")
    label = label or review.get_answer_display()
    return f"{label}, {review.get_reason_display().lower()}" if review.reason else label


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What somebody else answered while one was looking."""

    review: Review
    now: datetime
    sent: QueryDict
    query: str

    @property
    def kept(self) -> Sequence[tuple[str, str]]:
        """What is sent again with it."""
        names = ("token", "answer", "note", "seconds")
        return [(name, self.sent.get(name, "")) for name in names]

    @property
    def action(self) -> str:
        return address(self.query)

    @property
    def onward(self) -> str:
        return address(self.query, after=self.sent.get("token", ""))

    @property
    def sentence(self) -> str:
        who = self.review.by.get_username() if self.review.by else "Somebody"
        when = ago(self.review.at, self.now)
        return f"{who} answered “{label_of(self.review)}” {when}. Save yours, too?"


def ago(at: datetime, now: datetime) -> str:
    if now - at < MINUTE:
        return "just now"
    return f"{timesince(at, now, depth=1)} ago"
