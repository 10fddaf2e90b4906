"""A model is timed in Keras and in LiteRT, and the table goes into a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmark import __main__ as benchmark
from scripts.benchmark import engines
from scripts.benchmark.engines import Engines
from tests.makers import videos
from tests.ml.conftest import write_bundle
from video_classifier.ml.serving import bundle

pytestmark = pytest.mark.keras


def test_what_can_be_exported_has_figures_of_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = write_bundle(tmp_path / "models" / "small", "cnn_lstm")
    write_bundle(tmp_path / "models" / "solid", "conv3d")
    clip = videos.write(tmp_path / "clip.mp4", frames=12)
    page = tmp_path / "speed.md"
    page.write_text("# Speed\n<!-- engines: begin -->\nold\n<!-- engines: end -->\n")

    options = ["--engines", "--runs", "1", "--write", str(page)]
    assert benchmark.main([str(clip), "--storage", str(tmp_path / "models"), *options]) == 0

    rows = [line.split(" | ") for line in page.read_text().splitlines() if line.startswith("| `")]
    assert [row[0] for row in rows] == ["| `small`"] * 3 + ["| `solid`"] * 3
    assert [row[1] for row in rows[:3]] == list(engines.PARTS.values())
    assert all(" ms)" in cell for cell in rows[0][3:])
    assert all(row[3:] == ["-", "- |"] for row in rows[3:])
    assert "“solid” isn't exported: LiteRT has no MaxPool3D." in capsys.readouterr().out
    assert bundle.check(small).serving is None  # a copy was


def test_a_page_without_marks_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "speed.md"
    page.write_text("# Speed\n")

    assert benchmark.main(["clip.mp4", "--engines", "--write", str(page)]) == 2

    assert "needs the lines <!-- engines: begin -->" in capsys.readouterr().err


def test_ratios_are_to_keras() -> None:
    keras = {"score": 0.2, "first_result": 4.0, "memory": 800.0}
    litert = {"score": 0.1, "first_result": 1.0, "memory": 200.0}
    ways = {engines.KERAS: keras, engines.LITERT: litert, engines.ONE_THREAD: keras}

    table = engines.table({"it": Engines(timings=ways)})

    assert "| `it` | a score, warm | 200 ms | 0.50 (100 ms) | 1.00 (200 ms) |" in table
    assert "| 4.0 s | 0.25 (1.0 s) | 1.00 (4.0 s) |" in table
    assert "| 800 MB | 0.25 (200 MB) | 1.00 (800 MB) |" in table
