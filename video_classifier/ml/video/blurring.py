"""Makes people in pictures unrecognizable, but for one whom a box is around.

All of the picture is blurred outside that box, and not only where somebody was found: whom a
detector overlooks would be left sharp otherwise.
"""

from __future__ import annotations

from math import ceil, floor

import numpy as np

from video_classifier.ml.contracts import Box, Image

# Of the longer side of a picture; what is left of a face that fills a tenth of it is four dots.
DOTS = 40
MARGIN = 0.05  # of the box's width and height, as its edges follow a person roughly


def blurred(image: Image, clear: Box | None) -> Image:
    """(height, width, 3) RGB, uint8: `image` blurred but for that box; None leaves nothing clear.

    What was blurred is averaged over squares, so that nothing brings it back.
    """
    from PIL import Image as Pictures

    height, width = image.shape[:2]
    dot = max(1, ceil(max(height, width) / DOTS))
    picture = Pictures.fromarray(image)
    smooth = picture.reduce(dot).resize((width, height), Pictures.Resampling.BILINEAR)
    found = np.array(smooth)
    if clear is not None:
        rows, columns = _pixels(clear, height=height, width=width)
        found[rows, columns] = image[rows, columns]
    return found


def _pixels(box: Box, *, height: int, width: int) -> tuple[slice, slice]:
    across, down = MARGIN * (box.right - box.left), MARGIN * (box.bottom - box.top)
    top, bottom = (box.top - down) * height, (box.bottom + down) * height
    left, right = (box.left - across) * width, (box.right + across) * width
    return (
        slice(max(0, floor(top)), max(0, ceil(bottom))),
        slice(max(0, floor(left)), max(0, ceil(right))),
    )
