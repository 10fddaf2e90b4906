"""What can't be written is refused before anything is done."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from scripts import evaluate
from scripts._lib import console


def test_a_file_may_be_new_or_replaced(tmp_path: Path) -> None:
    (tmp_path / "old.json").touch()

    for name in ("old.json", "new.json"):
        assert console.file_to_write(str(tmp_path / name)) == tmp_path / name


@pytest.mark.parametrize(
    ("name", "complaint"),
    [(".", "is a folder"), ("none/new.json", "there is no folder"), ("old/new.json", "no folder")],
)
def test_a_file_that_can_not_be_written_is_refused(
    name: str, complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "old").touch()

    with pytest.raises(ArgumentTypeError, match=complaint):
        console.file_to_write(str(tmp_path / name))


def test_a_folder_need_not_be_there_yet(tmp_path: Path) -> None:
    (tmp_path / "old").touch()

    assert console.folder_to_write(str(tmp_path / "a" / "b")) == tmp_path / "a" / "b"
    with pytest.raises(ArgumentTypeError, match="old is no folder"):
        console.folder_to_write(str(tmp_path / "old" / "b"))


def test_a_script_says_so_and_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        evaluate.main(["model", "clips.csv", "--json", "/none/figures.json"])

    assert left.value.code == 2
    assert "/none/figures.json can't be written" in capsys.readouterr().err
