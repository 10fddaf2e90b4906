"""Has the site watch two simulated cameras for long, and counts what goes wrong.

One camera plays ordinary clips, and some in which something happens. The other one breaks in every
way that the simulator knows, one after the other. At the end: how long each fault took to be over
once the camera was sound again, whether memory grew, and which of the planted clips were found
live that the same model finds in an upload. The site is started as shipped, on 127.0.0.1, with data
of its own in a temporary folder.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts._lib import console, markdown
from scripts._lib.live_site import LiveSite, Seen
from scripts._lib.simulator import footage
from scripts._lib.simulator.camera import Camera
from scripts._lib.simulator.faults import Faults
from scripts._lib.simulator.footage import Form, Planted, Shot
from scripts._lib.site_under_test import SiteError
from video_classifier.watching import remuxing
from video_classifier.watching.ring import Excerpt, StreamFacts, StreamPacket

EXAMPLE = """example:
  python -m scripts.soak --ordinary ../shared/data/mnnit/non_shoplifters/*_01*.mp4 \\
      --planted ../shared/data/mnnit/shoplifters/shoplifting_0{16,74,80}.mp4 --minutes 30
"""
SHOP, BROKEN = "shop", "broken"  # the two cameras
FORM = Form(size=(640, 360), rate=10)
FAULTS: tuple[tuple[str, bool | float | str], ...] = (
    ("silence", True),
    ("refuse", True),
    ("stall", True),
    ("empty", True),
    ("keyless", True),
    ("truncated", True),
    ("garbled", True),
    ("password", True),
    ("audio", True),
    ("size", True),
    ("large", True),
    ("slow", 2000.0),
    ("clock", -30.0),
    ("redirect", "rtsp://127.0.0.1:1/"),
)
SECONDS = 15.0  # that a fault lasts
RECOVERY = 30.0  # seconds after it in which the camera has to be live again
FRESH = timedelta(seconds=5)  # a picture so old shows that it is
START = 20.0  # seconds until the first clip is planted: the children load the model
LATE = timedelta(seconds=15)  # an event may open so long after the end of a planted clip
GROWTH = 1.15  # of memory, from the first third to the last one
HEADS = ("figure", "wanted", "found")


@dataclass(slots=True, kw_only=True)
class Trial:
    """A fault, while it is tried."""

    name: str
    ended: float  # monotonic seconds at which the camera was sound again
    recovered: float | None = None  # seconds after that


@dataclass(slots=True, kw_only=True)
class Watched:
    """What was seen of the site while it watched."""

    trials: list[Trial] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)  # bytes, once a second
    strides: list[float] = field(default_factory=list)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        with TemporaryDirectory() as folder:
            rows = _soak(arguments, Path(folder))
        table = markdown.table([HEADS, *rows.figures], words=3)
        if arguments.write:
            markdown.write(arguments.write, "soak", f"\n{table}\n")
    except (OSError, SiteError, markdown.PageError) as error:
        console.complain(error)
        return 2
    console.out.print(table, markup=False, soft_wrap=True)
    for wrong in rows.wrong:
        console.warn(wrong)
    return int(bool(rows.wrong))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    figures: list[tuple[str, str, str]]
    wrong: list[str]  # sentences


def _soak(arguments: argparse.Namespace, folder: Path) -> Result:
    seconds = arguments.minutes * 60
    every = max(seconds - START - 40, 1) / max(len(arguments.planted), 1)
    planted = [
        Planted(clip=clip, at=START + number * every)
        for number, clip in enumerate(arguments.planted)
    ]
    found_as_clips = _found_as_clips(arguments)
    site = LiveSite(folder)
    with (
        Camera(arguments.ordinary, FORM, planted=planted, only="rtsp") as shop,
        Camera(arguments.ordinary, FORM, only="rtsp") as broken,
    ):
        began = datetime.now(UTC)
        addresses = ((SHOP, shop.rtsp_url), (BROKEN, broken.rtsp_url))
        site.add_cameras(addresses, model=arguments.model)
        site.start()
        try:
            watched = _watch(site, broken, seconds)
        finally:
            site.stop()
    return _judged(watched, site.events(), began, planted, found_as_clips)


def _found_as_clips(arguments: argparse.Namespace) -> dict[Path, bool]:
    """Whether the model gives each planted clip a hint, as the simulator sends it."""
    from video_classifier.ml.serving import loading

    predictor = loading.load(arguments.storage / arguments.model, detector=arguments.detector)
    found = {}
    with TemporaryDirectory() as folder:
        for clip in arguments.planted:
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


def _watch(site: LiveSite, broken: Camera, seconds: float) -> Watched:
    """Breaks the camera in all ways, as often as there is time for, and looks once a second."""
    watched = Watched()
    ends = time.monotonic() + seconds
    steps = _steps(broken, watched, ends)
    due = time.monotonic() + START
    with console.progress("Watching", round(seconds)) as advance:
        while (now := time.monotonic()) < ends:
            if now >= due:
                due = now + next(steps, seconds)
            _look(site, watched)
            advance()
            time.sleep(max(0.0, 1.0 - (time.monotonic() - now)))
    return watched


def _steps(broken: Camera, watched: Watched, ends: float) -> Iterator[float]:
    """Breaks the camera and mends it; yields how long to wait each time."""
    lasting = min(SECONDS, (ends - time.monotonic()) / 6)
    while True:
        for name, value in FAULTS:
            if time.monotonic() + lasting + RECOVERY > ends:
                return
            broken.faults.set(**{name: value})
            yield lasting
            if name != "clock":  # to set it back would be one more jump
                broken.faults.set(**{name: getattr(Faults(), name)})
            watched.trials.append(Trial(name=name, ended=time.monotonic()))
            yield RECOVERY


def _look(site: LiveSite, watched: Watched) -> None:
    feeds = {each.name: each for each in site.feeds()}
    watched.memory.append(site.watcher_memory())
    if (stride := feeds[SHOP].stride) is not None:
        watched.strides.append(stride)
    trial = watched.trials[-1] if watched.trials else None
    feed = feeds[BROKEN]
    if trial is None or trial.recovered is not None or feed.last_picture is None:
        return
    if feed.state == "online" and datetime.now(UTC) - feed.last_picture < FRESH:
        trial.recovered = time.monotonic() - trial.ended


def _judged(
    watched: Watched,
    events: Sequence[Seen],
    began: datetime,
    planted: Sequence[Planted],
    found_as_clips: dict[Path, bool],
) -> Result:
    wrong = []
    late = [each for each in watched.trials if not each.recovered or each.recovered > RECOVERY]
    wrong += [f"The fault “{each.name}” was not over after {RECOVERY:.0f} s." for each in late]
    back, tried = len(watched.trials) - len(late), len(watched.trials)
    third = len(watched.memory) // 3
    first, last = (
        statistics.median(part) / 1e6 if part else 0.0
        for part in (watched.memory[third : 2 * third], watched.memory[2 * third :])
    )
    if last > first * GROWTH:
        wrong.append(f"The watcher's memory grew from {first:.0f} to {last:.0f} MB.")
    expected = [each for each in planted if found_as_clips[each.clip]]
    missed = [each for each in expected if not _is_found(each, began, events)]
    wrong += [f"{each.clip.name}, {each.at:.0f} s, was not found live." for each in missed]
    without = [each for each in events if each.closed and not each.clip]
    wrong += [
        f"The event of {each.started:%H:%M:%S} has no clip: {each.no_clip}" for each in without
    ]
    slowest = max((each.recovered or float("inf") for each in watched.trials), default=0.0)
    others = sum(not _is_near(each, began, planted) for each in events)
    figures = [
        (
            "faults that the camera came back from",
            f"all in {RECOVERY:.0f} s",
            f"{back} of {tried}, the slowest {slowest:.0f} s",
        ),
        (
            "memory of the watcher, middle and last third",
            f"no more than {GROWTH:.0%}",
            f"{first:.0f} MB, {last:.0f} MB",
        ),
        (
            "planted clips found live, of those found in an upload",
            "all",
            f"{len(expected) - len(missed)} of {len(expected)}",
        ),
        ("other events", "", f"{others}"),
        (
            "seconds from one scoring to the next, median",
            "",
            f"{statistics.median(watched.strides):.1f}" if watched.strides else "none",
        ),
    ]
    return Result(figures=figures, wrong=wrong)


def _is_found(planted: Planted, began: datetime, events: Sequence[Seen]) -> bool:
    return any(_is_near(each, began, [planted]) for each in events)


def _is_near(event: Seen, began: datetime, planted: Sequence[Planted]) -> bool:
    if event.camera != SHOP:
        return False
    return any(
        timedelta()
        <= event.opened - began - timedelta(seconds=each.at)
        <= timedelta(seconds=footage.shot(each.clip, FORM).seconds) + LATE
        for each in planted
    )


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("soak", __doc__, EXAMPLE)
    add = parser.add_argument
    add("--ordinary", type=Path, nargs="+", required=True, metavar="CLIP", help="played in turn")
    add("--planted", type=Path, nargs="*", default=[], metavar="CLIP", help="that should be found")
    add("--minutes", type=float, default=30.0, help="(default: %(default)s)")
    add("--model", default="i3d_person", help="(default: %(default)s)")
    add("--storage", type=Path, default=Path("models_storage"), help="(default: %(default)s)")
    add("--write", type=console.file_to_write, metavar="PAGE", help="also put the table there")
    console.add_detector(parser)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
