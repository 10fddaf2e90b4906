"""Draws contact sheets: some frames of each clip, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import font_manager
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from video_classifier.ml.contracts import ClipSpec, Image
from video_classifier.ml.video import sampling

FRAMES = 6
WIDTH = 176  # pixels of a frame
_GAP = 4
_CAPTION = 26
_SPEC = ClipSpec(frames=FRAMES, height=8, width=8)  # only the previews are used


class Row(NamedTuple):
    caption: str
    frames: Sequence[Image]  # (h, w, 3) RGB, uint8


def decode(clip: Path) -> tuple[Image, ...]:
    """FRAMES frames of a clip, (h, WIDTH, 3) RGB, uint8, in its own shape. Raises ClipError."""
    return sampling.sample(clip, _SPEC, preview_width=WIDTH).previews


def save(rows: Sequence[Row], target: Path) -> None:
    """Writes one PNG with a row for each clip, its caption above its frames."""
    strips = [_strip(row) for row in rows]
    width = max(strip.width for strip in strips)
    sheet = Picture.new("RGB", (width, sum(strip.height for strip in strips)), "white")
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    sheet.save(target)


def _strip(row: Row) -> Picture.Image:
    gap = np.full((row.frames[0].shape[0], _GAP, 3), 255, np.uint8)
    side_by_side = Picture.fromarray(
        np.hstack([part for frame in row.frames for part in (gap, frame)] + [gap])
    )
    strip = Picture.new("RGB", (side_by_side.width, side_by_side.height + _CAPTION + _GAP), "white")
    strip.paste(side_by_side, (0, _CAPTION))
    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 14)
    ImageDraw.Draw(strip).text((_GAP, 5), row.caption, fill="black", font=font)
    return strip
