"""Measures the search for duplicates on clips whose shared footage is known.

It counts known overlaps and label conflicts that are found, clips of different recordings that are
called duplicates, and altered copies, which it makes itself, that are found.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from scripts._lib import console, markdown
from video_classifier.ml.contracts import ClipError
from video_classifier.ml.data import manifest
from video_classifier.ml.data.manifest import Entry, ManifestError
from video_classifier.ml.duplicates import benchmark, fingerprints, search
from video_classifier.ml.duplicates.fingerprints import Fingerprint

EXAMPLE = """example:
  python -m scripts.measure_duplicates ../shared/data/manifest.csv \\
      --overlaps ../shared/data/mnnit_overlaps.csv --write docs/data.md

The manifest needs a column take: the recording that a clip was cut from. The table of overlaps
has the columns clip_a and clip_b (names of files without suffix), shared_share_of_a and same_label.
"""

NAME = "duplicates"  # of the marks in the page
EVIDENCE = (
    "Evidence between clips compared at every offset, not only where the index points, on each "
    f"half of the takes by itself; {search.MIN_EVIDENCE:.0f} is enough to be called a duplicate:"
)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        if arguments.write:
            markdown.check(arguments.write, NAME)
        entries = {entry.name: entry for entry in manifest.read(arguments.manifest)}
        takes = benchmark.read_takes(arguments.manifest)
        overlaps = benchmark.read_overlaps(arguments.overlaps, entries)
        prints = _prints(entries, fingerprints.FingerprintCache(arguments.cache))
    except (ManifestError, markdown.PageError) as error:
        console.complain(error)
        return 2
    if not prints:
        console.complain("None of the clips can be read, so there is nothing to measure.")
        return 2
    drawn = [_overlaps(entries, prints, takes, overlaps)]
    if arguments.copies:
        drawn.append(_copies(entries, prints, arguments.copies))
    drawn.append(_margins(prints, takes, overlaps))
    if arguments.write:
        markdown.write(arguments.write, NAME, "\n\n".join(drawn))
    return 0


def _prints(
    entries: Mapping[str, Entry], cache: fingerprints.FingerprintCache
) -> dict[str, Fingerprint]:
    prints = {}
    with console.progress("Decoding the clips", len(entries)) as advance:
        for name, entry in entries.items():
            try:
                prints[name] = cache.get(entry.path)
            except ClipError as error:
                console.complain(f"Skipped: {name}: {error}")
            advance()
    return prints


def _overlaps(
    entries: Mapping[str, Entry],
    prints: Mapping[str, Fingerprint],
    takes: Mapping[str, str],
    overlaps: Sequence[benchmark.Overlap],
) -> str:
    result = search.find(prints)
    conflicts = search.conflicts(result.pairs, {n: entries[n].label for n in prints})
    large = [one for one in overlaps if one.share >= 1 / 3]
    opposite = [one for one in overlaps if not one.same_label]
    wrong, which = benchmark.false_positives(list(prints), takes, result.pairs)
    counts = {
        "share at least a third of the first": benchmark.count(large, result.pairs),
        "share anything, as far as is known": benchmark.count(overlaps, result.pairs),
        "share footage under opposite labels": benchmark.count(opposite, conflicts),
        "come from different takes": wrong,
    }
    drawn = _show_counts("pairs of clips", counts)
    for pair in which:
        console.out.print(
            f"Of different takes: {pair.a} and {pair.b}, {pair.share:.0%}, {pair.offset_s:+.1f} s",
            markup=False,
            soft_wrap=True,
        )
    return drawn


def _copies(entries: Mapping[str, Entry], prints: Mapping[str, Fingerprint], wanted: int) -> str:
    step = max(1, len(prints) // wanted)
    chosen = {name: entries[name].path for name in list(prints)[::step]}
    with console.progress("Making copies", len(chosen)) as advance:
        counts = benchmark.altered_copies(chosen, prints, advance=advance)
    every = benchmark.Count(
        found=sum(count.found for count in counts.values()),
        total=sum(count.total for count in counts.values()),
    )
    return _show_counts(f"copies of {len(chosen)} clips", {**counts, "all": every})


def _margins(
    prints: Mapping[str, Fingerprint],
    takes: Mapping[str, str],
    overlaps: Sequence[benchmark.Overlap],
) -> str:
    rows = []
    with console.progress("Comparing at every offset", len(prints)) as advance:
        for half in (0, 1):
            part = {
                n: one for n, one in prints.items() if benchmark.half_of_takes(takes[n]) == half
            }
            margin = benchmark.margin(part, takes, overlaps, advance=advance)
            evidence = (margin.max_unrelated, margin.min_overlap)
            rows.append([str(half + 1), *(f"{value:.1f}" for value in evidence)])
    console.out.print(EVIDENCE)
    heads = ["half of the takes", "strongest between different takes", "weakest known overlap"]
    return f"{EVIDENCE}\n\n{_show([heads, *rows])}"


def _show_counts(what: str, counts: Mapping[str, benchmark.Count]) -> str:
    return _show([[what, "found"], *([name, str(count)] for name, count in counts.items())])


def _show(lines: Sequence[Sequence[str]]) -> str:
    """On the screen; what it returns is the same table in Markdown."""
    heads, *rows = lines
    table = Table(*heads)
    for row in rows:
        table.add_row(*row)
    console.out.print(table)
    return markdown.table(lines)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("measure_duplicates", __doc__, EXAMPLE)
    parser.add_argument("manifest", type=Path, help="CSV with the columns path, label and take")
    parser.add_argument("--overlaps", type=Path, required=True, help="CSV of the known overlaps")
    parser.add_argument(
        "--copies", type=int, default=24, help="of about so many clips (default: 24; 0: none)"
    )
    parser.add_argument("--cache", type=Path, default=Path(".cache/fingerprints"), metavar="DIR")
    parser.add_argument(
        "--write", type=console.file_to_write, metavar="PAGE", help="such as docs/data.md"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
