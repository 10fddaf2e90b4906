"""What a card says is served decides which engine runs it; scores are checked, in batches."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import MakeModel
from tests.ml.conftest import TINY, MakeBundle
from video_classifier.ml.contracts import Floats, Image
from video_classifier.ml.serving import bundle, engine
from video_classifier.ml.serving.card import BundleError, Card, Export
from video_classifier.ml.serving.engine import Engine, KerasEngine
from video_classifier.ml.serving.scorer import MAX_BATCH, Scorer

DETECTOR = Path(__file__).parents[3] / "models_storage" / "person_detector"
CARD = Card(
    name="fake", network="conv3d", summary="", spec=TINY, threshold=0.5, created="2026-01-01"
)


class Brightness:
    """Scores an input by its mean, divided by `white`, and counts the batches."""

    def __init__(self, white: float = 255.0) -> None:
        self.sizes: list[int] = []
        self._white = white

    def score(self, batch: Image) -> Floats:
        self.sizes.append(len(batch))
        return np.asarray(batch.mean(axis=(1, 2, 3, 4)) / self._white, np.float64)


@pytest.fixture
def brightness() -> Brightness:
    return Brightness()


def shades(*levels: int) -> list[Image]:
    return [np.full(TINY.shape, level, np.uint8) for level in levels]


def test_scores_come_in_the_order_of_their_inputs(brightness: Brightness) -> None:
    assert Scorer(brightness, CARD).score_all(shades(51, 255, 0)) == pytest.approx((0.2, 1, 0))


def test_a_crowd_is_scored_in_batches_of_bounded_size(brightness: Brightness) -> None:
    scorer, checks = Scorer(brightness, CARD), []
    brightness.sizes.clear()

    scores = scorer.score_all(shades(*range(2 * MAX_BATCH + 1)), check=lambda: checks.append(1))

    assert brightness.sizes == [MAX_BATCH, MAX_BATCH, 1]
    assert len(scores) == 2 * MAX_BATCH + 1
    assert len(checks) == 3


def test_who_watches_can_end_it_between_batches(brightness: Brightness) -> None:
    def stop() -> None:
        raise TimeoutError

    scorer = Scorer(brightness, CARD)
    brightness.sizes.clear()

    with pytest.raises(TimeoutError):
        scorer.score_all(shades(1), check=stop)
    assert brightness.sizes == []


def test_no_scores_of_nothing(brightness: Brightness) -> None:
    assert Scorer(brightness, CARD).score_all([]) == ()


def test_rounding_takes_no_score_beyond_0_or_1() -> None:
    assert Scorer(Brightness(white=254.9999), CARD).score_all(shades(255)) == (1.0,)


def test_one_input_without_a_number_is_a_reason_to_give_none() -> None:
    class Broken(Brightness):
        def score(self, batch: Image) -> Floats:
            found = super().score(batch)
            return np.where(found > 0.9, np.nan, found)

    scorer = Scorer(Broken(), CARD)

    with pytest.raises(BundleError, match="gives no number for this clip"):
        scorer.score_all(shades(0, 255, 0))


# By what the card says


@pytest.fixture
def bright(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model with two networks, whose card says that the one for another engine is served."""
    other = {"network.bright": lambda _file, _card: Brightness()}
    monkeypatch.setattr(bundle, "ENGINES", dict(engine.ENGINES) | other)
    folder = make_model("bright", serving=export_of(b"other weights"))
    (folder / "network.bright").write_bytes(b"other weights")
    return folder


def export_of(content: bytes, file: str = "network.bright") -> Export:
    digest = hashlib.sha256(content).hexdigest()
    return Export(file=file, sha256=digest, max_difference=1e-6, windows=64)


def test_the_card_chooses_the_engine(bright: Path) -> None:
    chosen, card = bundle.load(bright)

    assert isinstance(chosen, Brightness)
    assert card.name == "bright"


def test_an_export_is_served_without_the_network_that_it_was_made_from(bright: Path) -> None:
    (bright / bundle.NETWORK_FILE).unlink()

    assert isinstance(bundle.load(bright)[0], Brightness)
    with pytest.raises(BundleError, match=r"network\.keras is missing"):
        bundle.load_network(bright)


def test_an_export_that_the_card_does_not_name_is_not_served(bright: Path) -> None:
    bundle.write_card(bright, replace(bundle.read_card(bright), serving=None))
    (bright / bundle.NETWORK_FILE).unlink()

    with pytest.raises(BundleError, match=r"“bright” .* its network\.keras is missing\."):
        bundle.check(bright)


@pytest.mark.parametrize("content", [b"", b"yet other weights"])
def test_another_export_than_the_card_s_is_refused(bright: Path, content: bytes) -> None:
    (bright / "network.bright").write_bytes(content)

    with pytest.raises(BundleError, match=r"its network\.bright is not the one"):
        bundle.check(bright)


@pytest.mark.parametrize("name", ["network.onnx", "../network.tflite", ""])
def test_a_file_that_no_engine_runs_is_refused(make_model: MakeModel, name: str) -> None:
    folder = make_model("odd", serving=export_of(b"weights", name))

    with pytest.raises(BundleError, match=r"only network\.keras or network\.tflite or network\.o"):
        bundle.check(folder)


@pytest.mark.parametrize(
    ("file", "library"), [("network.tflite", "LiteRT"), ("network.openvino", "OpenVINO")]
)
def test_a_file_that_is_no_network_for_its_engine_is_refused(
    make_model: MakeModel, file: str, library: str
) -> None:
    folder = make_model("odd", serving=export_of(b"weights", file))
    (folder / file).write_bytes(b"weights")

    with pytest.raises(BundleError, match=f"{library} can't read its {file}"):
        bundle.load(folder)


def test_where_keras_is_missing_what_only_keras_can_run_says_what_to_install(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_model("plain")
    monkeypatch.setitem(sys.modules, "keras", None)

    with pytest.raises(BundleError, match=r"“plain” can't be used: .* Install requirements\.txt"):
        bundle.check(folder)


@pytest.mark.keras
def test_a_network_for_litert_of_another_shape_is_refused(make_model: MakeModel) -> None:
    content = (DETECTOR / "network.tflite").read_bytes()
    folder = make_model("odd", serving=export_of(content, "network.tflite"))
    (folder / "network.tflite").write_bytes(content)

    with pytest.raises(BundleError, match="is of another shape than its card"):
        bundle.load(folder)


@pytest.mark.keras
@pytest.mark.parametrize("network", ["conv3d", "cnn_lstm"])
def test_a_score_does_not_depend_on_who_else_is_in_the_batch(
    make_bundle: MakeBundle, network: str
) -> None:
    keras_engine: Engine
    keras_engine, _ = bundle.load(make_bundle(network))
    levels = np.random.default_rng(1).integers(1, 256, (5, 1, 1, 1, 1))
    batch = np.random.default_rng(2).integers(0, levels, (5, *TINY.shape)).astype(np.uint8)

    together = keras_engine.score(batch)

    assert isinstance(keras_engine, KerasEngine)
    assert together.shape == (5,)
    assert together.dtype == np.float64
    apart = [keras_engine.score(batch[number : number + 1])[0] for number in range(5)]
    assert together.tolist() == apart
    assert np.ptp(together) > 0


@pytest.mark.keras
def test_batches_of_any_size_are_traced_once(make_bundle: MakeBundle, tmp_path: Path) -> None:
    """A new trace takes seconds, and its graph is never freed."""
    network, card = bundle.load_network(make_bundle("conv3d"))
    traced = KerasEngine(network, card)

    for size in (1, 3, 2, 4):
        traced.score(np.zeros((size, *TINY.shape), np.uint8))

    assert traced._graph.experimental_get_tracing_count() == 1
