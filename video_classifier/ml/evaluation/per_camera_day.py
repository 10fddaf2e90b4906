"""False hints per camera-day of clips with cameras and days, as manage.py export_reviewed writes.

The figure that a shop feels. A rate has an exact Poisson interval, and the number of independent
recordings beside it; nothing rarer than one in all days is claimed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from video_classifier.ml.contracts import NON_SHOPLIFTER
from video_classifier.ml.data import manifest
from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.evaluation.evaluate import Evaluation, ScoredClip
from video_classifier.ml.measures.poisson import Rate

NEEDED = ("camera", "day")
SHARE = "share_of_day"  # a column that may be missing
WITHOUT_SHARE = (
    "A day counts as a whole camera-day if it has a row: where the manifest leaves out days "
    "without a hint, the rates are too high. A column share_of_day says how much of each was "
    "scored."
)
ONLY_REVIEWED = (
    "Only what is in the manifest counts: a set of reviewed events has none of the false hints "
    "that another model would give elsewhere."
)
UNDATED = "{count} clips have no camera or no day in the manifest, and are left out."


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraDay:
    """Which camera's day a clip is of, and how much of that day was scored."""

    camera: str
    day: str
    share: float | None = None  # above 0; 1 is a whole camera-day; None: the manifest doesn't say


@dataclass(frozen=True, slots=True, kw_only=True)
class PerCameraDay:
    """False hints a camera-day."""

    cameras: Mapping[str, Rate]  # in order of their names
    all: Rate | None  # None without a clip that has a day
    notes: tuple[str, ...]  # sentences


def read(table: Path) -> Mapping[str, CameraDay]:
    """The days of a manifest's clips by their names; those without a camera or a day are left out.

    Its columns are camera, day, and maybe share_of_day, the same in all rows of one day. Raises
    ManifestError.
    """
    rows = manifest.rows(table, NEEDED[0])
    if not set(NEEDED) <= rows[0].keys():
        msg = f"The manifest {table} needs the columns {' and '.join(NEEDED)}."
        raise ManifestError(msg)
    days = {
        (row["path"] or "").strip(): CameraDay(
            camera=(row["camera"] or "").strip(),
            day=(row["day"] or "").strip(),
            share=_share(table, (row.get(SHARE) or "").strip()),
        )
        for row in rows
        if (row["camera"] or "").strip() and (row["day"] or "").strip()
    }
    _lengths(days.values(), table)
    return days


def measure(evaluation: Evaluation, days: Mapping[str, CameraDay]) -> PerCameraDay:
    """Of the clips of an evaluation; each candidate of an ordinary clip that is a hint counts.

    A recording is a take, or a clip without one. Clips with a theft and clips without a result add
    to the days and the recordings, but give no false hint.
    """
    clips: defaultdict[str, list[ScoredClip]] = defaultdict(list)
    names: defaultdict[str, set[str]] = defaultdict(set)
    scored = {clip.entry.name: clip for clip in evaluation.scored}
    entries = [each.entry for each in evaluation.scored]
    entries += [each.entry for each in evaluation.unscored]
    for entry in entries:
        if (of := days.get(entry.name)) is not None:
            names[of.camera].add(entry.take or entry.name)
            if entry.name in scored and entry.label == NON_SHOPLIFTER:
                clips[of.camera].append(scored[entry.name])
    lengths = _lengths(
        (days[entry.name] for entry in entries if entry.name in days), "with these clips"
    )
    rates = {
        camera: Rate(
            count=sum(_hints(clip, evaluation.threshold) for clip in clips[camera]),
            days=lengths[camera],
            recordings=len(names[camera]),
        )
        for camera in sorted(names)
    }
    return PerCameraDay(
        cameras=rates,
        all=_sum(rates.values()),
        notes=tuple(_notes(days, sum(entry.name not in days for entry in entries))),
    )


def to_json(found: PerCameraDay) -> dict[str, object]:
    """Plain values; rates are false hints a camera-day with their 95 % intervals."""
    return {
        "all": None if found.all is None else _plain(found.all),
        "cameras": {camera: _plain(rate) for camera, rate in found.cameras.items()},
        "notes": list(found.notes),
    }


def _plain(rate: Rate) -> dict[str, float]:
    return {
        "false_hints": rate.count,
        "camera_days": rate.days,
        "recordings": rate.recordings,
        "value": rate.value,
        "low": rate.low,
        "high": rate.high,
    }


def _hints(clip: ScoredClip, threshold: float) -> int:
    return sum(score >= threshold for score in clip.candidates or (clip.score,))


def _sum(rates: Iterable[Rate]) -> Rate | None:
    each = tuple(rates)
    if not each:
        return None
    return Rate(
        count=sum(rate.count for rate in each),
        days=sum(rate.days for rate in each),
        recordings=sum(rate.recordings for rate in each),
    )


def _notes(days: Mapping[str, CameraDay], undated: int) -> Sequence[str]:
    notes = [ONLY_REVIEWED]
    if any(each.share is None for each in days.values()):
        notes.insert(0, WITHOUT_SHARE)
    if undated:
        notes.append(UNDATED.format(count=undated))
    return notes


def _lengths(days: Iterable[CameraDay], where: object) -> Mapping[str, float]:
    """Camera-days of each camera. Raises ManifestError for a day that has two lengths."""
    known: dict[tuple[str, str], float | None] = {}
    for each in days:
        place = each.camera, each.day
        if known.setdefault(place, each.share) != each.share:
            msg = f"{each.camera}, {each.day} has different values of {SHARE} ({where})."
            raise ManifestError(msg)
    lengths: defaultdict[str, float] = defaultdict(float)
    for (camera, _), share in known.items():
        lengths[camera] += 1.0 if share is None else share
    return lengths


def _share(table: Path, text: str) -> float | None:
    if not text:
        return None
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not (isfinite(share) and share > 0):
        msg = f"The manifest {table} has the {SHARE} “{text}”; it is a number above 0."
        raise ManifestError(msg)
    return share
