"""Measures how long pages take once there are many clips and events.

It fills a database of its own, which is gone afterwards: in a folder of its own, or at the server
that DATABASE_URL names.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from scripts._lib import console, markdown

if TYPE_CHECKING:
    from scripts.benchmark_pages.measuring import Timing

EXAMPLE = """examples:
  python -m scripts.benchmark_pages --write docs/performance.md
  DATABASE_URL=postgres://postgres@127.0.0.1/postgres python -m scripts.benchmark_pages

Milliseconds of warm requests, from the request to the whole answer, in one process.
"""
HEADS = ("page", "who looks", "queries", "p50, ms", "p95, ms")
MOST = 150.0  # milliseconds of p95


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    with _site(), _database() as vendor:
        mark = f"pages on {vendor}"
        try:
            if arguments.write:
                markdown.check(arguments.write, mark)
            found = _measured(
                arguments.clips, arguments.events, times=arguments.times, only=arguments.only
            )
        except markdown.PageError as error:
            console.complain(error)
            return 2
    table = markdown.table([HEADS, *map(_row, found)], words=2)
    console.out.print(table, markup=False, soft_wrap=True)
    if arguments.write:
        markdown.write(arguments.write, mark, table)
    slow = [each.page.name for each in found if each.p95 > MOST]
    if slow:
        console.warn(f"Over {MOST:g} ms at p95: {', '.join(slow)}.")
    return int(bool(slow))


def _measured(clips: int, events: int, *, times: int, only: str) -> list[Timing]:
    from django.utils import timezone

    from scripts.benchmark_pages import filling, measuring

    sizes = filling.Sizes(clips=clips, events=events)
    with console.progress("Filling", -(-clips // filling.AT_ONCE)) as advance:
        people = filling.fill(sizes, now=timezone.now(), advance=advance)
    pages = [page for page in measuring.pages(people) if only in page.name]
    found = []
    with console.progress("Measuring", len(pages)) as advance:
        for page in pages:
            found.append(measuring.measure(page, times=times))
            advance()
    return found


def _row(timing: Timing) -> tuple[str, ...]:
    page = timing.page
    who = "superuser" if page.who.is_superuser else "member"
    return page.name, who, str(timing.queries), f"{timing.median:.0f}", f"{timing.p95:.0f}"


@contextmanager
def _site() -> Iterator[None]:
    """Django, with a folder of its own, and without a worker."""
    import django

    with TemporaryDirectory() as folder:
        os.environ |= {"DATA_DIR": folder, "RUNNER": "none", "DEBUG": "false"}
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shoplift_site.settings")
        django.setup()
        yield


@contextmanager
def _database() -> Iterator[str]:
    """One that is made here and gone afterwards; its vendor."""
    from django.conf import settings
    from django.db import connection

    name = f"shoplift_pages_{os.getpid()}"
    is_file = connection.vendor == "sqlite"
    own = str(Path(settings.DATA_DIR) / f"{name}.sqlite3") if is_file else name
    connection.settings_dict["TEST"]["NAME"] = own
    before = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield connection.vendor
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("benchmark_pages", __doc__, EXAMPLE)
    parser.add_argument("--clips", type=int, default=100_000, metavar="N", help="%(default)s")
    parser.add_argument("--events", type=int, default=1_000_000, metavar="N", help="%(default)s")
    parser.add_argument(
        "--times", type=int, default=40, metavar="N", help="requests a page (default: %(default)s)"
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="measure pages whose name has this in it"
    )
    parser.add_argument(
        "--write",
        type=console.file_to_write,
        metavar="PAGE",
        help="also put the table into this page",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
