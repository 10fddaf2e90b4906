"""`manage.py improve_model`."""

from __future__ import annotations

import time

import pytest
from django.core.management import CommandError, call_command

from tests.conftest import MakeModel, MakeStore
from tests.makers.versions import make_version
from video_classifier.management.commands import improve_model
from video_classifier.models import Improvement, Store
from video_classifier.services import improvements
from video_classifier.services.improvements import Material
from video_classifier.states import Status

pytestmark = pytest.mark.django_db

ENOUGH = Material(
    thefts=9, false_alarms=21, reviewers=2, cameras=1, first=None, last=None, kappa=None
)


@pytest.fixture
def store(make_store: MakeStore, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> Store:
    make_model()
    monkeypatch.setattr(improvements, "material", lambda _: ENOUGH)
    return make_store()


def test_it_asks(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("improve_model", str(store))

    assert Improvement.objects.get().model == "standard"
    assert "standard learns from 30 events of Main" in capsys.readouterr().out


def test_it_says_why_not(store: Store) -> None:
    with pytest.raises(CommandError, match="There is no store “Moon”"):
        call_command("improve_model", "Moon")
    with pytest.raises(CommandError, match="There is no model “x”"):
        call_command("improve_model", str(store), "--model", "x")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (Status.DONE, "standard@1 was made"),
        (Status.FAILED, "Nothing learned"),
        (Status.CANCELLED, "cancelled meanwhile"),
    ],
)
def test_it_waits_with_progress(
    store: Store,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    status: Status,
    said: str,
) -> None:
    """What a worker would do happens while it sleeps."""

    def work(_: float) -> None:
        error = "Nothing learned." if status == Status.FAILED else ""
        made = Improvement.objects.all()
        if made.filter(stage="Learning").exists():
            made.update(status=status, error=error)
            if status == Status.DONE:
                version = make_version(store)
                version.improvement = Improvement.objects.get()
                version.save()
        made.update(stage="Learning")

    monkeypatch.setattr(time, "sleep", work)
    monkeypatch.setattr(improve_model, "LOOK_SECONDS", 0.0)
    try:
        call_command("improve_model", str(store), "--wait")
        problem = ""
    except CommandError as error:
        problem = str(error)

    out = capsys.readouterr().out
    assert "Waiting for a worker …\nLearning …\n" in out
    assert said in out + problem
    assert bool(problem) == (status != Status.DONE)
