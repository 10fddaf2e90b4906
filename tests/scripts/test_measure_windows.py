"""What is done with each window beside its score is timed beside that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import measure_windows
from tests.makers.footage import ROOT


def test_each_way_is_timed_beside_the_model_as_it_ships(
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = ROOT / "models_storage" / "i3d_person"

    assert measure_windows.main([str(folder), "--runs", "1", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert list(found) == [
        "as it ships",
        "a version's head",
        "a version's head, 1 in the shadow",
        "a version's head, 2 in the shadow",
        "brightness of clothes and picture",
    ]
    assert found["as it ships"]["ratio"] == 1
    assert all(each["milliseconds"] > 0 for each in found.values())


def test_a_folder_without_a_model_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure_windows.main([str(tmp_path)]) == 2
    assert "model" in capsys.readouterr().err


def test_no_round_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        measure_windows.main(["anywhere", "--runs", "0"])
    assert "give 1 or more" in capsys.readouterr().err
