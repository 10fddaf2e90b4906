"""What one person has answered in their shift so far: for themselves, and beside nobody else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from django.contrib.auth.models import User

from video_classifier.models import Review
from video_classifier.states import AT_THE_DESK, Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    confirmed: int
    false_alarms: int
    unsure: int
    seconds: float | None  # the median of what an answer took; None if no browser has measured it

    @property
    def answered(self) -> int:
        return self.confirmed + self.false_alarms + self.unsure


def of(user: User, *, since: datetime) -> Shift | None:
    """By the last answer to each event or stretch, withdrawn ones left out; None without any."""
    own = Review.objects.standing().filter(by=user, at__gte=since, answer__in=AT_THE_DESK)
    rows = own.order_by("pk").values_list("clip", "event", "start", "end", "answer", "seconds")
    last = {tuple(about): (answer, seconds) for *about, answer, seconds in rows}
    if not last:
        return None
    count = Counter(answer for answer, _ in last.values())
    took = [seconds for _, seconds in last.values() if seconds is not None]
    return Shift(
        confirmed=count[Answer.CONFIRMED],
        false_alarms=count[Answer.FALSE_ALARM],
        unsure=count[Answer.UNSURE],
        seconds=median(took) if took else None,
    )
