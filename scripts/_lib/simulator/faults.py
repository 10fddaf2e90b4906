"""What a simulated camera gets wrong, now or by a plan."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """All that is wrong at a moment."""

    silence: bool = False  # accepts connections, and says nothing
    refuse: bool = False  # ends each connection at once
    stall: bool = False  # sends no more pictures
    empty: bool = False  # announces 0 pictures a second, and sends none
    keyless: bool = False  # sends no keyframes
    truncated: bool = False  # half of each packet is missing
    garbled: bool = False  # packets are shorter than they claim to be
    password: bool = False  # refuses every password
    audio: bool = False  # has no video, only sound
    size: bool = False  # has half its resolution
    large: bool = False  # has 8K
    slow: float = 0.0  # bytes a second at most
    clock: float = 0.0  # seconds by which its clock is off; changing them makes it jump
    redirect: str = ""  # the address that it sends everybody to

    @property
    def ends_streams(self) -> bool:
        """Whether a client that is already there loses its connection."""
        return self.refuse or self.password or self.audio or bool(self.redirect)


NAMES = tuple(field.name for field in fields(Faults))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A fault that comes at its time, and goes again after a while, or not."""

    name: str
    value: bool | float | str
    at: float = 0.0  # seconds after the start
    seconds: float | None = None


_PLANNED = re.compile(
    r"(?P<name>[a-z]+)(=(?P<value>[^\s@+]+))?(@(?P<at>[\d.]+)(\+(?P<seconds>[\d.]+))?)?"
)


def planned(text: str) -> Planned:
    """From NAME[=VALUE][@SECONDS[+SECONDS]]. Raises ValueError, which says what is wrong."""
    found = _PLANNED.fullmatch(text.strip())
    if not found or found["name"] not in NAMES:
        msg = f"“{text}” is no fault. There are: {', '.join(NAMES)}; such as stall@30+15."
        raise ValueError(msg)
    return Planned(
        name=found["name"],
        value=_value(found["name"], found["value"]),
        at=float(found["at"] or 0),
        seconds=float(found["seconds"]) if found["seconds"] else None,
    )


def planned_in(lines: Iterable[str]) -> list[Planned]:
    """One a line; what follows a # is a comment."""
    return [planned(line) for each in lines if (line := each.split("#")[0].strip())]


def _value(name: str, text: str | None) -> bool | float | str:
    kind = type(getattr(Faults(), name))
    if kind is bool:
        return text not in {"0", "false", "no"}
    if text is None:
        msg = f"The fault “{name}” needs a value, such as {name}=30."
        raise ValueError(msg)
    return text if kind is str else float(text)


class Control:
    """The faults of a camera, for several threads. `changed` is called after each change."""

    def __init__(self) -> None:
        self._faults = Faults()
        self._lock = threading.Lock()
        self.changed: Callable[[Faults], None] = lambda _: None

    @property
    def now(self) -> Faults:
        return self._faults

    def set(self, **faults: bool | float | str) -> None:
        """Some of them; the others stay. Raises ValueError at a name that isn't one."""
        if unknown := set(faults) - set(NAMES):
            msg = f"There is no such fault: {', '.join(sorted(unknown))}."
            raise ValueError(msg)
        with self._lock:
            self._faults = replace(self._faults, **faults)  # type: ignore[arg-type]
        self.changed(self._faults)

    def clear(self) -> None:
        """The clock stays where it is: to set it back would be one more jump."""
        with self._lock:
            self._faults = Faults(clock=self._faults.clock)
        self.changed(self._faults)


def follow(plan: Sequence[Planned], control: Control, ended: threading.Event) -> None:
    """Carries out the plan, from now on."""
    steps: list[tuple[float, str, bool | float | str]] = []
    for each in plan:
        steps.append((each.at, each.name, each.value))
        if each.seconds is not None:
            steps.append((each.at + each.seconds, each.name, getattr(Faults(), each.name)))
    began = time.monotonic()
    for at, name, value in sorted(steps, key=lambda step: step[0]):
        if ended.wait(max(0.0, began + at - time.monotonic())):
            return
        control.set(**{name: value})
