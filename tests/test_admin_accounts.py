"""What administrators change of accounts, roles and groups goes into the audit log."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from tests.conftest import MakeStore, MakeUser
from video_classifier.models import AuditEntry, Membership, Store
from video_classifier.services import event_counts
from video_classifier.states import Action, Role

USERS = "/admin/auth/user/"
GROUPS = "/admin/auth/group/"
MEMBERSHIPS = "/admin/video_classifier/membership/"
CHOSEN = {"password1": "another horse 7", "password2": "another horse 7"}

Entry = tuple[str, str, int | None, dict[str, Any]]


@pytest.fixture
def client(admin_client: Client) -> Client:
    QuerySet(AuditEntry).all().delete()  # that they signed in
    return admin_client


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    return make_store()


def entries() -> list[Entry]:
    rows = AuditEntry.objects.order_by("id")
    return [(row.action, row.object_id, row.store, row.details) for row in rows]


def inline(*rows: dict[str, Any], there: int = 0) -> dict[str, Any]:
    """The roles as the page of an account sends them."""
    sent = {"memberships-INITIAL_FORMS": str(there), "memberships-TOTAL_FORMS": str(len(rows))}
    for number, row in enumerate(rows):
        sent |= {f"memberships-{number}-{name}": value for name, value in row.items()}
    return sent


def account(user: User, **changes: Any) -> dict[str, Any]:
    """Its page, as it is sent with nothing changed."""
    at = timezone.localtime(user.date_joined)
    joined = {"date_joined_0": f"{at:%Y-%m-%d}", "date_joined_1": f"{at:%H:%M:%S}"}
    joined |= {f"initial-{name}": value for name, value in joined.items()}
    return {"username": user.username, "is_active": "on", **joined, **inline(), **changes}


def test_a_new_account_with_its_roles(client: Client, store: Store, admin_user: User) -> None:
    roles = inline({"store": store.pk, "role": "reviewer"})

    client.post(f"{USERS}add/", {"username": "new", "usable_password": "true", **CHOSEN, **roles})

    new = str(User.objects.get(username="new").pk)
    rights = {"is_active": "yes", "is_staff": "no", "is_superuser": "no"}
    assert entries() == [
        (Action.ACCOUNT_ADDED, new, None, rights),
        (Action.ROLE_GIVEN, new, store.pk, {"role": "reviewer"}),
    ]
    assert set(AuditEntry.objects.values_list("actor", flat=True)) == {admin_user.pk}


def test_who_becomes_a_superuser_is_said(client: Client, make_user: MakeUser) -> None:
    user = make_user("ada", roles=[])

    client.post(
        f"{USERS}{user.pk}/change/",
        account(user, email="ada@example.org", is_superuser="on"),
    )

    said = {"settings": "email, is_superuser", "is_superuser": "yes"}
    assert entries() == [(Action.ACCOUNT_CHANGED, str(user.pk), None, said)]
    assert "ada" not in str(said)


def test_to_look_and_save_is_no_change(client: Client, make_user: MakeUser) -> None:
    user = make_user("ada", roles=[])

    answer = client.post(f"{USERS}{user.pk}/change/", account(user))

    assert (answer.status_code, entries()) == (302, [])


def test_a_role_that_becomes_another_is_two_entries(
    client: Client, store: Store, make_user: MakeUser
) -> None:
    user = make_user("ada", roles=[Role.REVIEWER])
    row = {"id": Membership.objects.get(user=user).pk, "user": user.pk, "store": store.pk}

    sent = account(user, **inline({**row, "role": "manager"}, there=1))
    client.post(f"{USERS}{user.pk}/change/", sent)

    key = str(user.pk)
    assert entries() == [
        (Action.ROLE_TAKEN, key, store.pk, {"role": "reviewer"}),
        (Action.ROLE_GIVEN, key, store.pk, {"role": "manager"}),
    ]


@pytest.mark.parametrize("way", ["one", "many"])
def test_a_membership_that_is_deleted(client: Client, make_user: MakeUser, way: str) -> None:
    user = make_user("ada", roles=[Role.REVIEWER])
    membership = Membership.objects.get(user=user)

    if way == "one":
        client.post(f"{MEMBERSHIPS}{membership.pk}/delete/", {"post": "yes"})
    else:
        chosen = {"action": "delete_selected", "_selected_action": [membership.pk]}
        client.post(MEMBERSHIPS, {**chosen, "post": "yes"})

    expected = (Action.ROLE_TAKEN, str(user.pk), membership.store_id, {"role": "reviewer"})
    assert entries() == [expected]


def test_roles_end_with_their_store(
    client: Client, make_user: MakeUser, make_store: MakeStore
) -> None:
    store = make_store("North")
    user = make_user("ada", store=store, roles=[Role.REVIEWER])
    event_counts.catch_up(now=timezone.now())

    client.post(f"/admin/video_classifier/store/{store.pk}/delete/", {"post": "yes"})

    assert not Store.objects.filter(pk=store.pk).exists()
    assert entries() == [(Action.ROLE_TAKEN, str(user.pk), store.pk, {"role": "reviewer"})]


def test_a_membership_that_goes_to_somebody_else(client: Client, make_user: MakeUser) -> None:
    ada, grace = make_user("ada", roles=[Role.REVIEWER]), make_user("grace", roles=[])
    membership = Membership.objects.get(user=ada)
    sent = {"user": grace.pk, "store": membership.store_id, "role": "reviewer"}

    client.post(f"{MEMBERSHIPS}{membership.pk}/change/", sent)

    assert [(action, key) for action, key, _, _ in entries()] == [
        (Action.ROLE_TAKEN, str(ada.pk)),
        (Action.ROLE_GIVEN, str(grace.pk)),
    ]


@pytest.mark.parametrize("way", ["one", "many"])
def test_a_deleted_account_loses_its_roles(client: Client, make_user: MakeUser, way: str) -> None:
    user = make_user("ada", roles=[Role.REVIEWER])
    key, store = str(user.pk), user.memberships.get().store_id

    if way == "one":
        client.post(f"{USERS}{user.pk}/delete/", {"post": "yes"})
    else:
        chosen = {"action": "delete_selected", "_selected_action": [user.pk]}
        client.post(USERS, {**chosen, "post": "yes"})

    assert not User.objects.filter(username="ada").exists()
    assert entries() == [
        (Action.ROLE_TAKEN, key, store, {"role": "reviewer"}),
        (Action.ACCOUNT_REMOVED, key, None, {}),
    ]


def test_a_password_that_is_set(client: Client, make_user: MakeUser) -> None:
    user = make_user("ada", roles=[])

    client.post(f"{USERS}{user.pk}/password/", {"password1": "short", "password2": "other"})
    assert entries() == []

    client.post(f"{USERS}{user.pk}/password/", {"usable_password": "true", **CHOSEN})
    assert entries() == [(Action.PASSWORD_SET, str(user.pk), None, {})]


def test_groups(client: Client) -> None:
    right = Permission.objects.get(codename="delete_clip").pk

    client.post(f"{GROUPS}add/", {"name": "Deleters", "permissions": [right]})
    group = Group.objects.get()
    client.post(f"{GROUPS}{group.pk}/change/", {"name": "Deleters"})
    client.post(f"{GROUPS}{group.pk}/delete/", {"post": "yes"})

    said = [(action, details["done"]) for action, _, _, details in entries()]
    assert said == [(Action.GROUP_CHANGED, done) for done in ("added", "changed", "deleted")]


def test_a_manager_sees_the_roles_of_their_store_alone(
    client: Client, stranger: Client, store: Store, make_store: MakeStore, make_user: MakeUser
) -> None:
    user, north = make_user("ada", roles=[]), make_store("North")
    rows = [{"store": each.pk, "role": "reviewer"} for each in (store, north)]
    client.post(f"{USERS}{user.pk}/change/", account(user, is_staff="on", **inline(*rows)))
    stranger.force_login(make_user("grace", store=north, roles=[Role.MANAGER]))

    seen = stranger.get("/audit/").context["rows"]

    assert [row.entry.action for row in seen] == [Action.ROLE_GIVEN]
    assert (seen[0].thing.name, seen[0].details) == ("ada", "role: reviewer")
