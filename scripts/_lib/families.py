"""A process that was started, with all that it started in turn."""

from __future__ import annotations

import subprocess
from contextlib import suppress

import psutil


def of(process: subprocess.Popen[bytes] | None) -> list[psutil.Process]:
    """The process first; nothing of one that is gone, or was never there."""
    if process is None:
        return []
    with suppress(psutil.NoSuchProcess):
        leader = psutil.Process(process.pid)
        return [leader, *leader.children(recursive=True)]
    return []
