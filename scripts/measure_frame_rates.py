"""Measures whether people are followed at low frame rates as they are at the clips' own.

Clips are written again with fewer pictures, once with each at the time at which it was taken, once
as FFmpeg's filter `fps` writes them, where everything happens up to half a step early.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import median

import av
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame

from scripts._lib import console, markdown
from video_classifier.ml.contracts import LABELS, ClipError, Outcome, Track
from video_classifier.ml.data import manifest
from video_classifier.ml.data.manifest import Entry, ManifestError
from video_classifier.ml.persons import overlap
from video_classifier.ml.serving import loading
from video_classifier.ml.serving.card import BundleError
from video_classifier.ml.serving.predictor import ModelPredictor
from video_classifier.ml.video import containers, decoding

EXAMPLE = """example:
  python -m scripts.measure_frame_rates --manifest ../shared/data/manifest.csv \\
      --write docs/detector.md

Of the clips of `--source` that last 6 s or longer and have no note, six of each label are taken,
evenly spread over the manifest. `--tuning` takes those half-way between them instead: change
nothing because of clips that the figures are reported on.
"""

NAME = "frame_rates"  # of the marks in the page
MODEL = Path("models_storage/person_ensemble")
RATES = (30, 15, 10, 6, 5, 3, 1)
SHORTEST = 6.0  # seconds
OF_EACH_LABEL = 6

SHARE, IOU = 0.5, 0.5  # of a track's time, and mean over that time: a counterpart has so much
MOMENT = 0.1  # seconds between the moments at which boxes are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """The tracks of a clip, and the score that a model gives it."""

    tracks: tuple[Track, ...]
    score: float  # the highest of a track; 0 without any
    is_hint: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Of the table: the clips at their own rate and at another one."""

    rate: int
    way: str
    pairs: tuple[tuple[Followed, Followed], ...]


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        if arguments.write:
            markdown.check(arguments.write, NAME)
        entries = manifest.read(arguments.manifest, missing_is_wrong=False)
        clips = chosen(entries, arguments.source, between=arguments.tuning)
        model = loading.load(arguments.model, detector=arguments.detector)
        lines = _measure(model, clips, arguments.rates)
    except (ManifestError, BundleError, ClipError, markdown.PageError) as error:
        console.complain(error)
        return 2
    drawn = _table(lines)
    console.out.print(drawn, markup=False, soft_wrap=True)
    if arguments.write:
        markdown.write(arguments.write, NAME, drawn)
    return 0


def chosen(entries: Sequence[Entry], source: str, *, between: bool = False) -> list[Entry]:
    """Six clips of each label, evenly spread, or those half-way `between` them and the next.

    Raises ManifestError if there are too few.
    """
    found: list[Entry] = []
    for label in LABELS:
        fit = [
            entry
            for entry in manifest.for_training(entries)
            if (entry.source, entry.label) == (source, label) and _seconds(entry.path) >= SHORTEST
        ]
        if len(fit) < 2 * OF_EACH_LABEL:
            msg = (
                f"The manifest has {len(fit)} clips of {source} that are labelled {label}, last "
                f"{SHORTEST:.0f} s and have no note; {2 * OF_EACH_LABEL} are needed."
            )
            raise ManifestError(msg)
        shift = len(fit) // (2 * OF_EACH_LABEL) if between else 0
        found += [fit[n * len(fit) // OF_EACH_LABEL + shift] for n in range(OF_EACH_LABEL)]
    return found


def counterpart(track: Track, others: Iterable[Track]) -> Track | None:
    """Who is in the same place for half of the track's time, if anybody is."""
    return next((other for other in others if _is_counterpart(track, other)), None)


def every(clip: Path, target: Path, rate: int) -> Path:
    """Writes the pictures on screen every 1/`rate` seconds, at the times at which they came up."""
    shown = decoding.decoded_timeline(clip)
    numbers = set(shown.indices_at_rate(rate))
    pictures = (
        (shown.ticks[number] - shown.ticks[0], picture)
        for number, picture in enumerate(_pictures(clip))
        if number in numbers
    )
    return _write(target, pictures, rate=rate, time_base=shown.time_base)


def filtered(clip: Path, target: Path, rate: int) -> Path:
    """Writes what FFmpeg's filter `fps` makes of it."""
    return _write(
        target,
        enumerate(_filtered(_pictures(clip), rate)),
        rate=rate,
        time_base=Fraction(1, rate),
    )


WAYS: dict[str, Callable[[Path, Path, int], Path]] = {
    "as taken": every,
    "filter `fps`": filtered,
}


def _measure(model: ModelPredictor, clips: Sequence[Entry], rates: Sequence[int]) -> list[Line]:
    pairs: dict[tuple[int, str], list[tuple[Followed, Followed]]] = {
        (rate, way): [] for rate in rates for way in WAYS
    }
    total = len(clips) * (1 + len(pairs))
    with tempfile.TemporaryDirectory() as folder, console.progress("Following", total) as advance:
        for clip in clips:
            reference = _followed(model, clip.path)
            advance()
            for (rate, way), found in pairs.items():
                copy = WAYS[way](clip.path, Path(folder) / "copy.mp4", rate)
                found.append((reference, _followed(model, copy)))
                advance()
    return [Line(rate=rate, way=way, pairs=tuple(found)) for (rate, way), found in pairs.items()]


def _followed(model: ModelPredictor, clip: Path) -> Followed:
    outcome: Outcome = model.analyze(clip)
    score = max((person.score for person in outcome.tracks), default=0.0)
    return Followed(
        tracks=tuple(person.track for person in outcome.tracks),
        score=score,
        is_hint=score >= model.card.threshold,
    )


def _is_counterpart(track: Track, other: Track) -> bool:
    start, end = max(track.times[0], other.times[0]), min(track.times[-1], other.times[-1])
    if end - start < SHARE * (track.times[-1] - track.times[0]):
        return False
    moments = np.linspace(start, end, 1 + round((end - start) / MOMENT))
    both = overlap.corners_at(track, moments), overlap.corners_at(other, moments)
    return bool(overlap.iou(*both).mean() >= IOU)


def _seconds(clip: Path) -> float:
    with containers.opened(clip) as (container, stream):
        return containers.video_seconds(container, stream) or 0.0


def _pictures(clip: Path) -> Iterator[VideoFrame]:
    with containers.opened(clip) as (container, stream):
        yield from containers.sound_frames(container, stream)


def _filtered(pictures: Iterable[VideoFrame], rate: int) -> Iterator[VideoFrame]:
    graph: Graph | None = None
    for picture in pictures:
        graph = graph or _graph(picture, rate)
        graph.push(picture)
        yield from _pulled(graph)
    if graph:
        graph.push(None)
        yield from _pulled(graph)


def _graph(like: VideoFrame, rate: int) -> Graph:
    graph = Graph()
    source = graph.add_buffer(
        width=like.width, height=like.height, format=like.format, time_base=like.time_base
    )
    graph.link_nodes(source, graph.add("fps", str(rate)), graph.add("buffersink")).configure()
    return graph


def _pulled(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            yield graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return


def _write(
    target: Path, pictures: Iterable[tuple[int, VideoFrame]], *, rate: int, time_base: Fraction
) -> Path:
    with av.open(target, "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "12"})
        stream.codec_context.time_base = time_base
        for number, (advance, picture) in enumerate(pictures):
            if number == 0:
                stream.width, stream.height = picture.width, picture.height
                stream.pix_fmt = "yuv420p"
            copy = picture.reformat(format="yuv420p")
            copy.pts, copy.time_base, copy.pict_type = advance, time_base, 0
            container.mux(stream.encode(copy))
        container.mux(stream.encode())
    return target


def _table(lines: Iterable[Line]) -> str:
    heads = [
        "pictures a second",
        "pictures",
        "tracks",
        "of those at 30",
        "median change of the score",
        "largest",
        "hints",
    ]
    return markdown.table([heads, *map(_cells, lines)], words=2)


def _cells(line: Line) -> list[str]:
    expected = [(track, reduced.tracks) for own, reduced in line.pairs for track in own.tracks]
    followed = sum(counterpart(track, others) is not None for track, others in expected)
    changes = [abs(own.score - reduced.score) for own, reduced in line.pairs]
    hints = (
        sum(own.is_hint for own, _ in line.pairs),
        sum(reduced.is_hint for _, reduced in line.pairs),
    )
    return [
        f"{line.rate}",
        line.way,
        f"{sum(len(reduced.tracks) for _, reduced in line.pairs)}",
        f"{followed} of {len(expected)} ({followed / max(len(expected), 1):.0%})",
        f"{median(changes):.3f}",
        f"{max(changes):.3f}",
        "{} → {}".format(*hints),
    ]


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("measure_frame_rates", __doc__, EXAMPLE)
    parser.add_argument("--manifest", type=Path, required=True, help="CSV: path, label, source")
    parser.add_argument("--source", default="mnnit", help="default: %(default)s")
    parser.add_argument("--model", type=Path, default=MODEL, help="default: %(default)s")
    console.add_detector(parser)
    parser.add_argument("--rates", type=int, nargs="+", default=RATES, metavar="N")
    parser.add_argument("--tuning", action="store_true", help="take other clips")
    parser.add_argument(
        "--write", type=console.file_to_write, metavar="PAGE", help="put the figures into it"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
