"""Measures what it takes to serve a model as the site does: one child that scores, one that reads.

Each run starts them anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from scripts._lib import interleaved, markdown
from scripts._lib.interleaved import Timings
from scripts.benchmark import isolated, processes
from scripts.benchmark.people import NO_RESULT, NoResultError

WARM = 5  # analyses of a child that is warm
COLUMNS = {
    "first_result": "from process start to first result",
    "first_cpu": "processor time of that",
    "whole": "file to result, warm",
    "cpu": "processor time of that",
    "scoring": "memory, scoring",
    "reading": "memory, reading",
    "memory": "resident memory, both",
}


def measure(
    folder: Path, detector: Path, clip: Path, runs: int, advance: Callable[[], None]
) -> Timings:
    """The median of each of `COLUMNS`: seconds, and megabytes (10^6 bytes, pages shared by both
    counted twice) when all analyses are done. Raises BundleError, ClipError and NoResultError.
    """
    rows = []
    for _ in range(runs):
        rows.append(_run(folder, detector, clip))
        advance()
    return interleaved.medians(rows)


def table(measured: Mapping[str, Timings]) -> str:
    """In Markdown, one line a model."""
    lines = [["", *COLUMNS.values()]]
    lines += [
        [f"`{model}`", *(_cell(part, figures[part]) for part in COLUMNS)]
        for model, figures in measured.items()
    ]
    return markdown.table(lines)


def _run(folder: Path, detector: Path, clip: Path) -> Timings:
    start = time.perf_counter()
    child = isolated.scorer()
    try:
        outcome = isolated.analyze(child, folder, detector, clip)
        first = time.perf_counter() - start
        if outcome.prediction is None:
            msg = NO_RESULT.format(model=folder.name, clip=clip.name, reason=outcome.no_result)
            raise NoResultError(msg)
        first_cpu = processes.processor_seconds(child)
        seconds = []
        for _ in range(WARM):
            start = time.perf_counter()
            isolated.analyze(child, folder, detector, clip)
            seconds.append(time.perf_counter() - start)
        cpu = (processes.processor_seconds(child) - first_cpu) / WARM
        scoring, reading = (each.memory_info().rss / 1e6 for each in processes.of(child))
    finally:
        child.kill()
    return {
        "first_result": first,
        "first_cpu": first_cpu,
        "whole": median(seconds),
        "cpu": cpu,
        "scoring": scoring,
        "reading": reading,
        "memory": scoring + reading,
    }


def _cell(part: str, figure: float) -> str:
    return f"{figure:.0f} MB" if part in {"scoring", "reading", "memory"} else f"{figure:.2f} s"
