"""A model on a table of clips: what is printed, and what is written on demand."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from scripts import evaluate
from tests.makers import videos
from tests.scripts.conftest import MakeModel, MakeTable
from video_classifier.ml import networks
from video_classifier.ml.evaluation import score_table
from video_classifier.ml.files import sha256
from video_classifier.ml.networks.pretrained import WeightsError
from video_classifier.ml.serving import bundle
from video_classifier.ml.training.settings import TrainingSettings

pytestmark = pytest.mark.keras


def test_a_report_is_written_where_it_is_wanted(
    make_model: MakeModel,
    make_table: MakeTable,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("a.mp4", "b.mp4"):
        videos.write(tmp_path / name, 12)
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


def test_only_clips_that_were_not_trained_on_go_into_the_table_of_scores(
    make_model: MakeModel, make_table: MakeTable, tmp_path: Path
) -> None:
    for number, name in enumerate(("a.mp4", "b.mp4", "c.mp4")):
        videos.write(tmp_path / name, 12 + number)
    rows = [(f"{name}.mp4", "shoplifter", "ann") for name in "abc"]
    model = make_model("mine", training={"clips_sha256": [sha256(tmp_path / "b.mp4")]})

    options = ["--scores", str(tmp_path / "scores.csv")]
    assert evaluate.main([str(model), str(make_table(rows)), *options]) == 0

    (table,) = score_table.read(tmp_path / "scores.csv")
    assert [entry.name for entry in table.entries] == ["a.mp4", "c.mp4"]
    assert set(table.thresholds) == {bundle.read_card(model).threshold}


@pytest.mark.long
def test_a_recipe_is_measured_on_each_group_in_turn(
    make_model: MakeModel, make_table: MakeTable, tmp_path: Path
) -> None:
    rows = []
    for number in range(12):
        name = f"{number}.mp4"
        videos.write(tmp_path / name, 4 + number)
        label = "shoplifter" if number % 2 else "non_shoplifter"
        rows.append((name, label, f"person {number // 2}"))
    model = make_model("mine", training={"settings": asdict(TrainingSettings(epochs=1))})
    target = tmp_path / "figures.json"

    options = ["--folds", "by-group", "--json", str(target)]
    assert evaluate.main([str(model), str(make_table(rows)), *options]) == 0

    found = json.loads(target.read_text())
    assert [clip["path"] for clip in found["predictions"]] == [name for name, _, _ in rows]
    assert all(0 <= clip["score"] <= 1 for clip in found["predictions"])
    assert len(found["groups"]) == 6
    assert not any("leaky" in warning for warning in found["warnings"])


def test_a_recipe_without_its_weights_is_refused_before_a_clip_is_read(
    make_model: MakeModel,
    make_table: MakeTable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def missing(*_: object, **__: object) -> None:
        msg = "No such weights."
        raise WeightsError(msg)

    model = make_model("mine", training={"settings": asdict(TrainingSettings())})
    monkeypatch.setattr(networks, "build", missing)
    (tmp_path / "words.mp4").write_text("no clip")
    table = make_table([("words.mp4", "shoplifter", "ann")])

    assert evaluate.main([str(model), str(table), "--folds", "by-group"]) == 2
    printed = capsys.readouterr().err
    assert "No such weights." in printed
    assert "words.mp4" not in printed


def test_a_recipe_of_too_few_people_is_refused(
    make_model: MakeModel,
    make_table: MakeTable,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    videos.write(tmp_path / "a.mp4", 4)
    table = make_table([("a.mp4", "shoplifter", "ann")])
    model = make_model("mine", training={"settings": asdict(TrainingSettings())})

    assert evaluate.main([str(model), str(table), "--folds", "by-group"]) == 2
    assert "people or recordings are labelled" in capsys.readouterr().err


def test_false_hints_are_counted_by_camera_day(
    make_model: MakeModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos.write(tmp_path / "a.mp4", 12)
    table = tmp_path / "clips.csv"
    table.write_text(
        "path,label,camera,day\na.mp4,non_shoplifter,Till,2026-11-01\n", encoding="utf-8"
    )
    model, target = make_model("mine", threshold=0.0001), tmp_path / "figures.json"

    report = tmp_path / "report"
    options = ["--by-camera-day", "--json", str(target), "--report", str(report)]
    assert evaluate.main([str(model), str(table), *options]) == 0

    found = json.loads(target.read_text())["per_camera_day"]
    assert found["cameras"]["Till"]["false_hints"] == 1
    assert found["all"]["camera_days"] == 1
    printed = capsys.readouterr()
    assert "Till" in printed.out
    assert "too high" in printed.err
    page = (report / "report.html").read_text(encoding="utf-8")
    assert page.index("False hints a camera-day") < page.index("Metrics")
    assert '<th scope="row">Till</th><td>1</td><td>1 in 1.0 days' in page


def test_without_cameras_there_is_no_camera_day(
    make_model: MakeModel, make_table: MakeTable, capsys: pytest.CaptureFixture[str]
) -> None:
    table = make_table([("a.mp4", "shoplifter", "ann")])

    assert evaluate.main([str(make_model("mine")), str(table), "--by-camera-day"]) == 2

    assert "needs a line with the columns path and camera" in capsys.readouterr().err
