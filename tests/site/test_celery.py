"""Workers that Celery wakes: real processes, and a Redis that goes away and comes back."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest
from django.db import OperationalError
from pytest_django import Settings
from redis import Redis as Client
from redis.exceptions import ConnectionError  # noqa: A004

from scripts._lib.servers import Redis
from tests import servers
from tests.conftest import Migrated
from tests.makers import videos
from tests.site.test_run_worker import ROOT, Site, end, until
from video_classifier.services import broker, database, queue, worker, worker_process

PATIENCE = 60.0  # seconds
# `celery`, whose workers look at the queue every so many seconds by themselves.
CELERY = """
import sys, django
from celery.__main__ import main
django.setup()
from video_classifier.services import worker
worker.IDLE_SECONDS = float(sys.argv.pop(1))
main()
"""
NEVER = 600


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    try:
        with servers.redis() as server:
            yield server
    except servers.MissingError as missing:
        if "CI" in os.environ:
            raise
        pytest.skip(str(missing))


class CelerySite(Site):
    """A site whose workers Celery wakes."""

    def __init__(self, data: Path, redis: Redis) -> None:
        super().__init__(data)
        self.settings |= {"RUNNER": "celery", "BROKER_URL": redis.address}
        self.data, self.log = data, data / "worker.log"

    def celery(self, *words: str, idle_seconds: float = NEVER) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "ignore", "-c", CELERY, str(idle_seconds)]
        with self.log.open("a", encoding="utf-8") as log:
            return subprocess.Popen(
                [*command, "--app", "shoplift_site", "worker", *words],
                cwd=ROOT,
                env=self.settings,
                stdout=log,
                stderr=log,
                text=True,
            )

    def said(self, words: str) -> int:
        """How often a worker has said that."""
        return self.log.read_text(encoding="utf-8").count(words) if self.log.exists() else 0

    def copy_is_done(self, clip: str) -> bool:
        return self.status("browsercopy", clip)[0] == "done"

    def rows(self, statement: str, *values: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.data / "db.sqlite3", timeout=20)) as database:
            found = database.execute(statement, values).fetchall()
            database.commit()
            return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, migrated: Migrated, redis: Redis) -> CelerySite:
    return CelerySite(migrated(tmp_path_factory.mktemp("site") / "data"), redis)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("video") / "made.avi"
    return videos.write(file, 60, codec="mjpeg", pixels="yuvj420p")


@pytest.fixture
def started(site: CelerySite) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts workers, and ends what a test left running."""
    processes: list[subprocess.Popen[str]] = []

    def start(*words: str, **how: float) -> subprocess.Popen[str]:
        processes.append(site.celery(*words, **how))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def is_heard(redis: Redis) -> bool:
    """Whether a worker listens to its queues and to other workers: it connects a moment before."""
    try:
        with closing(Client.from_url(redis.address)) as client:
            return int(client.pubsub_numpat()) == 2
    except ConnectionError:
        return False


@pytest.mark.long
def test_a_ring_wakes_a_worker_also_once_redis_is_back(
    site: CelerySite,
    video: Path,
    redis: Redis,
    started: Callable[..., subprocess.Popen[str]],
) -> None:
    """This worker never looks by itself."""
    process = started("--queues", "copies")
    until(lambda: is_heard(redis))
    first = site.queue(video)
    until(lambda: site.copy_is_done(first))

    redis.kill()
    missed = site.queue(video)  # which succeeds
    redis.start()
    until(lambda: is_heard(redis))
    heard = site.queue(video)
    until(lambda: site.copy_is_done(missed) and site.copy_is_done(heard))

    assert site.status("segment", first) == ("queued", 0)  # of a queue on which nobody listens
    end(process)
    assert site.said("is queued again") == 1


def test_without_redis_workers_look_by_themselves_and_the_most_urgent_comes_first(
    site: CelerySite,
    video: Path,
    redis: Redis,
    started: Callable[..., subprocess.Popen[str]],
) -> None:
    redis.kill()
    usual, urgent = site.queue(video, clips=2).split()
    copies = "video_classifier_browsercopy"
    site.rows(f"UPDATE {copies} SET priority = 1 WHERE clip_id = ?", urgent)  # noqa: S608

    process = started("--queues", "copies,alerts", idle_seconds=0.2)
    until(lambda: site.copy_is_done(usual))
    end(process)
    redis.start()

    done = site.rows(f"SELECT clip_id FROM {copies} ORDER BY claimed_at")  # noqa: S608
    assert done[-2:] == [(urgent,), (usual,)]
    assert site.said("Cannot connect to redis")
    assert site.said("does copies, alerts")


# What rings


@pytest.fixture
def ringer(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[broker._Ringer]:
    settings.RUNNER = "celery"
    made = broker._Ringer()
    monkeypatch.setattr(broker, "_ringer", made)
    forget = broker.app.cache_clear
    forget()
    yield made
    forget()


def test_there_is_a_queue_for_each_kind_of_job_and_of_worker() -> None:
    assert get_args(queue.Kind) == tuple(worker.KINDS)
    assert broker.QUEUES == worker_process.KINDS


def test_this_process_rings_for_others() -> None:
    assert broker.ring in queue._listeners


def test_a_redis_that_hangs_holds_nobody_up_and_one_warning_says_so(
    ringer: broker._Ringer,
    settings: Settings,
    redis: Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.BROKER_URL = redis.address
    redis.freeze()

    for _ in range(100):
        broker.ring("segments")
        broker.ring("copies")
    assert not caplog.records  # nobody has waited
    ringer._thread.shutdown()

    redis.kill()
    redis.start()
    assert [each.levelname for each in caplog.records] == ["WARNING"]
    assert "workers hear of new jobs only when they look by themselves" in caplog.text
    assert redis.address not in caplog.text


def test_many_jobs_are_one_ring(ringer: broker._Ringer, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    may_send = threading.Event()

    class App:
        def send_task(self, _: str, *, queue: str, **__: object) -> None:
            may_send.wait(PATIENCE)
            sent.append(queue)

    monkeypatch.setattr(broker, "app", App)
    for _ in range(50):
        broker.ring("segments")
    may_send.set()
    ringer._thread.shutdown()

    assert 1 <= len(sent) <= 2  # one was on its way before the last job was added


def test_a_forked_process_rings_by_a_thread_of_its_own(
    ringer: broker._Ringer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "_ringer", ringer)

    broker._forget()  # what the child of a fork does first

    assert broker._ringer is not ringer


def test_without_celery_nobody_rings(
    ringer: broker._Ringer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RUNNER = "none"
    monkeypatch.setattr(ringer, "ring", lambda _: pytest.fail("rang"))

    broker.ring("segments")


# The start of a worker


def begin(pool: str = "solo") -> None:
    from celery.concurrency import get_implementation

    from shoplift_site import celery

    celery._begin(SimpleNamespace(pool_cls=get_implementation(pool)))


def test_a_worker_with_several_processes_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SystemExit) as ended:
        begin("threads")

    assert ended.value.code == 2
    assert "does one job here" in caplog.text


def test_a_worker_refuses_a_database_that_it_cannot_use(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        msg = "connection refused"
        raise OperationalError(msg)

    monkeypatch.setattr(database, "wait", lambda: None)
    monkeypatch.setattr(worker_process, "MigrationExecutor", fail)
    with caplog.at_level(logging.ERROR), pytest.raises(SystemExit) as ended:
        begin()

    assert ended.value.code == 2
    assert "The database can't be reached: connection refused" in caplog.text
