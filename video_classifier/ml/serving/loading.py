"""Loads the predictor of a model's folder, and keeps those that were used last.

Versions of a model run on its network: it is loaded once for all of them.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from video_classifier.ml.contracts import MOST_SHADOWS, Region
from video_classifier.ml.persons import loading as detectors
from video_classifier.ml.persons.detector import Detector, DetectorError
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.serving.engine import Engine, FeatureEngine, refuse_without_keras
from video_classifier.ml.serving.head import Head
from video_classifier.ml.serving.predictor import (
    ModelPredictor,
    PersonPredictor,
    WholeFramePredictor,
)
from video_classifier.ml.serving.scorer import HeadedScorer

logger = logging.getLogger(__name__)

MAX_LOADED = 2  # models at once: each takes up to hundreds of megabytes

_Heads = tuple[Path, str, tuple[str, ...]]  # a version's folder and head, and those beside it


@dataclass(slots=True, kw_only=True)
class _Loaded:
    contents: list[str]  # SHA-256 of what was loaded
    predictor: ModelPredictor
    features: FeatureEngine | None  # of the same engine, if other heads can be put on it
    versions: dict[_Heads, ModelPredictor] = field(default_factory=dict)


# By the folder of the network; the least recently used first.
_loaded: dict[Path, _Loaded] = {}
_loading = threading.Lock()


def check(folder: Path, *, network: Path | None = None, detector: Path | None = None) -> Card:
    """The card of a model that can be used, and so can what it needs beside itself.

    `network` is as of `load`. Loads no framework. Raises BundleError.
    """
    card = bundle.check(folder, network=network)
    _check_detector(card, folder, detector)
    return card


def refuse_without(card: Card, folder: Path, *, detector: Path | None = None) -> None:
    """Raises BundleError if a model that has this card needs what isn't here beside its own files.

    `folder` need not be there: it names the model.
    """
    refuse_without_keras(bundle.network_file(folder, card))
    _check_detector(card, folder, detector)


def _check_detector(card: Card, folder: Path, detector: Path | None) -> None:
    if card.spec.view is Region.PERSON:
        with _wanting_detector(folder):
            detectors.check(_named(detector))


def load(
    folder: Path,
    *,
    network: Path | None = None,
    shadows: Sequence[Path] = (),
    detector: Path | None = None,
) -> ModelPredictor:
    """The predictor of a model's folder: loaded and warmed up, unless it was used lately.

    Of a version, `network` is the folder of its model. The heads of the versions in `shadows`, of
    the same model, score along; those that can't are left out, and logged.

    At most `MAX_LOADED` networks are kept, and a person detector as long as one of them needs it. A
    model of people needs one, see `persons.loading`. May be called from several threads. What was
    replaced on disk is loaded again. Raises BundleError.
    """
    with _loading:
        version = bundle.read_version(folder, network) if network else None
        home = network or folder
        beside = _shadows(shadows, home)
        found = _once(home, detector, with_features=bool(version or beside))
        if found.features is None or not (version or beside):
            return found.predictor
        card, head = version or (found.predictor.card, None)
        return _headed(found, (folder, card.served_sha256, tuple(beside)), card, head, beside)


def _shadows(folders: Sequence[Path], network: Path) -> dict[str, Head]:
    """By their SHA-256."""
    found = {}
    for folder in folders[:MOST_SHADOWS]:
        try:
            card, head = bundle.read_version(folder, network)
        except BundleError as error:
            logger.warning("%s It doesn't score along.", error)
        else:
            found[card.served_sha256] = head
    return found


def _headed(
    found: _Loaded, key: _Heads, card: Card, head: Head | None, shadows: Mapping[str, Head]
) -> ModelPredictor:
    if found.features is None:  # for the type checker: it was asked for
        return found.predictor
    if key not in found.versions:
        try:
            scorer = HeadedScorer(found.features, card, head=head, shadows=shadows)
        except BundleError as error:
            if not shadows:
                raise
            logger.warning("%s No version scores along.", error)
            scorer = HeadedScorer(found.features, card, head=head, shadows={})
        found.versions[key] = found.predictor.scoring_by(scorer)
    return found.versions[key]


def _once(folder: Path, detector: Path | None, *, with_features: bool) -> _Loaded:
    """The network in `folder`, by its own end."""
    card = check(folder, detector=detector)
    eye, contents = None, [card.served_sha256]
    if card.spec.view is Region.PERSON:
        with _wanting_detector(folder):
            eye = detectors.load(_named(detector))
        contents.append(eye.sha256)
    found = _loaded.pop(folder.resolve(), None)
    fits = found and found.contents == contents and (found.features or not with_features)
    if found is None or not fits:
        del found  # first: there is never one more in memory than may be kept
        _forget_down_to(MAX_LOADED - 1)
        found = _read(folder, eye, contents, with_features=with_features)
    _loaded[folder.resolve()] = found
    return found


def _read(
    folder: Path, detector: Detector | None, contents: list[str], *, with_features: bool
) -> _Loaded:
    engine: Engine
    features = None
    if with_features:
        engine, card = features, _ = bundle.load_features(folder)
    else:
        engine, card = bundle.load(folder)
    predictor = (
        PersonPredictor(engine, card, detector) if detector else WholeFramePredictor(engine, card)
    )
    return _Loaded(contents=contents, predictor=predictor, features=features)


def _forget_down_to(count: int) -> None:
    while len(_loaded) > count:
        del _loaded[next(iter(_loaded))]
    gc.collect()  # networks of Keras refer to themselves


def _named(detector: Path | None) -> Path:
    if detector is None:
        msg = "Name one."
        raise DetectorError(msg)
    return detector


@contextmanager
def _wanting_detector(folder: Path) -> Iterator[None]:
    try:
        yield
    except DetectorError as error:
        msg = f"The model “{folder.name}” can't be used: it needs a person detector. {error}"
        raise BundleError(msg) from error
