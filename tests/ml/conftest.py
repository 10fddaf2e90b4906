"""A model small enough to be made in a test, and clips of every kind, written once a test run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.makers import videos
from video_classifier.ml.contracts import ClipSpec, Region
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import Card

if TYPE_CHECKING:
    import keras

TINY = ClipSpec(frames=4, height=32, width=32)
OF_PERSONS = replace(TINY, view=Region.PERSON)
OF_MOVEMENT = replace(OF_PERSONS, frames=16, rate=8.0)

Clips = Callable[[str], Path]
MakeBundle = Callable[..., Path]

_written: dict[tuple[object, str], dict[str, bytes]] = {}  # the files of models


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """Gives the whole clip of a name."""
    folder = tmp_path_factory.mktemp("clips")
    return cache(lambda name: videos.WHOLE[name](folder))


@pytest.fixture
def make_bundle(tmp_path: Path) -> MakeBundle:
    """Writes a real, untrained model and returns its folder."""
    return lambda network="conv3d": write_bundle(tmp_path / "models" / network, network)


def write_bundle(
    folder: Path, network: str = "conv3d", *, seed: int = 1, spec: ClipSpec = TINY, **facts: object
) -> Path:
    """What was built and saved once is copied into a folder that is not there yet."""
    from video_classifier.ml import networks

    kind = networks.build, repr((folder.name, network, seed, spec, sorted(facts.items())))
    if kind in _written and not folder.exists():
        folder.mkdir(parents=True)
        for name, content in _written[kind].items():
            (folder / name).write_bytes(content)
        return folder

    import keras

    keras.utils.set_random_seed(seed)
    usual = {"summary": "For tests.", "threshold": 0.5, "created": "2026-01-01"}
    card = Card(name=folder.name, network=network, spec=spec, **usual | facts)  # type: ignore[arg-type]
    bundle.save(folder, networks.build(network, spec), card)
    saved = (bundle.NETWORK_FILE, bundle.CARD_FILE)
    _written[kind] = {name: (folder / name).read_bytes() for name in saved}
    return folder


def mean_of_pixels(name: str, spec: ClipSpec) -> keras.Model:
    """Judges a clip by its mean color: keeps the promises of a network, and trains in no time."""
    import keras
    from keras import layers

    clip = keras.Input(spec.shape, dtype="uint8", name="clip")
    color = layers.GlobalAveragePooling3D()(layers.Rescaling(1 / 127.5, offset=-1)(clip))
    return keras.Model(clip, layers.Dense(1, activation="sigmoid")(color), name=name)


def write_unexportable(folder: Path) -> Path:
    """A model that LiteRT has no operation for, and that has no reason to go to OpenVINO."""
    import keras
    from keras import layers

    clip = keras.Input(TINY.shape, dtype="uint8")
    x = layers.MaxPooling3D(2)(layers.Rescaling(1 / 255)(clip))
    score = layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling3D()(x))
    card = Card(
        name=folder.name,
        network="imported",
        spec=TINY,
        summary="For tests.",
        threshold=0.5,
        created="2026-01-01",
    )
    bundle.save(folder, keras.Model(clip, score), card)
    return folder
