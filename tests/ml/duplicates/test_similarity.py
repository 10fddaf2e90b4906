"""Similarity is the cosine of the angle between embeddings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from tests.makers import videos
from tests.makers.datasets import entry
from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import ClipError, ClipSpec
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.duplicates.similarity import Embedder, find

SPEC = ClipSpec(frames=2, height=8, width=8)


class FakeBackbone:
    """Sees the mean of each color in each frame, and counts how often it was asked."""

    def __init__(self) -> None:
        self.looks = 0

    def predict(self, images: npt.NDArray[np.uint8], *, verbose: int) -> npt.NDArray[np.float64]:
        assert verbose == 0
        self.looks += 1
        found: npt.NDArray[np.float64] = images.mean(axis=(1, 2))
        return found

    def get_weights(self) -> list[npt.NDArray[np.float32]]:
        return [np.ones(3, np.float32)]


def embedder(backbone: FakeBackbone | None = None, *, kept: Cache | None = None) -> Embedder:
    return Embedder(backbone or FakeBackbone(), SPEC, kept=kept)


Color = tuple[int, int, int]

RED, BLUE = (200, 30, 30), (30, 30, 200)


def in_color(path: Path, *colors: Color) -> Entry:
    """A clip that shows one color after the other."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (32, 32))
    for color in colors:
        for _ in range(4):
            writer.write(np.full((32, 32, 3), color[::-1], np.uint8))
    writer.release()
    return replace(entry(0, shoplifter=False, group=""), path=path, name=path.name)


@pytest.fixture
def red(tmp_path: Path) -> Entry:
    return in_color(tmp_path / "red.avi", RED)


@pytest.fixture
def others(tmp_path: Path) -> list[Entry]:
    colors = {"blue": BLUE, "dark_red": (100, 15, 15), "pink": (200, 100, 100)}
    return [in_color(tmp_path / f"{name}.avi", color) for name, color in colors.items()]


def test_the_most_similar_comes_first(red: Entry, others: list[Entry]) -> None:
    matches, unreadable = find(red.path, others, embedder())

    assert [match.entry.path.stem for match in matches] == ["dark_red", "pink", "blue"]
    assert matches[0].similarity == pytest.approx(1, abs=0.01)
    assert matches[-1].similarity < 0.6
    assert unreadable == []


def test_a_clip_is_not_compared_with_itself(red: Entry, others: list[Entry]) -> None:
    matches, _ = find(red.path, [red, *others], embedder())

    assert red not in [match.entry for match in matches]


def test_embeddings_have_the_length_of_one(red: Entry) -> None:
    found = embedder()(red.path)

    assert found.shape == (3,)
    assert np.linalg.norm(found) == pytest.approx(1)


def test_an_embedding_is_of_the_whole_clip(tmp_path: Path) -> None:
    clip = in_color(tmp_path / "both.avi", RED, BLUE).path

    red, _, blue = embedder()(clip)

    assert red == pytest.approx(blue, abs=0.02)


def test_what_can_not_be_read_is_named(red: Entry, tmp_path: Path) -> None:
    gone = replace(red, path=tmp_path / "gone.mp4", name="gone.mp4")

    _, unreadable = find(red.path, [gone], embedder())

    assert [clip.entry.name for clip in unreadable] == ["gone.mp4"]


def test_a_clip_that_can_not_be_read_has_no_similar_ones(tmp_path: Path) -> None:
    clip = videos.text(tmp_path / "notes.mp4", "buy milk")

    with pytest.raises(ClipError, match="not a video"):
        find(clip, [], embedder())


def test_a_clip_is_decoded_once(red: Entry, tmp_path: Path) -> None:
    backbone, kept = FakeBackbone(), Cache(tmp_path / "cache")

    first = embedder(backbone, kept=kept)(red.path)
    second = embedder(backbone, kept=kept)(red.path)

    np.testing.assert_array_equal(first, second)
    assert backbone.looks == 1
