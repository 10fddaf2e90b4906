"""Measures how fast clips are analyzed, beside the naive way in the same run."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from rich.table import Table

from scripts import console
from video_classifier.ml import bundle
from video_classifier.ml.clip import ClipError, ClipSpec

EXAMPLE = """example:
  python -m scripts.benchmark ../shared/data/mnnit/shoplifters/shoplifting_001.mp4 --runs 9

Figures are medians, in seconds. Warm, in a process that has analyzed before: decode, inference and
the whole of an analysis. Cold, each in a fresh process with the first clip: the import of
TensorFlow (the same for both ways), the load of the model, the first prediction (from before the
load to the first verdict), the cold start (import and first prediction), and the peak of the
process' memory in megabytes (on Linux only).
"""

STORAGE = Path(__file__).parent.parent / "models_storage"
WARM = ("decode", "inference", "whole")
COLD = ("import", "load", "first_prediction", "cold_start", "peak_memory")
COLD_RUNS = 3  # at most: each starts TensorFlow twice

Figures = dict[str, float]


class Compared(NamedTuple):
    """The same figures of both ways; ratios say how many times as much the naive way takes."""

    ours: Figures
    naive: Figures

    @property
    def ratios(self) -> Figures:
        return {name: self.naive[name] / self.ours[name] for name in self.ours}


class Twin(NamedTuple):
    """A model, and what the naive way needs of it: a file of its own and the input's shape."""

    folder: Path
    network: Path
    spec: ClipSpec


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    if arguments.cold:
        print(json.dumps(_cold(arguments)))
        return 0
    try:
        compared = _compare_all(arguments)
    except (bundle.BundleError, ClipError) as error:
        console.complain(error)
        return 2
    report = _report(arguments, compared)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    for model, figures in compared.items():
        _print(model, figures)
    return 0


def _compare_all(arguments: argparse.Namespace) -> dict[str, Compared]:
    names = arguments.model or bundle.names(arguments.storage)
    if not names:
        msg = f"There is no model in {arguments.storage}. Train one first."
        raise bundle.BundleError(msg)
    rounds = arguments.runs + min(arguments.runs, COLD_RUNS)
    compared = {}
    with (
        console.progress("Measuring", len(names) * rounds) as tick,
        TemporaryDirectory() as folder,
    ):
        for name in names:
            twin = _make_twin(arguments.storage / name, Path(folder) / f"{name}.keras")
            warm = _measure_warm(twin, arguments.clips, arguments.runs, tick)
            cold = _measure_cold(twin, arguments.clips[0], min(arguments.runs, COLD_RUNS), tick)
            compared[name] = Compared(warm.ours | cold.ours, warm.naive | cold.naive)
    return compared


def _make_twin(folder: Path, target: Path) -> Twin:
    network, card = bundle.load(folder)
    from scripts import naive

    naive.network_of(network, card.spec).save(target)
    return Twin(folder=folder, network=target, spec=card.spec)


def _measure_warm(
    twin: Twin, clips: Sequence[Path], runs: int, tick: Callable[[], None]
) -> Compared:
    """Both ways in turns, so that whatever else the machine does slows down both."""
    import keras

    from scripts import naive
    from video_classifier.ml import predictor

    model, network = predictor.load(twin.folder), keras.models.load_model(twin.network)

    def ours(clip: Path) -> tuple[float, ...]:
        outcome = model.analyze(clip)
        return outcome.seconds_reading, outcome.seconds_classifying

    def naively(clip: Path) -> tuple[float, ...]:
        start = time.perf_counter()
        images = naive.frames_of(clip, twin.spec)
        read = time.perf_counter()
        naive.score_of(network, images)
        return read - start, time.perf_counter() - read

    for way in (ours, naively):
        way(clips[0])
    taken: list[tuple[tuple[float, ...], tuple[float, ...]]] = []
    for _ in range(runs):
        taken += [(ours(clip), naively(clip)) for clip in clips]
        tick()
    return Compared(*(_warm_medians(way) for way in zip(*taken, strict=True)))


def _warm_medians(taken: Sequence[tuple[float, ...]]) -> Figures:
    rows = [(decode, inference, decode + inference) for decode, inference in taken]
    return dict(zip(WARM, map(median, zip(*rows, strict=True)), strict=True))


def _measure_cold(twin: Twin, clip: Path, runs: int, tick: Callable[[], None]) -> Compared:
    taken: list[tuple[Figures, Figures]] = []
    for _ in range(runs):
        taken.append(
            (_in_fresh_process("ours", twin, clip), _in_fresh_process("naive", twin, clip))
        )
        tick()
    return Compared(
        *(
            {name: median(figures[name] for figures in way) for name in COLD}
            for way in zip(*taken, strict=True)
        )
    )


def _in_fresh_process(way: str, twin: Twin, clip: Path) -> Figures:
    source = twin.folder if way == "ours" else twin.network
    command = [sys.executable, "-m", "scripts.benchmark", str(clip), "--cold", way]
    command += ["--source", str(source), "--spec", *map(str, twin.spec.shape[:3])]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        msg = f"The {way} way failed in a fresh process:\n{done.stderr}"
        raise ChildProcessError(msg)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _cold(arguments: argparse.Namespace) -> Figures:
    """One first prediction, measured in the process that makes it."""
    frames, height, width = arguments.spec
    spec = ClipSpec(frames=frames, height=height, width=width)
    start = time.perf_counter()
    import keras  # noqa: F401  (and TensorFlow with it)

    imported = time.perf_counter()
    if arguments.cold == "ours":
        analyze = _load_ours(arguments.source)
    else:
        analyze = _load_naive(arguments.source, spec)
    loaded = time.perf_counter()
    analyze(arguments.clips[0])
    done = time.perf_counter()
    return {
        "import": imported - start,
        "load": loaded - imported,
        "first_prediction": done - imported,
        "cold_start": done - start,
        "peak_memory": _peak_memory(),
    }


def _peak_memory() -> float:
    """Megabytes; of Linux, as getrusage would count what the parent held before the start."""
    line = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(line[1]) / 1024 if line else math.nan


def _load_ours(folder: Path) -> Callable[[Path], object]:
    from video_classifier.ml import predictor

    return predictor.load(folder).analyze


def _load_naive(file: Path, spec: ClipSpec) -> Callable[[Path], object]:
    import keras

    from scripts import naive

    network = keras.models.load_model(file)
    return lambda clip: naive.score_of(network, naive.frames_of(clip, spec))


def _report(arguments: argparse.Namespace, compared: dict[str, Compared]) -> dict[str, Any]:
    return {
        "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
        "python": platform.python_version(),
        "clips": [clip.name for clip in arguments.clips],
        "runs": arguments.runs,
        "models": {
            name: {"ours": both.ours, "naive": both.naive, "ratio": both.ratios}
            for name, both in compared.items()
        },
    }


def _print(model: str, compared: Compared) -> None:
    table = Table("", "here", "naive", "naive / here", title=model)
    for name in (*WARM, *COLD):
        unit = "MB" if name == "peak_memory" else "s"
        digits = 0 if unit == "MB" else 3
        ours, naive = (f"{way[name]:.{digits}f} {unit}" for way in (compared.ours, compared.naive))
        table.add_row(name.replace("_", " "), ours, naive, f"{compared.ratios[name]:.1f}")
    console.out.print(table)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("benchmark", __doc__, EXAMPLE)
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP")
    parser.add_argument("--model", action="append", help="default: each in the storage")
    parser.add_argument("--storage", type=Path, default=STORAGE, help="default: models_storage")
    parser.add_argument("--runs", type=_positive, default=5, help="of each warm figure; default: 5")
    parser.add_argument(
        "--json", type=console.file_to_write, metavar="OUT", help="also write the figures here"
    )
    for hidden, kind in (("--cold", str), ("--source", Path)):
        parser.add_argument(hidden, type=kind, help=argparse.SUPPRESS)
    parser.add_argument("--spec", type=int, nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        msg = "at least 1"
        raise argparse.ArgumentTypeError(msg)
    return number


if __name__ == "__main__":
    sys.exit(main())
