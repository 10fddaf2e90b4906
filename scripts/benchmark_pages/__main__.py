"""Measures how long pages, chores and exports take once there are many clips and events.

It fills a database of its own, which is gone afterwards: in a folder of its own, or at the server
that DATABASE_URL names.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from scripts._lib import console, markdown

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from scripts.benchmark_pages.chores import Done
    from scripts.benchmark_pages.exporting import Taken
    from scripts.benchmark_pages.filling import People, Sizes
    from scripts.benchmark_pages.measuring import Timing

Item = TypeVar("Item")
Figures = TypeVar("Figures")

COUNTED = 600.0  # seconds, at most, in which events are counted by day
EXAMPLE = """examples:
  python -m scripts.benchmark_pages --write docs/performance.md
  DATABASE_URL=postgres://postgres@127.0.0.1/postgres python -m scripts.benchmark_pages
  python -m scripts.benchmark_pages --keep /tmp/pages --only sorted --times 5

Milliseconds of warm requests, from the request to the whole answer, in one process.
"""
PAGES = ("page", "who looks", "queries", "p50, ms", "p95, ms")
EXPORTS = ("export", "who takes it", "first byte, ms", "all of it, s", "MB", "memory, MB")
CHORES = ("chore", "how much", "seconds")
MOST = 150.0  # milliseconds of p95
KEPT = "shoplift_pages"  # the name of a database that stays


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    with ExitStack() as opened:
        vendor = opened.enter_context(_site(arguments.keep))
        marks = {what: f"{what} on {vendor}" for what in ("pages", "chores", "exports")}
        from scripts.benchmark_pages import chores, exporting, filling, measuring
        from shoplift_site import startup

        try:
            if arguments.write:
                markdown.check(arguments.write, *marks.values())
            opened.enter_context(_database(is_kept=bool(arguments.keep)))
            people = _people(filling.Sizes(clips=arguments.clips, events=arguments.events))
            startup.settle()  # as the server does
            pages = [each for each in measuring.pages(people) if arguments.only in each.name]
            timed = _each("Measuring", pages, lambda page: measuring.measure(page, arguments.times))
            to_do = [each for each in chores.chores() if arguments.only in each.name]
            done = _each("Keeping house", to_do, chores.do)
            exports = [each for each in exporting.exports(people) if arguments.only in each.name]
            taken = _each("Exporting", exports, exporting.take) if arguments.exports else []
        except (markdown.PageError, filling.OtherRowsError, measuring.WrongAnswerError) as error:
            console.complain(error)
            return 2
    measured = {
        "pages": (PAGES, list(map(_page, timed))),
        "chores": (CHORES, list(map(_chore, done))),
        "exports": (EXPORTS, list(map(_export, taken))),
    }
    for name, (head, rows) in measured.items():
        if not rows:  # of what wasn't asked for the page keeps its figures
            continue
        table = markdown.table([head, *rows], words=2)
        console.out.print(table, markup=False, soft_wrap=True)
        if arguments.write:
            markdown.write(arguments.write, marks[name], table)
    slow = [each.page.name for each in timed if each.p95 > MOST]
    if slow:
        console.warn(f"Over {MOST:g} ms at p95: {', '.join(slow)}.")
    return int(bool(slow))


def _people(sizes: Sizes) -> People:
    """Who looks at the pages. Raises OtherRowsError."""
    from django.utils import timezone

    from scripts.benchmark_pages import filling
    from video_classifier.services import event_counts

    if people := filling.filled(sizes):
        return people
    with console.progress("Filling", -(-sizes.clips // filling.AT_ONCE)) as advance:
        people = filling.fill(sizes, now=timezone.now(), advance=advance)
    event_counts.catch_up(now=timezone.now(), budget=COUNTED)  # as a worker does before long
    return people


def _each(title: str, items: Sequence[Item], measure: Callable[[Item], Figures]) -> list[Figures]:
    found = []
    with console.progress(title, len(items)) as advance:
        for item in items:
            found.append(measure(item))
            advance()
    return found


def _page(timing: Timing) -> tuple[str, ...]:
    page = timing.page
    figures = (f"{timing.median:.0f}", f"{timing.p95:.0f}")
    return page.name, _name(page.who), str(timing.queries), *figures


def _chore(done: Done) -> tuple[str, ...]:
    return done.chore.name, done.much, f"{done.seconds:.1f}"


def _export(taken: Taken) -> tuple[str, ...]:
    export = taken.export
    figures = (f"{taken.first:.0f}", f"{taken.seconds:.1f}")
    megabytes = (f"{size / 1e6:.0f}" for size in (taken.size, taken.memory))
    return export.name, _name(export.who), *figures, *megabytes


def _name(who: User) -> str:
    return "superuser" if who.is_superuser else "member"


@contextmanager
def _site(kept: Path | None) -> Iterator[str]:
    """Django, with a folder of its own, and without a worker; the vendor of its database."""
    import django

    with nullcontext(kept) if kept else TemporaryDirectory() as folder:
        # Limits are counted as ever, and not reached by one who asks for all pages at once.
        own = {"DATA_DIR": str(folder), "RUNNER": "none", "DEBUG": "false", "RATE_LIMITS": "1000"}
        os.environ |= own
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shoplift_site.settings")
        django.setup()
        from django.db import connection

        yield connection.vendor


@contextmanager
def _database(*, is_kept: bool) -> Iterator[None]:
    """One that is made here, if it isn't kept from an earlier call."""
    from django.conf import settings
    from django.db import connection

    name = KEPT if is_kept else f"{KEPT}_{os.getpid()}"
    is_file = connection.vendor == "sqlite"
    own = str(Path(settings.DATA_DIR) / f"{name}.sqlite3") if is_file else name
    connection.settings_dict["TEST"]["NAME"] = own
    before = connection.settings_dict["NAME"]
    creation = connection.creation
    creation.create_test_db(verbosity=0, autoclobber=True, serialize=False, keepdb=is_kept)
    try:
        yield
    finally:
        creation.destroy_test_db(before, verbosity=0, keepdb=is_kept)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("benchmark_pages", __doc__, EXAMPLE)
    parser.add_argument("--clips", type=int, default=100_000, metavar="N", help="%(default)s")
    parser.add_argument("--events", type=int, default=1_000_000, metavar="N", help="%(default)s")
    parser.add_argument(
        "--times", type=int, default=40, metavar="N", help="requests a page (default: %(default)s)"
    )
    parser.add_argument(
        "--only",
        default="",
        metavar="TEXT",
        help="measure pages, chores and exports whose name has this in it",
    )
    parser.add_argument(
        "--exports",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="measure exports, too, which takes long (default: yes)",
    )
    parser.add_argument(
        "--keep",
        type=console.folder_to_write,
        metavar="FOLDER",
        help="leave the database there, or at the server, and use it if there is one",
    )
    parser.add_argument(
        "--write",
        type=console.file_to_write,
        metavar="PAGE",
        help="also put the tables into this page",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
