"""Presenters of what people said of a clip and its events, as the pages of results show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.urls import reverse

from video_classifier.models import Analysis, Event, Review
from video_classifier.services import reviews, second_opinions
from video_classifier.states import Answer, Reason, Verdict
from video_classifier.web.review import CHOICES, HINT, OF_A_CLIP, Choice, label_of
from video_classifier.web.times import from_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An answer in the history; withdrawn ones stay there."""

    review: Review
    user: User
    events: dict[int, int]  # numbers of the events of the result that is shown, by their keys

    @property
    def who(self) -> str:
        return self.review.by.get_username() if self.review.by else "A deleted account"

    @property
    def label(self) -> str:
        return label_of(self.review)

    @property
    def about(self) -> str:
        """What it is about: an event of this result, another stretch, or the clip."""
        review = self.review
        if review.event_id in self.events:
            return f"event {self.events[review.event_id]}"
        if review.start is None or review.end is None:
            return "the clip"
        return from_to(review.start, review.end)

    @property
    def is_withdrawn(self) -> bool:
        return hasattr(self.review, "undone_by")

    @property
    def may_undo(self) -> bool:
        return self.review.by_id == self.user.pk and not self.is_withdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The answers to an event, or to all of a clip, and what can be answered."""

    analysis: Analysis  # with its clip
    event: Event | None
    rows: Sequence[Row]
    numbers: Sequence[int]  # of the result's events
    seen: int
    is_withheld: bool = False  # what others said, from who is asked for a second opinion

    @property
    def choices(self) -> Sequence[Choice]:
        """Where there are events, it is those that are answered, each by itself."""
        return CHOICES if self.event is not None or not self.numbers else ()

    @property
    def question(self) -> str:
        """As the desk puts it."""
        return OF_A_CLIP if self.event is None else HINT

    @property
    def reasons(self) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in Reason.choices]

    @property
    def ends(self) -> Sequence[tuple[str, str]]:
        """Of a stretch: names and labels."""
        return ("start", "From"), ("end", "To")

    @property
    def verdict(self) -> Verdict | None:
        """What the answers come to; None as long as there is none, or none to be shown."""
        found = self.analysis.clip.verdict if self.event is None else self.event.verdict
        return Verdict(found) if found and not self.is_withheld else None

    @property
    def address(self) -> str:
        if self.event is None:
            return reverse("web:answers", args=[self.analysis.pk])
        return reverse("web:event-answers", args=[self.analysis.pk, self.event.number])

    @property
    def home(self) -> str:
        """The page that it stands on."""
        if self.event is None:
            return self.analysis.get_absolute_url()
        return reverse("web:event", args=[self.analysis.pk, self.event.number])


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """That people have watched a clip of which the model said nothing; the latest first."""

    marks: Sequence[Row]  # stretches that somebody marked as missed
    others: Sequence[Row]

    @property
    def latest(self) -> Row | None:
        return next(iter([*self.marks, *self.others]), None)

    @property
    def more(self) -> int:
        """Stretches that were marked beside the latest one."""
        return max(len({row.about for row in self.marks}) - 1, 0)


def watched_of(analysis: Analysis, user: User) -> Watched | None:
    """None: nobody has said anything of the clip. Without rows: nothing that `user` may know."""
    standing = reviews.history(analysis.clip).standing()
    rows = [
        Row(review=each, user=user, events={}) for each in second_opinions.shown(standing, user)
    ]
    if not rows and not standing.exists():
        return None
    marks = [row for row in rows if row.review.answer == Answer.MISSED]
    return Watched(marks=marks, others=[row for row in rows if row not in marks])


def panel_of(analysis: Analysis, event: Event | None, user: User) -> Panel:
    events = dict(analysis.events.values_list("pk", "number"))
    found = second_opinions.shown(reviews.history(analysis.clip), user)
    found = found.exclude(answer=Answer.WITHDRAWN)
    rows = [Row(review=each, user=user, events=events) for each in found]
    if event is not None:
        rows = [row for row in rows if _is_about(row.review, event)]
    withheld = second_opinions.withheld(user, [analysis.clip_id])
    return Panel(
        analysis=analysis,
        event=event,
        rows=rows,
        numbers=sorted(events.values()),
        seen=reviews.newest(event, analysis.clip),
        is_withheld=(event.pk if event else analysis.clip_id) in withheld,
    )


def _is_about(review: Review, event: Event) -> bool:
    """Answers to other results are told by the stretch."""
    if review.event_id == event.pk:
        return True
    if review.start is None or review.end is None or review.analysis_id == event.analysis_id:
        return False
    return review.start < event.end and event.start < review.end
