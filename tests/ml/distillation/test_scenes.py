"""Scenes stay apart, so that a detector is tested in places that it has not seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.distillation import scenes
from video_classifier.ml.persons.detector import DetectorError
from video_classifier.ml.persons.detector_card import DetectorCard


def table(folder: Path, *rows: str) -> Path:
    path = folder / "clips.csv"
    path.write_text("\n".join(("path,scene,take", *rows)) + "\n")
    return path


def test_clips_come_scene_by_scene_labelled_or_not(tmp_path: Path) -> None:
    path = table(tmp_path, "a.mp4,shop,1", "b.mp4,shop,2", "c.mp4,street,3")

    assert scenes.clips_by_scene(path) == {"shop": ["a.mp4", "b.mp4"], "street": ["c.mp4"]}


def test_a_recording_in_two_scenes_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path, "a.mp4,shop,1", "b.mp4,street,1")

    with pytest.raises(ManifestError, match="more than one scene: 1"):
        scenes.clips_by_scene(path)


@pytest.mark.parametrize("text", ["", "path,label\na.mp4,x\n"])
def test_a_table_without_scenes_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(text)

    with pytest.raises(ManifestError, match="columns path and scene"):
        scenes.clips_by_scene(path)


def test_no_scene_is_in_two_splits_and_the_largest_is_trained_on() -> None:
    by_scene = {f"scene {number}": ["clip"] for number in range(40)} | {"lab": ["clip"] * 99}

    parts = scenes.split(by_scene, seed=0)

    assert sorted((*parts.train, *parts.validation, *parts.test)) == sorted(by_scene)
    assert "lab" in parts.train
    assert (len(parts.test), len(parts.validation)) == (8, 4)
    assert parts == scenes.split(by_scene, seed=0)
    assert parts != scenes.split(by_scene, seed=1)


def test_a_detector_can_be_trained_on_the_scenes_of_an_earlier_one() -> None:
    parts = {"train": ["shop"], "validation": ["yard"], "test": ["street", "bus"]}
    card = DetectorCard(threshold=0.5, created="", parameters=1, training={"scenes": parts})

    split = scenes.split_of(card)

    assert (split.train, split.validation, split.test) == (("shop",), ("yard",), ("street", "bus"))


def test_a_detector_that_names_no_scenes_is_a_sentence() -> None:
    with pytest.raises(DetectorError, match="which scenes"):
        scenes.split_of(DetectorCard(threshold=0.5, created="", parameters=1))
