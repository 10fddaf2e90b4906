"""Turns a video file into a prediction: frames, then a network, then a score."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from video_classifier.ml.contracts import (
    Image,
    Outcome,
    Person,
    Prediction,
    Sample,
    Stage,
    View,
)
from video_classifier.ml.persons.detector import Detector
from video_classifier.ml.serving import no_result
from video_classifier.ml.serving.card import REMEDY, BundleError, Card
from video_classifier.ml.serving.decoder import IN_PROCESS, Decoder

if TYPE_CHECKING:
    import keras

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # most of what TensorFlow says on stderr

TOO_MANY = (
    "{found} persons were found in this clip. Only the {seen} who are longest and largest in view "
    "were looked at."
)

LONGEST = 60.0  # seconds that are looked at without a warning of how far apart the moments are
SPARSE = (
    "This model looks once every {spacing:.0f} s of this {what}: what happens in between it can't "
    "see. Cut long recordings to the visit in question."
)


class KerasPredictor:
    """A trained network, ready to look at clips; safe to call from several threads."""

    def __init__(self, network: keras.Model, card: Card) -> None:
        """Raises BundleError if the network gives no score."""
        self.card = card
        self._call = _compiled(network, card)
        try:
            self.score(np.zeros(card.spec.shape, np.uint8))  # the first call traces the graph
        except BundleError:
            raise
        except Exception as error:  # a network from a file may fail in any way
            msg = (
                f"The model “{card.name}” can't be used: its network fails when it is asked for "
                f"a score. {REMEDY}"
            )
            raise BundleError(msg) from error

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
        """Reads `video` and classifies it if there is anything to judge.

        Calls `entering` before each stage. Raises ClipError.
        """
        entering(Stage.READING)
        start = time.perf_counter()
        sample = decoder.sample(video, self.card.spec, preview_width=preview_width)
        read = time.perf_counter()
        if reason := no_result.reason(sample):
            return Outcome(
                prediction=None,
                no_result=reason,
                sample=sample,
                seconds_reading=read - start,
                seconds_classifying=0.0,
            )
        entering(Stage.CLASSIFYING)
        score = self.score(sample.images)
        return Outcome(
            prediction=Prediction(score=score, threshold=self.card.threshold),
            sample=_noting_gaps(sample, sample.length, what="clip"),
            seconds_reading=read - start,
            seconds_classifying=time.perf_counter() - read,
        )

    def score(self, images: Image) -> float:
        """0 to 1, higher looks more like shoplifting, for spec.shape RGB uint8 frames.

        Raises BundleError if the network gives no number.
        """
        score = self._call(images)
        if not math.isfinite(score):
            msg = (
                f"The model “{self.name}” can't be used: its network gives no number for this "
                f"clip. {REMEDY}"
            )
            raise BundleError(msg)
        return min(max(score, 0.0), 1.0)


class PersonPredictor(KerasPredictor):
    """A network that looks at persons, one after the other; the highest score is the clip's."""

    def __init__(self, network: keras.Model, card: Card, *, detector: Detector) -> None:
        super().__init__(network, card)
        self._detector = detector

    def analyze(
        self,
        video: Path,
        *,
        preview_width: int | None = None,
        entering: Callable[[Stage], None] = lambda _: None,
        decoder: Decoder = IN_PROCESS,
    ) -> Outcome:
        """Finds persons and classifies each; without any there is no result.

        Reading is what it takes to know the clip's pictures; decoding them is a part of finding.
        Raises ClipError.
        """
        from video_classifier.ml.persons import finder, tracking

        entering(Stage.READING)
        start = time.perf_counter()
        clip = decoder.open(video)
        read = time.perf_counter()
        entering(Stage.FINDING)
        height, width = self._detector.input_size
        times, seen = clip.glimpses(self._detector.detect, height=height, width=width)
        found = tracking.link(times, seen, threshold=self._detector.threshold)
        crops, sample = clip.show(
            finder.foremost(found), self.card.spec, preview_width=preview_width
        )
        cut = time.perf_counter()
        if reason := no_result.reason(sample, tracks=len(found)):
            return Outcome(
                prediction=None,
                no_result=reason,
                sample=sample,
                seconds_reading=read - start,
                seconds_finding=cut - read,
                seconds_classifying=0.0,
                view=View.PERSON,
                persons_found=len(found),
                detector_sha256=self._detector.sha256,
            )
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
        longest = max(crop.track.times[-1] - crop.track.times[0] for crop in crops)
        sample = _noting_gaps(sample, longest, what="clip's longest track")
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
            detector_sha256=self._detector.sha256,
        )


def _noting_gaps(sample: Sample, seconds: float, *, what: str) -> Sample:
    """With a warning if the moments that are looked at, of so many seconds, are far apart."""
    if seconds <= LONGEST:
        return sample
    return _warning(sample, SPARSE.format(spacing=seconds / len(sample.times), what=what))


def _warning(sample: Sample, sentence: str) -> Sample:
    return replace(sample, warnings=(*sample.warnings, sentence))


def _compiled(network: keras.Model, card: Card) -> Callable[[Image], float]:
    """The network as one TensorFlow graph: `Model.predict` costs three times as much a clip."""
    import tensorflow as tf

    signature = [tf.TensorSpec((1, *card.spec.shape), tf.uint8)]
    graph = tf.function(lambda clip: network(clip, training=False), input_signature=signature)
    return lambda images: float(graph(images[np.newaxis]).numpy()[0, 0])
