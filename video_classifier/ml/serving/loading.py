"""Loads the predictor of a model's folder, and keeps those that were used last."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from video_classifier.ml.contracts import Region
from video_classifier.ml.persons import loading as detectors
from video_classifier.ml.persons.detector import DetectorError
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.serving.predictor import (
    ModelPredictor,
    PersonPredictor,
    WholeFramePredictor,
)

MAX_LOADED = 2  # models at once: each takes up to hundreds of megabytes

# The least recently used first.
_loaded: dict[Path, tuple[tuple[str, ...], ModelPredictor]] = {}
_loading = threading.Lock()


def check(folder: Path, *, detector: Path | None = None) -> Card:
    """The card of a model that can be used, and so can what it needs beside itself.

    Loads no framework. Raises BundleError.
    """
    card = bundle.check(folder)
    if card.spec.view is Region.PERSON:
        with _wanting_detector(folder):
            detectors.check(_named(detector))
    return card


def load(folder: Path, *, detector: Path | None = None) -> ModelPredictor:
    """The predictor of a model's folder: loaded and warmed up, unless it was used lately.

    At most `MAX_LOADED` are kept, and a person detector as long as one of them needs it. A model of
    people needs one, see `persons.loading`. May be called from several threads. What was replaced
    on disk is loaded again. Raises BundleError.
    """
    with _loading:
        card = check(folder, detector=detector)
        if card.spec.view is Region.FRAME:
            return _once(
                folder, (card.served_sha256,), lambda: WholeFramePredictor(*bundle.load(folder))
            )
        with _wanting_detector(folder):
            found = detectors.load(_named(detector))
        return _once(
            folder,
            (card.served_sha256, found.sha256),
            lambda: PersonPredictor(*bundle.load(folder), found),
        )


def _once(
    folder: Path, contents: tuple[str, ...], make: Callable[[], ModelPredictor]
) -> ModelPredictor:
    known, predictor = _loaded.pop(folder.resolve(), ((), None))
    if predictor is None or known != contents:
        del predictor  # first: there is never one more in memory than may be kept
        _forget_down_to(MAX_LOADED - 1)
        predictor = make()
    _loaded[folder.resolve()] = contents, predictor
    return predictor


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
