"""The faults: each strikes a site at work, and mends what it broke.

A fault is a generator. It may stop in between for the site to be looked at as it is then, and what
it says is what it hit.
"""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import psutil

from scripts._lib.processes import Clock, freeze, kill
from scripts._lib.site_under_test import SiteError
from scripts.faults import backups, hangs
from scripts.faults.setups import LEASE, OnPostgres, OnSeveral, Setup
from scripts.faults.storage import REFUSALS, Only

HOUR = 3600
LONGEST = 2.5  # seconds that something is away
MOST_LEFT = 400_000  # bytes of a disk that runs full
MOST_WRITES = 200  # until it does
DISKS = {Only.ALL: "whole", Only.STORED: "that of the WAL", Only.OTHERS: "that of tables"}
LONG_HANG = 40.0  # seconds
MOST_OF_TABLES = 10  # until that of tables does: most changes only go to the log at once
REACHED = 20.0  # seconds, at most, until that write comes

Fault = Callable[[Setup, random.Random], Iterator[str]]


def kill_web(site: Setup, lots: random.Random) -> Iterator[str]:
    """With all that it started, or its working process alone, which the other one starts again."""
    if lots.random() < 0.5:  # noqa: PLR2004
        site.web.kill_all()
        time.sleep(lots.uniform(0, LONGEST))
        site.up()
        yield "the web server"
        return
    kill([each for each in site.web.family()[1:] if "gunicorn" in _words(each)])
    yield "the process of the web server that works"


def kill_worker(site: Setup, lots: random.Random) -> Iterator[str]:
    """The process that does jobs."""
    found = lots.choice(site.working)
    found.kill()
    time.sleep(lots.uniform(0, LONGEST))
    site.up()
    yield found.name


def kill_child(site: Setup, lots: random.Random) -> Iterator[str]:
    """One of those that decode and score."""
    until = time.monotonic() + 5
    while not (found := site.part("video_classifier.ml")) and time.monotonic() < until:
        time.sleep(0.02)
    if found:
        hit = lots.choice(found)
        kill([hit])
        yield "a child that decodes or scores"
        return
    yield "none: no child ran"


def kill_watcher(site: Setup, lots: random.Random) -> Iterator[str]:
    kill(site.watching)
    time.sleep(lots.uniform(0, LONGEST))
    site.up()
    yield "the watcher of cameras"


def freeze_one(site: Setup, lots: random.Random) -> Iterator[str]:
    """For longer than its lease: another one takes its jobs, and then it goes on."""
    found = lots.choice([each for each in site.services if each.is_running])
    family = found.family()
    freeze(family, now=True)
    time.sleep(LEASE + lots.uniform(1, 3))
    freeze(family, now=False)
    yield f"{found.name}, for longer than its lease"


def lose_database(site: Setup, lots: random.Random) -> Iterator[str]:
    """Killed at once, and away for a while; of SQLite, locked by somebody else."""
    if isinstance(site, OnPostgres):
        site.server.kill()
        time.sleep(lots.uniform(0, LONGEST))
        site.server.start()
        site.up()
        yield "the database server"
        return
    seconds = lots.choice((2.0, 25.0))  # Django waits for 20
    with closing(
        sqlite3.connect(site.data / "db.sqlite3", timeout=20, isolation_level=None)
    ) as one:
        one.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        one.execute("ROLLBACK")
    yield f"the database, locked for {seconds:.0f} s"


def freeze_database(site: Setup, lots: random.Random) -> Iterator[str]:
    """A database server that answers nobody for a while, and then goes on."""
    assert isinstance(site, OnPostgres)  # noqa: S101
    family = site.server.family()
    freeze(family, now=True)
    time.sleep(lots.uniform(1, LEASE + 3))
    freeze(family, now=False)
    yield "the database server, frozen"


def cut_connections(site: Setup, lots: random.Random) -> Iterator[str]:
    """Between browsers and site, or between site and database: broken off, and none for a while."""
    proxy, name = site.front, "browsers and site"
    if isinstance(site, OnPostgres) and lots.random() < 0.6:  # noqa: PLR2004
        proxy, name = site.behind, "site and database"
    if isinstance(site, OnSeveral) and lots.random() < 0.3:  # noqa: PLR2004
        proxy, name = site.bucket.proxy, "site and bucket"
    proxy.refuse(now=True)
    count = proxy.cut()
    time.sleep(lots.uniform(0, LONGEST))
    proxy.refuse(now=False)
    site.up()
    yield f"{count} connections between {name}"


def stall_connections(site: Setup, lots: random.Random) -> Iterator[str]:
    """Nothing comes through, and nobody is told; then they break."""
    proxy = site.behind if isinstance(site, OnPostgres) else site.front
    proxy.stall(now=True)
    time.sleep(lots.uniform(1, LEASE + 3))
    proxy.cut()
    proxy.stall(now=False)
    yield "connections, stalled and then cut"


def fill_disk(site: Setup, lots: random.Random) -> Iterator[str]:
    """But for some bytes, so that another write fails each time."""
    assert site.disk is not None  # noqa: S101
    left = round(MOST_LEFT * lots.random() ** 2)
    site.disk.fill(left=left)
    time.sleep(lots.uniform(1, 4))
    if lots.random() < 0.3:  # noqa: PLR2004
        kill_whom = lots.choice(site.working)
        kill_whom.kill_all()
    site.disk.empty()
    site.up()
    yield f"the disk of files, full but for {left} bytes"


def run_full(site: Setup, lots: random.Random) -> Iterator[str]:
    """At some write of whichever process comes first, and then at each one for a while."""
    assert site.storage is not None  # noqa: S101
    with site.storage.full(after=lots.randrange(MOST_WRITES)):
        time.sleep(lots.uniform(1, 4))
    site.up()
    yield f"the disk, full for {site.storage.failed} writes, the first of {site.storage.first}"


def fill_database(site: Setup, lots: random.Random) -> Iterator[str]:
    """The disk that PostgreSQL is on: a full one of its log ends it, one of its tables does not."""
    assert isinstance(site, OnPostgres)  # noqa: S101
    disk = site.disk_of_database
    assert disk is not None  # noqa: S101
    only = lots.choice(list(Only))
    most = MOST_OF_TABLES if only == Only.OTHERS else MOST_WRITES
    seconds = lots.uniform(1, LEASE + 3)
    with disk.full(after=lots.randrange(most), only=only):
        until = time.monotonic() + REACHED
        while not disk.failed and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(seconds)
    site.server.start()  # as systemd does
    site.up()
    found = f"full for {disk.failed} writes in {seconds:.0f} s, the first of {disk.first or 'none'}"
    yield f"PostgreSQL's disk, {DISKS[only]}, {found}"


def slow_disk(site: Setup, lots: random.Random) -> Iterator[str]:
    """Each call that reads or writes a file takes longer."""
    assert site.storage is not None  # noqa: S101
    seconds = lots.choice((0.002, 0.02, 0.2))
    with site.storage.slow(seconds):
        time.sleep(lots.uniform(2, LEASE + 3))
    yield f"the disk, {seconds * 1000:.0f} ms slower for {site.storage.hits} calls"


def fail_reads(site: Setup, lots: random.Random) -> Iterator[str]:
    """Of what is stored, as of a disk that breaks, or of one in a network that is lost."""
    assert site.storage is not None  # noqa: S101
    name, error = lots.choice(list(REFUSALS.items()))
    with site.storage.unreadable(error=error):
        time.sleep(lots.uniform(0.5, LONGEST))
    yield f"stored files, {name} for {site.storage.hits} calls"


def hang_files(site: Setup, lots: random.Random) -> Iterator[str]:
    """Nothing stored can be read or written, and nobody is told."""
    assert site.storage is not None  # noqa: S101
    seconds = lots.choice((LEASE + 4.0, LONG_HANG))
    hits = hangs.hang(site, site.storage, seconds)
    site.up()
    yield f"stored files, hanging for {seconds:.0f} s, {hits} calls"


def break_storage(site: Setup, lots: random.Random) -> Iterator[str]:
    """A bucket that is away, overloaded, slow or silent; of a disk, one that refuses each write."""
    if not isinstance(site, OnSeveral):
        yield from _protect_disk(site, lots)
        return
    way = site.bucket.proxy
    how = lots.choice(("away", "answering 503", "slow", "silent"))
    if how in ("slow", "silent"):
        way.slow_down(lots.uniform(0.1, 1.5) if how == "slow" else 0)
        way.stall(now=how == "silent")
    else:
        way.refuse(now=how == "away")
        way.answer_503(now=how != "away")
        way.cut()
    time.sleep(lots.uniform(1, LEASE + 3))
    way.refuse(now=False)
    way.answer_503(now=False)
    way.slow_down(0)
    if how == "silent":
        way.cut()
    way.stall(now=False)
    yield f"the bucket, {how}"


def break_broker(site: Setup, lots: random.Random) -> Iterator[str]:
    """Killed, frozen or emptied: nothing that counts is in it."""
    assert isinstance(site, OnSeveral)  # noqa: S101
    how = lots.choice(("killed", "frozen", "emptied"))
    if how == "killed":
        site.redis.kill()
        time.sleep(lots.uniform(0, LONGEST))
        site.redis.start()
    elif how == "frozen":
        site.redis.freeze()
        time.sleep(lots.uniform(1, LEASE + 3))
        site.redis.freeze(now=False)
    else:
        site.redis.empty()
    yield f"Redis, {how}"


def back_up(site: Setup, lots: random.Random) -> Iterator[str]:
    """A backup is taken while something is killed, and restored elsewhere."""
    folder = site.folder / f"backup-{lots.getrandbits(32):08x}"
    name = lots.choice(("nothing", "web", "worker", "child", "watcher"))

    def meanwhile() -> None:
        time.sleep(lots.uniform(0.5, 2))
        if name != "nothing":
            list(KINDS[name](site, lots))

    backups.take(site, folder, meanwhile=meanwhile)
    yield f"a backup, and meanwhile {name}"


def _protect_disk(site: Setup, lots: random.Random) -> Iterator[str]:
    assert site.disk is not None  # noqa: S101
    (site.data / "media").mkdir(exist_ok=True)
    site.disk.protect("media")
    time.sleep(lots.uniform(0.5, LONGEST))
    site.disk.unprotect("media")
    site.up()
    yield "storage, write-protected"


def set_clock_back(site: Setup, lots: random.Random) -> Iterator[str]:
    """By an hour while it works; looked at as it is then, and once more when it is right again."""
    if isinstance(site, OnPostgres) and lots.random() < 0.3:  # noqa: PLR2004
        yield from _set_back_database(site)
        return
    hit = lots.choice([site.web, *site.workers, *site.watchers])
    hit.end()
    site.clock.set(0)
    hit.start(**site.clock.environment)
    site.up()
    time.sleep(lots.uniform(1, 3))
    site.clock.set(-HOUR)
    time.sleep(lots.uniform(1, 3))
    if lots.random() < 0.5:  # noqa: PLR2004
        hit.kill_all()
        hit.start(**site.clock.environment)
        site.up()
    yield f"the clock of {hit.name}, an hour back"
    site.clock.set(0)
    time.sleep(2)
    hit.end()
    site.up()
    yield f"the clock of {hit.name}, right again"


def _set_back_database(site: OnPostgres) -> Iterator[str]:
    site.clock.set(-HOUR)
    site.server.kill()
    site.server.start(site.clock.environment)
    site.up()
    yield "the clock of the database server, an hour back"
    site.server.kill()
    site.server.start()
    site.up()
    yield "the clock of the database server, right again"


def stop_all(site: Setup, lots: random.Random) -> Iterator[str]:
    """As a power cut, of all parts at once."""
    for each in site.services:
        each.kill_all()
    if isinstance(site, OnSeveral):
        site.redis.kill()
        site.redis.start()
    if isinstance(site, OnPostgres):
        site.server.kill()
        site.server.start()
    time.sleep(lots.uniform(0, 1))
    site.up()
    yield "all of it"


def end_in_order(site: Setup, lots: random.Random) -> Iterator[str]:
    """SIGTERM, as an upgrade does it."""
    found = lots.choice(site.services)
    code = found.end()
    site.up()
    if code not in (0, -signal.SIGTERM):
        msg = f"{found.name} ended with code {code} after SIGTERM."
        raise SiteError(msg)
    yield f"{found.name}, in good order"


def _words(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


KINDS: dict[str, Fault] = {
    "web": kill_web,
    "worker": kill_worker,
    "child": kill_child,
    "watcher": kill_watcher,
    "freeze": freeze_one,
    "database": lose_database,
    "slow-database": freeze_database,
    "connections": cut_connections,
    "stalled": stall_connections,
    "disk": fill_disk,
    "full": run_full,
    "database-full": fill_database,
    "slow-disk": slow_disk,
    "reads": fail_reads,
    "hang": hang_files,
    "storage": break_storage,
    "broker": break_broker,
    "backup": back_up,
    "clock": set_clock_back,
    "all": stop_all,
    "term": end_in_order,
}


def possible(site: Setup) -> dict[str, Fault]:
    """Those that this machine and this set-up have means for."""
    without = set()
    if not isinstance(site, OnPostgres):
        without |= {"slow-database", "database-full"}
    elif site.disk_of_database is None:
        without.add("database-full")
    if not isinstance(site, OnSeveral):
        without.add("broker")
        without |= {"storage"} if site.disk is None else set()
    if site.disk is None:
        without.add("disk")
    if site.storage is None:
        without |= {"full", "slow-disk", "reads", "hang"}
    if not Clock.library():
        without.add("clock")
    return {name: fault for name, fault in KINDS.items() if name not in without}
