"""Shortcut baselines are measured on unseen people, and a sentence says where they work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.makers import videos
from tests.makers.datasets import entry, inspected, people
from video_classifier.ml.audit import baselines, file_facts
from video_classifier.ml.audit.baselines import Baseline
from video_classifier.ml.audit.file_facts import InspectedClip
from video_classifier.ml.contracts import ClipError
from video_classifier.ml.serving.card import Interval


def baseline(value: float, low: float) -> Baseline:
    figure = Interval(value=value, low=low, high=1.0)
    return Baseline(sees="one frame", auc=figure, everywhere=figure)


def measured(found: list[InspectedClip]) -> tuple[float | None, float | None]:
    """The AUC from the files' facts, and that from a frame."""
    facts, frame = baselines.measure_all(found)
    return facts.auc.value, frame.auc.value


def test_an_inspection_gives_the_facts_and_the_middle_frame(tmp_path: Path) -> None:
    path = videos.write(tmp_path / "clip.mp4", frames=30, size=(64, 48))

    seen = file_facts.inspect(entry(0, shoplifter=True, group="Ada", path=path))

    assert (seen.facts.length, seen.facts.frame_rate) == (3, 10)
    assert (seen.facts.width, seen.facts.height) == (64, 48)
    assert seen.facts.size == path.stat().st_size
    assert seen.facts.bit_rate == pytest.approx(path.stat().st_size * 8 / 3)
    assert videos.number_of(seen.frame) == 15


def test_a_file_that_is_no_clip_is_named(tmp_path: Path) -> None:
    path = videos.text(tmp_path / "notes.mp4", "buy milk")

    with pytest.raises(ClipError):
        file_facts.inspect(entry(0, shoplifter=True, group="Ada", path=path))
    good, bad = file_facts.inspect_all([entry(0, shoplifter=True, group="Ada", path=path)])

    assert not good
    assert bad[0].entry.path == path


def test_file_facts_that_differ_predict_the_label() -> None:
    random = np.random.default_rng(1)
    found = [
        inspected(
            one, length=10 - 4 * one.target + random.normal(), shade=int(random.integers(255))
        )
        for one in people(10)
    ]

    facts, frame = measured(found)

    assert facts is not None
    assert frame is not None
    assert facts > 0.9 > frame


def test_frames_that_differ_predict_the_label() -> None:
    random = np.random.default_rng(1)
    found = [
        inspected(one, length=random.normal(), shade=int(random.integers(100)) + 100 * one.target)
        for one in people(10)
    ]

    facts, frame = measured(found)

    assert facts is not None
    assert frame is not None
    assert frame > 0.9 > facts


def test_no_person_is_in_training_and_test() -> None:
    """Each person is known by a shade, and does only one thing: worth nothing on others."""
    random = np.random.default_rng(1)
    found = [
        inspected(
            entry(4 * person + clip, shoplifter=person % 2 == 0, group=str(person)), shade=shade
        )
        for person, shade in enumerate(random.integers(0, 255, 40).tolist())
        for clip in range(4)
    ]

    _, frame = measured(found)

    assert frame is not None
    assert frame < 0.7


def test_sources_with_one_label_count_only_everywhere() -> None:
    found = [inspected(one, length=10 + one.path.stem.count("1")) for one in people(10)]
    found += [
        inspected(entry(number, shoplifter=False, group=str(number), source="street"), length=2)
        for number in range(100, 140)
    ]

    facts, _ = baselines.measure_all(found)

    assert facts.auc.value is not None
    assert facts.everywhere.value is not None
    assert facts.everywhere.value > facts.auc.value


def test_a_metadata_shortcut_comes_with_its_auc() -> None:
    found = [inspected(one, frame_rate=25 if one.target else 30) for one in people(10)]

    (shortcut,) = baselines.metadata_shortcuts(found)

    assert (shortcut.fact, shortcut.auc) == ("frame rate", 1)


def test_a_fact_that_differs_by_chance_is_no_shortcut() -> None:
    found = [inspected(one, length=number) for number, one in enumerate(people(1))]

    assert baselines.metadata_shortcuts(found) == ()


def test_with_one_label_there_is_no_shortcut() -> None:
    assert baselines.metadata_shortcuts([]) == ()
    assert baselines.metadata_shortcuts([inspected(entry(0, shoplifter=True, group="Ada"))]) == ()


@pytest.mark.parametrize(
    ("value", "low", "model", "says"),
    [
        (0.6, 0.4, None, ""),
        (0.7, 0.6, None, "better than guessing"),
        (0.6, 0.4, Interval(value=0.8), ""),
        (0.76, 0.4, Interval(value=0.8), "near the model's 0.80:"),
        (
            0.72,
            0.4,
            Interval(value=0.8, low=0.7, high=0.9),
            "near the model's 0.80 (0.70",
        ),
        (0.7, 0.6, Interval(value=0.9, low=0.8, high=1.0), "better than guessing"),
        (0.7, 0.4, Interval(value=None), ""),
    ],
)
def test_a_baseline_that_works_gets_a_sentence(
    value: float, low: float, model: Interval | None, says: str
) -> None:
    sentences = " ".join(baselines.warnings([baseline(value, low)], model))

    assert bool(sentences) == bool(says)
    assert says in sentences


@pytest.mark.keras
def test_a_frame_can_be_represented_by_backbone_features(tmp_path: Path) -> None:
    from video_classifier.ml.contracts import ClipSpec
    from video_classifier.ml.networks.backbone import mobilenetv2

    backbone = mobilenetv2(ClipSpec(frames=1), None)
    convolutions = next(layer for layer in backbone.layers if "mobilenet" in layer.name)
    convolutions.save_weights(tmp_path / "backbone.weights.h5")
    found = [inspected(one, shade=50 + 100 * one.target) for one in people(6)]

    _, frame = baselines.measure_all(found, backbone_weights=tmp_path / "backbone.weights.h5")

    assert frame.sees == "one frame"
    assert frame.auc.value is not None
