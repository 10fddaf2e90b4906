"""Times analyses in child processes, as the site makes them, beside the same in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from scripts._lib import interleaved
from scripts._lib.interleaved import Comparison, Timings
from video_classifier.ml.contracts import WHOLE, ClipError, Outcome, Span, Stage
from video_classifier.ml.isolation.children import Child, Meanwhile
from video_classifier.ml.serving import loading
from video_classifier.ml.serving.card import BundleError
from video_classifier.ml.serving.folders import Folders

PREVIEW_WIDTH = 240  # pixels, as on the site's pages


def measure(
    folder: Path,
    detector: Path,
    clips: Sequence[Path],
    runs: int,
    advance: Callable[[], None],
) -> Comparison:
    """From file to result, both warm. Raises BundleError and ClipError."""
    model = loading.load(folder, detector=detector)
    child = scorer()

    def in_process(clip: Path) -> Timings:
        return _timed(lambda: model.analyze(clip, preview_width=PREVIEW_WIDTH))

    def in_children(clip: Path) -> Timings:
        return _timed(lambda: analyze(child, folder, detector, clip))

    try:
        for warm_up in (in_process, in_children):
            for clip in clips:
                warm_up(clip)
        one, other = interleaved.measure((in_process, in_children), clips, runs, advance)
    finally:
        child.kill()
    return Comparison(names=("in_process", "in_children"), one=one, other=other)


def scorer() -> Child:
    """The child that scores, as the site starts it; it starts the one that decodes."""
    return Child(
        "video_classifier.ml.serving.scorer_process",
        errors={kind.__name__: kind for kind in (ClipError, BundleError)},
    )


def analyze(child: Child, folder: Path, detector: Path, clip: Path, span: Span = WHOLE) -> Outcome:
    """As the site has it done. Raises BundleError and ClipError."""
    return child.call(
        "analyze",
        Folders(model=folder, detector=detector),
        clip,
        span,
        PREVIEW_WIDTH,
        returns=Outcome,
        meanwhile=Meanwhile(parts=Stage),
    )


def _timed(analyze: Callable[[], Outcome]) -> Timings:
    start = time.perf_counter()
    taken = interleaved.timings_of(analyze())
    return taken | {"whole": time.perf_counter() - start}
