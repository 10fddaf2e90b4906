"""Turns stored tracks into what the result page draws and lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from video_classifier.ml.clip import Box
from video_classifier.models import Analysis, Person
from video_classifier.states import Verdict

ROOM_ABOVE = 0.13  # of the picture's height; as in js/boxes.js


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A person as the page shows them."""

    person: Person
    decides: bool  # the score of the clip is theirs
    verdict: Verdict  # that this person's score alone would give

    @property
    def since(self) -> float:
        return float(self.person.times[0])

    @property
    def until(self) -> float:
        return float(self.person.times[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A person's box in one picture; lengths are shares of the picture's."""

    number: int
    decides: bool
    left: float
    top: float
    width: float
    height: float

    @property
    def room_above(self) -> bool:
        """Whether the number can stand on the box, where it hides nobody."""
        return self.top > ROOM_ABOVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A picture of the film, and who is in it."""

    time: float
    boxes: tuple[Drawn, ...]


def shown(analysis: Analysis, persons: Iterable[Person]) -> list[Shown]:
    """The highest score first, so that who decided leads."""
    threshold = analysis.threshold or 0.0
    return [
        Shown(
            person=person,
            decides=person.number == analysis.decided_by,
            verdict=Verdict.SHOPLIFTER if person.score >= threshold else Verdict.NON_SHOPLIFTER,
        )
        for person in sorted(persons, key=lambda person: -person.score)
    ]


def film(analysis: Analysis, persons: Sequence[Shown]) -> list[Frame]:
    """The frames that were looked at; the box of who decided lies on top of the others."""
    tracks = [(each, each.person.track) for each in reversed(persons)]
    return [
        Frame(
            time=time,
            boxes=tuple(
                _drawn(each, box) for each, track in tracks if (box := track.at(time)) is not None
            ),
        )
        for time in analysis.frame_times
    ]


def _drawn(shown: Shown, box: Box) -> Drawn:
    return Drawn(
        number=shown.person.number,
        decides=shown.decides,
        left=box.left,
        top=box.top,
        width=box.right - box.left,
        height=box.bottom - box.top,
    )
