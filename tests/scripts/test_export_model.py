"""Models that were trained before are exported by a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import export_model
from tests.makers import videos
from tests.ml.conftest import write_bundle, write_unexportable
from tests.scripts.conftest import MakeTable
from video_classifier.ml.serving import bundle

pytestmark = pytest.mark.keras


def test_a_folder_is_exported_and_compared_on_clips(
    tmp_path: Path, make_table: MakeTable, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_bundle(tmp_path / "small", "cnn_lstm")
    videos.write(tmp_path / "a.mp4", frames=12)
    videos.write(tmp_path / "b.mp4", frames=30)
    table = make_table([("a.mp4", "shoplifter", "1"), ("b.mp4", "non_shoplifter", "2")])

    assert export_model.main([str(folder), "--manifest", str(table)]) == 0

    assert bundle.check(folder).serving is not None
    printed = capsys.readouterr().out
    assert "small: network.tflite" in printed
    assert "on 2 clips and 62 made inputs" in printed


def test_one_that_can_not_be_exported_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_unexportable(tmp_path / "solid")

    assert export_model.main([str(folder)]) == 2

    assert "“solid” isn't exported: LiteRT has no MaxPool3D." in capsys.readouterr().err
    assert bundle.check(folder).serving is None


def test_a_folder_that_is_not_there_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export_model.main([str(tmp_path / "ghost")]) == 2

    assert "no model “ghost”" in capsys.readouterr().err
