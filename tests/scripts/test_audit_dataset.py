"""A leak makes the audit fail, and whatever a random split measures is called leaky."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import audit_dataset
from tests.makers import videos
from tests.ml.conftest import TINY
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import Card, Interval

Captured = pytest.CaptureFixture[str]
PEOPLE = 6


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thefts are twice as long as what else each person does."""
    folder = tmp_path_factory.mktemp("shop")
    rows = ["path,label,actor"]
    for person in range(PEOPLE):
        for clip in range(4):
            name = f"{person}-{clip}.mp4"
            label = "shoplifter" if clip % 2 else "non_shoplifter"
            videos.write(folder / name, frames=10 + 10 * (clip % 2) + person + 4 * clip)
            rows.append(f"{name},{label},person {person}")
    (folder / "manifest.csv").write_text("\n".join(rows))
    return folder / "manifest.csv"


def changed(table: Path, name: str, old: str, new: str) -> Path:
    other = table.with_name(name)
    other.write_text(table.read_text().replace(old, new))
    return other


def audited(table: Path, *options: str, code: int = 0) -> dict[str, Any]:
    target = table.with_name("audit.json")

    assert audit_dataset.main([str(table), "--json", str(target), *options]) == code
    found: dict[str, Any] = json.loads(target.read_text())
    return found


def test_clean_data_passes(table: Path, capsys: Captured) -> None:
    found = audited(table)

    assert (found["clips"], found["groups"], found["leaks"]) == (24, PEOPLE, [])
    assert found["train"] + found["test"] == 24
    assert "No leaks found" in capsys.readouterr().out


def test_baselines_come_with_intervals_and_words(table: Path, capsys: Captured) -> None:
    facts, frame = audited(table)["baselines"]

    assert facts["auc"]["value"] > 0.9
    assert facts["auc"]["low"] <= facts["auc"]["value"] <= facts["auc"]["high"]
    assert frame["auc"].keys() == {"value", "low", "high"}
    assert "better than guessing" in capsys.readouterr().err


def test_a_baseline_near_the_model_is_said(table: Path) -> None:
    near = audited(table, "--auc", "0.95")["sentences"]

    assert "near the model's 0.95" in near[0]


def test_the_model_may_be_a_folder(table: Path) -> None:
    folder = table.with_name("mine")
    folder.mkdir(exist_ok=True)
    card = Card(
        name="mine",
        network="conv3d",
        summary="For tests.",
        spec=TINY,
        threshold=0.5,
        created="2026-01-01",
        metrics={"auc": Interval(value=0.93, low=0.9, high=0.95)},
    )
    bundle.write_card(folder, card)

    found = audited(table, "--model", str(folder))

    assert "near the model's 0.93 (0.90 to 0.95)" in found["sentences"][0]


def test_a_group_on_both_sides_fails(table: Path, capsys: Captured) -> None:
    rows = table.read_text().splitlines()
    torn = table.with_name("torn.csv")
    torn.write_text(
        "\n".join(
            [f"{rows[0]},split"]
            + [f"{row},{'test' if row.startswith('0-0') else 'train'}" for row in rows[1:]]
        )
    )

    found = audited(torn, code=1)

    assert [leak["kind"] for leak in found["leaks"]] == ["a group on both sides"]
    assert "The group person 0 is on both sides" in capsys.readouterr().err


def test_duplicates_in_two_groups_fail(table: Path) -> None:
    report = table.with_name("duplicates.json")
    report.write_text(json.dumps({"groups": [["0-0.mp4", "1-0.mp4"]]}))

    (leak,) = audited(table, "--duplicates", str(report), code=1)["leaks"]

    assert leak["clips"] == ["0-0.mp4", "1-0.mp4"]


def test_a_random_split_is_leaky_wherever_it_shows(table: Path, capsys: Captured) -> None:
    found = audited(table, "--split", "random", "--auc", "0.9", code=1)

    assert found["split"] == "random"
    told = capsys.readouterr()
    figures = [line for line in (told.out + told.err).splitlines() if " AUC " in line]
    figures = [line for line in figures if "alone predicts" not in line]  # nothing was split
    assert len(figures) > 2
    assert all("leaky" in line for line in figures)
    assert "leaky split" in told.out


def test_what_does_not_decode_is_named(table: Path, capsys: Captured) -> None:
    videos.text(table.with_name("notes.mp4"), "buy milk")
    other = changed(table, "other.csv", "0-0.mp4", "notes.mp4")

    audited(other)

    assert "Left out: notes.mp4: The file is a text, not a video" in capsys.readouterr().err


def test_all_that_is_wrong_with_a_table_is_listed(table: Path, capsys: Captured) -> None:
    wrong = changed(table, "wrong.csv", "0-0.mp4,non_shoplifter", "gone.mp4,thief")

    assert audit_dataset.main([str(wrong)]) == 2
    told = capsys.readouterr().err
    assert "gone.mp4: no such file" in told
    assert "“thief”" in told


@pytest.mark.keras
def test_weights_that_do_not_fit_are_a_sentence(table: Path, capsys: Captured) -> None:
    weights = videos.text(table.parent / "i3d.npz", "none")

    assert audit_dataset.main([str(table), "--backbone-weights", str(weights)]) == 2

    assert "not those of MobileNetV2" in capsys.readouterr().err


def test_a_model_without_a_card_is_refused(table: Path, capsys: Captured) -> None:
    assert audit_dataset.main([str(table), "--model", str(table.with_name("none"))]) == 2
    assert "no model “none”" in capsys.readouterr().err


def test_a_table_without_a_readable_clip_is_refused(table: Path, capsys: Captured) -> None:
    videos.text(table.with_name("milk.mp4"), "buy milk")
    other = table.with_name("milk.csv")
    other.write_text("path,label\nmilk.mp4,shoplifter\n")

    assert audit_dataset.main([str(other)]) == 2
    assert "None of the clips can be read" in capsys.readouterr().err
