"""Starts the site as shipped, with data of its own, and does to it what the measurements need."""

from __future__ import annotations

import os
import re
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import requests

from scripts._lib import families, ports

ROOT = Path(__file__).parents[2]
SERVED = ("--config", "python:shoplift_site.gunicorn", "shoplift_site.wsgi")
NAME = "ada"
PATIENCE = 60.0  # seconds to start

_PREPARE = f"""
import os, django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
call_command("migrate", verbosity=0, skip_checks=True)
User.objects.create_superuser({NAME!r}, password=os.environ["NEW_PASSWORD"])
"""
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class SiteError(Exception):
    """The site does not do what it has to."""


class Site:
    """A server on a free port of 127.0.0.1; kill it, start it, ask it."""

    def __init__(self, data: Path, **environment: str) -> None:
        port = ports.free()
        self.address = f"http://127.0.0.1:{port}"
        self.data = data
        self.browser = requests.Session()
        self.password = secrets.token_urlsafe(12)
        usual = {"DATABASE_URL": "", "SITE_URL": self.address}
        self._environment = os.environ | usual | environment
        self._environment |= {"DATA_DIR": str(data), "PORT": str(port)}
        self._environment |= {"DJANGO_SETTINGS_MODULE": "shoplift_site.settings"}
        self._run("-c", _PREPARE)
        self._process: subprocess.Popen[bytes] | None = None

    def api_key(self) -> str:
        """One of the user's, that may do everything."""
        scopes = ("--scope", "results:read", "--scope", "clips:write")
        return self._run("manage.py", "api_key", "create", NAME, "--name", "test", *scopes).strip()

    def start(self) -> None:
        """And wait until it answers."""
        with (self.data / "server.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "gunicorn", *SERVED],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + PATIENCE
        while not self.is_healthy():
            if time.monotonic() > until or self._process.poll() is not None:
                msg = f"The server does not start; see {self.data / 'server.log'}."
                raise SiteError(msg)
            time.sleep(0.05)

    def is_healthy(self, *, within: float = 5.0) -> bool:
        try:
            return requests.get(f"{self.address}/healthz", timeout=within).ok
        except requests.RequestException:
            return False

    def processes(self) -> list[psutil.Process]:
        """The server's own, and all that they started."""
        return families.of(self._process)

    def worker(self) -> psutil.Process:
        """The process that serves requests and has the background thread."""
        found = [each for each in self.processes()[1:] if "gunicorn" in " ".join(each.cmdline())]
        if not found:
            msg = "The server has no worker."
            raise SiteError(msg)
        return found[0]

    def kill(self) -> list[psutil.Process]:
        """At once, like a failing power supply, but for its children; returns these."""
        everything = self.processes()
        servers = [each for each in everything if "gunicorn" in " ".join(each.cmdline())]
        for each in servers:
            each.kill()
        psutil.wait_procs(servers, timeout=10)
        self._reap()
        return [each for each in everything if each not in servers]

    def stop(self) -> int:
        """In good order; returns the exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        return self._reap()

    def _reap(self) -> int:
        assert self._process is not None  # noqa: S101
        code = self._process.wait(timeout=PATIENCE)
        self._process = None
        return code

    def sign_in(self) -> None:
        page = self.browser.get(f"{self.address}/accounts/login/", timeout=PATIENCE)
        form = {"username": NAME, "password": self.password}
        self._post("/accounts/login/", form | {"csrfmiddlewaretoken": _token(page.text)})

    def upload(self, name: str, content: bytes, *, model: str) -> requests.Response:
        token = self.browser.cookies["csrftoken"]
        return self._post(
            "/",
            {"model": model},
            files={"clips": (name, content)},
            headers={"X-CSRFToken": token, "HX-Request": "true"},
        )

    def _post(self, path: str, form: dict[str, str], **how: Any) -> requests.Response:
        return self.browser.post(f"{self.address}{path}", form, timeout=PATIENCE, **how)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.data / "db.sqlite3", timeout=20)) as database:
            return database.execute(query).fetchall()

    def unfinished(self) -> int:
        analyses = "SELECT count(*) FROM video_classifier_analysis"
        return int(self.rows(f"{analyses} WHERE status IN ('queued', 'running')")[0][0])

    def _run(self, *words: str) -> str:
        """Returns what it prints."""
        environment = self._environment | {"NEW_PASSWORD": self.password}
        command = [sys.executable, *words]
        done = subprocess.run(  # noqa: S603
            command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout


def _token(page: str) -> str:
    found = _TOKEN.search(page)
    if found is None:
        msg = "The sign-in page has no token."
        raise SiteError(msg)
    return found[1]
