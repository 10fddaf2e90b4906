"""Finds clips that share footage, by fingerprints aligned in time, without comparing all with all.

Hashes are looked up in an index by thirds of their bits. Where several moments of two clips agree
at one offset, that offset is verified: over the whole stretch that the clips would share, their
hashes have to agree better than those of different events do, by more the shorter it is, and their
backgrounds must not differ. Clips in which nothing moves show no event: two of them are copies if
they look alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from video_classifier.ml.duplicates.fingerprints import RATE, Fingerprint, Hashes

# docs/data.md says how these were found.
UNRELATED = 16.0  # bits of 64 in which different events differ at least, over a long stretch
ENOUGH = 30.0  # evidence, as _evidence has it, that two clips share footage
LEAST_MOMENTS = RATE  # that have to move in both clips, within the stretch that they share
MOST_MOMENTS = 100  # that count: a fan in the background agrees a little for hours
LEAST_VOTES = 3  # lookups that agree on an offset before it is verified
COMMON = (
    1000  # moments: with more of a kind, a third of a hash is not looked up, as it tells little
)
ELSEWHERE = 20  # bits of 64 in which the same seconds of two clips differ if they show two rooms
ALIKE = 8  # bits of 64 in which the pictures of two still clips may differ
NEAR_SHARE = 0.9  # of the shorter clip: with more it is a copy, with less an overlap

_BANDS, _BAND_BITS = 3, 21
_NO_OFFSET = 1 << 31  # more than any offset in moments; offsets fit beside the clip in 64 bits

Numbers = npt.NDArray[np.int64]


class Kind(StrEnum):
    """How two clips are related."""

    EXACT = "exact"  # the same bytes
    NEAR = "near"  # almost all of the shorter one is in the other
    OVERLAP = "overlap"  # two cuts that share a stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two clips that share footage: second t of `a` is second t + `offset_s` of `b`."""

    a: str
    b: str
    kind: Kind
    offset_s: float
    share: float  # of a, 0 to 1
    mirrored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The pairs, and how many pairs of clips were aligned to find them."""

    pairs: tuple[Pair, ...]
    compared: int


def find(
    prints: Mapping[str, Fingerprint], *, after_each: Callable[[], None] = lambda: None
) -> Found:
    """All pairs of clips that share footage, in the order of their names.

    `after_each` is called once for each clip.
    """
    names = _by_content(prints)
    distinct = [prints[same[0]] for same in names]
    pairs = [
        _pair(prints, a, b, _Match(offset=0, mirrored=False))
        for same in names
        for a, b in combinations(same, 2)
    ]
    for number, other, alike in _look_alikes(distinct):
        pairs += [_pair(prints, a, b, alike) for a, b in product(names[number], names[other])]
    index, compared = _Index(distinct), 0
    for number, one in enumerate(distinct):
        candidates = index.candidates(number, one)
        compared += len(candidates)
        for other, offsets in candidates.items():
            if match := _verify(one, distinct[other], offsets):
                both = product(names[number], names[other])
                pairs += [_pair(prints, a, b, match) for a, b in both]
        for _ in names[number]:
            after_each()
    return Found(pairs=tuple(sorted(pairs, key=lambda pair: (pair.a, pair.b))), compared=compared)


def groups(pairs: Iterable[Pair]) -> tuple[tuple[str, ...], ...]:
    """Clips that hang together through the footage they share; never split a group."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = [(pair.a, pair.b) for pair in pairs]
    names, rows = np.unique(np.array(ends, np.str_).reshape(-1, 2), return_inverse=True)
    rows = rows.reshape(-1, 2)
    graph = coo_array((np.ones(len(rows)), rows.T), shape=(len(names), len(names)))
    count, group = connected_components(graph, directed=False)
    return tuple(tuple(names[group == number].tolist()) for number in range(count))


def conflicts(pairs: Iterable[Pair], labels: Mapping[str, str]) -> tuple[Pair, ...]:
    """The pairs that show the same footage under opposite labels."""
    return tuple(pair for pair in pairs if labels[pair.a] != labels[pair.b])


def superfluous(
    groups: Iterable[Sequence[str]],
    prints: Mapping[str, Fingerprint],
    labels: Mapping[str, str],
) -> dict[str, str]:
    """By name of a clip that can go: the best one of its group and label, which stays.

    A group with both labels keeps one of each: which label is right, a person has to say.
    """
    found = {}
    for group in groups:
        for label in sorted({labels[name] for name in group}):
            alike = [name for name in group if labels[name] == label]
            kept = _best(alike, prints)
            found.update({name: kept for name in alike if name != kept})
    return found


def strongest_evidence(a: Fingerprint, b: Fingerprint) -> float:
    """At whatever offset, mirrored or not: what ENOUGH is compared with."""
    offsets = range(-len(a.hashes), len(b.hashes))
    return max(
        _evidence(a, b, _Match(offset, mirrored))
        for offset in offsets
        for mirrored in (False, True)
    )


class _Match(NamedTuple):
    offset: int  # moments
    mirrored: bool


class _Index:
    """Where in which clip a hash with such a third occurs."""

    def __init__(self, prints: Sequence[Fingerprint]) -> None:
        moments = [np.flatnonzero(one.moves) for one in prints]
        self._clip = np.repeat(np.arange(len(prints)), [len(times) for times in moments])
        self._moment = np.concatenate([np.empty(0, np.int64), *moments])
        hashes = [one.hashes[times] for one, times in zip(prints, moments, strict=True)]
        bands = _bands(np.concatenate([np.empty(0, np.uint64), *hashes]))
        self._order = np.argsort(bands, axis=1, kind="stable")
        self._bands = np.take_along_axis(bands, self._order, axis=1)

    def candidates(self, number: int, one: Fingerprint) -> dict[int, list[_Match]]:
        """By clip that comes after `number`: the offsets at which it may share footage with it."""
        found: dict[int, list[_Match]] = {}
        for mirrored, hashes in ((False, one.hashes), (True, one.mirrored)):
            for other, offset in self._agreed(number, hashes[one.moves], np.flatnonzero(one.moves)):
                found.setdefault(other, []).append(_Match(offset, mirrored))
        return found

    def _agreed(self, number: int, hashes: Hashes, moments: Numbers) -> Iterator[tuple[int, int]]:
        hits, asked = self._lookup(hashes)
        later = self._clip[hits] > number
        hits, asked = hits[later], asked[later]
        offsets = self._moment[hits] - moments[asked]
        cells, votes = np.unique(
            self._clip[hits] * (2 * _NO_OFFSET) + offsets + _NO_OFFSET, return_counts=True
        )
        for cell in cells[votes >= LEAST_VOTES].tolist():
            other, offset = divmod(cell, 2 * _NO_OFFSET)
            yield other, offset - _NO_OFFSET

    def _lookup(self, hashes: Hashes) -> tuple[Numbers, Numbers]:
        """Rows of the index that have a third in common with a hash, and the rows of these."""
        hits, asked = [], []
        for wanted, band, order in zip(_bands(hashes), self._bands, self._order, strict=True):
            first = np.searchsorted(band, wanted, "left")
            count = np.searchsorted(band, wanted, "right") - first
            count[count > COMMON] = 0
            within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
            hits.append(order[np.repeat(first, count) + within])
            asked.append(np.repeat(np.arange(len(hashes)), count))
        return np.concatenate(hits), np.concatenate(asked)


def _bands(hashes: Hashes) -> Numbers:
    """(3, n): each hash in three numbers, coarse and fine bits dealt out to all of them.

    The first bit is left out: it is the mean's, and the same for all.
    """
    bits = np.unpackbits(hashes.view(np.uint8).reshape(-1, 8), axis=1)[:, 1:]
    weights = 1 << np.arange(_BAND_BITS)
    return np.stack([bits[:, band::_BANDS] @ weights for band in range(_BANDS)])


def _look_alikes(prints: Sequence[Fingerprint]) -> Iterator[tuple[int, int, _Match]]:
    """Pairs of still clips; a number each, they are compared all with all at once."""
    stills = [number for number, one in enumerate(prints) if _is_still(one)]
    looks = np.array([prints[number].looks[0] for number in stills], np.uint64)
    for row, number in enumerate(stills):
        apart = np.bitwise_count(prints[number].looks[:, None] ^ looks[row + 1 :])
        for later in np.flatnonzero(apart.min(axis=0) <= ALIKE).tolist():
            mirrored = bool(apart[1, later] < apart[0, later])
            yield number, stills[row + 1 + later], _Match(offset=0, mirrored=mirrored)


def _is_still(one: Fingerprint) -> bool:
    """Whether hardly anything moves; a clip too short to show an event is not still by that."""
    return bool(one.moves.sum() < min(LEAST_MOMENTS, len(one.moves) / 2))


def _verify(a: Fingerprint, b: Fingerprint, candidates: Iterable[_Match]) -> _Match | None:
    """The candidate at which the clips agree best, if they agree enough and show one room."""
    evidence, match = max((_evidence(a, b, match), match) for match in candidates)
    return match if evidence >= ENOUGH and not _is_elsewhere(a, b, match) else None


def _is_elsewhere(a: Fingerprint, b: Fingerprint, match: _Match) -> bool:
    """Whether the stretch that clips would share has another background in each.

    What moves alike before it then moves in any clip: a clock, a logo, a fan.
    """
    ahead = round(match.offset / RATE)
    start, end = max(0, -ahead), min(len(a.rooms), len(b.rooms) - ahead)
    rooms, others = a.rooms[start:end, 0], b.rooms[start + ahead : end + ahead, int(match.mirrored)]
    return bool(rooms.size) and float(np.median(np.bitwise_count(rooms ^ others))) > ELSEWHERE


def _evidence(a: Fingerprint, b: Fingerprint, match: _Match) -> float:
    """How many bits better than unrelated the moments agree in which both clips move.

    The mean over the stretch, in units of what chance does to it: times the root of its length.
    """
    start, end = max(0, -match.offset), min(len(a.hashes), len(b.hashes) - match.offset)
    if end - start < LEAST_MOMENTS:
        return 0.0
    in_a, in_b = slice(start, end), slice(start + match.offset, end + match.offset)
    moves = a.moves[in_a] & b.moves[in_b]
    if moves.sum() < LEAST_MOMENTS:
        return 0.0
    both = [(a.hashes, b.hashes)]
    if match.mirrored:  # either clip may be the one, and their hashes are not exact mirrors
        both = [(a.mirrored, b.hashes), (a.hashes, b.mirrored)]
    distance = np.mean([np.bitwise_count(x[in_a] ^ y[in_b])[moves] for x, y in both])
    return float((UNRELATED - distance) * np.sqrt(min(moves.sum(), MOST_MOMENTS)))


def _best(names: Sequence[str], prints: Mapping[str, Fingerprint]) -> str:
    """The longest clip; the sharpest, if others are as long to half a second."""
    longest = max(prints[name].seconds for name in names)
    long = [name for name in names if prints[name].seconds > longest - 0.5]
    return max(long, key=lambda name: prints[name].sharpness)


def _by_content(prints: Mapping[str, Fingerprint]) -> list[list[str]]:
    """The names, those of the same bytes together."""
    found: dict[str, list[str]] = {}
    for name in sorted(prints):
        found.setdefault(prints[name].sha256, []).append(name)
    return list(found.values())


def _pair(prints: Mapping[str, Fingerprint], a: str, b: str, match: _Match) -> Pair:
    offset = match.offset / RATE
    if a > b:
        a, b, offset = b, a, -offset
    one, other = prints[a], prints[b]
    shared = min(one.seconds, other.seconds - offset) - max(0.0, -offset)
    if one.sha256 == other.sha256:
        kind = Kind.EXACT
    else:
        near = shared >= NEAR_SHARE * min(one.seconds, other.seconds)
        kind = Kind.NEAR if near else Kind.OVERLAP
    return Pair(
        a=a,
        b=b,
        kind=kind,
        offset_s=offset,
        share=round(shared / one.seconds, 3),
        mirrored=match.mirrored,
    )
