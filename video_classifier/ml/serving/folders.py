"""Where what scores lies on disk: what a process says to the child that loads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from video_classifier.ml.contracts import MOST_SHADOWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Of a model, or of a version with the model that it is a version of."""

    model: Path  # its card counts: the name, the threshold
    detector: Path
    network: Path | None = None  # of a version: the folder of its model
    shadows: tuple[Path, ...] = ()  # of versions of the same model, which score along

    def __post_init__(self) -> None:
        if len(self.shadows) > MOST_SHADOWS:
            msg = f"{MOST_SHADOWS} versions may score along, and not {len(self.shadows)}"
            raise ValueError(msg)

    def real(self) -> tuple[Path, ...]:
        """The folders that files of these really lie in: some of them may be links."""
        found = filter(None, (self.model, self.detector, self.network, *self.shadows))
        files = (
            each for folder in found if folder.is_dir() for each in (folder, *folder.iterdir())
        )
        return tuple({each.resolve() if each.is_dir() else each.resolve().parent for each in files})
