"""Every setting is an option, with its range, and comes back from it."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import fields
from typing import Any

import pytest

from scripts._lib import settings_options
from video_classifier.ml.data.augmentation import Augmentation
from video_classifier.ml.data.settings import setting_of
from video_classifier.ml.training.settings import ClassWeights, StopBy, TrainingSettings

DEFAULTS = TrainingSettings()


def parsed(*options: str) -> dict[str, Any]:
    parser = ArgumentParser()
    settings_options.add(parser.add_argument_group("training"), DEFAULTS)
    return vars(parser.parse_args(options))


def test_without_options_settings_are_the_defaults() -> None:
    assert settings_options.read(parsed(), DEFAULTS) == DEFAULTS


def test_each_setting_has_an_option() -> None:
    names = {field.name for field in (*fields(TrainingSettings), *fields(Augmentation))}

    assert parsed().keys() == names - {"augmentation", "precision"}
    assert all(setting_of(field) for field in fields(Augmentation))


def test_options_are_read_back_as_settings() -> None:
    options = ["--stop-by", "epochs", "--variants", "7", "--flip", "0.25", "--ema-momentum", "0.9"]

    settings = settings_options.read(parsed(*options, "--class-weights", "none"), DEFAULTS)

    assert settings == TrainingSettings(
        stop_by=StopBy.EPOCHS,
        augmented_copies=7,
        ema_momentum=0.9,
        class_weights=ClassWeights.NONE,
        augmentation=Augmentation(flip=0.25),
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--flip", "2"), "argument --flip: must be from 0 to 1"),
        (("--learning-rate", "0"), "argument --learning-rate: must be above 0"),
        (("--epochs", "many"), "argument --epochs: invalid int value: 'many'"),
    ],
)
def test_what_is_out_of_range_is_refused_by_the_options_name(
    options: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed(*options)

    assert complaint in capsys.readouterr().err
