"""Training and measuring a detector say in a sentence what they lack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import measure_person_detector, train_person_detector
from scripts._lib import console
from tests.makers.footage import ROOT, YOLOX, require

Script = Callable[[list[str]], int]


@pytest.fixture(params=[train_person_detector.main, measure_person_detector.main])
def script(request: pytest.FixtureRequest) -> Script:
    main: Script = request.param
    return main


def options(folder: Path, script: Script, *, teacher: str = "teacher.onnx") -> list[str]:
    manifest, file = str(folder / "clips.csv"), str(folder / teacher)
    if script is train_person_detector.main:
        told = ["--nanodet", file, "--yolox", file, "--out", str(folder / "out")]
        return ["--manifest", manifest, *told]
    return ["--manifest", manifest, "--teacher", file]


@pytest.mark.keras
def test_a_missing_teacher_is_a_sentence(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script(options(tmp_path, script)) == 2

    assert "teacher.onnx" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.keras
def test_a_teacher_that_is_no_network_is_a_sentence(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "teacher.onnx").write_text("buy milk")

    assert script(options(tmp_path, script)) == 2

    assert "no ONNX file" in capsys.readouterr().err


@pytest.mark.footage
@pytest.mark.keras
def test_weights_that_do_not_fit_are_refused_before_a_clip_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require(YOLOX)
    (tmp_path / "clips.csv").write_text("path,scene,take\nmissing.mp4,shop,1\n")
    told = options(tmp_path, train_person_detector.main, teacher=str(YOLOX))

    assert train_person_detector.main(told) == 2

    assert "not those of NanoDet-Plus-m" in capsys.readouterr().err


def test_the_published_weights_can_not_be_chosen() -> None:
    assert min(train_person_detector.SHARES) > 0


def test_the_checked_boxes_and_the_detector_are_where_they_are_looked_for() -> None:
    assert (ROOT / measure_person_detector.CHECKED).is_file()
    assert (ROOT / console.DETECTOR).is_dir()
