"""What the audit log notes, and that nobody changes it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client
from pytest_django import Settings

from tests.conftest import PASSWORD, MakeClip, MakeStore, MakeUser
from video_classifier.models import AuditEntry
from video_classifier.querysets import AppendOnlyError
from video_classifier.services import audit, trash
from video_classifier.states import Action, Role

Entry = tuple[str, int | None, str, str]


def entries() -> list[Entry]:
    found = AuditEntry.objects.order_by("id")
    return list(found.values_list("action", "actor", "object_type", "object_id"))


def sign_in(client: Client, name: str, password: str, address: str = "/accounts/login/") -> None:
    client.post(address, {"username": name, "password": password})


@pytest.mark.parametrize("address", ["/accounts/login/", "/admin/login/"])
def test_signing_in_and_out_are_noted(stranger: Client, user: User, address: str) -> None:
    user.is_staff = True
    user.save()

    sign_in(stranger, "ada", PASSWORD, address)
    stranger.post("/accounts/logout/")

    own = (user.pk, "user", str(user.pk))
    assert entries() == [(Action.SIGNED_IN, *own), (Action.SIGNED_OUT, *own)]


def test_a_wrong_password_is_noted_by_the_id_of_the_account(stranger: Client, user: User) -> None:
    sign_in(stranger, "ada", "wrong")

    assert entries() == [(Action.SIGN_IN_FAILED, None, "user", str(user.pk))]


@pytest.mark.django_db
def test_a_name_that_nobody_has_is_not_kept(stranger: Client) -> None:
    sign_in(stranger, "a password typed as a name", "wrong")

    assert entries() == [(Action.SIGN_IN_FAILED, None, "", "")]
    assert AuditEntry.objects.get().details == {}


def test_a_stranger_who_signs_out_did_nothing(stranger: Client) -> None:
    stranger.post("/accounts/logout/")

    assert entries() == []


def test_an_entry_outlives_its_account(user: User) -> None:
    audit.record(Action.SIGNED_IN, user, audit.USER, user.pk)
    key = user.pk

    user.delete()

    assert AuditEntry.objects.get().actor == key


def test_managers_see_what_was_done_in_their_stores(
    make_user: MakeUser, make_store: MakeStore, make_clip: MakeClip
) -> None:
    manager = make_user("grace", roles=[Role.MANAGER, Role.ANALYST])
    elsewhere = make_user("linus", store=make_store("North"), roles=[Role.MANAGER])
    trash.put(make_clip(), by=manager)
    audit.record(Action.SIGNED_IN, manager, audit.USER, manager.pk)

    def seen(user: User | AnonymousUser) -> list[str]:
        return list(AuditEntry.objects.managed_by(user).values_list("action", flat=True))

    assert seen(manager) == [Action.TRASHED]
    assert seen(elsewhere) == seen(make_user("ada")) == seen(AnonymousUser()) == []
    assert len(seen(make_user("root", is_superuser=True))) == 2


@pytest.fixture
def entry(user: User) -> AuditEntry:
    audit.record(Action.SIGNED_IN, user)
    return AuditEntry.objects.get()


def test_an_entry_is_not_changed(entry: AuditEntry) -> None:
    entry.action = Action.EXPORTED

    with pytest.raises(AppendOnlyError):
        entry.save()
    with pytest.raises(AppendOnlyError):
        AuditEntry.objects.update(action=Action.EXPORTED)
    with pytest.raises(AppendOnlyError):
        AuditEntry.objects.bulk_update([entry], ["action"])
    with pytest.raises(AppendOnlyError):
        AuditEntry.objects.update_or_create({"action": Action.EXPORTED}, pk=entry.pk)
    with pytest.raises(AppendOnlyError):
        AuditEntry.objects.bulk_create(
            [entry], update_conflicts=True, update_fields=["action"], unique_fields=["id"]
        )
    assert AuditEntry.objects.get().action == Action.SIGNED_IN


def test_an_entry_is_not_removed(entry: AuditEntry) -> None:
    with pytest.raises(AppendOnlyError):
        entry.delete()
    with pytest.raises(AppendOnlyError):
        AuditEntry.objects.filter(pk=entry.pk).delete()


def test_who_has_to_pause_fills_no_log(stranger: Client, user: User, settings: Settings) -> None:
    settings.SIGN_IN_ATTEMPTS = settings.AXES_FAILURE_LIMIT = 3

    for _ in range(10):
        sign_in(stranger, "ada", "wrong")

    assert [action for action, *_ in entries()] == 3 * [Action.SIGN_IN_FAILED]
