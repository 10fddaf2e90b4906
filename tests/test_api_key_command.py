"""`manage.py api_key`: what it prints, and what it refuses."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from tests.conftest import MakeUser
from tests.services.test_api_keys import entries, make_key
from video_classifier.models import ApiKey
from video_classifier.services import api_keys
from video_classifier.services.api_keys import BadKeyError
from video_classifier.states import Action

Capture = pytest.CaptureFixture[str]
USUAL = ("api_key", "create", "ada", "--name", "Export", "--scope", "results:read")


def test_a_new_key_is_all_of_standard_output(user: User, capsys: Capture) -> None:
    call_command(*USUAL, "--scope", "clips:write", "--days", "7")

    printed = capsys.readouterr()
    assert printed.out.count("\n") == 1
    key = api_keys.authenticate(printed.out.strip())
    assert (key.user, key.name, key.scopes) == (user, "Export", ["results:read", "clips:write"])
    assert key.expires_at is not None
    assert (key.expires_at - key.created_at).days == 7
    assert "not shown again" in printed.err
    assert printed.out.strip() not in printed.err


@pytest.mark.parametrize(("option", "days"), [((), 90), (("--no-expiry",), None)])
def test_a_key_expires_after_three_months_unless_it_is_said_otherwise(
    user: User, option: tuple[str, ...], days: int | None
) -> None:
    call_command(*USUAL, *option)

    key = ApiKey.objects.get()
    assert (key.expires_at and (key.expires_at - key.created_at).days) == days


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((*USUAL[:2], "nobody", *USUAL[3:]), "There is no user “nobody”."),
        ((*USUAL, "--days", "-3"), "1 to 3650 days"),
        ((*USUAL, "--days", "0"), "1 to 3650 days"),
        ((*USUAL[:4], " ", *USUAL[5:]), "Give the key a name"),
        ((*USUAL[:4], "x" * 10_000, *USUAL[5:]), "80 characters"),
        ((*USUAL, "--scope", "admin"), "invalid choice"),
        ((*USUAL, "--days", "3", "--no-expiry"), "not allowed with"),
        (USUAL[:5], "--scope"),
        (("api_key",), "required"),
        (("api_key", "list", "nobody"), "There is no user"),
        (("api_key", "revoke", "slk_unknown1"), "No key begins so"),
        (("api_key", "revoke", ""), "No key begins so"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_makes_no_sense_is_refused(
    user: User, arguments: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command(*arguments)

    assert not ApiKey.objects.exists()


def test_a_closed_account_gets_no_key(user: User) -> None:
    User.objects.update(is_active=False)

    with pytest.raises(CommandError, match="closed"):
        call_command(*USUAL)


def test_the_list_has_whose_how_long_and_when_used(
    user: User, make_user: MakeUser, capsys: Capture
) -> None:
    export, text = make_key(user, days=None)
    api_keys.authenticate(text)
    till, _ = make_key(make_user("grace"), name="Till", days=30)
    api_keys.revoke(till, by=None)

    call_command("api_key", "list")
    every = capsys.readouterr().out.splitlines()
    call_command("api_key", "list", "grace")
    of_grace = capsys.readouterr().out.splitlines()

    (used,) = ApiKey.objects.filter(pk=export.pk).values_list("last_used_at", flat=True)
    assert every[0] == (
        f"{export.masked}  ada  results:read  Valid until it is revoked  "
        f"last used {used:%Y-%m-%d}  “Nightly export”"
    )
    assert every[1:] == of_grace
    assert of_grace[0].startswith(f"{till.masked}  grace  results:read  Revoked 20")
    assert of_grace[0].endswith("  never used  “Till”")
    assert text not in "".join(every)


def test_a_key_is_revoked_by_what_the_list_shows_of_it(user: User, capsys: Capture) -> None:
    key, text = make_key(user)

    for said in ("was revoked", "had been revoked before"):
        call_command("api_key", "revoke", key.masked)
        assert said in capsys.readouterr().out

    with pytest.raises(BadKeyError):
        api_keys.authenticate(text)
    assert [(action, actor) for action, actor, *_ in entries()] == [
        (Action.KEY_CREATED, user.pk),
        (Action.KEY_REVOKED, None),
    ]


def test_of_two_keys_that_begin_alike_none_is_revoked(user: User) -> None:
    key, _ = make_key(user)
    other, _ = make_key(user)
    ApiKey.objects.filter(pk=other.pk).update(prefix=key.prefix)

    with pytest.raises(CommandError, match="Several keys begin so"):
        call_command("api_key", "revoke", key.masked)

    assert ApiKey.objects.unrevoked().count() == 2
