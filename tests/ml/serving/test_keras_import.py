"""A Keras model of any common shape gets what it lacks put around it, or is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.files import sha256
from video_classifier.ml.serving import bundle, keras_import
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.serving.keras_import import Channels, Format, Scale

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.keras

SHAPE = (16, 128, 128, 3)


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def save(network: keras.Model, name: str = "best_model.keras") -> Path:
        network.save(tmp_path / name)
        return tmp_path / name

    return save


Save = Callable[["keras.Model"], Path]


def cnn_lstm(units: int = 1, activation: str = "sigmoid", *first: Any) -> keras.Model:
    """As public shoplifting projects build them, but tiny."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            *first,
            layers.TimeDistributed(layers.Conv2D(2, 3, strides=16)),
            layers.TimeDistributed(layers.GlobalAveragePooling2D()),
            layers.LSTM(4),
            layers.Dense(units, activation=activation),
        ]
    )


def make_clip() -> Any:
    return np.random.default_rng(1).integers(0, 256, SHAPE, np.uint8)


def write(source: Path, given: Format | None = None) -> Card:
    return keras_import.write(
        source,
        source.parent / "theirs",
        name="theirs",
        created="2026-01-01",
        given=given or Format(),
    )


def scores(source: Path, clip: Any) -> float:
    network, _ = bundle.load_network(source.parent / "theirs")
    return float(network(clip[np.newaxis])[0, 0])


@pytest.mark.parametrize("name", ["best_model.keras", "best_video_model.h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
def test_a_sigmoid_scores_as_it_did_on_scaled_pixels(save: Callable[..., Path], name: str) -> None:
    network = cnn_lstm()
    source = save(network, name)

    write(source)

    clip = make_clip()
    assert scores(source, clip) == pytest.approx(float(network(clip[None] / 255)[0, 0]), abs=1e-5)


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize(("units", "activation"), [(1, "sigmoid"), (2, "softmax")])
def test_the_positive_output_is_the_score(
    save: Save, units: int, activation: str, positive: int
) -> None:
    network = cnn_lstm(units, activation)
    source = save(network)

    write(source, Format(positive_output=positive))

    clip = make_clip()
    output = np.asarray(network(clip[None] / 255))[0]
    classes = output if units == 2 else np.array([1 - output[0], output[0]])
    assert scores(source, clip) == pytest.approx(float(classes[positive]), abs=1e-5)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Format(scale=Scale.MINUS_ONE_TO_ONE), lambda clip: clip / 127.5 - 1),
        (Format(scale=Scale.UNSCALED), lambda clip: clip.astype("float32")),
        (Format(channels=Channels.BGR), lambda clip: clip[..., ::-1] / 255),
    ],
)
def test_pixels_are_given_as_they_were_in_training(
    save: Save, given: Format, expected: Callable[[Any], Any]
) -> None:
    network = cnn_lstm()
    source = save(network)

    write(source, given)

    clip = make_clip()
    assert scores(source, clip) == pytest.approx(
        float(network(expected(clip)[None])[0, 0]), abs=1e-5
    )


def test_a_network_that_scales_pixels_itself_gets_them_unscaled(save: Save) -> None:
    from keras import layers

    inside = layers.TimeDistributed(layers.Rescaling(1 / 255))

    card = write(save(cnn_lstm(1, "sigmoid", inside)))

    assert card.training["imported"]["scale"] == "0-255"


def test_the_card_claims_nothing(save: Save) -> None:
    source = save(cnn_lstm())

    write(source)

    card = bundle.check(source.parent / "theirs")
    assert card.spec == ClipSpec(frames=16, height=128, width=128)
    assert (card.metrics, card.measured, card.confidence) == ({}, "Not measured.", None)
    assert card.threshold == 0.5
    assert "guess" in card.limits[0]
    assert card.training["imported"] == {
        "file": "best_model.keras",
        "sha256": sha256(source),
        "scale": "0-1",
        "channels": "rgb",
        "positive_output": 1,
    }


def mean_color(shape: tuple[int | None, ...], units: int, activation: str | None) -> keras.Model:
    import keras
    from keras import layers

    pooling = layers.GlobalAveragePooling2D if len(shape) == 3 else layers.GlobalAveragePooling3D
    last = layers.Dense(units, activation=activation)
    return keras.Sequential([keras.Input(shape), pooling(), last])


@pytest.mark.parametrize(
    ("shape", "ending", "says"),
    [
        ((8, 8, 3), (1, "sigmoid"), "takes single pictures"),
        ((None, 8, 8, 3), (1, "sigmoid"), "clips of any size"),
        ((4, 8, 8, 1), (1, "sigmoid"), "4 x 8 x 8 x 1 and not frames x height x width x 3"),
        ((4, 8, 8, 3), (1, None), "doesn't end in a sigmoid"),
        ((4, 8, 8, 3), (2, "sigmoid"), "doesn't end in a softmax"),
        ((4, 8, 8, 3), (14, "softmax"), "gives 14 numbers"),
        ((300, 8, 8, 3), (1, "sigmoid"), "takes 300 frames at once"),
        ((100, 600, 600, 3), (1, "sigmoid"), "100 x 600 x 600 x 3, too large"),
    ],
)
def test_a_network_of_another_kind_is_refused(
    save: Save, shape: tuple[int | None, ...], ending: tuple[int, str | None], says: str
) -> None:
    source = save(mean_color(shape, *ending))

    with pytest.raises(BundleError, match=rf"best_model\.keras can't be imported: .*{says}"):
        write(source)


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
def test_code_in_a_file_is_never_run(
    save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from keras import layers

    code = layers.Lambda(lambda x: (__import__("os").environ.update(WAS_RUN="yes"), x)[1])
    source = save(cnn_lstm(1, "sigmoid", code), name)
    monkeypatch.delenv("WAS_RUN")

    with pytest.raises(BundleError, match="Lambda layer, which is program code"):
        write(source)
    assert "WAS_RUN" not in os.environ


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_a_file_that_keras_can_not_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("buy milk")

    with pytest.raises(BundleError, match="Keras can't read it"):
        write(tmp_path / name)


@pytest.mark.parametrize("name", ["best_model", "best model.KERAS", "model.pth"])
def test_a_file_whose_name_hides_its_format_is_refused_with_the_names_that_work(
    save: Save, tmp_path: Path, name: str
) -> None:
    save(cnn_lstm()).rename(tmp_path / name)

    with pytest.raises(BundleError, match=r"its name ends neither in \.keras nor in \.h5"):
        write(tmp_path / name)


def test_weights_that_are_no_numbers_are_refused(save: Save) -> None:
    network = cnn_lstm()
    network.layers[-1].set_weights([np.full((4, 1), np.nan), np.zeros(1)])

    with pytest.raises(BundleError, match="weights that are no numbers"):
        write(save(network))
