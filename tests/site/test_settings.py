"""The settings as a start of the site finds them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def start(code: str, data: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"from shoplift_site import settings\n{code}"],
        cwd=ROOT,
        env=os.environ | variables | {"DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("variable", "nonsense"), [("DEBUG", "maybe"), ("CLIP_MAX_BYTES", "100 MB"), ("RUNNER", "x")]
)
def test_nonsense_stops_the_start(tmp_path: Path, variable: str, nonsense: str) -> None:
    done = start("", tmp_path, **{variable: nonsense})

    assert done.returncode != 0
    assert f"The environment variable {variable} is “{nonsense}”" in done.stderr


@pytest.mark.parametrize("https", ["true", "false"])
def test_cookies_travel_over_https_alone_if_there_is_https(tmp_path: Path, https: str) -> None:
    done = start(
        "print(settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE,"
        " settings.SECURE_HSTS_SECONDS > 0, settings.SECURE_PROXY_SSL_HEADER is not None)",
        tmp_path,
        HTTPS=https,
    )

    assert set(done.stdout.split()) == {https.capitalize()}


def open_to_others(folder: Path) -> list[str]:
    return [str(path) for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077]


def test_what_the_site_writes_is_for_its_owner(tmp_path: Path) -> None:
    data = tmp_path / "data"

    start("", data)

    assert open_to_others(data) == []
    assert sorted(entry.name for entry in data.iterdir()) == ["db.sqlite3", "secret_key", "uploads"]


def test_data_from_before_are_closed_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for name in ("db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm"):
        (tmp_path / name).touch(0o644)

    start("", tmp_path)

    assert open_to_others(tmp_path) == []


def test_the_databases_journals_are_for_its_owner_too(tmp_path: Path) -> None:
    write = """
import os, django; os.environ["DJANGO_SETTINGS_MODULE"] = "shoplift_site.settings"; django.setup()
from django.db import connection
connection.cursor().execute("CREATE TABLE one (a)")
print(*sorted(each.name for each in settings.DATA_DIR.iterdir()), sep=",")
print(*(oct(each.stat().st_mode) for each in settings.DATA_DIR.iterdir()), sep=",")
"""

    names, modes = start(write, tmp_path).stdout.split()

    assert {"db.sqlite3", "db.sqlite3-shm", "db.sqlite3-wal"} < set(names.split(","))
    assert {mode[-2:] for mode in modes.split(",")} == {"00"}


def test_a_folder_that_all_may_write_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)

    start("", tmp_path)

    assert tmp_path.stat().st_mode & 0o7777 == 0o1777


def test_django_has_nothing_to_say_against_the_settings_for_production(tmp_path: Path) -> None:
    """Those that docs/deployment.md has."""
    production = {
        "DATA_DIR": str(tmp_path),
        "HTTPS": "true",
        "TRUSTED_PROXIES": "1",
        "ALLOWED_HOSTS": "clips.example.org",
        "SITE_URL": "https://clips.example.org",
    }

    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=os.environ | production,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout
