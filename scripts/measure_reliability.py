"""Kills the site again and again, and gives it damaged files, and counts what goes wrong.

The site is started as shipped, on 127.0.0.1, with data of its own in a temporary folder. Kills
are SIGKILLs of the server at random moments while clips are uploaded and analyzed. Damaged files
are uploaded like any other; what is accepted is analyzed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import psutil
import requests

from scripts._lib import console, markdown, mutations
from scripts._lib.site_under_test import Site, SiteError

EXAMPLE = """example:
  python -m scripts.measure_reliability ../shared/data/surveillance_no_theft/*1.mp4 \\
      --kills 40 --files 2000 --write docs/reliability.md
"""

LEAST_PICTURES = 8  # for a result
QUEUE = 30  # analyses that may wait before more is uploaded
GRACE = 10.0  # seconds beyond its deadline in which a run has to have ended
DECODER, SCORER = "decoder_process", "scorer_process"
MEMORY = {DECODER: 1536 * 2**20, SCORER: 2 * 2**30}  # bytes
HEAVY = ("tensorflow", "cv2", "libav")  # what the web process must never load
HEADS = ("figure", "wanted", "found")
ENDED = "status IN ('done', 'failed')"


class _Plan(NamedTuple):
    """How often something is done to the site."""

    times: int
    model: str
    seed: int


class Row(NamedTuple):
    """A figure of a table, what is wanted of it, and what it came to."""

    what: str
    wanted: str
    found: str


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        if arguments.write:
            markdown.check(arguments.write, "kills", "damaged files")
        with TemporaryDirectory() as folder:
            made = Path(folder)
            sources = [
                path.read_bytes()
                for clip in arguments.clips
                for path in mutations.variants(clip, made)
            ]
            tables = {}
            if arguments.kills:
                tables["kills"] = _killed(
                    made / "kills",
                    sources,
                    _Plan(arguments.kills, arguments.model, arguments.seed),
                    longest=arguments.longest,
                )
            if arguments.files:
                tables["damaged files"] = _fed(
                    made / "files",
                    sources,
                    _Plan(arguments.files, arguments.model, arguments.seed),
                )
    except (SiteError, markdown.PageError) as error:
        console.complain(error)
        return 2
    for name, rows in tables.items():
        table = markdown.table([HEADS, *rows], words=2)
        console.out.print(table, markup=False)
        if arguments.write:
            markdown.write(arguments.write, name, table)
    return int(any(row.wanted not in ("", row.found) for rows in tables.values() for row in rows))


# Kills


def _killed(data: Path, sources: Sequence[bytes], plan: _Plan, *, longest: float) -> list[Row]:
    """Uploads from one thread, kills from another."""
    random = np.random.default_rng(plan.seed)
    site = Site(data, ANALYSIS_LEASE="15", ANALYSIS_HEARTBEAT="3", ANALYSIS_ATTEMPTS="100")
    confirmed, broken, left_over = 0, 0, 0
    with console.progress("Killing", plan.times) as advance:
        for _ in range(plan.times):
            site.start()
            site.sign_in()
            killer = _Killer(site, after=float(random.uniform(0.5, longest)))
            while killer.is_waiting:
                content = sources[int(random.integers(len(sources)))]
                try:
                    answer = site.upload("clip.mp4", content, model=plan.model)
                except requests.RequestException:
                    broken += 1
                    break
                confirmed += answer.status_code == requests.codes.ok
                time.sleep(float(random.uniform(0, 1.0)))
            left_over += killer.left_over()
            advance()
    site.start()
    _drain(site, to=0)
    code = site.stop()
    return [
        Row("kills", "", str(plan.times)),
        Row("uploads confirmed", "", str(confirmed)),
        Row("uploads broken off, and reported as such", "", str(broken)),
        *_consistency(site, at_least=confirmed),
        Row("child processes alive 5 s after their server", "0", str(left_over)),
        Row("exit code of the orderly stop at the end", "0", str(code)),
    ]


class _Killer:
    """Kills the site in a while."""

    def __init__(self, site: Site, *, after: float) -> None:
        self._site = site
        self._orphans: list[psutil.Process] = []
        self._timer = threading.Timer(after, self._kill)
        self._timer.start()

    @property
    def is_waiting(self) -> bool:
        return self._timer.is_alive()

    def left_over(self) -> int:
        """Children that have not followed their server within five seconds."""
        self._timer.join()
        _, alive = psutil.wait_procs(self._orphans, timeout=5)
        return len(alive)

    def _kill(self) -> None:
        self._orphans = self._site.kill()


def _consistency(site: Site, *, at_least: int) -> Iterator[Row]:
    """Of the database, and of the files beside it."""
    clips = site.rows("SELECT file, playable FROM video_classifier_clip")
    known = {name for row in clips for name in row if name}
    media = site.data / "media"
    stored = {str(path.relative_to(media)) for path in media.rglob("*") if path.is_file()}
    analyses = site.rows(f"SELECT count(*) FROM video_classifier_analysis WHERE {ENDED}")[0][0]  # nosec B608  # noqa: S608
    doubled = site.rows(
        "SELECT count(*) FROM (SELECT clip_id FROM video_classifier_analysis"
        " GROUP BY clip_id HAVING count(*) > 1)"
    )[0][0]
    sound = site.rows("PRAGMA integrity_check")[0][0]
    yield Row("confirmed uploads without a row", "0", str(max(at_least - len(clips), 0)))
    yield Row("clips without an analysis that ended", "0", str(len(clips) - analyses))
    yield Row("clips analyzed twice", "0", str(doubled))
    yield Row("rows without their file", "0", str(len(known - stored)))
    orphans = {name for name in stored if not name.startswith("frames/")} - known
    yield Row("files without a row, before the sweep", "", str(len(orphans)))
    yield Row("integrity of the database", "ok", str(sound))


# Damaged files


class _Watch:
    """Looks at the site's processes several times a second: who is there, and how large."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._worker = site.worker().pid
        self.largest: Counter[str] = Counter()
        self.heavy = ""  # what the web process has loaded that it must not
        self.crashes = 0
        self.unhealthy = 0

    @contextmanager
    def looking(self) -> Iterator[None]:
        ended = threading.Event()
        looker = threading.Thread(target=self._look, args=(ended,))
        looker.start()
        try:
            yield
        finally:
            ended.set()
            looker.join()

    def _look(self, ended: threading.Event) -> None:
        number = 0
        while not ended.wait(0.1):
            for process in self._site.processes():
                self._weigh(process)
            number += 1
            if number % 10 == 0:
                self._examine()

    def _weigh(self, process: psutil.Process) -> None:
        try:
            words = " ".join(process.cmdline())
            size = process.memory_info().rss
        except psutil.Error:  # gone since
            return
        kind = next((each for each in MEMORY if each in words), "web")
        self.largest[kind] = max(self.largest[kind], size)

    def _examine(self) -> None:
        self.unhealthy += not self._site.is_healthy()
        worker = self._site.worker()
        self.crashes += worker.pid != self._worker
        self._worker = worker.pid
        maps = Path(f"/proc/{worker.pid}/maps")
        if maps.exists():
            loaded = maps.read_text()
            self.heavy = next((name for name in HEAVY if name in loaded), self.heavy)


def _fed(data: Path, sources: Sequence[bytes], plan: _Plan) -> list[Row]:
    random = np.random.default_rng(plan.seed)
    site = Site(data)
    site.start()
    site.sign_in()
    watch = _Watch(site)
    answers: Counter[int] = Counter()
    kinds: Counter[str] = Counter()
    with watch.looking(), console.progress("Feeding", plan.times) as advance:
        for number in range(plan.times):
            one, other = (sources[int(random.integers(len(sources)))] for _ in range(2))
            kind, content = mutations.mutated(one, other, random)
            kinds[kind] += 1
            name = f"{number:05} {kind}.mp4"
            answers[site.upload(name, content, model=plan.model).status_code] += 1
            if number % QUEUE == 0:
                _drain(site, to=QUEUE)
            advance()
        _drain(site, to=0)
    rows = list(_verdicts(site, watch, answers))
    site.stop()
    return [Row("files", "", str(plan.times)), Row("kinds", "", str(len(kinds))), *rows]


def _verdicts(site: Site, watch: _Watch, answers: Counter[int]) -> Iterator[Row]:
    ended = site.rows(
        "SELECT a.status, a.prediction, a.error, c.file,"
        " (julianday(a.finished_at) - julianday(a.started_at)) * 86400, c.duration"
        " FROM video_classifier_analysis a JOIN video_classifier_clip c ON c.id = a.clip_id"
    )
    results = [row for row in ended if row[0] == "done" and row[1] != "no_result"]
    none = [row for row in ended if row[0] == "done" and row[1] == "no_result"]
    failed = [row for row in ended if row[0] == "failed"]
    media = site.data / "media"
    baseless = [row for row in results if pictures_in(media / row[3]) < LEAST_PICTURES]
    late = [row for row in ended if row[4] > min(120 + max(row[5], 0), 1800) + GRACE]
    crashed = sum("crashed" in row[2] for row in failed)
    ours = sum("our side" in row[2] for row in failed)
    large = sum(watch.largest[kind] > limit for kind, limit in MEMORY.items())
    refused = answers[requests.codes.unprocessable]
    other = sum(answers.values()) - answers[requests.codes.ok] - refused
    yield Row("refused at upload, with a sentence", "", str(refused))
    yield Row("other answers to uploads", "0", str(other))
    yield Row("analyzed, with a result", "", str(len(results)))
    yield Row("analyzed, no result", "", str(len(none)))
    yield Row("analysis failed, with a sentence", "", str(len(failed)))
    yield Row("of these: the decoder crashed", "", str(crashed))
    yield Row("of these: something broke on our side", "0", str(ours))
    yield Row("crashes of the web process", "0", str(watch.crashes))
    yield Row("times that the site did not answer within 5 s", "0", str(watch.unhealthy))
    yield Row("runs beyond their deadline", "0", str(len(late)))
    yield Row("processes over their memory limit", "0", str(large))
    yield Row(
        f"results from files of which FFmpeg decodes fewer than {LEAST_PICTURES} pictures",
        "0",
        str(len(baseless)),
    )
    yield Row("heavy libraries in the web process", "none", watch.heavy or "none")
    for kind, size in sorted(watch.largest.items()):
        yield Row(f"largest {kind.replace('_', ' ')}", "", f"{size / 2**20:.0f} MB")


def pictures_in(path: Path) -> int:
    """That FFmpeg's own program decodes: another reader than the one that is tried."""
    command = ["ffprobe", "-v", "quiet", "-count_frames", "-select_streams", "v"]
    command += ["-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", str(path)]
    output = subprocess.run(command, check=False, capture_output=True, text=True).stdout  # noqa: S603
    return max((int(word) for word in output.split() if word.isdecimal()), default=0)


def _drain(site: Site, *, to: int) -> None:
    """Waits until no more than so many analyses are unfinished."""
    while site.unfinished() > to:
        time.sleep(0.2)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("measure_reliability", __doc__, EXAMPLE)
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP", help="short ones")
    parser.add_argument("--kills", type=int, default=40, help="default: %(default)s; 0: none")
    parser.add_argument("--longest", type=float, default=13.0, help="seconds until a kill")
    parser.add_argument("--files", type=int, default=2000, help="default: %(default)s; 0: none")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--model", default="person_ensemble", help="default: %(default)s")
    parser.add_argument(
        "--write", type=console.file_to_write, metavar="PAGE", help="put the tables into this page"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
