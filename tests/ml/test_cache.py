"""What is kept is whole, belongs to what was asked for, and is never in the way."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import Image

CLIP: Image = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def never() -> Image:
    pytest.fail("it was made again")


def kept_in(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def no_space(path: Path, content: bytes) -> int:
    with path.open("wb") as file:
        file.write(content[: len(content) // 2])
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_was_made_once_is_read_from_then_on(tmp_path: Path) -> None:
    Cache(tmp_path).array(lambda: CLIP, clip="a")

    again = Cache(tmp_path).array(never, clip="a")

    assert again.dtype == CLIP.dtype
    np.testing.assert_array_equal(again, CLIP)


def test_other_facts_are_another_array(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.array(lambda: CLIP, clip="a", rate=8)

    other = cache.array(lambda: CLIP + 1, clip="a", rate=4)

    np.testing.assert_array_equal(other, CLIP + 1)


def test_a_file_is_one_that_numpy_reads(tmp_path: Path) -> None:
    Cache(tmp_path).array(lambda: CLIP, clip="a")

    np.testing.assert_array_equal(np.load(kept_in(tmp_path)), CLIP)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda _: b"",
        lambda content: content[:-40] + bytes(8) + content[-32:],
    ],
    ids=["half", "short of a byte", "empty", "with a flaw"],
)
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    Cache(tmp_path).array(lambda: CLIP, clip="a")
    file = kept_in(tmp_path)
    file.write_bytes(damage(file.read_bytes()))

    found = Cache(tmp_path).array(lambda: CLIP + 1, clip="a")

    np.testing.assert_array_equal(found, CLIP + 1)
    np.testing.assert_array_equal(Cache(tmp_path).array(never, clip="a"), CLIP + 1)


def test_a_full_disk_is_told_once_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    cache = Cache(tmp_path, warn=told.append)
    monkeypatch.setattr(Path, "write_bytes", no_space)

    found = [cache.array(lambda: CLIP, clip=name) for name in "ab"]

    np.testing.assert_array_equal(found, [CLIP, CLIP])
    (sentence,) = told
    assert "No space left on device" in sentence
    assert not list(tmp_path.iterdir())


def test_an_interruption_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(path: Path, content: bytes) -> int:
        path.touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)

    with pytest.raises(KeyboardInterrupt):
        Cache(tmp_path).array(lambda: CLIP, clip="a")

    assert not list(tmp_path.iterdir())


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told: list[str] = []

    Cache(tmp_path / "file", warn=told.append).array(lambda: CLIP, clip="a")

    assert "takes nothing more" in told[0]


def test_without_a_folder_nothing_is_kept() -> None:
    cache = Cache()
    cache.array(lambda: CLIP, clip="a")

    np.testing.assert_array_equal(cache.array(lambda: CLIP + 1, clip="a"), CLIP + 1)


def test_what_is_kept_again_replaces_what_was(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.keep(np.arange(3), fold=1)

    cache.keep(np.arange(4), fold=1)

    found = Cache(tmp_path).find(fold=1)
    assert found is not None
    assert list(found) == [0, 1, 2, 3]
    assert cache.find(fold=2) is None
