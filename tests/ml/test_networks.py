"""Every registered network keeps the same promises."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from video_classifier.ml.clip import ClipSpec, Image

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.keras

SPEC = ClipSpec(frames=4, height=32, width=32)
NAMES = (
    "cnn_gru",
    "cnn_lstm",
    "conv3d",
    "mobilenetv2_gru",
    "mobilenetv2_lstm",
    "mobilenetv2_pool",
    "person_ensemble",
    "yolo_cnn_lstm",
)


@pytest.fixture(params=NAMES)
def network(request: pytest.FixtureRequest) -> keras.Model:
    import keras

    from video_classifier.ml import networks

    keras.utils.set_random_seed(1)
    return networks.build(request.param, SPEC)


@pytest.fixture
def clips() -> Image:
    return np.random.default_rng(1).integers(0, 256, (3, *SPEC.shape), np.uint8)


def test_these_are_all() -> None:
    from video_classifier.ml import networks

    assert networks.names() == NAMES


def test_gives_one_probability_per_clip(network: keras.Model, clips: Image) -> None:
    scores = network.predict(clips, verbose=0)

    assert scores.shape == (3, 1)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_takes_bytes_and_scales_them_itself(network: keras.Model) -> None:
    assert network.input.dtype == "uint8"
    assert network.input.shape == (None, *SPEC.shape)


def test_comes_back_from_disk_unchanged(network: keras.Model, clips: Image, tmp_path: Path) -> None:
    import keras

    network.save(tmp_path / "network.keras")
    restored = keras.models.load_model(tmp_path / "network.keras")

    np.testing.assert_allclose(
        restored.predict(clips, verbose=0), network.predict(clips, verbose=0), rtol=1e-5
    )


def test_clips_of_a_batch_do_not_mix(network: keras.Model, clips: Image) -> None:
    together = network.predict(clips, verbose=0)
    alone = np.concatenate([network.predict(clip[None], verbose=0) for clip in clips])

    np.testing.assert_allclose(together, alone, rtol=1e-4)


@pytest.fixture
def learner(network: keras.Model) -> keras.Model:
    """What is trained on clips: of a network with a pretrained backbone only the head."""
    from video_classifier.ml import networks

    return network.get_layer("head") if networks.is_pretrained(network.name) else network


def test_learns_what_is_plain_to_see(learner: keras.Model) -> None:
    import keras

    frames, side, *rest = learner.input.shape[1:]
    brightest = 255 if learner.input.dtype == "uint8" else 1
    upper = np.zeros((frames, side, *rest))
    upper[:, : side // 2] = brightest
    clips = np.stack([upper, brightest - upper] * 4).astype(learner.input.dtype)
    answers = np.array([0, 1] * 4)
    learner.compile(
        optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"]
    )

    learner.fit(clips, answers, epochs=30, verbose=0)

    assert learner.evaluate(clips, answers, verbose=0)[1] == 1


def test_the_order_of_the_frames_counts_unless_they_are_pooled(
    network: keras.Model, learner: keras.Model
) -> None:
    inputs = np.random.default_rng(1).integers(0, 256, (1, *learner.input.shape[1:]))

    forwards = learner.predict(inputs.astype(learner.input.dtype), verbose=0)
    backwards = learner.predict(inputs[:, ::-1].astype(learner.input.dtype), verbose=0)

    assert np.allclose(forwards, backwards, rtol=1e-6) == (network.name == "mobilenetv2_pool")


def test_conv3d_is_small() -> None:
    from video_classifier.ml import networks

    assert networks.build("conv3d", ClipSpec()).count_params() < 3_000_000


def test_an_unknown_name_lists_the_known() -> None:
    from video_classifier.ml import networks

    with pytest.raises(networks.UnknownNetworkError, match="conv3d"):
        networks.build("conv4d", SPEC)
