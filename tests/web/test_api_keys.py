"""The page of API keys: a key is shown once, and to its user alone."""

from __future__ import annotations

import html
import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tests.conftest import MakeUser
from tests.services.test_api_keys import age, everything_stored, made_of, make_key
from video_classifier.models import ApiKey, AuditEntry
from video_classifier.services import api_keys
from video_classifier.services.api_keys import KEYS_PER_USER, BadKeyError
from video_classifier.states import Action, Scope
from video_classifier.web.api_keys import KeyStatus

KEYS = "/accounts/keys/"
FORM: dict[str, Any] = {"name": "Nightly export", "scopes": ["results:read"], "days": "90"}
TEXT = re.compile(r"slk_[\w-]{43}", re.ASCII)
HOURS = timedelta(hours=1)


def page(client: Client, address: str = KEYS) -> str:
    return html.unescape(client.get(address).content.decode())


def revoke(client: Client, key: ApiKey) -> Any:
    return client.post(f"{KEYS}{key.pk}/revoke/")


def create(client: Client, **changes: object) -> Any:
    """The answer; a choice that is None is not sent."""
    sent = {name: value for name, value in (FORM | changes).items() if value is not None}
    return client.post(KEYS, sent)


# Creating


def test_the_key_that_is_shown_lets_its_user_in(client: Client, user: User) -> None:
    answer = create(client, scopes=["results:read", "clips:write"])

    assert answer.status_code == 200
    (text,) = set(TEXT.findall(answer.content.decode()))
    key = api_keys.authenticate(text)
    assert (key.user, key.name) == (user, "Nightly export")
    assert key.scopes == ["results:read", "clips:write"]
    assert key.expires_at == key.created_at + timedelta(days=90)


def test_a_key_may_be_valid_until_it_is_revoked(client: Client) -> None:
    answer = create(client, days="never")

    assert ApiKey.objects.get().expires_at is None
    assert "Valid until it is revoked" in answer.content.decode()


def test_the_answer_with_the_key_is_kept_by_nobody(client: Client) -> None:
    answer = create(client)

    assert "no-store" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]
    assert "Location" not in answer  # nor does its address have the key


def test_the_key_is_in_that_answer_and_nowhere_else(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = create(client)
    (text,) = set(TEXT.findall(answer.content.decode()))
    key = ApiKey.objects.get()
    hidden = text.removeprefix(f"slk_{key.prefix}")

    later = page(client) + page(client, f"{KEYS}{key.pk}/revoke/") + page(client, "/history/")

    assert key.masked in later
    assert hidden not in later
    assert not [value for value in everything_stored() if hidden in value]
    assert hidden not in str(dict(client.session))
    assert hidden not in f"{client.cookies}{answer.headers}"
    assert hidden not in caplog.text


def test_a_reload_of_the_page_with_the_key_makes_no_second_one(client: Client) -> None:
    (id_,) = re.findall(r'name="key" value="([\w-]+)"', page(client))
    create(client, key=id_)

    again = client.post(KEYS, FORM | {"key": id_}, follow=True)

    assert ApiKey.objects.count() == 1
    assert again.redirect_chain == [(KEYS, 302)]
    assert "That key was created already" in html.unescape(again.content.decode())
    assert id_ not in page(client).split("<table")[0]  # the next form makes another one


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": None}, "Give the key a name"),
        ({"name": "  "}, "Give the key a name"),
        ({"name": "\u202e"}, "Give the key a name"),
        ({"name": "x" * 81}, "80 characters"),
        ({"name": "x" * 10_000}, "80 characters"),
        ({"scopes": None}, "at least one thing"),
        ({"scopes": ["admin"]}, "no such thing to allow"),
        ({"days": None}, "when the key expires"),
        ({"days": "0"}, "times that are offered"),
        ({"days": "-1"}, "times that are offered"),
        ({"days": "99999999999999999999"}, "times that are offered"),
        ({"days": "2020-01-01"}, "times that are offered"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    client: Client, changes: dict[str, object], sentence: str
) -> None:
    answer = create(client, **changes)

    assert answer.status_code == 422
    assert sentence in html.unescape(answer.content.decode())
    assert not ApiKey.objects.exists()


def test_a_form_without_an_answer_is_refused(client: Client) -> None:
    assert client.post(KEYS).status_code == 422


def test_the_limit_is_told(client: Client, user: User) -> None:
    for _ in range(KEYS_PER_USER):
        made_of(user)

    answer = create(client)

    assert answer.status_code == 422
    assert "You have 50 valid keys" in answer.content.decode()
    assert ApiKey.objects.count() == KEYS_PER_USER


def test_markup_in_a_name_is_only_a_name(client: Client) -> None:
    name = "<script>alert(1)</script>\"'><b>"
    answer = create(client, name=name)
    key = ApiKey.objects.get()

    pages = [answer, client.get(KEYS), client.get(f"{KEYS}{key.pk}/revoke/")]
    pages.append(client.post(f"{KEYS}{key.pk}/revoke/", follow=True))

    for each in pages:
        assert "<script>alert" not in each.content.decode()
        assert name in html.unescape(each.content.decode())


def test_a_form_of_another_site_makes_no_key(client: Client) -> None:
    client.handler.enforce_csrf_checks = True

    assert create(client).status_code == 403
    assert not ApiKey.objects.exists()


# The list


def test_who_has_none_reads_what_will_be_here(client: Client) -> None:
    assert "No keys yet" in page(client)


def test_a_key_is_listed_with_what_it_may_and_how_long(client: Client, user: User) -> None:
    key, text = make_key(user, scopes=list(Scope))
    assert 'data-label="Last used">Never<' in page(client)
    api_keys.authenticate(text)

    found = page(client)

    assert key.masked in found
    assert "; ".join(Scope.labels) in found
    assert "Valid until" in found
    assert 'data-label="Last used">Never<' not in found
    assert "No keys yet" not in found
    assert f'href="{KEYS}{key.pk}/revoke/"' in found


def test_what_no_longer_lets_in_says_so_and_has_nothing_to_revoke(
    client: Client, user: User
) -> None:
    expired, _ = make_key(user, days=1)
    age(expired, timedelta(days=2))
    revoked, _ = make_key(user)
    api_keys.revoke(revoked, by=user)

    found = page(client)

    assert "Expired" in found
    assert "Revoked" in found
    assert "/revoke/" not in found


def test_nobody_sees_the_keys_of_another(
    client: Client, make_user: MakeUser, admin_client: Client
) -> None:
    key, _ = make_key(make_user("grace"), name="Graces own")

    for other in (client, admin_client):
        assert "Graces own" not in page(other)
        assert key.masked not in page(other)


def test_pages_hold_so_many_with_the_revoked_ones_last(
    client: Client,
    user: User,
    settings: Settings,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    settings.HISTORY_PAGE_SIZE = 5
    now = timezone.now()
    for number in range(4):
        made_of(user, name=f"Dead {number}", created_at=now + number * HOURS, revoked_at=now)
        made_of(user, name=f"Live {number}", created_at=now - number * HOURS)

    # One asks what the user manages, one whether cameras are watched.
    with django_assert_num_queries(6):
        found = page(client)

    assert re.findall(r"(?:Dead|Live) \d(?= <code)", found) == [
        *(f"Live {number}" for number in range(4)),
        "Dead 3",
    ]
    assert "Page 1 of 2" in found
    assert page(client, f"{KEYS}?page=2").count("Dead ") == 3


def test_the_menu_leads_there(client: Client) -> None:
    assert f'href="{KEYS}"' in page(client, "/")


# Revoking


def test_revoking_asks_first(client: Client, user: User) -> None:
    key, text = make_key(user)

    found = page(client, f"{KEYS}{key.pk}/revoke/")

    assert "Nobody can undo that" in found
    assert key.masked in found
    assert api_keys.authenticate(text) == key


def test_a_revoked_key_lets_nobody_in(client: Client, user: User) -> None:
    key, text = make_key(user)

    answer = client.post(f"{KEYS}{key.pk}/revoke/", follow=True)

    assert "“Nightly export” was revoked." in html.unescape(answer.content.decode())
    with pytest.raises(BadKeyError):
        api_keys.authenticate(text)


def test_a_key_that_was_revoked_before_stays_so(client: Client, user: User) -> None:
    key, _ = make_key(user)
    for _ in range(2):
        assert revoke(client, key)["Location"] == KEYS

    assert AuditEntry.objects.filter(action=Action.KEY_REVOKED).count() == 1


def test_the_key_of_another_is_neither_seen_nor_revoked(
    client: Client, admin_client: Client, make_user: MakeUser
) -> None:
    key, text = make_key(make_user("grace"))

    for other in (client, admin_client):
        assert other.get(f"{KEYS}{key.pk}/revoke/").status_code == 404
        assert revoke(other, key).status_code == 404
    assert api_keys.authenticate(text) == key


def test_a_form_of_another_site_revokes_no_key(client: Client, user: User) -> None:
    key, text = make_key(user)
    client.handler.enforce_csrf_checks = True

    assert revoke(client, key).status_code == 403
    assert api_keys.authenticate(text) == key


# What is said of a key


NOW = timezone.now()


@pytest.mark.parametrize(
    ("fields", "words", "moment", "is_live"),
    [
        ({}, "Valid until it is revoked", None, True),
        ({"expires_at": NOW + HOURS}, "Valid until", NOW + HOURS, True),
        ({"expires_at": NOW}, "Expired", NOW, False),
        ({"revoked_at": NOW - HOURS}, "Revoked", NOW - HOURS, False),
        ({"revoked_at": NOW - HOURS, "expires_at": NOW}, "Revoked", NOW - HOURS, False),
    ],
)
def test_each_status_has_its_words(
    fields: dict[str, Any], words: str, moment: object, *, is_live: bool
) -> None:
    status = KeyStatus(key=ApiKey(**fields), now=NOW)

    assert (status.words, status.moment, status.is_live) == (words, moment, is_live)


def test_a_scope_of_a_newer_version_is_shown_as_it_is_stored() -> None:
    status = KeyStatus(key=ApiKey(scopes=["results:read", "cameras:read"]), now=NOW)

    assert status.scopes == ["Read clips, analyses and events", "cameras:read"]


def test_a_new_password_reminds_of_the_keys(client: Client, user: User) -> None:
    assert "API keys stay valid" not in page(client, "/accounts/password/done/")

    make_key(user)

    assert "API keys stay valid" in page(client, "/accounts/password/done/")
