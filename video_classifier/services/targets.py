"""Where a channel leads: what somebody types for it, and what pages may show of that."""

from __future__ import annotations

import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from video_classifier.integrations import apprise, email, webhook
from video_classifier.integrations.messages import WrongTargetError
from video_classifier.services.errors import Refused
from video_classifier.states import ChannelKind

MOST_RECIPIENTS = 10
HIDDEN = "•••"
BETWEEN = ", "  # e-mail addresses, as `parse` gives them

NO_EMAIL = "Type one e-mail address or several, a line each."
WRONG_EMAIL = "Number {number} is no e-mail address. Type it as in desk@example.org."
TOO_MANY = f"There may be {MOST_RECIPIENTS} e-mail addresses. Use one that leads to several people."


class TargetError(Refused):
    """It can't be used; the sentence has nothing in it of what was typed."""


def problem(kind: str) -> str:
    """Why no channel of that kind works on this site, and what to do; "" if they do."""
    if kind == ChannelKind.EMAIL and not settings.EMAIL_URL:
        return email.NOT_SET_UP
    if kind == ChannelKind.APPRISE and not apprise.is_installed():
        return apprise.NOT_INSTALLED
    return ""


def parse(kind: str, text: str) -> str:
    """What somebody typed, tidied, as services.carriers wants it. Raises TargetError.

    Of a webhook it asks the resolver, for Apprise it starts a process: a second, seldom ten.
    """
    try:
        if kind == ChannelKind.EMAIL:
            return BETWEEN.join(_recipients(text))
        if kind == ChannelKind.WEBHOOK:
            webhook.checked(webhook.parse(text), settings.ALERT_NETWORKS)
        else:
            apprise.check(text)
    except WrongTargetError as wrong:
        raise TargetError(str(wrong)) from None
    return text.strip()


def masked(kind: str, text: str) -> str:
    """What pages may show of what `parse` gave."""
    if kind == ChannelKind.EMAIL:
        return BETWEEN.join(map(_masked_email, text.split(BETWEEN)))
    if kind == ChannelKind.APPRISE:
        name = apprise.SCHEMES.get(apprise.scheme_of(text), "Apprise")
        return f"{name}: {apprise.scheme_of(text)}://{HIDDEN}"
    try:
        return webhook.parse(text).masked
    except WrongTargetError:
        return HIDDEN


def _recipients(text: str) -> list[str]:
    """Each once. No names: what is typed may be several, and commas part them."""
    found = [each for each in re.split(r"[,;\s]+", text) if each]
    if not found:
        raise TargetError(NO_EMAIL)
    for number, each in enumerate(found, start=1):
        try:
            validate_email(each)
        except ValidationError:
            raise TargetError(WRONG_EMAIL.format(number=number)) from None
    once = list({each.lower(): each for each in found}.values())
    if len(once) > MOST_RECIPIENTS:
        raise TargetError(TOO_MANY)
    return once


def _masked_email(address: str) -> str:
    account, _, domain = address.rpartition("@")
    return f"{account[:1]}{HIDDEN}@{domain}"
