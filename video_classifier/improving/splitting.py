"""What a head learns from and what it is tested on, with no footage on both sides."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from video_classifier.improving.errors import ImproveError
from video_classifier.improving.reading import Reviewed
from video_classifier.ml.audit import leaks
from video_classifier.ml.contracts import ClipError
from video_classifier.ml.data.grouping import Duplicates
from video_classifier.ml.data.splits import Split
from video_classifier.ml.duplicates import fingerprints, search

TEST_DAYS = 7  # the last ones are tested on
LEAST = 5  # of each label, to learn from

TOO_FEW_LEFT = (
    "Without the last {days} days, which it is tested on, {thefts} confirmed events and {ordinary} "
    "false alarms are left to learn from; it takes {least} of each. Answer more events, or wait a "
    "week."
)
NOTHING_TO_TEST = (
    "There is nothing to test on: of the last {days} days with answers no event is left. Answer "
    "more events, or wait a week."
)
LEAKS = "Some footage is on both sides of the test, so that its figures would be flattered: {why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    train: tuple[Reviewed, ...]
    test: tuple[Reviewed, ...]
    camera: str  # that nothing is learned from; "" if there is only one, or too little elsewhere


def without_copies(some: Sequence[Reviewed]) -> tuple[tuple[Reviewed, ...], Counter[str]]:
    """Each footage once, the later one, so that it is tested on; none if its labels differ."""
    left_out: Counter[str] = Counter()
    gone: set[str] = set()
    prints = {}
    for each in some:
        try:
            prints[each.entry.name] = fingerprints.compute(each.entry.path)
        except ClipError:
            gone.add(each.entry.name)
            left_out["unreadable"] += 1
    pairs = search.find(prints).pairs
    for pair in search.conflicts(pairs, {each.entry.name: each.entry.label for each in some}):
        left_out["contradicted"] += len({pair.a, pair.b} - gone)
        gone |= {pair.a, pair.b}
    order = {each.entry.name: number for number, each in enumerate(some)}
    for pair in pairs:
        if pair.a not in gone and pair.b not in gone:
            gone.add(min(pair.a, pair.b, key=order.__getitem__))
            left_out["copies"] += 1
    return tuple(each for each in some if each.entry.name not in gone), left_out


def split(some: Sequence[Reviewed]) -> tuple[Parts, int]:
    """By time and by camera; and how many were left out as they would have been on both sides.

    Raises ImproveError if too little is left on a side.
    """
    last = max((each.day for each in some if each.day), default=None)
    since = last and last - timedelta(days=TEST_DAYS - 1)
    late = {each.event for each in some if since and each.day and each.day >= since}
    camera = _left_out(some, late)
    test = [each for each in some if each.event in late or (camera and each.camera == camera)]
    tested = {each.event for each in test}
    groups = {each.entry.group for each in test}
    takes = {each.entry.take for each in test if each.entry.take}
    rest = [each for each in some if each.event not in tested]
    train = [each for each in rest if each.entry.group not in groups]
    train = [each for each in train if each.entry.take not in takes]
    parts = Parts(train=tuple(train), test=tuple(test), camera=camera)
    check(parts)
    return parts, len(rest) - len(train)


def check(parts: Parts) -> None:
    """Raises ImproveError if too little is left on a side."""
    counts = Counter(each.entry.target for each in parts.train)
    if min(counts[0], counts[1]) < LEAST:
        msg = TOO_FEW_LEFT.format(days=TEST_DAYS, thefts=counts[1], ordinary=counts[0], least=LEAST)
        raise ImproveError(msg)
    if not parts.test:
        raise ImproveError(NOTHING_TO_TEST.format(days=TEST_DAYS))


def only(parts: Parts, events: Collection[int]) -> Parts:
    """Of these events alone."""
    train, test = (
        tuple(each for each in side if each.event in events) for side in (parts.train, parts.test)
    )
    return Parts(train=train, test=test, camera=parts.camera)


def audit(parts: Parts) -> None:
    """Raises ImproveError if any footage is on both sides."""
    entries = [each.entry for each in (*parts.train, *parts.test)]
    sides = [Split.TRAIN] * len(parts.train) + [Split.TEST] * len(parts.test)
    if found := leaks.leaks(entries, sides, Duplicates()):
        raise ImproveError(LEAKS.format(why=found[0].sentence))


def _left_out(some: Sequence[Reviewed], late: set[int]) -> str:
    """The camera with the fewest answers of those without which there is enough to learn from."""
    of_camera: dict[str, list[Reviewed]] = defaultdict(list)
    for each in some:
        of_camera[each.camera].append(each)
    named = sorted((name for name in of_camera if name), key=lambda name: len(of_camera[name]))
    for name in named if len(of_camera) > 1 else ():
        rest = Counter(
            each.entry.target for each in some if each.camera != name and each.event not in late
        )
        if min(rest[0], rest[1]) >= LEAST:
            return name
    return ""
