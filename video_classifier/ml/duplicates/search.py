"""Finds clips that share footage by locality-sensitive hashing (LSH), then verifies by alignment.

The index holds three bands of 21 bits of each motion hash (Indyk & Motwani, "Approximate Nearest
Neighbors", STOC 1998). Where several moments of two clips share a band at one offset, that offset
is verified: over the whole stretch that the clips would share, the Hamming distance of their
hashes has to be below that of unrelated events, by more the shorter the stretch is, and their
backgrounds have to match. Clips without motion have no such hashes: two of them are copies if their
mean pictures match.
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
UNRELATED_DISTANCE = (
    16.0  # bits of 64: the least mean distance of unrelated events over a long stretch
)
MIN_EVIDENCE = 30.0  # of `_evidence`, for two clips to share footage
MIN_MOMENTS = RATE  # with motion in both clips, in the stretch that they share
MAX_MOMENTS = 100  # that count: a fan in the background matches slightly, for hours
MIN_VOTES = 3  # band matches at one offset, for it to be verified
MAX_BUCKET = 1000  # moments with one value of a band; larger buckets are skipped as uninformative
MAX_BACKGROUND_DISTANCE = 20  # bits of 64, between mean pictures of the same seconds in one room
MAX_STILL_DISTANCE = 8  # bits of 64, between mean pictures of two copies without motion
NEAR_SHARE = 0.9  # of the shorter clip: from here on it is a copy, below an overlap

_BANDS, _BAND_BITS = 3, 21
_MAX_OFFSET = 1 << 31  # moments, exclusive; packed with the clip's number into 64 bits

Numbers = npt.NDArray[np.int64]


class DuplicateKind(StrEnum):
    """How two clips are related."""

    EXACT = "exact"  # the same bytes
    NEAR = "near"  # almost all of the shorter one is in the other
    OVERLAP = "overlap"  # two cuts that share a stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two clips that share footage: second t of `a` is second t + `offset_s` of `b`."""

    a: str
    b: str
    kind: DuplicateKind
    offset_s: float
    share: float  # of a, 0 to 1
    mirrored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The pairs that share footage, and how many pairs were aligned to find them."""

    pairs: tuple[Pair, ...]
    aligned: int


def find(
    prints: Mapping[str, Fingerprint], *, advance: Callable[[], None] = lambda: None
) -> SearchResult:
    """All pairs of clips that share footage, sorted by name; `prints` are by name.

    `advance` is called once for each clip.
    """
    names = _by_content(prints)
    distinct = [prints[same[0]] for same in names]
    pairs = [
        _pair(prints, a, b, _Alignment(offset=0, mirrored=False))
        for same in names
        for a, b in combinations(same, 2)
    ]
    for number, other, alignment in _still_copies(distinct):
        pairs += [_pair(prints, a, b, alignment) for a, b in product(names[number], names[other])]
    index, aligned = _Index(distinct), 0
    for number, one in enumerate(distinct):
        candidates = index.candidates(number, one)
        aligned += len(candidates)
        for other, offsets in candidates.items():
            if verified := _verify(one, distinct[other], offsets):
                both = product(names[number], names[other])
                pairs += [_pair(prints, a, b, verified) for a, b in both]
        for _ in names[number]:
            advance()
    pairs.sort(key=lambda pair: (pair.a, pair.b))
    return SearchResult(pairs=tuple(pairs), aligned=aligned)


def groups(pairs: Iterable[Pair]) -> tuple[tuple[str, ...], ...]:
    """Connected components of the graph of shared footage, which a split must keep together."""
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
    """The redundant clips, by name, each with the name of the best of its group, which stays.

    A group with both labels keeps one of each: a person has to decide which label is right.
    """
    kept_instead = {}
    for group in groups:
        for label in sorted({labels[name] for name in group}):
            alike = [name for name in group if labels[name] == label]
            best = _best_copy(alike, prints)
            kept_instead.update({name: best for name in alike if name != best})
    return kept_instead


def max_evidence(a: Fingerprint, b: Fingerprint) -> float:
    """The most evidence at any offset, mirrored or not; compare it with MIN_EVIDENCE."""
    offsets = range(-len(a.hashes), len(b.hashes))
    return max(
        _evidence(a, b, _Alignment(offset, mirrored))
        for offset in offsets
        for mirrored in (False, True)
    )


class _Alignment(NamedTuple):
    """Moment t of one clip is moment t + offset of the other."""

    offset: int
    mirrored: bool


class _Index:
    """An LSH index: the clips and moments of each value of each band."""

    def __init__(self, prints: Sequence[Fingerprint]) -> None:
        moments = [np.flatnonzero(one.has_motion) for one in prints]
        self._clip = np.repeat(np.arange(len(prints)), [len(times) for times in moments])
        self._moment = np.concatenate([np.empty(0, np.int64), *moments])
        hashes = [one.hashes[times] for one, times in zip(prints, moments, strict=True)]
        bands = _bands(np.concatenate([np.empty(0, np.uint64), *hashes]))
        self._order = np.argsort(bands, axis=1, kind="stable")
        self._bands = np.take_along_axis(bands, self._order, axis=1)

    def candidates(self, number: int, one: Fingerprint) -> dict[int, list[_Alignment]]:
        """By number of a later clip: the alignments at which it may share footage with this one."""
        candidates: dict[int, list[_Alignment]] = {}
        for mirrored, hashes in ((False, one.hashes), (True, one.mirrored)):
            for other, offset in self._offsets(
                number, hashes[one.has_motion], np.flatnonzero(one.has_motion)
            ):
                candidates.setdefault(other, []).append(_Alignment(offset, mirrored))
        return candidates

    def _offsets(self, number: int, hashes: Hashes, moments: Numbers) -> Iterator[tuple[int, int]]:
        hits, queries = self._lookup(hashes)
        later = self._clip[hits] > number
        hits, queries = hits[later], queries[later]
        offsets = self._moment[hits] - moments[queries]
        cells, votes = np.unique(
            self._clip[hits] * (2 * _MAX_OFFSET) + offsets + _MAX_OFFSET, return_counts=True
        )
        for cell in cells[votes >= MIN_VOTES].tolist():
            other, offset = divmod(cell, 2 * _MAX_OFFSET)
            yield other, offset - _MAX_OFFSET

    def _lookup(self, hashes: Hashes) -> tuple[Numbers, Numbers]:
        """Index rows that share an LSH band with a query hash, and the matching query rows."""
        hits, queries = [], []
        for wanted, band, order in zip(_bands(hashes), self._bands, self._order, strict=True):
            first = np.searchsorted(band, wanted, "left")
            count = np.searchsorted(band, wanted, "right") - first
            count[count > MAX_BUCKET] = 0
            within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
            hits.append(order[np.repeat(first, count) + within])
            queries.append(np.repeat(np.arange(len(hashes)), count))
        return np.concatenate(hits), np.concatenate(queries)


def _bands(hashes: Hashes) -> Numbers:
    """(3, n): three bands of each hash, with its coarse and fine bits interleaved.

    The first bit is left out: it is that of the mean, and equal for all.
    """
    bits = np.unpackbits(hashes.view(np.uint8).reshape(-1, 8), axis=1)[:, 1:]
    weights = 1 << np.arange(_BAND_BITS)
    return np.stack([bits[:, band::_BANDS] @ weights for band in range(_BANDS)])


def _still_copies(prints: Sequence[Fingerprint]) -> Iterator[tuple[int, int, _Alignment]]:
    """Pairs of copies among the clips without motion, which are compared exhaustively."""
    stills = [number for number, one in enumerate(prints) if _is_still(one)]
    means = np.array([prints[number].mean_hashes[0] for number in stills], np.uint64)
    for row, number in enumerate(stills):
        distance = np.bitwise_count(prints[number].mean_hashes[:, None] ^ means[row + 1 :])
        for later in np.flatnonzero(distance.min(axis=0) <= MAX_STILL_DISTANCE).tolist():
            mirrored = bool(distance[1, later] < distance[0, later])
            yield number, stills[row + 1 + later], _Alignment(offset=0, mirrored=mirrored)


def _is_still(one: Fingerprint) -> bool:
    """Whether hardly anything moves. A very short clip needs motion in half of its moments only."""
    return bool(one.has_motion.sum() < min(MIN_MOMENTS, len(one.has_motion) / 2))


def _verify(a: Fingerprint, b: Fingerprint, candidates: Iterable[_Alignment]) -> _Alignment | None:
    """The candidate with the most evidence, if that is enough and the backgrounds match."""
    evidence, best = max((_evidence(a, b, candidate), candidate) for candidate in candidates)
    return best if evidence >= MIN_EVIDENCE and not _backgrounds_differ(a, b, best) else None


def _backgrounds_differ(a: Fingerprint, b: Fingerprint, alignment: _Alignment) -> bool:
    """Whether the stretch that the clips would share has a different background in each.

    The common motion is then something found in many clips: a clock, a logo, a fan.
    """
    ahead = round(alignment.offset / RATE)
    start, end = max(0, -ahead), min(len(a.background_hashes), len(b.background_hashes) - ahead)
    rooms, others = (
        a.background_hashes[start:end, 0],
        b.background_hashes[start + ahead : end + ahead, int(alignment.mirrored)],
    )
    return (
        bool(rooms.size)
        and float(np.median(np.bitwise_count(rooms ^ others))) > MAX_BACKGROUND_DISTANCE
    )


def _evidence(a: Fingerprint, b: Fingerprint, alignment: _Alignment) -> float:
    """How far the mean Hamming distance is below UNRELATED_DISTANCE, where both clips have motion.

    In bits, times the square root of the number of moments, since chance shrinks the spread of a
    mean by that.
    """
    start, end = max(0, -alignment.offset), min(len(a.hashes), len(b.hashes) - alignment.offset)
    if end - start < MIN_MOMENTS:
        return 0.0
    in_a, in_b = slice(start, end), slice(start + alignment.offset, end + alignment.offset)
    has_motion = a.has_motion[in_a] & b.has_motion[in_b]
    if has_motion.sum() < MIN_MOMENTS:
        return 0.0
    both = [(a.hashes, b.hashes)]
    if alignment.mirrored:  # either clip may be the one, and their hashes are not exact mirrors
        both = [(a.mirrored, b.hashes), (a.hashes, b.mirrored)]
    distance = np.mean([np.bitwise_count(x[in_a] ^ y[in_b])[has_motion] for x, y in both])
    return float((UNRELATED_DISTANCE - distance) * np.sqrt(min(has_motion.sum(), MAX_MOMENTS)))


def _best_copy(names: Sequence[str], prints: Mapping[str, Fingerprint]) -> str:
    """The longest clip; among those within half a second of it the sharpest."""
    longest = max(prints[name].seconds for name in names)
    long = [name for name in names if prints[name].seconds > longest - 0.5]
    return max(long, key=lambda name: prints[name].sharpness)


def _by_content(prints: Mapping[str, Fingerprint]) -> list[list[str]]:
    """The names, grouped by the files' bytes."""
    same: dict[str, list[str]] = {}
    for name in sorted(prints):
        same.setdefault(prints[name].sha256, []).append(name)
    return list(same.values())


def _pair(prints: Mapping[str, Fingerprint], a: str, b: str, alignment: _Alignment) -> Pair:
    offset = alignment.offset / RATE
    if a > b:
        a, b, offset = b, a, -offset
    one, other = prints[a], prints[b]
    shared = min(one.seconds, other.seconds - offset) - max(0.0, -offset)
    if one.sha256 == other.sha256:
        kind = DuplicateKind.EXACT
    else:
        near = shared >= NEAR_SHARE * min(one.seconds, other.seconds)
        kind = DuplicateKind.NEAR if near else DuplicateKind.OVERLAP
    return Pair(
        a=a,
        b=b,
        kind=kind,
        offset_s=offset,
        share=round(shared / one.seconds, 3),
        mirrored=alignment.mirrored,
    )
