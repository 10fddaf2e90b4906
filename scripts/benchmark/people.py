"""Times a model of persons beside a model of whole frames."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from scripts._lib import interleaved
from scripts._lib.interleaved import Comparison, Timings
from video_classifier.ml.contracts import Image
from video_classifier.ml.persons.detector import Detections, Detector
from video_classifier.ml.serving import bundle, loading
from video_classifier.ml.serving.predictor import PersonPredictor

NO_RESULT = (
    "“{model}” gives {clip} no result, so that there is nothing to time: {reason} Choose a clip "
    "with a person in it, or another model with --model."
)


class NoResultError(Exception):
    """There is nothing to judge, and the message says in which clip."""


class Stopwatch:
    """A detector that adds up the seconds in which it was looking for people."""

    def __init__(self, detector: Detector) -> None:
        self.sha256, self.threshold = detector.sha256, detector.threshold
        self.input_size = detector.input_size
        self.seconds = 0.0
        self._detector = detector

    def detect(self, image: Image) -> Detections:
        start = time.perf_counter()
        found = self._detector.detect(image)
        self.seconds += time.perf_counter() - start
        return found


def measure(  # noqa: PLR0913
    folder: Path,
    detector: Detector,
    beside: Path,
    clips: Sequence[Path],
    *,
    runs: int,
    advance: Callable[[], None],
) -> Comparison:
    """From file to prediction, warm, both in this process; `beside` is of the whole-frame model.

    Raises NoResultError, BundleError and ClipError.
    """
    model = PersonPredictor(*bundle.load(folder), stopwatch := Stopwatch(detector))
    other_model = loading.load(beside)

    def persons(clip: Path) -> Timings:
        stopwatch.seconds = 0.0
        taken = interleaved.timings_of(model.analyze(clip))
        return {
            "decode": taken["decode"] - stopwatch.seconds,
            "detect": stopwatch.seconds,
            "inference": taken["inference"],
            "whole": taken["whole"],
        }

    def whole_frame(clip: Path) -> Timings:
        return interleaved.timings_of(other_model.analyze(clip))

    found = [_persons_in(clip, model) for clip in clips]
    whole_frame(clips[0])
    one, other = interleaved.measure((whole_frame, persons), clips, runs, advance)
    return Comparison(
        names=("whole_frame", "persons"),
        one=one,
        other=other,
        facts={"beside": other_model.name, "persons_found": found},
    )


def _persons_in(clip: Path, model: PersonPredictor) -> int:
    """How many are found; it warms the model up, too."""
    outcome = model.analyze(clip)
    if outcome.prediction is None:
        msg = NO_RESULT.format(model=model.name, clip=clip.name, reason=outcome.no_result)
        raise NoResultError(msg)
    return outcome.tracks_found
