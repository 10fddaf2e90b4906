"""Looks for what would flatter a model: clips that tell on each other, and files on themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from pathlib import Path

from video_classifier.ml.audit import baselines
from video_classifier.ml.audit.baselines import Baseline
from video_classifier.ml.audit.file_facts import Look
from video_classifier.ml.contracts import LABELS
from video_classifier.ml.data import splits
from video_classifier.ml.data.grouping import Duplicates
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.data.splits import LEAKY, By, Side
from video_classifier.ml.files import sha256
from video_classifier.ml.serving.card import Interval

BASELINES = 2  # how many are measured
IMBALANCE = 3.0  # times as many clips of one label as of the other


class LeakKind(StrEnum):
    """What makes a figure worth less than it looks."""

    DUPLICATES = "duplicates across the split"
    GROUP = "a group on both sides"
    CONFLICT = "a label conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One way by which the test gives itself away to the training."""

    kind: LeakKind
    clips: tuple[str, ...]  # as the manifest names them
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What there is to say about a table of clips before anybody trains on it."""

    split: By
    clips: int
    groups: int
    train: int  # clips
    test: int
    left_out: int  # clips with a note
    leaks: tuple[Leak, ...]
    warnings: tuple[str, ...]
    baselines: tuple[Baseline, ...]

    def sentences(self, model: Interval | None = None) -> tuple[str, ...]:
        """For a card: what leaks, and each baseline that is near the model or above guessing."""
        counts = Counter(leak.kind for leak in self.leaks)
        leaky = tuple(
            f"The figures are {LEAKY}: {kind} ({count} found)." for kind, count in counts.items()
        )
        beside = baselines.beside(self.baselines, model)
        if self.split is By.GROUP:
            return leaky + beside
        at_random = f"The figures are {LEAKY}: the clips were split at random, not by group."
        return (*leaky, at_random, *(f"Of a {LEAKY} split: {sentence}" for sentence in beside))


def examine(  # noqa: PLR0913
    entries: Sequence[Entry],
    looks: Sequence[Look],
    *,
    duplicates: Duplicates = Duplicates(),  # noqa: B008  (frozen)
    by: By = By.GROUP,
    seed: int = splits.SEED,
    backbone_weights: str | Path | None = None,
    after_each: Callable[[], None] = lambda: None,
) -> Audit:
    """Audits the entries that have no note; `looks` are those of the ones that can be read."""
    used = [entry for entry in entries if not entry.note]
    sides = splits.sides(splits.regrouped(used, by), seed=seed)
    seen = [look for look in looks if not look.entry.note]
    return Audit(
        split=by,
        clips=len(used),
        groups=len({entry.group for entry in used}),
        train=sides.count(Side.TRAIN),
        test=sides.count(Side.TEST),
        left_out=len(entries) - len(used),
        leaks=leaks(used, sides, duplicates),
        warnings=warnings(seen),
        baselines=()
        if _too_few(seen)
        else baselines.measure_all(
            _regrouped(seen, by),
            seed=seed,
            backbone_weights=backbone_weights,
            after_each=after_each,
        ),
    )


def leaks(
    entries: Sequence[Entry], sides: Sequence[Side], duplicates: Duplicates
) -> tuple[Leak, ...]:
    """Everything by which the test side, or another fold, gives itself away to the training.

    Exact copies are found here; copies that were re-encoded are known from `duplicates`.
    """
    by_path = {entry.path.resolve(): entry for entry in entries}
    copies = _copies(entries)
    opposed = _known(duplicates.conflicts, by_path)
    together = [*copies, *opposed, *_known(duplicates.groups, by_path)]
    return (
        *_parted(together, dict(zip(entries, sides, strict=True))),
        *_torn(entries, sides),
        *_conflicts([*_opposed(copies), *opposed]),
    )


def warnings(looks: Sequence[Look]) -> tuple[str, ...]:
    """Sentences about what a network could learn in place of what people do."""
    entries = [look.entry for look in looks]
    tells = [
        f"The files' {tell.fact} by itself tells the labels apart: AUC {tell.auc:.2f}."
        for tell in baselines.tells(looks)
    ]
    return (*_too_few(looks), *_imbalance(entries), *_one_scene(entries), *tells)


def _copies(entries: Sequence[Entry]) -> list[list[Entry]]:
    same: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        same[sha256(entry.path)].append(entry)
    return [found for found in same.values() if len(found) > 1]


def _known(groups: Iterable[Iterable[Path]], by_path: dict[Path, Entry]) -> list[list[Entry]]:
    """The groups as far as their clips are in the table."""
    found = ([by_path[path] for path in group if path in by_path] for group in groups)
    return [group for group in found if len(group) > 1]


def _parted(together: Sequence[Sequence[Entry]], sides: dict[Entry, Side]) -> list[Leak]:
    """Shared footage in different groups: some split will part it, if this one does not."""
    found = []
    for clips in together:
        if len({clip.group for clip in clips}) > 1:
            where = ", ".join(f"{clip.name} ({clip.group}, {sides[clip]})" for clip in clips)
            sentence = f"These clips share footage and are not in one group: {where}."
            found.append(_leak(LeakKind.DUPLICATES, clips, sentence))
    return found


def _torn(entries: Sequence[Entry], sides: Sequence[Side]) -> list[Leak]:
    members: dict[str, list[tuple[Entry, Side]]] = defaultdict(list)
    for entry, side in zip(entries, sides, strict=True):
        members[entry.group].append((entry, side))
    found = []
    for group, clips in members.items():
        testing = sum(side is Side.TEST for _, side in clips)
        if 0 < testing < len(clips):
            sentence = (
                f"The group {group} is on both sides: {len(clips) - testing} of its clips are in "
                f"training, {testing} in the test."
            )
            found.append(_leak(LeakKind.GROUP, [clip for clip, _ in clips], sentence))
    return found


def _opposed(together: Iterable[Sequence[Entry]]) -> list[list[Entry]]:
    return [
        [one, other]
        for clips in together
        for one, other in combinations(clips, 2)
        if one.label != other.label
    ]


def _conflicts(opposed: Iterable[Sequence[Entry]]) -> list[Leak]:
    pairs = {tuple(sorted(pair, key=lambda entry: entry.name)) for pair in opposed}
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


def _too_few(looks: Sequence[Look]) -> list[str]:
    try:
        splits.refuse_too_few([look.entry for look in looks])
    except splits.TooFewGroupsError as error:
        return [str(error)]
    return []


def _imbalance(entries: Sequence[Entry]) -> list[str]:
    counts = {label: sum(entry.label == label for entry in entries) for label in LABELS}
    (few, fewer), (many, more) = sorted(counts.items(), key=lambda item: item[1])
    if more < IMBALANCE * fewer:
        return []
    return [f"The labels are out of balance: {fewer} clips {few}, {more} {many}."]


def _one_scene(entries: Sequence[Entry]) -> list[str]:
    """A camera of one label is worth a warning where the other label has been elsewhere."""
    scenes = {
        label: {entry.source for entry in entries if entry.label == label} for label in LABELS
    }
    everywhere = set().union(*scenes.values())
    return [
        f"All clips {label} come from one scene ({min(seen) or 'not named'}), others do not: the "
        "scene by itself may tell the labels apart."
        for label, seen in scenes.items()
        if len(seen) == 1 < len(everywhere)
    ]


def _regrouped(looks: Sequence[Look], by: By) -> list[Look]:
    entries = splits.regrouped([look.entry for look in looks], by)
    return [
        Look(entry=entry, facts=look.facts, frame=look.frame)
        for entry, look in zip(entries, looks, strict=True)
    ]
