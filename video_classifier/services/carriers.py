"""Sends a message to where a channel leads."""

from __future__ import annotations

from django.conf import settings

from video_classifier.integrations import apprise, email, messages, webhook
from video_classifier.integrations.messages import Message, NotSentError
from video_classifier.models import Channel
from video_classifier.services import secrets, targets
from video_classifier.states import ChannelKind


def send(channel: Channel, message: Message) -> None:
    """Takes messages.TIME_OUT at most, but for the loading of Apprise.

    Raises NotSentError, and PerhapsSentError, which is one.
    """
    target = _unsealed(channel.sealed_target)
    networks, seconds = settings.ALERT_NETWORKS, messages.TIME_OUT
    if channel.kind == ChannelKind.EMAIL:
        recipients = target.split(targets.BETWEEN)
        email.send(recipients, message, sender=settings.EMAIL_FROM, seconds=seconds)
    elif channel.kind == ChannelKind.WEBHOOK:
        key = _unsealed(channel.sealed_key)
        webhook.send(target, message, key=key, networks=networks, seconds=seconds)
    else:
        apprise.send(target, message, networks=networks, seconds=seconds)


def _unsealed(sealed: str) -> str:
    try:
        return secrets.unseal(sealed)
    except secrets.LostKeyError as error:
        raise NotSentError(str(error), is_final=True) from None
