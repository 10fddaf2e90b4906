"""The most similar clips, printed and drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from scripts import find_similar
from tests.makers import videos
from tests.ml.conftest import OF_PERSONS, write_bundle
from tests.scripts.conftest import MakeModel, MakeTable

pytestmark = pytest.mark.keras


@pytest.fixture
def table(make_table: MakeTable, tmp_path: Path) -> Path:
    """Of a clip, the same again under another name, another one, and one that is not there."""
    for name, frames in (("clip.mp4", 4), ("again.mp4", 4), ("other.mp4", 30)):
        videos.write(tmp_path / name, frames)
    ordinary = [(name, "non_shoplifter", "") for name in ("clip.mp4", "other.mp4", "again.mp4")]
    return make_table([*ordinary, ("gone.mp4", "shoplifter", "")])


@pytest.mark.long
def test_the_most_similar_are_printed_and_drawn(
    make_model: MakeModel, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_model("mine", "mobilenetv2_pool")
    sheet = tmp_path / "sheet.png"
    options = ["--model", str(model), "--contact-sheet", str(sheet), "--top", "1"]

    assert find_similar.main([str(tmp_path / "clip.mp4"), "--among", str(table), *options]) == 0

    printed = capsys.readouterr()
    assert "1.000" in printed.out
    assert "again.mp4" in printed.out
    assert "other.mp4" not in printed.out
    assert "gone.mp4" in printed.err
    with Image.open(sheet) as drawn:
        assert drawn.height > 2 * 100  # the clip, and the one most similar
        assert drawn.height < 3 * 200


def test_a_clip_that_can_not_be_read_is_a_sentence(
    make_model: MakeModel, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = videos.text(tmp_path / "notes.mp4", "buy milk")
    model = make_model("mine", "mobilenetv2_pool")

    assert find_similar.main([str(clip), "--among", str(table), "--model", str(model)]) == 2
    assert "not a video" in capsys.readouterr().err


def test_a_model_without_a_backbone_is_a_sentence(
    make_model: MakeModel, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--among", str(table), "--model", str(make_model("mine", "conv3d"))]

    assert find_similar.main([str(tmp_path / "clip.mp4"), *options]) == 2
    assert "has no backbone" in capsys.readouterr().err


def test_persons_are_not_recognized_from_clip_to_clip(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_bundle(tmp_path / "models" / "mine", "mobilenetv2_pool", spec=OF_PERSONS)
    options = ["--among", str(table), "--model", str(model)]

    assert find_similar.main([str(tmp_path / "clip.mp4"), *options]) == 2

    printed = capsys.readouterr()
    assert "mine looks at people" in printed.err
    assert "Choose a model of whole frames, or give --backbone-weights." in printed.err
    assert not printed.out


def test_weights_that_do_not_fit_are_a_sentence(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = videos.text(tmp_path / "weights.h5", "none")
    options = ["--among", str(table), "--backbone-weights", str(weights)]

    assert find_similar.main([str(tmp_path / "clip.mp4"), *options]) == 2
    assert "not those of MobileNetV2" in capsys.readouterr().err
