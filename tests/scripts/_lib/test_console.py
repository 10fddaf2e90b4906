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


def test_tasks_may_be_nested_and_come_one_after_the_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    watch = console.TerminalWatch()

    for title in ("First", "Second"):
        with watch.task(title, 2) as advance:
            for _ in range(2):
                with watch.task("Within", 1) as advance_within:
                    advance_within()
                advance()

    printed = capsys.readouterr().err
    assert printed.count("2/2") == 2
    assert "Within" not in printed  # done: its bar makes way


def test_a_result_is_a_line_on_stderr_and_markup_in_it_is_not_obeyed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.watch.report("[red]epoch 1[/red]: loss 0.5")

    printed = capsys.readouterr()
    assert printed.err == "[red]epoch 1[/red]: loss 0.5\n"
    assert not printed.out
