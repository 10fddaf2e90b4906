"""A model is loaded once, and again when it was replaced or has made room for others."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.makers import videos
from tests.makers.crowd import Spotter
from tests.ml.conftest import OF_PERSONS, MakeBundle, write_bundle
from video_classifier.ml.persons import loading as detectors
from video_classifier.ml.serving import bundle, loading
from video_classifier.ml.serving.card import BundleError

pytestmark = pytest.mark.keras

ROOT = Path(__file__).parents[3]
STORAGE = ROOT / "models_storage"
DETECTOR = STORAGE / "person_detector"
MEMORY = """
import sys
from pathlib import Path
import psutil
from video_classifier.ml.serving import loading
for folder in sys.argv[1:]:
    loading.load(Path(folder))
    print(psutil.Process().memory_info().rss)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of people."""
    return write_bundle(tmp_path_factory.mktemp("models") / "persons", spec=OF_PERSONS)


def test_is_loaded_once(make_bundle: MakeBundle) -> None:
    folder = make_bundle("conv3d")

    with ThreadPoolExecutor(4) as threads:
        loaded = set(threads.map(lambda _: id(loading.load(folder)), range(8)))

    assert len(loaded) == 1


def test_a_model_replaced_on_disk_is_loaded_anew(make_bundle: MakeBundle) -> None:
    folder = make_bundle("conv3d")
    first = loading.load(folder)
    network, card = bundle.load_network(folder)
    network.set_weights([weights + 0.1 for weights in network.get_weights()])
    bundle.save(folder, network, card)

    second = loading.load(folder)

    assert second.sha256 != first.sha256


def test_a_detector_replaced_on_disk_is_loaded_with_the_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Successor(Spotter):
        sha256 = "e" * 64

    found = Spotter()
    monkeypatch.setattr(detectors, "check", lambda _: found.sha256)
    monkeypatch.setattr(detectors, "load", lambda _: found)
    first = loading.load(folder, detector=folder)
    again = loading.load(folder, detector=folder)
    found = Successor()

    second = loading.load(folder, detector=folder)

    assert again is first
    assert second is not first


def test_without_a_detector_it_can_not_be_used(folder: Path) -> None:
    with pytest.raises(BundleError, match="“persons” can't be used: it needs a person detector"):
        loading.load(folder)


def test_a_detector_that_is_none_is_told(folder: Path, tmp_path: Path) -> None:
    detector = videos.text(tmp_path / "detector.onnx", "buy milk")

    with pytest.raises(BundleError, match=r"needs a person detector\. The person detector"):
        loading.load(folder, detector=detector)


# Only those that were used last are kept


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Five models of whole frames, where nothing is loaded yet."""
    monkeypatch.setattr(loading, "_loaded", {})
    return [copy("mobilenetv2_lstm", tmp_path / f"model{number}") for number in range(5)]


def copy(name: str, folder: Path) -> Path:
    ignored = shutil.ignore_patterns("*.keras", "*.png")
    return Path(shutil.copytree(STORAGE / name, folder, ignore=ignored))


def test_the_least_recently_used_model_makes_room(others: list[Path]) -> None:
    first, second, third, *_ = others
    kept, gone = loading.load(first), weakref.ref(loading.load(second))
    loading.load(first)

    loading.load(third)

    gc.collect()
    assert gone() is None
    assert loading.load(first) is kept


def test_a_model_that_is_still_in_use_outlives_its_place(others: list[Path]) -> None:
    mine = loading.load(others[0])

    for folder in others[1:]:
        loading.load(folder)

    images = np.zeros(mine.card.spec.shape, np.uint8)
    assert mine.score(images) == loading.load(others[0]).score(images)


def test_a_detector_is_kept_as_long_as_a_loaded_model_needs_it(
    others: list[Path], tmp_path: Path
) -> None:
    people = copy("person_ensemble", tmp_path / "people")
    loading.load(people, detector=DETECTOR)
    loading.load(others[0])
    detector = weakref.ref(detectors.load(DETECTOR))
    gc.collect()
    kept = detector() is not None

    for folder in others[1:3]:
        loading.load(folder)

    gc.collect()
    assert kept
    assert detector() is None


def test_memory_stops_growing_with_the_third_model(others: list[Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, *map(str, others)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    one, two, *_, five = map(int, done.stdout.split())
    assert five - two < (two - one) / 2  # and not three times as much
