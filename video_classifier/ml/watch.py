"""How somebody follows work that takes minutes or hours, and interrupts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Watch(Protocol):
    """Gets progress, results and warnings of long work, in its thread.

    An exception from any of these ends the work; what is in its caches stays there.
    """

    def task(self, title: str, steps: int) -> AbstractContextManager[Callable[[], None]]:
        """A part of the work; the function it gives is called after each of its steps.

        Tasks may be nested.
        """

    def report(self, result: object) -> None:
        """An intermediate result, such as an epoch; `str` makes one line of it."""

    def warn(self, sentence: str) -> None:
        """Something that a person should know, and that doesn't end the work."""


class Unwatched:
    """Shows nothing. Base of watches that show some of it."""

    @contextmanager
    def task(self, title: str, steps: int) -> Iterator[Callable[[], None]]:
        yield lambda: None

    def report(self, result: object) -> None:
        pass

    def warn(self, sentence: str) -> None:
        pass


class Printed(Unwatched):
    """Prints results and warnings, as in a notebook."""

    def report(self, result: object) -> None:
        print(result)  # noqa: T201

    def warn(self, sentence: str) -> None:
        print(sentence)  # noqa: T201


UNWATCHED = Unwatched()
