"""From a folder of reviewed events to a version of a model: a head, its card, and a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from video_classifier.improving import reading, splitting
from video_classifier.improving.reading import Network, Seen
from video_classifier.improving.splitting import Parts
from video_classifier.ml import files
from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import Floats, Integers
from video_classifier.ml.measures.poisson import paired_difference
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.head import Head
from video_classifier.ml.training import nearby
from video_classifier.ml.training.nearby import NearbySettings

REPORT = "report.json"

READING = "Looking for footage that is in it twice"
SEEING = "Looking at event {number} of {count}"
FITTING = "Learning"

MEASURED = (
    "On what people of the store agree on of the last {days} days{camera}, which it didn't learn "
    "from: docs/model-versions.md."
)
OWN_STORE = (
    "It learned from one store's reviews. Nothing is known of how it does at another, and nothing "
    "of how it does with the footage that the model before it learned from."
)

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
    head = _fit(network, [each for each in seen if each.reviewed.event in learned])
    before = bundle.read_version(in_use, model)[1] if in_use else None
    tested = [each for each in seen if each.reviewed.event not in learned]
    report = _report(network, parts, tested, before=before, after=head, in_use=in_use)
    report["left_out"] = {name: count for name, count in left_out.items() if count}
    _write(target, network, head, parts, report)


def _fit(network: Network, seen: Sequence[Seen]) -> Head:
    best = network.card.best_windows
    features = np.stack([each.features[:best].astype(np.float64).mean(axis=0) for each in seen])
    names = sorted({each.reviewed.camera for each in seen})
    kernel, bias = nearby.fit(
        features,
        features @ network.kernel + network.bias,
        _targets(seen),
        np.array([names.index(each.reviewed.camera) for each in seen]),
        NearbySettings(),
    )
    return Head(
        kernel=network.kernel + kernel,
        bias=network.bias + bias,
        network_sha256=network.card.sha256,
    )


def _targets(seen: Sequence[Seen]) -> Integers:
    return np.array([each.reviewed.entry.target for each in seen], np.intp)


def _scores(network: Network, seen: Sequence[Seen], head: Head | None) -> Floats:
    best = network.card.best_windows
    windows = [each.scores if head is None else head.score(each.features) for each in seen]
    return np.array([reading.score(each, best) for each in windows], np.float64)


def _report(  # noqa: PLR0913
    network: Network,
    parts: Parts,
    tested: Sequence[Seen],
    *,
    before: Head | None,
    after: Head,
    in_use: Path | None,
) -> dict[str, Any]:
    """As a row of a version keeps it: plain values."""
    everything = (*parts.train, *parts.test)
    days = sorted(each.day for each in everything if each.day)
    threshold = network.card.threshold
    limit = bundle.read_card(in_use).threshold if in_use else threshold
    old, new = _scores(network, tested, before), _scores(network, tested, after)
    people = {number for each in everything for number in each.reviewers}
    return {
        "cameras": sorted({each.camera for each in everything if each.camera}),
        "days": [days[0].isoformat(), days[-1].isoformat()] if days else [],
        "reviewers": len(people),
        "train": _counts([each.entry.target for each in parts.train]),
        "test": _counts(_targets(tested).tolist())
        | {"days": splitting.TEST_DAYS, "camera": parts.camera},
        "in_use": bundle.called(in_use) if in_use else network.card.name,
        "figures": _paired(tested, old >= limit, new >= threshold),
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


def _counts(targets: Sequence[int]) -> dict[str, int]:
    count = Counter(targets)
    return {"thefts": count[1], "false_alarms": count[0]}


def _paired(tested: Sequence[Seen], before: Any, after: Any) -> dict[str, Any]:
    """Of the reviewed events that are hints before and after, with the change and its interval.

    Independent are only the days of cameras, or recordings, that the events are of.
    """
    targets = _targets(tested)
    groups = np.array([each.reviewed.entry.group for each in tested])
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
    target: Path, network: Network, head: Head, parts: Parts, report: dict[str, Any]
) -> None:
    card = network.card
    camera = f" and of the camera “{parts.camera}”" if parts.camera else ""
    learned = {
        "store's reviews": _counts([each.entry.target for each in parts.train]),
        "reach": NearbySettings().reach,
    }
    bundle.save_version(
        target,
        head,
        replace(
            card,
            summary=f"{card.name}, with a store's reviews.",
            created=datetime.now(UTC).date().isoformat(),
            metrics={},
            measured=MEASURED.format(days=splitting.TEST_DAYS, camera=camera),
            confidence=None,
            limits=(OWN_STORE, *card.limits),
            training=dict(card.training) | learned,
        ),
        parent=card.name,
    )
    files.write_json(target / REPORT, report)
