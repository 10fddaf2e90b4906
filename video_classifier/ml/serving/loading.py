"""Loads the predictor of a model's folder, once a process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from video_classifier.ml.contracts import View
from video_classifier.ml.persons import loading as detectors
from video_classifier.ml.persons.detector import DetectorError
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.serving.predictor import KerasPredictor, PersonPredictor

_loaded: dict[Path, tuple[tuple[str, ...], KerasPredictor]] = {}
_loading = threading.Lock()


def check(folder: Path, *, detector: Path | None = None) -> Card:
    """The card of a model that can be used, and so can what it needs beside itself.

    Loads no framework. Raises BundleError.
    """
    card = bundle.check(folder)
    if card.spec.view is View.PERSON:
        with _wanting_detector(folder):
            detectors.check(_named(detector))
    return card


def load(folder: Path, *, detector: Path | None = None) -> KerasPredictor:
    """The predictor of a model's folder: loaded and warmed up once a process.

    A model of persons needs a detector, see `persons.loading`. May be called from several threads.
    What was replaced on disk is loaded anew. Raises BundleError.
    """
    with _loading:
        card = check(folder, detector=detector)
        if card.spec.view is View.FRAME:
            return _once(folder, (card.sha256,), lambda: KerasPredictor(*bundle.load(folder)))
        with _wanting_detector(folder):
            found = detectors.load(_named(detector))
        return _once(
            folder,
            (card.sha256, found.sha256),
            lambda: PersonPredictor(*bundle.load(folder), detector=found),
        )


def _once(
    folder: Path, contents: tuple[str, ...], make: Callable[[], KerasPredictor]
) -> KerasPredictor:
    known, predictor = _loaded.get(folder.resolve(), ((), None))
    if predictor is None or known != contents:
        predictor = make()
        _loaded[folder.resolve()] = contents, predictor
    return predictor


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
