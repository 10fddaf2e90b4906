"""`python -m`: the child that learns. It has no network, and everything else goes first."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from video_classifier.improving.errors import ImproveError
from video_classifier.ml.isolation import confinement, wire
from video_classifier.ml.serving.card import BundleError

NICE = 10
SERVES_ONLY = (
    "Learning from reviews takes what training takes, which isn't installed here ({name}). Install "
    "requirements.txt, or export the reviews and train elsewhere."
)


class Operations:
    """Each is called by its name, with arguments and results of the types it says."""

    def improve(  # noqa: PLR0913, PLR0917
        self,
        folder: Path,
        model: Path,
        target: Path,
        detector: Path,
        in_use: Path | None,
        cache: Path,
        emit: Callable[[str], None],
    ) -> None:
        try:
            from video_classifier.improving import learning  # noqa: PLC0415
            from video_classifier.ml.persons.detector import DetectorError  # noqa: PLC0415
        except ImportError as error:
            raise ImproveError(SERVES_ONLY.format(name=error.name)) from error
        try:
            learning.improve(
                folder, model, target, detector=detector, in_use=in_use, cache=cache, on_stage=emit
            )
        except DetectorError as error:
            raise ImproveError(str(error)) from error


def main() -> None:
    (handle,) = map(int, sys.argv[1:])
    confinement.die_with_parent()
    confinement.limit(memory=None)
    confinement.isolate(may_start_programs=True)
    os.nice(NICE)
    wire.Server(
        Connection(handle),
        wire.operations_of(Operations()),
        expected=(ImproveError, BundleError),
        cancel=lambda: os._exit(1),  # what it has seen is in its cache
        abandoned=lambda: os._exit(0),
    ).serve()


if __name__ == "__main__":
    main()
