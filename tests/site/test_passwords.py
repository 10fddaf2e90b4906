"""Links by e-mail to choose a password: who gets one, what it is good for, what nobody learns."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Permission, User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests.conftest import MakeUser
from video_classifier.models import AuditEntry, OneTimePassword
from video_classifier.services import password_links
from video_classifier.services.errors import Refused
from video_classifier.states import Action

Mailbox = list[EmailMessage]

ASK = "/accounts/reset/"
SENT = "/accounts/reset/sent/"
SITE = "https://clips.example.org"
NEW = "staple horse battery"


@pytest.fixture(autouse=True)
def _mail(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Links are sent, and at once: the sender's thread has no part in a test's transaction."""
    settings.EMAIL_URL = "smtp://127.0.0.1"
    settings.SITE_URL = SITE
    monkeypatch.setattr(password_links, "_later", lambda work: work())
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ada(make_user: MakeUser) -> User:
    return make_user(email="ada@example.org")


def ask(client: Client, email: str = "ada@example.org", **how: Any) -> HttpResponse:
    return client.post(ASK, {"email": email}, **how)  # type: ignore[return-value]


def link(mail: EmailMessage) -> str:
    found = re.search(rf"{SITE}(/accounts/reset/\S+/)", str(mail.body))
    assert found is not None
    return found[1]


def choose(client: Client, address: str, password: str = NEW) -> HttpResponse:
    page = client.get(address, follow=True)
    if not page.redirect_chain:
        return page  # type: ignore[return-value]
    form = {"new_password1": password, "new_password2": password}
    return client.post(page.redirect_chain[-1][0], form)  # type: ignore[return-value]


def actions() -> list[tuple[str, int | None, str]]:
    kinds = (Action.RESET_ASKED, Action.RESET_DONE)
    found = AuditEntry.objects.filter(action__in=kinds).order_by("pk")
    return list(found.values_list("action", "actor", "object_id"))


# Where it is there


@pytest.mark.parametrize("missing", ["EMAIL_URL", "SITE_URL"])
def test_without_mail_or_an_address_of_the_site_it_is_not_there(
    stranger: Client, settings: Settings, missing: str
) -> None:
    setattr(settings, missing, "")

    for address in (ASK, SENT, "/accounts/reset/MQ/set-password/", "/accounts/reset/done/"):
        assert stranger.get(address).status_code == 404
    assert ASK not in stranger.get("/accounts/login/").content.decode()


def test_the_sign_in_page_leads_there(stranger: Client) -> None:
    html = stranger.get("/accounts/login/").content.decode()

    assert f'href="{ASK}"' in html
    assert "Ask an administrator" not in html


# Forgotten


def test_a_link_lets_somebody_choose_a_password(
    stranger: Client, ada: User, mailoutbox: Mailbox
) -> None:
    assert ask(stranger)["Location"] == SENT
    (mail,) = mailoutbox
    assert mail.to == ["ada@example.org"]
    assert mail.subject == "Choose a new password for Shoplift"
    assert "“ada”" in mail.body

    assert choose(stranger, link(mail))["Location"] == "/accounts/reset/done/"

    form = {"username": "ada", "password": NEW}
    assert stranger.post("/accounts/login/", form)["Location"] == "/"
    pk = str(ada.pk)
    assert actions() == [(Action.RESET_ASKED, None, pk), (Action.RESET_DONE, ada.pk, pk)]


def test_it_is_good_once(stranger: Client, ada: User, mailoutbox: Mailbox) -> None:
    ask(stranger)
    choose(stranger, link(mailoutbox[0]))

    page = choose(stranger, link(mailoutbox[0]), "another horse battery")

    assert "no longer good" in page.content.decode()
    ada.refresh_from_db()
    assert ada.check_password(NEW)


def test_it_is_good_for_a_day(
    stranger: Client, ada: User, mailoutbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(stranger)

    def after(**passed: int) -> HttpResponse:
        later = datetime.now() + timedelta(**passed)  # noqa: DTZ005  (Django's tokens have no zone)
        monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda _: later)
        return stranger.get(link(mailoutbox[0]))  # type: ignore[return-value]

    assert after(hours=23).status_code == 302
    assert "no longer good" in after(hours=25).content.decode()


def test_it_ends_other_sessions(client: Client, user: User, mailoutbox: Mailbox) -> None:
    User.objects.filter(pk=user.pk).update(email="ada@example.org")
    stranger = Client()
    ask(stranger)
    assert client.get("/history/").status_code == 200

    choose(stranger, link(mailoutbox[0]))

    assert client.get("/history/").status_code == 302


def test_a_one_time_password_is_done_with(stranger: Client, ada: User, mailoutbox: Mailbox) -> None:
    OneTimePassword.objects.create(user=ada)
    ask(stranger)

    choose(stranger, link(mailoutbox[0]))

    assert not OneTimePassword.objects.exists()


def test_a_password_has_to_be_a_good_one(stranger: Client, ada: User, mailoutbox: Mailbox) -> None:
    ask(stranger)

    page = choose(stranger, link(mailoutbox[0]), "12345")

    assert "This password is too short" in page.content.decode()
    assert [action for action, *_ in actions()] == [Action.RESET_ASKED]


def test_who_had_to_pause_may_sign_in_with_the_new_one(
    stranger: Client, ada: User, mailoutbox: Mailbox
) -> None:
    wrong = {"username": "ada", "password": "wrong"}
    assert [stranger.post("/accounts/login/", wrong).status_code for _ in range(5)][-1] == 429
    ask(stranger)

    choose(stranger, link(mailoutbox[0]))

    assert not AccessAttempt.objects.exists()
    form = {"username": "ada", "password": NEW}
    assert stranger.post("/accounts/login/", form)["Location"] == "/"


def test_an_address_is_found_however_it_is_typed(
    stranger: Client, ada: User, make_user: MakeUser, mailoutbox: Mailbox
) -> None:
    make_user("ada2", email="Ada@Example.org")

    ask(stranger, "ADA@example.org")

    assert sorted(mail.to[0] for mail in mailoutbox) == ["Ada@example.org", "ada@example.org"]


# What nobody learns


@pytest.mark.parametrize("fields", [{"is_active": False}, {"email": ""}, {"password": "!"}])
def test_without_an_account_the_answer_is_the_same(
    stranger: Client, ada: User, mailoutbox: Mailbox, fields: dict[str, object]
) -> None:
    known = ask(stranger)
    User.objects.update(**fields)

    unknown = ask(stranger)

    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert len(mailoutbox) == 1
    assert len(actions()) == 1


def test_the_link_does_not_believe_the_request(
    stranger: Client, ada: User, mailoutbox: Mailbox, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    ask(stranger, headers={"Host": "evil.example.net"})

    assert "evil" not in mailoutbox[0].body
    assert link(mailoutbox[0])


def test_a_name_can_not_break_the_mail(
    stranger: Client, make_user: MakeUser, mailoutbox: Mailbox
) -> None:
    make_user("<b>&\nBcc: eve@example.net", email="x@example.org")

    ask(stranger, "x@example.org")

    assert mailoutbox[0].recipients() == ["x@example.org"]
    assert "<b>&" in mailoutbox[0].body


# Limits


def test_a_mailbox_is_not_filled_by_strangers(
    stranger: Client, ada: User, mailoutbox: Mailbox
) -> None:
    answers = [ask(stranger, REMOTE_ADDR=f"192.0.2.{n}").status_code for n in range(9)]

    assert answers == [302] * 9
    assert len(mailoutbox) == 5


def test_after_the_pause_there_are_links_again(
    stranger: Client, ada: User, mailoutbox: Mailbox, settings: Settings
) -> None:
    for _ in range(6):
        ask(stranger)
    settings.AXES_COOLOFF_TIME = timedelta(0)

    ask(stranger)

    assert len(mailoutbox) == 6


def test_an_address_that_asks_for_many_has_to_pause(
    stranger: Client, ada: User, settings: Settings
) -> None:
    settings.SIGN_IN_ATTEMPTS_PER_ADDRESS = 3
    answers = [ask(stranger, f"{n}@example.org") for n in range(4)]

    assert [each.status_code for each in answers] == [302, 302, 302, 429]
    assert answers[-1]["Retry-After"] == "900"
    assert "Wait 15 minutes" in answers[-1].content.decode()
    assert ask(stranger, REMOTE_ADDR="192.0.2.9").status_code == 302


# New accounts


@pytest.fixture
def root(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", email="root@example.org"))
    return client


def add(client: Client, **fields: str) -> HttpResponse:
    form = {
        "username": "grace",
        "email": "grace@example.org",
        "usable_password": "false",
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
    }
    return client.post("/admin/auth/user/add/", form | fields)  # type: ignore[return-value]


def test_a_new_account_gets_a_link(
    root: Client,
    stranger: Client,
    mailoutbox: Mailbox,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert add(root).status_code == 302

    (mail,) = mailoutbox
    assert mail.subject == "Your account at Shoplift"
    assert choose(stranger, link(mail))["Location"] == "/accounts/reset/done/"
    form = {"username": "grace", "password": NEW}
    assert stranger.post("/accounts/login/", form)["Location"] == "/"
    admin = User.objects.get(username="root")
    grace = User.objects.get(username="grace")
    assert actions()[0] == (Action.RESET_ASKED, admin.pk, str(grace.pk))


def test_a_link_needs_an_address(root: Client) -> None:
    response = add(root, email="")

    assert "Type the address to which the link is sent." in response.content.decode()
    assert not User.objects.filter(username="grace").exists()


def test_a_password_will_do_as_well(root: Client, mailoutbox: Mailbox) -> None:
    add(root, usable_password="true", password1=NEW, password2=NEW)

    assert User.objects.get(username="grace").check_password(NEW)
    assert mailoutbox == []


def test_without_mail_there_is_djangos_form(root: Client, settings: Settings) -> None:
    settings.EMAIL_URL = ""

    html = root.get("/admin/auth/user/add/").content.decode()

    assert "By a link" not in html
    assert 'value="send_link"' not in root.get("/admin/auth/user/").content.decode()


def send_again(client: Client, *users: User) -> str:
    form = {"action": "send_link", "_selected_action": [user.pk for user in users]}
    return client.post("/admin/auth/user/", form, follow=True).content.decode()


def test_a_link_is_sent_again(
    root: Client,
    ada: User,
    make_user: MakeUser,
    mailoutbox: Mailbox,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    closed = make_user("closed", email="closed@example.org", is_active=False)
    without = make_user("without")

    with django_capture_on_commit_callbacks(execute=True):
        html = send_again(root, ada, closed, without)

    assert [mail.to for mail in mailoutbox] == [["ada@example.org"]]
    assert "goes to “ada”" in html
    assert "The account “closed” is closed" in html
    assert "“without” has no e-mail address" in html


def test_only_superusers_send_one_to_a_superuser(
    make_user: MakeUser, root: Client, mailoutbox: Mailbox
) -> None:
    staff = make_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["change_user", "view_user"]))
    client = Client()
    client.force_login(staff)

    html = send_again(client, User.objects.get(username="root"))

    assert "only superusers change" in html
    assert mailoutbox == []


def test_without_mail_an_invitation_is_refused(ada: User, settings: Settings) -> None:
    settings.EMAIL_URL = ""

    with pytest.raises(Refused, match="can't send"):
        password_links.invite(ada, by=ada)


# The sender


def test_the_answer_does_not_wait_for_the_mail(
    stranger: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, go_on = threading.Event(), threading.Event()

    def slow(_: str) -> None:
        go_on.wait(60)
        done.set()

    monkeypatch.undo()
    monkeypatch.setattr(password_links, "_answer", slow)
    begun = time.monotonic()

    assert ask(stranger).status_code == 302

    assert time.monotonic() - begun < 30
    assert not done.is_set()
    go_on.set()
    assert done.wait(60)


def test_a_mail_server_that_fails_is_logged_and_nobody_named(
    ada: User, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    room = threading.BoundedSemaphore(1)
    room.acquire()
    monkeypatch.setattr(password_links, "_room", room)

    password_links._run(lambda: password_links._answer(ada.email))

    assert "could not be sent" in caplog.text
    assert "ada@" not in caplog.text
    assert room.acquire(blocking=False)


def test_there_is_a_limit_to_what_waits(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    later = password_links._later
    monkeypatch.setattr(password_links, "_room", threading.BoundedSemaphore(1))
    go_on = threading.Event()
    done: list[str] = []

    def wait() -> None:
        go_on.wait(60)

    later(wait)

    later(lambda: done.append("there was no room"))

    go_on.set()
    assert done == []
    assert "faster than they can be sent" in caplog.text
