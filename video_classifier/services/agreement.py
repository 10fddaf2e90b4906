"""How far people agree, and what the model misses, by their answers: each with an interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.db.models import Count, Exists, OuterRef, Q

from video_classifier.models import Review
from video_classifier.querysets import ReviewQuerySet
from video_classifier.services.figures import Proportion, proportion
from video_classifier.states import Answer

Pair = tuple[str, str]  # the first person's answer, and another's


@dataclass(frozen=True, slots=True, kw_only=True)
class Kappa:
    """Cohen's kappa (1960): 1 is perfect agreement, 0 no more than chance would give.

    The interval is Wilson's of the observed agreement, at the agreement by chance that was found.
    It stays honest with few pairs, where the usual standard error becomes zero.
    """

    value: float
    low: float
    high: float
    pairs: int
    agreed: int


def kappa(pairs: Sequence[Pair]) -> Kappa | None:
    """None without pairs, and where all say the same: then chance alone would agree, too."""
    agreed = proportion(sum(one == other for one, other in pairs), len(pairs))
    if agreed is None:
        return None
    firsts, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    by_chance = sum(firsts[answer] * others[answer] for answer in firsts) / len(pairs) ** 2
    if by_chance >= 1:
        return None

    def beyond_chance(observed: float) -> float:
        return (observed - by_chance) / (1 - by_chance)

    return Kappa(
        value=beyond_chance(agreed.value),
        low=max(beyond_chance(agreed.low), -1.0),
        high=beyond_chance(agreed.high),
        pairs=len(pairs),
        agreed=agreed.count,
    )


def pairs(reviews: ReviewQuerySet) -> list[Pair]:
    """Of each event that two people or more answered: the first one's answer, with each other's.

    Of each person the first answer counts, as later ones may have been talked over. `reviews` are
    those to be counted, as of a store or a month; withdrawn ones never are.
    """
    answered = reviews.standing().filter(event__isnull=False, by__isnull=False)
    others = Review.objects.standing().filter(event=OuterRef("event"), by__isnull=False)
    shared = answered.filter(Exists(others.exclude(by=OuterRef("by"))))
    rows = shared.order_by("event", "pk").values_list("event", "by", "answer")
    found: list[Pair] = []
    for _, group in groupby(rows.iterator(), key=lambda row: row[0]):
        found += _pairs_of_one(group)
    return found


def misses(reviews: ReviewQuerySet) -> Proportion | None:
    """In how many ordinary stretches, looked at blind, somebody confirmed what the model missed.

    Those that nobody can tell are left out. Of each person the last answer to a stretch counts.
    """
    same = {name: OuterRef(name) for name in ("by", "clip", "start", "end")}
    later = Review.objects.standing().filter(event=None, pk__gt=OuterRef("pk"), **same)
    looked_at = reviews.standing().filter(~Exists(later), is_blind=True, event=None)
    confirmed = Q(answer__in=(Answer.CONFIRMED, Answer.MISSED))
    decided = looked_at.filter(confirmed | Q(answer=Answer.FALSE_ALARM))
    found = decided.aggregate(misses=Count("pk", filter=confirmed), looks=Count("pk"))
    return proportion(found["misses"], found["looks"])


def _pairs_of_one(rows: Iterable[tuple[int, int, str]]) -> list[Pair]:
    answers: dict[int, str] = {}
    for _, by, answer in rows:
        answers.setdefault(by, answer)
    first, *others = answers.values()
    return [(first, other) for other in others]
