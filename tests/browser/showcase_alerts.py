"""Channels in each state, a log with something of everything, and the ways to their views."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import time, timedelta
from typing import Any

from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.showcase import Seen, at
from tests.conftest import MakeStore, MakeUser
from tests.makers.alerts import make_channel, make_delivery, make_digest
from video_classifier.models import Camera, Channel
from video_classifier.states import AlertKind, ChannelKind, Gathering, Role, Status, Suppression


def make_managers(make_user: MakeUser, make_store: MakeStore) -> None:
    """“grace” of two stores with a camera each, and “newcomer” of another without anything."""
    grace = make_user("grace", roles=[Role.MANAGER])
    grace.memberships.create(store=make_store("Station"), role=Role.MANAGER)
    for store, name in (("Main", "Back door"), ("Station", "Till 2, at the window")):
        Camera.objects.create(store=make_store(store), name=name)
    make_user("newcomer", store=make_store("North"), roles=[Role.MANAGER])


def make_log() -> Channel:
    """Of three channels of hers; gives the one that has most."""
    door, till = Camera.objects.order_by("store__name")
    night = make_channel(
        "Night shift",
        stores=[door.store],
        quiet_from=time(22),
        quiet_until=time(6),
        least_score=0.8,
    )
    hook = make_channel("Control room", kind=ChannelKind.WEBHOOK, stores=[door.store, till.store])
    hook.sealed_key = hook.sealed_target
    hook.save()
    phone = make_channel(
        "The telephone of whoever is on call at the weekend",
        kind=ChannelKind.APPRISE,
        stores=[till.store],
        cameras=[till],
        is_enabled=False,
    )
    make_delivery(night, camera=door, status=Status.DONE, lacks_snapshot=True)
    failed: dict[str, Any] = {"status": Status.FAILED, "error": f"It said {'no' * 60}."}
    make_delivery(hook, camera=door, kind=AlertKind.BACK, **failed)
    make_delivery(hook, camera=door, kind=AlertKind.OFFLINE, attempts=2, error="Nobody answers.")
    make_delivery(phone, kind=AlertKind.TEST, status=Status.RUNNING)
    make_delivery(night, camera=door, status=Status.CANCELLED)
    later = timezone.now() + timedelta(hours=3)
    digest = make_digest(night, gathers=Gathering.QUIET, not_before=later)
    held: dict[str, Any] = {
        "status": Status.CANCELLED,
        "suppression": Suppression.DIGEST,
        "digest": digest,
    }
    for _ in range(3):
        make_delivery(night, camera=door, **held)
    return night


def of_manager(channel: Channel) -> Iterable[Seen]:
    yield at("alerts", "/alerts/")
    yield at("alerts-filtered", "/alerts/?state=cancelled&kind=live")
    yield at("alerts-none", "/alerts/?state=done&kind=disk")
    yield at("channels", "/alerts/channels/")
    yield at("channel-kinds", "/alerts/channels/new/")
    for kind in ChannelKind:
        yield at(f"channel-new-{kind}", f"/alerts/channels/new/{kind}/")
    yield Seen(name="channel-refused", open=_refused)
    yield at("channel-settings", f"/alerts/channels/{channel.pk}/")
    yield Seen(name="channel-tested", open=_tested(channel))
    yield Seen(name="channel-key", open=_keyed)
    yield at("channel-delete", f"/alerts/channels/{channel.pk}/delete/")


def of_newcomer() -> Iterable[Seen]:
    yield at("alerts-empty", "/alerts/")
    yield at("channels-empty", "/alerts/channels/")
    yield at("news-none", "/alerts/news/")


def passwords(link: str) -> Iterable[Seen]:
    """By `link`, which an e-mail has."""
    yield at("sign-in-by-mail", "/accounts/login/")
    yield at("password-forgotten", "/accounts/reset/")
    yield at("password-sent", "/accounts/reset/sent/")
    yield at("password-link", link)
    yield at("password-link-used", "/accounts/reset/MQ/nothing/")
    yield at("password-set", "/accounts/reset/done/")


def news() -> Iterable[Seen]:
    """Where there are hints."""
    for address in ("/history/", "/trash/", "/"):
        yield Seen(name=f"news-bar{address.replace('/', '-')}", open=_with_bar(address))
    yield at("news", "/alerts/news/")


def _with_bar(address: str) -> Callable[[Page], None]:
    def come(page: Page) -> None:
        page.goto(address)
        expect(page.get_by_role("region", name="New hints", exact=True)).to_be_visible()

    return come


def _refused(page: Page) -> None:
    page.goto("/alerts/channels/new/email/")
    page.get_by_label("Name", exact=True).fill("Day shift")
    page.get_by_label("E-mail addresses").fill("nobody")
    page.get_by_role("checkbox", name="Main", exact=True).check()
    page.get_by_role("button", name="Add the channel").click()
    expect(page.locator(".errorlist").first).to_be_visible()


def _keyed(page: Page) -> None:
    page.goto("/alerts/channels/")
    page.get_by_role("link", name="Settings of Control room").click()
    page.get_by_role("link", name="Make a new key").click()
    page.get_by_role("button", name="Make a new key").click()
    expect(page.get_by_text("I have copied it")).to_be_visible()


def _tested(channel: Channel) -> Callable[[Page], None]:
    def test(page: Page) -> None:
        page.goto(f"/alerts/channels/{channel.pk}/")
        page.get_by_role("button", name="Send a test").click()
        expect(page.locator("#test")).to_contain_text("The test is on its way.")

    return test
