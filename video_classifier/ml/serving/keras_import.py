"""Makes a model folder from a Keras file that was trained elsewhere.

Such networks take pixels that were scaled beforehand and often end in a softmax of two. Here a
network takes uint8 RGB frames and ends in one sigmoid, so the missing steps are put around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.files import sha256
from video_classifier.ml.serving import bundle, network_check
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.serving.engine import WITHOUT_KERAS, keras_is_missing
from video_classifier.ml.serving.scorer import Scorer

if TYPE_CHECKING:
    import keras

GUESSED_THRESHOLD = 0.5
PICTURE_AXES = 3  # height, width, channels
CLIP_AXES = 4  # frames before these
ENDINGS = (".keras", ".h5", ".hdf5")  # Keras chooses the format by the name
MAX_INPUT = 100_000_000  # numbers in one input: 0.4 GB once they are scaled
MAX_FRAMES = 256  # in one input; more is a mistake, and more memory than a clip is worth


class Scale(StrEnum):
    """The range to which pixels, 0 to 255, are scaled for a network."""

    ZERO_TO_ONE = "0-1"
    MINUS_ONE_TO_ONE = "-1-1"
    UNSCALED = "0-255"


class Channels(StrEnum):
    """The order of a picture's color channels."""

    RGB = "rgb"
    BGR = "bgr"  # as OpenCV reads them


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """The input scale, channel order and positive class, none of which a Keras file stores."""

    scale: Scale | None = None  # None: guess
    channels: Channels = Channels.RGB
    positive_output: int = 1  # the number that shoplifting had in training, 0 or 1


def write(source: Path, folder: Path, *, name: str, created: str, given: Format) -> Card:
    """Writes network.keras and card.json for the model in `source` (.keras or .h5) to `folder`.

    `name` is the model's, `created` an ISO 8601 date. The card has no metrics, no confidence and
    the threshold 0.5, which is a guess. The written model is read back and asked for a score.
    Code in the file is never run: Lambda layers are refused. Raises BundleError.
    """
    network = _read(source)
    spec = _spec(source, network)
    given = replace(given, scale=given.scale or _guess_scale(network))
    wrapped = _wrapped(source, network, spec, given)
    if fault := network_check.fault(wrapped, spec):
        raise _refused(source, f"its network {fault}.")
    card = Card(
        name=name,
        network="imported",
        summary=f"Imported from {source.name}.",
        measured="Not measured.",
        spec=spec,
        threshold=GUESSED_THRESHOLD,
        created=created,
        limits=(
            f"The threshold {GUESSED_THRESHOLD} is a guess: how many thefts are noticed and how "
            "many ordinary clips get a hint is not known.",
        ),
        training={"imported": {"file": source.name, "sha256": sha256(source), **asdict(given)}},
    )
    card = bundle.save(folder, wrapped, card)
    _try(source, folder)
    return card


def _read(source: Path) -> keras.Model:
    if keras_is_missing():
        raise _refused(source, WITHOUT_KERAS)
    import keras

    if source.suffix not in ENDINGS:
        why = "its name ends neither in .keras nor in .h5. If it is one of these, rename it."
        raise _refused(source, why)
    try:
        network = keras.models.load_model(source, compile=False, safe_mode=True)
    except Exception as error:  # a damaged file makes it raise anything
        if "deserialization of a `Lambda`" in str(error):
            why = (
                "it has a Lambda layer, which is program code, and code in a model file is never "
                "run. Save the model with Keras's own layers in its place."
            )
        else:
            why = (
                "Keras can't read it. It may be damaged, saved by another version of Keras, or "
                "have layers of its own, whose code is not in the file."
            )
        raise _refused(source, why) from error
    if not isinstance(network, keras.Model) or not network.built:
        raise _refused(source, "it doesn't hold a model whose input size is known.")
    return network


def _spec(source: Path, network: keras.Model) -> ClipSpec:
    if len(network.inputs) != 1:
        raise _refused(source, f"its network takes {len(network.inputs)} inputs and not one clip.")
    shape = tuple(network.inputs[0].shape[1:])
    sizes = " x ".join("any" if size is None else str(size) for size in shape)
    if len(shape) == PICTURE_AXES:
        raise _refused(source, f"its network takes single pictures ({sizes}) and not clips.")
    if len(shape) != CLIP_AXES or shape[-1] != 3:  # noqa: PLR2004  (channels)
        raise _refused(
            source, f"its network takes {sizes} and not frames x height x width x 3 color channels."
        )
    if None in shape:
        raise _refused(
            source, f"its network takes clips of any size ({sizes}). Save it with a fixed one."
        )
    frames, height, width, _ = shape
    if frames > MAX_FRAMES:
        raise _refused(source, f"its network takes {frames} frames at once; {MAX_FRAMES} will do.")
    if prod(shape) > MAX_INPUT:
        raise _refused(source, f"its network takes clips of {sizes}, too large to score in memory.")
    return ClipSpec(frames=frames, height=height, width=width)


def _guess_scale(network: keras.Model) -> Scale:
    """0 to 1, unless the network has a layer that scales pixels itself."""
    from keras import layers

    scaling = (layers.Rescaling, layers.Normalization)
    scales = any(isinstance(layer, scaling) for layer in _layers(network))
    return Scale.UNSCALED if scales else Scale.ZERO_TO_ONE


def _layers(layer: keras.Layer) -> Iterator[keras.Layer]:
    """The layer and its sublayers: of nested models, and of wrappers such as TimeDistributed."""
    yield layer
    for inner in (*getattr(layer, "layers", ()), *filter(None, [getattr(layer, "layer", None)])):
        yield from _layers(inner)


def _wrapped(source: Path, network: keras.Model, spec: ClipSpec, given: Format) -> keras.Model:
    """From (batch, *spec.shape) RGB, uint8, to (batch, 1) probability of shoplifting, float32."""
    import keras
    from keras import layers

    clip = keras.Input(spec.shape, dtype="uint8", name="clip")
    pixels = keras.ops.flip(clip, axis=-1) if given.channels is Channels.BGR else clip
    factor, offset = {
        Scale.MINUS_ONE_TO_ONE: (1 / 127.5, -1.0),
        Scale.UNSCALED: (1.0, 0.0),
    }.get(given.scale or Scale.ZERO_TO_ONE, (1 / 255, 0.0))
    output = network(layers.Rescaling(factor, offset)(pixels))
    return keras.Model(clip, _probability(source, network, output, given.positive_output))


def _probability(
    source: Path, network: keras.Model, output: keras.KerasTensor, positive: int
) -> keras.KerasTensor:
    """Of class number `positive`, as one sigmoid.

    With p and q = 1 - p for the two classes, p = sigmoid(log p - log q) exactly.
    """
    from keras import ops

    shapes = [tuple(each.shape[1:]) for each in network.outputs]
    if shapes == [(2,)]:
        if not network_check.ends_in(network.outputs[0], "softmax"):
            raise _refused(source, "its network gives two numbers and doesn't end in a softmax.")
        both = ops.split(output, 2, axis=-1)
    elif shapes == [(1,)] and positive == 0:
        both = [1 - output, output]
    else:
        return output  # network_check says what is wrong with it, if anything is
    return ops.sigmoid(ops.log(both[positive]) - ops.log(both[1 - positive]))


def _try(source: Path, folder: Path) -> None:
    """Reads the model back, as the site will, and asks it for a score of noise."""
    try:
        engine, card = bundle.load(folder)
        noise = np.random.default_rng(0).integers(0, 256, card.spec.shape, np.uint8)
        Scorer(engine, card).score(noise)
    except BundleError as error:
        raise _refused(source, "it gives no score once it is saved and read again.") from error


def _refused(source: Path, why: str) -> BundleError:
    return BundleError(f"{source.name} can't be imported: {why}")
