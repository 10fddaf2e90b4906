"""API keys: how they are made, whom they let in, and that they are written nowhere."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeUser
from tests.databases import busy, plan, together
from video_classifier.models import ApiKey, AuditEntry, OneTimePassword
from video_classifier.services import api_keys
from video_classifier.services.api_keys import KEYS_PER_USER, BadKeyError
from video_classifier.services.errors import Refused
from video_classifier.states import Action, Scope

READ = [Scope.READ]


def make_key(user: User, **choices: Any) -> tuple[ApiKey, str]:
    usual: dict[str, Any] = {"name": "Nightly export", "scopes": READ, "days": 30, "by": user}
    return api_keys.create(user, **usual | choices)


def made_of(user: User, **fields: Any) -> ApiKey:
    """A row, as it may be after a while; nobody knows its key."""
    number = ApiKey.objects.count()
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    usual = {"name": f"Key {number}", "prefix": "abcdefgh", "digest": digest, "scopes": READ}
    return ApiKey.objects.create(user=user, **usual | fields)


def age(key: ApiKey, by: timedelta) -> None:
    """As it is when that much time has passed."""
    for field in ("created_at", "expires_at", "last_used_at"):
        if (moment := getattr(key, field)) is not None:
            setattr(key, field, moment - by)
    key.save()


def entries() -> list[tuple[str, int | None, str, str, Any]]:
    found = AuditEntry.objects.order_by("id")
    return list(found.values_list("action", "actor", "object_type", "object_id", "details"))


# Creating


def test_a_key_lets_its_user_in(user: User) -> None:
    key, text = make_key(user)

    found = api_keys.authenticate(text)

    assert found == key
    assert found.user == user
    assert (found.allows(Scope.READ), found.allows(Scope.WRITE)) == (True, False)


def test_a_key_has_256_random_bits_and_a_mark_that_scanners_find(user: User) -> None:
    texts = {make_key(user)[1] for _ in range(3)}

    assert len(texts) == 3
    for text in texts:
        assert text.startswith("slk_")
        assert len(text.removeprefix("slk_")) == 43  # 32 bytes, 6 bits a sign


def test_what_is_stored_shows_eight_signs_of_it(user: User) -> None:
    key, text = make_key(user)

    assert text.startswith(f"slk_{key.prefix}")
    assert len(key.prefix) == 8
    assert key.masked == f"slk_{key.prefix}…"
    assert str(key) == f"Nightly export ({key.masked})"


def test_it_expires_after_so_many_days_or_never(user: User) -> None:
    month, _ = make_key(user, days=30)
    ever, _ = make_key(user, days=None)

    assert month.expires_at == month.created_at + timedelta(days=30)
    assert ever.expires_at is None


def test_scopes_are_kept_once_and_in_order(user: User) -> None:
    key, _ = make_key(user, scopes=["clips:write", "results:read", "clips:write"])

    assert key.scopes == ["results:read", "clips:write"]


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"name": ""}, "Give the key a name"),
        ({"name": " \t\n "}, "Give the key a name"),
        ({"name": "\u202e\u200b\x00\ud800"}, "Give the key a name"),
        ({"name": "x" * 81}, "80 characters"),
        ({"name": "x" * 10_000}, "80 characters"),
        ({"scopes": []}, "at least one thing"),
        ({"scopes": ["results:read", "admin"]}, "no scope “admin”"),
        ({"scopes": "results:read"}, "There is no scope"),
        ({"days": 0}, "1 to 3650 days"),
        ({"days": -1}, "1 to 3650 days"),
        ({"days": 3651}, "1 to 3650 days"),
        ({"days": 10**30}, "1 to 3650 days"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_key_that_makes_no_sense_is_refused(
    user: User, choices: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        make_key(user, **choices)

    assert not ApiKey.objects.exists()
    assert entries() == []


def test_a_name_is_kept_without_what_would_garble_a_page_or_a_terminal(user: User) -> None:
    key, _ = make_key(user, name=" <b>\x1b[31mtill\u202e\r\n</b> ")

    assert key.name == "<b>[31mtill</b>"


def test_a_closed_account_gets_no_key(user: User) -> None:
    user.is_active = False

    with pytest.raises(Refused, match="closed"):
        make_key(user)


def test_only_live_keys_count_for_the_limit(user: User, make_user: MakeUser) -> None:
    now = timezone.now()
    grace = make_user("grace")
    for _ in range(KEYS_PER_USER):
        made_of(user, revoked_at=now)
        made_of(user, created_at=now - timedelta(days=2), expires_at=now - timedelta(days=1))
        made_of(grace)
    for _ in range(KEYS_PER_USER):
        make_key(user)

    with pytest.raises(Refused, match="50 valid keys"):
        make_key(user)


@pytest.mark.django_db(transaction=True)
def test_two_keys_at_once_do_not_get_past_the_limit(make_user: MakeUser) -> None:
    user = make_user()
    for _ in range(KEYS_PER_USER - 1):
        made_of(user)

    def try_it() -> bool:
        try:
            make_key(user)
        except Refused:
            return False
        return True

    assert sorted(together(try_it, times=3)) == [False, False, True]
    assert ApiKey.objects.count() == KEYS_PER_USER


# The key is nowhere


def everything_stored() -> Iterator[str]:
    """Each value in each table, sessions among them."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608  (its own names)
            for row in cursor.fetchall():
                yield from map(str, row)


def test_the_key_is_neither_in_the_database_nor_in_the_log(
    user: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    with CaptureQueriesContext(connection) as queries:
        key, text = make_key(user)
        api_keys.authenticate(text)
        api_keys.revoke(key, by=user)
        with pytest.raises(BadKeyError) as refused:
            api_keys.authenticate(text)

    hidden = text.removeprefix(f"slk_{key.prefix}")
    stored = list(everything_stored())
    assert key.digest in stored  # it does look
    assert not [value for value in stored if hidden in value]
    assert hidden not in str(queries.captured_queries)  # nor did the database's own log get it
    assert hidden not in caplog.text
    assert hidden not in f"{refused.value!r} {key!r} {vars(key)}"


# Who is let in


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text + "x",
        lambda text: text.swapcase(),
        lambda text: text.removeprefix("slk_"),
        lambda text: text + " ",
        lambda text: text + "\x00",
        lambda text: text + "\ud800",
        lambda text: "slk_" + "é" * 43,
        lambda text: "x" * 100_000,
        lambda text: hashlib.sha256(text.encode()).hexdigest(),  # who has read the database
    ],
)
def test_another_text_lets_nobody_in(user: User, change: Any) -> None:
    _, text = make_key(user)

    with pytest.raises(BadKeyError, match="no such API key"):
        api_keys.authenticate(change(text))


def test_an_expired_key_lets_nobody_in(user: User) -> None:
    key, text = make_key(user, days=30)
    age(key, timedelta(days=30) - timedelta(minutes=1))
    assert api_keys.authenticate(text) == key

    age(key, timedelta(minutes=1))

    with pytest.raises(BadKeyError, match="expired"):
        api_keys.authenticate(text)


def test_a_revoked_key_lets_nobody_in(user: User) -> None:
    key, text = make_key(user)
    other, other_text = make_key(user)

    assert api_keys.revoke(key, by=user)

    with pytest.raises(BadKeyError, match="revoked"):
        api_keys.authenticate(text)
    assert api_keys.authenticate(other_text) == other


def test_a_key_ends_with_its_account(user: User) -> None:
    _, text = make_key(user)
    User.objects.update(is_active=False)
    with pytest.raises(BadKeyError, match="closed"):
        api_keys.authenticate(text)

    user.delete()

    with pytest.raises(BadKeyError, match="no such"):
        api_keys.authenticate(text)


def test_who_owes_a_password_of_their_own_comes_no_further_by_a_key(user: User) -> None:
    _, text = make_key(user)
    owed = OneTimePassword.objects.create(user=user)
    with pytest.raises(BadKeyError, match="one-time password"):
        api_keys.authenticate(text)

    owed.delete()

    assert api_keys.authenticate(text).user == user


def test_a_new_password_leaves_the_keys(user: User) -> None:
    key, text = make_key(user)

    user.set_password("another battery")
    user.save()

    assert api_keys.authenticate(text) == key


def test_a_key_is_found_by_an_index_whatever_is_asked(
    user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """So that how long it takes says nothing of how much of a key was right."""
    key, text = make_key(user)
    api_keys.authenticate(text)

    found = plan(ApiKey.objects.filter(digest=key.digest).order_by())

    assert "digest" in found
    assert "SCAN" not in found.upper().replace("INDEX SCAN", "")
    for asked in (text, "slk_wrong"):
        with django_assert_num_queries(1), suppress(BadKeyError):
            api_keys.authenticate(asked)


# The last use


def last_use(key: ApiKey) -> datetime | None:
    return ApiKey.objects.get(pk=key.pk).last_used_at


def test_the_last_use_is_noted_at_most_once_a_minute(
    user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    key, text = make_key(user)
    assert last_use(key) is None

    api_keys.authenticate(text)
    first = last_use(key)
    with django_assert_num_queries(1):
        api_keys.authenticate(text)
    second = last_use(key)
    age(ApiKey.objects.get(), timedelta(minutes=2))
    api_keys.authenticate(text)
    third = last_use(key)

    assert first is not None
    assert second == first
    assert third is not None
    assert first < third <= timezone.now()


def test_a_refused_key_was_not_used(user: User) -> None:
    key, text = make_key(user)
    api_keys.revoke(key, by=user)

    with pytest.raises(BadKeyError):
        api_keys.authenticate(text)

    assert last_use(key) is None


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_the_last_use_to_be_noted(make_user: MakeUser) -> None:
    key, text = make_key(make_user())

    with busy(ApiKey):
        if connection.vendor == "sqlite":  # as in operation, where others may write for seconds
            connection.patience = 20.0  # type: ignore[attr-defined]
        began = time.monotonic()
        assert api_keys.authenticate(text) == key
        assert time.monotonic() - began < 15

    assert last_use(key) is None
    assert getattr(connection, "patience", 20.0) == 20.0
    api_keys.authenticate(text)
    assert last_use(key) is not None


# Revoking, and what is noted of it


def test_a_key_is_revoked_once(user: User) -> None:
    key, _ = make_key(user)
    assert api_keys.revoke(key, by=user)
    key.refresh_from_db()
    since = key.revoked_at

    assert not api_keys.revoke(key, by=user)

    key.refresh_from_db()
    assert key.revoked_at == since


def test_the_audit_log_has_who_made_and_who_revoked_it_and_no_name(
    user: User, make_user: MakeUser
) -> None:
    boss = make_user("boss")
    key, _ = make_key(user, scopes=["results:read", "clips:write"])
    api_keys.revoke(key, by=boss)
    api_keys.revoke(key, by=boss)
    other, _ = make_key(user, by=None, days=None)

    chosen = {"user": user.pk, "scopes": "results:read clips:write", "days": 30}
    by_command = {"user": user.pk, "scopes": "results:read", "days": None}
    assert entries() == [
        (Action.KEY_CREATED, user.pk, "api_key", str(key.pk), chosen),
        (Action.KEY_REVOKED, boss.pk, "api_key", str(key.pk), {"user": user.pk}),
        (Action.KEY_CREATED, None, "api_key", str(other.pk), by_command),
    ]


def test_a_key_is_found_by_what_is_shown_of_it_and_by_all_of_it(user: User) -> None:
    key, text = make_key(user)
    make_key(user)

    for shown in (key.masked, key.prefix, text, f" {key.masked}\n"):
        assert api_keys.find(shown) == [key]
    assert api_keys.find("slk_") == api_keys.find("slk_nothing0") == []
