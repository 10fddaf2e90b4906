"""Hints and precision over days or weeks, laid out for drawings. A table says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from video_classifier.services.periods import Span
from video_classifier.web.dashboard import Row, precision

NAMED = 6  # dates below a drawing, about
_IN_TITLES = {"Hints", "Confirmed", "False alarms", "Unclear", "No answer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of a bar. Places are shares of the drawing, 0 to 1, from above."""

    kind: str
    top: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A day or a week in both drawings."""

    row: Row
    place: int
    count: int
    most: int  # hints that the drawing has room for

    @property
    def left(self) -> float:
        return (self.place + 0.15) / self.count

    @property
    def width(self) -> float:
        return 0.7 / self.count

    @property
    def middle(self) -> float:
        return (self.place + 0.5) / self.count

    @property
    def is_named(self) -> bool:
        """Whether its date stands below the drawings."""
        return (self.count - 1 - self.place) % max(1, -(-self.count // NAMED)) == 0

    @property
    def parts(self) -> list[Part]:
        """Confirmed ones at the bottom."""
        figures, bottom, found = self.row.figures, 1.0, []
        for kind, hints in (
            ("confirmed", figures.confirmed),
            ("false-alarm", figures.false_alarms),
            ("unclear", figures.unsure + figures.disputed),
            ("open", figures.unanswered),
        ):
            height = hints / self.most
            bottom -= height
            if hints:
                found.append(Part(kind=kind, top=max(bottom, 0.0), height=height))
        return found

    @property
    def hints_title(self) -> str:
        if self.row.figures.is_empty:
            return f"{self.row.name}: no clips"
        shown = [(label, text) for label, text in self.row.cells if label in _IN_TITLES]
        words = ", ".join(f"{label.lower()} {text}" for label, text in shown)
        return f"{self.row.name}: {words}"

    @property
    def precision(self) -> tuple[float, float, float] | None:
        """Its value, and the upper and the lower end of its interval, from above."""
        share = self.row.figures.precision
        return (1 - share.value, 1 - share.high, 1 - share.low) if share else None

    @property
    def precision_title(self) -> str:
        return f"{self.row.name}: {precision(self.row.figures)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Of hints and of precision, over the same days or weeks."""

    columns: Sequence[Column]
    most: int
    unit: str  # "day" or "week"

    @property
    def has_hints(self) -> bool:
        return any(each.row.figures.hints for each in self.columns)

    @property
    def has_precision(self) -> bool:
        return any(each.precision for each in self.columns)

    @property
    def half(self) -> str:
        return f"{self.most / 2:g}"

    @property
    def hints_summary(self) -> str:
        hints = [each.row.figures.hints for each in self.columns]
        return f"{sum(hints):,} hints in {len(hints)} {self.unit}s, at most {max(hints):,} in one."

    @property
    def precision_summary(self) -> str:
        known = [each.row.figures.precision for each in self.columns]
        values = [share.value for share in known if share]
        lowest, highest = min(values), max(values)
        return (
            f"Precision is known of {len(values)} of {len(known)} {self.unit}s: {100 * lowest:.0f} "
            f"to {100 * highest:.0f} %."
        )


def room_for(hints: int) -> int:
    """2, 4 or 10 times a power of ten: half of it is written beside the drawing."""
    power = 1
    while True:
        for first in (2, 4, 10):
            if hints <= first * power:
                return first * power
        power *= 10


def drawing(rows: Sequence[Row], span: Span) -> Drawing:
    most = room_for(max((row.figures.hints for row in rows), default=0))
    columns = [
        Column(row=row, place=place, count=len(rows), most=most) for place, row in enumerate(rows)
    ]
    return Drawing(columns=columns, most=most, unit="week" if span.is_of_weeks else "day")
