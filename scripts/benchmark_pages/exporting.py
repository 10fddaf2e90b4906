"""Takes exports of all that somebody sees, and notes how soon and in how much memory they come."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from django.contrib.auth.models import User
from django.urls import reverse

from scripts.benchmark_pages.filling import People
from scripts.benchmark_pages.measuring import WrongAnswerError, client_of

MEMORY = Path("/proc/self/status")
FORGET = Path("/proc/self/clear_refs"), "5"  # the highest use of memory so far


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is asked for."""

    name: str
    address: str
    who: User


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Of one export, that was taken as a whole."""

    export: Export
    first: float  # milliseconds to its first byte
    seconds: float  # to its last one
    size: int  # bytes
    memory: int  # bytes, the most that the process had on top


def exports(people: People) -> list[Export]:
    newest, highest = "", "?sort=-score"
    asked = (
        ("results as CSV", "web:history-csv", newest),
        ("results as CSV, by score", "web:history-csv", highest),
        ("results as a workbook", "web:history-xlsx", newest),
        ("events as CSV", "web:events-csv", newest),
        ("events as a workbook", "web:events-xlsx", newest),
    )
    return [
        Export(name=name, address=f"{reverse(way)}{query}", who=who)
        for who in (people.member, people.root)
        for name, way, query in asked
        if who == people.root or way.endswith("csv")
    ]


def take(export: Export) -> Taken:
    """Raises WrongAnswerError."""
    client = client_of(export.who)
    client.get(reverse("web:history"))  # warm
    gc.collect()
    FORGET[0].write_text(FORGET[1])
    before = _kilobytes("VmRSS")
    begun = time.perf_counter()
    answer = client.get(export.address)
    if answer.status_code != 200:  # noqa: PLR2004
        msg = f"{export.name} ({export.address}) answers {answer.status_code}."
        raise WrongAnswerError(msg)
    parts = iter(cast("Iterable[bytes]", answer))
    size = len(next(parts)) + len(next(parts))  # the head alone says nothing of the rows
    first = time.perf_counter() - begun
    size += sum(map(len, parts))
    return Taken(
        export=export,
        first=first * 1000,
        seconds=time.perf_counter() - begun,
        size=size,
        memory=(_kilobytes("VmHWM") - before) * 1024,
    )


def _kilobytes(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", MEMORY.read_text())
    if found is None:
        msg = f"{MEMORY} does not say {name}."
        raise OSError(msg)
    return int(found[1])
