"""Times a model in Keras and in the engine that it is exported to, LiteRT or OpenVINO.

Each run is in a process of its own, and the ways are interleaved.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts._lib import interleaved, markdown
from scripts._lib.interleaved import Timings
from scripts.benchmark.people import NO_RESULT, NoResultError
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.engine import KERAS_FILE, LIBRARIES
from video_classifier.ml.training import export
from video_classifier.ml.training.export import ExportError

KERAS, EXPORTED, ONE_THREAD = "Keras", "exported", "exported, one thread"
PARTS = {
    "score": "a score, warm",
    "first_result": "from process start to first result",
    "memory": "resident memory",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """What was measured of a model: medians by way, Keras first."""

    timings: Mapping[str, Timings]
    library: str = ""  # that runs the export
    refused: str = ""  # why there is none


def measure(
    folder: Path, detector: Path, clip: Path, runs: int, advance: Callable[[], None]
) -> Engines:
    """Exports a copy of the model, whatever its card serves. Raises BundleError, NoResultError."""
    with TemporaryDirectory() as aside:
        by_keras, exported = (Path(aside, way, folder.name) for way in (KERAS, EXPORTED))
        _copy(folder, by_keras)
        ways: dict[str, tuple[Path, int | None]] = {KERAS: (by_keras, None)}
        library = refused = ""
        try:
            _copy(folder, exported)
            file = bundle.network_file(exported, export.export(exported))
            library = LIBRARIES[file.name]
            ways |= {EXPORTED: (exported, os.cpu_count()), ONE_THREAD: (exported, 1)}
        except ExportError as error:
            refused = str(error)
        found: dict[str, list[Timings]] = {name: [] for name in ways}
        for _ in range(runs):
            for name, (model, threads) in ways.items():
                found[name].append(_in_a_process(model, detector, clip, threads))
            advance()
    timings = {name: interleaved.medians(rows) for name, rows in found.items()}
    return Engines(timings=timings, library=library, refused=refused)


def table(measured: Mapping[str, Engines]) -> str:
    """In Markdown: of Keras the figures, of the export the ratio to them, too."""
    lines = [["", "", KERAS, EXPORTED, ONE_THREAD]]
    for model, engines in measured.items():
        keras = engines.timings[KERAS]
        name = f"`{model}`, {engines.library}" if engines.library else f"`{model}`"
        for part, words in PARTS.items():
            cells = [_cell(part, keras[part])]
            for way in (EXPORTED, ONE_THREAD):
                figures = engines.timings.get(way)
                ratio = f"{figures[part] / keras[part]:.2f} " if figures else "-"
                cells.append(ratio + (f"({_cell(part, figures[part])})" if figures else ""))
            lines.append([name, words, *cells])
    return markdown.table(lines, words=2)


def _copy(folder: Path, target: Path) -> None:
    """The model with its Keras network alone."""
    target.mkdir(parents=True)
    shutil.copy(folder / KERAS_FILE, target)
    bundle.write_card(target, replace(bundle.read_card(folder), serving=None))


def _in_a_process(model: Path, detector: Path, clip: Path, threads: int | None) -> Timings:
    command = [sys.executable, "-m", "scripts.benchmark.one_process"]
    command += [str(model), str(detector), str(clip)]
    command += ["--threads", str(threads)] if threads else []
    start = time.time()
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        msg = f"{model.name} failed in a process of its own:\n{done.stderr}"
        raise ChildProcessError(msg)
    found = json.loads(done.stdout.splitlines()[-1])
    if found["no_result"]:
        msg = NO_RESULT.format(model=model.name, clip=clip.name, reason=found["no_result"])
        raise NoResultError(msg)
    return {
        "score": found["score"],
        "first_result": found["done"] - start,
        "memory": found["memory"],
    }


def _cell(part: str, figure: float) -> str:
    if part == "memory":
        return f"{figure:.0f} MB"
    return f"{1000 * figure:.0f} ms" if part == "score" else f"{figure:.1f} s"
