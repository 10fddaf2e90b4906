"""Single pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from video_classifier.ml.contracts import ClipError
from video_classifier.ml.video import pictures


def test_it_is_turned_as_its_file_says(tmp_path: Path) -> None:
    turned = Image.new("RGB", (40, 20), (255, 0, 0))
    exif = turned.getexif()
    exif[0x0112] = 6  # the camera was turned by a quarter
    turned.save(tmp_path / "a.jpg", exif=exif)

    image = pictures.read(tmp_path / "a.jpg")

    assert image.shape == (40, 20, 3)
    assert image.dtype == np.uint8


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "I;16", "1"])
def test_each_color_model_becomes_rgb(tmp_path: Path, mode: str) -> None:
    kind = "tiff" if mode in {"CMYK", "I;16"} else "png"
    Image.new(mode, (8, 6)).save(tmp_path / f"a.{kind}")

    assert pictures.read(tmp_path / f"a.{kind}").shape == (6, 8, 3)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("hello")

    with pytest.raises(ClipError, match="can't be read"):
        pictures.read(tmp_path / "a.jpg")
