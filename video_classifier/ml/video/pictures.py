"""Reads single pictures."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from video_classifier.ml.contracts import ClipError, Image

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
MOST_PIXELS = 8192 * 8192

UNREADABLE = "This picture can't be read: it is damaged, or of an unusual kind. Send it as JPEG."
TOO_LARGE = "This picture has more than 67 million pixels. Send it smaller."


def read(path: Path) -> Image:
    """(height, width, 3) RGB, uint8, upright as the file's EXIF has it. Raises ClipError.

    Of several pictures in a file it is the first.
    """
    from PIL import Image as Pictures
    from PIL import ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pictures.DecompressionBombWarning)
            with Pictures.open(path, formats=FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise ClipError(TOO_LARGE)
                upright = ImageOps.exif_transpose(picture)
                return np.asarray(upright.convert("RGB"))
    except Pictures.DecompressionBombError as error:
        raise ClipError(TOO_LARGE) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise ClipError(UNREADABLE) from error
