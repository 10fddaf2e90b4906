"""Which stretch of a recording the score curve shows, and the ways to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor, inf

from django.http import QueryDict

from video_classifier.services.moments import minutes

FROM, TO = "from", "to"
LEVELS = ((3600, "1 h"), (900, "15 min"), (300, "5 min"), (60, "1 min"))  # seconds
SHORTEST = 60.0  # seconds

NO_MOMENT = "“{text}” is no moment of this recording. Write it as 1:02:03, as 62:03 or in seconds."
ENDS_BEFORE = "“From” has to be before “To”."


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A level of zoom."""

    label: str
    address: str
    length: float  # seconds
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Zoom:
    """The stretch that is shown, in seconds since the clip's first picture."""

    since: float
    until: float
    whole: float  # the length of the recording
    params: QueryDict  # of the address
    problem: str = ""  # with what was asked for, a sentence

    @property
    def length(self) -> float:
        return self.until - self.since

    @property
    def is_whole(self) -> bool:
        return self.length >= self.whole

    @property
    def can_be_changed(self) -> bool:
        return self.whole > SHORTEST

    @property
    def steps(self) -> list[Step]:
        """From all of it to a minute."""
        everything = Step(
            label="All", address=self._everything(), length=self.whole, is_current=self.is_whole
        )
        return [everything, *map(self._step, self._levels())]

    @property
    def earlier(self) -> str:
        """The address of the stretch before; "" if there is none."""
        return "" if self.since <= 0 else self._address(self.since - self.length, self.length)

    @property
    def later(self) -> str:
        return "" if self.until >= self.whole else self._address(self.until, self.length)

    @property
    def beside(self) -> str:
        """The address of one as long, from its start on: a script moves it to the playhead."""
        return self._address(self.since, self.length)

    @property
    def from_(self) -> str:
        return minutes(self.since)

    @property
    def to(self) -> str:
        return minutes(ceil(self.until))

    @property
    def others(self) -> list[tuple[str, str]]:
        """What the address says beside it, for a form to keep."""
        return [(name, str(self.params[name])) for name in self.params if name not in {FROM, TO}]

    def _levels(self) -> Iterator[tuple[int, str]]:
        return (each for each in LEVELS if each[0] < self.whole)

    def _step(self, level: tuple[int, str]) -> Step:
        seconds, label = level
        middle = (self.since + self.until) / 2
        is_current = not self.is_whole and round(self.length) == seconds
        address = self._address(middle - seconds / 2, seconds)
        return Step(label=label, address=address, length=seconds, is_current=is_current)

    def _everything(self) -> str:
        return self._with()

    def _address(self, since: float, length: float) -> str:
        """Of a stretch of that length that begins there or near, so that it is in the recording."""
        start = max(floor(min(since, ceil(self.whole) - length)), 0)
        return self._with({FROM: str(start), TO: str(ceil(start + length))})

    def _with(self, more: dict[str, str] | None = None) -> str:
        params = self.params.copy()
        for name in (FROM, TO):
            params.pop(name, None)
        params.update(more or {})
        return f"?{params.urlencode()}"


def asked(params: QueryDict, whole: float, *, otherwise: tuple[float, float] | None = None) -> Zoom:
    """What an address asks for, of a recording that lasts so many seconds.

    Without it `otherwise`, or all of it.
    """
    since, until, problem = *(otherwise or (0.0, whole)), ""
    try:
        if FROM in params or TO in params:
            since, until = _wanted(params, whole)
    except ValueError as error:
        since, until, problem = 0.0, whole, f"{error} All of it is shown."
    since, until = _fitted(since, until, whole)
    return Zoom(since=since, until=until, whole=whole, params=params, problem=problem)


def _fitted(since: float, until: float, whole: float) -> tuple[float, float]:
    """Inside the recording, and not shorter than what can still be told apart."""
    missing = max(SHORTEST - (until - since), 0.0)
    since = min(max(since - missing / 2, 0.0), max(whole - SHORTEST, 0.0))
    return since, min(max(until, since + SHORTEST), whole)


def _wanted(params: QueryDict, whole: float) -> tuple[float, float]:
    """Raises ValueError with a sentence."""
    since, until = _moment(params, FROM, 0.0), _moment(params, TO, whole)
    if since >= until:
        raise ValueError(ENDS_BEFORE)
    return since, until


def _moment(params: QueryDict, name: str, default: float) -> float:
    text = params.get(name, "").strip()
    return second_of(text) if text else default


def second_of(text: str) -> float:
    """In seconds, from "1:02:03", "62:03" or "3723"; raises ValueError with a sentence."""
    try:
        parts = [float(part) for part in _parts(text)]
    except ValueError as error:
        raise ValueError(NO_MOMENT.format(text=text[:20])) from error
    if not all(0 <= part < inf for part in parts):
        raise ValueError(NO_MOMENT.format(text=text[:20]))
    return sum(part * unit for part, unit in zip(parts, (1, 60, 3600), strict=False))


def _parts(text: str) -> list[str]:
    """Seconds, minutes, hours."""
    parts = text.split(":")
    if len(parts) > 3:  # noqa: PLR2004
        raise ValueError(text)
    return parts[::-1]
