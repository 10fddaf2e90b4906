"""From folders of clips to a manifest: labels, groups, a split, and what to be warned of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import build_manifest
from tests.makers import videos
from video_classifier.ml.audit import file_facts
from video_classifier.ml.data import manifest, splits
from video_classifier.ml.data.manifest import Entry

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    for number, name in enumerate(
        ("shoplifters/a", "shoplifters/b", "non_shoplifters/c", "non_shoplifters/d")
    ):
        path = folder / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        videos.write(path, frames=5 + number)
    return folder


def built(dataset: Path, *options: str) -> dict[str, Entry]:
    """What the manifest says, by the last part of the clips' names."""
    table = dataset.parent / "manifest.csv"

    assert build_manifest.main([str(dataset), "--out", str(table), *options]) == 0
    return {entry.path.stem: entry for entry in manifest.read(table)}


def refused(dataset: Path, *options: str) -> bool:
    """And nothing written."""
    table = dataset.parent / "manifest.csv"
    code = build_manifest.main([str(dataset), "--out", str(table), *options])
    return code == 2 and not table.exists()


def test_the_label_is_the_folder(dataset: Path) -> None:
    found = built(dataset)

    assert {name: entry.label for name, entry in found.items()} == {
        "a": "shoplifter",
        "b": "shoplifter",
        "c": "non_shoplifter",
        "d": "non_shoplifter",
    }
    assert found["a"].name == "clips/shoplifters/a.mp4"


def test_the_split_is_that_of_the_group(dataset: Path) -> None:
    for entry in built(dataset, "--seed", "7").values():
        assert entry.split == splits.split_of(entry.group, seed=7)


def test_who_is_in_a_clip_and_from_which_camera_is_taken_from_a_table(dataset: Path) -> None:
    (dataset / "groups.csv").write_text(
        "path,actor,camera\nshoplifters/a.mp4,Ada,till\nnon_shoplifters/c.mp4,Ada,door\n"
    )

    found = built(dataset)

    assert (found["a"].group, found["c"].group) == ("Ada", "Ada")
    assert (found["a"].source, found["c"].source, found["d"].source) == ("till", "door", "")


def test_pieces_of_one_recording_keep_its_take(dataset: Path) -> None:
    (dataset / "groups.csv").write_text(
        "path,actor,take\nshoplifters/a.mp4,Ada,7\nshoplifters/b.mp4,,7\n"
    )

    found = built(dataset)

    assert [found[name].take for name in "abc"] == ["7", "7", ""]
    assert (found["a"].group, found["b"].group) == ("Ada", "Ada")


def test_duplicates_are_kept_together_and_conflicts_noted(dataset: Path, tmp_path: Path) -> None:
    report = tmp_path / "duplicates.json"
    conflict = {"a": "shoplifters/b.mp4", "b": "non_shoplifters/d.mp4"}
    groups = [["shoplifters/a.mp4", "shoplifters/b.mp4"]]
    report.write_text(json.dumps({"groups": groups, "conflicts": [conflict]}))

    found = built(dataset, "--duplicates", str(report))

    assert len({found[name].group for name in "abd"}) == 1
    assert found["c"].group != found["a"].group
    assert found["b"].note == "label conflict: shares footage with clips/non_shoplifters/d.mp4"
    assert found["d"].note
    assert not found["a"].note


def test_a_corrupt_clip_is_named_and_left_out(dataset: Path, capsys: Captured) -> None:
    videos.text(dataset / "shoplifters/notes.mp4", "buy milk")

    found = built(dataset)

    printed = capsys.readouterr()
    assert sorted(found) == ["a", "b", "c", "d"]
    assert "Left out: clips/shoplifters/notes.mp4: The file is a text, not a video" in printed.err
    assert "4 clips, 1 left out" in printed.out


def test_without_a_table_of_people_there_is_a_warning(dataset: Path, capsys: Captured) -> None:
    built(dataset)

    assert "There is no groups.csv" in capsys.readouterr().err


def test_too_few_people_are_a_warning(dataset: Path, capsys: Captured) -> None:
    built(dataset)

    assert "Only 2 people or recordings are labelled" in capsys.readouterr().err


def test_lengths_that_predict_the_label_are_a_warning(dataset: Path, capsys: Captured) -> None:
    for number in range(10):
        videos.write(dataset / f"shoplifters/long{number}.mp4", frames=20 + number)
        videos.write(dataset / f"non_shoplifters/short{number}.mp4", frames=4 + number)

    built(dataset)

    assert "The files' length alone predicts the label: AUC 0." in capsys.readouterr().err


def test_a_label_on_one_side_only_is_a_warning(dataset: Path, capsys: Captured) -> None:
    (dataset / "groups.csv").write_text(
        "path,actor\nshoplifters/a.mp4,Ada\nshoplifters/b.mp4,Ada\n"
    )

    built(dataset)

    assert "All shoplifter clips are on one side of the split" in capsys.readouterr().err


@pytest.mark.parametrize("make", [False, True], ids=["no folder", "empty folders"])
def test_a_folder_without_clips_is_refused(tmp_path: Path, capsys: Captured, make: bool) -> None:  # noqa: FBT001
    folder = tmp_path / "clips"
    if make:
        (folder / "shoplifters").mkdir(parents=True)

    assert refused(folder)
    assert "There is no clip in" in capsys.readouterr().err


def test_one_class_only_is_refused(dataset: Path, capsys: Captured) -> None:
    for name in "ab":
        videos.text(dataset / f"shoplifters/{name}.mp4", "buy milk")

    assert refused(dataset)
    assert "Only non_shoplifter clips can be read" in capsys.readouterr().err


def test_a_folder_with_an_unknown_name_is_named_where_a_label_is_missing(
    dataset: Path, capsys: Captured
) -> None:
    (dataset / "shoplifters").rename(dataset / "thieves")

    assert refused(dataset)
    assert "Videos without a label are in “thieves”" in capsys.readouterr().err


def test_videos_without_a_label_are_a_warning(dataset: Path, capsys: Captured) -> None:
    (dataset / "normal").mkdir()
    videos.write(dataset / "normal" / "e.mp4", frames=9)

    assert built(dataset).keys() == set("abcd")

    assert "without a label are in “normal”: rename" in capsys.readouterr().err


def test_a_table_of_people_that_names_no_clip_is_refused(dataset: Path, capsys: Captured) -> None:
    (dataset / "people.csv").write_text("path,actor\nx.mp4,Ada\ny.mp4,Bob\n")

    assert refused(dataset, "--groups", str(dataset / "people.csv"))
    printed = capsys.readouterr().err
    assert "x.mp4: no such file" in printed
    assert "y.mp4: no such file" in printed


def test_an_interruption_writes_nothing(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(file_facts, "inspect_all", interrupted)
    table = dataset.parent / "manifest.csv"

    assert build_manifest.main([str(dataset), "--out", str(table)]) == 130
    assert not table.exists()
