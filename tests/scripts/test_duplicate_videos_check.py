"""The check says what clips share, changes nothing unasked, and undoes what it was asked to do."""

from __future__ import annotations

import csv
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from scripts import duplicate_videos_check
from tests.makers import scenes, videos
from video_classifier.ml.duplicates import alterations

Capture = pytest.CaptureFixture[str]


CLIP, CUT = "shoplifters/clip.mp4", "non_shoplifters/cut.mp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """What a check of the recordings printed, wrote and left."""

    report: dict[str, Any]
    out: str
    err: str
    before: dict[str, tuple[bytes, int]]
    after: dict[str, tuple[bytes, int]]


@pytest.fixture(scope="module")
def clips_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip, its exact copy, a cut of it under the other label, another clip, a broken one."""
    folder = tmp_path_factory.mktemp("recorded") / "clips"
    for name in ("shoplifters", "non_shoplifters"):
        (folder / name).mkdir(parents=True)
    scenes.write(folder / CLIP, 1, seconds=7)
    shutil.copy(folder / CLIP, folder / "shoplifters/exact.mp4")
    scenes.write(folder / CUT, 1, start=4, seconds=8)
    scenes.write(folder / "non_shoplifters/another.mp4", 2)
    videos.text(folder / "non_shoplifters/broken.mp4", "buy milk" * 100)
    return folder


@pytest.fixture(scope="module")
def checked(clips_once: Path, tmp_path_factory: pytest.TempPathFactory) -> CheckRun:
    """The same with all altered copies, checked once."""
    folder = tmp_path_factory.mktemp("checked")
    clips = Path(shutil.copytree(clips_once, folder / "clips"))
    for one in alterations.ALL:
        alterations.write(clips / CLIP, clips / copy_of_clip(one), one)
    before = contents(clips)
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        assert run(folder, clips, "--json", folder / "found.json") == 0
    return CheckRun(
        report=json.loads((folder / "found.json").read_text()),
        out=out.getvalue(),
        err=err.getvalue(),
        before=before,
        after=contents(clips),
    )


@pytest.fixture
def clips(clips_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clips_once, tmp_path / "clips"))


def copy_of_clip(alteration: alterations.Alteration) -> str:
    return f"shoplifters/altered{alterations.ALL.index(alteration)}{alteration.suffix}"


def run(folder: Path, *arguments: object) -> int:
    cache = () if "--restore" in arguments else ("--cache", folder / "cache")
    return duplicate_videos_check.main([str(one) for one in (*arguments, *cache)])


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def write_manifest(target: Path, *rows: tuple[str, str]) -> Path:
    with target.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *rows])
    return target


def test_finds_every_kind_of_copy(checked: CheckRun) -> None:
    kinds = {
        name: pair["kind"]
        for pair in checked.report["pairs"]
        for name in {pair["a"], pair["b"]} - {CLIP}
        if CLIP in {pair["a"], pair["b"]}
    }

    near = {copy_of_clip(one): "near" for one in alterations.ALL}
    assert kinds == near | {"shoplifters/exact.mp4": "exact", CUT: "overlap"}


def test_says_where_and_how_much(checked: CheckRun) -> None:
    (pair,) = (one for one in checked.report["pairs"] if (one["a"], one["b"]) == (CUT, CLIP))

    assert pair["offset_s"] == pytest.approx(4.0, abs=0.11)
    assert pair["share"] == pytest.approx(3 / 8, abs=0.02)
    assert not pair["mirrored"]


def test_footage_under_both_labels_is_a_conflict(checked: CheckRun) -> None:
    conflicts = checked.report["conflicts"]

    assert CLIP in {pair["b"] for pair in conflicts}
    assert {pair["a"] for pair in conflicts} == {CUT}
    told = checked.out.splitlines()
    assert sum(line.startswith("LABEL CONFLICT") for line in told) == len(conflicts)


def test_a_group_holds_all_copies(checked: CheckRun) -> None:
    (group,) = checked.report["groups"]

    assert set(group) == {CLIP, CUT, "shoplifters/exact.mp4", *map(copy_of_clip, alterations.ALL)}


def test_what_can_not_be_read_is_named_and_counted(checked: CheckRun) -> None:
    assert list(checked.report["unreadable"]) == ["non_shoplifters/broken.mp4"]
    assert "Skipped: non_shoplifters/broken.mp4: " in checked.err
    assert f"{checked.report['clips']} clips, 1 skipped" in checked.out


def test_changes_nothing_unasked(checked: CheckRun) -> None:
    assert checked.after == checked.before


def test_quarantine_keeps_the_best_of_each_label_and_is_undone(clips: Path, tmp_path: Path) -> None:
    before = contents(clips)

    assert run(tmp_path, clips, "--quarantine", tmp_path / "away") == 0
    assert before.keys() - contents(clips).keys() == {"shoplifters/exact.mp4"}

    assert run(tmp_path, "--restore", tmp_path / "away" / "report.json") == 0
    assert contents(clips) == before


def test_an_interruption_says_how_to_go_back(
    clips: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    before = contents(clips)
    monkeypatch.setattr("video_classifier.ml.duplicates.quarantine._move", interrupt)

    assert run(tmp_path, clips, "--quarantine", tmp_path / "away") == 130
    assert "report.json puts back what was moved" in capsys.readouterr().err
    assert contents(clips) == before


def test_a_clip_that_can_not_be_put_back_is_named(
    clips: Path, tmp_path: Path, capsys: Capture
) -> None:
    run(tmp_path, clips, "--quarantine", tmp_path / "away")
    (clips / "shoplifters/exact.mp4").write_text("another file")

    assert run(tmp_path, "--restore", tmp_path / "away" / "report.json") == 2
    assert "shoplifters/exact.mp4 could not be put back" in capsys.readouterr().err


def test_a_second_look_decodes_nothing(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clips / "non_shoplifters/broken.mp4").unlink()
    for name in ("first.json", "second.json"):
        assert run(tmp_path, clips, "--json", tmp_path / name) == 0
        monkeypatch.delattr("video_classifier.ml.video.sampling.read_all", raising=False)

    assert (tmp_path / "second.json").read_text() == (tmp_path / "first.json").read_text()


def test_a_manifest_names_the_clips(clips: Path, tmp_path: Path) -> None:
    rows = ((CLIP, "shoplifter"), ("shoplifters/exact.mp4", "non_shoplifter"))
    table = write_manifest(clips / "table.csv", *rows)

    assert run(tmp_path, table, "--json", tmp_path / "found.json") == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert [pair["kind"] for pair in found["conflicts"]] == ["exact"]


def test_nothing_to_move_makes_no_quarantine(clips: Path, tmp_path: Path, capsys: Capture) -> None:
    table = write_manifest(clips / "table.csv", (CLIP, "shoplifter"))

    assert run(tmp_path, table, "--quarantine", tmp_path / "away") == 0
    assert "nothing to move" in capsys.readouterr().out
    assert not (tmp_path / "away").exists()


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("gone.mp4", "shoplifter"), ("lost.mp4", "shoplifter")], "lost.mp4: no such file"),
        ([(CLIP, "thief")], "no label “thief”"),
        ([(CLIP, "shoplifter")] * 2, "more than once: shoplifters/clip.mp4"),
        ([("non_shoplifters/broken.mp4", "shoplifter")], "None of the clips can be read"),
    ],
)
def test_a_manifest_of_no_use_is_refused(
    clips: Path, tmp_path: Path, capsys: Capture, rows: list[tuple[str, str]], says: str
) -> None:
    table = write_manifest(clips / "table.csv", *rows)

    assert run(tmp_path, table) == 2
    assert says in capsys.readouterr().err


def test_a_folder_without_clips_is_refused(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "empty").mkdir()

    assert run(tmp_path, tmp_path / "empty") == 2
    assert "There is no clip in" in capsys.readouterr().err


def test_folders_without_a_label_are_named(clips: Path, tmp_path: Path, capsys: Capture) -> None:
    (clips / "shoplifting").mkdir()
    videos.write(clips / "shoplifting" / "1.mp4", 8)

    assert run(tmp_path, clips) == 0

    assert "without a label are in “shoplifting”: rename" in capsys.readouterr().err


def test_a_data_set_that_is_not_there_is_refused(tmp_path: Path, capsys: Capture) -> None:
    assert run(tmp_path, tmp_path / "nowhere") == 2
    assert "There is no " in capsys.readouterr().err


def test_a_quarantine_within_the_data_set_is_refused(
    clips: Path, tmp_path: Path, capsys: Capture
) -> None:
    before = contents(clips)

    assert run(tmp_path, clips, "--quarantine", clips / "shoplifters" / "away") == 2
    assert "outside of" in capsys.readouterr().err
    assert contents(clips) == before


def test_a_place_that_can_not_be_written_is_named(
    clips: Path, tmp_path: Path, capsys: Capture
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(tmp_path, clips, "--json", tmp_path / "no" / "such" / "folder.json")

    assert "folder.json can't be written" in capsys.readouterr().err


def test_something_has_to_be_asked_for(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        duplicate_videos_check.main([])
    assert "a data set or --restore" in capsys.readouterr().err
