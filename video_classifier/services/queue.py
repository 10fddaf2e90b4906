"""The bell of the queue: services that add jobs ring it, and the worker of this process listens.

It says no more than which kind of job was added. The rows are the queue, so a ring that nobody
hears loses no job: workers also look at the rows from time to time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, TypeAlias

from django.db import transaction

Kind: TypeAlias = Literal["segments", "heat_maps", "case_exports", "copies", "improvements"]

_listeners: list[Callable[[Kind], None]] = []


def subscribe(listener: Callable[[Kind], None]) -> None:
    """Has `listener` called whenever there is work; it must return at once."""
    if listener not in _listeners:
        _listeners.append(listener)


def announce(kind: Kind) -> None:
    """Says that there is work of that kind, once the transaction at hand is committed."""
    transaction.on_commit(partial(_ring, kind))


def _ring(kind: Kind) -> None:
    for listener in _listeners:
        listener(kind)
