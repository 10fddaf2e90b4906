"""What it takes to serve a model is measured in the processes that serve it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmark import __main__ as benchmark
from scripts.benchmark import serving
from tests.makers import videos

MODEL = ["--serving", "--model", "mobilenetv2_lstm", "--runs", "1"]


def test_start_memory_and_time_go_into_the_page(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "clip.mp4", frames=30)
    page = tmp_path / "speed.md"
    page.write_text("# Speed\n<!-- serving: begin -->\nold\n<!-- serving: end -->\n")

    assert benchmark.main([str(clip), *MODEL, "--write", str(page)]) == 0

    (row,) = (line for line in page.read_text().splitlines() if line.startswith("| `"))
    name, *cells = row.strip("| ").split(" | ")
    figures = dict(zip(serving.COLUMNS, (float(cell.split()[0]) for cell in cells), strict=True))
    assert name == "`mobilenetv2_lstm`"
    assert figures["first_result"] > figures["whole"] > 0
    assert figures["first_cpu"] > figures["cpu"] > 0
    assert figures["memory"] == pytest.approx(figures["scoring"] + figures["reading"], abs=1)
    assert min(figures["scoring"], figures["reading"]) > 10  # megabytes of a Python with NumPy


def test_a_clip_without_a_result_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = videos.write(tmp_path / "clip.mp4", frames=3)

    assert benchmark.main([str(clip), *MODEL]) == 2

    assert "gives clip.mp4 no result" in capsys.readouterr().err
