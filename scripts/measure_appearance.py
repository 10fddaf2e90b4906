"""Measures a model on groups of clips by brightness of clothes, size in the picture, and light.

Scores are those of the model's unseen.csv, by networks that hadn't seen the person. How somebody
appears is measured on who is longest and largest in view, in the middle of that.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from scripts._lib import console, markdown
from video_classifier.ml import experiments
from video_classifier.ml.contracts import ClipError, ClipSpec, Floats, Window
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.evaluation import score_table
from video_classifier.ml.evaluation.cross_validation import in_domain
from video_classifier.ml.evaluation.score_table import ScoreTable
from video_classifier.ml.measures import groups, thefts
from video_classifier.ml.measures.groups import Group, Grouped
from video_classifier.ml.measures.shares import Share
from video_classifier.ml.persons import finder, tracking
from video_classifier.ml.persons import loading as detectors
from video_classifier.ml.persons.detector import Detector
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.brightness import Appearance, appearance

EXAMPLE = """example:
  python -m scripts.measure_appearance models_storage/i3d_person ../shared/data \\
      --measured var/appearance.csv --write docs/models.md

Clips are read once: their rows in --measured are used again.
"""

NAME = "appearance"  # of the marks in the page
FACTS = {
    "clothing": "brightness of clothes",
    "height": "height in the picture",
    "light": "light of the picture",
}
HEADS = ("By", "Quarter", "Values", "Mean score", "Get a hint", "People or cameras")
PREVIEW_WIDTH = 640  # pixels, as the site's
_COLUMNS = ("path", *FACTS)

Appearances = Mapping[str, Appearance]  # by the clip's name


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        if arguments.write:
            markdown.check(arguments.write, NAME)
        table = score_table.read(arguments.model / thefts.FILE)[0]
        found = _measure(
            table.entries,
            arguments.measured,
            model=arguments.model,
            detector=arguments.detector,
            footage=arguments.footage,
        )
    except (*experiments.REFUSALS, markdown.PageError) as error:
        console.complain(error)
        return 2
    drawn = "\n\n".join(_tables(table, found))
    console.out.print(drawn, markup=False, soft_wrap=True)
    if arguments.write:
        markdown.write(arguments.write, NAME, drawn)
    return 0


def _measure(
    entries: Sequence[Entry], measured: Path, *, model: Path, detector: Path, footage: Path
) -> Appearances:
    found = read(measured)
    missing = [entry.name for entry in entries if entry.name not in found]
    if not missing:
        return found
    spec = bundle.check(model).spec
    finds_people = detectors.load(detector)
    with console.progress("Looking at the clips", len(missing)) as advance:
        for name in missing:
            found[name] = _of_clip(finds_people, spec, footage / name)
            _append(measured, name, found[name])
            advance()
    return found


def _of_clip(detector: Detector, spec: ClipSpec, clip: Path) -> Appearance:
    """Of who is longest and largest in view, in the middle; nothing of a clip without anybody."""
    windows: list[Window] = []
    try:
        reel, tracks = finder.find(finder.reel(clip), detector)
        person = tracking.most_prominent(tracks)[:1]
        finder.take_windows(reel, person, spec, windows.append, preview_width=PREVIEW_WIDTH)
    except ClipError:
        windows = []
    if not windows:
        return appearance(None, None)
    shown = windows[len(windows) // 2]
    return appearance(shown.images, shown.previews[0], person[0].boxes)


def read(file: Path) -> dict[str, Appearance]:
    """What was measured so far; nothing if there is no such file."""
    if not file.exists():
        return {}
    with file.open(newline="", encoding="utf-8") as opened:
        return {
            row["path"]: Appearance(
                **{fact: float(row[fact]) if row[fact] else None for fact in FACTS}
            )
            for row in csv.DictReader(opened)
        }


def _append(file: Path, name: str, found: Appearance) -> None:
    is_new = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, _COLUMNS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow({"path": name} | asdict(found))


def _tables(table: ScoreTable, found: Appearances) -> Iterator[str]:
    """Of sources with both labels, thefts and ordinary clips; then of other cameras."""
    inside = in_domain(table.entries)
    here, elsewhere = table.where(inside), table.where(~inside)
    for title, rows in (
        ("Thefts", here.where(here.targets == 1)),
        ("Ordinary clips of the same people", here.where(here.targets == 0)),
        ("Ordinary clips of other cameras", elsewhere),
    ):
        if rows.entries:
            clusters = len(set(rows.groups))
            lines = [HEADS, *_lines(rows, found)]
            yield f"**{title}**, {len(rows.entries)} clips of {clusters} people or cameras:"
            yield markdown.table(lines, words=3)


def _lines(table: ScoreTable, found: Appearances) -> Iterator[Sequence[str]]:
    for fact, title in FACTS.items():
        grouped = groups.by_quarter(
            _values(table.entries, found, fact),
            table.scores,
            table.scores >= table.thresholds,
            table.groups,
        )
        yield from _of_fact(title, grouped)


def _of_fact(title: str, grouped: Grouped) -> Iterator[Sequence[str]]:
    for group in grouped.groups:
        people = str(group.hints.people)
        yield title, group.name, _span(group), _score(group), _hints(group.hints), people
    if grouped.unmeasured:
        yield title, "not measured", "", "", f"of {grouped.unmeasured}", ""


def _span(group: Group) -> str:
    if group.first is None or group.last is None:
        return "none"
    return f"{group.first:.2f} to {group.last:.2f}"


def _score(group: Group) -> str:
    if group.score is None:
        return "-"
    if group.score_low is None or group.score_high is None:
        return f"{group.score:.2f}"
    return f"{group.score:.2f} ({group.score_low:.2f} to {group.score_high:.2f})"


def _hints(found: Share) -> str:
    if found.low is None or found.high is None:
        return "-"
    return f"{found.count} of {found.of} ({100 * found.low:.0f} to {100 * found.high:.0f} %)"


def _values(entries: Iterable[Entry], found: Appearances, fact: str) -> Floats:
    """(n,), nan where it wasn't measured."""
    values = (getattr(found[entry.name], fact) for entry in entries)
    return np.array([np.nan if value is None else value for value in values])


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("measure_appearance", __doc__, EXAMPLE)
    parser.add_argument("model", type=Path, help="the model's folder, with its unseen.csv")
    parser.add_argument("footage", type=Path, help="the folder that its paths begin in")
    parser.add_argument(
        "--measured",
        type=console.file_to_write,
        required=True,
        metavar="CSV",
        help="what was measured of each clip: written, and read where it is there",
    )
    parser.add_argument(
        "--write",
        type=Path,
        metavar="PAGE",
        help=f"put the tables into this page, between the marks <!-- {NAME}: begin --> and end",
    )
    console.add_detector(parser)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
