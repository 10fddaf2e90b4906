"""Sessions are listed for their user, who ends them; a new password ends all but one."""

from __future__ import annotations

import html
from datetime import timedelta

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.conftest import PASSWORD, MakeUser
from video_classifier.models import AuditEntry, SignedIn
from video_classifier.states import Action

SESSIONS = "/accounts/sessions/"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


def signed_in(agent: str, address: str = "192.0.2.1", name: str = "ada") -> Client:
    client = Client(headers={"User-Agent": agent}, REMOTE_ADDR=address)
    form = {"username": name, "password": PASSWORD}
    assert client.post("/accounts/login/", form).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/accounts/preferences/").status_code == 200


def row_of(device: str) -> SignedIn:
    return SignedIn.objects.get(device=device)


def test_each_session_says_by_what_and_from_where(user: User) -> None:
    signed_in(PHONE, "2001:db8:1:2:3:4:5:6")
    client = signed_in(WINDOWS)

    page = html.unescape(client.get(SESSIONS).content.decode())

    assert "Safari on iPhone" in page
    assert "2001:db8:1:2::" in page
    assert page.index("Firefox on Windows") < page.index("This session")
    assert page.index("This session") < page.index("Safari on iPhone")
    for session in Session.objects.all():
        assert session.session_key not in page


def test_one_is_ended_and_the_others_go_on(user: User) -> None:
    phone, desk = signed_in(PHONE), signed_in(WINDOWS)

    answer = desk.post(f"{SESSIONS}{row_of('Safari on iPhone').pk}/end/", follow=True)

    assert "The session on “Safari on iPhone” is ended." in html.unescape(answer.content.decode())
    assert (is_in(phone), is_in(desk)) == (False, True)
    assert AuditEntry.objects.filter(action=Action.SESSIONS_ENDED, actor=user.pk).count() == 1


def test_all_others_are_ended(user: User) -> None:
    others, desk = [signed_in(PHONE), signed_in(PHONE)], signed_in(WINDOWS)

    answer = desk.post(f"{SESSIONS}others/end/", follow=True)

    assert "The other 2 sessions are ended." in answer.content.decode()
    assert [is_in(each) for each in (*others, desk)] == [False, False, True]


def test_nobody_ends_a_session_of_somebody_else(client: Client, make_user: MakeUser) -> None:
    make_user("bob")
    other = signed_in(PHONE, name="bob")

    assert client.post(f"{SESSIONS}{row_of('Safari on iPhone').pk}/end/").status_code == 404
    assert "Safari" not in client.get(SESSIONS).content.decode()
    assert is_in(other)


def test_a_new_password_ends_all_but_the_session_that_chose_it(user: User) -> None:
    phone, desk = signed_in(PHONE), signed_in(WINDOWS)
    new = {"new_password1": "violet harbour 19", "new_password2": "violet harbour 19"}

    desk.post("/accounts/password/", {"old_password": PASSWORD} | new)

    assert (is_in(phone), is_in(desk)) == (False, True)
    assert [each.device for each in SignedIn.objects.all()] == ["Firefox on Windows"]


def test_signing_out_leaves_no_row(user: User) -> None:
    client = signed_in(WINDOWS)
    client.post("/accounts/logout/")

    assert not SignedIn.objects.exists()


def test_a_session_is_noted_once_a_minute_and_ends_no_later_for_it(user: User) -> None:
    client = signed_in(WINDOWS)
    SignedIn.objects.update(last_seen=timezone.now() - timedelta(hours=1))
    end = Session.objects.get().expire_date

    with CaptureQueriesContext(connection) as asked:
        client.get("/accounts/password/done/")
    cache.clear()  # a minute later
    client.get("/accounts/password/done/")

    assert "signedin" not in str(asked.captured_queries)
    assert timezone.now() - SignedIn.objects.get().last_seen < timedelta(minutes=2)
    assert Session.objects.get().expire_date == end


def test_a_session_from_before_is_listed_with_its_next_page(client: Client) -> None:
    SignedIn.objects.all().delete()
    cache.clear()

    client.get("/accounts/preferences/")

    assert SignedIn.objects.count() == 1
