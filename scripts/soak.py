"""Has the site watch two simulated cameras for long, and counts what goes wrong.

One camera plays ordinary clips, and some in which something happens. The other one breaks in every
way that the simulator knows, one after the other. At the end: how long each fault took to be over
once the camera was sound again, whether memory grew, and which of the planted clips were found
live that the same model finds in an upload. The site is started as shipped, on 127.0.0.1, with data
of its own in a temporary folder. The time counts from when both cameras are watched.

Ends with 0 if nothing was wrong, with 1 after a sentence for each thing that was, and with 2 if it
could not be tried.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts._lib import console, markdown
from scripts._lib.live_site import LiveSite, Seen
from scripts._lib.simulator import footage
from scripts._lib.simulator.camera import Camera
from scripts._lib.simulator.faults import Faults
from scripts._lib.simulator.footage import Form, Planted, Shot
from scripts._lib.site_under_test import SiteError
from video_classifier.ml.contracts import ClipError
from video_classifier.ml.persons.detector import DetectorError
from video_classifier.ml.serving.card import BundleError
from video_classifier.watching import remuxing
from video_classifier.watching.ring import Excerpt, StreamFacts, StreamPacket

EXAMPLE = """example:
  python -m scripts.soak --ordinary ../shared/data/mnnit/non_shoplifters/*_01*.mp4 \\
      --planted ../shared/data/mnnit/shoplifters/shoplifting_0{16,74,80}.mp4 --minutes 30
  python -m scripts.soak --ordinary shop/*.mp4 --minutes 3 --faults stall password
"""
SHOP, BROKEN = "shop", "broken"  # the two cameras
FORM = Form(size=(640, 360), rate=10)
JUMP = -30.0  # seconds, of a clock
FAULTS: dict[str, bool | float | str] = {
    "silence": True,
    "refuse": True,
    "stall": True,
    "empty": True,
    "keyless": True,
    "truncated": True,
    "garbled": True,
    "password": True,
    "audio": True,
    "size": True,
    "large": True,
    "slow": 2000.0,
    "clock": JUMP,
    "redirect": "rtsp://127.0.0.1:1/",
}
SECONDS = 15.0  # that a fault lasts
RECOVERY = 30.0  # seconds after it in which the camera has to be live again
REST = 5.0  # seconds from when it is live again to the next fault
PATIENCE = 180.0  # seconds until both cameras are watched: the children load the model
START = 5.0  # seconds from then on until the first clip is planted
TAIL = 40.0  # seconds after the last one in which its event opens and closes
LATE = 15.0  # seconds after the end of a planted clip in which its event may open
GROWTH = 1.15  # of memory, from the middle third to the last one
HEADS = ("figure", "wanted", "found")


@dataclass(slots=True, kw_only=True)
class Trial:
    """A fault, while it is tried."""

    name: str
    ended: datetime  # when the camera was sound again
    recovered: float | None = None  # seconds from then to when it was live again

    def is_recovered(self) -> bool:
        return self.recovered is not None

    @property
    def is_over(self) -> bool:
        return self.recovered is not None and self.recovered <= RECOVERY


@dataclass(slots=True, kw_only=True)
class Watched:
    """What was seen of the site while it watched."""

    trials: list[Trial] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)  # by seconds since `began`
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    memory: list[int] = field(default_factory=list)  # bytes, once a second; 0: nobody watched
    watchers: set[int] = field(default_factory=set)  # their process ids
    # Seconds from one scoring of the first camera to the next, by seconds since `began`.
    strides: list[tuple[float, float]] = field(default_factory=list)


def main(argv: Sequence[str] | None = None) -> int:
    plan = Plan(**vars(_arguments(argv)))
    try:
        _check(plan)
        with TemporaryDirectory() as folder:
            result = _soak(plan, Path(folder))
        table = markdown.table([HEADS, *result.figures], words=3)
        if plan.write:
            markdown.write(plan.write, "soak", f"\n{table}\n")
    except (
        BundleError,
        ClipError,
        DetectorError,
        OSError,
        SiteError,
        SoakError,
        markdown.PageError,
    ) as error:
        console.complain(error)
        return 2
    console.out.print(table, markup=False, soft_wrap=True)
    for wrong in result.wrong:
        console.warn(wrong)
    return int(bool(result.wrong))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is tried, and on what."""

    ordinary: Sequence[Path]
    planted: Sequence[Path]
    minutes: float
    faults: Sequence[str]
    model: str
    storage: Path
    detector: Path
    write: Path | None = None  # the page for the table


class SoakError(Exception):
    """It can't be tried, and the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    figures: list[tuple[str, str, str]]
    wrong: list[str]  # sentences


def _check(plan: Plan) -> None:
    """Raises SoakError and PageError, before half an hour has passed."""
    for clip in (*plan.ordinary, *plan.planted):
        if not clip.is_file():
            msg = f"There is no clip {clip}."
            raise SoakError(msg)
    if plan.write:
        markdown.check(plan.write, "soak")


def _soak(plan: Plan, folder: Path) -> Result:
    """Raises BundleError, ClipError, DetectorError and SiteError."""
    found_as_clips = _found_as_clips(plan)
    # Encoded before the cameras begin, whose pictures are late else.
    longest = max(footage.shot(clip, FORM).seconds for clip in plan.ordinary)
    site = LiveSite(
        folder,
        MODELS_STORAGE=str(plan.storage.resolve()),
        PERSON_DETECTOR=str(plan.detector.resolve()),
        DEFAULT_MODEL=plan.model,
    )
    with (
        Camera(plan.ordinary, FORM, only="rtsp") as shop,
        Camera(plan.ordinary, FORM, only="rtsp") as broken,
    ):
        addresses = ((SHOP, shop.rtsp_url), (BROKEN, broken.rtsp_url))
        site.add_cameras(addresses, model=plan.model)
        site.start()
        try:
            _wait_until_watched(site)
            watched = _watch(site, shop, broken, plan)
        finally:
            site.stop()
    return _judged(watched, site.events(), found_as_clips, longest)


def _wait_until_watched(site: LiveSite) -> None:
    """Raises SiteError if that takes too long."""
    until = time.monotonic() + PATIENCE
    while not all(each.state == "online" and each.stride is not None for each in site.feeds()):
        if time.monotonic() > until:
            states = ", ".join(f"{each.name}: {each.fault or each.state}" for each in site.feeds())
            msg = f"The cameras are not watched after {PATIENCE:.0f} s ({states})."
            raise SiteError(msg)
        time.sleep(0.2)


def _found_as_clips(plan: Plan) -> dict[Path, bool]:
    """Whether the model gives each planted clip a hint, as the simulator sends it."""
    from video_classifier.ml.serving import loading

    predictor = loading.load(plan.storage / plan.model, detector=plan.detector)
    found = {}
    with TemporaryDirectory() as folder:
        for clip in plan.planted:
            sent = Path(folder, f"{clip.stem}.mp4")
            _write(footage.shot(clip, FORM), sent)
            outcome = predictor.analyze(sent)
            found[clip] = bool(outcome.prediction and outcome.prediction.is_hint)
    return found


def _write(shot: Shot, target: Path) -> None:
    """As the camera sends it, so that both ways see the same pictures."""
    base = Fraction(1, 90_000)
    packets = tuple(
        StreamPacket(
            data=each.data,
            pts=round(each.shown / base),
            dts=round(each.sent / base),
            duration=0,
            is_key=each.is_key,
            arrived=0.0,
        )
        for each in shot.pictures
    )
    width, height = FORM.size or (0, 0)
    facts = StreamFacts(
        codec=FORM.codec, width=width, height=height, time_base=base, head=packets[0].data
    )
    whole = Excerpt(
        facts=facts,
        packets=packets,
        stretch=1,
        started_at=datetime.now(UTC),
        start=0.0,
        end=shot.seconds,
    )
    remuxing.write(whole, target)


def _watch(site: LiveSite, shop: Camera, broken: Camera, plan: Plan) -> Watched:
    """Breaks one camera as often as there is time for, plants clips, and looks once a second."""
    watched, seconds = Watched(), plan.minutes * 60
    coming = _spread(plan.planted, seconds)
    began = time.monotonic()
    steps = _steps(broken, watched, plan.faults, ends=began + seconds)
    with console.progress("Watching", round(seconds)) as advance:
        while (now := time.monotonic()) < began + seconds:
            next(steps, None)
            if coming and now - began >= coming[0].at:
                _plant(coming.pop(0).clip, shop, watched)
            _look(site, watched)
            advance()
            time.sleep(max(0.0, 1.0 - (time.monotonic() - now)))
    return watched


def _spread(clips: Sequence[Path], seconds: float) -> list[Planted]:
    """Over the time there is, so that the event of the last one has closed at its end."""
    every = max(seconds - START - TAIL, 0) / max(len(clips), 1)
    return [Planted(clip=clip, at=START + n * every) for n, clip in enumerate(clips)]


def _plant(clip: Path, shop: Camera, watched: Watched) -> None:
    shop.plant(clip)
    at = (datetime.now(UTC) - watched.began).total_seconds()
    watched.planted.append(Planted(clip=clip, at=at))


def _steps(
    broken: Camera, watched: Watched, names: Sequence[str], *, ends: float
) -> Iterator[None]:
    """Breaks the camera and mends it, in turn; to be advanced once a second."""
    lasting = min(SECONDS, (ends - time.monotonic()) / 12)
    for name in cycle(names):
        if time.monotonic() + lasting + RECOVERY > ends:
            return
        if name == "clock":  # it stays off: to set it right would be one more jump
            broken.faults.set(clock=broken.faults.now.clock + JUMP)
        else:
            broken.faults.set(**{name: FAULTS[name]})
        yield from _pass(lasting)
        if name != "clock":
            broken.faults.set(**{name: getattr(Faults(), name)})
        trial = Trial(name=name, ended=datetime.now(UTC))
        watched.trials.append(trial)
        yield from _pass(RECOVERY, unless=trial.is_recovered)
        yield from _pass(REST)


def _pass(seconds: float, unless: Callable[[], bool] = lambda: False) -> Iterator[None]:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and not unless():
        yield


def _look(site: LiveSite, watched: Watched) -> None:
    feeds = {each.name: each for each in site.feeds()}
    watched.memory.append(site.watcher_memory())
    if watcher := site.watcher():
        watched.watchers.add(watcher.pid)
    if (stride := feeds[SHOP].stride) is not None:
        watched.strides.append(((datetime.now(UTC) - watched.began).total_seconds(), stride))
    trial = watched.trials[-1] if watched.trials else None
    feed = feeds[BROKEN]
    if trial is None or trial.recovered is not None or feed.last_picture is None:
        return
    if feed.state == "online" and feed.last_picture >= trial.ended:
        trial.recovered = (datetime.now(UTC) - trial.ended).total_seconds()


def _judged(
    watched: Watched, events: Sequence[Seen], found_as_clips: Mapping[Path, bool], longest: float
) -> Result:
    """`longest` is how many seconds a planted clip may have to wait for the end of another one."""
    planted, late = watched.planted, [each for each in watched.trials if not each.is_over]
    expected = [each for each in planted if found_as_clips[each.clip]]
    missed = [
        each
        for each in expected
        if not any(_is_of(event, each, watched.began, longest) for event in events)
    ]
    without = [each for each in events if each.closed and not each.clip]
    others = [
        each
        for each in events
        if not any(_is_of(each, clip, watched.began, longest) for clip in planted)
    ]
    middle, last = _memory(watched)
    wrong = [
        *([] if watched.trials else ["No fault was tried: there was no time for one."]),
        *(f"The fault “{each.name}” was not over after {RECOVERY:.0f} s." for each in late),
        *_of_the_watcher(watched, middle, last),
        *(_missed(each, watched, longest) for each in missed),
        *(f"The event of {each.started:%H:%M:%S} has no clip: {each.no_clip}" for each in without),
    ]
    slowest = max((each.recovered or math.inf for each in watched.trials), default=math.inf)
    figures = [
        (
            "faults that the camera came back from",
            f"all in {RECOVERY:.0f} s",
            f"{len(watched.trials) - len(late)} of {len(watched.trials)}, the slowest "
            + (f"{slowest:.0f} s" if slowest < math.inf else "never"),
        ),
        (
            "memory of the watcher, middle and last third",
            f"no more than {GROWTH:.0%}",
            f"{middle:.0f} MB, {last:.0f} MB",
        ),
        (
            "planted clips found live, of those found in an upload",
            "all",
            f"{len(expected) - len(missed)} of {len(expected)}",
        ),
        ("other events", "", f"{len(others)}"),
        (
            "seconds from one scoring to the next, median",
            "",
            f"{statistics.median(stride for _, stride in watched.strides):.1f}"
            if watched.strides
            else "none",
        ),
    ]
    return Result(figures=figures, wrong=wrong)


def _memory(watched: Watched) -> tuple[float, float]:
    """Megabytes, in the middle third of the time and in the last one."""
    third = len(watched.memory) // 3
    parts = watched.memory[third : 2 * third], watched.memory[2 * third :]
    middle, last = (statistics.median(part) / 1e6 if part else 0.0 for part in parts)
    return middle, last


def _of_the_watcher(watched: Watched, middle: float, last: float) -> Iterator[str]:
    """What is wrong with the process itself."""
    if not all(watched.memory):
        yield f"No watcher ran in {watched.memory.count(0)} of {len(watched.memory)} looks."
    if len(watched.watchers) > 1:
        yield f"The watcher was started {len(watched.watchers)} times."
    if last > middle * GROWTH:
        yield f"The watcher's memory grew from {middle:.0f} to {last:.0f} MB."


def _missed(planted: Planted, watched: Watched, longest: float) -> str:
    """With how late the camera was scored meanwhile: a busy machine leaves out what is too old."""
    until = planted.at + _lasts(planted, longest)
    strides = [stride for at, stride in watched.strides if planted.at <= at <= until]
    said = f"{planted.clip.name}, {planted.at:.0f} s, was not found live."
    if not strides:
        return f"{said} The camera was not scored at that time."
    return f"{said} At that time up to {max(strides):.1f} s passed from one scoring to the next."


def _is_of(event: Seen, planted: Planted, began: datetime, longest: float) -> bool:
    """Whether it opened while the clip was on, or soon after."""
    if event.camera != SHOP:
        return False
    after = (event.opened - began).total_seconds() - planted.at
    return 0 <= after <= _lasts(planted, longest)


def _lasts(planted: Planted, longest: float) -> float:
    """Seconds in which its event may open: it waits for the end of another clip."""
    return longest + footage.shot(planted.clip, FORM).seconds + LATE


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 1 <= minutes < math.inf:
        msg = f"{text} is not enough: at least 1 minute."
        raise argparse.ArgumentTypeError(msg)
    return minutes


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("soak", __doc__, EXAMPLE)
    add = parser.add_argument
    add("--ordinary", type=Path, nargs="+", required=True, metavar="CLIP", help="played in turn")
    add(
        "--planted",
        type=Path,
        nargs="*",
        default=[],
        metavar="CLIP",
        help="played once each, spread over the time: what the model finds in an upload of it has "
        "to be found live",
    )
    add("--minutes", type=_minutes, default=30.0, metavar="N", help="(default: %(default)g)")
    add(
        "--faults",
        nargs="+",
        default=list(FAULTS),
        choices=FAULTS,
        metavar="FAULT",
        help=f"in this order, again and again (default: all): {', '.join(FAULTS)}",
    )
    add("--model", default="i3d_person", help="(default: %(default)s)")
    add("--storage", type=Path, default=Path("models_storage"), help="(default: %(default)s)")
    add(
        "--write",
        type=console.file_to_write,
        metavar="PAGE",
        help="put the table there, too, between <!-- soak: begin --> and <!-- soak: end -->",
    )
    console.add_detector(parser)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
