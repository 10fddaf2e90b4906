"""Zones of a camera's picture that are ignored: polygons, as they are typed and as they are kept.

A zone is kept as a list of points, 0 to 1 from the left and from the top; typed it is a line, with
a point as “x,y” in percent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from video_classifier.services.errors import Refused

MOST_ZONES = 20
FEWEST_POINTS, MOST_POINTS = 3, 100
SMALLEST_AREA = 1e-5  # of the picture: a square of three thousandths of its sides
DIGITS = 4  # of a point that is kept: a tenth of a pixel of a thousand

EXAMPLE = "0,0 25,0 25,40 0,40"
TOO_MANY = f"There are too many zones: there may be {MOST_ZONES}. Leave out the smallest ones."
TOO_FEW_POINTS = (
    f"Zone {{number}} has too few points: it takes {FEWEST_POINTS} to enclose something. Write a "
    f"zone a line, such as {EXAMPLE}."
)
TOO_MANY_POINTS = (
    f"Zone {{number}} has too many points: there may be {MOST_POINTS}. Draw it more roughly."
)
NO_NUMBERS = (
    "Zone {number} can't be read. Write each point as x,y in percent from the left and from the "
    f"top, with spaces between points, such as {EXAMPLE}."
)
OUTSIDE = "Zone {number} leaves the picture. The numbers have to be from 0 to 100."
NO_AREA = "Zone {number} encloses nothing: its points lie on one line. Move one of them."

Zone = list[list[float]]


def read(text: str) -> list[Zone]:
    """What was typed; empty lines don't count. Raises Refused, which names the zone by number."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_ZONES:
        raise Refused(TOO_MANY)
    return [_zone(number, _points(number, line)) for number, line in enumerate(lines, 1)]


def written(zones: Sequence[Sequence[Sequence[float]]]) -> str:
    """As `read` takes it."""
    return "\n".join(" ".join(f"{100 * x:.4g},{100 * y:.4g}" for x, y in zone) for zone in zones)


def _points(number: int, line: str) -> Iterator[tuple[float, float]]:
    pairs = line.replace(";", " ").split()
    if len(pairs) < FEWEST_POINTS:
        raise Refused(TOO_FEW_POINTS.format(number=number))
    if len(pairs) > MOST_POINTS:
        raise Refused(TOO_MANY_POINTS.format(number=number))
    for pair in pairs:
        try:
            x, y = map(float, pair.split(","))
        except ValueError:
            raise Refused(NO_NUMBERS.format(number=number)) from None
        if not (math.isfinite(x) and math.isfinite(y)):
            raise Refused(NO_NUMBERS.format(number=number))
        yield x, y


def _zone(number: int, points: Iterator[tuple[float, float]]) -> Zone:
    zone = [[round(x / 100, DIGITS), round(y / 100, DIGITS)] for x, y in points]
    if not all(0 <= side <= 1 for point in zone for side in point):
        raise Refused(OUTSIDE.format(number=number))
    if area(zone) < SMALLEST_AREA:
        raise Refused(NO_AREA.format(number=number))
    return zone


def area(zone: Sequence[Sequence[float]]) -> float:
    """Of the polygon, 1 being the whole picture (the shoelace formula)."""
    following = [*zone[1:], zone[0]]
    twice = sum(x * y2 - x2 * y for (x, y), (x2, y2) in zip(zone, following, strict=True))
    return abs(twice) / 2
