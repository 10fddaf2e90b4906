"""A file is replaced by all of another one, or stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from video_classifier.ml import whole


def test_what_is_written_takes_its_place_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "table.weights.h5"
    target.write_text("old")

    with whole.replacing(target) as aside:
        aside.write_text("new")
        assert target.read_text() == "old"
        assert aside.suffixes == target.suffixes

    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("written", ["", "half"])
def test_what_was_there_stays_if_writing_is_broken_off(tmp_path: Path, written: str) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")

    with pytest.raises(KeyboardInterrupt), whole.replacing(target) as aside:  # noqa: PT012
        if written:
            aside.write_text(written)
        raise KeyboardInterrupt

    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_place_that_can_not_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        whole.write_json(tmp_path / "nowhere" / "card.json", {})
