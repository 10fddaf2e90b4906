"""Times long recordings, analyzed segment by segment as on the site, beside decoding them alone.

The recordings are made of a clip (`_lib.recordings`). Scoring and reading are in child
processes, one of each a worker; the site's database is left out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from statistics import median
from typing import TypeVar

import av

from scripts._lib import markdown
from scripts._lib import recordings as made
from scripts._lib.recordings import Kind
from scripts.benchmark import isolated, processes
from video_classifier.ml.contracts import WHOLE, Span
from video_classifier.ml.isolation.children import Child
from video_classifier.ml.video import probe

_EMPTY = Kind(with_people=False)
KINDS = {
    "empty": _EMPTY,
    "empty, with B-frames": Kind(with_people=False, b_frames=2),
    "two people a third of the time": Kind(with_people=True),
}
_FIRST_SECOND = Span(0.0, 1.0)
_DECODING_THREADS = 2
_HEADS = (
    *("recording", "model", "minutes", "decoding", "analysis", "of it scoring"),
    *("ratio", "ratio of processor time", "peak memory, scoring", "peak memory, reading"),
)
_LENGTH_HEADS = (
    *("minutes", "file", "packets read", "workers", "segments analyzed"),
    *("a segment", "processor time of a segment", "peak memory, scoring", "peak memory, reading"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What it took to go through a recording once."""

    seconds: float
    processor: float  # seconds, of all processes and threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyzed(Taken):
    """The same of an analysis, and the peaks of resident memory in megabytes (10^6 bytes)."""

    classifying: float  # seconds, of the workers' in which windows are scored
    scoring: float  # in the process that needs most
    reading: float


Part = TypeVar("Part", bound=Taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One recording with one model: medians of several runs by turns."""

    kind: str
    model: str
    minutes: float
    decoding: Taken
    analysis: Analyzed


@dataclass(frozen=True, slots=True, kw_only=True)
class OfLength:
    """One recording of a certain length, analyzed by so many workers."""

    minutes: float
    size: float  # megabytes
    packets: float  # seconds to read all of them
    segments: int
    analyzed: int  # of the segments, spread over all of them
    workers: int
    analysis: Analyzed


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Folders of those to be measured, and what finds people for them."""

    folders: Sequence[Path]
    detector: Path


def measure(  # noqa: PLR0913
    models: Models,
    clip: Path,
    folder: Path,
    *,
    minutes: int,
    runs: int,
    advance: Callable[[], None],
) -> list[Measured]:
    """Each kind of recording with each model; those that lie in the folder are taken again.

    Raises BundleError and ClipError.
    """
    found = []
    warm_up = _warm_up(clip, folder)
    for name in KINDS:
        video = _recording(clip, folder, name, minutes=minutes)
        spans = _spans(video)
        for model in models.folders:
            pairs = []
            for _ in range(runs):
                with _workers(model, models.detector, warm_up, count=1) as children:
                    decoding = decode(video)
                    pairs.append(
                        (decoding, analyze(children, model, models.detector, video, spans))
                    )
                advance()
            all_decoding, analysis = zip(*pairs, strict=True)
            found.append(
                Measured(
                    kind=name,
                    model=model.name,
                    minutes=minutes,
                    decoding=_median(all_decoding),
                    analysis=_median(analysis),
                )
            )
    return found


def measure_lengths(  # noqa: PLR0913
    models: Models,
    clip: Path,
    folder: Path,
    *,
    lengths: Sequence[int],
    workers: Sequence[int],
    most: int,
    advance: Callable[[], None],
) -> list[OfLength]:
    """An empty minute again and again; of each length at most so many segments are analyzed.

    Raises BundleError and ClipError.
    """
    model = models.folders[0]
    warm_up = _warm_up(clip, folder)
    found = []
    for minutes in lengths:
        video = _recording(clip, folder, "empty", minutes=minutes)
        start = time.perf_counter()
        spans = _spans(video)
        packets = time.perf_counter() - start
        chosen = spans[:: -(-len(spans) // most)]
        for count in workers:
            with _workers(model, models.detector, warm_up, count=count) as children:
                for child in children:  # so that it has read the packets
                    isolated.analyze(child, model, models.detector, video, _FIRST_SECOND)
                analysis = analyze(children, model, models.detector, video, chosen)
            found.append(
                OfLength(
                    minutes=minutes,
                    size=video.stat().st_size / 1e6,
                    packets=packets,
                    segments=len(spans),
                    analyzed=len(chosen),
                    workers=count,
                    analysis=analysis,
                )
            )
            advance()
    return found


def decode(video: Path) -> Taken:
    """By FFmpeg alone, with two threads."""
    start, processor = time.perf_counter(), time.process_time()
    with av.open(video) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = _DECODING_THREADS
        stream.codec_context.thread_type = "AUTO"
        for _ in container.decode(stream):
            pass
    return Taken(seconds=time.perf_counter() - start, processor=time.process_time() - processor)


def analyze(
    children: Sequence[Child], model: Path, detector: Path, video: Path, spans: Sequence[Span]
) -> Analyzed:
    """These segments; each child takes the next one as soon as it is free.

    Raises BundleError and ClipError.
    """
    waiting = iter(spans)
    claiming = threading.Lock()

    def work(child: Child) -> float:
        """Says for how long windows were scored."""
        classifying = 0.0
        while True:
            with claiming:
                span = next(waiting, None)
            if span is None:
                return classifying
            outcome = isolated.analyze(child, model, detector, video, span)
            classifying += outcome.seconds_classifying

    before = sum(map(processes.processor_seconds, children))
    start = time.perf_counter()
    with ThreadPoolExecutor(len(children)) as pool:
        classifying = sum(pool.map(work, children))
    seconds = time.perf_counter() - start
    scoring, reading = zip(*map(processes.peaks, children), strict=True)
    return Analyzed(
        seconds=seconds,
        processor=sum(map(processes.processor_seconds, children)) - before,
        classifying=classifying,
        scoring=max(scoring),
        reading=max(reading),
    )


def _spans(video: Path) -> list[Span]:
    """Of its segments, as the site cuts it."""
    return [Span(*each) for each in probe.facts(video).segment_spans] or [WHOLE]


def table(measured: Sequence[Measured]) -> str:
    """In Markdown; seconds are those of a recorded minute."""
    return markdown.table([_HEADS, *map(_row, measured)], words=2)


def table_of_lengths(measured: Sequence[OfLength]) -> str:
    """In Markdown."""
    return markdown.table([_LENGTH_HEADS, *map(_row_of_length, measured)], words=0)


def _row(one: Measured) -> list[str]:
    decoding, analysis = one.decoding, one.analysis
    return [
        one.kind,
        f"`{one.model}`",
        f"{one.minutes:g}",
        f"{decoding.seconds / one.minutes:.2f} s",
        f"{analysis.seconds / one.minutes:.2f} s",
        f"{analysis.classifying / one.minutes:.2f} s",
        f"{analysis.seconds / decoding.seconds:.2f}",
        f"{analysis.processor / decoding.processor:.2f}",
        f"{analysis.scoring:.0f} MB",
        f"{analysis.reading:.0f} MB",
    ]


def _row_of_length(one: OfLength) -> list[str]:
    analysis = one.analysis
    return [
        str(one.minutes),
        f"{one.size:.0f} MB",
        f"{one.packets:.2f} s",
        str(one.workers),
        f"{one.analyzed} of {one.segments}",
        f"{analysis.seconds / one.analyzed:.2f} s",
        f"{analysis.processor / one.analyzed:.2f} s",
        f"{analysis.scoring:.0f} MB",
        f"{analysis.reading:.0f} MB",
    ]


def _warm_up(clip: Path, folder: Path) -> Path:
    """A recording so short that it changes no figure."""
    return _kept(folder / "warm up.mp4", lambda new: made.write(new, clip, _EMPTY, seconds=3))


def _recording(clip: Path, folder: Path, kind: str, *, minutes: int) -> Path:
    """A minute again and again."""
    minute = _kept(
        folder / f"{kind}.mp4", lambda new: made.write(new, clip, KINDS[kind], seconds=60)
    )
    name = f"{kind}, {minutes} min.mp4"
    return _kept(folder / name, lambda new: made.lengthen(minute, new, times=minutes))


def _kept(path: Path, make: Callable[[Path], Path]) -> Path:
    """The file, which is made if it isn't there."""
    if not path.exists():
        make(path.with_name(f"unfinished {path.name}")).rename(path)
    return path


@contextmanager
def _workers(model: Path, detector: Path, warm_up: Path, *, count: int) -> Iterator[list[Child]]:
    """Children that have loaded the model and started those that read."""
    children = [isolated.scorer() for _ in range(count)]
    try:
        for child in children:
            isolated.analyze(child, model, detector, warm_up)
        yield children
    finally:
        for child in children:
            child.kill()


def _median(taken: Sequence[Part]) -> Part:
    """Of each figure."""
    names = [field.name for field in fields(taken[0])]
    return replace(taken[0], **{n: median(getattr(each, n) for each in taken) for n in names})
