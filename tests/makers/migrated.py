"""An empty SQLite database with all its tables, which is kept until what it is made of changes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.makers.footage import ROOT

# The tables come of the migrations and of the libraries' own, the rows of permissions and of
# content types of the models and the settings.
MADE_OF = (
    "requirements*.txt",
    "shoplift_site/*.py",
    "video_classifier/apps.py",
    "video_classifier/migrations/*.py",
    "video_classifier/models/*.py",
    "video_classifier/states.py",
)
KEPT = 3  # of the last states of the code: branches, say


def copy(kept: Path, to: Path) -> None:
    """`kept` is a folder of all processes, and of later runs."""
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
        made = kept / f"{_state()}.sqlite3"
        if made.exists():
            made.touch()
        else:
            _make(kept / "migrating", made)
            _forget_old(kept)
        shutil.copyfile(made, to)


def _state() -> str:
    """Of the code that makes it."""
    zone = os.environ.get("TIME_ZONE", "")  # of the store that the first migration makes
    state = hashlib.sha256(f"{sys.version} {zone}".encode())
    for pattern in MADE_OF:
        for file in sorted(ROOT.glob(pattern)):
            state.update(f"{file.name} {file.stat().st_size} ".encode() + file.read_bytes())
    return state.hexdigest()


def _make(data: Path, to: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)  # of a run that was killed
    data.mkdir()
    own = {"DATA_DIR": str(data), "DATABASE_URL": ""}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"],
        cwd=ROOT,
        env=os.environ | own,
        check=True,
    )
    whole = data / "whole.sqlite3"
    with closing(sqlite3.connect(data / "db.sqlite3")) as database:
        database.execute("VACUUM INTO ?", (str(whole),))  # one file, and no log beside it
    whole.rename(to)
    shutil.rmtree(data)


def _forget_old(kept: Path) -> None:
    by_age = sorted(kept.glob("*.sqlite3"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in by_age[KEPT:]:
        file.unlink()
