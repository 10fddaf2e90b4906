"""The keys that programs read are those that docs/json.md promises."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts import evaluate
from tests.makers import videos
from tests.makers.footage import ROOT
from tests.scripts.conftest import MakeModel, MakeTable

pytestmark = pytest.mark.keras

PROMISED = {"threshold", "predictions", "predictions[].path"}
PROMISED |= {"predictions[].label", "predictions[].score"}


def documented() -> set[str]:
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    section = page.split("## `python -m scripts.evaluate")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return {key for cell in cells for key in re.findall(r"`([^`]+)`", cell)}


def keys(value: Any, prefix: str = "") -> Iterator[str]:
    """Of objects at any depth; a metric's own are the same for each."""
    if isinstance(value, list):
        for one in value:
            yield from keys(one, f"{prefix}[]")
    elif isinstance(value, dict):
        inner = "METRIC" if value.keys() == {"value", "low", "high"} else prefix
        for key, content in value.items():
            name = f"{inner}.{key}".removeprefix(".")
            yield name
            yield from keys(content, name)


def test_the_page_lists_every_key_and_no_other(
    make_model: MakeModel, make_table: MakeTable, tmp_path: Path
) -> None:
    videos.write(tmp_path / "a.mp4", 30)
    videos.write(tmp_path / "b.mp4", 30)
    videos.write(tmp_path / "short.mp4", 3)
    videos.text(tmp_path / "notes.mp4", "buy milk")
    names = ("a.mp4", "b.mp4", "short.mp4", "notes.mp4")
    table = make_table([(name, "shoplifter", "ann") for name in names])
    target = tmp_path / "figures.json"

    assert evaluate.main([str(make_model("mine")), str(table), "--json", str(target)]) == 0

    found = json.loads(target.read_text())
    assert [len(found[name]) for name in ("predictions", "no_result", "unreadable")] == [2, 1, 1]
    assert set(keys(found)) == documented()
    assert documented() >= PROMISED
