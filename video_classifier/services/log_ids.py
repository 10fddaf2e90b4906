"""Whose doing a line of the log is: the ids of the request, clip and segment at hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_ids: ContextVar[Mapping[str, str]] = ContextVar("log_ids")


def current() -> Mapping[str, str]:
    return _ids.get({})


@contextmanager
def of(**ids: object) -> Iterator[None]:
    """Meanwhile this thread's lines bear these ids beside those that they have.

    A thread that is started meanwhile has none, unless it runs in a copy of the context.
    """
    token = _ids.set({**current(), **{name: str(value) for name, value in ids.items()}})
    try:
        yield
    finally:
        _ids.reset(token)
