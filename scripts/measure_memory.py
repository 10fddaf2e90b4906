"""Measures whether the memory of a site at work stays flat: of each kind of process, over time.

A site of the same kinds as `scripts.faults` tries is started, and nothing breaks it: a person
uploads clips, recordings and clips that need a copy, a simulated camera has an event every twelve
seconds. Every few seconds the memory of all processes is read, without what they share (USS): of
that each has less as soon as somebody else runs the same libraries. The first part, in which
libraries load and caches fill, is left out. What counts is the slope of a line through the rest,
by least squares.
"""

from __future__ import annotations

import argparse
import csv
import signal
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from scripts._lib import console, markdown, material
from scripts._lib.simulator.camera import Camera
from scripts._lib.simulator.footage import Form
from scripts._lib.site_under_test import SiteError
from scripts.faults.flow import Flow
from scripts.faults.receiver import Receiver
from scripts.faults.setups import SETUPS, OnPostgres, Setup

EXAMPLE = """example:
  python -m scripts.measure_memory --setup postgres --minutes 20 --write docs/reliability.md
"""
EVERY = 5.0  # seconds from look to look
PAUSE = 6.0  # seconds, at most, between two uploads
MOST = 1_000_000  # of them
WARM = 0.25  # of the time: what is left out
PLAYED = ("dark",) * 4 + ("bright",) * 2  # by the camera, in turn
MEGABYTE = 2**20
KINDS = {  # by a word in their command, the first that fits
    "decoder_process": "children that decode",
    "scorer_process": "children that score",
    "video_classifier": "other children",
    "watch_cameras": "watcher",
    "run_worker": "workers",
    "celery": "workers",
    "gunicorn": "web server",
    "postgres": "PostgreSQL",
}
HEADS = ("processes", "at first, MB", "at the end, MB", "most, MB", "slope, MB an hour")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The memory of all processes of a kind, in bytes, by kind."""

    seconds: float
    memory: Mapping[str, int]


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    try:
        if arguments.write:
            markdown.check(arguments.write, "memory")
        with TemporaryDirectory(prefix="memory-") as folder:
            Path(folder).chmod(0o755)  # PostgreSQL has an account of its own
            looks, uploads = _measure(Path(folder), arguments.setup, arguments.minutes * 60)
    except (SiteError, markdown.PageError) as error:
        console.complain(error)
        return 2
    if arguments.csv:
        _keep(arguments.csv, looks)
    table = markdown.table([HEADS, *rows(looks)])
    console.out.print(table, markup=False, soft_wrap=True)
    console.out.print(f"{uploads} uploads confirmed, {len(looks)} looks.")
    if arguments.write:
        markdown.write(arguments.write, "memory", table)
    return 0


def _measure(folder: Path, setup: str, seconds: float) -> tuple[list[Look], int]:
    """And how many uploads were confirmed."""
    made = material.make(folder / "made")
    videos = material.videos(made)
    receiver = Receiver()
    site = SETUPS[setup](folder, made, receiver=receiver.address)
    try:
        with Camera([videos[each] for each in PLAYED], Form(), only="rtsp") as camera:
            site.add_cameras([("Till", camera.rtsp_url)], model=material.MODEL)
            site.up()
            site.sign_in()
            flow = Flow(site, material.Files(videos), seed=1, uploaders=1, pause=PAUSE, most=MOST)
            flow.open()
            looks = list(_looks(site, seconds))
            flow.end()
            return looks, sum(each.is_confirmed for each in flow.sent)
    finally:
        site.down()
        receiver.close()


def _looks(site: Setup, seconds: float) -> Iterator[Look]:
    began = time.monotonic()
    with console.progress("Looking", round(seconds / EVERY)) as advance:
        while (now := time.monotonic() - began) < seconds:
            yield Look(seconds=now, memory=_memory(site))
            time.sleep(max(0.0, EVERY - (time.monotonic() - began - now)))
            advance()


def _memory(site: Setup) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    families = [each.family() for each in site.services]
    if isinstance(site, OnPostgres):
        families.append(site.server.family())
    for family in families:
        for each in family:
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                kind = _kind(" ".join(each.cmdline()))
                found[kind] += each.memory_full_info().uss
    return dict(found)


def _kind(command: str) -> str:
    return next((kind for word, kind in KINDS.items() if word in command), "others")


def rows(looks: Sequence[Look]) -> list[tuple[str, ...]]:
    """A line of the table a kind of process, and one of all."""
    warm = looks[round(len(looks) * WARM) :]
    kinds = sorted({kind for each in warm for kind in each.memory})
    series = {kind: [each.memory.get(kind, 0) for each in warm] for kind in kinds}
    series["all"] = [sum(each.memory.values()) for each in warm]
    times = [each.seconds for each in warm]
    return [(kind, *_figures(times, values)) for kind, values in series.items()]


def _figures(times: Sequence[float], values: Sequence[int]) -> tuple[str, ...]:
    part = max(1, len(values) // 5)
    slope = statistics.linear_regression(times, values).slope * 3600
    first, last = statistics.fmean(values[:part]), statistics.fmean(values[-part:])
    megabytes = [f"{each / MEGABYTE:.0f}" for each in (first, last, max(values))]
    return (*megabytes, f"{slope / MEGABYTE:+.0f}")


def _keep(file: Path, looks: Sequence[Look]) -> None:
    kinds = sorted({kind for each in looks for kind in each.memory})
    with file.open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["seconds", *kinds])
        writer.writerows(
            [round(each.seconds, 1), *(each.memory.get(kind, 0) for kind in kinds)]
            for each in looks
        )


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("measure_memory", __doc__, EXAMPLE)
    parser.add_argument("--setup", choices=SETUPS, default="postgres", help="default: %(default)s")
    parser.add_argument("--minutes", type=float, default=20.0, help="default: %(default)s")
    parser.add_argument("--csv", type=console.file_to_write, metavar="FILE", help="all looks")
    parser.add_argument(
        "--write", type=Path, metavar="PAGE", help="put the table into this page, between its marks"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
