"""The benchmark tells every figure of two ways, and the naive way comes to the same score."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from scripts.benchmark import __main__ as benchmark
from tests.makers import crowd, videos
from tests.ml.conftest import OF_PERSONS, write_bundle
from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.persons import loading
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import Card

pytestmark = pytest.mark.keras

TINY = ClipSpec(frames=4, height=32, width=32)
FIGURES = (
    *("decode", "inference", "whole"),
    *("import", "load", "first_prediction", "cold_start", "peak_memory"),
)


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """A place for models with one of them, untrained."""
    from video_classifier.ml import networks

    card = Card(
        name="small",
        network="conv3d",
        summary="For tests.",
        spec=TINY,
        threshold=0.5,
        created="2026-01-01",
    )
    bundle.save(tmp_path / "models" / "small", networks.build("conv3d", TINY), card)
    return tmp_path / "models"


@pytest.mark.long
def test_all_figures_are_printed_and_written(
    storage: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    clip = videos.write(tmp_path / "clip.mp4")
    target = tmp_path / "figures.json"

    options = ["--storage", str(storage), "--runs", "1", "--json", str(target)]
    assert benchmark.main([str(clip), *options]) == 0

    model = json.loads(target.read_text())["models"]["small"]
    printed = capfd.readouterr().out
    for name in FIGURES:
        assert model["ours"][name] > 0
        assert model["ratio"][name] == pytest.approx(model["naive"][name] / model["ours"][name])
        assert name.replace("_", " ") in printed
    for way in (model["ours"], model["naive"]):
        assert way["whole"] == pytest.approx(way["decode"] + way["inference"])
        assert way["cold_start"] == pytest.approx(way["import"] + way["first_prediction"])
        assert way["load"] < way["first_prediction"]


@pytest.fixture
def with_persons(storage: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options that measure a model of persons."""
    monkeypatch.setattr(loading, "load", lambda _: crowd.Spotter())
    write_bundle(storage / "persons", spec=OF_PERSONS)
    return [
        *("--storage", str(storage), "--model", "persons"),
        *("--beside", "small", "--runs", "1"),
    ]


def test_a_model_of_persons_is_measured_beside_one_of_whole_frames(
    with_persons: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = crowd.write(tmp_path / "clip.mp4", crowd.walking(0.4, speed=0.05))
    target = tmp_path / "figures.json"

    assert benchmark.main([str(clip), *with_persons, "--json", str(target)]) == 0

    model = json.loads(target.read_text())["models"]["persons"]
    printed = capsys.readouterr().out
    assert (model["beside"], model["persons_found"]) == ("small", [1])
    slow, quick, ratio = (model[key]["whole"] for key in ("persons", "whole_frame", "ratio"))
    assert ratio == pytest.approx(slow / quick)
    for part in model["persons"]:
        assert part in printed
    assert f"persons {slow:.2f} s, whole frame {quick:.2f} s, {ratio:.1f} times." in printed


def test_a_clip_without_a_result_is_a_sentence(
    with_persons: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = crowd.write(tmp_path / "clip.mp4")

    assert benchmark.main([str(clip), *with_persons]) == 2
    assert "gives clip.mp4 no result" in capsys.readouterr().err


def test_a_detector_that_is_not_there_is_a_sentence(
    storage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(storage / "persons", spec=OF_PERSONS)
    options = ["--storage", str(storage), "--detector", str(tmp_path / "gone.onnx")]

    assert benchmark.main(["clip.mp4", *options]) == 2
    assert "gone.onnx can't be read" in capsys.readouterr().err


def test_a_clip_that_cannot_be_read_is_a_sentence(
    storage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = videos.text(tmp_path / "notes.mp4", "buy milk")

    assert benchmark.main([str(clip), "--storage", str(storage), "--runs", "1"]) == 2
    assert "not a video" in capsys.readouterr().err


def test_no_model_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["clip.mp4", "--storage", str(tmp_path)]) == 2
    assert "There is no model" in capsys.readouterr().err


@pytest.mark.long
def test_both_ways_score_the_same_pictures_alike() -> None:
    from scripts.benchmark import naive
    from video_classifier.ml import networks

    network = networks.build("mobilenetv2_lstm", TINY)
    pictures = np.random.default_rng(1).integers(0, 255, TINY.shape).astype(np.uint8)

    twin = naive.network_of(network, TINY)

    assert naive.score_of(twin, pictures) == pytest.approx(
        naive.score_of(network, pictures), abs=1e-4
    )


def test_the_naive_way_sees_the_same_moments(tmp_path: Path) -> None:
    from scripts.benchmark import naive

    clip = videos.write(tmp_path / "clip.mp4", 16)

    pictures = naive.frames_of(clip, ClipSpec(frames=4, height=48, width=64))

    assert [videos.number_of(picture) for picture in pictures] == [2, 6, 10, 14]
