"""The site as shipped, with its rows in PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from scripts._lib.site_under_test import Site
from tests import servers
from tests.makers import videos

MODEL = "conv3d"  # the smallest
STATUS = "SELECT status FROM video_classifier_analysis"
PATIENCE = 180.0  # seconds: a busy machine loads TensorFlow slowly


@pytest.fixture
def address(installed: None) -> Iterator[str]:
    """Of a new database."""
    with servers.postgresql() as address:
        owner = psycopg.connect(address.replace("/shoplift", "/postgres"), autocommit=True)
        with closing(owner):
            owner.execute("CREATE DATABASE shoplift")
        yield address


@pytest.mark.keras
def test_a_clip_is_uploaded_and_analyzed(address: str, tmp_path: Path) -> None:
    site = Site(tmp_path / "data", DATABASE_URL=address)
    site.start()
    site.sign_in()

    content = videos.write(tmp_path / "clip.mp4", 60).read_bytes()
    assert site.upload("clip.mp4", content, model=MODEL).ok

    until = time.monotonic() + PATIENCE
    with closing(psycopg.connect(address, autocommit=True)) as database:
        while (found := database.execute(STATUS).fetchall()) != [("done",)]:
            assert time.monotonic() < until, found
            time.sleep(0.1)
    assert site.stop() == 0
    assert not (tmp_path / "data" / "db.sqlite3").exists()
