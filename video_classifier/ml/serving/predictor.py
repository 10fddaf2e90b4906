"""Turns a video file into a prediction: pictures, then a network, then a score."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from video_classifier.ml.contracts import (
    UNWATCHED,
    Crops,
    Image,
    Outcome,
    Prediction,
    Progress,
    Region,
    Sample,
    ScoredTrack,
    Stage,
    WindowScore,
)
from video_classifier.ml.persons.detector import Detections, Detector
from video_classifier.ml.serving import events, no_result
from video_classifier.ml.serving.card import Card
from video_classifier.ml.serving.decoder import IN_PROCESS, Decoder
from video_classifier.ml.serving.engine import Engine
from video_classifier.ml.serving.scorer import Scorer

TOO_MANY = (
    "{found} people were found in this clip. Only the {scored} who are longest and largest in view "
    "were looked at."
)

MAX_SECONDS = 60.0  # that are looked at without a warning of how far apart the moments are
SPARSE = (
    "This model looks once every {spacing:.0f} s of this {what}: what happens in between it can't "
    "see. Cut long recordings to the visit in question."
)


class WholeFramePredictor:
    """Scores whole frames, spread evenly over the clip; safe to call from several threads."""

    def __init__(self, engine: Engine, card: Card) -> None:
        """Raises BundleError if the network gives no score."""
        self.card = card
        self._scorer = Scorer(engine, card)

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def sha256(self) -> str:
        return self.card.served_sha256

    def score(self, images: Image) -> float:
        """As `Scorer.score`."""
        return self._scorer.score(images)

    def analyze(
        self,
        video: Path,
        *,
        preview_width: int | None = None,
        progress: Progress = UNWATCHED,
        decoder: Decoder = IN_PROCESS,
    ) -> Outcome:
        """Samples `video` and scores it if there is anything to judge.

        Raises ClipError, BundleError, and what `progress.check` raises.
        """
        progress.on_stage(Stage.READING)
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
                model_sha256=self.sha256,
            )
        progress.on_stage(Stage.CLASSIFYING)
        (score,) = self._scorer.score_all([sample.images], check=progress.check)
        end = max(sample.length, *sample.times)
        windows = (WindowScore(start=0.0, end=end, score=score),)
        return Outcome(
            prediction=Prediction(score=score, threshold=self.card.threshold),
            sample=_noting_gaps(sample, sample.length, what="clip"),
            candidates=events.candidates(windows, best=self.card.best_windows),
            windows=windows,
            seconds_reading=read - start,
            seconds_classifying=time.perf_counter() - read,
            model_sha256=self.sha256,
        )


class PersonPredictor:
    """Follows people and scores each track; the highest score is the clip's."""

    def __init__(self, engine: Engine, card: Card, detector: Detector) -> None:
        """Raises BundleError if the network gives no score."""
        self.card = card
        self._scorer = Scorer(engine, card)
        self._detector = detector

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def sha256(self) -> str:
        return self.card.served_sha256

    def score(self, images: Image) -> float:
        """As `Scorer.score`, of one track's crops."""
        return self._scorer.score(images)

    def analyze(
        self,
        video: Path,
        *,
        preview_width: int | None = None,
        progress: Progress = UNWATCHED,
        decoder: Decoder = IN_PROCESS,
    ) -> Outcome:
        """Finds people and scores each; without any there is no result.

        Reading is what it takes to know when the clip's pictures are shown; decoding them is a
        part of finding. Raises ClipError, BundleError, and what `progress.check` raises.
        """
        from video_classifier.ml.persons import finder, tracking

        progress.on_stage(Stage.READING)
        start = time.perf_counter()
        clip = decoder.open(video)
        read = time.perf_counter()
        progress.on_stage(Stage.FINDING)

        def detect(image: Image) -> Detections:
            progress.check()
            return self._detector.detect(image)

        height, width = self._detector.input_size
        times, detections = clip.detect_frames(detect, height=height, width=width)
        found = tracking.track(times, detections, threshold=self._detector.threshold)
        crops, sample = clip.take_crops(
            finder.most_prominent(found), self.card.spec, preview_width=preview_width
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
                view=Region.PERSON,
                tracks_found=len(found),
                detector_sha256=self._detector.sha256,
                model_sha256=self.sha256,
            )
        progress.on_stage(Stage.CLASSIFYING)
        tracks = self._scored(crops, progress)
        candidates = [
            candidate
            for number, each in enumerate(tracks, 1)
            for candidate in events.candidates(
                each.windows, best=self.card.best_windows, track=number
            )
        ]
        score = max(each.score for each in candidates)
        return Outcome(
            prediction=Prediction(score=score, threshold=self.card.threshold),
            sample=_noting_crowd(_noting_long_tracks(sample, crops), len(found), len(crops)),
            seconds_reading=read - start,
            seconds_finding=cut - read,
            seconds_classifying=time.perf_counter() - cut,
            view=Region.PERSON,
            candidates=tuple(sorted(candidates, key=lambda each: each.start)),
            tracks=tracks,
            tracks_found=len(found),
            detector_sha256=self._detector.sha256,
            model_sha256=self.sha256,
        )

    def _scored(self, crops: Sequence[Crops], progress: Progress) -> tuple[ScoredTrack, ...]:
        """In order of appearance."""
        ordered = sorted(crops, key=lambda each: each.track.times[0])
        scores = self._scorer.score_all([each.images for each in ordered], check=progress.check)
        return tuple(
            ScoredTrack(
                track=each.track,
                score=score,
                images=each.images,
                times=each.times,
                windows=(
                    WindowScore(start=each.track.times[0], end=each.track.times[-1], score=score),
                ),
            )
            for each, score in zip(ordered, scores, strict=True)
        )


ModelPredictor = WholeFramePredictor | PersonPredictor


def _noting_long_tracks(sample: Sample, crops: Sequence[Crops]) -> Sample:
    longest = max(each.track.times[-1] - each.track.times[0] for each in crops)
    return _noting_gaps(sample, longest, what="clip's longest track")


def _noting_gaps(sample: Sample, seconds: float, *, what: str) -> Sample:
    """With a warning if the moments that are looked at, of so many seconds, are far apart."""
    if seconds <= MAX_SECONDS:
        return sample
    return _with_warning(sample, SPARSE.format(spacing=seconds / len(sample.times), what=what))


def _noting_crowd(sample: Sample, found: int, scored: int) -> Sample:
    """With a warning if not everybody was scored."""
    if found == scored:
        return sample
    return _with_warning(sample, TOO_MANY.format(found=found, scored=scored))


def _with_warning(sample: Sample, sentence: str) -> Sample:
    return replace(sample, warnings=(*sample.warnings, sentence))
