"""A second factor: nothing shows before it is given, and nobody is locked out for good."""

from __future__ import annotations

import base64
import html
import re
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from pytest_django import Settings

from tests.conftest import PASSWORD, MakeUser
from tests.makers.second_factors import code_of, make_device
from video_classifier.models import (
    AuditEntry,
    AuthenticatorApp,
    Membership,
    SavedView,
    Store,
    seals,
)
from video_classifier.services import api_keys, second_factor
from video_classifier.services.limits import Limit
from video_classifier.states import Action, Role, Scope

FACTOR = "/accounts/second-factor/"
CHECK, SET_UP, CODES, OFF = (f"{FACTOR}{name}/" for name in ("check", "set-up", "codes", "off"))
RECOVERY = re.compile(r"<code>(\w{4}-\w{4}-\w{4})</code>")


def with_password(name: str = "ada", to: str = "/history/") -> Client:
    client = Client()
    form = {"username": name, "password": PASSWORD, "next": to}
    assert client.post("/accounts/login/", form)["Location"] == to
    return client


def with_both(user: User) -> Client:
    client = with_password(user.username)
    client.post(CHECK, {"code": code_of(user)})
    assert is_in(client)
    return client


def is_in(client: Client) -> bool:
    return client.get("/history/").status_code == 200


def text(response: object) -> str:
    return html.unescape(response.content.decode())  # type: ignore[attr-defined]


def done(user: User) -> list[str]:
    return [each.action for each in AuditEntry.objects.filter(object_id=str(user.pk))]


# The second step


@pytest.mark.parametrize("page", ["/history/", "/", "/admin/", "/accounts/keys/", "/audit.csv"])
def test_after_the_password_alone_nothing_shows(make_user: MakeUser, page: str) -> None:
    make_device(make_user(is_superuser=True, is_staff=True))
    client = with_password()

    assert client.get(page)["Location"].startswith(CHECK)
    sent = client.post(page)
    assert (sent.status_code, CHECK in text(sent)) == (403, True)
    refused = client.get("/api/v1/clips")
    assert (refused.status_code, "second factor" in text(refused)) == (403, True)


def test_after_the_password_alone_nobody_sets_up_an_app_of_their_own(user: User) -> None:
    old = make_device(user)
    second_factor.pending(user)  # as one who replaces it leaves behind
    client = with_password()

    shown = client.get(SET_UP), client.get(f"{FACTOR}picture.svg")
    sent = client.post(SET_UP, {"code": code_of(user, confirmed=False), "password": PASSWORD})

    assert [each["Location"].split("?")[0] for each in shown] == [CHECK, CHECK]
    assert sent.status_code == 403
    assert second_factor.device_of(user) == old
    assert not is_in(client)


def test_the_code_leads_to_the_page_that_was_asked_for(user: User) -> None:
    make_device(user)
    client = with_password()
    asked = client.get("/history/?q=door")["Location"]
    key = client.session.session_key

    assert client.get(asked).status_code == 200
    sent = {"code": code_of(user), "next": "/history/?q=door"}
    assert client.post(CHECK, sent)["Location"] == "/history/?q=door"

    assert is_in(client)
    assert client.session.session_key != key
    assert Action.FACTOR_PASSED in done(user)


def test_it_leads_nowhere_else(user: User) -> None:
    make_device(user)
    sent = {"code": code_of(user), "next": "https://elsewhere.example/"}

    assert with_password().post(CHECK, sent)["Location"] == "/"


def test_the_administrations_own_sign_in_asks_for_it_too(make_user: MakeUser) -> None:
    make_device(make_user(is_superuser=True, is_staff=True))
    client = Client()
    client.post("/admin/login/?next=/admin/", {"username": "ada", "password": PASSWORD})

    assert client.get("/admin/")["Location"].startswith(CHECK)


def test_a_code_is_good_once(user: User) -> None:
    make_device(user)
    code = code_of(user)
    with_password().post(CHECK, {"code": code})
    other = with_password()

    assert other.post(CHECK, {"code": code}).status_code == 422
    assert not is_in(other)


def test_wrong_codes_are_counted_and_the_right_one_then_has_to_wait(user: User) -> None:
    make_device(user)
    right = code_of(user)
    wrong = f"{(int(right) + 500_000) % 1_000_000:06}"
    client = with_password()

    assert second_factor.WRONG in text(client.post(CHECK, {"code": wrong}))
    failures = AuthenticatorApp.objects.filter(throttling_failure_count=1)
    assert failures.update(throttling_failure_count=10) == 1  # a pause longer than this test
    refused = client.post(CHECK, {"code": right})

    assert refused.status_code == 422
    assert re.search(r"There were too many wrong codes\. Wait \d+ s", text(refused))
    assert not is_in(client)
    assert Action.FACTOR_FAILED in done(user)


def test_after_many_tries_there_is_a_pause(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    make_device(user)
    monkeypatch.setattr(second_factor, "TRIES", Limit(name="codes", times=2, seconds=900))
    client = with_password()
    for _ in range(2):
        client.post(CHECK, {"code": "x"})

    assert "Wait" in text(client.post(CHECK, {"code": code_of(user)}))
    assert not is_in(client)


# Setting it up


def set_up(client: Client, user: User) -> list[str]:
    """By what the page shows; the recovery codes."""
    page = text(client.get(SET_UP))
    assert second_factor.secret_of(AuthenticatorApp.objects.get(confirmed=False)) in page
    picture = client.get(f"{FACTOR}picture.svg")
    assert picture["Content-Type"] == "image/svg+xml"
    assert b"style" not in picture.content
    sent = {"code": code_of(user, confirmed=False), "password": PASSWORD}
    return RECOVERY.findall(text(client.post(SET_UP, sent)))


def test_it_is_set_up_and_ends_other_sessions(client: Client, user: User) -> None:
    other = with_password()

    codes = set_up(client, user)

    assert len(set(codes)) == second_factor.CODES
    assert (is_in(client), is_in(other)) == (True, False)
    assert client.get(f"{FACTOR}picture.svg").status_code == 404
    assert Action.FACTOR_ON in done(user)
    assert not is_in(with_password())


def test_the_page_with_the_codes_does_nothing_when_it_is_reloaded(
    client: Client, user: User
) -> None:
    set_up(client, user)
    before = set(StaticToken.objects.values_list("token", flat=True))

    again = client.post(SET_UP, {"code": "123456", "password": PASSWORD})

    assert again["Location"] == FACTOR
    assert set(StaticToken.objects.values_list("token", flat=True)) == before


@pytest.mark.parametrize(
    ("password", "code", "why"),
    [("wrong", "", second_factor.WRONG_PASSWORD), (PASSWORD, "x", second_factor.WRONG)],
)
def test_without_the_password_or_the_code_nothing_is_set_up(
    client: Client, user: User, password: str, code: str, why: str
) -> None:
    client.get(SET_UP)

    sent = {"code": code or code_of(user, confirmed=False), "password": password}
    refused = client.post(SET_UP, sent)

    assert (refused.status_code, why in text(refused)) == (422, True)
    assert second_factor.device_of(user) is None


def test_replacing_leaves_the_old_app_good_until_the_new_one_is_confirmed(user: User) -> None:
    old = make_device(user)
    client = with_both(user)
    client.get(SET_UP)
    assert second_factor.device_of(user) == old

    set_up(client, user)

    new = second_factor.device_of(user)
    assert new is not None
    assert new.key != old.key


# Recovery codes


def test_a_recovery_code_lets_in_once(client: Client, user: User) -> None:
    first, second, *_ = set_up(client, user)

    one = with_password()
    one.post(CHECK, {"code": first.upper().replace("-", " ")})
    again = with_password()
    again.post(CHECK, {"code": first})

    assert (is_in(one), is_in(again)) == (True, False)
    assert Action.RECOVERY_USED in done(user)
    assert f"<dd>{second_factor.CODES - 1}</dd>" in text(one.get(FACTOR))
    assert second not in str(list(StaticToken.objects.values()))


def test_a_recovery_code_outlives_the_change_of_the_secret_key(
    client: Client, user: User, settings: Settings
) -> None:
    code, *_ = set_up(client, user)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "violet harbour" * 4

    one = with_password()
    one.post(CHECK, {"code": code})

    assert is_in(one)


def test_new_recovery_codes_take_the_place_of_the_old_once(client: Client, user: User) -> None:
    old, *_ = set_up(client, user)
    mark = second_factor.codes_mark(user)
    form = {"password": PASSWORD, "instead_of": mark}

    new, *_ = RECOVERY.findall(text(client.post(CODES, form)))
    reloaded = client.post(CODES, form)

    assert reloaded["Location"] == FACTOR
    one = with_password()
    one.post(CHECK, {"code": old})
    assert not is_in(one)
    other = with_password()
    StaticDevice.objects.update(throttling_failure_timestamp=None)
    other.post(CHECK, {"code": new})
    assert is_in(other)


# A secret lies sealed


def test_the_secret_is_sealed_for_its_user_alone(user: User, make_user: MakeUser) -> None:
    app = make_device(user)
    stored = AuthenticatorApp.objects.values_list("key", flat=True).get()
    secret = app.bin_key

    assert seals.is_sealed(stored)
    assert secret.hex() not in stored
    assert seals.unseal(stored, of=f"user {user.pk}") == secret
    eve = make_user("eve")
    copied = make_device(eve)
    AuthenticatorApp.objects.filter(pk=copied.pk).update(key=stored)
    copied.refresh_from_db()
    assert not copied.is_readable


def test_an_earlier_key_still_opens_until_the_next_code_renews_the_seal(
    user: User, settings: Settings
) -> None:
    make_device(user)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "violet harbour" * 4

    with_both(user)
    settings.SECRET_KEY_FALLBACKS = []

    with_both(user)


@pytest.mark.parametrize("by_app", [True, False])
def test_a_lost_key_is_a_sentence_and_an_administrator_helps(
    client: Client,
    user: User,
    settings: Settings,
    by_app: bool,  # noqa: FBT001
) -> None:
    recovery, *_ = set_up(client, user)
    app_code = code_of(user)
    settings.SECRET_KEY = "violet harbour" * 4
    one = with_password()

    refused = one.post(CHECK, {"code": app_code if by_app else recovery})

    assert (refused.status_code, second_factor.LOST_KEY in text(refused)) == (422, True)
    assert not is_in(one)
    second_factor.reset(user, by=None)
    assert is_in(with_password())


def test_a_pending_app_whose_key_is_lost_is_made_anew(user: User, settings: Settings) -> None:
    lost = second_factor.pending(user)
    settings.SECRET_KEY = "violet harbour" * 4

    set_up(with_password(), user)

    device = second_factor.device_of(user)
    assert device is not None
    assert device.pk != lost.pk


# Who has to


@pytest.mark.parametrize(
    ("fields", "roles", "has_to"),
    [
        ({}, [Role.REVIEWER], True),
        ({}, [Role.MANAGER], True),
        ({"is_staff": True}, [], True),
        ({}, [Role.ANALYST], False),
    ],
)
def test_who_decides_or_administers_has_to_where_the_site_requires_it(
    make_user: MakeUser,
    settings: Settings,
    fields: dict[str, Any],
    roles: list[Role],
    has_to: bool,  # noqa: FBT001
) -> None:
    user = make_user(roles=roles, **fields)
    assert is_in(with_password())
    settings.SECOND_FACTOR = "required"
    client = with_password()

    assert is_in(client) != has_to
    if has_to:
        assert client.get("/history/")["Location"].startswith(SET_UP)
        set_up(client, user)
        assert is_in(client)
        assert second_factor.OBLIGED in text(client.post(OFF, {"password": PASSWORD}))


@pytest.mark.parametrize("before", ["off", "optional"])
def test_who_is_signed_in_when_the_setting_comes_is_led_to_set_it_up(
    make_user: MakeUser, settings: Settings, before: str
) -> None:
    settings.SECOND_FACTOR = before
    user = make_user(roles=[Role.MANAGER])
    client = with_password()
    assert is_in(client)

    settings.SECOND_FACTOR = "required"

    assert client.get("/history/?q=door")["Location"] == f"{SET_UP}?next=%2Fhistory%2F%3Fq%3Ddoor"
    assert client.get("/api/v1/clips").status_code == 403
    set_up(client, user)
    assert is_in(client)
    assert client.get("/api/v1/clips").status_code == 200


@pytest.mark.parametrize(
    "given", [{"role": Role.REVIEWER}, {"is_staff": True}], ids=["role", "staff"]
)
def test_who_gets_to_decide_or_administer_is_led_to_set_it_up_at_once(
    make_user: MakeUser, settings: Settings, given: dict[str, Any]
) -> None:
    settings.SECOND_FACTOR = "required"
    user = make_user(roles=[Role.ANALYST])
    client = with_password()
    assert is_in(client)

    if "role" in given:
        Membership.objects.create(user=user, store=Store.objects.get(), **given)
    else:
        User.objects.update(**given)

    assert client.get("/history/")["Location"].startswith(SET_UP)


def test_what_was_typed_meanwhile_can_be_sent_again(
    make_user: MakeUser, settings: Settings
) -> None:
    user = make_user(roles=[Role.MANAGER])
    client = with_password()
    form = {"page": "history", "name": "Doors", "query": "q=door"}
    settings.SECOND_FACTOR = "required"

    refused = client.post("/history/views/", form)
    part = client.post("/history/views/", form, headers={"HX-Request": "true"})

    assert (refused.status_code, SET_UP in text(refused)) == (403, True)
    assert (part.status_code, "asks you for a second factor" in text(part)) == (403, True)
    assert "<html" not in text(part)
    set_up(client, user)
    assert client.post("/history/views/", form).status_code < 400
    assert SavedView.objects.filter(owner=user, name="Doors").exists()


def test_after_setting_it_up_the_page_that_was_asked_for_is_a_link(
    client: Client, user: User
) -> None:
    client.get(SET_UP)
    sent = {"code": code_of(user, confirmed=False), "password": PASSWORD}

    page = text(client.post(f"{SET_UP}?next=/history/", sent))

    assert '<a class="btn btn-primary" href="/history/">' in page


def test_a_site_may_have_none(user: User, settings: Settings) -> None:
    make_device(user)
    settings.SECOND_FACTOR = "off"
    client = with_password()

    assert is_in(client)
    assert client.get(FACTOR).status_code == 404
    assert "Second factor" not in text(client.get("/history/"))


# Off, and lost


def test_it_is_turned_off_by_password(user: User) -> None:
    make_device(user)
    client = with_both(user)

    assert client.post(OFF, {"password": "wrong"}).status_code == 422
    client.post(OFF, {"password": PASSWORD})

    assert is_in(with_password())
    assert Action.FACTOR_OFF in done(user)


def test_an_administrator_resets_it_and_sessions_end(
    user: User, admin_client: Client, make_user: MakeUser
) -> None:
    make_device(user)
    client = with_both(user)
    sent = {"action": "reset_second_factor", "_selected_action": [user.pk]}

    admin_client.post("/admin/auth/user/", sent)

    assert not is_in(client)
    assert is_in(with_password())
    assert Action.FACTOR_RESET in done(user)


def test_a_command_resets_it(user: User) -> None:
    make_device(user)

    out = StringIO()
    call_command("reset_second_factor", "ada", stdout=out)

    assert "signs in by password alone" in out.getvalue()
    assert is_in(with_password())
    for name, why in (("ada", "has no second factor"), ("eve", "no account")):
        with pytest.raises(CommandError, match=why):
            call_command("reset_second_factor", name)


def test_no_page_of_the_administration_shows_the_secret(admin_client: Client, user: User) -> None:
    device = make_device(user)

    assert admin_client.get("/admin/otp_totp/totpdevice/").status_code == 404
    secret = base64.b32encode(device.bin_key).decode()
    page = text(admin_client.get(f"/admin/auth/user/{user.pk}/change/"))
    assert not [each for each in (secret, device.key, device.bin_key.hex()) if each in page]


def test_api_keys_go_on_working(user: User) -> None:
    make_device(user)
    _, key = api_keys.create(user, name="Export", scopes=[Scope.READ], days=1, by=user)

    answer = Client().get("/api/v1/clips", headers={"Authorization": f"Bearer {key}"})

    assert answer.status_code == 200
