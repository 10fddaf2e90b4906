"""A folder of clips as a table: the label of each is the folder it lies in."""

from __future__ import annotations

from pathlib import Path

from video_classifier.ml.contracts import NON_SHOPLIFTER, SHOPLIFTER
from video_classifier.ml.data.manifest import Entry, ManifestError

LABELS = {"shoplifters": SHOPLIFTER, "non_shoplifters": NON_SHOPLIFTER}
SUFFIXES = frozenset(
    {
        *(".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm"),
        *(".264", ".265", ".asf", ".flv", ".h264", ".h265", ".hevc", ".ps", ".vob", ".wmv"),
    }
)


def read(folder: Path) -> tuple[Entry, ...]:
    """All clips in folders named shoplifters and non_shoplifters, at any depth.

    Each clip is a group of its own. Raises ManifestError if there is none.
    """
    entries = tuple(
        Entry(path=path, name=name, label=label, group=name)
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file()
        for name in [path.relative_to(folder).as_posix()]
        if (label := _label(path.relative_to(folder)))
    )
    if not entries:
        msg = f"There is no clip in {folder}: it needs folders {' and '.join(LABELS)} with videos."
        raise ManifestError(msg)
    return entries


def _label(path: Path) -> str:
    """That of the nearest folder which names one, if any does."""
    return next((LABELS[name] for name in reversed(path.parent.parts) if name in LABELS), "")
