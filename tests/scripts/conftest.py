"""Models small enough to be made in a test, and tables of clips."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.ml.conftest import TINY, mean_of_pixels
from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import Card, Interval

if TYPE_CHECKING:
    import keras

MakeModel = Callable[..., Path]
MakeTable = Callable[[list[tuple[str, str, str]]], Path]


@pytest.fixture(scope="module")
def small_networks() -> Iterator[None]:
    """Small clips, and one layer for each network from scratch: their own would take minutes."""
    from video_classifier.ml import networks

    build = networks.build

    def build_small(name: str, spec: ClipSpec, **weights: Any) -> keras.Model:
        if networks.is_pretrained(name):
            return build(name, spec, **weights)
        return mean_of_pixels(name, spec)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "designed_for", lambda _: TINY)
        patch.setattr(networks, "build", build_small)
        yield


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """Writes a real, untrained model into tmp_path/models and returns its folder."""

    def make(name: str, network: str = "conv3d", **card: object) -> Path:
        import keras

        from video_classifier.ml import networks

        keras.utils.set_random_seed(1)
        folder = tmp_path / "models" / name
        facts = {
            "summary": "For tests.",
            "threshold": 0.5,
            "created": "2026-01-01",
            "metrics": {"auc": Interval(value=0.7, low=0.6, high=0.8)},
        }
        made = Card(name=name, network=network, spec=TINY, **facts | card)  # type: ignore[arg-type]
        bundle.save(folder, networks.build(network, TINY), made)
        return folder

    return make


@pytest.fixture
def make_table(tmp_path: Path) -> MakeTable:
    """Writes a manifest of (path, label, actor)."""

    def make(rows: list[tuple[str, str, str]]) -> Path:
        table = tmp_path / "clips.csv"
        with table.open("w", newline="") as file:
            csv.writer(file).writerows([("path", "label", "actor"), *rows])
        return table

    return make
