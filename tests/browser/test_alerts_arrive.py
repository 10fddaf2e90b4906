"""A theft on a live camera is told by e-mail and to a program, and the link leads to its clip.

The site is the one as shipped, with a watcher of its own and a simulated camera, and what it sends
arrives at real servers. How soon is printed (`-s`) and not held: a busy machine takes its time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import requests
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from standardwebhooks import Webhook

from scripts._lib.live_site import LiveSite
from scripts._lib.simulator.camera import Camera
from scripts._lib.site_under_test import NAME
from tests.browser.watched import (
    MILLISECONDS,
    PATIENCE,
    SECRETS,
    add,
    be_patient,
    check,
    enable,
    keep_on,
    open_patiently,
    wait_for,
    watching,
)
from tests.makers.receivers import Mail, Web, mail_server, serving
from video_classifier.services.live_events import BEING_MADE, ON_ITS_WAY

pytestmark = [pytest.mark.browser, pytest.mark.footage]

MAILBOX = "night-shift@shop.example"
HOOK = "hook-that-nobody-else-knows"
HINT = "Possible shoplifting \N{EN DASH} Back door, "


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivers:
    """What channels lead to."""

    mail: Mail
    web: Web
    mail_port: int
    web_port: int

    def hints(self) -> list[EmailMessage]:
        return [each for each in self.mail.mails if subject_of(each).startswith(HINT)]

    def calls(self, kind: str) -> list[tuple[dict[str, str], bytes]]:
        """Headers and bodies of what the program was told."""
        told = [(headers, body) for _, headers, body in self.web.requests]
        return [each for each in told if json.loads(each[1])["type"] == kind]


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    mail, web = Mail(), Web()
    with mail_server(mail) as mail_port, serving(web) as web_port:
        yield Receivers(mail=mail, web=web, mail_port=mail_port, web_port=web_port)


@pytest.fixture
def server(camera: Camera, receivers: Receivers, tmp_path: Path) -> Iterator[LiveSite]:
    with watching(
        tmp_path / "data",  # of its own: the first migration makes the store, in this time zone
        EMAIL_URL=f"smtp://127.0.0.1:{receivers.mail_port}",
        EMAIL_FROM="Shoplift <alerts@shop.example>",
        ALERT_NETWORKS="127.0.0.1/32",
        TIME_ZONE="Europe/Berlin",
    ) as server:
        yield server


@pytest.fixture
def site(server: LiveSite) -> str:
    return server.address


@pytest.fixture
def page(browser: Browser, server: LiveSite) -> Page:
    return open_patiently(browser, server)


def test_a_theft_is_told_and_the_link_leads_to_its_clip(
    page: Page,
    browser: Browser,
    server: LiveSite,
    receivers: Receivers,
    camera: Camera,
    theft: Path,
    nobody: Path,
) -> None:
    add_mailbox(page, receivers)
    key = add_hook(page, receivers)
    add(page, camera)
    enable(page)
    page.get_by_role("button", name="Switch alerts on all the same").click()
    expect(page.get_by_text("Alerts are on")).to_be_visible()
    check(page)

    camera.plant(nobody)
    camera.plant(theft)
    wait_for(lambda: keep_on(camera, theft) and receivers.hints() and receivers.calls("alert.live"))
    camera.stream.asked.clear()
    camera.plant(nobody)

    link = read_mail(receivers, server)
    data = read_call(receivers, key)
    assert data["link"] == link
    see_picture(data["snapshot"])
    seconds = delay(server, data["alert"])
    print(f"From the opening of the event to the first attempt: {seconds:.1f} s")  # noqa: T201
    follow(browser, server, link, data["alert"])

    log = (server.data / "server.log").read_text()
    secrets = (*SECRETS, MAILBOX, HOOK, key)
    assert [each for each in secrets if each in log] == []


def add_mailbox(page: Page, receivers: Receivers) -> None:
    page.goto("/alerts/channels/new/email/")
    page.get_by_label("Name", exact=True).fill("Night shift")
    page.get_by_label("E-mail addresses").fill(MAILBOX)
    page.get_by_role("button", name="Add the channel").click()
    expect(page.get_by_text("“Night shift” was added.")).to_be_visible()
    send_test(page)
    (mail,) = wait_for(lambda: receivers.mail.mails)
    assert (mail["To"], mail["From"]) == (MAILBOX, "Shoplift <alerts@shop.example>")
    assert "This is a test of the channel “Night shift”." in words_of(mail)


def add_hook(page: Page, receivers: Receivers) -> str:
    """Gives the key that its messages are signed with."""
    page.goto("/alerts/channels/new/webhook/")
    page.get_by_label("Name", exact=True).fill("Control room")
    page.get_by_label("Address of the webhook").fill(
        f"http://127.0.0.1:{receivers.web_port}/{HOOK}"
    )
    page.get_by_role("button", name="Add the channel").click()
    key = page.locator("code", has_text="whsec_").inner_text()
    page.get_by_role("link", name="I have copied it").click()
    send_test(page)
    headers, body = wait_for(lambda: receivers.calls("alert.test"))[0]
    assert Webhook(key).verify(body, headers)["data"]["kind"] == "test"
    assert receivers.web.requests[0][0] == f"POST /{HOOK} HTTP/1.1"
    return key


def send_test(page: Page) -> None:
    page.get_by_role("button", name="Send a test").click()
    expect(page.locator("#test")).to_contain_text("The test was sent.", timeout=MILLISECONDS)


def read_mail(receivers: Receivers, server: LiveSite) -> str:
    """Gives the link in it."""
    mail = receivers.hints()[0]
    assert re.fullmatch(rf"{HINT}\d{{4}}-\d\d-\d\d \d\d:\d\d", subject_of(mail))
    (attached,) = mail.iter_attachments()
    assert attached.get_content_type() == "image/jpeg"
    assert_is_picture(attached.get_content())
    words = words_of(mail)
    assert "This is only a reason to look" in words
    assert "Camera: Back door (Main)" in words
    when = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d Europe/Berlin \(UTC\+0[12]:00\)"
    assert re.search(rf"^When: {when}$", words, re.MULTILINE)
    place = r"(upper |lower )?(left|right)|top|middle|bottom"
    assert re.search(rf"^Where in the picture: ({place})$", words, re.MULTILINE)
    scores = re.search(
        r"^Score: (0\.\d\d|1\.00); from (0\.\d\d) on there is a hint\.$", words, re.M
    )
    assert scores is not None
    assert float(scores[1]) >= float(scores[2])
    link = re.search(rf"signing in: ({server.address}/alerts/[0-9a-f-]+/)$", words, re.MULTILINE)
    assert link is not None
    return link[1]


def subject_of(mail: EmailMessage) -> str:
    return str(mail["Subject"]).strip()  # a line break before its first word is read as a space


def words_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return "\n".join(str(body.get_content()).splitlines())  # on its way they end with CRLF


def read_call(receivers: Receivers, key: str) -> dict[str, Any]:
    """Gives what it says, whose signature is ours."""
    headers, body = receivers.calls("alert.live")[0]
    data: dict[str, Any] = Webhook(key).verify(body, headers)["data"]
    assert (data["camera"]["name"], data["store"]["name"]) == ("Back door", "Main")
    assert data["time_zone"] == "Europe/Berlin"
    assert data["score"] >= data["threshold"]
    return data


def see_picture(address: str) -> None:
    """Without a sign-in."""
    answer = requests.get(address, timeout=PATIENCE)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert "no-store" in answer.headers["Cache-Control"]
    assert_is_picture(answer.content)


def assert_is_picture(content: bytes) -> None:
    with Image.open(BytesIO(content)) as image:
        image.load()
        assert image.format == "JPEG"
        assert min(image.size) > 100


def delay(server: LiveSite, alert: str) -> float:
    """Seconds from when the event was opened to the first attempt of the last channel."""
    rows = of_alert(server, alert, "delivery.attempts, opened_at, delivery.claimed_at")
    assert [attempts for attempts, *_ in rows] == [1, 1]
    moments = [[datetime.fromisoformat(at) for at in row[1:]] for row in rows]
    return max((claimed - opened).total_seconds() for opened, claimed in moments)


def of_alert(server: LiveSite, alert: str, columns: str) -> list[tuple[Any, ...]]:
    """Of each of its deliveries, and of its event."""
    return server.rows(
        f"SELECT {columns} FROM video_classifier_delivery AS delivery "  # noqa: S608
        "JOIN video_classifier_alert AS alert ON alert.id = delivery.alert_id "
        "JOIN video_classifier_liveevent AS event ON event.id = alert.live_event_id "
        f"WHERE alert.id = '{UUID(alert).hex}'"
    )


def follow(browser: Browser, server: LiveSite, link: str, alert: str) -> None:
    """From where nobody is signed in yet: to the camera, and to the clip once it is there."""
    page = browser.new_page()
    be_patient(page)
    page.goto(link)
    page.get_by_label("Username").fill(NAME)
    page.get_by_label("Password").fill(server.password)
    page.get_by_role("button", name="Sign in").click()
    # A camera's page is never done loading: its stream goes on.
    page.wait_for_url(re.compile("/(cameras|results)/"), wait_until="commit")

    wait_for(lambda: is_clip_there(server, alert))
    page.goto(link)
    page.wait_for_url("**/results/**")
    heading = page.get_by_role("heading", name="Possible shoplifting")
    expect(heading).to_be_visible(timeout=MILLISECONDS)
    player = page.locator("video.player")
    player.evaluate("video => { video.muted = true; video.play(); }")
    wait_for(lambda: player.evaluate("video => video.currentTime") > 0)


def is_clip_there(server: LiveSite, alert: str) -> bool:
    clip, no_clip = of_alert(server, alert, "event.clip_id, event.no_clip")[0]
    assert clip or no_clip in {"", BEING_MADE, ON_ITS_WAY}
    return bool(clip)
