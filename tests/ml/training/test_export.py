"""A model is exported if its scores stay the same, and then served without TensorFlow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.makers import videos
from tests.ml.conftest import TINY, write_bundle, write_unexportable
from video_classifier.ml import litert, openvino
from video_classifier.ml.contracts import Floats, Image
from video_classifier.ml.files import sha256
from video_classifier.ml.serving import bundle, loading
from video_classifier.ml.serving.engine import (
    LITERT_FILE,
    OPENVINO_FILE,
    ExportEngine,
    KerasEngine,
)
from video_classifier.ml.training import export
from video_classifier.ml.training.export import WINDOWS, ExportError

pytestmark = pytest.mark.keras

ROOT = Path(__file__).parents[3]
ANALYZE = """
import sys
from pathlib import Path
from video_classifier.ml.serving import loading, scorer_process
outcome = loading.load(Path(sys.argv[1])).analyze(Path(sys.argv[2]))
print(outcome.prediction.score, *{"tensorflow", "keras"} & set(sys.modules))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "small", "cnn_lstm")


@pytest.mark.parametrize(
    ("network", "file", "kind"),
    [
        ("cnn_lstm", LITERT_FILE, litert.Network),
        ("conv3d", OPENVINO_FILE, openvino.Network),
    ],
)
def test_an_export_scores_as_the_network_does(
    tmp_path: Path, network: str, file: str, kind: type[object]
) -> None:
    folder = write_bundle(tmp_path / "small", network)

    card = export.export(folder)

    served, read = bundle.load(folder)
    trained, _ = bundle.load_network(folder)
    batch = np.random.default_rng(5).integers(0, 256, (3, *TINY.shape), np.uint8)
    assert isinstance(served, ExportEngine)
    assert isinstance(served.network, kind)
    assert served.score(batch) == pytest.approx(KerasEngine(trained, card).score(batch), abs=1e-3)
    assert read == card
    assert card.serving is not None
    assert card.serving.sha256 == card.served_sha256 == sha256(folder / file)
    assert card.sha256 == sha256(folder / bundle.NETWORK_FILE)
    assert 0 < card.serving.max_difference < 1e-3
    assert card.serving.windows == WINDOWS


def test_a_model_is_loaded_anew_once_it_is_exported(folder: Path) -> None:
    by_keras = loading.load(folder)

    card = export.export(folder)

    assert by_keras.sha256 == card.sha256
    assert loading.load(folder).sha256 == card.served_sha256


@pytest.mark.parametrize("network", ["cnn_lstm", "conv3d"])
def test_an_exported_model_is_served_without_tensorflow(network: str, tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "small", network)
    clip = videos.write(tmp_path / "clip.mp4", frames=12)
    before = loading.load(folder).analyze(clip).prediction
    export.export(folder)

    done = subprocess.run(
        [sys.executable, "-c", ANALYZE, str(folder), str(clip)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    score, *loaded = done.stdout.split()
    assert before is not None
    assert float(score) == pytest.approx(before.score, abs=1e-3)
    assert loaded == []


def test_footage_is_compared_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored: list[Image] = []
    usual = KerasEngine.score

    def watched(engine: KerasEngine, batch: Image) -> Floats:
        scored.append(batch)
        return usual(engine, batch)

    monkeypatch.setattr(KerasEngine, "score", watched)
    windows = [np.full(TINY.shape, level, np.uint8) for level in range(100)]

    export.export(folder, windows)

    (batch,) = scored
    levels = [int(window[0, 0, 0, 0]) for window in batch[: export.REAL_WINDOWS]]
    assert len(batch) == WINDOWS
    assert (levels[0], levels[-1]) == (0, 99)
    assert levels == sorted(set(levels))


def test_made_windows_are_the_same_each_time_and_no_two_alike() -> None:
    made = export.made_windows(TINY, 8)

    assert np.array_equal(made, export.made_windows(TINY, 8))
    assert len({window.tobytes() for window in made}) == 8
    assert {window.shape for window in made} == {TINY.shape}


def test_an_export_whose_scores_differ_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, card = bundle.load_network(folder)
    network.layers[-1].bias.assign_add([0.01])
    off = list(export.convert(network, card))
    monkeypatch.setattr(export, "convert", lambda *_: off)

    with pytest.raises(ExportError, match=r"its scores differ by up to 0\.002\d* from those in K"):
        export.export(folder)

    assert bundle.check(folder) == card
    assert not (folder / LITERT_FILE).exists()


def test_an_earlier_export_outlives_one_that_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = export.export(folder)
    monkeypatch.setattr(export, "convert", lambda *_: [b"weights"])

    with pytest.raises(ExportError, match="LiteRT can't run"):
        export.export(folder)

    assert bundle.check(folder) == card


def test_what_litert_has_no_operation_for_is_named(tmp_path: Path) -> None:
    folder = write_unexportable(tmp_path / "solid")

    with pytest.raises(ExportError, match=r"“solid” isn't exported: LiteRT has no MaxPool3D\."):
        export.export(folder)

    assert bundle.check(folder).serving is None


@pytest.mark.long
def test_i3d_is_of_operations_that_litert_has(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "movement", "i3d_person")

    card = export.export(folder)

    assert card.serving is not None
    assert 0 < card.serving.max_difference < 1e-4


def test_saving_another_network_takes_the_export_away(folder: Path) -> None:
    export.export(folder)
    network, card = bundle.load_network(folder)

    bundle.save(folder, network, card)

    assert bundle.check(folder).serving is None
    assert not (folder / LITERT_FILE).exists()


def test_weights_of_16_bits_are_taken_unless_scores_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_bundle(tmp_path / "solid", "conv3d")
    half = export.export(folder).serving
    assert half is not None
    size = (folder / OPENVINO_FILE).stat().st_size
    monkeypatch.setattr(export, "MAX_DIFFERENCE", half.max_difference / 2)

    whole = export.export(folder).serving

    assert whole is not None
    assert whole.max_difference < half.max_difference / 2
    assert (folder / OPENVINO_FILE).stat().st_size > size


def test_an_export_for_another_engine_takes_the_place_of_the_earlier(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export.export(folder)
    monkeypatch.setattr(export, "engine_file", lambda _: OPENVINO_FILE)

    card = export.export(folder)

    assert bundle.check(folder) == card
    assert (folder / OPENVINO_FILE).exists()
    assert not (folder / LITERT_FILE).exists()


def test_a_card_of_before_exports_is_served_by_keras(folder: Path) -> None:
    old = json.loads((folder / bundle.CARD_FILE).read_text())
    del old["serving"]
    (folder / bundle.CARD_FILE).write_text(json.dumps(old))

    engine, card = bundle.load(folder)

    assert isinstance(engine, KerasEngine)
    assert card.served_sha256 == card.sha256
