"""A moment of a clip in words."""

from __future__ import annotations


def minutes(seconds: float) -> str:
    """As players show it: "0:06", "1:02:03"."""
    hours, rest = divmod(int(seconds), 3600)
    start = f"{hours}:{rest // 60:02d}" if hours else f"{rest // 60}"
    return f"{start}:{rest % 60:02d}"
