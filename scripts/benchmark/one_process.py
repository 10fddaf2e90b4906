"""`python -m`: one process, from its start to its first result, and then some more scores."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import median

import numpy as np

from video_classifier.ml import litert, openvino

WARM_UPS, SCORES = 3, 15


def main() -> None:
    """Prints JSON: the time of the first result, seconds for a score, resident megabytes."""
    arguments = _arguments()
    if arguments.threads:
        litert.threads = openvino.threads = arguments.threads
    from video_classifier.ml.serving import loading

    model = loading.load(arguments.model, detector=arguments.detector)
    outcome = model.analyze(arguments.clip)
    done = time.time()
    images = np.random.default_rng(1).integers(0, 256, model.card.spec.shape, np.uint8)
    seconds = []
    for _ in range(WARM_UPS + SCORES):
        start = time.perf_counter()
        model.score(images)
        seconds.append(time.perf_counter() - start)
    import psutil

    figures = {
        "done": done,
        "no_result": outcome.no_result,
        "score": median(seconds[WARM_UPS:]),
        "memory": psutil.Process().memory_info().rss / 1e6,
    }
    print(json.dumps(figures))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("model", "detector", "clip"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--threads", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    main()
