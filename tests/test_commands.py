"""The commands: what they print, and how they end."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import EVEN, FakePredictor, MakeClip, MakeUser, followed
from tests.makers import videos
from tests.services.test_files import store
from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import Card
from video_classifier.models import Clip
from video_classifier.services import accounts, catalog, files
from video_classifier.services.errors import Refused

ROOT = Path(__file__).parent.parent

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return videos.write(tmp_path / "till.mp4", 20)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakePredictor:
    predictor = FakePredictor(0.25, warnings=("It was cut off.",))
    monkeypatch.setattr(catalog, "load", lambda _: predictor)
    return predictor


# In this process, with a fake model


def test_a_prediction_in_json(
    fake: FakePredictor, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("analyze_clip", str(clip), "--json")

    assert json.loads(capsys.readouterr().out) == {
        "prediction": "no_hint",
        "reason": "",
        "score": 0.25,
        "threshold": 0.5,
        "confidence": None,
        "model": "fake",
        "model_sha256": fake.sha256,
        "detector_sha256": "",
        "frames": [{"time_s": 0.5}, {"time_s": 1.5}],
        "view": "frame",
        "tracks": [],
        "windows": [{"from_s": 0.0, "to_s": 2.0, "score": 0.25}],
        "events": [],
        "tracks_found": None,
        "seconds": {
            "decode": 0.2,
            "finding": 0.0,
            "inference": 0.1,
            "total": pytest.approx(0.3),
        },
        "warnings": ["It was cut off."],
    }


def report_of(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    clip: Path,
    predictor: FakePredictor,
) -> dict[str, Any]:
    monkeypatch.setattr(catalog, "load", lambda _: predictor)
    call_command("analyze_clip", str(clip), "--json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_event_of_a_hint_is_the_time_of_the_track_that_decided(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clip: Path
) -> None:
    predictor = FakePredictor(tracks=(followed(0.25), followed(0.75, since=2.0)))

    found = report_of(monkeypatch, capsys, clip, predictor)

    assert found["events"] == [{"start": 2.0, "end": 3.0, "peak": 2.5, "track": 2, "score": 0.75}]


def test_the_event_of_a_hint_on_whole_pictures_is_the_clip(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clip: Path
) -> None:
    found = report_of(monkeypatch, capsys, clip, FakePredictor(0.9))

    assert found["events"] == [{"start": 0.0, "end": 2.0, "peak": 1.0, "track": None, "score": 0.9}]


PROMISED = {
    "prediction",
    "confidence",
    "score",
    "threshold",
    "tracks",
    "events",
    "reason",
    "frames",
}


def keys(found: object, above: str = "") -> set[str]:
    """All keys at any depth: "tracks", "tracks[].score" …"""
    if isinstance(found, list):
        return set().union(*(keys(each, f"{above}[]") for each in found))
    if not isinstance(found, dict):
        return set()
    names = {f"{above}.{key}".lstrip("."): value for key, value in found.items()}
    return set(names).union(*(keys(value, name) for name, value in names.items()))


def test_every_key_of_the_json_is_documented_and_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clip: Path
) -> None:
    class Measured(FakePredictor):
        card = replace(FakePredictor.card, confidence=EVEN)

    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    section = page.split("## `manage.py analyze_clip")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    documented = [key for cell in cells for key in re.findall(r"`([^`]+)`", cell)]

    of_people, of_frames = (
        keys(report_of(monkeypatch, capsys, clip, predictor))
        for predictor in (Measured(tracks=(followed(0.75),)), Measured(0.75))
    )
    printed = of_people | of_frames
    without = keys(
        report_of(monkeypatch, capsys, clip, FakePredictor(no_result="Nobody is there."))
    )

    assert sorted(documented) == sorted(printed)
    assert printed >= PROMISED
    assert without >= PROMISED


@pytest.mark.usefixtures("fake")
def test_a_prediction_in_words(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("analyze_clip", str(clip))

    text = capsys.readouterr().out
    assert text.startswith("No hint\n")
    assert "Score 0.250, threshold 0.500, by fake." in text
    assert "0.50 1.50" in text
    assert "It was cut off." in text


def test_every_track_that_was_looked_at_is_told(
    monkeypatch: pytest.MonkeyPatch, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracks = followed(0.25), followed(0.75, since=2.0)
    monkeypatch.setattr(catalog, "load", lambda _: FakePredictor(tracks=tracks))

    call_command("analyze_clip", str(clip))

    text = capsys.readouterr().out
    assert text.startswith("Possible shoplifting\n")
    assert "A hint for a person to check." in text
    assert "Track 2, 2.0 to" in text
    assert "s: score 0.750" in text


def test_a_confidence_comes_with_its_interval_and_what_it_means(
    monkeypatch: pytest.MonkeyPatch, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Measured(FakePredictor):
        card = replace(FakePredictor.card, confidence=EVEN)

    monkeypatch.setattr(catalog, "load", lambda _: Measured(0.75))

    call_command("analyze_clip", str(clip), "--json")
    in_json = json.loads(capsys.readouterr().out)["confidence"]
    call_command("analyze_clip", str(clip))
    in_words = capsys.readouterr().out

    assert [in_json[end] for end in ("value", "low", "high")] == pytest.approx([0.75, 0.5, 0.9])
    means = "75 of 100 such hints were thefts (50 to 90); in a shop far fewer."
    assert means in in_json["means"]
    assert f"Confidence 75%. In an equal mix, {means}" in in_words


def test_no_result_comes_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictor = FakePredictor(no_result="Nobody could be seen.")
    monkeypatch.setattr(catalog, "load", lambda _: predictor)

    call_command("analyze_clip", str(clip))
    in_words = capsys.readouterr().out
    call_command("analyze_clip", str(clip), "--json")
    in_json = json.loads(capsys.readouterr().out)

    assert in_words.startswith("No result\nNobody could be seen.\n")
    assert "Score" not in in_words
    assert (in_json["prediction"], in_json["reason"]) == ("no_result", "Nobody could be seen.")
    assert (in_json["score"], in_json["confidence"]) == (None, None)


def test_what_cannot_be_analyzed_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch, clip: Path
) -> None:
    refusal = Refused("It is\nno clip.")
    monkeypatch.setattr(catalog, "load", lambda _: FakePredictor(error=refusal))

    with pytest.raises(CommandError, match=r"^It is no clip\.$") as caught:
        call_command("analyze_clip", str(clip))

    assert caught.value.returncode == 2


def test_a_model_that_gives_no_number_ends_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_number(_: object) -> float:
        msg = "It is hurt."
        raise Refused(msg)

    broken = FakePredictor()
    monkeypatch.setattr(broken, "score", no_number)
    monkeypatch.setattr(catalog, "load", lambda _: broken)

    with pytest.raises(CommandError, match="It is hurt") as caught:
        call_command("test_model", "--model", "broken")

    assert caught.value.returncode == 2


@pytest.mark.django_db
def test_the_first_administrator_is_told_once(
    capsys: pytest.CaptureFixture[str], stranger: Client
) -> None:
    call_command("create_first_admin")
    told = capsys.readouterr().out
    call_command("create_first_admin")

    password = told.partition("password:")[2].split()[0]
    assert stranger.login(request=HttpRequest(), username=accounts.FIRST_ADMIN, password=password)
    assert capsys.readouterr().out == ""


def test_with_an_account_nobody_is_added(
    make_user: MakeUser, capsys: pytest.CaptureFixture[str]
) -> None:
    make_user()

    call_command("create_first_admin")

    assert capsys.readouterr().out == ""


# As a person runs them, with a small real network


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from video_classifier.ml import networks

    storage = tmp_path_factory.mktemp("models")
    spec = ClipSpec(frames=4, height=32, width=32)
    card = Card(
        name="tiny",
        network="conv3d",
        summary="For tests.",
        spec=spec,
        threshold=0.5,
        sha256="",
        parameters=0,
        created="2025-01-01",
    )
    bundle.save(storage / "tiny", networks.build("conv3d", spec), card)
    return storage


@pytest.fixture
def run(models: Path, settings: Settings, tmp_path: Path) -> Run:
    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        site = {
            "DATA_DIR": str(settings.DATA_DIR),
            "MODELS_STORAGE": str(models),
            "DEFAULT_MODEL": "absent",  # `manage.py check` complains, the commands do not
        }
        return subprocess.run(
            [sys.executable, ROOT / "manage.py", *arguments],
            cwd=tmp_path,
            env=os.environ | site,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.keras
def test_a_prediction_needs_no_database_and_is_pure_json(run: Run, clip: Path) -> None:
    done = run("analyze_clip", clip, "--json")

    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert (report["model"], len(report["frames"])) == ("tiny", 4)
    assert 0 <= report["score"] <= 1


@pytest.mark.long
@pytest.mark.keras
def test_a_model_that_was_trained_elsewhere_is_imported_and_used(
    run: Run, clip: Path, tmp_path: Path
) -> None:
    import keras
    from keras import layers

    frames = keras.Input((16, 128, 128, 3))
    colors = layers.TimeDistributed(layers.GlobalAveragePooling2D())(frames)
    classes = layers.Dense(2, activation="softmax")(layers.LSTM(4)(colors))
    keras.Model(frames, classes).save(tmp_path / "best_model.keras")

    done = run("import_model", "best_model.keras", "--name", "theirs")

    assert (done.returncode, done.stderr) == (0, "")
    assert "scaled to 0-1 (a guess" in done.stdout
    assert "The threshold 0.5 is a guess." in done.stdout
    report = json.loads(run("analyze_clip", clip, "--model", "theirs", "--json").stdout)
    assert (report["model"], report["threshold"], report["confidence"]) == ("theirs", 0.5, None)
    assert 0 < report["score"] < 1


def test_the_help_of_an_import_has_an_example(run: Run) -> None:
    done = run("import_model", "--help")

    assert "import_model best_model.keras --name theirs\n" in done.stdout


@pytest.mark.parametrize("bad", ["text.mp4", "cut.mp4", "missing.mp4"])
def test_a_bad_file_gives_one_line_and_exit_code_2(
    run: Run, clip: Path, tmp_path: Path, bad: str
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[:200])

    done = run("analyze_clip", tmp_path / bad, "--json")

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [("analyze_clip", "till.mp4"), ("test_model",)])
def test_an_unknown_model_gives_one_line_and_exit_code_2(
    run: Run,
    clip: Path,
    command: tuple[str, ...],
) -> None:
    done = run(*command, "--model", "unknown")

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "unknown" in done.stderr


@pytest.mark.keras
def test_a_model_is_tried_once(run: Run) -> None:
    done = run("test_model")

    assert (done.returncode, done.stderr) == (0, "")
    assert "tiny" in done.stdout
    assert "parameters" in done.stdout


# The trash, and files


@pytest.fixture
def due(make_clip: MakeClip) -> Clip:
    """Has been in the trash for long enough; another has not."""
    now = timezone.now()
    make_clip(trashed_at=now - timedelta(days=29))
    return make_clip(trashed_at=now - timedelta(days=31))


def test_the_trash_is_emptied_of_what_is_due(due: Clip, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("purge_trash")

    assert capsys.readouterr().out == "1 deleted for good.\n"
    assert due not in Clip.objects.in_trash()


def test_a_dry_run_names_what_is_due_by_its_id(
    due: Clip, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("purge_trash", "--dry-run")

    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(str(due.pk))
    assert last == "1 would be deleted for good."
    assert Clip.objects.count() == 2


def test_files_that_no_row_knows_are_swept(
    make_clip: MakeClip, capsys: pytest.CaptureFixture[str]
) -> None:
    orphan, clip = store("clips/2026/11/x.mp4"), make_clip()
    Path(clip.file.path).unlink()

    call_command("sweep_files", "--dry-run")

    assert orphan.exists()
    assert capsys.readouterr().out.splitlines() == [
        str(orphan),
        f"clip {clip.pk} misses a file",
        "1 belong to no row, 0 removed; 1 clips miss a file.",
    ]
    call_command("sweep_files")
    assert not orphan.exists()


@pytest.mark.django_db
def test_a_sweep_that_looks_like_the_wrong_database_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, "FEW", 0)
    orphan = store("clips/2026/11/x.mp4")

    with pytest.raises(CommandError, match="wrong database") as refusal:
        call_command("sweep_files")

    assert refusal.value.returncode == 2
    assert orphan.exists()
    call_command("sweep_files", "--force")
    assert not orphan.exists()


@pytest.mark.parametrize("name", ["purge_trash", "sweep_files"])
def test_a_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command(name, "--help")

    assert "--dry-run" in capsys.readouterr().out
