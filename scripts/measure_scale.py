"""Measures how analysis scales with worker processes, and how a claim does with the queue.

A site on a PostgreSQL of its own analyzes a recording made of a clip, minute by minute: once by
each number of `manage.py run_worker` processes. The statements are counted by PostgreSQL
(pg_stat_statements), without BEGIN, COMMIT and the like; processor time is the kernel's, of the
workers with their children, whose start is included, and of PostgreSQL's processes. Then segments
pile up in the queue, and claims are timed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psutil
import psycopg

from scripts._lib import console, markdown, ports, recordings
from scripts._lib.processes import Service
from scripts._lib.recordings import Kind
from scripts._lib.servers import DATABASE, Postgres
from scripts._lib.site_under_test import SiteError
from video_classifier.ml.contracts import ClipError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from video_classifier.models import Analysis
    from video_classifier.services.uploads import Choices

EXAMPLE = """examples:
  python -m scripts.measure_scale ../shared/data/mnnit/non_shoplifters/normal_017.mp4 \\
      --write docs/scale.md
  python -m scripts.measure_scale CLIP --quick --only claims

Takes four to eight minutes on two cores, and with --quick about two. A table is written as soon as
it is complete.
"""
KINDS = {
    "empty": Kind(with_people=False),
    "two people a third of the time": Kind(with_people=True),
}
MINUTE = 60.0  # seconds; a recording is cut into segments of so many
LEAST = 2  # segments: shorter files are analyzed as one clip
PATIENCE = 300.0  # seconds for a worker to start, or for a recording to be analyzed
IDLE = 5.0  # seconds in which workers have nothing to do
CLAIMS = 15  # that are timed for each length of the queue
LOOKER = "looker"  # the account of this script, whose statements are not counted
RUN_HEADS = (
    *("recording", "workers", "segments an hour", "processor time a segment"),
    *("of PostgreSQL", "statements a segment", "rows a segment"),
)
IDLE_HEADS = ("workers", "kinds", "connections", "statements a second, of each worker that waits")
CLAIM_HEADS = ("segments that wait", "claim, p50", "claim, longest of 15")
WORKERS, IDLE_WORKERS, CLAIM_TIMES = TABLES = ("workers", "idle workers", "claims")
STATEMENTS = """
    SELECT coalesce(sum(calls), 0) FROM pg_stat_statements JOIN pg_roles r ON r.oid = userid
    WHERE rolname <> %s AND query !~* '^(begin|commit|rollback|savepoint|release|set|show)'
"""
ROWS = "SELECT coalesce(sum(n_tup_ins), 0) FROM pg_stat_user_tables"
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename <> %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    clip: Path
    model: str
    segments: int  # of each recording
    workers: Sequence[int]
    queue: Sequence[int]  # lengths

    @property
    def steps(self) -> int:
        return (len(self.workers) + bool(self.workers)) * len(KINDS) + len(self.queue)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What PostgreSQL and the kernel counted up to now; of two, the difference is of interest."""

    at: float  # seconds
    workers: float  # seconds of processor time
    database: float  # seconds of processor time
    statements: int
    rows: int


class Scale:
    """The site, its database, and what is measured of them."""

    def __init__(self, folder: Path, server: Postgres) -> None:
        self.folder, self._server = folder, server
        self._looking = psycopg.connect(_address(server, LOOKER), autocommit=True)
        self._services: list[Service] = []

    def close(self) -> None:
        for each in self._services:
            each.end()
        self._looking.close()

    def start(self, workers: int, *words: str) -> None:
        """So many, and waits until each has looked at the queue."""
        environment = os.environ | {"DATABASE_URL": _address(self._server, "postgres")}
        for number in range(workers):
            log = self.folder / f"worker-{workers}-{number}.log"
            command = [sys.executable, "manage.py", "run_worker", *words]
            self._services.append(Service(log.stem, command, environment, log))
            self._services[-1].start()
            _wait(lambda log=log: "Worker" in log.read_text(), f"A worker doesn't start: {log}.")
        time.sleep(IDLE)

    def stop(self) -> None:
        for each in self._services:
            each.end()
        self._services.clear()

    def idle(self, kinds: str) -> tuple[str, ...]:
        before = self.counted()
        time.sleep(IDLE)
        after = self.counted()
        (connections,) = self._row(CONNECTIONS, DATABASE, LOOKER)
        workers = len(self._services)
        rate = (after.statements - before.statements) / (after.at - before.at) / workers
        return str(workers), kinds, str(connections), f"{rate:.1f}"

    def analyzed(self, kind: str, analysis: Analysis, segments: int, before: Counted) -> list[str]:
        """Waits for its end. `before` was counted before it was queued."""
        from video_classifier.states import Status

        def has_ended() -> bool:
            analysis.refresh_from_db()
            return analysis.status not in (Status.QUEUED, Status.RUNNING)

        _wait(has_ended, f"The analysis does not end; see the logs in {self.folder}.")
        if analysis.status != Status.DONE:
            msg = f"The analysis failed: {analysis.error}"
            raise SiteError(msg)
        seconds = time.monotonic() - before.at
        time.sleep(1.0)  # until PostgreSQL's processes have reported their rows
        after = self.counted()
        each = [
            f"{(after.workers - before.workers) / segments:.2f} s",
            f"{(after.database - before.database) / segments * 1000:.0f} ms",
            f"{(after.statements - before.statements) / segments:.0f}",
            f"{(after.rows - before.rows) / segments:.0f}",
        ]
        return [kind, str(len(self._services)), f"{segments / seconds * 3600:,.0f}", *each]

    def counted(self) -> Counted:
        families = [process for each in self._services for process in each.family()]
        (statements,), (rows,) = self._row(STATEMENTS, LOOKER), self._row(ROWS)
        return Counted(
            at=time.monotonic(),
            workers=sum(map(_processor_time, families)),
            database=sum(map(_processor_time, self._server.family())),
            statements=int(statements),
            rows=int(rows),
        )

    def _row(self, query: str, *parameters: str) -> tuple[Any, ...]:
        row = self._looking.execute(query.encode(), parameters).fetchone()
        return row or (0,)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    workers = arguments.workers or ((1, 2) if arguments.quick else (1, 2, 4))
    queue = (100, 1000) if arguments.quick else (100, 1_000, 10_000, 30_000)
    plan = Plan(
        clip=arguments.clip,
        model=arguments.model,
        segments=arguments.segments or (LEAST if arguments.quick else 6),
        workers=() if arguments.only == CLAIM_TIMES else workers,
        queue=() if arguments.only == WORKERS else queue,
    )
    try:
        if arguments.write:
            markdown.check(arguments.write, *TABLES)
        with console.progress("Measuring", plan.steps) as advance:
            for name, table in _measured(plan, advance):
                console.out.print(table, markup=False, soft_wrap=True)
                if arguments.write:
                    markdown.write(arguments.write, name, table)
    except (ClipError, SiteError, markdown.PageError) as error:
        console.complain(error)
        return 2
    return 0


def _measured(plan: Plan, advance: Callable[[], None]) -> Iterator[tuple[str, str]]:
    """The tables and their names. Raises ClipError and SiteError."""
    with TemporaryDirectory(prefix="scale-") as made, _site(Path(made)) as scale:
        user, choices = _people(plan.model)
        if plan.workers:
            yield from _workers(scale, plan, user, choices, advance)
        if plan.queue:
            claims = []
            for length in plan.queue:
                claims.append(_claims(user, choices, length))
                advance()
            yield CLAIM_TIMES, markdown.table([CLAIM_HEADS, *claims])


def _workers(
    scale: Scale, plan: Plan, user: User, choices: Choices, advance: Callable[[], None]
) -> Iterator[tuple[str, str]]:
    videos = {}
    for name, kind in KINDS.items():
        videos[name] = _recording(scale.folder, plan, name, kind)
        advance()
    runs = []
    scale.start(1, "--kinds", "segments")
    idle = [scale.idle("segments")]
    scale.stop()
    for workers in plan.workers:
        scale.start(workers)
        idle.append(scale.idle("all"))
        for name, video in videos.items():
            before = scale.counted()
            analysis = _upload(video, user, choices)
            runs.append(scale.analyzed(name, analysis, plan.segments, before))
            advance()
        scale.stop()
    yield WORKERS, markdown.table([RUN_HEADS, *sorted(runs)])
    yield IDLE_WORKERS, markdown.table([IDLE_HEADS, *idle], words=2)


@contextmanager
def _site(folder: Path) -> Iterator[Scale]:
    """Django, on a PostgreSQL that counts, and nothing that works yet."""
    folder.chmod(0o755)  # PostgreSQL has an account of its own
    port = ports.free()
    server = Postgres(folder / "postgres", port)
    try:
        with server.connection() as connection:
            connection.execute(f"CREATE ROLE {LOOKER} LOGIN SUPERUSER")
            connection.execute("ALTER SYSTEM SET shared_preload_libraries = pg_stat_statements")
            connection.execute("CREATE EXTENSION pg_stat_statements")
        server.end()
        server.start()
        _set_up_django(folder / "data", _address(server, LOOKER))
        with closing(Scale(folder, server)) as scale:
            yield scale
    finally:
        server.end()


def _set_up_django(data: Path, address: str) -> None:
    import django

    os.environ |= {"DATA_DIR": str(data), "DATABASE_URL": address, "DEBUG": "false"}
    os.environ |= {"RUNNER": "none", "WATCHER": "none", "DATABASE_POOL": "0"}
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shoplift_site.settings")
    data.mkdir()
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, skip_checks=True)


def _address(server: Postgres, account: str) -> str:
    return f"postgres://{account}@127.0.0.1:{server.port}/{DATABASE}"


def _people(model: str) -> tuple[User, Choices]:
    from django.contrib.auth.models import User

    from video_classifier.models import Store
    from video_classifier.services.uploads import Choices

    store = Store.objects.first() or Store.objects.create(name="Scale")
    return User.objects.create_superuser("ada"), Choices(model=model, store=store)


def _recording(folder: Path, plan: Plan, name: str, kind: Kind) -> Path:
    """A minute of that kind as often as there are to be segments."""
    minute = recordings.write(folder / f"{name}.mp4", plan.clip, kind, seconds=MINUTE)
    return recordings.lengthen(minute, folder / f"{name}, long.mp4", times=plan.segments)


def _upload(video: Path, user: User, choices: Choices) -> Analysis:
    """Queues its analysis. The same bytes would not be taken in again: each time there are more."""
    from video_classifier.services import uploads

    with video.open("ab") as file:  # a box of MP4 that readers skip
        file.write((8).to_bytes(4, "big") + b"free")
    size = video.stat().st_size
    copy = video.with_name("upload.mp4")
    copy.write_bytes(video.read_bytes())
    with uploads.FileOnDisk(copy, copy.name, size) as file:
        return uploads.accept(file=file, user=user, choices=choices, max_bytes=size)


def _claims(user: User, choices: Choices, length: int) -> list[str]:
    """How long a claim takes while so many wait, as a worker would have it."""
    from django.db import connection

    from video_classifier.models import Analysis, Clip, Segment
    from video_classifier.services import segments

    Segment.objects.all().delete()
    clip = Clip.objects.create(
        name=f"{length}.mp4",
        file=f"{length}.mp4",  # which nobody reads
        sha256=f"{length:064}",
        store=choices.store,
        uploaded_by=user,
        size_bytes=1,
        container="mp4",
        codec="h264",
        width=640,
        height=480,
        frame_rate=25.0,
        duration=length * MINUTE,
    )
    analysis = Analysis.objects.create(clip=clip, model=choices.model, requested_by=user)
    rows = (
        Segment(
            analysis=analysis,
            number=number,
            start=(number - 1) * MINUTE,
            end=number * MINUTE,
            requested_by=user,
        )
        for number in range(1, length + CLAIMS + 1)
    )
    Segment.objects.bulk_create(rows, batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum does before long
    times = []
    for number in range(CLAIMS):
        began = time.perf_counter()
        if segments.claim_next(worker=str(number)) is None:
            msg = "There was nothing to claim."
            raise SiteError(msg)
        times.append(time.perf_counter() - began)
    figures = statistics.median(times), max(times)
    return [f"{length:,}", *(f"{seconds * 1000:.0f} ms" for seconds in figures)]


def _processor_time(process: psutil.Process) -> float:
    """Seconds, of it and of its children that have ended."""
    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.NoSuchProcess:
        return 0.0


def _wait(condition: Any, otherwise: str) -> None:
    """Raises SiteError."""
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            raise SiteError(otherwise)
        time.sleep(0.1)


def _segments(text: str) -> int:
    if (number := int(text)) < LEAST:
        msg = f"{text} is not enough: at least {LEAST}."
        raise argparse.ArgumentTypeError(msg)
    return number


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("measure_scale", __doc__, EXAMPLE)
    add = parser.add_argument
    add("clip", type=Path, metavar="CLIP", help="of people, of which recordings are made")
    add("--model", default="i3d_person", help="(default: %(default)s)")
    add(
        "--segments",
        type=_segments,
        metavar="N",
        help="minutes of each recording (default: 6, with --quick 2)",
    )
    add(
        "--workers",
        type=int,
        nargs="+",
        metavar="N",
        help="numbers of worker processes (default: 1 2 4, with --quick 1 2)",
    )
    add("--only", choices=(WORKERS, CLAIM_TIMES), help="the other tables stay as they are")
    add("--quick", action="store_true", help="less of everything: whether it works")
    add(
        "--write",
        type=console.file_to_write,
        metavar="PAGE",
        help="put the tables into this page, between marks such as <!-- workers: begin -->",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
