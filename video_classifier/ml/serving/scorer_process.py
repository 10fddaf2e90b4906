"""`python -m`: the child that runs networks, so that no web server ever loads TensorFlow.

It keeps its models warm from clip to clip, and has a child of its own that reads the clips. Of the
folders that it is told of it reads models and clips, and it writes nowhere.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from video_classifier.ml.contracts import (
    ClipError,
    Image,
    Outcome,
    Progress,
    Span,
    Stage,
    UnreadableError,
)
from video_classifier.ml.isolation import confinement, wire
from video_classifier.ml.isolation.children import ChildKilledError
from video_classifier.ml.serving import loading
from video_classifier.ml.serving.card import BundleError
from video_classifier.ml.serving.decoder import InChild, Reach
from video_classifier.ml.serving.folders import Folders
from video_classifier.ml.serving.predictor import ModelPredictor


class Operations:
    """Each is called by its name, with arguments and results of the types it says."""

    def __init__(self, decoder: InChild) -> None:
        self._decoder = decoder

    def load(self, model: Folders) -> None:
        _loaded(model)

    def analyze(
        self,
        model: Folders,
        video: Path,
        span: Span,
        preview_width: int | None,
        emit: Callable[[Stage], None],
    ) -> Outcome:
        return _loaded(model).analyze(
            video,
            span=span,
            preview_width=preview_width,
            progress=Progress(on_stage=emit),
            decoder=self._decoder,
        )

    def score(self, model: Folders, images: Image) -> float:
        return _loaded(model).score(images)


def _loaded(model: Folders) -> ModelPredictor:
    return loading.load(
        model.model, network=model.network, shadows=model.shadows, detector=model.detector
    )


def main() -> None:
    handle = int(sys.argv[1])
    reach = Reach(readable=tuple(map(Path, sys.argv[2:])))
    confinement.die_with_parent()
    confinement.limit(memory=None)
    if reach.readable and not confinement.has_graphics_card():
        keras = Path("~/.keras").expanduser()  # its settings
        tempfile.gettempdir()  # TensorFlow asks where it is; it is found by writing there
        confinement.close_files(
            readable=(*reach.readable, keras), writable=(), may_start_programs=True
        )
    confinement.isolate(may_start_programs=True)
    decoder = InChild(leads_group=False, reach=lambda: reach)
    wire.Server(
        Connection(handle),
        wire.operations_of(Operations(decoder)),
        expected=(ClipError, UnreadableError, BundleError, ChildKilledError),
        cancel=decoder.kill,
        abandoned=lambda: os._exit(0),
    ).serve()


if __name__ == "__main__":
    main()
