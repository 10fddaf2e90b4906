"""Turns a video file into a verdict's material: frames, then a network, then a score."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from video_classifier.ml import bundle, detection
from video_classifier.ml.clip import (
    Image,
    Outcome,
    Person,
    Prediction,
    Sample,
    Stage,
    View,
)
from video_classifier.ml.decoding import IN_PROCESS, Decoder
from video_classifier.ml.detection import Detector, DetectorError

if TYPE_CHECKING:
    import keras

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # most of what TensorFlow says on stderr

NOBODY = "The person detector found nobody in this clip, so the whole picture was looked at."
TOO_MANY = (
    "{found} persons were found in this clip. Only the {seen} who are longest and largest in view "
    "were looked at."
)

_loaded: dict[Path, tuple[tuple[str, ...], KerasPredictor]] = {}
_loading = threading.RLock()  # a model of persons loads another one


def check(folder: Path, *, detector: Path | None = None) -> bundle.Card:
    """The card of a model that can be used, and so can what it needs beside itself.

    Loads no framework. Raises BundleError.
    """
    card = bundle.check(folder)
    if card.spec.view is View.PERSON:
        bundle.fallback(folder, card)
        with _wanting_detector(folder):
            detection.check(_named(detector))
    return card


def load(folder: Path, *, detector: Path | None = None) -> KerasPredictor:
    """The predictor of a model's folder: loaded and warmed up once a process.

    A model of persons needs a detector, see `detection.load`. May be called from several threads.
    What was replaced on disk is loaded anew. Raises BundleError.
    """
    with _loading:
        card = check(folder, detector=detector)
        if card.spec.view is View.FRAME:
            return _once(folder, (card.sha256,), lambda: KerasPredictor(*bundle.load(folder)))
        with _wanting_detector(folder):
            finder = detection.load(_named(detector))
        fallback = load(bundle.fallback(folder, card))
        return _once(
            folder,
            (card.sha256, finder.sha256, fallback.sha256),
            lambda: PersonPredictor(*bundle.load(folder), detector=finder, fallback=fallback),
        )


def _once(
    folder: Path, contents: tuple[str, ...], make: Callable[[], KerasPredictor]
) -> KerasPredictor:
    known, predictor = _loaded.get(folder.resolve(), ((), None))
    if predictor is None or known != contents:
        predictor = make()
        _loaded[folder.resolve()] = contents, predictor
    return predictor


def _named(detector: Path | None) -> Path:
    if detector is None:
        msg = "Name one."
        raise DetectorError(msg)
    return detector


@contextmanager
def _wanting_detector(folder: Path) -> Iterator[None]:
    try:
        yield
    except DetectorError as error:
        msg = f"The model “{folder.name}” can't be used: it needs a person detector. {error}"
        raise bundle.BundleError(msg) from error


class KerasPredictor:
    """A trained network, ready to look at clips; safe to call from several threads."""

    def __init__(self, network: keras.Model, card: bundle.Card) -> None:
        """Raises BundleError if the network gives no score."""
        self.card = card
        self._call = _compiled(network, card)
        try:
            self.score(np.zeros(card.spec.shape, np.uint8))  # the first call traces the graph
        except bundle.BundleError:
            raise
        except Exception as error:  # a network from a file may fail in any way
            msg = (
                f"The model “{card.name}” can't be used: its network fails when it is asked for "
                f"a score. {bundle.REMEDY}"
            )
            raise bundle.BundleError(msg) from error

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
        decoder: Decoder = IN_PROCESS,
    ) -> Outcome:
        """Reads and classifies `video`; calls `entering` before each stage. Raises ClipError."""
        entering(Stage.READING)
        start = time.perf_counter()
        sample = decoder.sample(video, self.card.spec, preview_width=preview_width)
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
        """The probability of `shoplifter`, 0 to 1, for spec.shape RGB uint8 frames.

        Raises BundleError if the network gives no number.
        """
        score = self._call(images)
        if not math.isfinite(score):
            msg = (
                f"The model “{self.name}” can't be used: its network gives no number for this "
                f"clip. {bundle.REMEDY}"
            )
            raise bundle.BundleError(msg)
        return min(max(score, 0.0), 1.0)


class PersonPredictor(KerasPredictor):
    """A network that looks at persons, one after the other; the highest score is the clip's."""

    def __init__(
        self,
        network: keras.Model,
        card: bundle.Card,
        *,
        detector: Detector,
        fallback: KerasPredictor,
    ) -> None:
        super().__init__(network, card)
        self._detector = detector
        self._fallback = fallback

    def analyze(
        self,
        video: Path,
        *,
        preview_width: int | None = None,
        entering: Callable[[Stage], None] = lambda _: None,
        decoder: Decoder = IN_PROCESS,
    ) -> Outcome:
        """Finds persons and classifies each; the whole picture if there are none.

        Reading is what it takes to know the clip's pictures; decoding them is a part of finding.
        Raises ClipError.
        """
        from video_classifier.ml import persons, tracks

        entering(Stage.READING)
        start = time.perf_counter()
        clip = decoder.open(video)
        read = time.perf_counter()
        entering(Stage.FINDING)
        height, width = self._detector.input_size
        times, seen = clip.glimpses(self._detector.detect, height=height, width=width)
        found = tracks.link(times, seen, threshold=self._detector.threshold)
        if not found:
            finding = time.perf_counter() - read
            return self._without_persons(video, preview_width, entering, decoder, finding)
        crops, sample = clip.show(
            persons.foremost(found), self.card.spec, preview_width=preview_width
        )
        cut = time.perf_counter()
        entering(Stage.CLASSIFYING)
        looked_at = tuple(
            Person(
                track=crop.track,
                score=self.score(crop.images),
                images=crop.images,
                times=crop.times,
            )
            for crop in sorted(crops, key=lambda crop: crop.track.times[0])
        )
        score = max(person.score for person in looked_at)
        if len(found) > len(looked_at):
            sample = _warning(sample, TOO_MANY.format(found=len(found), seen=len(looked_at)))
        return Outcome(
            prediction=Prediction(score=score, threshold=self.card.threshold),
            sample=sample,
            seconds_reading=read - start,
            seconds_finding=cut - read,
            seconds_classifying=time.perf_counter() - cut,
            view=View.PERSON,
            persons=looked_at,
            persons_found=len(found),
        )

    def _without_persons(
        self,
        video: Path,
        preview_width: int | None,
        entering: Callable[[Stage], None],
        decoder: Decoder,
        finding: float,
    ) -> Outcome:
        def entering_next(stage: Stage) -> None:
            if stage is not Stage.READING:  # that was before
                entering(stage)

        outcome = self._fallback.analyze(
            video, preview_width=preview_width, entering=entering_next, decoder=decoder
        )
        return replace(outcome, sample=_warning(outcome.sample, NOBODY), seconds_finding=finding)


def _warning(sample: Sample, sentence: str) -> Sample:
    return replace(sample, warnings=(*sample.warnings, sentence))


def _compiled(network: keras.Model, card: bundle.Card) -> Callable[[Image], float]:
    """The network as one TensorFlow graph: `Model.predict` costs three times as much a clip."""
    import tensorflow as tf

    signature = [tf.TensorSpec((1, *card.spec.shape), tf.uint8)]
    graph = tf.function(lambda clip: network(clip, training=False), input_signature=signature)
    return lambda images: float(graph(images[np.newaxis]).numpy()[0, 0])
