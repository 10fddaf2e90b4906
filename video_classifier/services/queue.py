"""The bell of the queue: services that add jobs ring it, and the worker of this process listens.

It carries nothing. The rows are the queue, so a ring that nobody hears loses no job: workers also
look at the rows from time to time.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

_listeners: list[Callable[[], None]] = []


def subscribe(listener: Callable[[], None]) -> None:
    """Has `listener` called whenever there is work; it must return at once."""
    if listener not in _listeners:
        _listeners.append(listener)


def announce() -> None:
    """Says that there is work, once the transaction at hand is committed."""
    transaction.on_commit(_ring)


def _ring() -> None:
    for listener in _listeners:
        listener()
