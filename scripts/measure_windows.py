"""Measures what is done with each window beside its score: other heads, and how bright it is.

All ways take turns in one run, so that other load slows down all of them. Ratios are to a window's
score by the network as it ships.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from scripts._lib import console
from video_classifier.ml.contracts import MOST_SHADOWS, Image, Region, Window
from video_classifier.ml.serving import brightness, bundle
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.serving.head import Head
from video_classifier.ml.serving.scorer import HeadedScorer, Scorer

EXAMPLE = """example:
  python -m scripts.measure_windows models_storage/i3d_person --runs 30
"""

SHIPPED = "as it ships"
BRIGHTNESS = "brightness of clothes and picture"
PREVIEW = (135, 240, 3)  # pixels, as the site's

Ways = Mapping[str, Callable[[], object]]


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        found = _measure(_ways(arguments.model), arguments.runs)
    except BundleError as error:
        console.complain(error)
        return 2
    shipped = found[SHIPPED]
    rows = {
        name: {"milliseconds": 1000 * seconds, "ratio": seconds / shipped}
        for name, seconds in found.items()
    }
    if arguments.json:
        print(json.dumps(rows))
        return 0
    for name, row in rows.items():
        console.out.print(f"{name}: {row['milliseconds']:.2f} ms, {row['ratio']:.4f} of a score")
    return 0


def _ways(folder: Path) -> Ways:
    """Each takes one window. Raises BundleError."""
    engine, card = bundle.load(folder)
    plain = Scorer(engine, card)
    window = _window(card)
    ways: dict[str, Callable[[], object]] = {SHIPPED: lambda: plain.score_each(window.images)}
    features, _ = bundle.load_features(folder)
    kernel, bias = features.own_head()
    head = Head(kernel=kernel, bias=bias, network_sha256=card.sha256)
    for count in range(MOST_SHADOWS + 1):
        shadows = {str(number): head for number in range(count)}
        scorer = HeadedScorer(features, card, head=head, shadows=shadows)
        name = "a version's head" + (f", {count} in the shadow" if count else "")
        ways[name] = _scoring(scorer, window.images)
    ways[BRIGHTNESS] = lambda: brightness.of_window(window)
    return ways


def _scoring(scorer: Scorer, images: Image) -> Callable[[], object]:
    return lambda: scorer.score_each(images)


def _window(card: Card) -> Window:
    generator = np.random.default_rng(0)
    return Window(
        number=0,
        start=0.0,
        end=2.0,
        images=generator.integers(0, 256, card.spec.shape, np.uint8),
        times=(0.0,) * card.spec.frames,
        previews=(generator.integers(0, 256, PREVIEW, np.uint8),),
        track=1 if card.spec.view is Region.PERSON else None,
    )


def _measure(ways: Ways, runs: int) -> dict[str, float]:
    """Medians in seconds; the first round, which warms up, doesn't count."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    with console.progress("Rounds", runs + 1) as advance:
        for number in range(runs + 1):
            for name, way in ways.items():
                start = time.perf_counter()
                way()
                if number:
                    found[name].append(time.perf_counter() - start)
            advance()
    return {name: median(each) for name, each in found.items()}


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        msg = f"{text} is no number of rounds: give 1 or more."
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("measure_windows", __doc__, EXAMPLE)
    parser.add_argument("model", type=Path, help="the folder of a model that can have versions")
    parser.add_argument(
        "--runs", type=_count, default=30, metavar="N", help="rounds (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
