"""The real footage and weights: in CI they have to be there, elsewhere a skip says what is not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parent.parent.parent
FOOTAGE = Path(os.environ.get("SHOPLIFT_FOOTAGE") or ROOT.parent / "shared" / "data")
YOLOX = FOOTAGE.parent / "weights" / "yolox_nano.onnx"
NANODET = FOOTAGE.parent / "weights" / "nanodet_plus_m.onnx"
WEIGHTS = FOOTAGE.parent / "weights" / "mobilenet_v2_imagenet_no_top.h5"
I3D = FOOTAGE.parent / "weights" / "i3d_kinetics400_rgb.npz"


def missing(what: str) -> NoReturn:
    """In CI nothing may be missing; elsewhere the person reads what was."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def require(*paths: Path) -> None:
    if not all(path.is_file() for path in paths):
        missing(f"The footage is not in {FOOTAGE}; SHOPLIFT_FOOTAGE says where it is.")
