"""Days of several stores, a log of what people did, and the ways to their views."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.showcase import LONG, Seen, at
from tests.conftest import PASSWORD, MakeAnalysis, MakeClip, MakeStore, MakeUser
from video_classifier.models import Analysis, Camera
from video_classifier.services import audit, retention, trash
from video_classifier.services.retention import Days
from video_classifier.states import Action, RecordedFrom, Role, Status

REFUSED = ".errorlist"
ASKED = "main [name=sure] + button"


def make_manager(make_user: MakeUser, make_store: MakeStore) -> User:
    """“grace” of two stores; “root” is superuser."""
    User.objects.create_superuser("root", password=PASSWORD)
    grace = make_user("grace", roles=[Role.MANAGER])
    grace.memberships.create(store=make_store("Station"), role=Role.MANAGER)
    retention.change(make_store("Station"), Days(ordinary=1, waiting=14, confirmed=90), by=grace)
    return grace


def make_log(grace: User, make_clip: MakeClip, make_analysis: MakeAnalysis) -> Analysis:
    """Of somebody else, of the site, and of an account that is gone."""
    clip = make_clip(name=LONG, uploaded_at=timezone.now() - timedelta(days=40))
    found = make_analysis(clip=clip, status=Status.DONE)
    store = clip.store_id
    for number in range(3):
        audit.record(Action.VIEWED, grace, audit.EVENT, found.pk, store=store, number=number)
    expired = (Action.EXPIRED, None, audit.CLIP, clip.pk)
    audit.record(*expired, store=store, state="ordinary", days=30)
    other = make_clip(name="bag.mp4")
    trash.put(other, by=grace)
    return found


def make_footage(make_store: MakeStore, make_clip: MakeClip) -> str:
    """Of a camera, in a store whose name is long: two clips, one of unknown time. The question."""
    camera = Camera.objects.create(store=make_store("Station"), name=LONG[:50])
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=3)
    of_camera: dict[str, Any] = {"store": camera.store, "camera": camera}
    make_clip(name=LONG, recorded_at=noon, recorded_from=RecordedFrom.FILE, **of_camera)
    make_clip(name="unknown.mp4", **of_camera)
    day = f"{noon - timedelta(days=1):%Y-%m-%d}"
    until = f"{noon + timedelta(days=1):%Y-%m-%d}"
    return f"?camera={camera.pk}&since={day}T00:00:00&until={until}T00:00:00"


def of_superuser(asked: str) -> Iterable[Seen]:
    yield at("keep-data", "/personal-data/")
    yield at("keep-footage-asked", "/personal-data/footage/")
    yield at("keep-footage-refused", "/personal-data/footage/?camera=0&since=x&until=y")
    yield at("keep-footage", f"/personal-data/footage/{asked}")


def of_manager(found: Analysis, store: int) -> Iterable[Seen]:
    yield at("keep-audit", "/audit/")
    yield at("keep-audit-filtered", "/audit/?action=viewed")
    yield at("keep-audit-nothing", "/audit/?action=purged")
    yield at("keep-stores", "/stores/retention/")
    yield at("keep-days", f"/stores/{store}/retention/")
    yield Seen(name="keep-days-refused", open=lambda page: _choose(page, store, "0", REFUSED))
    yield Seen(name="keep-days-asked", open=lambda page: _choose(page, store, "30", ASKED))
    yield at("keep-result", found.get_absolute_url())


def _choose(page: Page, store: int, days: str, shows: str) -> None:
    page.goto(f"/stores/{store}/retention/")
    page.eval_on_selector("form[aria-label=Days]", "form => { form.noValidate = true; }")
    page.get_by_label("Days with a hint").fill(days)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(shows).first).to_be_visible()
