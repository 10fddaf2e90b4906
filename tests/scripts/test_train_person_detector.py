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


def test_a_page_without_marks_is_refused_and_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Detector\n")

    with pytest.raises(measure_person_detector.DetectorError, match="needs the lines"):
        measure_person_detector._write(page, "figures")

    assert page.read_text() == "# Detector\n"


def test_figures_replace_those_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    marks = measure_person_detector.BEGIN, measure_person_detector.END
    page.write_text("before\n{}\nold\n{}\nafter\n".format(*marks))

    measure_person_detector._write(page, "new")

    assert page.read_text() == "before\n{}\nnew\n{}\nafter\n".format(*marks)
