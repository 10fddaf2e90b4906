"""Clips are decoded once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.makers import videos
from tests.makers.datasets import people
from tests.ml.conftest import TINY
from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.data.footage import read_footage
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.video import decoding, sampling


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    """Two clips, and between them a file that is none."""
    made = people(1)[:3]
    paths = [videos.write(tmp_path / "0.mp4"), videos.text(tmp_path / "1.mp4", "buy milk")]
    paths.append(videos.write(tmp_path / "2.mp4", frames=20))
    return [replace(entry, path=path) for entry, path in zip(made, paths, strict=True)]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the clips that are decoded, one a time."""
    names: list[str] = []
    for function in (sampling.sample, sampling.read_all):

        def counting(path: Path, *args: Any, _decode: Any = function, **options: Any) -> Any:
            found = _decode(path, *args, **options)
            names.append(path.name)
            return found

        monkeypatch.setattr(sampling, function.__name__, counting)
    return names


def test_what_does_not_decode_is_named_among_the_rest(entries: list[Entry]) -> None:
    good, bad = read_footage(entries, TINY)

    assert [clip.entry.name for clip in good] == ["0.mp4", "2.mp4"]
    assert [(clip.entry.name, "not a video" in clip.reason) for clip in bad] == [("1.mp4", True)]


def test_a_file_that_has_gone_is_named(entries: list[Entry]) -> None:
    entries[0].path.unlink()

    _, bad = read_footage(entries, TINY)

    assert bad[0].reason == "The file can't be read: No such file or directory."


def test_a_second_run_decodes_nothing(
    entries: list[Entry], decoded: list[str], tmp_path: Path
) -> None:
    cold, _ = read_footage(entries, TINY, cache=Cache(tmp_path / "cache"))
    assert sorted(decoded) == ["0.mp4", "0.mp4", "2.mp4", "2.mp4"]
    decoded.clear()

    warm, _ = read_footage(entries, TINY, cache=Cache(tmp_path / "cache"))

    assert not decoded
    for one, other in zip(cold, warm, strict=True):
        np.testing.assert_array_equal(one.inputs, other.inputs)
        np.testing.assert_array_equal(one.frames[0], other.frames[0])


def test_what_changes_the_pictures_decodes_them_again(
    entries: list[Entry], decoded: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path / "cache")
    read_footage(entries[:1], TINY, cache=cache)

    def decodes_again(spec: ClipSpec = TINY) -> bool:
        decoded.clear()
        read_footage(entries[:1], spec, cache=cache)
        return len(decoded) == 2

    assert decodes_again(replace(TINY, frames=5))
    assert decodes_again(replace(TINY, min_difference=9.0))
    videos.write(entries[0].path, frames=9)
    assert decodes_again()
    monkeypatch.setattr(decoding, "VERSION", decoding.VERSION + 1)
    assert decodes_again()
    assert not decodes_again()


def test_augmented_copies_leave_out_the_frames_that_serving_does(entries: list[Entry]) -> None:
    ((every,), _) = read_footage(entries[:1], TINY)
    ((some,), _) = read_footage(entries[:1], replace(TINY, min_difference=50.0))

    assert 1 < len(some.frames[0]) < len(every.frames[0])
