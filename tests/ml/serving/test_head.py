"""Heads of a store's own: a file that can be trusted, and the network's own scores by its own."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.ml.conftest import TINY, MakeBundle, write_bundle
from video_classifier.ml.contracts import Image
from video_classifier.ml.files import sha256
from video_classifier.ml.serving import bundle, head, loading
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.ml.serving.head import HEAD_FILE, Head, HeadError
from video_classifier.ml.serving.scorer import HeadedScorer

STORAGE = Path(__file__).parents[3] / "models_storage"
DETECTOR = STORAGE / "person_detector"
NETWORK = "a" * 64


def make_head(*kernel: float, bias: float = 0.0, network: str = NETWORK) -> Head:
    return Head(kernel=np.array(kernel, np.float64), bias=bias, network_sha256=network)


def test_a_head_is_read_as_it_was_written(tmp_path: Path) -> None:
    digest = head.write(tmp_path / HEAD_FILE, make_head(1.0, -2.5, bias=0.25))

    found = head.read(tmp_path / HEAD_FILE, sha256=digest)

    assert found.kernel.tolist() == [1.0, -2.5]
    assert (found.bias, found.network_sha256) == (0.25, NETWORK)


def test_the_same_head_is_the_same_file_and_that_of_another_network_is_not(tmp_path: Path) -> None:
    first, second, other = (
        head.write(tmp_path / f"{name}.npz", make_head(1.0, network=network))
        for name, network in (("1", NETWORK), ("2", NETWORK), ("3", "b" * 64))
    )

    assert first == second
    assert first != other


def test_a_score_is_a_logistic_regression_and_does_not_overflow() -> None:
    scores = make_head(1.0, 2.0, bias=-1.0).score(np.array([[0, 0.5], [9e4, 0], [-9e4, 0]]))

    assert scores.tolist() == [0.5, 1.0, 0.0]


@pytest.mark.parametrize("content", [b"", b"weights", b"PK\x03\x04 and no more"])
def test_a_file_that_is_no_head_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / HEAD_FILE).write_bytes(content)

    with pytest.raises(HeadError, match="it can't be read"):
        head.read(tmp_path / HEAD_FILE, sha256=sha256(tmp_path / HEAD_FILE))


@pytest.mark.parametrize(
    "parts",
    [
        {"kernel": np.zeros(3), "bias": np.zeros(())},
        {"kernel": np.array(["a"]), "bias": np.zeros(()), "network_sha256": np.array("a")},
        {"kernel": np.array([{}]), "bias": np.zeros(()), "network_sha256": np.array("a")},
        {"kernel": np.zeros(3), "bias": np.zeros(2), "network_sha256": np.array("a")},
        {"kernel": np.zeros((3, 1)), "bias": np.zeros(()), "network_sha256": np.array("a")},
        {"kernel": np.zeros(0), "bias": np.zeros(()), "network_sha256": np.array("a")},
        {"kernel": np.full(3, np.nan), "bias": np.zeros(()), "network_sha256": np.array("a")},
    ],
    ids=["incomplete", "text", "objects", "two biases", "a matrix", "nothing", "no numbers"],
)
def test_what_is_no_list_of_weights_is_refused(
    tmp_path: Path, parts: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]
) -> None:
    np.savez(tmp_path / HEAD_FILE, **parts)  # type: ignore[arg-type]

    with pytest.raises(HeadError):
        head.read(tmp_path / HEAD_FILE, sha256=sha256(tmp_path / HEAD_FILE))


# On a network


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Served by Keras."""
    return write_bundle(tmp_path_factory.mktemp("models") / "small")


def own_head(folder: Path) -> Head:
    """That of the network itself, taken out of network.keras."""
    network, card = bundle.load_network(folder)
    kernel, bias = network.get_weights()[-2:]
    return Head(
        kernel=kernel[:, 0].astype(np.float64), bias=float(bias[0]), network_sha256=card.sha256
    )


def write_version(folder: Path, own: Head, model: Path, **facts: object) -> Path:
    card = bundle.read_card(model)
    bundle.save_version(
        folder,
        own,
        replace(card, name=f"{model.name}@{folder.name}", **facts),  # type: ignore[arg-type]
        parent=model.name,
    )
    return folder


def shifted(own: Head, by: float) -> Head:
    return replace(own, bias=own.bias + by)


def noise(count: int = 3, shape: tuple[int, ...] = TINY.shape) -> Image:
    found: Image = np.random.default_rng(1).integers(0, 256, (count, *shape)).astype(np.uint8)
    return found


@pytest.mark.keras
def test_its_own_head_gives_the_scores_of_a_network_in_keras(model: Path) -> None:
    engine, card = bundle.load_features(model)
    scorer = HeadedScorer(engine, card, head=own_head(model), shadows={})

    by_network = bundle.load(model)[0].score(noise())

    assert scorer.score_all(list(noise())) == pytest.approx(by_network.tolist(), abs=1e-5)
    assert engine.score(noise()) == pytest.approx(by_network, abs=1e-6)


@pytest.mark.keras
def test_its_own_head_gives_the_scores_of_the_shipped_network() -> None:
    """Taken out of network.keras, on numbers of the export that is served."""
    folder = STORAGE / "i3d_person"
    engine, card = bundle.load_features(folder)
    batch = noise(2, card.spec.shape)
    bright = (batch // 8 + 200).astype(np.uint8)

    by_head = own_head(folder).score(engine.score_with_features(np.concatenate([batch, bright]))[1])

    by_network = bundle.load(folder)[0].score(np.concatenate([batch, bright]))
    assert by_head == pytest.approx(by_network, abs=1e-5)


@pytest.mark.keras
def test_engines_give_the_head_that_the_network_comes_with(model: Path) -> None:
    for folder in (model, STORAGE / "i3d_person"):
        engine, _ = bundle.load_features(folder)
        kernel, bias = engine.own_head()

        own = own_head(folder)
        assert kernel == pytest.approx(own.kernel, abs=1e-3)  # an export has weights of 16 bits
        assert bias == pytest.approx(own.bias, abs=1e-3)


@pytest.mark.keras
def test_a_version_has_a_card_a_name_and_scores_of_its_own(model: Path, tmp_path: Path) -> None:
    version = write_version(tmp_path / "3", shifted(own_head(model), 2.0), model, threshold=0.25)

    found = loading.load(version, network=model)

    assert (found.name, found.card.threshold) == ("small@3", 0.25)
    assert found.sha256 == sha256(version / HEAD_FILE)
    assert found.score(noise()[0]) > loading.load(model).score(noise()[0])


@pytest.mark.keras
def test_versions_share_a_network_that_is_loaded_once(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_loaded", {})
    versions = [
        write_version(tmp_path / str(number), shifted(own_head(model), number), model)
        for number in (1, 2)
    ]

    first, second = (loading.load(each, network=model) for each in versions)

    assert first is loading.load(versions[0], network=model)
    assert first is not second
    assert len(loading._loaded) == 1


@pytest.mark.keras
def test_heads_in_the_shadow_score_along_and_decide_nothing(model: Path, tmp_path: Path) -> None:
    shadows = [
        write_version(tmp_path / str(number), shifted(own_head(model), by), model)
        for number, by in ((1, -1.0), (2, 1.0))
    ]

    scorer = loading.load(model, shadows=shadows)._scorer
    score, low, high = scorer.score_each(noise()[0])

    assert scorer.shadows == tuple(bundle.read_card(each).served_sha256 for each in shadows)
    assert low < score < high
    assert score == pytest.approx(loading.load(model).score(noise()[0]))


@pytest.mark.keras
def test_a_shadow_that_can_not_be_used_is_left_out(
    model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    longer = replace(own_head(model), kernel=np.ones(1000))
    wrong = write_version(tmp_path / "1", longer, model)

    gone = loading.load(model, shadows=[tmp_path / "9"])
    misshapen = loading.load(model, shadows=[wrong])

    assert gone._scorer.shadows == misshapen._scorer.shadows == ()
    assert "“small@9”" in caplog.text.replace(tmp_path.name, "small")


@pytest.mark.keras
def test_a_head_of_another_size_is_refused(model: Path, tmp_path: Path) -> None:
    version = write_version(tmp_path / "1", replace(own_head(model), kernel=np.ones(9)), model)

    with pytest.raises(BundleError, match="“small@1” can't be used: its network fails"):
        loading.load(version, network=model)


@pytest.mark.keras
def test_a_network_that_ends_in_something_else_can_have_no_heads(make_bundle: MakeBundle) -> None:
    with pytest.raises(BundleError, match="“person_ensemble” can't have heads of a store's own"):
        bundle.load_features(make_bundle("person_ensemble"))


def test_an_export_to_litert_can_have_no_heads() -> None:
    with pytest.raises(BundleError, match="LiteRT gives nothing but its score"):
        bundle.load_features(STORAGE / "mobilenetv2_lstm")


# What is damaged


@pytest.fixture
def version(tmp_path: Path) -> tuple[Path, Path]:
    """A version of the shipped model, without its weights being looked at, and the model."""
    folder = STORAGE / "i3d_person"
    card: Card = bundle.read_card(folder)
    found = write_version(
        tmp_path / "i3d_person" / "3", make_head(1.0, 2.0, network=card.sha256), folder
    )
    return found, folder


def test_a_version_is_checked_without_a_framework(version: tuple[Path, Path]) -> None:
    card = loading.check(version[0], network=version[1], detector=DETECTOR)

    assert card.name == "i3d_person@3"
    assert card.describes(card.served_sha256)
    assert not card.describes(bundle.read_card(version[1]).served_sha256)


def test_another_head_than_its_card_s_is_refused(version: tuple[Path, Path]) -> None:
    folder, network = version
    head.write(folder / HEAD_FILE, make_head(9.0, 2.0))

    with pytest.raises(BundleError, match=r"“i3d_person@3” .* it is not the one that its card"):
        bundle.check(folder, network=network)


def test_a_head_that_is_missing_is_said(version: tuple[Path, Path]) -> None:
    (version[0] / HEAD_FILE).unlink()

    with pytest.raises(
        BundleError, match=r"“i3d_person@3” can't be used: its head\.npz is missing"
    ):
        bundle.check(version[0], network=version[1])


def test_a_folder_that_is_gone_is_said(version: tuple[Path, Path]) -> None:
    shutil.rmtree(version[0])

    with pytest.raises(BundleError, match="There is no model “i3d_person@3”"):
        bundle.check(version[0], network=version[1])


def test_a_head_of_another_network_is_refused(version: tuple[Path, Path]) -> None:
    folder = write_version(version[0].with_name("4"), make_head(1.0), version[1])

    with pytest.raises(
        BundleError, match="it belongs to another network than that of “i3d_person”"
    ):
        bundle.check(folder, network=version[1])


def test_a_version_that_scores_other_windows_is_refused(version: tuple[Path, Path]) -> None:
    own = make_head(1.0, network=bundle.read_card(version[1]).sha256)
    folder = write_version(version[0].with_name("4"), own, version[1], best_windows=3)

    with pytest.raises(BundleError, match="its windows are not those of “i3d_person”"):
        bundle.check(folder, network=version[1])


def test_a_version_without_its_network_is_none(version: tuple[Path, Path]) -> None:
    with pytest.raises(BundleError, match="can't be used without the network of “i3d_person”"):
        bundle.check(version[0])


def test_a_card_from_before_there_were_heads_is_read() -> None:
    assert bundle.read_card(STORAGE / "i3d_person").head is None
