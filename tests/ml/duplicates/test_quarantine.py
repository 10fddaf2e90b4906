"""What moves can be put back, whatever happened meanwhile; nothing is lost."""

from __future__ import annotations

import errno
import hashlib
import shutil
from pathlib import Path

import pytest

from video_classifier.ml.data import from_folders
from video_classifier.ml.duplicates import quarantine
from video_classifier.ml.duplicates.quarantine import QuarantineError, RedundantClip


def make_copy(path: Path, content: str) -> RedundantClip:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    return RedundantClip(path=path, name=path.name, kept="the best.mp4", sha256=sha256)


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    return tmp_path / "clips"


@pytest.fixture
def copies(clips: Path) -> list[RedundantClip]:
    """Two of one name, in two folders."""
    return [make_copy(clips / "a/1.mp4", "first"), make_copy(clips / "b/1.mp4", "second")]


def test_moves_and_puts_back(copies: list[RedundantClip], clips: Path, tmp_path: Path) -> None:
    before = contents(clips)

    report = quarantine.move(copies, tmp_path / "away")
    assert contents(clips) == {}
    assert {"first", "second"} < set(contents(tmp_path / "away").values())

    assert quarantine.restore(report) == quarantine.RestoreResult(restored=2, problems=())
    assert contents(clips) == before


def test_folders_that_went_meanwhile_are_made_again(
    copies: list[RedundantClip], clips: Path, tmp_path: Path
) -> None:
    report = quarantine.move(copies, tmp_path / "away")
    (clips / "a").rmdir()

    assert quarantine.restore(report).restored == 2
    assert (clips / "a/1.mp4").read_text() == "first"


def test_the_folder_of_the_report_says_as_much_as_the_report(
    copies: list[RedundantClip], tmp_path: Path
) -> None:
    report = quarantine.move(copies, tmp_path / "away")

    assert quarantine.restore(report.parent).restored == 2


def test_putting_back_twice_changes_nothing(
    copies: list[RedundantClip], clips: Path, tmp_path: Path
) -> None:
    report = quarantine.move(copies, tmp_path / "away")
    quarantine.restore(report)
    before = contents(clips)

    assert quarantine.restore(report) == quarantine.RestoreResult(restored=0, problems=())
    assert contents(clips) == before


def test_an_interrupted_move_can_be_undone(
    copies: list[RedundantClip], clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rename = contents(clips), Path.rename

    def interrupt(source: Path, target: Path) -> Path:
        if source == copies[1].path.resolve():
            raise KeyboardInterrupt
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt):
        quarantine.move(copies, tmp_path / "away")
    monkeypatch.undo()
    assert len(contents(clips)) == 1

    assert quarantine.restore(tmp_path / "away" / "report.json").restored == 1
    assert contents(clips) == before


def test_another_file_in_the_place_of_a_clip_stays(
    copies: list[RedundantClip], clips: Path, tmp_path: Path
) -> None:
    report = quarantine.move(copies, tmp_path / "away")
    (clips / "a/1.mp4").write_text("new")

    restored = quarantine.restore(report)

    assert restored.restored == 1
    assert "there is another file" in restored.problems[0]
    assert contents(clips) == {"a/1.mp4": "new", "b/1.mp4": "second"}
    assert "first" in contents(tmp_path / "away").values()


def test_a_clip_that_is_gone_is_named(copies: list[RedundantClip], tmp_path: Path) -> None:
    report = quarantine.move(copies, tmp_path / "away")
    (tmp_path / "away" / "00001_1.mp4").unlink()

    restored = quarantine.restore(report)

    assert restored.restored == 1
    assert restored.problems[0].startswith("1.mp4 could not be put back")


def test_moves_to_another_disk(
    copies: list[RedundantClip], clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> Path:
        raise OSError(errno.EXDEV, "another disk", str(source))

    before = contents(clips)
    monkeypatch.setattr(Path, "rename", refuse)

    report = quarantine.move(copies, tmp_path / "away")

    assert contents(clips) == {}
    assert sorted(path.name for path in report.parent.iterdir()) == [
        "00001_1.mp4",
        "00002_1.mp4",
        "report.json",
    ]
    assert quarantine.restore(report).restored == 2
    assert contents(clips) == before


def test_a_copy_that_ends_half_way_is_not_taken_for_a_clip(
    copies: list[RedundantClip], clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> Path:
        raise OSError(errno.EXDEV, "another disk", str(source))

    class KilledError(BaseException):
        """Nothing is tidied up after it."""

    written: list[Path] = []

    def half(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:1])
        written.append(target)
        raise KilledError

    monkeypatch.setattr(Path, "rename", refuse)
    monkeypatch.setattr(shutil, "copy2", half)

    with pytest.raises(KilledError):
        quarantine.move(copies, tmp_path / "away")

    assert written
    assert all(path.suffix not in from_folders.SUFFIXES for path in written)
    assert len(contents(clips)) == 2


def test_a_full_disk_says_how_to_go_back(
    copies: list[RedundantClip], clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rename = contents(clips), Path.rename

    def fill(source: Path, target: Path) -> Path:
        if source == copies[1].path.resolve():
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", fill)
    with pytest.raises(QuarantineError, match=r"No space left.*--restore .*report\.json"):
        quarantine.move(copies, tmp_path / "away")
    monkeypatch.undo()

    quarantine.restore(tmp_path / "away" / "report.json")
    assert contents(clips) == before


def test_a_folder_in_use_is_refused(
    copies: list[RedundantClip], clips: Path, tmp_path: Path
) -> None:
    before = contents(clips)
    make_copy(tmp_path / "away" / "report.json", "an earlier one")

    with pytest.raises(QuarantineError, match="not empty"):
        quarantine.move(copies, tmp_path / "away")

    assert contents(clips) == before


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"clips": [{"name": "a"}]}'])
def test_another_file_is_no_report(tmp_path: Path, content: str) -> None:
    report = tmp_path / "report.json"
    report.write_text(content)

    with pytest.raises(QuarantineError, match="not a report"):
        quarantine.restore(report)
