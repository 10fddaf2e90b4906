"""From a folder of reviewed events to a version of a model: a head, its card, and a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from video_classifier.improving import fitting, reading, splitting
from video_classifier.improving.fitting import Fitted
from video_classifier.improving.reading import Network, Seen
from video_classifier.improving.splitting import Parts
from video_classifier.ml import files
from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import Integers
from video_classifier.ml.measures.poisson import paired_difference
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import Card
from video_classifier.ml.serving.head import Head
from video_classifier.ml.training import old_footage
from video_classifier.ml.training.nearby import NearbySettings
from video_classifier.ml.training.old_footage import OldFootage

REPORT = "report.json"

READING = "Looking for footage that is in it twice"
SEEING = "Looking at event {number} of {count}"
FITTING = "Learning"

MEASURED = (
    "On what people of the store agree on of the last {days} days{camera}, which it didn't learn "
    "from: docs/model-versions.md."
)
OWN_STORE = "It learned from one store's reviews. Nothing is known of how it does at another."
OLD_STORE = "Nor is it known how it does with the footage that the model before it learned from."
OLD_FOOTAGE = "Its page says how it does with the footage that the model before it learned from."

OnStage = Callable[[str], None]


def improve(  # noqa: PLR0913
    folder: Path,
    model: Path,
    target: Path,
    *,
    detector: Path,
    in_use: Path | None = None,
    cache: Path | None = None,
    on_stage: OnStage = lambda _: None,
) -> None:
    """Writes a version of `model` to `target`: `head.npz`, `card.json`, and `report.json`.

    `folder` holds reviewed events as services.review_exports writes them. `in_use` is the version
    that it is compared with; None: the model as it ships. Raises ImproveError, and BundleError if
    the model can't learn here.
    """
    some, network = reading.read(folder), Network(model, detector)
    old = old_footage.read(model, network.card)
    on_stage(READING)
    some, left_out = splitting.without_copies(some)
    parts, on_both = splitting.split(some)
    left_out["on both sides"] += on_both
    splitting.audit(parts)
    everything = (*parts.train, *parts.test)
    seen, unseen = reading.see_all(
        everything,
        network,
        Cache(cache),
        advance=lambda number: on_stage(SEEING.format(number=number, count=len(everything))),
    )
    left_out["nobody in them"] += unseen
    parts = splitting.only(parts, {each.reviewed.event for each in seen})
    splitting.check(parts)
    on_stage(FITTING)
    learned = {each.event for each in parts.train}
    fitted = fitting.fit(network, [each for each in seen if each.reviewed.event in learned], old)
    before = bundle.read_version(in_use, model)[1] if in_use else None
    tested = [each for each in seen if each.reviewed.event not in learned]
    report = _report(network, parts, tested, before=before, after=fitted, in_use=in_use)
    if old is not None:
        report["figures"] |= _forgotten(old, fitted, in_use)
    left_out["known to what is in use"] += report.pop("not_compared")
    report["left_out"] = {name: count for name, count in left_out.items() if count}
    _write(target, network, fitted, parts, report)
    if old is not None:
        fitting.write_old(target, old, fitted)


def _report(  # noqa: PLR0913
    network: Network,
    parts: Parts,
    tested: Sequence[Seen],
    *,
    before: Head | None,
    after: Fitted,
    in_use: Path | None,
) -> dict[str, Any]:
    """As a row of a version keeps it: plain values."""
    everything = (*parts.train, *parts.test)
    days = sorted(each.day for each in everything if each.day)
    card = bundle.read_card(in_use) if in_use else network.card
    old, new = (fitting.scores_of(network, tested, head) for head in (before, after.head))
    targets, groups = fitting.targets_of(tested), fitting.groups_of(tested)
    is_new = _is_new_to(card, tested)
    hints = (old >= card.threshold, new >= after.threshold)
    people = {number for each in everything for number in each.reviewers}
    return {
        "cameras": sorted({each.camera for each in everything if each.camera}),
        "days": [days[0].isoformat(), days[-1].isoformat()] if days else [],
        "reviewers": len(people),
        "train": _counts([each.entry.target for each in parts.train]),
        "test": _counts(targets.tolist()) | {"days": splitting.TEST_DAYS, "camera": parts.camera},
        "in_use": bundle.called(in_use) if in_use else card.name,
        "threshold": [after.threshold, after.why_threshold],
        "confidence": after.why_confidence,
        "figures": _paired(targets[is_new], groups[is_new], *(each[is_new] for each in hints)),
        "not_compared": int((~is_new).sum()),
        "events": [
            {
                "event": each.reviewed.event,
                "is_theft": bool(each.reviewed.entry.target),
                "before": round(float(one), 4),
                "after": round(float(other), 4),
            }
            for each, one, other in zip(tested, old, new, strict=True)
        ],
        "learned": [each.event for each in parts.train],
    }


def _is_new_to(card: Card, tested: Sequence[Seen]) -> npt.NDArray[np.bool_]:
    """(n,): whether what is in use hasn't learned from it: a version may know the camera."""
    learned = {sha256[:_TAKE] for sha256 in card.training.get("clips_sha256", ())}
    return np.array([each.reviewed.entry.take not in learned for each in tested], np.bool_)


_TAKE = 16  # characters of a clip's SHA-256, as services.review_exports names takes


def _counts(targets: Sequence[int]) -> dict[str, int]:
    count = Counter(targets)
    return {"thefts": count[1], "false_alarms": count[0]}


def _forgotten(old: OldFootage, fitted: Fitted, in_use: Path | None) -> dict[str, Any]:
    """What becomes of the old footage, each person by heads that hadn't seen them."""
    before = fitting.read_old(in_use, old) if in_use else old.scores
    if fitted.old is None or before is None:
        return {}
    hints = (fitting.hints_of(old, scores) for scores in (before, fitted.old))
    found = _paired(old.targets, old.groups, *hints)
    return {f"old_{name}": figure for name, figure in found.items()}


def _paired(
    targets: Integers, groups: npt.NDArray[np.generic], before: Any, after: Any
) -> dict[str, Any]:
    """What is a hint before and after, of both labels, with the change and its interval.

    Independent are only the groups.
    """
    found: dict[str, Any] = {}
    for name, target in (("false_alarms", 0), ("thefts", 1)):
        rows = targets == target
        if not rows.any():
            continue
        own = [groups == group for group in np.unique(groups[rows])]
        counts = [[int((hints & rows & of_it).sum()) for of_it in own] for hints in (before, after)]
        sizes = [int((rows & of_it).sum()) for of_it in own]
        change = paired_difference(counts[0], counts[1], sizes)
        found[name] = {
            "events": int(rows.sum()),
            "before": sum(counts[0]),
            "after": sum(counts[1]),
            "change": [change.value, change.low, change.high],  # of the share
            "recordings": change.recordings,
        }
    return found


def _write(
    target: Path, network: Network, fitted: Fitted, parts: Parts, report: dict[str, Any]
) -> None:
    card = network.card
    camera = f" and of the camera “{parts.camera}”" if parts.camera else ""
    learned = {
        "store's reviews": _counts([each.entry.target for each in parts.train]),
        "reach": NearbySettings().reach,
    }
    old = OLD_STORE if fitted.old is None else OLD_FOOTAGE
    sentences = (
        MEASURED.format(days=splitting.TEST_DAYS, camera=camera),
        f"The threshold: {fitted.why_threshold}",
        f"The confidence: {fitted.why_confidence}",
    )
    bundle.save_version(
        target,
        fitted.head,
        replace(
            card,
            threshold=fitted.threshold,
            summary=f"{card.name}, with a store's reviews.",
            created=datetime.now(UTC).date().isoformat(),
            metrics={},
            measured=" ".join(sentences),
            confidence=fitted.confidence,
            limits=(f"{OWN_STORE} {old}", *card.limits),
            training=dict(card.training) | learned,
        ),
        parent=card.name,
    )
    files.write_json(target / REPORT, report)
