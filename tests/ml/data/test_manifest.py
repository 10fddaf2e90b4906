"""What a manifest says, and everything that is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from video_classifier.ml.data import manifest
from video_classifier.ml.data.manifest import Entry, ManifestError


def write(folder: Path, *lines: str) -> Path:
    for name in ("a.mp4", "b.mp4"):
        (folder / name).touch()
    table = folder / "manifest.csv"
    table.write_text("\n".join(lines))
    return table


def test_reads_labelled_rows_and_ignores_the_rest(tmp_path: Path) -> None:
    table = write(tmp_path, "path,label,color", "a.mp4,shoplifter,red", "b.mp4,,blue")

    (entry,) = manifest.read(table)

    assert (entry.path, entry.name) == (tmp_path / "a.mp4", "a.mp4")
    assert (entry.label, entry.target) == ("shoplifter", 1)


@pytest.mark.parametrize(
    ("actor", "take", "scene", "group"),
    [
        ("Ada", "7", "shop", "Ada"),
        ("", "7", "shop", "7"),
        ("", "", "shop", "shop"),
        ("",) * 3 + ("a.mp4",),
    ],
)
def test_a_group_is_the_person_if_known(
    tmp_path: Path, actor: str, take: str, scene: str, group: str
) -> None:
    row = f"a.mp4,shoplifter,{actor},{take},{scene}"

    (entry,) = manifest.read(write(tmp_path, "path,label,actor,take,scene", row))

    assert entry.group == group


def test_a_note_keeps_a_clip_out_of_training(tmp_path: Path) -> None:
    table = write(
        tmp_path, "path,label,note", "a.mp4,shoplifter,", "b.mp4,non_shoplifter,no shopper"
    )

    kept = manifest.for_training(manifest.read(table))

    assert [entry.name for entry in kept] == ["a.mp4"]


def test_a_note_may_keep_a_clip_out_of_training_only(tmp_path: Path) -> None:
    rows = ("a.mp4,shoplifter,test only: never train on it", "b.mp4,non_shoplifter,no shopper")
    entries = manifest.read(write(tmp_path, "path,label,note", *rows))

    assert manifest.for_training(entries) == ()
    assert [entry.name for entry in manifest.for_testing(entries)] == ["a.mp4"]


def test_a_group_that_is_named_goes_before_all(tmp_path: Path) -> None:
    table = write(tmp_path, "path,label,actor,group", "a.mp4,shoplifter,Ada,Ada and Bob")

    assert manifest.read(table)[0].group == "Ada and Bob"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    table = write(tmp_path)
    entry = Entry(
        path=tmp_path / "a.mp4",
        name="a.mp4",
        label="shoplifter",
        group="Ada, of the till",
        take="7",
        source="till",
        note="blurred",
        split="test",
    )

    manifest.write(table, [entry])

    assert manifest.read(table) == (entry,)


def test_pieces_of_one_recording_share_its_take(tmp_path: Path) -> None:
    rows = ("a.mp4,shoplifter,Ada,7", "b.mp4,shoplifter,Ada,7")

    one, other = manifest.read(write(tmp_path, "path,label,actor,take", *rows))

    assert (one.group, one.take) == (other.group, other.take) == ("Ada", "7")


def test_a_manifest_without_takes_has_none(tmp_path: Path) -> None:
    (entry,) = manifest.read(write(tmp_path, "path,label", "a.mp4,shoplifter"))

    assert entry.take == ""


def test_a_folder_that_is_not_there_takes_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"can't be written: No such file"):
        manifest.write(tmp_path / "none" / "manifest.csv", [])


def test_an_interruption_leaves_the_manifest_as_it_was(tmp_path: Path) -> None:
    table = write(tmp_path, "path,label", "a.mp4,shoplifter")
    before = table.read_bytes()

    def interrupted() -> Iterator[Entry]:
        yield from manifest.read(table)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        manifest.write(table, interrupted())

    assert table.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_lists_all_that_is_wrong_at_once(tmp_path: Path) -> None:
    table = write(
        tmp_path,
        "path,label,split",
        "a.mp4,thief,",
        "b.mp4,honest,train",
        "c.mp4,shoplifter,holdout",
    )

    with pytest.raises(ManifestError) as caught:
        manifest.read(table)

    for part in ("a.mp4", "“thief”", "b.mp4", "“honest”", "“holdout”", "c.mp4: no such file"):
        assert part in str(caught.value)


def test_missing_files_may_be_left_to_the_reader(tmp_path: Path) -> None:
    table = write(tmp_path, "path,label", "c.mp4,shoplifter")

    (entry,) = manifest.read(table, missing_is_wrong=False)

    assert entry.name == "c.mp4"


@pytest.mark.parametrize("lines", [[], ["path,label"], ["file,class", "a.mp4,shoplifter"]])
def test_a_table_without_clips_is_refused(tmp_path: Path, lines: list[str]) -> None:
    with pytest.raises(ManifestError, match="columns path and label"):
        manifest.read(write(tmp_path, *lines))


def test_a_table_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no row has a label"):
        manifest.read(write(tmp_path, "path,label", "a.mp4,"))


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"none\.csv can't be read"):
        manifest.read(tmp_path / "none.csv")


def test_a_table_that_is_no_text_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "manifest.csv"
    table.write_bytes(b"\xff\xfe\x00\x81" * 9)

    with pytest.raises(ManifestError, match="can't be read"):
        manifest.read(table)


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    table = write(tmp_path, "\ufeffpath,label", "a.mp4,shoplifter")

    assert len(manifest.read(table)) == 1
