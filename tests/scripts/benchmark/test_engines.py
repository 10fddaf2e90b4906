"""A model is timed in Keras and in what serves its export, and the table goes into a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmark import __main__ as benchmark
from scripts.benchmark import engines
from scripts.benchmark.engines import Engines
from tests.makers import videos
from tests.ml.conftest import write_bundle, write_unexportable
from video_classifier.ml.serving import bundle

pytestmark = pytest.mark.keras


@pytest.mark.long
def test_what_can_be_exported_has_figures_of_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = write_bundle(tmp_path / "models" / "small", "cnn_lstm")
    write_bundle(tmp_path / "models" / "solid", "conv3d")
    write_unexportable(tmp_path / "models" / "stuck")
    clip = videos.write(tmp_path / "clip.mp4", frames=30)
    page = tmp_path / "speed.md"
    page.write_text("# Speed\n<!-- engines: begin -->\nold\n<!-- engines: end -->\n")

    options = ["--engines", "--runs", "1", "--write", str(page)]
    assert benchmark.main([str(clip), "--storage", str(tmp_path / "models"), *options]) == 0

    rows = [line.split(" | ") for line in page.read_text().splitlines() if line.startswith("| `")]
    names = ["| `small`, LiteRT", "| `solid`, OpenVINO", "| `stuck`"]
    assert [row[0] for row in rows] == [name for name in names for _ in engines.PARTS]
    assert [row[1] for row in rows[:3]] == list(engines.PARTS.values())
    assert all(" ms)" in cell for row in (rows[0], rows[3]) for cell in row[3:])
    assert all(row[3:] == ["-", "- |"] for row in rows[6:])
    assert "“stuck” isn't exported: LiteRT has no MaxPool3D." in capsys.readouterr().out
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
    exported = {"score": 0.1, "first_result": 1.0, "memory": 200.0}
    ways = {engines.KERAS: keras, engines.EXPORTED: exported, engines.ONE_THREAD: keras}

    table = engines.table({"it": Engines(timings=ways, library="LiteRT")})

    assert "| `it`, LiteRT | a score, warm | 200 ms | 0.50 (100 ms) | 1.00 (200 ms) |" in table
    assert "| 4.0 s | 0.25 (1.0 s) | 1.00 (4.0 s) |" in table
    assert "| 800 MB | 0.25 (200 MB) | 1.00 (800 MB) |" in table
