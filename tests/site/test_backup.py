"""`manage.py backup` and `restore` as real processes, while somebody uploads."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Migrated

ROOT = Path(__file__).parent.parent.parent

# So many clips, one after the other; what each is, is in its bytes.
UPLOAD = """
import sys, django; django.setup()
import hashlib, time
from django.core.files.base import ContentFile
from video_classifier.models import Clip, Store
for number in range(int(sys.argv[1])):
    content = f"clip {number}".encode() * 1000
    Clip.objects.create(
        name=f"{number}.mp4", file=ContentFile(content, name="clip.mp4"), size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(), container="mp4", codec="h264", width=64,
        height=48, duration=2.0, store=Store.objects.get(),
    )
    print(number, flush=True)
    time.sleep(float(sys.argv[2]))
"""
CLIPS = """
import django; django.setup()
from pathlib import Path
from video_classifier.models import Clip
from video_classifier.ml.files import sha256
for clip in Clip.objects.order_by("name"):
    assert sha256(Path(clip.file.path)) == clip.sha256
    print(clip.name)
"""


class Site:
    """With data of its own, and a database of its own on the server of these tests."""

    def __init__(self, data: Path, address: str) -> None:
        self.data = data
        self._settings = os.environ | {
            "DATA_DIR": str(data),
            "DATABASE_URL": address,
            "DJANGO_SETTINGS_MODULE": "shoplift_site.settings",
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env=self._settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str]:
        """The exit code, and what it printed."""
        process = self.start(*words)
        output, errors = process.communicate(timeout=600)
        return process.returncode, output + errors


@pytest.fixture
def sites(tmp_path: Path, migrated: Migrated) -> Iterator[tuple[Site, Site]]:
    """One that can be used, and a new one without tables."""
    given = os.environ.get("DATABASE_URL", "")
    if not given:
        yield Site(migrated(tmp_path / "used"), ""), Site(tmp_path / "new", "")
        return
    server = given.rpartition("/")[0]
    names = [f"backup_{uuid.uuid4().hex}" for _ in range(2)]
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE DATABASE {name}".encode())
        used = Site(tmp_path / "used", f"{server}/{names[0]}")
        used.run("manage.py", "migrate", "--verbosity", "0", "--skip-checks")
        yield used, Site(tmp_path / "new", f"{server}/{names[1]}")
        for name in names:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.db
def test_a_site_that_is_used_is_saved_and_restored_elsewhere(
    sites: tuple[Site, Site], tmp_path: Path
) -> None:
    used, new = sites
    saved = tmp_path / "saved"
    (used.data / "models" / "own").mkdir(parents=True)
    (used.data / "models" / "own" / "card.json").write_text("{}")
    uploading = used.start("-c", UPLOAD, "200", "0.02")
    assert uploading.stdout is not None
    for _ in range(5):
        uploading.stdout.readline()

    code, output = used.run("manage.py", "backup", str(saved))
    uploading.kill()
    uploading.communicate()

    assert (code, "files are saved" in output) == (0, True), output
    check = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
    assert subprocess.run(check, cwd=saved, check=False).returncode == 0
    assert {path.stat().st_mode & 0o077 for path in saved.rglob("*")} == {0}

    code, output = new.run("manage.py", "restore", str(saved))

    assert code == 0, output
    code, names = new.run("-c", CLIPS)
    assert code == 0, names
    assert len(names.split()) >= 5
    assert "0 belong to no row, 0 removed; 0 clips miss a file" in sweep(new)
    for name in ("secret_key", "models/own/card.json"):
        assert (new.data / name).read_bytes() == (used.data / name).read_bytes()
    code, output = new.run("manage.py", "restore", str(saved))
    assert (code, "The site has rows already" in output) == (1, True)
    code, output = used.run("manage.py", "backup", str(saved))
    assert (code, "is not empty" in output) == (1, True)


@pytest.mark.db
def test_what_is_wrong_with_files_is_said_and_a_damaged_backup_is_not_restored(
    sites: tuple[Site, Site], tmp_path: Path
) -> None:
    used, new = sites
    saved = tmp_path / "saved"
    used.run("-c", UPLOAD, "3", "0")
    lost, other, _ = sorted((used.data / "media").rglob("*.mp4"))
    lost.unlink()
    other.write_bytes(b"something else")

    code, output = used.run("manage.py", "backup", str(saved))

    assert code == 2
    assert f"{lost.name} is not there" in output
    assert f"{other.name} is not what was uploaded" in output
    copy = next((saved / "media").rglob(other.name))
    copy.write_bytes(b"damaged")
    code, output = new.run("manage.py", "restore", str(saved))
    assert (code, "The backup is damaged" in output) == (1, True)
    (saved / "SHA256SUMS").unlink()
    code, output = new.run("manage.py", "restore", str(saved))
    assert (code, "it is no backup, or one that was broken off" in output) == (1, True)
    assert not list(new.data.glob("media/**/*.mp4"))


def sweep(site: Site) -> str:
    return site.run("manage.py", "sweep_files", "--dry-run")[1]
