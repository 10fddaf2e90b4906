"""Measures how well clips that share footage are found, on clips of which it is known.

Counted are known overlaps, label conflicts, clips of different recordings that are called
duplicates, and copies that it makes itself.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from scripts import console
from video_classifier.ml import duplicates, fingerprints, manifest, recognition
from video_classifier.ml.clip import ClipError
from video_classifier.ml.fingerprints import Fingerprint
from video_classifier.ml.manifest import Entry, ManifestError

EXAMPLE = """example:
  python -m scripts.measure_duplicates ../shared/data/manifest.csv \\
      --overlaps ../shared/data/mnnit_overlaps.csv

The manifest needs a column take: the recording that a clip was cut from. The table of overlaps
has the columns clip_a and clip_b (names of files without suffix), shared_share_of_a and same_label.
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        entries = {entry.name: entry for entry in manifest.read(arguments.manifest)}
        takes = recognition.read_takes(arguments.manifest)
        overlaps = recognition.read_overlaps(arguments.overlaps, entries)
        prints = _prints(entries, fingerprints.Cache(arguments.cache))
    except ManifestError as error:
        console.complain(error)
        return 2
    if not prints:
        console.complain("None of the clips can be read, so there is nothing to measure.")
        return 2
    _overlaps(entries, prints, takes, overlaps)
    _margins(prints, takes, overlaps)
    if arguments.copies:
        _copies(entries, prints, arguments.copies)
    return 0


def _prints(entries: Mapping[str, Entry], cache: fingerprints.Cache) -> dict[str, Fingerprint]:
    prints = {}
    with console.progress("Looking at the clips", len(entries)) as tick:
        for name, entry in entries.items():
            try:
                prints[name] = cache.take(entry.path)
            except ClipError as error:
                console.complain(f"Skipped: {name}: {error}")
            tick()
    return prints


def _overlaps(
    entries: Mapping[str, Entry],
    prints: Mapping[str, Fingerprint],
    takes: Mapping[str, str],
    overlaps: Sequence[recognition.Overlap],
) -> None:
    found = duplicates.find(prints)
    conflicts = duplicates.conflicts(found.pairs, {n: entries[n].label for n in prints})
    large = [one for one in overlaps if one.share >= 1 / 3]
    wrong, which = recognition.across_takes(list(prints), takes, found.pairs)
    table = Table("pairs of clips", "found")
    table.add_row("share at least a third of the first", str(recognition.count(large, found.pairs)))
    table.add_row(
        "share anything, as far as is known", str(recognition.count(overlaps, found.pairs))
    )
    opposite = [one for one in overlaps if not one.same_label]
    table.add_row(
        "share footage under opposite labels", str(recognition.count(opposite, conflicts))
    )
    table.add_row("come from different takes", str(wrong))
    console.out.print(table)
    for pair in which:
        console.out.print(
            f"Of different takes: {pair.a} and {pair.b}, {pair.share:.0%}, {pair.offset_s:+.1f} s",
            markup=False,
            soft_wrap=True,
        )


def _margins(
    prints: Mapping[str, Fingerprint],
    takes: Mapping[str, str],
    overlaps: Sequence[recognition.Overlap],
) -> None:
    table = Table("half of the takes", "strongest unrelated", "weakest overlap")
    with console.progress("Comparing at every offset", len(prints)) as tick:
        for half in (0, 1):
            part = {n: one for n, one in prints.items() if recognition.half(takes[n]) == half}
            margin = recognition.margin(part, takes, overlaps, after_each=tick)
            figures = (margin.strongest_unrelated, margin.weakest_overlap)
            table.add_row(str(half + 1), *(f"{figure:.1f}" for figure in figures))
    console.out.print(table)
    console.out.print(f"Enough to be called a duplicate: {duplicates.ENOUGH}")


def _copies(entries: Mapping[str, Entry], prints: Mapping[str, Fingerprint], wanted: int) -> None:
    step = max(1, len(prints) // wanted)
    chosen = {name: entries[name].path for name in list(prints)[::step]}
    with console.progress("Making copies", len(chosen)) as tick:
        counts = recognition.altered_copies(chosen, prints, after_each=tick)
    table = Table("copies", "found")
    for alteration, count in counts.items():
        table.add_row(alteration, str(count))
    every = recognition.Count(
        found=sum(count.found for count in counts.values()),
        of=sum(count.of for count in counts.values()),
    )
    table.add_row("all", str(every))
    console.out.print(table)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("measure_duplicates", __doc__, EXAMPLE)
    parser.add_argument("manifest", type=Path, help="CSV with the columns path, label and take")
    parser.add_argument("--overlaps", type=Path, required=True, help="CSV of what is known")
    parser.add_argument(
        "--copies", type=int, default=24, help="of about so many clips (default: 24; 0: none)"
    )
    parser.add_argument("--cache", type=Path, default=Path(".cache/fingerprints"), metavar="DIR")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
