"""A network that is not what its card says is refused when it is loaded, and never asked."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.files import sha256
from video_classifier.ml.serving import bundle, loading
from video_classifier.ml.serving.bundle import NETWORK_FILE
from video_classifier.ml.serving.card import REMEDY, BundleError, Card
from video_classifier.ml.serving.engine import KerasEngine
from video_classifier.ml.serving.scorer import Scorer

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.keras

SPEC = ClipSpec(frames=2, height=8, width=8)
CARD = Card(
    name="odd",
    network="conv3d",
    summary="For tests.",
    spec=SPEC,
    threshold=0.5,
    created="2026-01-01",
)

Ending = Callable[[Any], Any]
Files = dict[str, bytes]


def make_network(
    ending: Ending, *, shape: Sequence[int | None] = SPEC.shape, inputs: int = 1
) -> keras.Model:
    """Looks at the means of its inputs, and answers by `ending`."""
    import keras
    from keras import layers

    clips = [keras.Input(shape, dtype="uint8") for _ in range(inputs)]
    seen = [layers.GlobalAveragePooling3D()(layers.Rescaling(1 / 255)(clip)) for clip in clips]
    x = seen[0] if inputs == 1 else layers.Add()(seen)
    return keras.Model(clips, ending(x))


def dense(units: int = 1, activation: str | None = "sigmoid") -> Ending:
    def ending(x: Any) -> Any:
        from keras import layers

        return layers.Dense(units, activation=activation)(x)

    return ending


def filled(value: float, activation: str | None = "sigmoid") -> Ending:
    """A last layer with that one value for its weights."""

    def ending(x: Any) -> Any:
        from keras import initializers, layers

        constant = initializers.Constant(value)
        return layers.Dense(1, activation=activation, kernel_initializer=constant)(x)

    return ending


def softmax(x: Any) -> Any:
    from keras import layers

    return layers.Softmax()(dense(2, None)(x))


def through_a_relu(x: Any) -> Any:
    from keras import layers

    return layers.ReLU()(dense()(x))


def mean_with_logits(x: Any) -> Any:
    from keras import layers

    return layers.Average()([dense()(x), dense(1, None)(x)])


def nested(ending: Ending) -> Ending:
    def within(x: Any) -> Any:
        import keras

        features = keras.Input(x.shape[1:])
        return keras.Model(features, ending(features), name="head")(x)

    return within


def lambda_layer(x: Any) -> Any:
    from keras import layers

    return layers.Lambda(lambda seen: seen * 2)(dense()(x))


def save(folder: Path, network: keras.Model, card: Card = CARD) -> Path:
    bundle.save(folder, network, card)
    return folder


def refusal(folder: Path) -> str:
    """The whole sentences with which a model is refused."""
    with pytest.raises(BundleError) as caught:
        loading.load(folder)
    text = str(caught.value)
    assert re.fullmatch(rf"The model “{folder.name}” can't be used: .+\. {REMEDY}", text)
    return text


@pytest.mark.parametrize(
    "ending",
    [
        dense(),
        nested(dense()),
        lambda x: __import__("keras").layers.Average()([dense()(x), nested(dense())(x)]),
        lambda x: __import__("keras").layers.Activation("sigmoid")(dense(1, None)(x)),
        lambda x: __import__("keras").ops.sigmoid(dense(1, None)(x)),
    ],
)
def test_a_probability_may_come_about_in_many_ways(tmp_path: Path, ending: Ending) -> None:
    score = loading.load(save(tmp_path / "fine", make_network(ending))).score

    assert 0 < score(np.full(SPEC.shape, 200, np.uint8)) < 1


@pytest.mark.parametrize(
    ("ending", "says"),
    [
        (dense(2, "softmax"), "gives 2 numbers for a clip and not one"),
        (softmax, "gives 2 numbers for a clip and not one"),
        (dense(2), "gives 2 numbers for a clip and not one"),
        (lambda x: [dense()(x), dense()(x)], "gives 1 and 1 numbers for a clip and not one"),
        (dense(1, "softmax"), "no probability"),
        (dense(1, None), "no probability"),
        (dense(1, "tanh"), "no probability"),
        (through_a_relu, "no probability"),
        (mean_with_logits, "no probability"),
        (nested(dense(1, None)), "no probability"),
        (filled(np.nan), "weights that are no numbers"),
        (filled(np.inf), "weights that are no numbers"),
        (lambda_layer, "Keras can't read"),
    ],
)
def test_an_answer_that_is_no_probability_is_refused(
    tmp_path: Path, ending: Ending, says: str
) -> None:
    assert says in refusal(save(tmp_path / "odd", make_network(ending)))


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"shape": (3, 8, 8, 3)}, "takes 3 x 8 x 8 x 3 and not 2 x 8 x 8 x 3"),
        ({"shape": (2, 8, 9, 3)}, "takes 2 x 8 x 9 x 3"),
        ({"shape": (2, 8, 8, 1)}, "takes 2 x 8 x 8 x 1"),
        ({"shape": (None, 8, 8, 3)}, "takes any x 8 x 8 x 3"),
        ({"inputs": 2}, "takes 2 x 8 x 8 x 3 and 2 x 8 x 8 x 3"),
    ],
)
def test_other_inputs_than_the_card_s_are_refused(
    tmp_path: Path, wanted: dict[str, Any], says: str
) -> None:
    assert says in refusal(save(tmp_path / "odd", make_network(dense(), **wanted)))


def parts(file: Path) -> Files:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(file: Path, members: Files) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def with_wrong_checksum(file: Path) -> None:
    """One byte of the weights is another one, which Keras's ZIP file notices."""
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        start = archive.getinfo("model.weights.h5").header_offset
    content[start + 200] ^= 0xFF
    file.write_bytes(bytes(content))


def without_a_layer(members: Files) -> Files:
    config = json.loads(members["config.json"])
    del config["config"]["layers"][-1]["config"]
    return members | {"config.json": json.dumps(config).encode()}


def that_calls_the_system(members: Files) -> Files:
    config = json.loads(members["config.json"])
    call = {"module": "os", "class_name": "system", "config": "true", "registered_name": "system"}
    config["config"]["layers"][-1] |= call
    return members | {"config.json": json.dumps(config).encode()}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"buy milk"),
        lambda file: file.write_bytes(file.read_bytes()[:-500]),
        with_wrong_checksum,
        lambda file: packed(file, {}),
        lambda file: packed(file, parts(file) | {"config.json": b"{"}),
        lambda file: packed(file, parts(file) | {"config.json": b"[]"}),
        lambda file: packed(file, parts(file) | {"config.json": b"{}"}),
        lambda file: packed(file, parts(file) | {"model.weights.h5": b"buy milk"}),
        lambda file: packed(file, {k: v for k, v in parts(file).items() if k != "config.json"}),
        lambda file: packed(file, {k: v for k, v in parts(file).items() if "weights" not in k}),
        lambda file: packed(file, without_a_layer(parts(file))),
        lambda file: packed(file, that_calls_the_system(parts(file))),
    ],
)
def test_a_damaged_file_is_refused_though_the_card_vouches_for_it(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    folder = save(tmp_path / "odd", make_network(dense()))
    spoil(folder / NETWORK_FILE)
    bundle.write_card(folder, replace(CARD, sha256=sha256(folder / NETWORK_FILE)))

    assert f"Keras can't read its {NETWORK_FILE}" in refusal(folder)


def test_what_fails_at_the_first_call_is_refused() -> None:
    larger = replace(CARD, spec=replace(SPEC, frames=3))

    with pytest.raises(BundleError, match=r"“odd” can't be used: its network fails"):
        Scorer(KerasEngine(make_network(dense()), larger), larger)


def test_weights_that_make_no_number_of_a_clip_give_no_score(tmp_path: Path) -> None:
    def infinity_less_infinity(x: Any) -> Any:
        from keras import layers

        return dense()(layers.Add()([filled(3e38, None)(x), filled(-3e38, None)(x)]))

    odd = loading.load(save(tmp_path / "odd", make_network(infinity_less_infinity)))

    with pytest.raises(BundleError, match="gives no number for this clip"):
        odd.score(np.full(SPEC.shape, 255, np.uint8))
