"""Times a model of persons beside the model of whole frames that it falls back on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from scripts import timing
from scripts.timing import Compared, Figures
from video_classifier.ml import bundle, predictor
from video_classifier.ml.clip import Image
from video_classifier.ml.detection import Detections, Detector
from video_classifier.ml.predictor import PersonPredictor

NOBODY = (
    "Nobody was found in {clip}: there “{model}” looks at the whole frame, like the model that it "
    "is compared with. Choose a clip with a person in it, or another model with --model."
)


class NobodyError(Exception):
    """There is no person to look at, and the message says in which clip."""


class Stopwatch:
    """A detector that adds up the seconds in which it was looking for persons."""

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


def measure(
    folder: Path,
    detector: Detector,
    clips: Sequence[Path],
    runs: int,
    tick: Callable[[], None],
) -> Compared:
    """From file to verdict, warm, both in this process.

    Raises NobodyError, BundleError and ClipError.
    """
    network, card = bundle.load(folder)
    fallback = predictor.load(bundle.fallback(folder, card))
    stopwatch = Stopwatch(detector)
    model = PersonPredictor(network, card, detector=stopwatch, fallback=fallback)

    def persons(clip: Path) -> Figures:
        stopwatch.seconds = 0.0
        taken = timing.parts(model.analyze(clip))
        return {
            "decode": taken["decode"] - stopwatch.seconds,
            "detect": stopwatch.seconds,
            "inference": taken["inference"],
            "whole": taken["whole"],
        }

    def whole_frame(clip: Path) -> Figures:
        return timing.parts(fallback.analyze(clip))

    found = [_persons_in(clip, model) for clip in clips]
    whole_frame(clips[0])
    one, other = timing.by_turns((whole_frame, persons), clips, runs, tick)
    return Compared(
        names=("whole_frame", "persons"),
        one=one,
        other=other,
        facts={"fallback": fallback.name, "persons_found": found},
    )


def _persons_in(clip: Path, model: PersonPredictor) -> int:
    """How many are found; it warms the model up, too."""
    found = model.analyze(clip).persons_found
    if not found:
        raise NobodyError(NOBODY.format(clip=clip.name, model=model.name))
    return found
