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

from scripts._lib.site_under_test import SiteError
from scripts.faults.processes import Clock, freeze, kill
from scripts.faults.setups import LEASE, OnPostgres, OnSeveral, Setup

HOUR = 3600
LONGEST = 2.5  # seconds that something is away
MOST_LEFT = 400_000  # bytes of a disk that runs full

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
    "storage": break_storage,
    "broker": break_broker,
    "clock": set_clock_back,
    "all": stop_all,
    "term": end_in_order,
}


def possible(site: Setup) -> dict[str, Fault]:
    """Those that this machine and this set-up have means for."""
    without = set()
    if not isinstance(site, OnPostgres):
        without.add("slow-database")
    if not isinstance(site, OnSeveral):
        without.add("broker")
        without |= {"storage"} if site.disk is None else set()
    if site.disk is None:
        without.add("disk")
    if not Clock.library():
        without.add("clock")
    return {name: fault for name, fault in KINDS.items() if name not in without}
