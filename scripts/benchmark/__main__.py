"""Measures how fast clips are analyzed, beside another way in the same run.

That is the naive way, and for a model of people a model of whole frames (--beside).
With --isolated it is the same analysis in child processes, as on the site; with --serving these
alone, from their start on; with --engines the same models in Keras and in what serves their export;
with --recordings and --lengths recordings of minutes and hours, which are made of a clip; with
--live cameras that are watched, the first clip being an empty room, the others acts of one person.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from rich.table import Table

from scripts._lib import console, interleaved, markdown
from scripts._lib.interleaved import Comparison, Timings
from scripts._lib.markdown import PageError
from scripts._lib.site_under_test import SiteError
from scripts.benchmark import engines, isolated, live, people, processes, recordings, serving
from video_classifier.ml.contracts import ClipError, ClipSpec, Region
from video_classifier.ml.persons import loading as detectors
from video_classifier.ml.persons.detector import DetectorError
from video_classifier.ml.serving import bundle, loading
from video_classifier.ml.serving.card import BundleError
from video_classifier.ml.serving.engine import LITERT_FILE, OPENVINO_FILE

EXAMPLE = """examples:
  python -m scripts.benchmark ../shared/data/mnnit/shoplifters/shoplifting_001.mp4 --runs 9
  python -m scripts.benchmark ../shared/data/mnnit/non_shoplifters/normal_017.mp4 --recordings
  python -m scripts.benchmark empty.mp4 act1.mp4 act2.mp4 --live --cameras 10 --minutes 10

Timings are medians, in seconds. Warm, in a process that has analyzed before: decode, inference and
the whole of an analysis. Cold, each in a fresh process with the first clip: the import of
TensorFlow (for ours of what serves the export, if there is one), the load of the model, the first
prediction (from before the load to the first prediction), the cold start (import and first
prediction), and the peak of the process' memory in megabytes (on Linux only).

Recordings are 1280 x 720, 25 pictures a second. Each is decoded by FFmpeg with two threads and
analyzed in child processes, segment by segment; seconds are those of a recorded minute.

A model that looks at persons is measured warm only. Detect is the search for people in single
pictures; following them and cutting them out counts as decode, with which it is interleaved.
"""

STORAGE = Path(__file__).parents[2] / "models_storage"
COLD_RUNS = 3  # at most: each starts TensorFlow twice
WAYS = ("ours", "naive")


class Setup(NamedTuple):
    """What is measured, and how often."""

    storage: Path
    models: Sequence[str]  # none: each in the storage
    beside: str  # a model of whole frames
    detector: Path
    clips: Sequence[Path]
    runs: int
    minutes: int  # of a recording, or of watching
    cameras: int
    lengths: Sequence[int]  # of recordings, in minutes
    workers: Sequence[int]
    segments: int  # of a length that are analyzed, at most
    kept: Path | None  # where recordings are kept


class Twin(NamedTuple):
    """A model, and what the naive way needs of it: a file of its own and the input's shape."""

    folder: Path
    network: Path
    spec: ClipSpec


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    if arguments.cold:
        frames, height, width = arguments.spec
        spec = ClipSpec(frames=frames, height=height, width=width)
        print(json.dumps(_cold(arguments.cold, arguments.source, spec, arguments.clips[0])))
        return 0
    setup = Setup(
        storage=arguments.storage,
        models=arguments.model or (),
        beside=arguments.beside,
        detector=arguments.detector,
        clips=arguments.clips,
        runs=arguments.runs,
        minutes=arguments.minutes,
        cameras=arguments.cameras,
        lengths=arguments.lengths or (),
        workers=arguments.workers,
        segments=arguments.segments,
        kept=arguments.keep,
    )
    try:
        tables = {
            "engines": arguments.engines,
            "serving": arguments.serving,
            "recordings": arguments.recordings,
            "lengths": arguments.lengths,
            "live": arguments.live,
        }
        for mark, table_of in _TABLES.items():
            if tables[mark]:
                _tabulate(mark, table_of, setup, arguments.write)
                return 0
        compared = (_compare_isolated if arguments.isolated else _compare_all)(setup)
    except (
        BundleError,
        DetectorError,
        people.NoResultError,
        ClipError,
        PageError,
        SiteError,
        live.PlanError,
    ) as error:
        console.complain(error)
        return 2
    if arguments.json:
        report = json.dumps(_report(setup, compared), indent=2)
        arguments.json.write_text(report + "\n")
    for model, both in compared.items():
        _print(model, both)
    return 0


def _compare_all(setup: Setup) -> dict[str, Comparison]:
    views = _views(setup)
    of_people = [name for name in views if views[name] is Region.PERSON]
    of_frames = [name for name in views if views[name] is Region.FRAME]
    clips, runs, cold_runs = setup.clips, setup.runs, min(setup.runs, COLD_RUNS)
    rounds = len(of_people) * runs + len(of_frames) * (runs + cold_runs)
    compared = {}
    with console.progress("Measuring", rounds) as advance:
        for name in of_people:  # first: not every clip will do, and the others take long
            folder, detector = setup.storage / name, detectors.load(setup.detector)
            beside = setup.storage / setup.beside
            compared[name] = people.measure(
                folder, detector, beside, clips, runs=runs, advance=advance
            )
        for name in of_frames:
            compared[name] = _beside_naive(setup.storage / name, clips, runs, cold_runs, advance)
    return compared


def _compare_isolated(setup: Setup) -> dict[str, Comparison]:
    names = _views(setup)
    with console.progress("Measuring", len(names) * setup.runs) as advance:
        return {
            name: isolated.measure(
                setup.storage / name, setup.detector, setup.clips, setup.runs, advance
            )
            for name in names
        }


def _tabulate(mark: str, table_of: Callable[[Setup], str], setup: Setup, page: Path | None) -> None:
    """Prints the table, and puts it into the page. Raises PageError, and what `table_of` raises."""
    if page:
        markdown.check(page, mark)
    table = table_of(setup)
    console.out.print(table, markup=False, soft_wrap=True)
    if page:
        markdown.write(page, mark, f"\n{table}\n")


def _measure_serving(setup: Setup) -> str:
    """Raises BundleError, ClipError and NoResultError."""
    names = tuple(_views(setup))
    with console.progress("Measuring", len(names) * setup.runs) as advance:
        measured = {
            name: serving.measure(
                setup.storage / name, setup.detector, setup.clips[0], setup.runs, advance
            )
            for name in names
        }
    return serving.table(measured)


def _compare_engines(setup: Setup) -> str:
    """Raises BundleError and NoResultError."""
    names = tuple(_views(setup))
    with console.progress("Measuring", len(names) * setup.runs) as advance:
        measured = {
            name: engines.measure(
                setup.storage / name, setup.detector, setup.clips[0], setup.runs, advance
            )
            for name in names
        }
    for found in measured.values():
        if found.refused:
            console.out.print(found.refused, markup=False, soft_wrap=True)
    return engines.table(measured)


def _measure_recordings(setup: Setup) -> str:
    """Raises BundleError and ClipError."""
    models = _models(setup)
    rounds = len(models.folders) * setup.runs * len(recordings.KINDS)
    with console.progress("Measuring", rounds) as advance, _aside(setup) as folder:
        return recordings.table(
            recordings.measure(
                models,
                setup.clips[0],
                folder,
                minutes=setup.minutes,
                runs=setup.runs,
                advance=advance,
            )
        )


def _measure_lengths(setup: Setup) -> str:
    """Raises BundleError and ClipError."""
    rounds = len(setup.lengths) * len(setup.workers)
    with console.progress("Measuring", rounds) as advance, _aside(setup) as folder:
        return recordings.table_of_lengths(
            recordings.measure_lengths(
                _models(setup),
                setup.clips[0],
                folder,
                lengths=setup.lengths,
                workers=setup.workers,
                most=setup.segments,
                advance=advance,
            )
        )


def _measure_live(setup: Setup) -> str:
    """Raises PlanError and SiteError."""
    empty, *acts = setup.clips
    plan = live.Plan(empty=empty, acts=acts, cameras=setup.cameras, minutes=float(setup.minutes))
    models = setup.models or ("i3d_person",)
    measured = []
    with console.progress("Watching", len(models) * setup.minutes * 60) as advance:
        for model in models:
            with TemporaryDirectory() as data:
                measured.append(
                    live.measure(plan, model, Path(data), advance, storage=setup.storage)
                )
    return live.table(measured)


@contextmanager
def _aside(setup: Setup) -> Iterator[Path]:
    """Where recordings are made."""
    if setup.kept:
        setup.kept.mkdir(parents=True, exist_ok=True)
        yield setup.kept
        return
    with TemporaryDirectory() as made:
        yield Path(made)


def _models(setup: Setup) -> recordings.Models:
    """Raises BundleError."""
    folders = [setup.storage / name for name in _views(setup)]
    return recordings.Models(folders=folders, detector=setup.detector)


_TABLES = {
    "engines": _compare_engines,
    "serving": _measure_serving,
    "recordings": _measure_recordings,
    "lengths": _measure_lengths,
    "live": _measure_live,
}


def _views(setup: Setup) -> dict[str, Region]:
    """Of each model. Raises BundleError."""
    names = setup.models or bundle.names(setup.storage)
    if not names:
        msg = f"There is no model in {setup.storage}. Train one first."
        raise BundleError(msg)
    return {name: bundle.check(setup.storage / name).spec.view for name in names}


def _beside_naive(
    folder: Path, clips: Sequence[Path], runs: int, cold_runs: int, advance: Callable[[], None]
) -> Comparison:
    with TemporaryDirectory() as aside:
        twin = _make_twin(folder, Path(aside) / "naive.keras")
        warm = _measure_warm(twin, clips, runs, advance)
        ours, naively = (partial(_in_fresh_process, way, twin) for way in WAYS)
        cold = interleaved.measure((ours, naively), clips[:1], cold_runs, advance)
    return Comparison(names=WAYS, one=warm[0] | cold[0], other=warm[1] | cold[1])


def _make_twin(folder: Path, target: Path) -> Twin:
    network, card = bundle.load_network(folder)
    from scripts.benchmark import naive

    naive.network_of(network, card.spec).save(target)
    return Twin(folder=folder, network=target, spec=card.spec)


def _measure_warm(
    twin: Twin, clips: Sequence[Path], runs: int, advance: Callable[[], None]
) -> tuple[Timings, Timings]:
    import keras

    from scripts.benchmark import naive

    model, network = loading.load(twin.folder), keras.models.load_model(twin.network)

    def ours(clip: Path) -> Timings:
        return interleaved.timings_of(model.analyze(clip))

    def naively(clip: Path) -> Timings:
        start = time.perf_counter()
        images = naive.frames_of(clip, twin.spec)
        read = time.perf_counter()
        naive.score_of(network, images)
        done = time.perf_counter()
        return {"decode": read - start, "inference": done - read, "whole": done - start}

    for way in (ours, naively):
        way(clips[0])
    return interleaved.measure((ours, naively), clips, runs, advance)


def _in_fresh_process(way: str, twin: Twin, clip: Path) -> Timings:
    source = twin.folder if way == "ours" else twin.network
    command = [sys.executable, "-m", "scripts.benchmark", str(clip), "--cold", way]
    command += ["--source", str(source), "--spec", *map(str, twin.spec.shape[:3])]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        msg = f"The {way} way failed in a fresh process:\n{done.stderr}"
        raise ChildProcessError(msg)
    figures: Timings = json.loads(done.stdout.splitlines()[-1])
    return figures


def _cold(way: str, source: Path, spec: ClipSpec, clip: Path) -> Timings:
    """One first prediction, measured in the process that makes it."""
    libraries = {LITERT_FILE: "ai_edge_litert.interpreter", OPENVINO_FILE: "openvino"}
    served = bundle.network_file(source, bundle.read_card(source)).name if way == "ours" else ""
    start = time.perf_counter()
    import_module(libraries.get(served, "keras"))
    imported = time.perf_counter()
    analyze = _load_ours(source) if way == "ours" else _load_naive(source, spec)
    loaded = time.perf_counter()
    analyze(clip)
    done = time.perf_counter()
    return {
        "import": imported - start,
        "load": loaded - imported,
        "first_prediction": done - imported,
        "cold_start": done - start,
        "peak_memory": processes.peak(),
    }


def _load_ours(folder: Path) -> Callable[[Path], object]:
    return loading.load(folder).analyze


def _load_naive(file: Path, spec: ClipSpec) -> Callable[[Path], object]:
    import keras

    from scripts.benchmark import naive

    network = keras.models.load_model(file)
    return lambda clip: naive.score_of(network, naive.frames_of(clip, spec))


def _report(setup: Setup, compared: dict[str, Comparison]) -> dict[str, Any]:
    return {
        "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
        "python": platform.python_version(),
        "clips": [clip.name for clip in setup.clips],
        "runs": setup.runs,
        "models": {model: both.report for model, both in compared.items()},
    }


def _print(model: str, both: Comparison) -> None:
    one, other = (name.replace("_", " ") for name in both.names)
    table = Table("", one, other, f"{other} / {one}", title=model)
    for part in both.other:
        ratio = f"{both.ratios[part]:.1f}" if part in both.ratios else "-"
        cells = (_cell(part, figures.get(part)) for figures in (both.one, both.other))
        table.add_row(part.replace("_", " "), *cells, ratio)
    console.out.print(table)
    for fact, value in both.facts.items():
        console.out.print(f"{fact.replace('_', ' ')}: {value}", markup=False)
    slow, quick = both.other["whole"], both.one["whole"]
    console.out.print(
        f"From file to prediction: {other} {slow:.2f} s, {one} {quick:.2f} s, "
        f"{both.ratios['whole']:.1f} times."
    )


def _cell(part: str, figure: float | None) -> str:
    if figure is None:
        return "-"
    return f"{figure:.0f} MB" if part == "peak_memory" else f"{figure:.3f} s"


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("benchmark", __doc__, EXAMPLE)
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP")
    parser.add_argument("--model", action="append", help="default: each in the storage")
    parser.add_argument(
        "--beside",
        default="mobilenetv2_lstm",
        metavar="MODEL",
        help="of whole frames, that models of persons are measured beside; default: %(default)s",
    )
    parser.add_argument("--storage", type=Path, default=STORAGE, help="default: models_storage")
    console.add_detector(parser)
    parser.add_argument("--runs", type=_positive, default=5, help="of each warm figure; default: 5")
    parser.add_argument(
        "--isolated", action="store_true", help="in this process beside in child processes"
    )
    parser.add_argument(
        "--engines",
        action="store_true",
        help="in Keras beside the export, each run in a process of its own with the first clip",
    )
    parser.add_argument(
        "--serving",
        action="store_true",
        help="in child processes that each run starts, with the first clip: start, memory, time",
    )
    parser.add_argument(
        "--recordings",
        action="store_true",
        help="recordings made of the first clip and its mirror image, beside decoding",
    )
    parser.add_argument(
        "--lengths",
        type=_positive,
        nargs="+",
        metavar="MINUTES",
        help="empty recordings of these lengths, made of the first clip, with one model",
    )
    parser.add_argument(
        "--live",
        action="store_true",
        help="simulated cameras: three with the acts of all clips but the first, else that one",
    )
    parser.add_argument(
        "--cameras", type=_positive, default=10, help="with --live: so many; default: %(default)s"
    )
    parser.add_argument(
        "--minutes",
        type=_positive,
        default=2,
        help="of each of the --recordings, or of --live; default: 2",
    )
    parser.add_argument(
        "--workers",
        type=_positive,
        nargs="+",
        default=(1, 2),
        help="with --lengths: that share a recording; default: 1 2",
    )
    parser.add_argument(
        "--segments",
        type=_positive,
        default=12,
        help="with --lengths: analyze so many of each, spread over all; default: %(default)s",
    )
    parser.add_argument(
        "--keep",
        type=console.folder_to_write,
        metavar="FOLDER",
        help="keep the recordings that are made here, and take those that are there already",
    )
    parser.add_argument(
        "--write",
        type=console.file_to_write,
        metavar="PAGE",
        help="where a table is made: put it between its marks in this page",
    )
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
