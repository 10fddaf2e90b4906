"""Finds clips of a data set that share footage, and footage under both labels.

Changes nothing unless --quarantine is given, and deletes nothing even then.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

if not __package__:  # run by its path: the packages lie in the folder above
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts._lib import console
from video_classifier.ml.contracts import ClipError
from video_classifier.ml.data import from_folders, manifest
from video_classifier.ml.data.manifest import Entry, ManifestError
from video_classifier.ml.duplicates import fingerprints, quarantine, search
from video_classifier.ml.duplicates.fingerprints import Fingerprint
from video_classifier.ml.duplicates.quarantine import QuarantineError, RedundantClip
from video_classifier.ml.duplicates.search import Pair

EXAMPLE = """example:
  python -m scripts.duplicate_videos_check clips --json duplicates.json
  python -m scripts.duplicate_videos_check clips --quarantine ../quarantine
  python -m scripts.duplicate_videos_check --restore ../quarantine/report.json
or, from any folder, by its path:
  python scripts/duplicate_videos_check.py clips

The data set is a folder with folders shoplifters and non_shoplifters in it ("shop lifters" and
"non-shoplifters" will do), or a CSV with the columns path and label.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The duplicates in a data set."""

    entries: Mapping[str, Entry]
    prints: Mapping[str, Fingerprint]
    unreadable: Mapping[str, str]  # by name: the reason
    pairs: tuple[Pair, ...]
    groups: tuple[tuple[str, ...], ...]
    conflicts: tuple[Pair, ...]
    superfluous: Mapping[str, str]  # by name: the clip that stays instead
    aligned: int  # pairs of clips


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        if arguments.restore:
            return _restore(arguments.restore)
        return _check(
            arguments.dataset,
            fingerprints.FingerprintCache(arguments.cache),
            into=arguments.quarantine,
            report=arguments.json,
        )
    except (ManifestError, QuarantineError) as error:
        console.complain(error)
        return 2
    except OSError as error:
        console.complain(f"A file could not be read or written: {error}.")
        return 2
    except KeyboardInterrupt:
        console.err.print("Stopped.")
        if arguments.quarantine and (report := arguments.quarantine / quarantine.REPORT).exists():
            console.complain(f"--restore {report} puts back what was moved.")
        return 130


def _check(
    dataset: Path, cache: fingerprints.FingerprintCache, *, into: Path | None, report: Path | None
) -> int:
    entries = _entries(dataset)
    if into:
        _refuse_within(into, dataset)
    checked = _checked(entries, cache)
    if not checked.prints:
        console.complain("None of the clips can be read, so there is nothing to compare.")
        return 2
    if report:
        content = json.dumps(_report(checked), indent=2, ensure_ascii=False)
        report.write_text(content + "\n", encoding="utf-8")
    _print(checked)
    if into:
        _quarantine(checked, into)
    return 0


def _entries(dataset: Path) -> dict[str, Entry]:
    if not dataset.exists():
        msg = f"There is no {dataset}."
        raise ManifestError(msg)
    if dataset.is_dir():
        listed = from_folders.read(dataset)
        if unlabelled := from_folders.passed_over(dataset):
            console.warn(unlabelled.strip())
    else:
        listed = manifest.read(dataset)
    entries = {entry.name: entry for entry in listed}
    if len(entries) < len(listed):
        twice = sorted({e.name for e in listed if entries[e.name] is not e})
        msg = f"The manifest {dataset} lists these clips more than once: {', '.join(twice)}."
        raise ManifestError(msg)
    return entries


def _refuse_within(folder: Path, dataset: Path) -> None:
    if dataset.is_dir() and folder.resolve().is_relative_to(dataset.resolve()):
        msg = f"The quarantine {folder} has to be outside of {dataset}, or it would be checked too."
        raise QuarantineError(msg)


def _checked(entries: Mapping[str, Entry], cache: fingerprints.FingerprintCache) -> CheckResult:
    prints, unreadable = {}, {}
    with console.progress("Decoding the clips", len(entries)) as advance:
        for name, entry in entries.items():
            try:
                prints[name] = cache.get(entry.path)
            except ClipError as error:
                unreadable[name] = str(error)
            advance()
    with console.progress("Searching for duplicates", len(prints)) as advance:
        result = search.find(prints, advance=advance)
    labels = {name: entries[name].label for name in prints}
    groups = search.groups(result.pairs)
    return CheckResult(
        entries=entries,
        prints=prints,
        unreadable=unreadable,
        pairs=result.pairs,
        groups=groups,
        conflicts=search.conflicts(result.pairs, labels),
        superfluous=search.superfluous(groups, prints, labels),
        aligned=result.aligned,
    )


def _report(checked: CheckResult) -> dict[str, Any]:
    return {
        "clips": len(checked.prints),
        "pairs": [asdict(pair) for pair in checked.pairs],
        "groups": checked.groups,
        "conflicts": [asdict(pair) for pair in checked.conflicts],
        "superfluous": checked.superfluous,
        "unreadable": checked.unreadable,
    }


def _print(checked: CheckResult) -> None:
    for name, reason in checked.unreadable.items():
        console.complain(f"Skipped: {name}: {reason}")
    conflicting = set(checked.conflicts)
    for pair in checked.pairs:
        if pair not in conflicting:
            _print_line(_sentence(pair))
    for pair in checked.conflicts:
        _print_line(f"LABEL CONFLICT, {_sentence(pair)}")
    for group in checked.groups:
        _print_line(_proposal(group, checked.superfluous))
    _print_line(_summary(checked))


def _sentence(pair: Pair) -> str:
    flipped = ", mirrored" if pair.mirrored else ""
    return (
        f"{pair.kind}: {pair.a} and {pair.b}: {pair.share:.0%} of the first, "
        f"its start at {pair.offset_s:+.1f} s of the second{flipped}"
    )


def _proposal(group: Sequence[str], superfluous: Mapping[str, str]) -> str:
    stay = [name for name in group if name not in superfluous]
    go = [name for name in group if name in superfluous]
    could_go = f"; could go: {', '.join(go)}" if go else ""
    return f"Group of {len(group)}: best: {', '.join(stay)}{could_go}"


def _summary(checked: CheckResult) -> str:
    clips = len(checked.prints)
    return (
        f"{clips} clips, {len(checked.unreadable)} skipped; {len(checked.pairs)} pairs share "
        f"footage, {len(checked.conflicts)} of them under opposite labels; "
        f"{len(checked.groups)} groups, {len(checked.superfluous)} clips could go. "
        f"Aligned {checked.aligned} of {clips * (clips - 1) // 2} pairs."
    )


def _quarantine(checked: CheckResult, folder: Path) -> None:
    copies = [
        RedundantClip(
            path=checked.entries[name].path,
            name=name,
            kept=kept,
            sha256=checked.prints[name].sha256,
        )
        for name, kept in checked.superfluous.items()
    ]
    if not copies:
        _print_line("There is nothing to move.")
        return
    report = quarantine.move(copies, folder)
    _print_line(f"Moved {len(copies)} clips to {folder}. To undo it: --restore {report}")


def _restore(report: Path) -> int:
    restored = quarantine.restore(report)
    for problem in restored.problems:
        console.complain(problem)
    _print_line(f"Put back {restored.restored} clips.")
    return 2 if restored.problems else 0


def _print_line(sentence: str) -> None:
    console.out.print(sentence, markup=False, soft_wrap=True)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("duplicate_videos_check", __doc__, EXAMPLE)
    parser.add_argument("dataset", type=Path, nargs="?", help="a folder or a CSV")
    parser.add_argument(
        "--json", type=console.file_to_write, metavar="OUT", help="write the duplicates there"
    )
    parser.add_argument(
        "--quarantine",
        type=Path,
        metavar="DIR",
        help="move there all but the best of each group and label, with a report.json",
    )
    parser.add_argument(
        "--restore",
        type=Path,
        metavar="REPORT",
        help="put back what a report.json, or the one in this folder, says was moved",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        default=Path(".cache/fingerprints"),
        help="keep fingerprints of clips there (default: %(default)s)",
    )
    arguments = parser.parse_args(argv)
    if arguments.dataset is None and arguments.restore is None:
        parser.print_help(sys.stderr)
        parser.exit(2, "\nGive a data set or --restore.\n")
    if arguments.dataset and arguments.restore:
        parser.error("give either a data set or --restore")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
