"""In which order the letters of a line are seen, where some of them are read from right to left.

The Unicode Bidirectional Algorithm (UAX 9) without pairs of brackets (N0) and without its
formatting characters, which names and notes don't have: they are left out here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby

_FORMATTING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "BN"}
_NEUTRAL = {"B", "S", "WS", "ON"}
_MIRRORED = dict(zip("()[]{}<>«»", ")(][}{><»«", strict=True))


def is_so(text: str) -> bool:
    """Whether its first letter is one of those (P2 and P3)."""
    strong = (kind for kind in map(unicodedata.bidirectional, text) if kind in {"L", "R", "AL"})
    return next(strong, "L") != "L"


def as_seen(line: str, *, is_right_to_left: bool) -> str:
    """The letters of one line from left to right, within a text that is read in that direction."""
    letters = [each for each in line if unicodedata.bidirectional(each) not in _FORMATTING]
    base = int(is_right_to_left)
    kinds = [unicodedata.bidirectional(letter) or "L" for letter in letters]
    levels = _levels(kinds, base)
    for place in reversed(range(len(letters))):  # L1: what hangs over at the end
        if kinds[place] not in {"B", "S", "WS"}:
            break
        levels[place] = base
    seen = [
        _MIRRORED.get(letter, letter) if level % 2 else letter  # L4
        for letter, level in zip(letters, levels, strict=True)
    ]
    return "".join(seen[place] for place in _order(levels))


def _levels(kinds: Sequence[str], base: int) -> list[int]:
    outside = "R" if base else "L"
    known = _neutral_resolved(_weak_resolved(kinds, outside), outside)
    rises = ({"L": 0, "R": 1, "N": 2}, {"L": 1, "R": 0, "N": 1})[base]  # I1 and I2
    return [base + rises[kind] for kind in known]


def _weak_resolved(kinds: Sequence[str], outside: str) -> list[str]:
    """L, R, EN, AN or a neutral one for each."""
    return _after_latin(_separated(_after_arabic(kinds, outside)), outside)


def _after_arabic(kinds: Sequence[str], outside: str) -> list[str]:
    """Marks are as what they are on, and numbers as the letters before them (W1 to W3)."""
    found: list[str] = []
    before = strong = outside
    for kind in kinds:
        now = before if kind == "NSM" else kind
        if now in {"L", "R", "AL"}:
            strong = now
        elif now == "EN" and strong == "AL":
            now = "AN"
        found.append(now)
        before = now
    return ["R" if kind == "AL" else kind for kind in found]


def _separated(kinds: Sequence[str]) -> list[str]:
    """What separates or ends numbers belongs to them; others are neutral (W4 to W6)."""
    found = list(kinds)
    for place in range(1, len(found) - 1):
        left, kind, right = found[place - 1 : place + 2]
        if left == right and (kind, left) in {("ES", "EN"), ("CS", "EN"), ("CS", "AN")}:
            found[place] = left
    resolved: list[str] = []
    for kind, run in _runs(found):
        beside = {*resolved[-1:], *found[len(resolved) + run :][:1]}
        now = "ON" if kind in {"ES", "ET", "CS"} else kind
        resolved += ["EN" if kind == "ET" and "EN" in beside else now] * run
    return resolved


def _after_latin(kinds: Sequence[str], outside: str) -> list[str]:
    """Numbers after letters from left to right are as these (W7)."""
    found: list[str] = []
    strong = outside
    for kind in kinds:
        strong = kind if kind in {"L", "R"} else strong
        found.append("L" if kind == "EN" and strong == "L" else kind)
    return found


def _neutral_resolved(kinds: Sequence[str], outside: str) -> list[str]:
    """L, R or N, a number, for each: neutral ones as what is on both sides (N1 and N2)."""
    named = ["ON" if kind in _NEUTRAL else kind for kind in kinds]
    resolved: list[str] = []
    for kind, run in _runs(named):
        if kind == "ON":
            left = _side(named[len(resolved) - 1]) if resolved else outside
            after = named[len(resolved) + run :][:1]
            right = _side(after[0]) if after else outside
            resolved += [left if left == right else outside] * run
        else:
            resolved += [kind if kind in {"L", "R"} else "N"] * run
    return resolved


def _side(kind: str) -> str:
    return "L" if kind == "L" else "R"  # numbers count as R


def _runs(kinds: Sequence[str]) -> Iterator[tuple[str, int]]:
    return ((kind, sum(1 for _ in run)) for kind, run in groupby(kinds))


def _order(levels: Sequence[int]) -> list[int]:
    """The places from left to right: each run is turned around once a level (L2)."""
    order = list(range(len(levels)))
    for level in range(max(levels, default=0), 0, -1):
        turned: list[int] = []
        for is_higher, group in groupby(order, key=lambda place: levels[place] >= level):
            run = list(group)
            turned += run[::-1] if is_higher else run
        order = turned
    return order
