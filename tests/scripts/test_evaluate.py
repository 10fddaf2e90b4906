"""A model on a table of clips: what is printed, and what is written on demand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import evaluate
from tests import videos
from tests.scripts.conftest import MakeModel, MakeTable

pytestmark = pytest.mark.keras


def test_a_report_is_written_where_it_is_wanted(
    make_model: MakeModel,
    make_table: MakeTable,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("a.mp4", "b.mp4"):
        videos.write(tmp_path / name, 8)
    table = make_table([("a.mp4", "shoplifter", "ann"), ("b.mp4", "non_shoplifter", "ann")])

    options = ["--report", str(tmp_path / "report")]
    assert evaluate.main([str(make_model("mine")), str(table), *options]) == 0

    found = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert [group["group"] for group in found["groups"]] == ["ann"]
    assert (tmp_path / "report" / "report.html").is_file()
    printed = capsys.readouterr()
    assert "pr_auc" in printed.out
    assert "false positives" in printed.out
    assert "report.html" in printed.err
