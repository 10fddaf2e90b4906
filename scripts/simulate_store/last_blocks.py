"""Trains the network's last blocks on labelled segments of a camera, which a head alone can't use.

What comes before these blocks stays as it is, so that it is run once a window. The old footage
stays in, one window a clip, with the same weight as the segments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import Floats, Floats32, Image, Integers
from video_classifier.ml.data.footage import read_footage
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.persons.detector import Detector
from video_classifier.ml.serving import engine, events
from video_classifier.ml.serving.card import Card
from video_classifier.ml.watch import Watch

if TYPE_CHECKING:
    import keras

FROZEN = "Mixed_4d"  # the last block that stays; the two after it are trained
WINDOWS = 8  # of a segment, spread over it, at most
EPOCHS = 8
LEARNING_RATE = 1e-4
_BATCH = 8

Halves = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What the blocks that stay make of windows."""

    activations: Halves  # (windows, …), of the last one
    pooled: Floats32  # (windows, features), of those before it
    clips: Integers  # (windows,): whose window it is
    targets: Integers  # (clips,)

    def of(self, chosen: Integers) -> Front:
        rows = np.flatnonzero(np.isin(self.clips, chosen))
        return Front(
            activations=self.activations[rows],
            pooled=self.pooled[rows],
            clips=self.clips[rows],
            targets=self.targets,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where windows come from, and the network that is trained."""

    model: Path
    card: Card
    detector: Detector
    cache: Cache


class Network:
    """The shipped network, cut in two."""

    def __init__(self, folder: Path, card: Card) -> None:
        import keras

        whole = engine.read_keras_network(folder / engine.KERAS_FILE, card)
        backbone, self._head = whole.get_layer("backbone"), whole.get_layer("head")
        pools = backbone.get_layer("features").input
        early = sum(_is_before(backbone, pool) for pool in pools)
        cut = backbone.get_layer(FROZEN).output
        self._front = keras.Model(
            backbone.input, [cut, keras.ops.concatenate(pools[:early], axis=-1)]
        )
        self._late = keras.Model(cut, keras.ops.concatenate(pools[early:], axis=-1))
        self._shipped = [each.get_weights() for each in (self._late, self._head)]

    def front(self, windows: Sequence[Image], targets: Sequence[int]) -> Front:
        """Of each clip its windows, (n, frames, height, width, 3)."""
        found = [self._front.predict(each, batch_size=_BATCH, verbose=0) for each in windows]
        return Front(
            activations=np.concatenate([activations for activations, _ in found]).astype(
                np.float16
            ),
            pooled=np.concatenate([pooled for _, pooled in found]),
            clips=np.repeat(np.arange(len(windows)), [len(each) for each in windows]),
            targets=np.array(targets),
        )

    def trained(self, old: Front, segments: Front, *, seed: int) -> keras.Model:
        """From the shipped weights. Both halves weigh the same, and so do labels within each."""
        import keras

        keras.utils.set_random_seed(seed)
        for part, weights in zip((self._late, self._head), self._shipped, strict=True):
            part.trainable = True
            part.set_weights(weights)
        activations = keras.Input(old.activations.shape[1:])
        pooled = keras.Input(old.pooled.shape[1:])
        features = keras.ops.concatenate([pooled, self._late(activations)], axis=-1)
        model = keras.Model([activations, pooled], self._head(features))
        model.compile(keras.optimizers.Adam(LEARNING_RATE), "binary_crossentropy")
        targets = [each.targets[each.clips] for each in (old, segments)]
        weights = np.concatenate([_balanced(each) for each in targets])
        model.fit(
            [
                np.concatenate([old.activations, segments.activations]).astype(np.float32),
                np.concatenate([old.pooled, segments.pooled]),
            ],
            np.concatenate(targets),
            sample_weight=weights / weights.mean(),
            epochs=EPOCHS,
            batch_size=_BATCH,
            verbose=0,
        )
        return model


class LastBlocks:
    """What retraining makes of a camera's segments."""

    def __init__(self, source: Source, old: Sequence[Entry], *, watch: Watch) -> None:
        """`old` is what stays in, one window a clip."""
        self._source, self._watch = source, watch
        self._network = Network(source.model, source.card)
        self._old = self._front(old, most=1)

    def of_camera(self, entries: Sequence[Entry]) -> Callable[[Integers, Integers, int], Floats]:
        """Scores of those tested, (t,), by a network trained on those learned, by a seed."""
        front = self._front(entries, most=WINDOWS)

        def scored(learned: Integers, tested: Integers, seed: int) -> Floats:
            model = self._network.trained(self._old, front.of(learned), seed=seed)
            return scores(model, front.of(tested), best=self._source.card.best_windows)

        return scored

    def _front(self, entries: Sequence[Entry], *, most: int) -> Front:
        found = _windows(entries, self._source, most=most, watch=self._watch)
        return self._network.front(found, [entry.target for entry in entries])


def scores(model: keras.Model, tested: Front, *, best: int) -> Floats:
    """(n,): of each clip of which there are windows, the mean of its best."""
    inputs = [tested.activations.astype(np.float32), tested.pooled]
    found = model.predict(inputs, batch_size=_BATCH, verbose=0)[:, 0]
    rows = np.unique(tested.clips)
    return np.array([events.mean_of_best(found[tested.clips == row], best) for row in rows])


def _windows(entries: Sequence[Entry], source: Source, *, most: int, watch: Watch) -> list[Image]:
    """Of each clip, of its most prominent person; raises ValueError where there is nobody."""
    found: list[Image] = []
    with watch.task("Reading windows", len(entries)) as advance:
        for entry in entries:
            read, _ = read_footage(
                [entry], source.card.spec, detector=source.detector, cache=source.cache
            )
            if not read:
                msg = f"There is nobody in {entry.path}."
                raise ValueError(msg)
            mine = read[0].inputs[read[0].windows[:, 0] == 0]
            places = np.linspace(0, len(mine) - 1, min(most, len(mine))).round().astype(int)
            found.append(mine[places])
            advance()
    return found


def _is_before(backbone: keras.Model, pool: keras.KerasTensor) -> bool:
    """Whether it pools one of the blocks that stay."""
    pooled = pool._keras_history.operation.input  # noqa: SLF001
    names = [layer.name for layer in backbone.layers]
    block = pooled._keras_history.operation.name  # noqa: SLF001
    return names.index(block) <= names.index(FROZEN)


def _balanced(targets: Integers) -> Floats:
    """Sums to 1, half of it for each label."""
    counts = np.bincount(targets, minlength=2)
    return np.asarray(0.5 / counts[targets], np.float64)
