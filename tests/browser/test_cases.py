"""Cases in a real browser: from an event to the archive, and how their pages look.

python -m pytest tests/browser/test_cases.py --screenshots OUT
"""

from __future__ import annotations

import hashlib
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in
from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeTrack
from tests.makers import videos
from video_classifier.models import Camera, Case, CaseExport, Event
from video_classifier.services import accounts, cases, evidence
from video_classifier.services.cases import Subject
from video_classifier.states import RecordedFrom, Role, Status

pytestmark = pytest.mark.browser

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PATIENCE = 60_000.0  # milliseconds


@pytest.fixture
def events(
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    make_track: MakeTrack,
    make_store: MakeStore,
    tmp_path: Path,
) -> list[Event]:
    """Of two cameras, one with a name from right to left and a still."""
    found = []
    content = videos.write(tmp_path / "clip.mp4", 40, size=(320, 240)).read_bytes()
    names = ("Aisle 4", "خزانة خلفية", "Aisle 4")
    for number, name in enumerate(names):
        camera, _ = Camera.objects.get_or_create(store=make_store(), name=name)
        clip = make_clip(
            name=f"{name} {'long-name-' * 8}{number}.mp4",
            content=content + bytes(number),
            duration=4.0,
            camera=camera,
            recorded_at=NOON + timedelta(minutes=7 * number),
            recorded_from=RecordedFrom.GIVEN,
        )
        analysis = make_analysis(clip=clip, status=Status.DONE)
        track = make_track(analysis=analysis)
        picture = evidence.jpeg(videos.picture(85 + number, width=320, height=240), 90)
        evidence.write({evidence.still_file(track): picture})
        facts = {"start": 0.0, "end": 1.0, "peak": 0.5, "score": 0.9, "number": 1}
        found.append(
            Event.objects.create(analysis=analysis, segment=track.segment, track=track, **facts)
        )
    return found


@pytest.fixture
def case(events: list[Event], user: User) -> Case:
    told = Subject(name="Perfume shelf, May 😀 متجر", loss=Decimal("129.90"))
    case = cases.create(events[0].analysis.clip.store, told, by=user)
    for event in events:
        item = cases.add_event(case, event, by=user)
    cases.note(case, "The blue bag.", by=user, item=item)
    cases.note(case, "שלום עולם\n" + "long " * 80, by=user)
    now = datetime(2026, 5, 5, tzinfo=UTC)
    done = {"status": Status.DONE, "file": "x", "size_bytes": 10**8, "sha256": "e" * 64}
    CaseExport.objects.create(case=case, requested_by=user, finished_at=now, **done)
    failed = {"status": Status.FAILED, "error": "The server's disk is too full.", "done": 1}
    CaseExport.objects.create(case=case, finished_at=now, **failed)
    accounts.join(user, case.store, Role.MANAGER)
    return case


def test_an_event_becomes_a_case_and_an_archive(
    events: list[Event], page: Page, tmp_path: Path
) -> None:
    page.goto(f"{events[0].analysis.get_absolute_url()}events/1/")
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


def test_what_is_in_a_case_is_not_deleted(case: Case, events: list[Event], page: Page) -> None:
    page.goto(events[0].analysis.get_absolute_url())
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").last.click()

    expect(page.get_by_text("can't be moved to the trash")).to_contain_text("Perfume shelf")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier_and_nothing_is_cut_off(
    case: Case,
    events: list[Event],
    browser: Browser,
    site: str,
    scheme: str,
    request: pytest.FixtureRequest,
) -> None:
    page = browser.new_page(base_url=site, color_scheme=scheme)  # type: ignore[arg-type]
    sign_in(page)
    event = events[0].analysis.get_absolute_url() + "events/1/case/"
    own = f"/cases/{case.pk}/"
    places = {
        "list": "/cases/",
        "case": own,
        "add": event,
        "change": f"{own}settings/",
        "delete": f"{own}delete/",
    }
    out = request.config.getoption("--screenshots", default=None)
    for (name, address), width in (
        (place, w) for place in places.items() for w in (360, 768, 1440)
    ):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        page.evaluate(AXE_SCRIPT)
        found = page.evaluate("axe.run()")["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], (name, width)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, (name, width)
        if out:
            page.screenshot(path=Path(out) / f"cases-{name}-{width}-{scheme}.png", full_page=True)
