"""A second factor beside the password: codes of an app, and recovery codes for when it is lost.

django-otp has the devices, checks codes, takes none twice, and slows down who guesses. The
secrets of apps are sealed, and recovery codes are stored as digests; both need SECRET_KEY.
"""

from __future__ import annotations

import base64
import math
import secrets
from enum import StrEnum
from typing import cast

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django_otp.plugins.otp_static.models import StaticDevice

from video_classifier.models import AuthenticatorApp, Membership
from video_classifier.models.seals import LostKeyError
from video_classifier.services import audit, limits, sessions
from video_classifier.services.errors import Refused
from video_classifier.services.limits import Limit
from video_classifier.states import Action, Role

OFF, OPTIONAL, REQUIRED = "off", "optional", "required"
DECIDES = (Role.MANAGER, Role.REVIEWER)
CODES = 10
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # none of which is taken for another
_LENGTH = 12
_STATE = "second_factor"  # in the session: a Need as it was at the sign-in, or that it was given
_GIVEN = "given"
TRIES = Limit(name="codes", times=20, seconds=900)
PASSWORDS = Limit(name="passwords", times=10, seconds=900)

WRONG = "That is not the code, or it was used already. Wait for the next one and type that."
WRONG_RECOVERY = "There is no such recovery code, or it was used already."
WAIT = "There were too many wrong codes. Wait {seconds} s and type a new one."
WRONG_PASSWORD = "That is not your password."  # noqa: S105
NOTHING_PENDING = "Your second factor is set up already."
OBLIGED = (
    "This site asks everybody who decides or administers for a second factor, so yours can't be "
    "turned off. You can replace it."
)
LOST_KEY = (
    "The site can't read the secret of your app any more, as its SECRET_KEY was replaced. Ask an "
    "administrator to reset your second factor, then set it up anew."
)
STALE = "Recovery codes were made meanwhile. If you haven't noted them, make new ones."


class Need(StrEnum):
    """What somebody still has to do after their password."""

    NONE = "none"
    CODE = "code"
    SET_UP = "set_up"


def is_offered() -> bool:
    return bool(settings.SECOND_FACTOR != OFF)


def is_obliged(user: User) -> bool:
    """Who decides or administers, where the site requires it."""
    if settings.SECOND_FACTOR != REQUIRED:
        return False
    if user.is_superuser or user.is_staff:
        return True
    return Membership.objects.filter(user=user, role__in=DECIDES).exists()


def needs(request: HttpRequest) -> Need:
    """Of somebody who is signed in by password.

    Of who needed none it is asked with each request: a role, or the setting, may demand one since.
    """
    if not is_offered():
        return Need.NONE
    user = cast("User", request.user)
    if _STATE not in request.session:  # from before an upgrade, or before the setting
        request.session[_STATE] = _need(user)
    found = request.session[_STATE]
    if found == _GIVEN:
        return Need.NONE
    if found == Need.CODE:
        return Need.CODE
    return _need(user) if is_obliged(user) else Need.NONE


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: User, **_: object) -> None:
    if is_offered():
        request.session[_STATE] = _need(user)


def _need(user: User) -> Need:
    if device_of(user) is not None:
        return Need.CODE
    return Need.SET_UP if is_obliged(user) else Need.NONE


def device_of(user: User) -> AuthenticatorApp | None:
    return _apps(user, confirmed=True).first()


def codes_left(user: User) -> int:
    return int(sum(each.token_set.count() for each in StaticDevice.objects.filter(user=user)))


def pending(user: User) -> AuthenticatorApp:
    """What an app is to be given: the same until it is confirmed."""
    found = _apps(user, confirmed=False).first()
    if found is not None and found.is_readable:
        return found
    _apps(user, confirmed=False).delete()
    made: AuthenticatorApp = AuthenticatorApp.objects.create(user=user, confirmed=False, name="app")
    return made


def is_pending(user: User) -> bool:
    return _apps(user, confirmed=False).exists()


def _apps(user: User, *, confirmed: bool) -> QuerySet[AuthenticatorApp]:
    found: QuerySet[AuthenticatorApp] = AuthenticatorApp.objects.filter(
        user=user, confirmed=confirmed
    )
    return found


def secret_of(device: AuthenticatorApp) -> str:
    """As people type it into an app that can't take the picture."""
    text = base64.b32encode(device.bin_key).decode()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def check_password(user: User, password: str) -> None:
    """Before anything changes: a session that was left open must not do. Raises Refused."""
    if seconds := limits.wait(PASSWORDS, f"user {user.pk}"):
        raise Refused(WAIT.format(seconds=seconds))
    if not user.check_password(password):
        raise Refused(WRONG_PASSWORD)


def confirm(request: HttpRequest, user: User, code: str) -> list[str]:
    """Takes the pending app for the user's, and ends all other sessions. Raises Refused.

    Returns the recovery codes, which can't be had again.
    """
    if not is_pending(user):
        raise Refused(NOTHING_PENDING)
    _count_try(user)
    with transaction.atomic():
        device = _apps(user, confirmed=False).select_for_update().first()
        why = _why_refused(device, code, WRONG)
        if not why and device is not None:
            AuthenticatorApp.objects.filter(user=user).exclude(pk=device.pk).delete()
            AuthenticatorApp.objects.filter(pk=device.pk).update(confirmed=True)
            codes = _new_codes(user)
            audit.record(Action.FACTOR_ON, user, audit.USER, user.pk)
            sessions.end_others(request, user)
    if why:  # outside: the failure stays counted
        raise Refused(why)
    request.session[_STATE] = _GIVEN
    request.session.cycle_key()
    return codes


def check(request: HttpRequest, user: User, code: str) -> None:
    """The second step of signing in, by the app or a recovery code. Raises Refused."""
    _count_try(user)
    plain = "".join(code.split()).replace("-", "").lower()
    by_app = plain.isdecimal() and len(plain) <= 8  # noqa: PLR2004  (the most that apps show)
    with transaction.atomic():
        why = _refused_by_app(user, plain) if by_app else _refused_by_codes(user, plain)
        done = Action.FACTOR_PASSED if by_app else Action.RECOVERY_USED
        audit.record(Action.FACTOR_FAILED if why else done, user, audit.USER, user.pk)
    if why:
        raise Refused(why)
    request.session[_STATE] = _GIVEN
    request.session.cycle_key()


def make_codes(user: User, *, instead_of: str) -> list[str]:
    """New recovery codes; the old ones are good no more. Raises Refused.

    `instead_of` is which there were when the form was shown: a form that is sent twice makes none.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if instead_of != codes_mark(user):
            raise Refused(STALE)
        return _new_codes(user)


def codes_mark(user: User) -> str:
    """Says which recovery codes there are, and none of them."""
    return str(StaticDevice.objects.filter(user=user).values_list("pk", flat=True).first() or "")


def turn_off(request: HttpRequest, user: User) -> None:
    """Raises Refused."""
    if is_obliged(user):
        raise Refused(OBLIGED)
    with transaction.atomic():
        _delete(user)
        audit.record(Action.FACTOR_OFF, user, audit.USER, user.pk)
    request.session[_STATE] = Need.NONE


def reset(user: User, *, by: User | None) -> bool:
    """Of somebody who has lost it; they are signed out everywhere. None is the command line."""
    with transaction.atomic():
        had = _delete(user)
        sessions.end_all(user, by=by)
        if had:
            audit.record(Action.FACTOR_RESET, by, audit.USER, user.pk)
    return had


def _delete(user: User) -> bool:
    had = device_of(user) is not None
    AuthenticatorApp.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    return had


def _count_try(user: User) -> None:
    if seconds := limits.wait(TRIES, f"user {user.pk}"):
        raise Refused(WAIT.format(seconds=seconds))


def _refused_by_app(user: User, code: str) -> str:
    device = _apps(user, confirmed=True).select_for_update().first()
    return _why_refused(device, code, WRONG)


def _refused_by_codes(user: User, code: str) -> str:
    device = StaticDevice.objects.select_for_update().filter(user=user).first()
    if device is None:
        return WRONG_RECOVERY
    digests = [_digest(code, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    found = device.token_set.filter(token__in=digests).values_list("token", flat=True).first()
    app = device_of(user)
    if not found and app is not None and not app.is_readable:  # nor can these be: see _digest
        return LOST_KEY
    return _why_refused(device, found or digests[0], WRONG_RECOVERY)


def _why_refused(device: AuthenticatorApp | StaticDevice | None, code: str, wrong: str) -> str:
    """ "" if the code is right; the device counts failures, and waits longer after each."""
    if device is None:
        return wrong
    is_allowed, why = device.verify_is_allowed()
    if not is_allowed:
        left = (why["locked_until"] - timezone.now()).total_seconds() if why else 0
        return WAIT.format(seconds=max(1, math.ceil(left)))
    try:
        return "" if device.verify_token(code) else wrong
    except LostKeyError:
        return LOST_KEY


def _new_codes(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="recovery codes")
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)) for _ in range(CODES)]
    for code in codes:
        device.token_set.create(token=_digest(code, settings.SECRET_KEY))
    audit.record(Action.RECOVERY_MADE, user, audit.USER, user.pk)
    return ["-".join(code[at : at + 4] for at in range(0, _LENGTH, 4)) for code in codes]


def _digest(code: str, key: str) -> str:
    """As much as the column takes: 80 bits."""
    made = salted_hmac("recovery-code", code, secret=key, algorithm="sha256").digest()
    return base64.b32encode(made[:10]).decode()
