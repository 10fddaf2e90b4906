"""What was uploaded in one go: which analyses these are, and what became of them, in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from video_classifier.models import Analysis
from video_classifier.states import Prediction, Status

MOST = 100  # of a batch that are shown
BREAK = timedelta(minutes=10)  # without an upload: what was before is another batch

# What js/batch.js counts, by the rows' marks.
SENDING, RUNNING, DONE, HINT = "sending", "running", "done", "hint"
UNCERTAIN, FAILED, CANCELLED, REFUSED = "uncertain", "failed", "cancelled", "refused"

_OUTCOMES: dict[str, str] = {
    Status.DONE: DONE,
    Status.FAILED: FAILED,
    Status.CANCELLED: CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A part of the line."""

    slug: str
    words: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """How many came to what."""

    outcomes: Counter[str]

    @property
    def counts(self) -> list[Count]:
        found = self.outcomes
        return [
            Count(slug="sent", words="sent", number=found.total()),
            Count(slug="done", words="done", number=found[DONE] + found[HINT] + found[UNCERTAIN]),
            Count(slug=HINT, words="possible shoplifting", number=found[HINT]),
            Count(slug=UNCERTAIN, words="uncertain", number=found[UNCERTAIN]),
            Count(slug=FAILED, words="failed", number=found[FAILED]),
            Count(slug=REFUSED, words="not taken", number=0),
            Count(slug=SENDING, words="still to be sent", number=0),
        ]

    @property
    def has_failed(self) -> bool:
        return self.outcomes[FAILED] > 0


def outcome(analysis: Analysis) -> str:
    if analysis.prediction == Prediction.HINT:
        return HINT
    if analysis.prediction == Prediction.UNCERTAIN:
        return UNCERTAIN
    return _OUTCOMES.get(analysis.status, RUNNING)


def last_batch(newest_first: Iterable[Analysis]) -> list[Analysis]:
    """Up to the first break, the newest of each clip."""
    found: dict[object, Analysis] = {}
    later = None
    for each in newest_first:
        if later is not None and later.queued_at - each.queued_at > BREAK:
            break
        found.setdefault(each.clip_id, each)
        later = each
    return list(found.values())


def batch_of(analyses: Iterable[Analysis]) -> Batch:
    return Batch(outcomes=Counter(outcome(each) for each in analyses))


def hints_first(analyses: Iterable[Analysis]) -> list[Analysis]:
    """Else in the order in which they come."""
    return sorted(analyses, key=lambda each: outcome(each) != HINT)
