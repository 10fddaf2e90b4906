"""Starts the real servers that tests use, and stops them, come what may.

`redis` has a Redis of its own, on a free port too, which can be killed and started again.

`pytest -p tests.servers` has a PostgreSQL of its own: an empty cluster on a free port of 127.0.0.1,
whose address is in DATABASE_URL before the settings are read. A process beside pytest starts it and
waits for the end of its input, which comes even where pytest is killed.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from scripts._lib import ports
from scripts._lib.servers import Redis
from scripts._lib.site_under_test import SiteError

ROOT = Path(__file__).parent.parent
DEBIAN = Path("/usr/lib/postgresql")  # a folder a version, none of them on the PATH
PATIENCE = 60.0  # seconds to start
SWIFT = {  # what a test loses with the machine's power, it makes anew
    "fsync": "off",
    "autovacuum": "off",  # it counts rows at any time: plans that tests look at would change
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
}
# In the environment, and so in xdist's workers too.
WORKER = "PYTEST_XDIST_WORKER"
MISSING = "SHOPLIFT_SERVERS_MISSING"


class MissingError(Exception):
    """A server isn't installed here; the message says which, and where it was looked for."""


# In the process beside pytest


def main() -> None:
    """Serves until its input ends, and says at which address."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with postgresql() as address:
        print(address, flush=True)  # noqa: T201
        sys.stdin.read()


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of an empty PostgreSQL that is gone afterwards. Raises MissingError."""
    programs, account = find()
    with tempfile.TemporaryDirectory(prefix="shoplift-postgresql-") as made:
        folder, password = Path(made), secrets.token_urlsafe(16)
        (folder / "password").write_text(password)
        if account:
            for each in (folder, folder / "password"):
                os.chown(each, account["user"], account["group"])
        _make_cluster(programs, folder, account)
        port = ports.free()
        address = f"postgres://postgres:{password}@127.0.0.1:{port}/shoplift"
        with _serving(programs, folder, port, account) as server:
            _wait_for(server, address, folder)
            yield address


def find() -> tuple[Path, dict[str, Any]]:
    """PostgreSQL's programs, and the account that runs them, as Popen takes it.

    Raises MissingError.
    """
    return _programs(), _account()


def _programs() -> Path:
    """The folder of the newest PostgreSQL."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(DEBIAN.glob("*/bin"), key=lambda each: float(each.parent.name), reverse=True)
    for folder in folders:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    msg = f"PostgreSQL's initdb and postgres are neither on the PATH nor in {DEBIAN}/*/bin."
    raise MissingError(msg)


def _account() -> dict[str, Any]:
    """It refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    try:
        postgres = pwd.getpwnam("postgres")
    except KeyError:
        msg = "PostgreSQL does not run as root, and there is no user “postgres” to run it as."
        raise MissingError(msg) from None
    return {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}


def _make_cluster(programs: Path, folder: Path, account: dict[str, Any]) -> None:
    subprocess.run(
        [
            *(programs / "initdb", "--pgdata", folder / "data", "--username", "postgres"),
            *("--auth", "scram-sha-256", "--pwfile", folder / "password"),
            *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"),
        ],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        **account,
    )


@contextmanager
def _serving(
    programs: Path, folder: Path, port: int, account: dict[str, Any]
) -> Iterator[subprocess.Popen[bytes]]:
    own = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder}
    options = [f"--{name}={value}" for name, value in {**own, **SWIFT}.items()]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *options],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **account,
        )
    try:
        yield server
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nothing is worth keeping
        server.wait(PATIENCE)


def _wait_for(server: subprocess.Popen[bytes], address: str, folder: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(address.removesuffix("shoplift") + "postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > until:
                sys.exit(f"PostgreSQL does not start:\n{(folder / 'log').read_text()}")
            time.sleep(0.05)
        else:
            return


@contextmanager
def redis() -> Iterator[Redis]:
    """A Redis that is gone afterwards. Raises MissingError."""
    try:
        server = Redis()
    except SiteError as error:
        raise MissingError(str(error)) from None
    server.start()
    try:
        yield server
    finally:
        server.kill()


# In pytest


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Around pytest-django, which reads the settings."""
    if WORKER not in os.environ:  # else they serve already
        os.environ.pop(MISSING, None)
        _start(early_config)
    return (yield)


def _start(config: pytest.Config) -> None:
    try:
        find()
    except MissingError as missing:
        if "CI" in os.environ:
            raise pytest.UsageError(str(missing)) from None
        os.environ[MISSING] = str(missing)
        return
    beside = subprocess.Popen(
        [sys.executable, "-m", "tests.servers"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for pytest
    )
    config.add_cleanup(lambda: _end(beside))
    assert beside.stdout is not None
    address = beside.stdout.readline().strip()
    if not address:
        msg = "PostgreSQL could not be started; the reason is above."
        raise pytest.UsageError(msg)
    os.environ["DATABASE_URL"] = address


def _end(beside: subprocess.Popen[str]) -> None:
    """By the end of its input."""
    beside.communicate()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where there is no server, what was to be tested on it is skipped, and says why."""
    if missing := os.environ.get(MISSING):
        for item in items:
            item.add_marker(pytest.mark.skip(reason=missing))


if __name__ == "__main__":
    main()
