"""Makes a manifest of a folder of clips: labels, groups and a split.

A clip's label is its folder. Clips that can't be decoded are named and left out.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scripts._lib import console
from video_classifier.ml.audit import file_facts, leaks
from video_classifier.ml.audit.file_facts import InspectedClip
from video_classifier.ml.contracts import LABELS
from video_classifier.ml.data import from_folders, grouping, manifest, splits
from video_classifier.ml.data.grouping import Duplicates, Origin
from video_classifier.ml.data.manifest import Entry, ManifestError

EXAMPLE = """example:
  python -m scripts.build_manifest clips --out clips/manifest.csv \\
      --groups clips/groups.csv --duplicates duplicates.json

clips holds the folders shoplifters and non_shoplifters. groups.csv has the columns path (relative
to it) and any of actor, take, camera and day; clips/groups.csv is taken if it is there.
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        _build(
            arguments.dataset,
            arguments.out,
            groups=arguments.groups,
            duplicates=arguments.duplicates,
            seed=arguments.seed,
        )
    except ManifestError as error:
        console.complain(error)
        return 2
    except KeyboardInterrupt:
        console.err.print("Stopped. No manifest was written.")
        return 130
    return 0


def _build(
    dataset: Path, out: Path, *, groups: Path | None, duplicates: Path | None, seed: int
) -> None:
    entries = _entries(dataset, out.parent)
    origins = _origins(dataset, groups)
    with console.progress("Decoding the clips", len(entries)) as advance:
        good, unreadable = file_facts.inspect_all(entries, advance=advance)
    for bad in unreadable:
        console.complain(f"Left out: {bad.entry.name}: {bad.reason}")
    _refuse_one_class(dataset, [clip.entry for clip in good])
    known = _duplicates(duplicates, dataset, [clip.entry.path for clip in good])
    grouped = _grouped(good, origins, known, seed=seed)
    manifest.write(out, [clip.entry for clip in grouped])
    if unlabelled := from_folders.passed_over(dataset):
        console.warn(unlabelled.strip())
    for warning in leaks.warnings([clip for clip in grouped if not clip.entry.note]):
        console.warn(warning)
    _print(out, grouped, left_out=len(unreadable))


def _entries(dataset: Path, relative_to: Path) -> list[Entry]:
    """The clips of the folder, by the names that the manifest will have for them."""
    return [
        replace(entry, name=Path(os.path.relpath(entry.path, relative_to)).as_posix())
        for entry in from_folders.read(dataset)
    ]


def _refuse_one_class(dataset: Path, entries: Sequence[Entry]) -> None:
    if len(labels := {entry.label for entry in entries}) < len(LABELS):
        clips = f"Only {labels.pop()} clips" if labels else "No clips"
        msg = f"{clips} can be read; a manifest needs both labels."
        raise ManifestError(msg + from_folders.passed_over(dataset))


def _origins(dataset: Path, groups: Path | None) -> dict[Path, Origin]:
    table = groups or dataset / "groups.csv"
    if groups is None and not table.is_file():
        console.warn(
            "There is no groups.csv that says who is in which clip: the same person may be in "
            "training and in the test."
        )
        return {}
    return grouping.read_origins(table)


def _duplicates(report: Path | None, dataset: Path, clips: Sequence[Path]) -> Duplicates:
    duplicates = grouping.read_duplicates(report, clips, folders=(dataset, Path()))
    if duplicates.unknown:
        count = len(duplicates.unknown)
        console.warn(f"{count} clips of the report of duplicates are not in this folder.")
    return duplicates


def _grouped(
    clips: Sequence[InspectedClip],
    origins: dict[Path, Origin],
    duplicates: Duplicates,
    *,
    seed: int,
) -> list[InspectedClip]:
    groups = grouping.groups(
        {clip.entry.name: clip.entry.path for clip in clips}, origins, duplicates
    )
    notes = _notes(clips, duplicates)

    def known(entry: Entry) -> Entry:
        path, group = entry.path.resolve(), groups[entry.name]
        origin = origins.get(path, Origin())
        return replace(
            entry,
            group=group,
            take=origin.take,
            source=origin.camera,
            split=splits.split_of(group, seed=seed),
            note=notes.get(path, ""),
        )

    return [replace(clip, entry=known(clip.entry)) for clip in clips]


def _notes(clips: Sequence[InspectedClip], duplicates: Duplicates) -> dict[Path, str]:
    names = {clip.entry.path.resolve(): clip.entry.name for clip in clips}
    pairs = [pair for a, b in duplicates.conflicts for pair in ((a, b), (b, a))]
    return {clip: f"label conflict: shares footage with {names[other]}" for clip, other in pairs}


def _print(target: Path, clips: Sequence[InspectedClip], *, left_out: int) -> None:
    entries = [clip.entry for clip in clips]
    console.out.print(f"Wrote {target.name}: {len(entries)} clips, {left_out} left out.")
    for label in LABELS:
        chosen = [entry for entry in entries if entry.label == label]
        groups = len({entry.group for entry in chosen})
        testing = sum(entry.split == splits.Split.TEST for entry in chosen)
        console.out.print(f"{label}: {len(chosen)} clips in {groups} groups, {testing} to test")
        if testing in {0, len(chosen)}:
            console.warn(
                f"All {label} clips are on one side of the split, as they are of too few groups. "
                "Try another --seed, or use folds, which need no split."
            )
    if noted := sum(bool(entry.note) for entry in entries):
        console.out.print(f"{noted} clips have a note and will not be trained on.")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("build_manifest", __doc__, EXAMPLE)
    parser.add_argument("dataset", type=Path, help="a folder with the folders of clips")
    parser.add_argument("--out", type=Path, required=True, help="the manifest, a CSV")
    parser.add_argument("--groups", type=Path, help="a CSV: path, actor, take, camera, day")
    parser.add_argument(
        "--duplicates", type=Path, help="the JSON of python -m scripts.duplicate_videos_check"
    )
    parser.add_argument("--seed", type=int, default=splits.SEED, help="decides the split")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
