"""What people have chosen for themselves: where they arrive after signing in, and single keys."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from video_classifier.models import Preferences
from video_classifier.states import StartPage

KEYS_ARE_OFF = "keys_are_off"  # in the session, so that pages need no query


def of(user: User) -> Preferences:
    """Those of `user`; as shipped if nothing was chosen yet."""
    return Preferences.objects.filter(pk=user.pk).first() or Preferences(user=user)


def change(request: HttpRequest, user: User, *, start_page: StartPage, has_keys: bool) -> None:
    """Holds at once where it is asked for, and in other browsers from their next sign-in on."""
    chosen = {"start_page": start_page, "has_keys": has_keys}
    found, _ = Preferences.objects.update_or_create(user=user, defaults=chosen)
    _keep(request, found)


def _keep(request: HttpRequest, found: Preferences) -> None:
    if found.has_keys:
        request.session.pop(KEYS_ARE_OFF, None)
    else:
        request.session[KEYS_ARE_OFF] = True


@receiver(user_logged_in)
def _remember(request: HttpRequest, user: User, **_: Any) -> None:
    _keep(request, of(user))
