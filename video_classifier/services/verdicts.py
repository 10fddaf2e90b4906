"""What the answers of people come to: the rules alone, for services.reviews to apply."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

from video_classifier.states import Answer, Turn, Verdict

HALF = 0.5  # of the shorter stretch: from this overlap on, two are about the same
MOST_PEOPLE = 3  # who are asked about one event, however much they disagree
_SEEN = {Answer.CONFIRMED: Verdict.CONFIRMED, Answer.MISSED: Verdict.MISSED}
# An event that nobody has answered is graver than a false alarm: its clip isn't settled yet.
_GRAVEST_FIRST = (
    *(Verdict.CONFIRMED, Verdict.DISPUTED, Verdict.MISSED, Verdict.UNSURE),
    *("", Verdict.FALSE_ALARM),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An answer that stands. Of an event it has the event's stretch; of the clip it has none."""

    id: int  # a later answer has a higher one
    by: int | None  # None: the account is deleted
    answer: Answer
    analysis: UUID | None  # the latest when it was given, or the event's
    event: int | None = None
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An event that people may have answered."""

    id: int
    analysis: UUID
    start: float
    end: float


def answers_to(event: Candidate, given: Iterable[Given]) -> dict[int | None, Answer]:
    """Of each person who answered, by their id.

    It is their last to the event itself; else to what overlaps it most in another analysis. Other
    events of the same analysis are other people's, though they may be at the same time.
    """
    found: dict[int | None, tuple[tuple[bool, float, int, int], Answer]] = {}
    for each in _last_ones(given):
        share = _in_common(event, each)
        if share is None:
            continue
        grave = -_GRAVEST_FIRST.index(verdict([each.answer]))
        rank = (each.event == event.id, share, grave, each.id)
        if each.by not in found or rank > found[each.by][0]:
            found[each.by] = rank, each.answer
    return {by: answer for by, (_, answer) in found.items()}


def verdict(answers: Iterable[Answer]) -> Verdict | str:
    """Of one answer a person. “Can't tell” doesn't outvote another; none is an empty string."""
    given = set(answers)
    says_yes, says_no = not given.isdisjoint(_SEEN), Answer.FALSE_ALARM in given
    if says_yes and says_no:
        return Verdict.DISPUTED
    if says_yes:
        return Verdict.CONFIRMED
    if says_no:
        return Verdict.FALSE_ALARM
    return Verdict.UNSURE if Answer.UNSURE in given else ""


def turn(answers: Sequence[Answer]) -> Turn | str:
    """Whose answer a current event waits for; none is an empty string.

    Confirmed needs a second person, and disagreement a third.
    """
    if not answers:
        return Turn.FIRST
    decided = sum(each != Answer.UNSURE for each in answers)
    come_to = verdict(answers)
    alone = come_to == Verdict.CONFIRMED and decided == 1
    tied = come_to == Verdict.DISPUTED and decided < MOST_PEOPLE
    return Turn.SECOND if alone or tied else ""


def of_clip(
    current: Sequence[tuple[Candidate, str]],
    earlier: Sequence[tuple[Candidate, str]],
    given: Sequence[Given],
) -> Verdict | str:
    """The gravest of its current events' verdicts; without any, what people said of the clip.

    What people saw in stretches where the latest result has no event counts, too: another model
    must not make it forgotten. What they marked as missed is a verdict of its own, as no event of
    the model was confirmed by it.
    """
    verdicts = [each for _, each in current] or [verdict(_of_the_whole(given))]
    forgotten = (
        each for event, each in earlier if not any(_same(event, other) for other, _ in current)
    )
    settled = (each for each in forgotten if each in {Verdict.CONFIRMED, Verdict.DISPUTED})
    seen = (_SEEN[each.answer] for each in given if _is_of_a_stretch(each))
    return min(chain(verdicts, settled, seen), key=_GRAVEST_FIRST.index)


def _last_ones(given: Iterable[Given]) -> Iterable[Given]:
    """Of each person the last answer to each event or stretch."""
    last: dict[tuple[object, ...], Given] = {}
    for each in sorted(given, key=lambda each: each.id):
        about = (each.start, each.end) if each.event is None else (each.event,)
        last[each.by, *about] = each
    return last.values()


def _in_common(event: Candidate, given: Given) -> float | None:
    """How much of both stretches overlaps, 0 to 1; None if the answer is about something else."""
    if given.event == event.id:
        return 1.0
    if given.analysis == event.analysis or given.start is None or given.end is None:
        return None
    mine, other = (event.start, event.end), (given.start, given.end)
    if not _overlap(mine, other):
        return None
    common = min(mine[1], other[1]) - max(mine[0], other[0])
    whole = max(mine[1], other[1]) - min(mine[0], other[0])
    return common / whole if whole > 0 else 1.0


def _same(one: Candidate, other: Candidate) -> bool:
    return _overlap((one.start, one.end), (other.start, other.end))


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether at least half of the shorter one is in the other."""
    common = min(one[1], other[1]) - max(one[0], other[0])
    shorter = min(one[1] - one[0], other[1] - other[0])
    return common >= 0 and common >= HALF * shorter


def _of_the_whole(given: Iterable[Given]) -> list[Answer]:
    """The last of each person."""
    whole = (each for each in _last_ones(given) if each.event is None and each.start is None)
    return [each.answer for each in whole]


def _is_of_a_stretch(given: Given) -> bool:
    """And says that there was something, without an event that would say so itself."""
    return given.event is None and given.start is not None and given.answer in _SEEN
