"""The lines of docs/train-from-python.md train a model as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.makers import videos
from tests.makers.footage import ROOT
from video_classifier.ml.serving import bundle

PAGE = ROOT / "docs" / "train-from-python.md"
PEOPLE = 4

pytestmark = [pytest.mark.keras, pytest.mark.usefixtures("small_networks")]


def lines() -> str:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(code)


@pytest.mark.long
def test_the_lines_of_the_page_train_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["path,label,actor"]
    for number in range(2 * PEOPLE):
        videos.write(tmp_path / f"{number}.mp4", frames=10 + number)
        label = "shoplifter" if number % 2 else "non_shoplifter"
        rows.append(f"{number}.mp4,{label},person {number // 2}")
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    monkeypatch.chdir(tmp_path)

    exec(lines(), {})  # noqa: S102

    printed = capsys.readouterr().out
    assert "fold 3 of 3: 10 epochs" in printed
    assert "epoch 10: loss " in printed
    assert "AUC on people never seen in training:" in printed
    assert bundle.check(tmp_path / "mine").training["settings"]["learning_rate"] == 3e-3


def test_what_the_page_calls_ten_lines_is_no_more() -> None:
    statements = [line for line in lines().split("\n\n", 2)[-1].splitlines() if line]

    assert len(statements) <= 10
