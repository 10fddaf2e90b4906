"""A model that is not what it should be is offered to nobody, and breaks no page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from tests.conftest import MakeAnalysis, MakeModel, MakeUser
from video_classifier.ml.serving.bundle import CARD_FILE, NETWORK_FILE
from video_classifier.services import catalog
from video_classifier.states import Status

Spoil = Callable[[Path], object]


def written(text: str) -> Spoil:
    return lambda folder: (folder / CARD_FILE).write_text(text, encoding="utf-8")


def with_fields(**facts: Any) -> Spoil:
    def spoil(folder: Path) -> None:
        card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        written(json.dumps(card | facts))(folder)

    return spoil


def with_spec(**facts: Any) -> Spoil:
    def spoil(folder: Path) -> None:
        spec = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))["spec"]
        with_fields(spec=spec | facts)(folder)

    return spoil


def folder_instead(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return spoil


SPOILT: dict[str, Spoil] = {
    "no text": lambda folder: (folder / CARD_FILE).write_bytes(b"\xff\xfe\x00"),
    "no JSON": written("{"),
    "a list": written("[]"),
    "nothing": written("null"),
    "nested without end": written("[" * 100_000),
    "half a character": with_fields(summary="\ud800 and more"),
    "card is a folder": folder_instead(CARD_FILE),
    "network is a folder": folder_instead(NETWORK_FILE),
    "unknown key": with_fields(colour="red"),
    "unknown key of the spec": with_spec(depth=3),
    "unknown key of a metric": with_fields(metrics={"accuracy": {"value": 0.5, "of": 3}}),
    "metric is text": with_fields(metrics={"accuracy": {"value": "good"}}),
    "metric is a list": with_fields(metrics={"accuracy": {"value": 0.5, "low": [0.4]}}),
    "metric without parts": with_fields(metrics={"accuracy": 0.5}),
    "metrics are a list": with_fields(metrics=[0.5]),
    "metric is no number": with_fields(metrics={"accuracy": {"value": float("nan")}}),
    "metric without end": with_fields(metrics={"accuracy": {"value": 0.5, "high": float("inf")}}),
    "threshold is text": with_fields(threshold="half"),
    "threshold is no number": with_fields(threshold=float("nan")),
    "threshold is all": with_fields(threshold=1.0),
    "threshold is a truth": with_fields(threshold=True),
    "no threshold": with_fields(threshold=None),
    "summary is a number": with_fields(summary=7),
    "name is a list": with_fields(name=["standard"]),
    "hash is a number": with_fields(sha256=7),
    "parameters are text": with_fields(parameters="many"),
    "limits are numbers": with_fields(limits=[1, 2]),
    "limits are a text": with_fields(limits="Not at night."),
    "training is a list": with_fields(training=["data"]),
    "fewer than no frames": with_spec(frames=-1),
    "half a frame": with_spec(frames=1.5),
    "frames are text": with_spec(frames="16"),
    "no height": with_spec(height=0),
    "no width": with_spec(width=None),
    "difference below nothing": with_spec(min_difference=-1),
    "view of nothing": with_spec(view="ceiling"),
    "spec is a list": with_fields(spec=[16, 128, 128]),
}


@pytest.fixture(autouse=True)
def _models(make_model: MakeModel) -> None:
    """One that can be used, among many that can't."""
    make_model("sound")
    for name, spoil in SPOILT.items():
        spoil(make_model(name))


def test_what_is_wrong_is_a_sentence() -> None:
    choices = {choice.name: choice for choice in catalog.available()}

    assert [name for name, choice in choices.items() if choice.card] == ["sound"]
    pattern = (
        r"The model “{}” can't be used: its (card\.json|network\.keras) can't be read \(.+\)\."
    )
    unclear = {
        name: choices[name].problem
        for name in SPOILT
        if not re.fullmatch(pattern.format(re.escape(name)), choices[name].problem)
    }
    assert unclear == {}


def test_no_page_breaks(
    client: Client, make_user: MakeUser, make_analysis: MakeAnalysis, settings: Settings
) -> None:
    settings.DEFAULT_MODEL = next(iter(SPOILT))
    done = make_analysis(model=settings.DEFAULT_MODEL, status=Status.DONE)
    admin = Client()
    admin.force_login(make_user("root", is_staff=True, is_superuser=True))

    pages = [client.get(path) for path in ("/", "/history/", f"/results/{done.pk}/")]
    pages += [admin.get(f"/admin/video_classifier/{kind}/") for kind in ("clip", "analysis")]

    assert [page.status_code for page in pages] == [200] * 5
    upload = pages[0].content.decode()
    assert [name for name in SPOILT if f"“{name}” can&#x27;t be used" not in upload] == []


def test_check_names_each(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check", fail_level="CRITICAL")

    told = capsys.readouterr().err
    assert [name for name in SPOILT if f"“{name}” can't be used" not in told] == []
