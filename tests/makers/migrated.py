"""An empty SQLite database with all its tables, made once for all processes of a test run."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.makers.footage import ROOT


def copy(shared: Path, to: Path) -> None:
    """`shared` is a folder of all processes."""
    with (shared / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
        made = shared / "migrated.sqlite3"
        if not made.exists():
            _make(shared / "migrating", made)
    shutil.copyfile(made, to)


def _make(data: Path, to: Path) -> None:
    own = {"DATA_DIR": str(data), "DATABASE_URL": ""}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"],
        cwd=ROOT,
        env=os.environ | own,
        check=True,
    )
    with closing(sqlite3.connect(data / "db.sqlite3")) as database:
        database.execute("VACUUM INTO ?", (str(to),))  # one file, and no log beside it
