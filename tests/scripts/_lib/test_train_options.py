"""What training can be told: by whom to measure, what to keep apart, how to go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts import train
from scripts._lib import train_options
from tests.makers import videos
from video_classifier.ml import networks
from video_classifier.ml.contracts import ClipSpec, Region
from video_classifier.ml.evaluation import cross_validation
from video_classifier.ml.networks import precision
from video_classifier.ml.networks.pretrained import WeightsError
from video_classifier.ml.serving import bundle
from video_classifier.ml.training.settings import ClassWeights, Schedule, StopBy, TrainingSettings

pytestmark = [pytest.mark.keras, pytest.mark.usefixtures("small_networks")]

Captured = pytest.CaptureFixture[str]
PEOPLE, TAKES = 3, 8


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of three people, and of eight ordinary takes in the street and in the mall each."""
    folder = tmp_path_factory.mktemp("shop")
    rows = ["path,label,actor,source"]
    for number in range(2 * PEOPLE):
        label = "shoplifter" if number % 2 else "non_shoplifter"
        rows.append(f"{number}.mp4,{label},person {number // 2},shop")
    for source in ("street", "mall"):
        rows += [f"{source}{n}.mp4,non_shoplifter,{source} {n},{source}" for n in range(TAKES)]
    for number, row in enumerate(rows[1:]):
        videos.write(folder / row.split(",")[0], frames=5 + number)
    (folder / "manifest.csv").write_text("\n".join(rows))
    return folder


def trained(shop: Path, name: str, *options: str) -> int:
    table, out = str(shop / "manifest.csv"), str(shop / name)
    return train.main(
        ["cnn_lstm", "--manifest", table, "--out", out, "--epochs", "1", "--no-audit", *options]
    )


def test_what_is_kept_apart_is_tested_and_not_trained_on(shop: Path, capsys: Captured) -> None:
    options = ("--folds", "by-group", "--test-only", "street", "--test-half", "mall")

    assert trained(shop, "apart", *options) == 0

    card = bundle.check(shop / "apart")
    in_training = card.training["clips"] - 2 * PEOPLE
    assert 0 < in_training < TAKES
    assert {"auc", "false_alarms_elsewhere", "false_alarms_street", "false_alarms_mall"} <= set(
        card.metrics
    )
    assert card.metrics["false_alarms_street"].value in {0, 1}
    assert f"on {TAKES} clips of all recordings of street" in card.measured
    assert f"on {TAKES - in_training} clips of half of the recordings of mall" in card.measured
    assert "leaving out one person at a time" in card.measured
    assert "3 ordinary clips from collections that hold both labels are too few" in card.measured
    assert "fold 3 of 3: 1 epochs, best 1," in capsys.readouterr().err
    assert not list(shop.glob(".*.unfinished"))


def test_the_saved_network_has_the_temperature_that_the_threshold_is_for(shop: Path) -> None:
    assert trained(shop, "warm", "--folds", "2", "--false-alarms", "0.4") == 0

    card = bundle.check(shop / "warm")
    rows = (shop / "warm" / "unseen.csv").read_text().splitlines()
    assert rows[0] == "path,label,group,take,source,score,threshold,seed"
    assert len(rows) == 1 + 2 * PEOPLE + 2 * TAKES
    assert card.training["temperature"] != 1
    assert f"The temperature {card.training['temperature']:.2f}" in card.measured
    assert f"the threshold {card.threshold:.3f}" in card.measured


@pytest.fixture
def interrupted(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Trains as far as all folds are scored."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def train_so_far(*options: str) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(cross_validation, "calibrated", interrupt)
            assert trained(shop, *options) == 130

    return train_so_far


def test_an_interrupted_training_goes_on(
    shop: Path, interrupted: Callable[..., None], capsys: Captured
) -> None:
    interrupted("late", "--folds", "2")
    assert "With --resume" in capsys.readouterr().err
    assert not (shop / "late").exists()

    assert trained(shop, "late", "--folds", "2", "--resume") == 0

    told = capsys.readouterr().err
    assert told.count("scored before the interruption") == 2
    assert "from the beginning" not in told
    assert bundle.check(shop / "late").parameters > 0
    assert not list(shop.glob(".*.unfinished"))


def test_a_training_with_other_settings_says_that_it_does_not_go_on(
    shop: Path, interrupted: Callable[..., None], capsys: Captured
) -> None:
    interrupted("other", "--folds", "2")
    assert "from the beginning" not in capsys.readouterr().err

    assert trained(shop, "other", "--folds", "2", "--seed", "7", "--resume") == 0

    told = capsys.readouterr().err
    assert told.count("Nothing of this training was kept: it starts from the beginning.") == 1
    assert "scored before the interruption" not in told


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--test-only", "moon"), "no clip is of the source “moon”; the sources are mall, shop"),
        (("--fine-tune", "2"), "cnn_lstm has no pretrained backbone"),
        (("--folds", "4"), "4 folds need as many people or recordings of each label"),
    ],
)
def test_what_can_not_be_done_is_said(
    shop: Path, options: tuple[str, ...], complaint: str, capsys: Captured
) -> None:
    assert trained(shop, "none", *options) == 2
    assert complaint.lower() in capsys.readouterr().err.lower()


def test_weights_that_do_not_fit_are_refused_before_a_clip_is_read(
    shop: Path, capsys: Captured
) -> None:
    table, out = str(shop / "manifest.csv"), str(shop / "none")
    (shop / "weights.h5").write_text("not weights")
    options = ["--manifest", table, "--out", out, "--backbone-weights", str(shop / "weights.h5")]

    assert train.main(["mobilenetv2_pool", *options]) == 2
    assert "weights.h5 are missing, or not those of MobileNetV2" in capsys.readouterr().err


def test_weights_are_tried_at_the_size_that_is_trained(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras has a file of ImageNet weights for each of some sizes, and downloads what is used."""
    tried: list[ClipSpec] = []

    def build(_: str, spec: ClipSpec, **__: object) -> None:
        tried.append(spec)
        msg = "No such weights."
        raise WeightsError(msg)

    monkeypatch.setattr(networks, "build", build)

    assert trained(shop, "none", "--size", "96", "--view", "person") == 2
    assert [(spec.height, spec.width, spec.view) for spec in tried] == [(96, 96, Region.PERSON)]


def test_the_precision_is_chosen_at_the_size_that_is_trained(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[tuple[int | None, ...]] = []

    def fastest(make: Callable[[], Any]) -> str:
        tried.append(make().input_shape)
        raise KeyboardInterrupt

    monkeypatch.setattr(precision, "fastest", fastest)

    assert trained(shop, "none", "--size", "48", "--mixed-precision") == 130
    assert tried == [(None, 4, 48, 48, 3)]


@pytest.mark.parametrize(
    "options",
    [
        ("--folds", "1"),
        ("--epochs", "0"),
        ("--false-alarms", "1.5"),
        ("--flip", "2"),
        ("--learning-rate", "-1"),
        ("--out", "/proc/version/model"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: tuple[str, str]) -> None:
    usual = ["conv3d", "--manifest", "m.csv", "--out", "model"]

    with pytest.raises(SystemExit) as left:
        train_options.parse([*usual, *options], "")

    assert left.value.code == 2


def test_options_become_settings() -> None:
    usual = ["conv3d", "--manifest", "m.csv", "--out", "model"]
    options = ["--schedule", "cosine", "--stop-by", "epochs", "--class-weights", "none"]
    options += ["--fine-tune", "3", "--rotation", "5", "--shortest-stretch", "0.5"]

    settings = train_options.parse([*usual, *options], "").settings
    plain = train_options.parse(usual, "").settings

    assert (settings.schedule, settings.stop_by) == (Schedule.COSINE, StopBy.EPOCHS)
    assert settings.class_weights is ClassWeights.NONE
    assert settings.fine_tune == 3
    assert (settings.augmentation.rotation, settings.augmentation.shortest_stretch) == (5, 0.5)
    assert plain == TrainingSettings()


def test_frames_of_persons_are_not_left_out(shop: Path, capsys: Captured) -> None:
    assert trained(shop, "persons", "--view", "person", "--min-difference", "3") == 2

    assert "leave out --min-difference" in capsys.readouterr().err
