"""A model is loaded once, and again when it or its detector was replaced."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.makers import videos
from tests.makers.crowd import Spotter
from tests.ml.conftest import OF_PERSONS, MakeBundle, write_bundle
from video_classifier.ml.persons import loading as detectors
from video_classifier.ml.serving import bundle, loading
from video_classifier.ml.serving.card import BundleError

pytestmark = pytest.mark.keras


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
