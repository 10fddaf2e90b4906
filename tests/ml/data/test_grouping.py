"""Clips that share a person or footage are in one group, over whatever detours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from video_classifier.ml.data import grouping
from video_classifier.ml.data.grouping import Duplicates, Origin
from video_classifier.ml.data.manifest import ManifestError


@pytest.fixture
def clips(tmp_path: Path) -> dict[str, Path]:
    found = {name: tmp_path / f"{name}.mp4" for name in "abcd"}
    for path in found.values():
        path.touch()
    return found


def test_without_any_knowledge_each_clip_stands_alone(clips: dict[str, Path]) -> None:
    assert grouping.groups(clips, {}, Duplicates()) == {name: name for name in "abcd"}


def test_an_actor_makes_a_group(clips: dict[str, Path]) -> None:
    origins = {
        clips["b"]: Origin(actor="Ada", camera="door", day="1"),
        clips["c"]: Origin(actor="Ada", camera="till", day="2"),
        clips["d"]: Origin(actor="Bob", camera="till", day="2"),
    }

    found = grouping.groups(clips, origins, Duplicates())

    assert found == {"a": "a", "b": "Ada", "c": "Ada", "d": "Bob"}


def test_a_camera_and_a_day_make_a_group_where_no_actor_is_known(clips: dict[str, Path]) -> None:
    origins = {
        clips["a"]: Origin(camera="door", day="1"),
        clips["b"]: Origin(camera="door", day="1"),
        clips["c"]: Origin(camera="door", day="2"),
        clips["d"]: Origin(camera="door"),
    }

    found = grouping.groups(clips, origins, Duplicates())

    assert found == {"a": "door 1", "b": "door 1", "c": "door 2", "d": "d"}


def test_pieces_of_one_recording_are_never_split(clips: dict[str, Path]) -> None:
    origins = {
        clips["a"]: Origin(take="7"),
        clips["b"]: Origin(take="7"),
        clips["c"]: Origin(take="8", actor="Ada"),
        clips["d"]: Origin(take="8"),
    }

    found = grouping.groups(clips, origins, Duplicates())

    assert found == {"a": "7", "b": "7", "c": "Ada", "d": "Ada"}


def test_shared_footage_ties_groups_together(clips: dict[str, Path]) -> None:
    origins = {clips["a"]: Origin(actor="Bob"), clips["d"]: Origin(actor="Ada")}
    duplicates = Duplicates(
        groups=((clips["a"], clips["b"]),), conflicts=((clips["b"], clips["d"]),)
    )

    found = grouping.groups(clips, origins, duplicates)

    assert found == {"a": "Ada", "b": "Ada", "c": "c", "d": "Ada"}


def test_a_file_by_two_names_is_in_one_group(clips: dict[str, Path]) -> None:
    clips["d"].unlink()
    clips["d"].symlink_to(clips["b"])

    assert grouping.groups(clips, {}, Duplicates())["d"] == "b"


def test_a_report_names_clips_by_its_folder_or_in_full(
    clips: dict[str, Path], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    pair = {"a": str(clips["c"]), "b": "d.mp4", "kind": "near"}
    groups = [["a.mp4", str(clips["b"])], ["c.mp4", "gone.mp4"]]
    report.write_text(json.dumps({"groups": groups, "conflicts": [pair]}))

    found = grouping.read_duplicates(report, clips.values(), folders=[tmp_path])

    assert found.groups == ((clips["a"], clips["b"]),)
    assert found.conflicts == ((clips["c"], clips["d"]),)
    assert found.unknown == ("gone.mp4",)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"groups": 7}', '{"groups": [[1]]}'])
def test_another_file_is_no_report(tmp_path: Path, content: str) -> None:
    report = tmp_path / "report.json"
    report.write_text(content)

    with pytest.raises(ManifestError, match=r"report\.json can't be read as a report"):
        grouping.read_duplicates(report, [], folders=[tmp_path])


def test_origins_are_read_beside_their_clips(clips: dict[str, Path], tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    table.write_text("path,actor,day\na.mp4, Ada ,2026-01-01\nb.mp4,,\n")

    found = grouping.read_origins(table)

    assert found == {clips["a"]: Origin(actor="Ada", day="2026-01-01"), clips["b"]: Origin()}


def test_all_clips_that_are_not_there_are_listed(clips: dict[str, Path], tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    table.write_text("path,actor\na.mp4,Ada\nx.mp4,Ada\ny.mp4,Ada\n")

    with pytest.raises(ManifestError, match=r"(?s)x\.mp4: no such file.*y\.mp4: no such file"):
        grouping.read_origins(table)


def test_a_table_without_paths_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    table.write_text("clip,actor\na.mp4,Ada\n")

    with pytest.raises(ManifestError, match="needs the column path"):
        grouping.read_origins(table)
