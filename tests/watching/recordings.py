"""Stand-ins for what comes from a camera: excerpts that are files already."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FileExcerpt:
    """As of `watching.ring`, but its packets are a file."""

    path: Path
    end: float
    stretch: int = 1
    start: float = 0.0


def write(excerpt: FileExcerpt, target: Path) -> None:
    shutil.copyfile(excerpt.path, target)
