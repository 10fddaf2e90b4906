"""A folder of clips gives their labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.makers import videos
from video_classifier.ml.data import from_folders
from video_classifier.ml.data.manifest import ManifestError


def make_files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_the_folder_is_the_label(tmp_path: Path) -> None:
    make_files(tmp_path, "shoplifters/1.mp4", "non_shoplifters/deep/2.AVI")

    found = [(entry.name, entry.label) for entry in from_folders.read(tmp_path)]

    assert found == [
        ("non_shoplifters/deep/2.AVI", "non_shoplifter"),
        ("shoplifters/1.mp4", "shoplifter"),
    ]


@pytest.mark.parametrize(
    ("shoplifters", "others"),
    [
        ("shoplifters", "non-shoplifters"),
        ("shop lifters", "non shop lifters"),
        ("Shoplifters", "Non_Shoplifters"),
        ("shop-lifters", "NON-SHOP-LIFTERS"),
        ("shoplifter", "non_shoplifter"),
        ("Shop Lifter", "nonshoplifter"),
    ],
)
def test_spellings_of_the_folders_are_read(tmp_path: Path, shoplifters: str, others: str) -> None:
    for clip in (tmp_path / shoplifters / "1.mp4", tmp_path / others / "2.mp4"):
        clip.parent.mkdir()
        videos.write(clip, 4)

    found = {entry.name: entry.label for entry in from_folders.read(tmp_path)}

    assert found == {f"{shoplifters}/1.mp4": "shoplifter", f"{others}/2.mp4": "non_shoplifter"}


def test_splits_are_read_together(tmp_path: Path) -> None:
    make_files(tmp_path, "train/shoplifters/1.mp4", "test/non_shoplifters/2.mp4")

    assert {entry.label for entry in from_folders.read(tmp_path)} == {
        "shoplifter",
        "non_shoplifter",
    }


def test_the_nearest_folder_counts(tmp_path: Path) -> None:
    make_files(tmp_path, "shoplifters/non_shoplifters/1.mp4")

    assert [entry.label for entry in from_folders.read(tmp_path)] == ["non_shoplifter"]


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    make_files(tmp_path, "shoplifters/1.mp4", "shoplifters/notes.txt", "2.mp4", "more/3.mp4")

    assert [entry.name for entry in from_folders.read(tmp_path)] == ["shoplifters/1.mp4"]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shoplifters").mkdir()

    with pytest.raises(ManifestError, match="There is no clip in"):
        from_folders.read(tmp_path)


def test_folders_of_other_names_are_named_in_the_refusal(tmp_path: Path) -> None:
    make_files(tmp_path, "theft/1.mp4", "normal/deep/2.mp4", "notes/readme.txt")

    with pytest.raises(ManifestError, match="in “normal”, “theft”: rename the folders"):
        from_folders.read(tmp_path)
