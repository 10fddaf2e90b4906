"""Audits a data set for leakage: footage shared across the split, metadata that predicts labels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from pathlib import Path

from video_classifier.ml.audit import baselines
from video_classifier.ml.audit.baselines import Baseline
from video_classifier.ml.audit.file_facts import InspectedClip
from video_classifier.ml.contracts import LABELS
from video_classifier.ml.data import splits
from video_classifier.ml.data.grouping import Duplicates
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.data.splits import LEAKY, Split, SplitBy
from video_classifier.ml.files import sha256
from video_classifier.ml.serving.card import Interval

BASELINES = 2  # how many are measured
MAX_IMBALANCE = 3.0  # times as many clips of one label as of the other


class LeakKind(StrEnum):
    """Ways in which test data leaks into training."""

    DUPLICATES = "duplicates across the split"
    GROUP = "a group on both sides"
    CONFLICT = "a label conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One finding: clips by which test data leaks into training."""

    kind: LeakKind
    clips: tuple[str, ...]  # as the manifest names them
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The audit of a manifest: its split, leaks, warnings and shortcut baselines."""

    split: SplitBy
    clips: int
    groups: int
    train: int  # clips
    test: int
    left_out: int  # clips with a note
    leaks: tuple[Leak, ...]
    warnings: tuple[str, ...]
    baselines: tuple[Baseline, ...]

    def sentences(self, model: Interval | None = None) -> tuple[str, ...]:
        """For a model's card: leaks, and baselines that are better than guessing or near `model`.

        `model` is the model's AUC, if it is known.
        """
        counts = Counter(leak.kind for leak in self.leaks)
        leaky = tuple(
            f"The figures are {LEAKY}: {kind} ({count} found)." for kind, count in counts.items()
        )
        shortcuts = baselines.warnings(self.baselines, model)
        if self.split is SplitBy.GROUP:
            return leaky + shortcuts
        at_random = f"The figures are {LEAKY}: the clips were split at random, not by group."
        return (*leaky, at_random, *(f"Of a {LEAKY} split: {sentence}" for sentence in shortcuts))


def examine(  # noqa: PLR0913
    entries: Sequence[Entry],
    inspected: Sequence[InspectedClip],
    *,
    duplicates: Duplicates = Duplicates(),  # noqa: B008  (frozen)
    by: SplitBy = SplitBy.GROUP,
    seed: int = splits.SEED,
    backbone_weights: str | Path | None = None,
    advance: Callable[[], None] = lambda: None,
) -> Audit:
    """Audits the entries without a note; `inspected` are those that can be read.

    `advance` is called once for each of BASELINES.
    """
    used = [entry for entry in entries if not entry.note]
    sides = splits.splits_of(splits.regrouped(used, by), seed=seed)
    clips = [clip for clip in inspected if not clip.entry.note]
    return Audit(
        split=by,
        clips=len(used),
        groups=len({entry.group for entry in used}),
        train=sides.count(Split.TRAIN),
        test=sides.count(Split.TEST),
        left_out=len(entries) - len(used),
        leaks=leaks(used, sides, duplicates),
        warnings=warnings(clips),
        baselines=()
        if _too_few(clips)
        else baselines.measure_all(
            _regrouped(clips, by),
            seed=seed,
            backbone_weights=backbone_weights,
            advance=advance,
        ),
    )


def leaks(
    entries: Sequence[Entry], sides: Sequence[Split], duplicates: Duplicates
) -> tuple[Leak, ...]:
    """Everything by which test data, or that of another fold, leaks into training.

    Exact copies are found here; re-encoded ones have to be in `duplicates`.
    """
    by_path = {entry.path.resolve(): entry for entry in entries}
    copies = _copies(entries)
    conflicts = _in_table(duplicates.conflicts, by_path)
    shared = [*copies, *conflicts, *_in_table(duplicates.groups, by_path)]
    return (
        *_across_groups(shared, dict(zip(entries, sides, strict=True))),
        *_split_groups(entries, sides),
        *_conflicts([*_opposite_labels(copies), *conflicts]),
    )


def warnings(clips: Sequence[InspectedClip]) -> tuple[str, ...]:
    """Sentences about shortcuts that a network could learn instead of what people do."""
    entries = [clip.entry for clip in clips]
    shortcuts = [
        f"The files' {shortcut.fact} alone predicts the label: AUC {shortcut.auc:.2f}."
        for shortcut in baselines.metadata_shortcuts(clips)
    ]
    return (*_too_few(clips), *_imbalance(entries), *_one_scene(entries), *shortcuts)


def _copies(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Groups of entries whose files have the same bytes."""
    same: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        same[sha256(entry.path)].append(entry)
    return [copies for copies in same.values() if len(copies) > 1]


def _in_table(groups: Iterable[Iterable[Path]], by_path: dict[Path, Entry]) -> list[list[Entry]]:
    """The groups without clips that are not in the table; groups of one are dropped."""
    present = ([by_path[path] for path in group if path in by_path] for group in groups)
    return [group for group in present if len(group) > 1]


def _across_groups(shared: Sequence[Sequence[Entry]], sides: dict[Entry, Split]) -> list[Leak]:
    """Shared footage in different groups, which some split, if not this one, will separate."""
    findings = []
    for clips in shared:
        if len({clip.group for clip in clips}) > 1:
            where = ", ".join(f"{clip.name} ({clip.group}, {sides[clip]})" for clip in clips)
            sentence = f"These clips share footage and are not in one group: {where}."
            findings.append(_leak(LeakKind.DUPLICATES, clips, sentence))
    return findings


def _split_groups(entries: Sequence[Entry], sides: Sequence[Split]) -> list[Leak]:
    members: dict[str, list[tuple[Entry, Split]]] = defaultdict(list)
    for entry, side in zip(entries, sides, strict=True):
        members[entry.group].append((entry, side))
    findings = []
    for group, clips in members.items():
        testing = sum(side is Split.TEST for _, side in clips)
        if 0 < testing < len(clips):
            sentence = (
                f"The group {group} is on both sides: {len(clips) - testing} of its clips are in "
                f"training, {testing} in the test."
            )
            findings.append(_leak(LeakKind.GROUP, [clip for clip, _ in clips], sentence))
    return findings


def _opposite_labels(shared: Iterable[Sequence[Entry]]) -> list[list[Entry]]:
    return [
        [one, other]
        for clips in shared
        for one, other in combinations(clips, 2)
        if one.label != other.label
    ]


def _conflicts(opposite: Iterable[Sequence[Entry]]) -> list[Leak]:
    pairs = {tuple(sorted(pair, key=lambda entry: entry.name)) for pair in opposite}
    return [
        _leak(
            LeakKind.CONFLICT,
            pair,
            f"{pair[0].name} is labelled {pair[0].label} and {pair[1].name} {pair[1].label}, but "
            "they share footage. Give one of them a note, so that it is left out.",
        )
        for pair in sorted(pairs, key=lambda pair: [entry.name for entry in pair])
    ]


def _leak(kind: LeakKind, clips: Iterable[Entry], sentence: str) -> Leak:
    return Leak(kind=kind, clips=tuple(clip.name for clip in clips), sentence=sentence)


def _too_few(clips: Sequence[InspectedClip]) -> list[str]:
    try:
        splits.refuse_too_few([clip.entry for clip in clips])
    except splits.TooFewGroupsError as error:
        return [str(error)]
    return []


def _imbalance(entries: Sequence[Entry]) -> list[str]:
    counts = {label: sum(entry.label == label for entry in entries) for label in LABELS}
    (few, fewer), (many, more) = sorted(counts.items(), key=lambda item: item[1])
    if more < MAX_IMBALANCE * fewer:
        return []
    return [f"The labels are imbalanced: {fewer} {few} clips, {more} {many}."]


def _one_scene(entries: Sequence[Entry]) -> list[str]:
    """Warns where all clips of one label come from one source, and others from elsewhere."""
    scenes = {
        label: {entry.source for entry in entries if entry.label == label} for label in LABELS
    }
    all_scenes = set().union(*scenes.values())
    return [
        f"All {label} clips come from one scene ({min(own) or 'not named'}), others do not: the "
        "scene alone may predict the label."
        for label, own in scenes.items()
        if len(own) == 1 < len(all_scenes)
    ]


def _regrouped(clips: Sequence[InspectedClip], by: SplitBy) -> list[InspectedClip]:
    entries = splits.regrouped([clip.entry for clip in clips], by)
    return [replace(clip, entry=entry) for entry, clip in zip(entries, clips, strict=True)]
