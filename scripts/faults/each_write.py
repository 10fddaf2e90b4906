"""Has the disk full at one write after the other of what a site does, and looks what is left.

A site as `make run` has it does one thing at a time: takes an upload in each of three ways and
analyzes it, makes a copy for browsers, packs evidence, has a live event, is backed up and restored,
takes in a model and a version, exports and erases footage. The disk runs full at
its first write, at its second and so on; after the first twelve some are left out, more and more of
them, until the thing is done without any that fails. That is done once for all writes, and once for
those of stored files alone, which may be on a disk of their own. Shortly after a write failed there
is room again. Then all work has to come to an end by itself, and the same has to hold as after any
other fault (`scripts.faults`); besides, no request is answered with 500, nothing is left in the
folders for uploads, and a command that could not be finished says so in a sentence and leaves
nothing that passes for what it was to make.

Needs Linux and a C compiler, and no root. Ends with 0 if nothing was wrong, with 1 after a sentence
for each thing that was, and with 2 if it could not be tried.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts._lib import console, markdown, material
from scripts._lib.simulator.camera import Camera
from scripts._lib.simulator.footage import Form
from scripts._lib.site_under_test import SiteError
from scripts.faults import backups, invariants
from scripts.faults.commands import Commands, Thing
from scripts.faults.flow import Flow
from scripts.faults.receiver import Receiver
from scripts.faults.setups import Setup
from scripts.faults.storage import Only

EXAMPLE = """examples:
  python -m scripts.faults.each_write --write docs/reliability.md
  python -m scripts.faults.each_write --only backup,evidence --most 10
"""
DENSE = 12  # writes of each thing that are all tried
GROWTH = 1.3  # of the step from one to the next, after these
FULL = 0.7  # seconds that the disk stays full after a write failed
SWEPT = 20.0  # seconds until nothing is left of an upload
LONGEST = 280.0  # seconds for a thing to be done, or for a write of it to fail
WITHIN = 300.0  # seconds for all work to end
OF_SITE = ("form", "tus", "api", "copy", "recording", "evidence", "backup", "live")
NAMES = (*OF_SITE, "import", "version", "export", "erase", "restore")
DISKS = {"whole": (False,), "stored": (True,), "both": (False, True)}
NOTHING_STORED = ("backup", "import", "version", "export", "restore")  # by these
PLAYED = ("dark",) * 4 + ("bright",) * 2  # by the camera, in turn
HEADS = ("what the site does", "where the disk was full first", "tried", "wrong")
_STAY = {Path("waiting-clips/place"), Path("waiting-clips/sending")}
_NUMBERS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+|tmp\w+")

_CASE = """
import django; django.setup()
from django.contrib.auth.models import User
from video_classifier.models import Clip, Store
from video_classifier.services import case_exports, cases
from video_classifier.services.cases import Subject
user, clip = User.objects.get(), Clip.objects.filter(analyses__status="done").first()
case = cases.create(clip.store, Subject(name="Till"), by=user)
cases.add_clip(case, clip, by=user)
case_exports.ask(case, by=user)
"""


@dataclass(slots=True, kw_only=True)
class Tried:
    """What came of one thing that the site does."""

    name: str
    places: Counter[str] = field(default_factory=Counter)  # by the file of the write that failed
    wrong: list[str] = field(default_factory=list)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    try:
        if arguments.write:
            markdown.check(arguments.write, "each write")
        with TemporaryDirectory(prefix="faults-") as folder, ExitStack() as stack:
            run = _Run(Path(folder), arguments.made, stack)
            chosen = arguments.only or list(run.things)
            found = [
                run.each(name, most=arguments.most, stored=stored)
                for stored in DISKS[arguments.disk]
                for name in chosen
                if not (stored and name in NOTHING_STORED)
            ]
    except (SiteError, markdown.PageError) as error:
        console.complain(error)
        return 2
    table = markdown.table([HEADS, *map(_row, found)], words=2)
    if arguments.write:
        markdown.write(arguments.write, "each write", table)
    console.out.print(table, markup=False, soft_wrap=True)
    for each in found:
        for wrong in each.wrong:
            console.warn(f"{each.name}: {wrong}")
    return int(any(each.wrong for each in found))


def _row(tried: Tried) -> tuple[str, ...]:
    places = ", ".join(f"{place} ({count})" for place, count in tried.places.most_common())
    return tried.name, places, str(tried.places.total()), str(len(tried.wrong))


class _Run:
    """A site, and what it does."""

    def __init__(self, folder: Path, made: Path | None, stack: ExitStack) -> None:
        made = made or material.make(folder / "made")
        self._videos = material.videos(made)
        receiver = Receiver()
        stack.callback(receiver.close)
        self._site = Setup(folder, made, receiver=receiver.address)
        stack.callback(self._site.down)
        self._site.up()
        self._site.sign_in()
        self._flow = Flow(self._site, material.Files(self._videos), seed=1, uploaders=0)
        self._said = set[str]()
        if self._site.storage is None:
            msg = "That takes Linux and a C compiler, cc on the PATH."
            raise SiteError(msg)
        self._storage = self._site.storage
        self.things: Mapping[str, Thing] = {
            "form": Thing(does=lambda: self._send("bright", "form")),
            "tus": Thing(does=lambda: self._send("dark", "tus")),
            "api": Thing(does=lambda: self._send("bright", "api")),
            "copy": Thing(does=lambda: self._send("avi", "form")),
            "recording": Thing(does=lambda: self._send("recording", "api")),
            "evidence": Thing(does=self._evidence),
            "backup": Thing(does=self._backup),
            **Commands(self._site, self._flow, made).things,
            "live": Thing(does=self._live),
        }

    def each(self, name: str, *, most: int, stored: bool) -> Tried:
        """Fills the disk at its writes, one after the other; with `stored` that of stored files."""
        tried = Tried(name=f"{name}, stored files" if stored else name)
        stack = ExitStack()
        with stack:
            if name == "live":
                videos = [self._videos[each] for each in PLAYED]
                camera = stack.enter_context(Camera(videos, Form(), only="rtsp"))
                self._site.add_cameras([("Till", camera.rtsp_url)], model=material.MODEL)
            for after in _numbers(most):
                place, wrong = self._once(self.things[name], after, stored=stored)
                if not place:
                    break
                tried.places[place] += 1
                tried.wrong += [f"({after + 1}: {place}) {each}" for each in wrong]
                console.err.print(f"{tried.name} {after + 1}: {place}", markup=False)
                for each in wrong:
                    console.warn(each)
                if wrong:
                    words = self._site.web.last_words(200)
                    console.err.print(words, markup=False, soft_wrap=True)
        return tried

    def _once(self, thing: Thing, after: int, *, stored: bool) -> tuple[str, list[str]]:
        """Where the disk was full first ("" if nowhere), and what was wrong then."""
        said: list[str] = []
        thing.ready()
        does = threading.Thread(target=lambda: said.extend(thing.does()))
        with self._storage.full(after=after, only=Only.STORED if stored else Only.ALL):
            does.start()
            until = time.monotonic() + LONGEST
            while not self._storage.failed and time.monotonic() < until:
                if not does.is_alive() and not invariants.is_busy(self._site):
                    break
                time.sleep(0.02)
            if self._storage.failed:
                time.sleep(FULL)
        does.join()
        self._site.up()
        looked = invariants.settle(self._site, within=WITHIN, rests=False)
        invariants.check(self._site, self._flow.sent, looked)
        wrong = [*said, *looked.wrong, *thing.look(), *self._left_over()]
        new = [each for each in wrong if each not in self._said]
        self._said.update(new)  # what is wrong once stays so
        return _NUMBERS.sub("…", self._storage.first), new

    def _left_over(self) -> list[str]:
        """Of uploads that were broken off, but for those by tus, which expire."""
        folder, until = self._site.data / "uploads", time.monotonic() + SWEPT
        while True:  # a live event may be on its way
            files = [each.relative_to(folder) for each in folder.rglob("*") if each.is_file()]
            left = [each for each in files if each.parts[0] != "resumable" and each not in _STAY]
            if not left or time.monotonic() > until:
                return [f"uploads/{each} is left over." for each in left]
            time.sleep(0.2)

    def _send(self, kind: str, way: str) -> list[str]:
        sent = self._flow.send(kind, way)
        bad = [status for status in sent.answers if status == "500"]
        return [f"“{sent.file.name}” was answered with 500 ({way})." for _ in bad]

    def _evidence(self) -> list[str]:
        self._site._run("-c", _CASE)  # noqa: SLF001
        return []

    def _backup(self) -> list[str]:
        folder = self._site.data / "backup"
        try:
            environment = self._site.environment_of_commands | self._storage.environment
            return backups.wrong_with(environment, folder)[0]
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _live(self) -> list[str]:
        """Waits for an event of the camera to begin and to end."""
        query = "SELECT count(*) FROM video_classifier_liveevent WHERE closed_at IS NOT NULL"
        before, until = self._site.rows(query)[0][0], time.monotonic() + LONGEST
        while self._site.rows(query)[0][0] == before and time.monotonic() < until:
            time.sleep(0.2)
        return []


def _numbers(most: int) -> Iterator[int]:
    """How many writes succeed before one fails."""
    after, step = 0, 1.0
    for count in range(most):
        yield after
        if count >= DENSE:
            step *= GROWTH
        after += round(step)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("faults.each_write", __doc__, EXAMPLE)
    parser.add_argument(
        "--only",
        type=lambda words: words.split(","),
        default=(),
        metavar="THINGS",
        help=f"of {', '.join(NAMES)} (default: all)",
    )
    parser.add_argument(
        "--disk",
        choices=DISKS,
        default="both",
        help="all that the site writes to, or where stored files are (default: %(default)s)",
    )
    parser.add_argument(
        "--most", type=int, default=40, help="writes a thing (default: %(default)s)"
    )
    parser.add_argument("--made", type=Path, metavar="FOLDER", help="what `material.make` made")
    parser.add_argument(
        "--write", type=Path, metavar="PAGE", help="put the table into this page, between its marks"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
