"""Reads a folder of clips as a data set: a clip's label is the folder that it lies in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from video_classifier.ml.contracts import NON_SHOPLIFTER, SHOPLIFTER
from video_classifier.ml.data.manifest import Entry, ManifestError

FOLDERS = ("shoplifters", "non_shoplifters")
SUFFIXES = frozenset(
    {
        *(".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm"),
        *(".264", ".265", ".asf", ".flv", ".h264", ".h265", ".hevc", ".ps", ".vob", ".wmv"),
    }
)

_LABEL_OF = {"shoplifter": SHOPLIFTER, "nonshoplifter": NON_SHOPLIFTER}


def label_of(folder_name: str) -> str:
    """The label that a folder's name stands for, or "" if it stands for none.

    Case, spaces, hyphens, underscores and the plural don't matter: “Non Shop-Lifters” is
    non_shoplifters.
    """
    return _LABEL_OF.get(re.sub(r"[\s_-]", "", folder_name.casefold()).removesuffix("s"), "")


def read(folder: Path) -> tuple[Entry, ...]:
    """All clips in folders named as in FOLDERS, at any depth, sorted by path.

    The nearest folder that names a label counts. Each clip is a group of its own. Raises
    ManifestError, which names the folders that hold videos, if there is no labelled clip.
    """
    entries = tuple(
        Entry(path=path, name=name, label=label, group=name)
        for path in _videos(folder)
        for name in [path.relative_to(folder).as_posix()]
        if (label := _label(path.relative_to(folder)))
    )
    if not entries:
        msg = f"There is no clip in {folder}: it needs folders {' and '.join(FOLDERS)} with videos."
        raise ManifestError(msg + passed_over(folder))
    return entries


def passed_over(folder: Path) -> str:
    """A sentence, after a space, that names the folders whose videos got no label, or ""."""
    paths = (path.relative_to(folder) for path in _videos(folder))
    names = sorted({path.parts[0] for path in paths if len(path.parts) > 1 and not _label(path)})
    if not names:
        return ""
    listed = ", ".join(f"“{name}”" for name in names)
    return f" Videos without a label are in {listed}: rename the folders."


def _videos(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            yield path


def _label(path: Path) -> str:
    """The label of the nearest folder that names one, or ""."""
    return next(filter(None, map(label_of, reversed(path.parent.parts))), "")
