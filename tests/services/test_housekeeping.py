"""What is done once a day."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tests.conftest import MakeClip, MakeStore
from tests.makers.measures import make_score
from tests.makers.scored_hours import make_measure
from tests.services.test_files import store
from video_classifier.models import Alert, Camera, CandidateScore, Clip
from video_classifier.services import housekeeping, resumable
from video_classifier.states import AlertKind

NOW = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that it shows; this process has not tidied yet."""
    shown = [NOW]
    monkeypatch.setattr(time, "monotonic", lambda: shown[0])
    monkeypatch.setattr(housekeeping, "_next", 0.0)
    monkeypatch.setattr(housekeeping, "_next_expiry", 0.0)
    monkeypatch.setattr(housekeeping, "_next_uploads", 0.0)
    return shown


@pytest.mark.usefixtures("clock")
def test_the_first_time_empties_the_trash_and_sweeps(make_clip: MakeClip) -> None:
    clip = make_clip()
    Clip.objects.update(trashed_at=timezone.now() - timedelta(days=31))
    orphan = store("clips/2026/11/x.mp4")

    housekeeping.tidy_if_due()

    assert not Clip.objects.filter(pk=clip.pk).exists()
    assert not orphan.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("clock")
def test_alerts_that_are_too_old_are_deleted() -> None:
    long_ago = timezone.now() - timedelta(days=91)
    for created_at in (long_ago, timezone.now()):
        Alert.objects.create(kind=AlertKind.DISK, happened_at=long_ago, created_at=created_at)

    housekeeping.tidy_if_due()

    assert Alert.objects.count() == 1


@pytest.mark.usefixtures("clock")
def test_scores_of_cameras_that_are_too_old_are_deleted(make_store: MakeStore) -> None:
    camera = Camera.objects.create(store=make_store(), name="Till")
    for days in (59, 61):
        make_score(camera, started_at=timezone.now() - timedelta(days=days))

    housekeeping.tidy_if_due()

    assert CandidateScore.objects.count() == 1


@pytest.mark.usefixtures("clock")
def test_measures_of_cameras_are_checked(make_store: MakeStore) -> None:
    camera = Camera.objects.create(store=make_store(), name="Aisle 4")
    old = make_measure(camera, now=timezone.now(), made_at=timezone.now() - timedelta(days=8))

    housekeeping.tidy_if_due()

    old.refresh_from_db()
    assert old.checked_at is not None


@pytest.mark.django_db
@pytest.mark.parametrize(("later", "tidied"), [(timedelta(hours=23), False), (timedelta(1), True)])
def test_again_after_a_day(clock: list[float], later: timedelta, *, tidied: bool) -> None:
    housekeeping.tidy_if_due()
    orphan: Path = store("clips/2026/11/x.mp4")

    clock[0] += later.total_seconds()
    housekeeping.tidy_if_due()

    assert orphan.exists() is not tidied


@pytest.mark.django_db
def test_uploads_are_looked_at_each_minute(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(resumable, "finish_left", lambda: called.append("finish"))
    monkeypatch.setattr(resumable, "tidy", lambda: called.append("tidy"))

    for seconds in (0, 59, 1):
        clock[0] += seconds
        housekeeping.tidy_if_due()

    assert called == ["finish", "tidy"] * 2
