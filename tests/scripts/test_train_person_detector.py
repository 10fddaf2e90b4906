"""Training and measuring a detector say in a sentence what they lack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import measure_person_detector, train_person_detector

Script = Callable[[list[str]], int]


@pytest.fixture(params=[train_person_detector.main, measure_person_detector.main])
def script(request: pytest.FixtureRequest) -> Script:
    main: Script = request.param
    return main


def options(folder: Path, script: Script, *, teacher: str = "teacher.onnx") -> list[str]:
    told = ["--manifest", str(folder / "clips.csv"), "--teacher", str(folder / teacher)]
    if script is train_person_detector.main:
        return [*told, "--backbone-weights", "none", "--out", str(folder / "out")]
    return told


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
