"""A model small enough to be made in a test, and clips of every kind, written once a test run."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests import videos
from video_classifier.ml import bundle
from video_classifier.ml.bundle import Card
from video_classifier.ml.clip import ClipSpec

TINY = ClipSpec(frames=4, height=32, width=32)

Clips = Callable[[str], Path]
MakeBundle = Callable[[str], Path]


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """Gives the whole clip of a name."""
    folder = tmp_path_factory.mktemp("clips")
    return cache(lambda name: videos.WHOLE[name](folder))


@pytest.fixture
def make_bundle(tmp_path: Path) -> MakeBundle:
    """Writes a real, untrained model and returns its folder."""

    def make(network: str = "conv3d") -> Path:
        import keras

        from video_classifier.ml import networks

        keras.utils.set_random_seed(1)
        folder = tmp_path / "models" / network
        card = Card(
            name=network,
            network=network,
            summary="For tests.",
            spec=TINY,
            threshold=0.5,
            created="2026-01-01",
        )
        bundle.save(folder, networks.build(network, TINY), card)
        return folder

    return make
