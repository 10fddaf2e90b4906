"""Live cameras: how often each is scored, what it takes, and how soon an event opens.

The site is started as shipped, and the cameras are simulated in this process, whose processor time
is not counted. The machine is the same, though. Processor time and memory are those of the watcher
and its children. Acts that no event was opened for have no delay: how many were found stands
beside.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from scripts._lib import markdown
from scripts._lib.live_site import LiveSite
from scripts._lib.simulator import footage
from scripts._lib.simulator.camera import Camera
from scripts._lib.simulator.footage import Form, Planted

FORM = Form(size=(640, 360), rate=10)
BUSY = 3  # cameras with one person in view; the others show an empty room
SETTLING = 30.0  # seconds before anything counts: the children load the model, rings fill
PAUSE = 40.0  # seconds from one act to the next of a camera: its event has closed
LATE = 25.0  # seconds after an act in which its event may still open
MEGABYTE = 1e6
COLUMNS = (
    "cameras, of which with a person",
    "model",
    "minutes",
    "stride, median",
    "stride, p95",
    "longest",
    "processor time",
    "peak memory",
    "acts found",
    "end of the act to its event, median",
    "p95",
)


class PlanError(Exception):
    """It can't be measured, and the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the cameras play."""

    empty: Path
    acts: Sequence[Path]  # one person each
    cameras: int
    minutes: float


@dataclass(slots=True, kw_only=True)
class Measured:
    plan: Plan
    model: str
    strides: list[float] = field(default_factory=list)  # of all cameras, once a second
    memory: int = 0  # bytes, the most
    processor: float = 0.0  # seconds a second
    delays: list[float] = field(default_factory=list)  # seconds; 0: while it happened
    acts: int = 0


def measure(
    plan: Plan, model: str, data: Path, advance: Callable[[], None], *, storage: Path
) -> Measured:
    """Raises PlanError and SiteError. Calls `advance` once a second."""
    check(plan)
    measured = Measured(plan=plan, model=model)
    site = LiveSite(data, MODELS_STORAGE=str(storage.resolve()))
    with ExitStack() as stack:
        cameras = {}
        for number in range(plan.cameras):
            planted = _planted(plan, number) if number < BUSY else ()
            camera = Camera([plan.empty], FORM, planted=planted, only="rtsp")
            cameras[f"camera-{number}"] = (stack.enter_context(camera), planted)
        began = datetime.now(UTC)
        site.add_cameras(
            [(name, each.rtsp_url) for name, (each, _) in cameras.items()], model=model
        )
        site.start()
        try:
            _look(site, measured, until=_second_of(began) + plan.minutes * 60, advance=advance)
        finally:
            site.stop()
    events = site.events()
    for name, (_, planted) in cameras.items():
        opened = [(each.opened - began).total_seconds() for each in events if each.camera == name]
        for act in planted:
            _judge(measured, act, opened)
    return measured


def check(plan: Plan) -> None:
    """Raises PlanError."""
    if not plan.acts:
        msg = "Name at least two clips: one of an empty room, and acts of one person."
        raise PlanError(msg)
    for clip in (plan.empty, *plan.acts):
        if not clip.is_file():
            msg = f"There is no clip {clip}."
            raise PlanError(msg)


def _planted(plan: Plan, camera: int) -> tuple[Planted, ...]:
    """As many acts as there is time for, in another order on each camera."""
    found: list[Planted] = []
    at, number = SETTLING + 5.0 * camera, camera
    while True:
        clip = plan.acts[number % len(plan.acts)]
        at_end = at + footage.shot(clip, FORM).seconds
        if at_end + LATE > plan.minutes * 60:
            return tuple(found)
        found.append(Planted(clip=clip, at=at))
        at, number = at_end + PAUSE, number + 1


def _look(site: LiveSite, measured: Measured, *, until: float, advance: Callable[[], None]) -> None:
    """Once a second, up to that second of the monotonic clock."""
    settled = time.monotonic() + SETTLING
    since: tuple[float, float] | None = None
    while (now := time.monotonic()) < until:
        if now >= settled:
            taken = _processor_seconds(site)
            since = since or (now, taken)
            if now > since[0]:
                measured.processor = (taken - since[1]) / (now - since[0])
            measured.memory = max(measured.memory, site.watcher_memory())
            measured.strides += [each.stride for each in site.feeds() if each.stride is not None]
        advance()
        time.sleep(max(0.0, 1.0 - (time.monotonic() - now)))


def _processor_seconds(site: LiveSite) -> float:
    """Of the watcher and its children, so far."""
    leader, found = site.watcher(), 0.0
    for each in [leader, *leader.children(recursive=True)] if leader else []:
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            found += times.user + times.system
    return found


def _judge(measured: Measured, act: Planted, opened: Sequence[float]) -> None:
    end = act.at + footage.shot(act.clip, FORM).seconds
    measured.acts += 1
    during = [each for each in opened if act.at <= each <= end + LATE]
    if during:
        measured.delays.append(max(0.0, min(during) - end))


def _second_of(moment: datetime) -> float:
    """Of the monotonic clock."""
    return time.monotonic() - (datetime.now(UTC) - moment).total_seconds()


def table(measured: Sequence[Measured]) -> str:
    return markdown.table([COLUMNS, *map(_row, measured)], words=2)


def _row(each: Measured) -> tuple[str, ...]:
    plan = each.plan
    return (
        f"{plan.cameras}, {min(BUSY, plan.cameras)}",
        f"`{each.model}`",
        f"{plan.minutes:g}",
        _seconds(each.strides, 0.5),
        _seconds(each.strides, 0.95),
        _seconds(each.strides, 1.0),
        f"{each.processor:.2f} cores",
        f"{each.memory / MEGABYTE:.0f} MB",
        f"{len(each.delays)} of {each.acts}",
        _seconds(each.delays, 0.5),
        _seconds(each.delays, 0.95),
    )


def _seconds(values: Sequence[float], share: float) -> str:
    """The value that this share of them doesn't exceed."""
    if not values:
        return "-"
    if share == 0.5:  # noqa: PLR2004
        return f"{statistics.median(values):.1f} s"
    return f"{sorted(values)[math.ceil(share * len(values)) - 1]:.1f} s"
