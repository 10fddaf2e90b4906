"""Cases in a real browser: from an event to the archive. test_looks.py looks at their pages."""

from __future__ import annotations

import hashlib
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeTrack
from tests.makers import videos
from video_classifier.models import Camera, Case, Event
from video_classifier.services import accounts, cases, evidence, files
from video_classifier.services.cases import Subject
from video_classifier.states import RecordedFrom, Role, Status

pytestmark = pytest.mark.browser

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PATIENCE = 180_000.0  # milliseconds: a busy machine blurs slowly


@pytest.fixture
def event(
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    make_track: MakeTrack,
    make_store: MakeStore,
    tmp_path: Path,
) -> Event:
    """With a still."""
    clip = make_clip(
        content=videos.write(tmp_path / "clip.mp4", 40, size=(320, 240)).read_bytes(),
        duration=4.0,
        camera=Camera.objects.create(store=make_store(), name="Aisle 4"),
        recorded_at=NOON,
        recorded_from=RecordedFrom.GIVEN,
    )
    track = make_track(analysis=make_analysis(clip=clip, status=Status.DONE))
    picture = evidence.jpeg(videos.picture(85, width=320, height=240), 90)
    files.write({evidence.still_file(track): picture})
    facts = {"start": 0.0, "end": 1.0, "peak": 0.5, "score": 0.9, "number": 1}
    return Event.objects.create(
        analysis=track.analysis, segment=track.segment, track=track, **facts
    )


@pytest.fixture
def case(event: Event, user: User) -> Case:
    found = cases.create(event.analysis.clip.store, Subject(name="Perfume shelf"), by=user)
    cases.add_event(found, event, by=user)
    accounts.join(user, found.store, Role.MANAGER)
    return found


@pytest.mark.long
def test_an_event_becomes_a_case_and_an_archive(event: Event, page: Page, tmp_path: Path) -> None:
    page.goto(f"{event.analysis.get_absolute_url()}events/1/")
    page.get_by_role("link", name="Add to a case").click()
    page.get_by_label("Name of the new case").fill("Perfume shelf")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Perfume shelf")).to_be_visible()

    page.get_by_label("Note", exact=True).fill("The blue bag.")
    page.get_by_role("button", name="Add the note").last.click()
    expect(page.get_by_text("The blue bag.")).to_be_visible()
    page.get_by_role("button", name="Make an export").click()
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=PATIENCE)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()

    archive = tmp_path / "case.zip"
    download.value.save_as(archive)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    expect(page.locator("code", has_text=digest)).to_be_visible()
    with zipfile.ZipFile(archive) as found:
        assert {"originals/001.mp4", "blurred/001.mp4", "report.pdf"} <= set(found.namelist())


def test_what_is_in_a_case_is_not_deleted(case: Case, event: Event, page: Page) -> None:
    page.goto(event.analysis.get_absolute_url())
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").last.click()

    expect(page.get_by_text("can't be moved to the trash")).to_contain_text("Perfume shelf")
