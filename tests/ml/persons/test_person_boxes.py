"""The hand-checked boxes by which person detectors are judged are whole and fit the footage."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.makers.footage import FOOTAGE, require

Frame = dict[str, Any]


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    checked = json.loads(Path(__file__).with_name("person_boxes.json").read_text())
    return list(checked["frames"])


def test_many_frames_and_none_twice(frames: list[Frame]) -> None:
    assert len({(frame["clip"], frame["time"]) for frame in frames}) == len(frames) == 140


def test_boxes_lie_in_the_picture(frames: list[Frame]) -> None:
    boxes = [box for frame in frames for box in frame["boxes"]]

    assert boxes
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1


def test_some_frames_show_nobody(frames: list[Frame]) -> None:
    assert any(not frame["boxes"] for frame in frames)


@pytest.mark.footage
def test_comes_from_many_scenes(frames: list[Frame]) -> None:
    table = FOOTAGE / "manifest.csv"
    require(table, *(FOOTAGE / frame["clip"] for frame in frames))
    with table.open(newline="", encoding="utf-8") as file:
        scenes = {row["path"]: row["scene"] for row in csv.DictReader(file)}

    assert len({scenes[frame["clip"]] for frame in frames}) >= 20
