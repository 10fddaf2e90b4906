"""Collects pictures into windows while a clip is decoded, and holds no more than these need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Held = TypeVar("Held")


class WindowCollector(Generic[Held]):
    """Gives out each window once its last picture is there.

    At any time it holds the pictures of one window, and those that the next ones share with it.
    """

    def __init__(
        self, windows: Sequence[Sequence[int]], emit: Callable[[int, list[Held]], None]
    ) -> None:
        """`windows` are numbers of pictures, ascending, as are their first ones and their last.

        A window may show a picture several times. `emit` gets the number of a window, from 0 on,
        and its pictures.
        """
        self._windows = windows
        self._emit = emit
        self._next = 0
        self._held: dict[int, Held] = {}

    def add(self, number: int, picture: Held) -> None:
        """Once for each picture of `windows`."""
        self._held[number] = picture
        while self._next < len(self._windows):
            wanted = self._windows[self._next]
            self._held = {n: held for n, held in self._held.items() if n >= wanted[0]}
            if not self._held.keys() >= set(wanted):
                return
            self._emit(self._next, [self._held[number] for number in wanted])
            self._next += 1
        self._held.clear()
