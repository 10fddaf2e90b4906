"""Measures the search for duplicates on clips whose shared footage is known."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path
from zlib import crc32

from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.duplicates import alterations, fingerprints, search
from video_classifier.ml.duplicates.fingerprints import Fingerprint
from video_classifier.ml.duplicates.search import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Two clips that are known to share footage."""

    a: str
    b: str
    share: float  # of a
    same_label: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """So many hits among a total."""

    found: int
    total: int

    def __str__(self) -> str:
        share = f" ({self.found / self.total:.1%})" if self.total else ""
        return f"{self.found:,} of {self.total:,}{share}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """The evidence on both sides of search.MIN_EVIDENCE, without what the index would miss."""

    max_unrelated: float  # between clips of different takes
    min_overlap: float  # between clips that are known to share footage


def read_takes(table: Path) -> dict[str, str]:
    """The take (recording) that each clip was cut from, by its path in the manifest.

    Raises ManifestError.
    """
    with table.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    if not rows or not rows[0].get("take"):
        msg = f"The manifest {table} needs a column take: the recording a clip was cut from."
        raise ManifestError(msg)
    return {row["path"].strip(): row["take"].strip() for row in rows}


def read_overlaps(table: Path, names: Iterable[str]) -> tuple[Overlap, ...]:
    """A CSV with clip_a, clip_b (names without folder and suffix), share and same_label.

    Raises ManifestError if it can't be used, or names clips that are not among `names`.
    """
    by_stem = {Path(name).stem: name for name in names}
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            return tuple(
                Overlap(
                    a=by_stem[row["clip_a"]],
                    b=by_stem[row["clip_b"]],
                    share=float(row["shared_share_of_a"]),
                    same_label=row["same_label"] == "True",
                )
                for row in csv.DictReader(file)
            )
    except (OSError, ValueError) as error:
        msg = f"The table of overlaps {table} can't be read: {error}."
        raise ManifestError(msg) from error
    except KeyError as error:
        msg = f"The table of overlaps {table} has no column or no clip {error}."
        raise ManifestError(msg) from error


def count(overlaps: Sequence[Overlap], pairs: Iterable[Pair]) -> Count:
    """How many of the known overlaps were found: the recall."""
    matched = {frozenset((pair.a, pair.b)) for pair in pairs}
    hits = sum(frozenset((one.a, one.b)) in matched for one in overlaps)
    return Count(found=hits, total=len(overlaps))


def false_positives(
    names: Sequence[str], takes: Mapping[str, str], pairs: Iterable[Pair]
) -> tuple[Count, tuple[Pair, ...]]:
    """How many of all pairs from different takes were called duplicates, and which."""
    wrong = tuple(pair for pair in pairs if takes[pair.a] != takes[pair.b])
    total = sum(takes[a] != takes[b] for a, b in combinations(names, 2))
    return Count(found=len(wrong), total=total), wrong


def margin(
    prints: Mapping[str, Fingerprint],
    takes: Mapping[str, str],
    overlaps: Iterable[Overlap],
    *,
    advance: Callable[[], None] = lambda: None,
) -> Margin:
    """Compares clips at every offset. `advance` is called once for each clip."""
    known = {frozenset((one.a, one.b)) for one in overlaps}
    unrelated, shared = [], []
    for number, a in enumerate(prints):
        for b in islice(prints, number):
            if frozenset((a, b)) in known:
                shared.append(search.max_evidence(prints[a], prints[b]))
            elif takes[a] != takes[b]:
                unrelated.append(search.max_evidence(prints[a], prints[b]))
        advance()
    return Margin(max_unrelated=max(unrelated, default=0.0), min_overlap=min(shared, default=0.0))


def half_of_takes(take: str) -> int:
    """0 or 1: the half of all takes that this one is in, by a hash of its name."""
    return crc32(take.encode()) % 2


def altered_copies(
    clips: Mapping[str, Path],
    prints: Mapping[str, Fingerprint],
    *,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Count]:
    """How many altered copies were matched to their clip, among all `prints`, by alteration.

    Clips shorter than three cuts are not cut. `advance` is called once for each clip.
    """
    copies: dict[str, dict[str, str]] = {one.name: {} for one in alterations.ALL}
    known = dict(prints)
    for name, path in clips.items():
        for alteration in alterations.ALL:
            if not alteration.cuts or prints[name].seconds >= 3 * alterations.CUT:
                copy = f"{name} ({alteration.name})"
                copies[alteration.name][copy] = name
                known[copy] = _fingerprint_of_copy(path, alteration)
        advance()
    pairs = {(pair.a, pair.b) for pair in search.find(known).pairs}
    return {
        alteration: Count(
            found=sum((name, copy) in pairs for copy, name in made.items()), total=len(made)
        )
        for alteration, made in copies.items()
    }


def _fingerprint_of_copy(clip: Path, alteration: alterations.Alteration) -> Fingerprint:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"copy{alteration.suffix}"
        return fingerprints.compute(alterations.write(clip, target, alteration))
