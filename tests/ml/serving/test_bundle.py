"""A model's two files vouch for each other."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.conftest import MakeModel
from tests.ml.conftest import OF_PERSONS
from video_classifier.ml.contracts import Region
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError, Interval


def test_finds_the_folders_with_a_card(make_model: MakeModel) -> None:
    storage = make_model("b").parent
    make_model("a")
    (storage / "notes").mkdir()

    assert bundle.names(storage) == ("a", "b")


def test_a_folder_whose_name_can_not_be_shown_is_no_model(make_model: MakeModel) -> None:
    storage = make_model("a").parent
    (storage / "a").rename(os.fsdecode(os.fsencode(storage) + b"/\xff"))

    assert bundle.names(storage) == ()


def test_a_card_comes_back_as_it_was_written(make_model: MakeModel) -> None:
    metrics = {"auc": Interval(value=0.7, low=0.6, high=0.8)}

    folder = make_model(metrics=metrics, limits=("Not in the dark.",), threshold=0.4)

    card = bundle.read_card(folder)
    assert (card.metrics, card.limits, card.threshold) == (metrics, ("Not in the dark.",), 0.4)


def test_a_sound_model_passes(make_model: MakeModel) -> None:
    assert bundle.check(make_model("sound")).name == "sound"


def test_other_weights_than_the_card_s_are_refused(make_model: MakeModel) -> None:
    folder = make_model()
    bundle.check(folder)
    (folder / bundle.NETWORK_FILE).write_bytes(b"others!")

    with pytest.raises(BundleError, match="not the one"):
        bundle.check(folder)


def test_missing_weights_are_named(make_model: MakeModel) -> None:
    folder = make_model()
    (folder / bundle.NETWORK_FILE).unlink()

    with pytest.raises(BundleError, match=r"network\.keras is missing"):
        bundle.check(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no model “ghost”"):
        bundle.read_card(tmp_path / "ghost")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"name": "x"}', '{"spec": 3}', '{"spec": {"depth": 1}}']
)
def test_a_broken_card_is_a_sentence(make_model: MakeModel, text: str) -> None:
    folder = make_model("broken")
    (folder / bundle.CARD_FILE).write_text(text)

    with pytest.raises(BundleError, match="“broken” can't be used"):
        bundle.read_card(folder)


def test_a_card_from_before_there_were_windows_is_of_one_window(make_model: MakeModel) -> None:
    folder = make_model("old")
    file = folder / bundle.CARD_FILE
    card = json.loads(file.read_text())
    del card["best_windows"], card["spec"]["rate"]
    file.write_text(json.dumps(card))

    read = bundle.read_card(folder)

    assert (read.best_windows, read.spec.rate) == (1, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 1.5},
        {"threshold": "half"},
        {"classes": ["a"]},
        {"best_windows": 0},
        {"best_windows": -1},
        {"best_windows": 1.5},
        {"spec": {"view": "person", "rate": -8}},
        {"spec": {"view": "person", "rate": float("nan")}},
        {"spec": {"view": "person", "rate": 100}},
        {"spec": {"view": "person", "rate": "fast"}},
        {"spec": {"view": "frame", "rate": 8}},
    ],
)
def test_a_card_that_makes_no_sense_is_refused(
    make_model: MakeModel, wrong: dict[str, object]
) -> None:
    folder = make_model("odd")
    file = folder / bundle.CARD_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | wrong))

    with pytest.raises(BundleError, match="“odd” can't be used"):
        bundle.read_card(folder)


@pytest.mark.keras
def test_weights_that_keras_can_not_read_are_a_sentence(make_model: MakeModel) -> None:
    with pytest.raises(BundleError, match="Keras can't read"):
        bundle.load(make_model())


def test_an_interval_reads_well() -> None:
    assert str(Interval(value=0.7, low=0.6, high=0.812)) == "0.70 (0.60 to 0.81)"
    assert str(Interval(value=None)) == "not defined here"


def test_a_card_that_still_names_a_model_for_clips_without_people_is_read(
    make_model: MakeModel,
) -> None:
    folder = make_model("persons", spec=OF_PERSONS)
    card = json.loads((folder / bundle.CARD_FILE).read_text())
    (folder / bundle.CARD_FILE).write_text(json.dumps(card | {"fallback": "whole"}))

    assert bundle.check(folder).spec.view is Region.PERSON
