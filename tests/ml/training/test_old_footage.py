"""What lies beside a model for heads that learn: written, read, and refused in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.makers.old_footage import make_old_footage
from video_classifier.ml import files
from video_classifier.ml.contracts import LABELS, ClipSpec
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.serving.head import Head
from video_classifier.ml.training import old_footage
from video_classifier.ml.training.old_footage import FILE, OldFootage

CARD = Card(
    name="meter",
    network="imported",
    summary="For tests.",
    spec=ClipSpec(frames=8, height=32, width=32),
    threshold=0.5,
    created="2026-01-01",
    sha256="a" * 64,
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The network itself isn't looked at."""
    old_footage.keep(tmp_path, CARD, make_old_footage())
    return tmp_path


def read(folder: Path) -> OldFootage | None:
    return old_footage.read(folder, bundle.read_card(folder))


def test_what_is_written_is_read(model: Path) -> None:
    some, found = make_old_footage(), read(model)

    assert found is not None
    assert found.features == pytest.approx(some.features)
    assert found.targets.tolist() == some.targets.tolist()
    assert found.scores == pytest.approx(some.scores)
    assert found.is_measured
    assert sorted(each.name for each in model.iterdir()) == ["card.json", FILE]


def test_a_model_without_it_has_none(model: Path) -> None:
    assert old_footage.read(model, CARD) is None


def test_a_version_has_none_of_its_own(model: Path) -> None:
    head = Head(kernel=np.ones(3), bias=0.0, network_sha256=CARD.sha256)

    card = bundle.save_version(model / "1", head, bundle.read_card(model), parent="meter")

    assert card.old_footage == ""


def _lose(folder: Path) -> None:
    (folder / FILE).unlink()


def _cut_off(folder: Path) -> None:
    (folder / FILE).write_bytes((folder / FILE).read_bytes()[:-50])


def _put_under_another_network(folder: Path) -> None:
    bundle.write_card(folder, replace(bundle.read_card(folder), sha256="c" * 64))


def _fill_with_something_else(folder: Path) -> None:
    (folder / FILE).write_bytes(b"no archive")
    card = replace(bundle.read_card(folder), old_footage=files.sha256(folder / FILE))
    bundle.write_card(folder, card)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_lose, "old_footage.npz is missing. Restore the folder or train it again."),
        (_cut_off, "old_footage.npz is not the one that its card describes"),
        (_put_under_another_network, "old_footage.npz is of another network"),
        (_fill_with_something_else, "old_footage.npz can't be read"),
    ],
)
def test_what_can_not_be_used_is_refused(
    model: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    damage(model)

    with pytest.raises(BundleError, match=sentence):
        read(model)


@pytest.mark.parametrize(
    "wrong",
    [
        {"features": np.zeros(20, np.float16)},
        {"weights": np.ones(3)},
        {"weights": np.zeros(20)},
        {"targets": np.zeros(20, np.intp)},
        {"scores": np.full(20, 1.5)},
    ],
    ids=["no table", "too short", "no weight", "one label", "no scores"],
)
def test_values_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="its "):
        replace(make_old_footage(), **wrong)


def _entry(number: int, label: int, *, source: str, group: str) -> Entry:
    name = f"{number}.mp4"
    return Entry(path=Path(name), name=name, label=LABELS[label], source=source, group=group)


def test_of_a_clip_it_keeps_the_mean_of_the_windows_that_the_score_is_of() -> None:
    entries = [
        _entry(1, 1, source="laboratory", group="one"),
        _entry(2, 0, source="laboratory", group="one"),
        _entry(3, 0, source="street", group="another"),
    ]
    windows = [np.array([[9.0, 0.0], [1.0, 1.0], [3.0, 1.0]], np.float32)] * 3

    found = old_footage.made(
        entries, windows, kernel=np.array([0.0, 1.0]), bias=0.0, best=2, weights=np.ones(3)
    )

    assert found.features[0].tolist() == [2.0, 1.0]
    assert found.groups[0] == found.groups[1] != found.groups[2]
    assert found.inside.tolist() == [True, True, False]
    assert not found.is_measured
