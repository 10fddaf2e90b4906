"""Every clip that is known to break things has a test that names it, and the file is there."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.makers.footage import FOOTAGE, require

MANIFEST = FOOTAGE.parent / "clips_that_break" / "manifest.csv"
TESTS = Path(__file__).parent


@pytest.mark.footage
def test_every_expectation_of_the_manifest_is_held_by_a_test() -> None:
    require(MANIFEST)
    with MANIFEST.open(newline="") as file:
        rows = list(csv.DictReader(file))
    others = (path for path in TESTS.rglob("test_*.py") if path != Path(__file__))
    tests = "".join(path.read_text() for path in others)

    assert rows
    assert [row["file"] for row in rows if not (MANIFEST.parent / row["file"]).is_file()] == []
    assert [row["file"] for row in rows if f'"{row["file"]}"' not in tests] == []
