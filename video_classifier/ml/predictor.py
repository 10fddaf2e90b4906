"""Turns a video file into a verdict's material: frames, then a network, then a score."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from video_classifier.ml import bundle
from video_classifier.ml.clip import Image, Outcome, Prediction, Stage

if TYPE_CHECKING:
    import keras

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # most of what TensorFlow says on stderr

_loaded: dict[tuple[Path, str], KerasPredictor] = {}
_loading = threading.Lock()


def load(folder: Path) -> KerasPredictor:
    """The predictor of a model's folder: loaded and warmed up once a process.

    May be called from several threads. A model that was replaced on disk is loaded
    anew. Raises BundleError.
    """
    with _loading:
        key = folder.resolve(), bundle.check(folder).sha256
        if key not in _loaded:
            for stale in [known for known in _loaded if known[0] == key[0]]:
                del _loaded[stale]
            _loaded[key] = KerasPredictor(*bundle.load(folder))
        return _loaded[key]


class KerasPredictor:
    """A trained network, ready to look at clips; safe to call from several threads."""

    def __init__(self, network: keras.Model, card: bundle.Card) -> None:
        self.card = card
        self._call = _compiled(network, card)
        self.score(np.zeros(card.spec.shape, np.uint8))  # the first call traces the graph

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def sha256(self) -> str:
        return self.card.sha256

    def analyze(
        self,
        video: Path,
        *,
        preview_width: int | None = None,
        entering: Callable[[Stage], None] = lambda _: None,
    ) -> Outcome:
        """Reads and classifies `video`; calls `entering` before each stage. Raises ClipError."""
        from video_classifier.ml import frames

        entering(Stage.READING)
        start = time.perf_counter()
        sample = frames.sample(video, self.card.spec, preview_width=preview_width)
        read = time.perf_counter()
        entering(Stage.CLASSIFYING)
        score = self.score(sample.images)
        return Outcome(
            prediction=Prediction(score=score, threshold=self.card.threshold),
            sample=sample,
            seconds_reading=read - start,
            seconds_classifying=time.perf_counter() - read,
        )

    def score(self, images: Image) -> float:
        """The probability of `shoplifter`, 0 to 1, for spec.shape RGB uint8 frames."""
        return float(np.clip(self._call(images), 0, 1))


def _compiled(network: keras.Model, card: bundle.Card) -> Callable[[Image], float]:
    """The network as one TensorFlow graph: `Model.predict` costs three times as much a clip."""
    import tensorflow as tf

    signature = [tf.TensorSpec((1, *card.spec.shape), tf.uint8)]
    graph = tf.function(lambda clip: network(clip, training=False), input_signature=signature)
    return lambda images: float(graph(images[np.newaxis]).numpy()[0, 0])
