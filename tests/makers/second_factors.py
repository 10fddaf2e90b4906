"""Somebody's app for one-time codes."""

from __future__ import annotations

import time

from django.contrib.auth.models import User
from django_otp.oath import TOTP

from video_classifier.models import AuthenticatorApp


def make_device(user: User) -> AuthenticatorApp:
    """An app that is set up."""
    made: AuthenticatorApp = AuthenticatorApp.objects.create(user=user, confirmed=True, name="app")
    return made


def code_of(user: User, *, confirmed: bool = True) -> str:
    """What the app shows once the site has forgotten which codes it had."""
    AuthenticatorApp.objects.filter(user=user).update(
        last_t=-1, throttling_failure_count=0, throttling_failure_timestamp=None
    )
    device = AuthenticatorApp.objects.get(user=user, confirmed=confirmed)
    generator = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    generator.time = time.time()
    return f"{generator.token():06}"
