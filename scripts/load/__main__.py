"""How the site answers while many people work on it at once.

A site of its own is served on this machine, and Locust plays the people: some upload a small clip
every ten seconds or so, the others look at results, the history, the review queue and the
dashboard. Ends with 1 if a request failed.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts._lib import console, markdown, material
from scripts._lib.site_under_test import ROOT, Site, SiteError
from scripts.load.environment import KINDS, SESSIONS, VIDEOS

EXAMPLE = """examples:
  python -m scripts.load
  python -m scripts.load --viewers 50 --uploaders 10 --minutes 5 --write docs/reliability.md
"""
MARK = "load"
SETTINGS = {
    "DEFAULT_MODEL": material.MODEL,
    "WAITING_PER_USER": "1000",
    "DISK_FLOOR_BYTES": "0",
    "WATCHER": "none",
}
LOG_LINES = 200  # of a server that failed
FIRST = 60  # clips that are there already
_PEOPLE = """
import os, django
django.setup()
from django.contrib.auth.models import User
from django.test import Client
from video_classifier.models import Store
from video_classifier.services import accounts
from video_classifier.states import Role
for number in range(int(os.environ["PEOPLE"])):
    user = User.objects.create_user(f"person-{number}")
    accounts.join(user, Store.objects.get(), Role.ANALYST, Role.REVIEWER)
    client = Client()
    client.force_login(user)
    print(client.cookies["sessionid"].value)
"""


class _Peopled(Site):
    def people(self, count: int) -> str:
        """The keys of their sessions, a line each."""
        self._environment |= {"PEOPLE": str(count)}
        return self._run("-c", _PEOPLE)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        if arguments.write:
            markdown.check(arguments.write, MARK)
        with TemporaryDirectory(prefix="load-") as folder:
            people = _People(viewers=arguments.viewers, uploaders=arguments.uploaders)
            settings = SETTINGS | {"WEB_PROCESSES": str(arguments.processes)}
            failed, table = _measure(Path(folder), people, settings, minutes=arguments.minutes)
        console.out.print(table, markup=False)
        if arguments.write:
            markdown.write(arguments.write, MARK, table)
    except (SiteError, markdown.PageError) as error:
        console.complain(error)
        return 2
    return failed


@dataclass(frozen=True, slots=True, kw_only=True)
class _People:
    """How many there are."""

    viewers: int
    uploaders: int

    @property
    def count(self) -> int:
        return self.viewers + self.uploaders


def _measure(
    folder: Path, people: _People, settings: dict[str, str], *, minutes: float
) -> tuple[int, str]:
    """1 if a request failed, and the table."""
    made = folder / "made"
    made.mkdir()
    material.write_model(made)
    videos = material.write_videos(made)
    site = _Peopled(folder / "data", **settings, MODELS_STORAGE=str(made))
    try:
        site.start()
        site.sign_in()
        files = material.Files(videos)
        for number in range(FIRST):
            file = files.make(KINDS[number % len(KINDS)])
            site.upload(file.name, file.content, model=material.MODEL)
        sessions = folder / "sessions"
        sessions.write_text(site.people(people.count))
        failed = _locust(site, folder, people, minutes=minutes)
    finally:
        site.stop()
    if failed:
        log = (site.data / "server.log").read_text(errors="replace").splitlines()
        console.complain("\n".join(["The server's log ends so:", *log[-LOG_LINES:]]))
    return failed, markdown.table(_lines(folder / "load_stats.csv"))


def _locust(site: Site, folder: Path, people: _People, *, minutes: float) -> int:
    """1 if a request failed."""
    words = ["--headless", "--only-summary", "--exit-code-on-error", "1", "--host", site.address]
    words += ["--users", str(people.count), "--spawn-rate", "5"]
    words += ["--run-time", f"{minutes * 60:.0f}s", "--csv", str(folder / "load")]
    shares = {"VIEWERS": people.viewers, "UPLOADERS": people.uploaders}
    environment = os.environ | {name: str(count) for name, count in shares.items()}
    environment |= {SESSIONS: str(folder / "sessions"), VIDEOS: str(folder / "made")}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "locust", "-f", "scripts/load/people.py", *words],
        cwd=ROOT,
        env=environment,
        check=False,
        stdout=2,  # where scripts show their progress
    )
    return done.returncode


def _lines(file: Path) -> list[list[str]]:
    """A row for what was asked for, and one for everything."""
    lines = [["what", "requests", "failed", "p50, ms", "p95, ms", "p99, ms"]]
    with file.open(newline="") as rows:
        for row in csv.DictReader(rows):
            what = "everything" if row["Name"] == "Aggregated" else row["Name"]
            counts = [row["Request Count"], row["Failure Count"]]
            lines.append([what, *counts, row["50%"], row["95%"], row["99%"]])
    return lines


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("load", __doc__, EXAMPLE)
    parser.add_argument("--viewers", type=int, default=50, help="default: %(default)s")
    parser.add_argument("--uploaders", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--processes", type=int, default=1, help="that serve; default: %(default)s")
    parser.add_argument("--minutes", type=float, default=5.0, help="default: %(default)s")
    parser.add_argument(
        "--write", type=console.file_to_write, metavar="PAGE", help="put the table into this page"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
