"""The examples of docs/api.md, run against a site as it is served."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from scripts._lib.site_under_test import Site
from tests.conftest import Migrated
from tests.makers import videos
from tests.makers.footage import ROOT

pytestmark = pytest.mark.keras

EXAMPLES = ROOT / "docs/examples"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, migrated: Migrated) -> Iterator[Site]:
    site = Site(migrated(tmp_path_factory.mktemp("site")))
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return videos.write(tmp_path_factory.mktemp("clips") / "till.mp4", 60)


@pytest.fixture(scope="module")
def surroundings(site: Site) -> dict[str, str]:
    return {**os.environ, "SHOPLIFT_SITE": site.address, "SHOPLIFT_KEY": site.api_key()}


def run(*command: str | Path, surroundings: dict[str, str]) -> str:
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_curl_predicts(clip: Path, surroundings: dict[str, str]) -> None:
    told = json.loads(run("sh", EXAMPLES / "predict.sh", clip, surroundings=surroundings))

    assert told.get("kind") == "clip" or told["status"] in {"queued", "running"}


def test_python_waits_for_each(clip: Path, surroundings: dict[str, str], tmp_path: Path) -> None:
    wrong = tmp_path / "notes.mp4"
    wrong.write_text("no video")
    script = EXAMPLES / "predict.py"

    said = run(sys.executable, script, clip, wrong, surroundings=surroundings)

    first, second = said.splitlines()
    assert any(word in first for word in ("no_result", "no_hint", "hint"))
    assert "/results/" in first
    assert str(wrong) in second


def test_the_site_stays_up_in_a_burst_of_500_requests(
    site: Site, surroundings: dict[str, str]
) -> None:
    key = {"Authorization": f"Bearer {surroundings['SHOPLIFT_KEY']}"}

    def ask(_: int) -> int:
        address = f"{site.address}/api/v1/stores"
        return requests.get(address, headers=key, timeout=60).status_code

    with ThreadPoolExecutor(8) as together:
        answers = Counter(together.map(ask, range(500)))

    assert set(answers) == {200, 429}
    assert answers[429] >= 100
    assert site.is_healthy()


def test_the_page_has_the_example(surroundings: dict[str, str]) -> None:
    """As it is run above."""
    script = (EXAMPLES / "predict.sh").read_text().split("\n", 2)[2].strip()

    assert script in (ROOT / "docs/api.md").read_text()
