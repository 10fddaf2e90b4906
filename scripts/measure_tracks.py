"""Measures how detectors follow people: tracks of one person, clips in which nobody is found."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from scripts._lib import baselines, console, markdown
from video_classifier.ml.contracts import ClipError, Track
from video_classifier.ml.data import manifest
from video_classifier.ml.data.manifest import Entry, ManifestError
from video_classifier.ml.networks.pretrained import WeightsError
from video_classifier.ml.persons import finder
from video_classifier.ml.persons import loading as detectors
from video_classifier.ml.persons.detector import Detector, DetectorError

EXAMPLE = """example:
  python -m scripts.measure_tracks ../shared/data/manifest.csv ../shared/data/real_shops.csv \\
      --nanodet ../shared/weights/nanodet_plus_m.onnx --write docs/detector.md
"""

NAME = "tracks"  # of the marks in the page
ALONE = "mnnit"  # the folder whose clips show one person, and nobody else
NO_SHOPPER = "no shopper in view"  # note of a clip that shows nobody
EMPTY = frozenset(  # labelled clips that show nobody, though no note says so
    f"surveillance_no_theft/nofi{number}.mp4" for number in ("042", "056", "066", "076")
)


class Followed(NamedTuple):
    """What was made of a clip."""

    folder: str  # the first of its name in the manifest
    seconds: float  # from its first picture to its last
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Of the table: one detector."""

    detector: str
    tracks: float  # a clip that shows one person
    followed: float  # share of those clips' seconds with a track
    overlooked: Mapping[str, tuple[int, int]]  # by folder: clips with nobody, and all


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        if arguments.write:
            markdown.check(arguments.write, NAME)
        clips = [clip for table in arguments.manifest for clip in showing_somebody(table)]
        lines = [
            line(name, _follow(clips, detector))
            for name, detector in _detectors(arguments.detector, arguments.nanodet).items()
        ]
    except (ManifestError, DetectorError, WeightsError, ClipError, markdown.PageError) as error:
        console.complain(error)
        return 2
    drawn = _table(lines)
    console.out.print(drawn, markup=False, soft_wrap=True)
    if arguments.write:
        markdown.write(arguments.write, NAME, drawn)
    return 0


def showing_somebody(table: Path) -> list[Entry]:
    """The labelled clips of a manifest that show a person. Raises ManifestError."""
    entries = manifest.read(table, missing_is_wrong=False)
    return [e for e in entries if NO_SHOPPER not in e.note and e.name not in EMPTY]


def line(detector: str, clips: Iterable[Followed]) -> Line:
    """What a detector made of clips, each of which shows somebody."""
    by_folder = defaultdict(list)
    for clip in clips:
        by_folder[clip.folder].append(clip)
    alone = by_folder[ALONE]
    return Line(
        detector=detector,
        tracks=fmean(len(clip.tracks) for clip in alone),
        followed=sum(map(_seconds_followed, alone)) / sum(clip.seconds for clip in alone),
        overlooked={
            folder: (sum(not clip.tracks for clip in found), len(found))
            for folder, found in by_folder.items()
        },
    )


def _seconds_followed(clip: Followed) -> float:
    """With at least one track."""
    total, until = 0.0, float("-inf")
    for track in sorted(clip.tracks, key=lambda track: track.times[0]):
        total += max(0.0, track.times[-1] - max(track.times[0], until))
        until = max(until, track.times[-1])
    return total


def _folder(clip: Entry) -> str:
    return clip.name.partition("/")[0]


def _follow(clips: Sequence[Entry], detector: Detector) -> Iterable[Followed]:
    with console.progress("Following", len(clips)) as advance:
        for clip in clips:
            reel, tracks = finder.find(finder.reel(clip.path), detector)
            yield Followed(_folder(clip), reel.times[-1] - reel.times[0], tracks)
            advance()


def _detectors(
    folders: Iterable[tuple[str, Path]], published: Path | None
) -> Mapping[str, Detector]:
    found = {name: detectors.load(folder) for name, folder in folders}
    if published:
        found["NanoDet-Plus-m as published"] = baselines.nanodet(published)
    return found


def _table(lines: Sequence[Line]) -> str:
    folders = list(lines[0].overlooked)
    nobody = [f"nobody in `{folder}`" for folder in folders]
    heads = ["detector", "tracks a clip", "seconds followed", *nobody]
    rows = [
        [
            each.detector,
            f"{each.tracks:.2f}",
            f"{each.followed:.0%}",
            *("{} of {}".format(*each.overlooked[folder]) for folder in folders),
        ]
        for each in lines
    ]
    return markdown.table([heads, *rows])


def _named(text: str) -> tuple[str, Path]:
    name, _, path = text.rpartition("=")
    return name or "own", Path(path)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("measure_tracks", __doc__, EXAMPLE)
    parser.add_argument("manifest", type=Path, nargs="+", help="CSV: path, label, source, note")
    parser.add_argument(
        "--detector",
        type=_named,
        action="append",
        metavar="[NAME=]PATH",
        help=f"a folder of ours or an .onnx file; may be repeated (default: {console.DETECTOR})",
    )
    parser.add_argument("--nanodet", type=Path, help="its published weights, to compare with")
    parser.add_argument(
        "--write", type=console.file_to_write, metavar="PAGE", help="put the figures into it"
    )
    arguments = parser.parse_args(argv)
    arguments.detector = arguments.detector or [("own", console.DETECTOR)]
    return arguments


if __name__ == "__main__":
    sys.exit(main())
