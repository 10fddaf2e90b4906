"""The benchmark of pages, with few rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import timezone

from scripts.benchmark_pages import chores, filling
from scripts.benchmark_pages.__main__ import KEPT
from tests.conftest import Migrated
from tests.makers.footage import ROOT
from video_classifier.models import (
    Analysis,
    AuditEntry,
    AuditSeal,
    Clip,
    Event,
    Retention,
    Segment,
    Track,
)
from video_classifier.services import limits
from video_classifier.states import Prediction, Status

FEW = ("--clips", "150", "--events", "300", "--times", "2")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.benchmark_pages", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.long
@pytest.mark.db
def test_measures_pages_in_a_database_of_its_own(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    marks = (
        f"<!-- {what} on {vendor}: begin -->\nearlier {what}\n<!-- {what} on {vendor}: end -->"
        for what in ("pages", "chores", "exports")
        for vendor in ("sqlite", "postgresql")
    )
    page.write_text("\n".join(marks))

    often = limits.FIGURES.times + 1
    done = run(*FEW, "--only", "dashboard, days", "--times", str(often), "--write", str(page))

    assert done.returncode in {0, 1}, done.stderr  # 1: this machine is busy
    assert "| dashboard, days | member |" in done.stdout
    assert "| dashboard, days | member |" in page.read_text()
    kept = [page.read_text().count(f"earlier {what}") for what in ("pages", "chores", "exports")]
    assert kept == [1, 2, 2]  # of the other database; and of what wasn't asked for


@pytest.mark.long
def test_a_database_that_is_kept_is_filled_once(tmp_path: Path, migrated: Migrated) -> None:
    (migrated(tmp_path) / "db.sqlite3").rename(tmp_path / f"{KEPT}.sqlite3")  # as if it was made
    kept = ("--keep", str(tmp_path), "--only", "results as CSV")

    first, second = (run(*FEW, *kept) for _ in range(2))
    other = run("--clips", "151", "--events", "300", *kept)
    beyond = run(*FEW, "--keep", str(tmp_path), "--only", "clip (p=10)")

    assert ("Filling" in first.stderr, "Filling" in second.stderr) == (True, False)
    assert "| results as CSV | member |" in second.stdout
    assert (other.returncode, "fill another one" in other.stderr) == (2, True)
    assert (beyond.returncode, "answers 302" in beyond.stderr) == (2, True)


@pytest.mark.django_db
def test_chores_are_done_and_leave_nothing() -> None:
    filling.fill(filling.Sizes(clips=400, events=333), now=timezone.now(), advance=lambda: None)
    before = [kind.objects.count() for kind in (Clip, AuditEntry)]

    done = {each.name: chores.do(each).much for each in chores.chores()}

    assert done["delete_expired --dry-run, none is over"] == "0 clips listed"
    assert done["the hourly deletion, a day of clips"] == "1 clips deleted"
    assert done["verify_audit of it"] == "400 entries, 0 problems"
    assert [kind.objects.count() for kind in (Clip, AuditEntry)] == before
    assert (Retention.objects.count(), AuditSeal.objects.count()) == (0, 0)


def test_a_page_without_its_marks_is_refused_before_the_database_is_filled(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("words")

    done = run("--write", str(page))

    assert done.returncode == 2
    assert "needs the lines" in done.stderr


@pytest.mark.django_db
def test_fills_a_database_with_so_many_rows_that_hold_its_rules() -> None:
    sizes = filling.Sizes(clips=250, events=333)

    people = filling.fill(sizes, now=timezone.now(), advance=lambda: None)

    of_hours = sizes.recording
    counts = [kind.objects.count() for kind in (Clip, Analysis, Segment, Event)]
    assert counts == [251, 251, 250 + of_hours.segments, 333 + of_hours.events]
    assert filling.filled(sizes) == people
    assert not Event.objects.exclude(analysis__prediction=Prediction.HINT).exists()
    assert Track.objects.filter(events__isnull=False).distinct().count() > 1
    assert Analysis.objects.filter(status=Status.QUEUED).count() == filling.WAITING
    assert 0 < Clip.objects.visible_to(people.member).count() < 150
    assert Clip.objects.visible_to(people.root).count() == 251
