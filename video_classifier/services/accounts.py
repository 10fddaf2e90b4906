"""The first administrator, and passwords that were made for somebody else."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.dispatch import receiver
from django.http import HttpRequest

from video_classifier.models import Membership, OneTimePassword, Store
from video_classifier.models.cameras import MAIN
from video_classifier.services import sessions
from video_classifier.states import Role

FIRST_ADMIN = "admin"
_OWED = "owes_new_password"  # in the session, so that other requests need no query


def create_first_admin() -> str | None:
    """If nobody can sign in yet: makes an administrator, returns the one-time password."""
    password = secrets.token_urlsafe(12)
    try:
        with transaction.atomic():
            if User.objects.exists():
                return None
            admin = User.objects.create_superuser(FIRST_ADMIN, password=password)
            OneTimePassword.objects.create(user=admin)
            store = Store.objects.order_by("pk").first() or Store.objects.create(name=MAIN)
            join(admin, store, *Role)
    except IntegrityError:  # another process that starts now was quicker
        return None
    return password


def join(user: User, store: Store, *roles: Role) -> None:
    """Makes `user` a member of the store in each of the `roles`."""
    for role in roles:
        Membership.objects.get_or_create(user=user, store=store, role=role)


def owes_new_password(request: HttpRequest) -> bool:
    """Signed in by a one-time password and still has it."""
    if not request.session.get(_OWED):
        return False
    if OneTimePassword.objects.filter(user=request.user.pk).exists():
        return True
    del request.session[_OWED]
    return False


@receiver(user_logged_in)
def _remember(request: HttpRequest, user: User, **_: Any) -> None:
    if OneTimePassword.objects.filter(user=user).exists():
        request.session[_OWED] = True


class OneTimePasswordValidator:
    """Django tells it of every new password, whichever way it was set."""

    def validate(self, password: str, user: User | None = None) -> None:
        one_time = user is not None and OneTimePassword.objects.filter(user=user.pk).exists()
        if one_time and user is not None and user.check_password(password):
            msg = "That is the one-time password. Choose another one."
            raise ValidationError(msg, code="one_time_password")

    def password_changed(self, password: str, user: User | None = None) -> None:
        if user is not None and user.pk:
            OneTimePassword.objects.filter(user=user.pk).delete()
            sessions.forget(user)

    def get_help_text(self) -> str:
        return "Your password can't be the one-time password that you were given."
