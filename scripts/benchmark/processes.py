"""What the two child processes of an analysis have taken: the one that scores, and its reader."""

from __future__ import annotations

import math
import re
from pathlib import Path

import psutil

from video_classifier.ml.isolation.children import Child


def of(child: Child) -> tuple[psutil.Process, psutil.Process]:
    """The one that scores, and the one that reads clips."""
    scorer = psutil.Process(child.pid)
    (reader,) = scorer.children()
    return scorer, reader


def processor_seconds(child: Child) -> float:
    """So far, in both processes."""
    times = [each.cpu_times() for each in of(child)]
    return float(sum(each.user + each.system for each in times))


def peaks(child: Child) -> tuple[float, float]:
    """The most that was resident in each so far, in megabytes (10^6 bytes)."""
    scoring, reading = (peak(each.pid) * 2**20 / 1e6 for each in of(child))
    return scoring, reading


def peak(process: int | str = "self") -> float:
    """The most that was resident, in units of 2^20 bytes; NaN elsewhere than on Linux.

    getrusage would count what the parent held before the start.
    """
    line = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(line[1]) / 1024 if line else math.nan
