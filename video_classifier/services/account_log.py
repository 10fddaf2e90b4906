"""Notes in the audit log what administrators change of accounts, and of who may do what where."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.contrib.auth.models import Group, User

from video_classifier.models import Membership
from video_classifier.services import audit
from video_classifier.states import Action

RIGHTS = ("is_active", "is_staff", "is_superuser")  # whose values an entry has, and not just names

_Key = tuple[int, int, str]


def added(user: User, *, by: User) -> None:
    audit.record(Action.ACCOUNT_ADDED, by, audit.USER, user.pk, store=None, **_rights(user, RIGHTS))


def changed(user: User, fields: Collection[str], *, by: User) -> None:
    """Which settings, but not what they are: a name or an address would outlive the account."""
    if fields:
        names = ", ".join(sorted(fields))
        values = _rights(user, [name for name in RIGHTS if name in fields])
        values["settings"] = names
        audit.record(Action.ACCOUNT_CHANGED, by, audit.USER, user.pk, store=None, **values)


def removed(user: User, *, by: User) -> None:
    """Before it is deleted, with its roles."""
    roles(user.memberships.all(), (), by=by)
    audit.record(Action.ACCOUNT_REMOVED, by, audit.USER, user.pk)


def password_set(user: User, *, by: User) -> None:
    audit.record(Action.PASSWORD_SET, by, audit.USER, user.pk)


def roles(before: Iterable[Membership], after: Iterable[Membership], *, by: User) -> None:
    """Which were given and taken: of the store, so that its managers see that, too."""
    had, have = set(map(_key, before)), set(map(_key, after))
    for action, keys in ((Action.ROLE_TAKEN, had - have), (Action.ROLE_GIVEN, have - had)):
        for user, store, role in sorted(keys):
            audit.record(action, by, audit.USER, user, store=store, role=role)


def group(group: Group, done: str, *, by: User) -> None:
    audit.record(Action.GROUP_CHANGED, by, audit.GROUP, group.pk, done=done)


def _rights(user: User, names: Iterable[str]) -> dict[str, Any]:
    return {name: "yes" if getattr(user, name) else "no" for name in names}


def _key(membership: Membership) -> _Key:
    return membership.user_id, membership.store_id, membership.role
