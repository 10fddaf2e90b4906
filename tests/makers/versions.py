"""Writes versions of a model, as far as rows and the catalog look at them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from django.conf import settings

from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.head import Head
from video_classifier.models import ModelVersion, Store
from video_classifier.services import catalog, versions


def write_head(
    model: str, *, kernel: float = 1.0, bias: float = 0.0, features: int = 3, **facts: object
) -> Path:
    """A folder as training leaves it, for `versions.add`."""
    folder = Path(mkdtemp(dir=settings.DATA_DIR))
    card = bundle.read_card(catalog.folder(model))
    head = Head(kernel=np.full(features, kernel), bias=bias, network_sha256=card.sha256)
    bundle.save_version(folder, head, replace(card, **facts), parent=model)  # type: ignore[arg-type]
    return folder


def make_version(store: Store, model: str = "standard", **facts: Any) -> ModelVersion:
    """`facts` are as of `write_head`."""
    return versions.add(write_head(model, **facts), store=store, model=model)


def weights_of(name: str) -> dict[str, Any]:
    """Of a model or version that finds no people, as rows of scores and measures have them."""
    sha256 = catalog.usable(name).served_sha256
    return {"model": name, "model_sha256": sha256, "detector_sha256": ""}
