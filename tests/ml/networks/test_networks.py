"""Every registered network keeps the same promises."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

from video_classifier.ml.contracts import ClipSpec, Image

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.keras

Weights = npt.NDArray[np.float32]

SPEC = ClipSpec(frames=4, height=32, width=32)
NAMES = (
    "cnn_gru",
    "cnn_lstm",
    "conv3d",
    "i3d_person",
    "mobilenetv2_gru",
    "mobilenetv2_lstm",
    "mobilenetv2_pool",
    "person_ensemble",
    "yolo_cnn_lstm",
)


@pytest.fixture(scope="module", params=NAMES)
def built(request: pytest.FixtureRequest) -> tuple[keras.Model, list[Weights]]:
    """Each network once: building one and tracing its graph takes longer than any test of it."""
    import keras

    from video_classifier.ml import networks

    keras.utils.set_random_seed(1)
    network = networks.build(request.param, SPEC)
    return network, network.get_weights()


@pytest.fixture
def network(built: tuple[keras.Model, list[Weights]]) -> keras.Model:
    """As it was built, whatever another test taught it."""
    network, weights = built
    network.set_weights(weights)
    return network


@pytest.fixture
def clips() -> Image:
    return np.random.default_rng(1).integers(0, 256, (3, *SPEC.shape), np.uint8)


def scores(network: keras.Model, clips: Image) -> Weights:
    """(n, 1); without the graph that `predict` would trace first."""
    return np.asarray(network(clips, training=False))


def test_these_are_all() -> None:
    from video_classifier.ml import networks

    assert networks.names() == NAMES


def test_gives_one_probability_per_clip(network: keras.Model, clips: Image) -> None:
    found = scores(network, clips)

    assert found.shape == (3, 1)
    assert ((found >= 0) & (found <= 1)).all()


def test_takes_bytes_and_scales_them_itself(network: keras.Model) -> None:
    assert network.input.dtype == "uint8"
    assert network.input.shape == (None, *SPEC.shape)


def test_comes_back_from_disk_unchanged(network: keras.Model, clips: Image, tmp_path: Path) -> None:
    import keras

    network.save(tmp_path / "network.keras")
    restored = keras.models.load_model(tmp_path / "network.keras")

    np.testing.assert_allclose(scores(restored, clips), scores(network, clips), rtol=1e-5)


def test_clips_of_a_batch_do_not_mix(network: keras.Model, clips: Image) -> None:
    together = scores(network, clips)
    alone = np.concatenate([scores(network, clip[None]) for clip in clips])

    np.testing.assert_allclose(together, alone, rtol=1e-4)


@pytest.fixture
def learner(network: keras.Model) -> keras.Model:
    """What is trained on clips: of a network with a pretrained backbone only the head."""
    from video_classifier.ml import networks

    return network.get_layer("head") if networks.is_pretrained(network.name) else network


def test_learns_what_is_plain_to_see(learner: keras.Model) -> None:
    import keras

    brightest = 255 if learner.input.dtype == "uint8" else 1
    upper = np.zeros(learner.input.shape[1:])
    rows = upper if upper.ndim == 1 else upper.swapaxes(0, 1)  # a linear head has no frames
    rows[: len(rows) // 2] = brightest
    clips = np.stack([upper, brightest - upper] * 4).astype(learner.input.dtype)
    answers = np.array([0, 1] * 4)
    learner.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    often = [np.concatenate([each] * 30) for each in (clips, answers)]

    learner.fit(*often, batch_size=len(clips), shuffle=False, verbose=0)

    assert ((scores(learner, clips)[:, 0] > 0.5) == answers).all()


def test_the_order_of_the_frames_counts_unless_they_are_pooled(
    network: keras.Model, learner: keras.Model
) -> None:
    # A backbone with random weights gives nearly the same for any frame: then only the head is
    # asked, unless the frames are no longer there.
    asked = learner if learner.input.shape[1] == SPEC.frames else network
    inputs = np.random.default_rng(1).integers(0, 256, (1, *asked.input.shape[1:]))

    forwards = scores(asked, inputs.astype(asked.input.dtype))
    backwards = scores(asked, inputs[:, ::-1].astype(asked.input.dtype))

    assert np.allclose(forwards, backwards, rtol=1e-5) == (network.name == "mobilenetv2_pool")


def test_conv3d_is_small() -> None:
    from video_classifier.ml import networks

    assert networks.build("conv3d", ClipSpec()).count_params() < 3_000_000


def test_an_unknown_name_lists_the_known() -> None:
    from video_classifier.ml import networks

    with pytest.raises(networks.UnknownNetworkError, match="conv3d"):
        networks.build("conv4d", SPEC)
