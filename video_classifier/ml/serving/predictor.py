"""Turns a video file into a prediction: pictures, then a network, then a score."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from video_classifier.ml.contracts import (
    UNWATCHED,
    WHOLE,
    EventCandidate,
    Image,
    Outcome,
    Prediction,
    Progress,
    Region,
    Sample,
    ScoredTrack,
    Span,
    Stage,
    Track,
    Window,
    WindowScore,
)
from video_classifier.ml.persons.detector import Detections, Detector
from video_classifier.ml.serving import brightness, no_result
from video_classifier.ml.serving.card import Card
from video_classifier.ml.serving.decoder import IN_PROCESS, Decoder
from video_classifier.ml.serving.engine import Engine
from video_classifier.ml.serving.events import Decision
from video_classifier.ml.serving.scorer import Scorer

TOO_MANY = (
    "{found} people were found in this clip. Only the {scored} who are longest and largest in view "
    "were looked at."
)

MAX_SECONDS = 60.0  # of a track whose frames are spread out without a warning
SPARSE = (
    "This model looks once every {spacing:.0f} s of this clip's longest track: what happens in "
    "between it can't see. Cut long recordings to the visit in question."
)


class WholeFramePredictor:
    """Scores whole frames, one window after the other; safe to call from several threads."""

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

    def scoring_by(self, scorer: Scorer) -> WholeFramePredictor:
        """The same, with another head or others beside it."""
        found = copy.copy(self)
        found.card, found._scorer = scorer.card, scorer  # noqa: SLF001  (its own class)
        return found

    def score(self, images: Image) -> float:
        """As `Scorer.score`."""
        return self._scorer.score(images)

    def analyze(
        self,
        video: Path,
        *,
        span: Span = WHOLE,
        preview_width: int | None = None,
        progress: Progress = UNWATCHED,
        decoder: Decoder = IN_PROCESS,
    ) -> Outcome:
        """Scores the windows of `video` if there is anything to judge.

        Raises ClipError, BundleError, and what `progress.check` raises.
        """
        progress.on_stage(Stage.READING)
        start = time.perf_counter()
        scoring = _Scoring(self._scorer, progress)
        sample = decoder.take_windows(
            video, self.card.spec, scoring.take, span=span, preview_width=preview_width
        )
        read = time.perf_counter() - start - scoring.seconds
        if reason := no_result.reason(sample, self.card.spec):
            return Outcome(
                prediction=None,
                no_result=reason,
                sample=sample,
                seconds_reading=read,
                seconds_classifying=scoring.seconds,
                model_sha256=self.sha256,
                shadows=self._scorer.shadows,
            )
        (decision,) = scoring.finish().values()
        shown = decision.pictures
        return Outcome(
            prediction=scoring.prediction,
            sample=replace(sample, images=shown.images, times=shown.times, previews=shown.previews),
            candidates=scoring.candidates,
            windows=decision.windows,
            seconds_reading=read,
            seconds_classifying=scoring.seconds,
            model_sha256=self.sha256,
            shadows=self._scorer.shadows,
        )


class PersonPredictor:
    """Follows people and scores the windows of each track."""

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

    def scoring_by(self, scorer: Scorer) -> PersonPredictor:
        """The same, with another head or others beside it."""
        found = copy.copy(self)
        found.card, found._scorer = scorer.card, scorer  # noqa: SLF001  (its own class)
        return found

    def score(self, images: Image) -> float:
        """As `Scorer.score`, of one track's crops."""
        return self._scorer.score(images)

    def analyze(
        self,
        video: Path,
        *,
        span: Span = WHOLE,
        preview_width: int | None = None,
        progress: Progress = UNWATCHED,
        decoder: Decoder = IN_PROCESS,
    ) -> Outcome:
        """Finds people and scores each; without any there is no result.

        Before a span, people are followed for `LEAD` seconds; who is in view only then is not one
        of those found.

        Reading is what it takes to know when the clip's pictures are shown; decoding them is a
        part of finding. Raises ClipError, BundleError, and what `progress.check` raises.
        """
        from video_classifier.ml.persons import tracking

        progress.on_stage(Stage.READING)
        start = time.perf_counter()
        clip = decoder.open(video, span)
        read = time.perf_counter()
        progress.on_stage(Stage.FINDING)

        def detect(image: Image) -> Detections:
            progress.check()
            return self._detector.detect(image)

        height, width = self._detector.input_size
        times, detections = clip.detect_frames(
            detect, height=height, width=width, strip=self.card.spec.frames
        )
        found = [
            track
            for track in tracking.track(times, detections, threshold=self._detector.threshold)
            if not span.start or track.times[-1] > span.start
        ]
        tracks = tuple(sorted(tracking.most_prominent(found), key=lambda track: track.times[0]))
        scoring = _Scoring(self._scorer, progress)
        sample = clip.take_windows(
            tracks, self.card.spec, scoring.take, preview_width=preview_width
        )
        finding = time.perf_counter() - read - scoring.seconds
        if reason := no_result.reason(sample, self.card.spec, tracks=len(found)):
            return Outcome(
                prediction=None,
                no_result=reason,
                sample=sample,
                seconds_reading=read - start,
                seconds_finding=finding,
                seconds_classifying=scoring.seconds,
                view=Region.PERSON,
                tracks_found=len(found),
                detector_sha256=self._detector.sha256,
                model_sha256=self.sha256,
                shadows=self._scorer.shadows,
            )
        decisions = scoring.finish()
        if not self.card.spec.rate:
            sample = _noting_long_tracks(sample, tracks)
        return Outcome(
            prediction=scoring.prediction,
            sample=_noting_crowd(sample, len(found), len(tracks)),
            seconds_reading=read - start,
            seconds_finding=finding,
            seconds_classifying=scoring.seconds,
            view=Region.PERSON,
            candidates=scoring.candidates,
            tracks=tuple(
                _scored(track, number, decisions[number]) for number, track in enumerate(tracks, 1)
            ),
            tracks_found=len(found),
            detector_sha256=self._detector.sha256,
            model_sha256=self.sha256,
            shadows=self._scorer.shadows,
        )


ModelPredictor = WholeFramePredictor | PersonPredictor


class _Scoring:
    """Scores the windows of a clip as they come, and keeps those that decide.

    The last one that came waits for the next, or for the end: of a clip that is a single window it
    is known by then whether there is anything to judge.
    """

    def __init__(self, scorer: Scorer, progress: Progress) -> None:
        self._scorer, self._progress = scorer, progress
        self._waiting: Window | None = None
        self._decisions: dict[int | None, Decision[Window]] = {}
        self.seconds = 0.0  # that it took to score

    def take(self, window: Window) -> None:
        self._score_waiting()
        self._waiting = window

    def finish(self) -> Mapping[int | None, Decision[Window]]:
        """By the number of the track."""
        self._score_waiting()
        self._waiting = None
        return self._decisions

    @property
    def candidates(self) -> tuple[EventCandidate, ...]:
        """In order of time."""
        found = (
            candidate
            for track, decision in self._decisions.items()
            for candidate in decision.candidates(track)
        )
        return tuple(sorted(found, key=lambda each: (each.start, each.track or 0)))

    @property
    def prediction(self) -> Prediction:
        score = max(each.score for each in self.candidates)
        return Prediction(score=score, threshold=self._scorer.card.threshold)

    def _score_waiting(self) -> None:
        if (window := self._waiting) is None:
            return
        if not self._decisions:
            self._progress.on_stage(Stage.CLASSIFYING)
        self._progress.check()
        start = time.perf_counter()
        score, *others = self._scorer.score_each(window.images)
        if window.number == 0:
            best = self._scorer.card.best_windows
            self._decisions[window.track] = Decision(best=best)
        look = brightness.of_window(window)
        scored = WindowScore(
            start=window.start,
            end=window.end,
            score=score,
            others=tuple(others),
            clothing=look.clothing,
            light=look.light,
        )
        self._decisions[window.track].add(scored, window)
        self.seconds += time.perf_counter() - start


def _scored(track: Track, number: int, decision: Decision[Window]) -> ScoredTrack:
    shown = decision.pictures
    return ScoredTrack(
        track=track,
        score=max(each.score for each in decision.candidates(number)),
        images=shown.images,
        times=shown.times,
        windows=decision.windows,
        preview=shown.previews[0] if shown.previews else None,
    )


def _noting_long_tracks(sample: Sample, tracks: Sequence[Track]) -> Sample:
    """With a warning if the moments that are looked at are far apart."""
    longest = max(track.times[-1] - track.times[0] for track in tracks)
    if longest <= MAX_SECONDS:
        return sample
    return _with_warning(sample, SPARSE.format(spacing=longest / len(sample.times)))


def _noting_crowd(sample: Sample, found: int, scored: int) -> Sample:
    """With a warning if not everybody was scored."""
    if found == scored:
        return sample
    return _with_warning(sample, TOO_MANY.format(found=found, scored=scored))


def _with_warning(sample: Sample, sentence: str) -> Sample:
    return replace(sample, warnings=(*sample.warnings, sentence))
