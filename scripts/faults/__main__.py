"""Breaks a site in many ways while clips, recordings and live events flow, and looks what is lost.

A fault is drawn by the seed and its number; it strikes while three uploaders send files by form,
by tus and by the API, and a simulated camera is watched. After each one all work has to come to an
end, and these have to hold: every confirmed upload is there once and has its result, nothing runs
beyond its lease, no row is without its file. At the end: every alert came once, or is marked as
perhaps sent; files without a row are gone after a sweep.

Each fault is a line of the log, and what its lines have is not tried again: a run that was broken
off goes on with the next number. Ends with 0 if nothing was wrong, with 1 after a sentence for each
thing that was, and with 2 if it could not be tried.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts._lib import console, material
from scripts._lib.simulator.camera import Camera
from scripts._lib.simulator.footage import Form
from scripts._lib.site_under_test import SiteError
from scripts.faults import invariants, kinds
from scripts.faults.flow import Flow
from scripts.faults.receiver import Receiver
from scripts.faults.setups import SETUPS, Setup

EXAMPLE = """examples:
  python -m scripts.faults --setup sqlite --kills 100 --seed 1 --log docs/faults/sqlite.jsonl
  python -m scripts.faults --setup postgres --kills 20 --only database
  python -m scripts.faults --setup celery --kills 4 --only broker,storage
"""
BEFORE = (0.8, 3.5)  # seconds at work before a fault
AFTER = (0.3, 1.0)  # … and after it
PAST = 2 * 24 * 60 * 60  # seconds: older than the sweep's grace
PLAYED = ("dark",) * 4 + ("bright",) * 2  # by the camera, in turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A line of the log."""

    setup: str
    seed: int
    number: int
    kind: str
    hit: list[str]
    sent: int  # files so far, of all faults of the run
    confirmed: int
    settled: float  # seconds until all work was done
    orphans: int  # files without a row, as long as they are young
    answers: dict[str, int]
    wrong: list[str]


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    if unknown := [each for each in arguments.only if each not in kinds.KINDS]:
        console.complain(f"There is no fault “{unknown[0]}”, but {', '.join(kinds.KINDS)}.")
        return 2
    done = _done(arguments.log, arguments.setup, arguments.seed)
    numbers = [n for n in range(1, arguments.kills + 1) if n not in done]
    if not numbers:
        console.out.print("All of them are in the log already.")
        return 0
    plan = _Plan(
        setup=arguments.setup,
        seed=arguments.seed,
        only=arguments.only,
        minutes=arguments.minutes,
        live=arguments.live,
        within=arguments.within,
        rests=arguments.rests,
        made=arguments.made,
        log=arguments.log,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    try:
        with TemporaryDirectory(prefix="faults-") as folder, ExitStack() as stack:
            Path(folder).chmod(0o755)  # PostgreSQL has an account of its own
            run = _Run(plan, Path(folder), stack)
            return run.run(numbers)
    except SiteError as error:
        console.complain(error)
        return 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What was asked for."""

    setup: str
    seed: int
    only: Sequence[str]
    minutes: float
    live: bool
    within: float  # seconds
    rests: bool
    made: Path | None
    log: Path | None


class _Run:
    """A site, what flows through it, and the faults."""

    def __init__(self, plan: _Plan, folder: Path, stack: ExitStack) -> None:
        self._plan, self._said = plan, set[str]()
        made = plan.made or material.make(folder / "made")
        videos = material.videos(made)
        receiver = Receiver()
        stack.callback(receiver.close)
        self._counts = receiver.counts
        self.site: Setup = SETUPS[plan.setup](folder, made, receiver=receiver.address)
        stack.callback(self.site.down)
        self._played = stack.enter_context(ExitStack())
        if plan.live:
            camera = self._played.enter_context(
                Camera([videos[each] for each in PLAYED], Form(), only="rtsp")
            )
            self.site.add_cameras([("Till", camera.rtsp_url)], model=material.MODEL)
        self.site.up()
        self.site.sign_in()
        self._flow = Flow(self.site, material.Files(videos), seed=plan.seed)
        stack.callback(self._flow.end)
        self._possible = kinds.possible(self.site)
        if missing := [each for each in plan.only if each not in self._possible]:
            msg = f"The fault “{missing[0]}” can't be tried on this set-up, or machine."
            raise SiteError(msg)

    def run(self, numbers: Sequence[int]) -> int:
        wrong, until = [], time.monotonic() + self._plan.minutes * 60
        with console.progress("Breaking", len(numbers)) as advance:
            for number in numbers:
                if time.monotonic() > until:
                    break
                tried = self._try(number)
                _append(self._plan.log, tried)
                wrong += [f"{tried.number}, {tried.kind}: {each}" for each in tried.wrong]
                advance()
        wrong += self._end()
        if wrong:
            self._show_logs()
        for each in wrong:
            console.warn(each)
        return int(bool(wrong))

    def _show_logs(self) -> None:
        """Of each part the end: the folder with all of it is about to be removed."""
        for each in self.site.services:
            console.err.print(f"… {each.name}:\n{each.last_words()}", markup=False, soft_wrap=True)

    def _try(self, number: int) -> Tried:
        lots = random.Random(f"{self._plan.seed} {number}")  # noqa: S311
        broken = self._broken
        only = self._plan.only
        kind = only[(number - 1) % len(only)] if only else lots.choice(list(self._possible))
        hit, found = [], invariants.Found()
        self._flow.open()
        time.sleep(lots.uniform(*BEFORE))
        for what in self._possible[kind](self.site, lots):
            time.sleep(lots.uniform(*AFTER))
            hit.append(what)
            self._flow.pause()
            looked = self._settle()
            invariants.check(self.site, self._flow.sent, looked)
            looked.wrong += self.site.troubles
            looked.wrong += [wrong for find in self.site.later for wrong in find()]
            self.site.troubles, self.site.later = [], []
            found.wrong += [f"({what}) {each}" for each in looked.wrong if each not in self._said]
            self._said.update(looked.wrong)  # of the fault that did it
            found.orphans, found.seconds = looked.orphans, max(found.seconds, looked.seconds)
            self._flow.open()
        self._flow.pause()
        if new := self._broken - broken:
            found.wrong.append(f"{new} requests were answered with 500, and without a sentence.")
        invariants.let_flood_pass(self.site)
        return self._line(number, kind, hit, found)

    @property
    def _broken(self) -> int:
        """Requests so far that nobody had an answer for."""
        return sum(each.answers["500"] for each in self._flow.sent)

    def _settle(self) -> invariants.Found:
        return invariants.settle(self.site, within=self._plan.within, rests=self._plan.rests)

    def _line(self, number: int, kind: str, hit: list[str], found: invariants.Found) -> Tried:
        return Tried(
            setup=self._plan.setup,
            seed=self._plan.seed,
            number=number,
            kind=kind,
            hit=hit,
            sent=len(self._flow.sent),
            confirmed=sum(each.is_confirmed for each in self._flow.sent),
            settled=round(found.seconds, 1),
            orphans=found.orphans,
            answers=dict(sum((each.answers for each in self._flow.sent), Counter())),
            wrong=found.wrong,
        )

    def _end(self) -> list[str]:
        """What can be said only when nothing comes any more."""
        self._played.close()
        wrong = self._settle().wrong
        wrong += invariants.alerts(self.site, self._counts, self._flow.sent)
        events = self.site.rows("SELECT count(*) FROM video_classifier_liveevent")[0][0]
        for each in self.site.services:  # a file without a row may be on its way to one
            each.end()
        orphans = invariants.files_without_rows(self.site)
        self.site.age(orphans, seconds=PAST)
        self.site.manage("sweep_files", "--force")
        if left := invariants.files_without_rows(self.site) & orphans:
            wrong.append(f"{len(left)} files without a row are there after the sweep.")
        confirmed = sum(each.is_confirmed for each in self._flow.sent)
        line = {
            "setup": self._plan.setup,
            "seed": self._plan.seed,
            "end": True,
            "sent": len(self._flow.sent),
            "confirmed": confirmed,
            "alerts": len(self._counts),
            "alerts twice": sum(count > 1 for count in self._counts.values()),
            "live events": events,
            "swept": len(orphans),
            "wrong": wrong,
        }
        _write(self._plan.log, line)
        console.out.print(json.dumps(line, ensure_ascii=False), markup=False, soft_wrap=True)
        return wrong


def _done(log: Path | None, setup: str, seed: int) -> set[int]:
    """The numbers that the log has already."""
    if log is None or not log.exists():
        return set()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    mine = [each for each in lines if (each["setup"], each["seed"]) == (setup, seed)]
    return {each["number"] for each in mine if "number" in each}


def _append(log: Path | None, tried: Tried) -> None:
    line = asdict(tried)
    _write(log, line)
    if log is None or tried.wrong:
        console.err.print(json.dumps(line, ensure_ascii=False), markup=False, soft_wrap=True)


def _write(log: Path | None, line: dict[str, object]) -> None:
    if log is not None:
        with log.open("a") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("faults", __doc__, EXAMPLE)
    parser.add_argument("--setup", choices=SETUPS, default="sqlite", help="default: %(default)s")
    parser.add_argument("--kills", type=int, default=20, help="faults (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument(
        "--only",
        type=lambda words: words.split(","),
        default=(),
        metavar="KINDS",
        help=f"these, in turn, of {', '.join(kinds.KINDS)}",
    )
    parser.add_argument("--minutes", type=float, default=600.0, help="begin no fault after so many")
    parser.add_argument(
        "--within",
        type=float,
        default=invariants.SETTLED,
        metavar="SECONDS",
        help="in which all work has to end after a fault (default: %(default)s)",
    )
    parser.add_argument(
        "--rests",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="what waits a minute for its storage does so; else it goes on at once",
    )
    parser.add_argument("--made", type=Path, metavar="FOLDER", help="what `material.make` made")
    parser.add_argument("--log", type=console.file_to_write, metavar="FILE", help="a line a fault")
    parser.add_argument(
        "--live", action=argparse.BooleanOptionalAction, default=True, help="watch a camera, too"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
