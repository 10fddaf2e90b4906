"""What people agreed on, as a folder holds it, as the network sees it: features of candidates."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from video_classifier.improving.errors import ImproveError
from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import ClipError, Floats, Floats32, Image, WindowScore
from video_classifier.ml.data import manifest
from video_classifier.ml.data.manifest import Entry, ManifestError
from video_classifier.ml.files import sha256
from video_classifier.ml.persons import loading as detectors
from video_classifier.ml.serving import bundle, events
from video_classifier.ml.serving.card import Card
from video_classifier.ml.serving.engine import FeatureEngine
from video_classifier.ml.serving.predictor import PersonPredictor, WholeFramePredictor
from video_classifier.ml.serving.scorer import Scorer

MANIFEST = "manifest.csv"  # as services.review_exports writes it
MOST_WINDOWS = 100  # of a candidate: more are the lowest, which no score is of

_MOST_KEPT = 2**20  # windows of a clip, by far
_VERSION = 1  # raise it when features would differ: the cache goes by it


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """An event that people agree on."""

    entry: Entry
    event: int
    camera: str  # "" if it isn't known
    day: date | None
    reviewers: tuple[int, ...]  # numbers that mean something in this folder only


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """The same as the network sees it: the candidate that its clip's score is of."""

    reviewed: Reviewed
    features: Floats32  # (windows, features), the best by the network's own head first
    scores: Floats  # (windows,), by that head


def read(folder: Path) -> tuple[Reviewed, ...]:
    """Raises ImproveError."""
    table = folder / MANIFEST
    try:
        entries = {each.name: each for each in manifest.read(table)}
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return tuple(
            Reviewed(
                entry=entries[row["path"]],
                event=int(row["event"]),
                camera=row["camera"],
                day=date.fromisoformat(row["day"]) if row["day"] else None,
                reviewers=tuple(map(int, row["reviewer"].split())),
            )
            for row in rows
        )
    except (KeyError, OSError, ValueError, ManifestError) as error:
        msg = f"What people agreed on can't be read: {error}."
        raise ImproveError(msg) from error


class Network:
    """That of a model, which gives features, and its own head."""

    def __init__(self, folder: Path, detector: Path) -> None:
        """Raises BundleError if other heads can't be put on it, and DetectorError."""
        self._engine, self.card = bundle.load_features(folder)
        self.kernel, self.bias = self._engine.own_head()
        self._scorer = _Keeping(self._engine, self.card)
        whole = self.card.spec.view.name == "FRAME"
        self._detector = None if whole else detectors.load(detector)
        self._predictor = (
            PersonPredictor(self._engine, self.card, self._detector)
            if self._detector
            else WholeFramePredictor(self._engine, self.card)
        ).scoring_by(self._scorer)

    def see(self, some: Reviewed, cache: Cache) -> Seen | None:
        """What it sees in the clip of an event; None if nobody is there. Raises ClipError."""
        facts = {
            "what": "features of a reviewed event",
            "version": _VERSION,
            "network": self.card.sha256,
            "served": self.card.served_sha256,
            "detector": self._detector.sha256 if self._detector else "",
            "clip": sha256(some.entry.path),
        }
        found = cache.array(lambda: self._features(some.entry.path), **facts)
        if not len(found):
            return None
        return Seen(reviewed=some, features=found[:, 1:], scores=found[:, 0].astype(np.float64))

    def _features(self, clip: Path) -> Floats32:
        """(windows, 1 + features): score and features of its best candidate, the best first."""
        self._scorer.kept.clear()
        outcome = self._predictor.analyze(clip)
        best = max(outcome.candidates, key=lambda each: each.score, default=None)
        if best is None:
            return np.empty((0, 1 + len(self.kernel)), np.float32)
        of_it = outcome.tracks[best.track - 1].windows if best.track else outcome.windows
        inside = [each for each in of_it if best.start <= each.start and each.end <= best.end]
        inside.sort(key=lambda each: -each.score)
        rows = [self._row(each) for each in inside[:MOST_WINDOWS]]
        self._scorer.kept.clear()
        return np.stack(rows)

    def _row(self, window: WindowScore) -> Floats32:
        features = self._scorer.features_of(window)
        return np.concatenate([[window.score], features]).astype(np.float32)


class _Keeping(Scorer):
    """Keeps features, and says in the place of a shadow's score which a window has.

    A score is from 0 to 1: it is the window's number, as an exact share of _MOST_KEPT.
    """

    shadows = ("features",)

    def __init__(self, engine: FeatureEngine, card: Card) -> None:
        self._features, self.kept = engine, list[Floats32]()
        super().__init__(engine, card)

    def score_each(self, images: Image) -> tuple[float, ...]:
        scores, features = self._features.score_with_features(images[np.newaxis])
        (score,) = self._checked(scores)
        self.kept.append(features[0])
        return score, (len(self.kept) - 1) / _MOST_KEPT

    def features_of(self, window: WindowScore) -> Floats32:
        (share,) = window.others
        return self.kept[round(share * _MOST_KEPT)]


def see_all(
    some: Sequence[Reviewed],
    network: Network,
    cache: Cache,
    *,
    advance: Callable[[int], None],
) -> tuple[list[Seen], int]:
    """What can be seen, and how many can't be read or show nobody."""
    found, unseen = [], 0
    for number, each in enumerate(some, 1):
        try:
            seen = network.see(each, cache)
        except ClipError:
            seen = None
        if seen is None:
            unseen += 1
        else:
            found.append(seen)
        advance(number)
    return found, unseen


def score(scores: Floats, best: int) -> float:
    """Of a candidate, of those of its windows."""
    return events.mean_of_best(scores, best)
