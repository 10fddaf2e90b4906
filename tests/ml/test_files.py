"""A file is replaced by all of another one, or stays as it was; JSON is read by type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from video_classifier.ml import files


def test_what_is_written_takes_its_place_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "table.weights.h5"
    target.write_text("old")

    with files.atomic_write(target) as aside:
        aside.write_text("new")
        assert target.read_text() == "old"
        assert aside.suffixes == target.suffixes

    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("written", ["", "half"])
def test_what_was_there_stays_if_writing_is_broken_off(tmp_path: Path, written: str) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")

    with pytest.raises(KeyboardInterrupt), files.atomic_write(target) as aside:  # noqa: PT012
        if written:
            aside.write_text(written)
        raise KeyboardInterrupt

    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_place_that_can_not_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.write_json(tmp_path / "nowhere" / "card.json", {})


@dataclass(frozen=True, kw_only=True)
class Part:
    size: int
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Whole:
    name: str
    parts: tuple[Part, ...] = ()
    share: float | None = None


def test_what_was_written_is_read_as_what_it_was(tmp_path: Path) -> None:
    one = Whole(name="one", parts=(Part(size=1, about={"any": ["thing"]}), Part(size=2)), share=1)

    files.write_json(tmp_path / "one.json", asdict(one))

    assert files.typed(files.read_json(tmp_path / "one.json"), Whole) == one


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({}, "name"),
        ([], "array"),
        ({"name": 1}, r"\$\.name"),
        ({"name": "a", "share": "all"}, r"\$\.share"),
        ({"name": "a", "parts": [{"size": 1.5}]}, r"\$\.parts\[0\]\.size"),
        ({"name": "a", "colour": 1, "age": 2}, "nothing is known of age, colour"),
        ({"name": "a", "parts": [{"size": 1, "depth": 1}]}, "nothing is known of depth"),
    ],
)
def test_what_is_of_another_type_is_named(found: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        files.typed(found, Whole)


@pytest.mark.parametrize("text", ["", "{", "NaN", '{"a": Infinity}', '"\\ud800 "', "[" * 100_000])
def test_what_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)

    with pytest.raises(ValueError):  # noqa: PT011  (each has its own words)
        files.read_json(tmp_path / "a.json")
