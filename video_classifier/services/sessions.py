"""Where somebody is signed in: listed for them, and ended."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from video_classifier.models import SignedIn
from video_classifier.services import audit, clients, database
from video_classifier.states import Action

EVERY = 60  # seconds; this process's memory knows, so that other requests need no query


def of(user: User) -> QuerySet[SignedIn]:
    """Those that are still good, the latest used first."""
    return SignedIn.objects.filter(user=user, session__expire_date__gt=timezone.now())


def note(request: HttpRequest) -> None:
    """That the session is used, and by whom: once a minute, or when it got another key."""
    session = getattr(request, "session", None)
    if session is None or session.is_empty() or not session.session_key:
        return
    if not session.accessed or not request.user.is_authenticated:
        return
    if _is_due(session.session_key):
        database.unless_busy(lambda: _write(request, cast("User", request.user)))


def _is_due(key: str | None) -> bool:
    """Not in the session itself: its end would be put off by each request."""
    return cache.add(f"session-{key}", value=True, timeout=EVERY)


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    if not request.session.session_key:
        request.session.create()
    _is_due(request.session.session_key)
    _write(request, user)


def _write(request: HttpRequest, user: User) -> None:
    found = Session.objects.filter(pk=request.session.session_key)
    if not found.exists():  # ended meanwhile
        return
    facts = {
        "user": user,
        "device": clients.device(request),
        "address": clients.client_address(request),
        "last_seen": timezone.now().replace(second=0, microsecond=0),
    }
    SignedIn.objects.update_or_create(session_id=request.session.session_key, defaults=facts)


def end(user: User, session: SignedIn) -> None:
    """One of the user's own. With its next request somebody is asked to sign in."""
    _end(SignedIn.objects.filter(pk=session.pk, user=user), user, by=user)


def end_others(request: HttpRequest, user: User) -> int:
    """All but the one that asks; says how many."""
    others = SignedIn.objects.filter(user=user).exclude(session=request.session.session_key)
    return _end(others, user, by=user)


def end_all(user: User, *, by: User | None) -> int:
    """Wherever `user` is signed in; None is the command line."""
    return _end(SignedIn.objects.filter(user=user), user, by=by)


@transaction.atomic
def _end(chosen: QuerySet[SignedIn], user: User, *, by: User | None) -> int:
    keys = list(chosen.values_list("session", flat=True))
    Session.objects.filter(pk__in=keys).delete()
    if keys:
        audit.record(Action.SESSIONS_ENDED, by, audit.USER, user.pk, sessions=len(keys))
    return len(keys)


def forget(user: User) -> None:
    """After a new password: Django refuses the other sessions, so that they leave the list, too."""
    Session.objects.filter(signed_in__user=user).delete()
