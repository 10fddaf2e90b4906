"""Notes who did what, without names.

Deletions, restores, sign-ins, accounts, exports, keys, cameras, channels, cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from video_classifier.models import AuditEntry
from video_classifier.states import Action

CLIP = "clip"
USER = "user"
ANALYSES = "analyses"
EVENTS = "events"
EVENT = "event"
API_KEY = "api_key"
CAMERA = "camera"
CHANNEL = "channel"
DELIVERY = "delivery"
RESULT = "result"
STORE = "store"
WALL = "wall"
LIVE_EVENTS = "live_events"
LOG = "audit_log"
CASE = "case"
CASE_EXPORT = "case_export"
FIGURES = "figures"
GROUP = "group"

Detail = str | int | None


def record(
    action: Action,
    actor: AbstractBaseUser | AnonymousUser | None,
    object_type: str = "",
    object_id: object = "",
    *,
    store: int | None = None,
    **details: Detail | Mapping[str, Detail],
) -> None:
    """Adds an entry, in the transaction that is open: what is rolled back was not done.

    `actor` is None where the site itself acts. `store` is the key of the store whose managers may
    read it, besides superusers: of what was done with its footage and its cameras. `details` hold
    counts and choices, never names, which an entry would keep after the account or the clip is
    gone.
    """
    AuditEntry.objects.create(
        action=action,
        actor=actor.pk if actor else None,
        object_type=object_type,
        object_id=str(object_id),
        store=store,
        details=details,
    )


@receiver(user_logged_in)
def _signed_in(user: AbstractBaseUser, **_: Any) -> None:
    record(Action.SIGNED_IN, user, USER, user.pk)


@receiver(user_logged_out)
def _signed_out(user: AbstractBaseUser | None, **_: Any) -> None:
    if user is not None:  # nobody was signed in
        record(Action.SIGNED_OUT, user, USER, user.pk)


@receiver(user_login_failed)
def _sign_in_failed(
    credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    """About a known account by its id; a name that nobody has may be a mistyped password.

    Whoever has to pause is refused unheard, which is not noted: guesses must not fill the disk.
    """
    if getattr(request, "axes_locked_out", False):
        return
    users = get_user_model()
    name = str(credentials.get(users.USERNAME_FIELD) or credentials.get("username") or "")
    found = users.objects.filter(**{users.USERNAME_FIELD: name}).values_list("pk", flat=True)
    known = found.first()
    record(Action.SIGN_IN_FAILED, None, USER if known else "", known or "")
