"""The site as shipped, with its rows in PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from scripts._lib.proxy import Proxy
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


@pytest.fixture
def way(address: str) -> Iterator[Proxy]:
    """To it."""
    proxy = Proxy(urlsplit(address).port or 0)
    yield proxy
    proxy.close()


@pytest.mark.long
@pytest.mark.keras
def test_a_clip_is_analyzed_and_while_the_database_is_away_people_are_told(
    address: str, way: Proxy, tmp_path: Path
) -> None:
    port = urlsplit(address).port
    site = Site(tmp_path / "data", DATABASE_URL=address.replace(f":{port}/", f":{way.port}/"))
    site.start()
    site.sign_in()

    content = videos.write(tmp_path / "clip.mp4", 60).read_bytes()
    assert site.upload("clip.mp4", content, model=MODEL).ok

    until = time.monotonic() + PATIENCE
    with closing(psycopg.connect(address, autocommit=True)) as database:
        while (found := database.execute(STATUS).fetchall()) != [("done",)]:
            assert time.monotonic() < until, found
            time.sleep(0.1)

    way.refuse(now=True)
    way.cut()
    key = {"Authorization": "Bearer shoplift_x"}
    page = site.browser.get(f"{site.address}/history/", timeout=PATIENCE)
    answer = site.browser.get(f"{site.address}/api/v1/clips", headers=key, timeout=PATIENCE)
    assert (page.status_code, answer.status_code) == (503, 503)
    assert "The database does not answer" in page.text
    assert answer.headers["Content-Type"] == "application/problem+json"

    way.refuse(now=False)
    until = time.monotonic() + PATIENCE
    while (
        page := site.browser.get(f"{site.address}/history/", timeout=PATIENCE)
    ).status_code != 200:
        assert time.monotonic() < until, page.text
    assert site.stop() == 0
    assert not (tmp_path / "data" / "db.sqlite3").exists()
