"""Draws what people at a screen see of a live camera: the picture, the boxes, the words.

The words stand on strips of their own, above and below the picture, so that they can be read
whatever it shows and hide nothing of it. With a hint or without, the drawing has the same size.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import cv2
import numpy as np

from video_classifier.ml.contracts import Box, Image

LEAST_WIDTH = 480  # pixels; a smaller picture is enlarged to …
WIDTH = 640  # … so many, or its words would not fit
EDGE = 5  # pixels all around
STRIP = 30  # pixels, of the words above and below
QUALITY = 80  # of the JPEG

TEXT = 17  # pixels
LABEL = 15
_PAD = 8

Color = tuple[int, int, int]
DARK: Color = (17, 23, 29)
LIGHT: Color = (235, 238, 242)
AMBER: Color = (248, 190, 88)

# It has the letters of any script, which neither Pillow's font nor OpenCV's own strokes have.
_FONT = cv2.FontFace("sans")
_NORMAL, _BOLD = 450, 700

HINT = "Possible shoplifting"
ELLIPSIS = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in a picture."""

    box: Box
    score: float | None = None  # 0 to 1; None before there is one
    is_hint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """All that is drawn of one moment."""

    picture: Image  # (height, width, 3) RGB, uint8
    at: datetime  # aware
    people: tuple[Person, ...] = ()
    score: float | None = None  # the highest just now
    threshold: float
    is_hint: bool = False
    place: str  # store and camera
    time_zone: str  # IANA name
    words: str = ""  # beside the score; what stays true of an old picture


def jpeg(drawing: Drawing) -> bytes:
    return _jpeg(drawn(drawing))


def plain_jpeg(drawing: Drawing) -> bytes:
    """Without what is drawn."""
    return _jpeg(drawing.picture)


def _jpeg(image: Image) -> bytes:
    _, content = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    )
    return content.tobytes()


def drawn(drawing: Drawing) -> Image:
    """(height, width, 3) RGB, uint8: larger than the picture by the strips and edges."""
    picture = _enlarged(drawing.picture)
    height, width = picture.shape[:2]
    for person in sorted(drawing.people, key=lambda each: each.is_hint):
        _draw_person(picture, person)
    frame = AMBER if drawing.is_hint else DARK
    canvas: Image = np.full((height + 2 * STRIP, width + 2 * EDGE, 3), frame, np.uint8)
    canvas[STRIP : STRIP + height, EDGE : EDGE + width] = picture
    ink = DARK if drawing.is_hint else LIGHT
    _write_line(canvas, STRIP // 2, _heading(drawing), drawing.words, ink, bold=drawing.is_hint)
    foot = canvas.shape[0] - STRIP // 2
    _write_line(canvas, foot, drawing.place, clock(drawing.at, drawing.time_zone), ink)
    return canvas


def clock(at: datetime, time_zone: str) -> str:
    """By the clock of the store: "26 Nov 2026, 03:12:45 CET"."""
    local = at.astimezone(ZoneInfo(time_zone))
    return f"{local.day} {local:%b %Y, %H:%M:%S %Z}"


def _heading(drawing: Drawing) -> str:
    if drawing.score is None:
        return HINT if drawing.is_hint else f"No score · hint from {drawing.threshold:.2f}"
    scored = f"score {drawing.score:.2f}, hint from {drawing.threshold:.2f}"
    return f"{HINT} · {scored}" if drawing.is_hint else scored.capitalize()


def _enlarged(picture: Image) -> Image:
    """A copy that words fit on; never smaller than it was."""
    height, width = picture.shape[:2]
    if width >= LEAST_WIDTH:
        return picture.copy()
    size = (WIDTH, max(round(height * WIDTH / width), 1))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _draw_person(picture: Image, person: Person) -> None:
    height, width = picture.shape[:2]
    left, right = (round(side * (width - 1)) for side in (person.box.left, person.box.right))
    top, bottom = (round(side * (height - 1)) for side in (person.box.top, person.box.bottom))
    color, thickness = (AMBER, 3) if person.is_hint else (LIGHT, 2)
    # A dark edge on both sides, so that it can be made out on light pictures, too.
    cv2.rectangle(picture, (left, top), (right, bottom), DARK, thickness + 3)
    cv2.rectangle(picture, (left, top), (right, bottom), color, thickness)
    if person.score is not None:
        _draw_label(picture, left, top, f"{person.score:.2f}", color)


def _draw_label(picture: Image, left: int, top: int, text: str, color: Color) -> None:
    """Above the box, or in it where there is no room above."""
    wide, high = _width(text, LABEL, _BOLD) + _PAD, LABEL + 6
    left = max(0, min(left, picture.shape[1] - wide))
    top = top - high if top >= high else top
    cv2.rectangle(picture, (left, top), (left + wide, top + high), DARK, 2)
    cv2.rectangle(picture, (left, top), (left + wide, top + high), color, -1)
    _write(picture, text, left + _PAD // 2, top + high // 2, DARK, LABEL, _BOLD)


def _write_line(  # noqa: PLR0913
    canvas: Image, middle: int, left: str, right: str, ink: Color, *, bold: bool = False
) -> None:
    """What stands on the right has its room first; on the left is cut what doesn't fit."""
    weight = _BOLD if bold else _NORMAL
    room = canvas.shape[1] - 2 * _PAD
    right = _fitting(right, room, weight)
    taken = _width(right, TEXT, weight)
    left = _fitting(left, room - taken - 2 * _PAD, weight)
    _write(canvas, left, _PAD, middle, ink, TEXT, weight)
    _write(canvas, right, canvas.shape[1] - _PAD - taken, middle, ink, TEXT, weight)


def _fitting(text: str, room: int, weight: int) -> str:
    text = " ".join(text.split())  # no line breaks
    if _width(text, TEXT, weight) <= room:
        return text
    while text and _width(text + ELLIPSIS, TEXT, weight) > room:
        text = text[:-1]
    return text and text.rstrip() + ELLIPSIS


def _write(  # noqa: PLR0913, PLR0917
    canvas: Image, text: str, left: int, middle: int, ink: Color, size: int, weight: int
) -> None:
    if text:
        baseline = middle + round(0.36 * size)  # half the height of capitals
        cv2.putText(canvas, text, (left, baseline), ink, _FONT, size, weight)


def _width(text: str, size: int, weight: int) -> int:
    if not text:
        return 0
    _, _, wide, _ = cv2.getTextSize((0, 0), text, (0, 0), _FONT, size, weight)
    return int(wide)
