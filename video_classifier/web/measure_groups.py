"""What the page of a camera's measure says of groups: by clothes, size, light and time of day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from video_classifier.models import Camera
from video_classifier.services import group_figures
from video_classifier.services.group_figures import FEW_CANDIDATES, FEW_DAYS, Group, GroupFigures
from video_classifier.services.weights import Weights

NOT_MEASURED = (
    "Age, sex, build and skin are not measured, as nobody is identified and no face is looked at: "
    "this says nothing of whether they are treated alike. Brightness is as the camera records it, "
    "and of somebody who sits or is cut off it may be that of what is around them."
)
FEW = (
    f"A group with fewer than {FEW_CANDIDATES} candidates, or of fewer than {FEW_DAYS} days, says "
    "nothing yet: it is marked “too few”."
)
CHANCE = (
    "Groups may differ by what people do there and then, and with so many of them one may stand "
    "out by chance: look at its events before you conclude anything."
)
TITLES = {
    "clothing": ("Brightness of clothes", ("darkest", "darker", "brighter", "brightest")),
    "height": ("Size in the picture", ("smallest", "smaller", "larger", "largest")),
    "light": ("Light of the picture", ("darkest", "darker", "brighter", "brightest")),
    "hour": ("Time of day", ()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    name: str
    group: Group

    @property
    def is_few(self) -> bool:
        hints = self.group.hints
        return hints.of < FEW_CANDIDATES or hints.people < FEW_DAYS

    @property
    def candidates(self) -> str:
        hints = self.group.hints
        days = "1 day" if hints.people == 1 else f"{hints.people} days"
        return f"{hints.of:,} of {days}"

    @property
    def score(self) -> str:
        group = self.group
        if group.score is None:
            return "-"
        if group.score_low is None or group.score_high is None:
            return f"{group.score:.2f}"
        return f"{group.score:.2f} ({group.score_low:.2f} to {group.score_high:.2f})"

    @property
    def false_hints(self) -> str:
        hints = self.group.hints
        if hints.low is None or hints.high is None:
            return "-"
        return f"{hints.count:,} ({100 * hints.low:.1f} to {100 * hints.high:.1f} %)"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTable:
    title: str
    rows: Sequence[GroupRow]  # without groups that nobody is in
    unmeasured: str  # a sentence; "" if all are in a group


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    figures: GroupFigures
    sentences: Sequence[str] = (FEW, CHANCE, NOT_MEASURED)

    @classmethod
    def of(cls, camera: Camera, weights: Weights | None, *, now: datetime) -> Groups | None:
        """None if nothing was scored."""
        if weights is None:
            return None
        found = group_figures.of_camera(camera, weights, now=now)
        return cls(figures=found) if found.candidates else None

    @property
    def basis(self) -> str:
        found = self.figures
        days = "1 day" if found.days == 1 else f"{found.days} days"
        text = (
            f"{found.candidates:,} candidates of {days}, without those that people confirmed or "
            f"staff acted; {found.false_hints:,} were hints that people call false alarms."
        )
        if found.open:
            text += f" Hints without a clear answer, which count as none of these: {found.open:,}."
        return text

    @property
    def tables(self) -> list[GroupTable]:
        return [self._table(fact) for fact in TITLES]

    def _table(self, fact: str) -> GroupTable:
        found = self.figures.by[fact]
        title, quarters = TITLES[fact]
        names = [f"{quarter} quarter" for quarter in quarters] or [
            each.name for each in found.groups
        ]
        rows = [
            GroupRow(name=name, group=group)
            for name, group in zip(names, found.groups, strict=True)
            if group.hints.of
        ]
        missing = f"Not known of {found.unmeasured:,} candidates." if found.unmeasured else ""
        return GroupTable(title=title, rows=rows, unmeasured=missing)
