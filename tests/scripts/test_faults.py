"""The faults that are tried on a site: that the means work, and that what is wrong is noticed."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from django.db import connection

from scripts._lib import material
from scripts._lib.processes import Service
from scripts._lib.proxy import Proxy
from scripts.faults import __main__ as faults
from scripts.faults import brief, each_write, invariants
from scripts.faults.brief import Run
from scripts.faults.flow import Sent
from scripts.faults.invariants import Found
from scripts.faults.setups import OnPostgres, Setup
from scripts.faults.storage import Only, Storage
from tests.databases import execute
from tests.makers.deliveries import make_channel
from video_classifier.ml.video import probe
from video_classifier.models import Delivery
from video_classifier.services import alerts, database, jobs
from video_classifier.states import Gathering


@pytest.fixture
def files(tmp_path: Path) -> material.Files:
    return material.Files(material.write_videos(tmp_path))


@pytest.fixture
def passed_on() -> Iterator[tuple[Proxy, socket.socket, socket.socket]]:
    """A proxy, and both ends of a connection through it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = Proxy(server.getsockname()[1])
        near = socket.create_connection(("127.0.0.1", proxy.port), timeout=60)
        far, _ = server.accept()
        far.settimeout(10)
        with near, far:
            yield proxy, near, far
        proxy.close()


def test_each_file_is_another_and_can_be_read(files: material.Files, tmp_path: Path) -> None:
    for kind in material.LENGTHS:
        one, other = files.make(kind), files.make(kind)
        path = tmp_path / one.name
        path.write_bytes(one.content)

        facts = probe.facts(path)

        assert one.sha256 != other.sha256
        assert facts.duration == pytest.approx(material.LENGTHS[kind], abs=0.5)


def test_a_proxy_passes_on_until_it_cuts(
    passed_on: tuple[Proxy, socket.socket, socket.socket],
) -> None:
    proxy, near, far = passed_on
    near.sendall(b"there")
    assert far.recv(10) == b"there"
    far.sendall(b"and back")
    assert near.recv(10) == b"and back"

    assert proxy.cut() == 1

    with pytest.raises(ConnectionResetError):
        near.recv(10)


def test_a_proxy_that_stalls_loses_nothing(
    passed_on: tuple[Proxy, socket.socket, socket.socket],
) -> None:
    proxy, near, far = passed_on
    proxy.stall(now=True)
    near.sendall(b"late")
    far.settimeout(0.1)
    with pytest.raises(TimeoutError):
        far.recv(10)

    proxy.stall(now=False)

    far.settimeout(10)
    assert far.recv(10) == b"late"


class FakeSite:
    """With rows as they are told, by a word of the question."""

    def __init__(self, *services: Service, **rows: list[tuple[Any, ...]]) -> None:
        self._rows, self.services = rows, services

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return next((found for word, found in self._rows.items() if word in query), [])

    def stored(self) -> set[str]:
        return {"clips/there.mp4", "clips/orphan.mp4"}

    def change(self, statement: str) -> None:
        pass

    def before(self, column: str, minutes: int) -> str:
        return f"{column} - {minutes}"

    def seconds_since(self, column: str) -> str:
        return column

    def key_of(self, value: object) -> str:
        return str(value)

    def is_sound(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "AGAIN", 0.0)


def test_what_is_lost_doubled_stuck_or_missing_is_noticed(files: material.Files) -> None:
    lost = Sent(file=files.make("dark"), way="form", is_confirmed=True)
    twice = Sent(file=files.make("dark"), way="tus")
    unknown = Sent(file=files.make("dark"), way="form")
    site = FakeSite(
        sha256=[(twice.file.sha256,)] * 2,
        playable=[("clips/there.mp4",), ("clips/gone.mp4",)],
        heartbeat_at=[("worker", 60.0)],
        no_clip=[(7, None, "")],
        problem=[(lost.file.name, "It is empty.")],
    )
    found = Found()

    invariants.check(cast("Setup", site), [lost, twice, unknown], found)

    said = " ".join(found.wrong)
    assert f"“{lost.file.name}” was confirmed (form) and is not there. It is empty." in said
    assert f"“{twice.file.name}” is there 2 times" in said
    assert unknown.file.name not in said
    assert "clips/gone.mp4, which is not there" in said
    assert "has shown no life for longer than its lease" in said
    assert "The live event 7 ended without a clip" in said
    assert found.orphans == 1


def test_an_alert_that_came_twice_is_noticed_unless_it_is_marked() -> None:
    rows = [
        ("a", "done", 0, "", "", "hint"),
        ("b", "done", 1, "", "", "hint"),
        ("c", "done", 0, "", "", "hint"),
        ("d", "failed", 1, "", "It may have arrived.", "hint"),
    ]
    site = FakeSite(time_outs=rows, count=[(0,)])

    wrong = invariants.alerts(cast("Setup", site), {"a": 2, "b": 2, "d": 1}, [])

    assert wrong == [
        "The alert a (hint) came 2 times, and 0 time-outs are noted.",
        "The alert c (hint) counts as sent, and never came.",
    ]


class DatabaseOfTests(FakeSite):
    """Whose statements meet Django's tables."""

    def change(self, statement: str) -> None:
        execute(statement)

    def before(self, column: str, minutes: int) -> str:
        kind = OnPostgres if connection.vendor == "postgresql" else Setup
        return kind.before(cast("OnPostgres", self), column, minutes)


@pytest.mark.django_db
def test_what_a_flood_gathered_is_due_when_the_flood_is_over() -> None:
    channel, now = make_channel(), database.now()
    moments = {"created_at": now, "waiting_since": now, "not_before": now + alerts.GATHERED_FOR}
    digest = Delivery.objects.create(
        channel=channel, channel_kind=channel.kind, gathers=Gathering.FLOOD, **moments
    )
    assert not jobs.ready(Delivery.objects.all())

    invariants.let_flood_pass(cast("Setup", DatabaseOfTests()))

    assert jobs.ready(Delivery.objects.all()).get() == digest


def test_what_the_log_has_is_not_tried_again(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    lines = [
        {"setup": "sqlite", "seed": 1, "number": 1},
        {"setup": "sqlite", "seed": 2, "number": 2},
        {"setup": "postgres", "seed": 1, "number": 3},
        {"setup": "sqlite", "seed": 1, "end": True},
    ]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))

    assert faults._done(log, "sqlite", 1) == {1}
    assert faults.main(["--setup", "sqlite", "--kills", "1", "--log", str(log)]) == 0
    assert faults.main(["--only", "web,earthquake"]) == 2


def test_work_that_does_not_end_is_told_with_the_part_that_has_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    part = Service("worker-1", [sys.executable, "-c", "exit('no database')"], os.environ, log)
    part.start()
    assert part._process is not None
    part._process.wait()
    site = FakeSite(part, segment=[("segment", "queued", 3)])

    found = invariants.settle(cast("Setup", site), within=0)

    assert found.wrong == [
        "After 0 s there is still to do: 3 segment queued. worker-1 has ended with code 1."
    ]
    assert part.last_words() == "no database"


@pytest.mark.parametrize(
    ("code", "ci", "judged"),
    [(0, True, 0), (1, False, 1), (2, False, 0), (2, True, 1), (None, False, 1)],
)
def test_a_set_up_that_went_wrong_shows_what_it_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: int | None,
    ci: bool,  # noqa: FBT001
    judged: int,
) -> None:
    monkeypatch.setenv("CI", "true") if ci else monkeypatch.delenv("CI", raising=False)
    output = tmp_path / "output"
    output.write_text("redis-server is not on the PATH.")
    run = Run(setup="celery", process=cast("subprocess.Popen[bytes]", None), output=output)

    assert brief._judged(run, code) == judged

    said = capsys.readouterr()
    assert ("redis-server is not on the PATH" in said.err) == (code != 0)
    assert ("nothing was lost" in said.out) == (code == 0)


WRITER = """
import os, subprocess, sys
def tries(path):
    try:
        with open(path, "xb", buffering=0) as file:
            for _ in range(3):
                file.write(b"1")
        return "all"
    except OSError as error:
        return f"{error.errno} after {os.path.getsize(path) if os.path.exists(path) else None}"
def reads(path):
    try:
        return open(path, "rb").read().decode()
    except OSError as error:
        return str(error.errno)
does, path = {"write": tries, "read": reads}[sys.argv[1]], sys.argv[2]
if sys.argv[3:]:
    clean = {"PYTHONPATH": os.environ["PYTHONPATH"]}
    print(subprocess.run([sys.executable, __file__, *sys.argv[1:3]], env=clean, text=True,
                         stdout=subprocess.PIPE).stdout.strip())
else:
    print(does(path))
"""


@pytest.mark.skipif(not Storage.is_possible(), reason="takes Linux and a C compiler")
def test_storage_fails_where_and_when_it_is_to_in_children_too(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "media").mkdir(parents=True)
    (folder / "media" / "there").write_text("text")
    (script := tmp_path / "script.py").write_text(WRITER)
    storage = Storage(folder, tmp_path / "work")

    def run(*words: object) -> str:
        done = subprocess.run(
            [sys.executable, script, *map(str, words)],
            cwd=folder,
            env=os.environ | storage.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert run("write", folder / "one") == "all"
    assert storage.writes == 4  # to make it is one
    with storage.full(after=2):
        assert run("write", folder / "two") == f"{errno.ENOSPC} after 1"
        assert run("write", tmp_path / "beside") == "all"
    assert (storage.first, storage.failed) == ("two", 1)
    with storage.full():
        assert run("write", folder / "three", "in a child") == f"{errno.ENOSPC} after None"
    with storage.full(only=Only.STORED):
        assert run("write", folder / "elsewhere") == "all"
        assert run("write", folder / "media" / "three") == f"{errno.ENOSPC} after None"
    with storage.full(only=Only.OTHERS):
        assert run("write", folder / "media" / "four") == "all"
        assert run("write", "five") == f"{errno.ENOSPC} after None"
    assert run("write", folder / "four", "in a child") == "all"

    there = folder / "media" / "there"
    with storage.unreadable(error=errno.EIO):
        assert run("read", there) == str(errno.EIO)
        assert run("read", folder / "one") == "111"
    with storage.unreadable(error=errno.EACCES):
        assert run("read", there, "in a child") == str(errno.EACCES)
    with storage.slow(0.001):
        assert run("read", there) == "text"
    assert storage.hits > 0
    with ThreadPoolExecutor() as beside:
        with storage.hanging():
            assert run("read", folder / "one") == "111"
            waits = beside.submit(run, "read", there)
            while not storage.hits:
                assert not waits.done()
        assert waits.result() == "text"
    assert run("read", there) == "text"


def test_the_first_writes_are_all_tried_and_then_fewer_and_fewer() -> None:
    numbers = list(each_write._numbers(20))

    assert numbers[:13] == list(range(13))
    steps = [later - earlier for earlier, later in pairwise(numbers[12:])]
    assert steps == sorted(steps)
    assert steps[-1] > 2
