"""What a site leans on, and how it breaks: PostgreSQL, Redis, a bucket, and a small disk."""

from __future__ import annotations

import hashlib
import logging
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg

from scripts._lib import families, ports
from scripts._lib.processes import kill
from scripts._lib.proxy import Proxy
from scripts._lib.site_under_test import SiteError

DEBIAN = Path("/usr/lib/postgresql")  # a folder a version, none of them on the PATH
PATIENCE = 60.0  # seconds to start
DATABASE = "shoplift"


class Postgres:
    """A cluster in a folder of its own, on a port of 127.0.0.1 that stays the same."""

    DATA = "data"  # in the folder

    def __init__(
        self, folder: Path, port: int, *, environment: Mapping[str, str] | None = None
    ) -> None:
        self.port = port
        self._folder = folder
        self._environment = environment or {}
        self._programs = _programs()
        self._account = _account()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        if self._account:
            os.chown(folder, self._account["user"], self._account["group"])
        cluster = ("--pgdata", self.DATA, "--auth", "trust", "--username", "postgres")
        self._run("initdb", *cluster, "--encoding", "UTF8", "--locale", "C.UTF-8")
        self.start()
        with self.connection("postgres") as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")

    def address(self, port: int, name: str = DATABASE) -> str:
        """By way of a proxy at that port."""
        return f"postgres://postgres@127.0.0.1:{port}/{name}"

    def connection(self, name: str = DATABASE) -> psycopg.Connection[Any]:
        return psycopg.connect(
            f"postgres://postgres@127.0.0.1:{self.port}/{name}", autocommit=True, connect_timeout=5
        )

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """And wait until it answers, which is after the log of a crash was played back."""
        until = time.monotonic() + PATIENCE
        while not self._answers():
            if time.monotonic() > until:
                msg = f"PostgreSQL does not start; see {self._folder / 'log'}."
                raise SiteError(msg)
            # It refuses while processes of one that was killed still hold its memory.
            if self._process is None or self._process.poll() is not None:
                self._process = self._popen(environment or {})
            time.sleep(0.1)

    def _popen(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self._folder,
            "shared_buffers": "64MB",
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                [self._programs / "postgres", "-D", self.DATA, *words],
                cwd=self._folder,
                env={**os.environ, **self._environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._account,
            )

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError), self.connection("postgres"):
            return True
        return False

    def family(self) -> list[psutil.Process]:
        return families.of(self._process)

    def kill(self) -> None:
        """All of it at once."""
        kill(self.family())
        if self._process is not None:
            self._process.wait(PATIENCE)

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE)

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(  # noqa: S603
            [self._programs / program, *words],
            cwd=self._folder,
            check=True,
            stdout=subprocess.DEVNULL,
            **self._account,
        )


def _programs() -> Path:
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    folders = sorted(DEBIAN.glob("*/bin"), key=lambda each: float(each.parent.name))
    if not folders:
        msg = f"PostgreSQL's initdb is neither on the PATH nor in {DEBIAN}/*/bin."
        raise SiteError(msg)
    return folders[-1]


def _account() -> dict[str, Any]:
    """That runs it, as Popen takes it: it refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    postgres = pwd.getpwnam("postgres")
    return {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}


class Redis:
    """One on a free port of 127.0.0.1, with nothing on disk."""

    def __init__(self) -> None:
        found = shutil.which("redis-server")
        if found is None:
            msg = "redis-server is not on the PATH."
            raise SiteError(msg)
        self._program = found
        self._port = ports.free()
        self._password = secrets.token_urlsafe(16)
        self.address = f"redis://:{self._password}@127.0.0.1:{self._port}/0"
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """And waits until it takes connections."""
        self._server = subprocess.Popen(  # noqa: S603
            [self._program, "-"],  # the password is not for the list of processes
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._server.stdin is not None  # noqa: S101
        settings = f"bind 127.0.0.1\nport {self._port}\nrequirepass {self._password}\n"
        self._server.stdin.write(f'{settings}save ""\nappendonly no\n'.encode())
        self._server.stdin.close()
        until = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port)).close()
            except OSError:
                if self._server.poll() is not None or time.monotonic() > until:
                    msg = "Redis does not start."
                    raise SiteError(msg) from None
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """At once, as a crash would."""
        if self._server is not None:
            self._server.kill()
            self._server.wait(PATIENCE)
            self._server = None

    def freeze(self, *, now: bool = True) -> None:
        """It takes connections and answers nothing, until it goes on or is killed."""
        assert self._server is not None  # noqa: S101
        self._server.send_signal(signal.SIGSTOP if now else signal.SIGCONT)

    def empty(self) -> None:
        """Of all that it holds, the news who listens where included."""
        import redis

        with closing(redis.Redis.from_url(self.address)) as client:
            client.flushall()


class Bucket:
    """Of moto's S3 server, which holds it in memory; what breaks is the way there, a proxy."""

    NAME = "clips"

    def __init__(self) -> None:
        import boto3
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line a request
        app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self._server.port}",
            region_name="us-east-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",  # noqa: S106  (moto looks at none)
        )
        self._client.create_bucket(Bucket=self.NAME)
        self.proxy = Proxy(self._server.port)
        self.address = self._address(self.NAME)

    def _address(self, name: str) -> str:
        return f"s3://key:secret@{name}?endpoint=http://127.0.0.1:{self.proxy.port}"

    def another(self, name: str) -> str:
        """The address of a new one of that name."""
        self._client.create_bucket(Bucket=name)
        return self._address(name)

    def sha256(self, key: str, *, bucket: str) -> str | None:
        """None if it isn't there."""
        try:
            found = self._client.get_object(Bucket=bucket, Key=key)
        except self._client.exceptions.NoSuchKey:
            return None
        return hashlib.sha256(found["Body"].read()).hexdigest()

    def names(self) -> set[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.NAME)
        return {each["Key"] for page in pages for each in page.get("Contents", ())}

    def age(self, names: Iterable[str], *, seconds: float) -> None:
        from moto.core.models import DEFAULT_ACCOUNT_ID
        from moto.s3.models import s3_backends

        keys = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[self.NAME].keys
        for name in names:
            keys[name].last_modified -= timedelta(seconds=seconds)

    def close(self) -> None:
        self.proxy.close()
        self._server.shutdown()
        self._server.server_close()


class Disk:
    """A small disk in memory, mounted on a folder. To mount one takes root."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        _mount("-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(folder))
        self._filler = folder / ".filler"

    @staticmethod
    def is_possible(folder: Path) -> bool:
        """Whether one may be mounted here."""
        trial = folder / "trial"
        try:
            Disk(trial, 1).remove()
        except (OSError, subprocess.CalledProcessError):
            return False
        return True

    def fill(self, *, left: int) -> None:
        """But for so many bytes."""
        free = shutil.disk_usage(self.folder).free - left
        with self._filler.open("wb") as file, suppress(OSError):
            if free > 0:
                os.posix_fallocate(file.fileno(), 0, free)

    def empty(self) -> None:
        self._filler.unlink(missing_ok=True)

    def protect(self, name: str) -> None:
        """Writing into that folder fails from now on, by a mount over it that forbids it."""
        folder = str(self.folder / name)
        _mount("--bind", folder, folder)
        _mount("-o", "remount,bind,ro", folder)

    def unprotect(self, name: str) -> None:
        subprocess.run(["umount", "--lazy", self.folder / name], check=True)  # noqa: S603, S607

    def remove(self) -> None:
        subprocess.run(["umount", "--lazy", self.folder], check=True)  # noqa: S603, S607


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)  # noqa: S603, S607
