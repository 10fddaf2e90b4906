"""A moment or a length of a clip in words."""

from __future__ import annotations


def minutes(seconds: float) -> str:
    """As players show it: "0:06", "1:02:03"."""
    hours, rest = divmod(int(seconds), 3600)
    start = f"{hours}:{rest // 60:02d}" if hours else f"{rest // 60}"
    return f"{start}:{rest % 60:02d}"


def clock(seconds: float) -> str:
    """With tenths: "0:06.2", "1:02:03.0"."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"
