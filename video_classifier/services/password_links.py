"""E-mails links by which somebody chooses a password: who has forgotten theirs, or is new.

Only where the site can send e-mail and knows its own address. A link is good for a day, and once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from video_classifier.models import AuditEntry
from video_classifier.services import audit, database
from video_classifier.services.errors import Refused
from video_classifier.states import Action

logger = logging.getLogger(__name__)

TIME_OUT = 10.0  # seconds for a mail server
MOST_WAITING = 50  # requests: a mail server that is slow must not fill the memory

NO_EMAIL = "This site can't send links, because it can't send e-mail or doesn't know its address."
NO_ADDRESS = "“{user}” has no e-mail address, so no link can be sent there."
CLOSED = "The account “{user}” is closed, so no link is sent to it."

# One sender of its own, so that nobody can tell by the time an answer takes whether there is such
# an account.
_sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="password-links")
_room = threading.BoundedSemaphore(MOST_WAITING)


def are_sent() -> bool:
    """Whether this site sends links at all."""
    return bool(settings.EMAIL_URL and settings.SITE_URL)


def ask(email: str) -> None:
    """Has a link sent to each account with that address, if there is one; nobody learns that.

    Accounts that are closed or have no password get none.
    """
    _later(lambda: _answer(email))


def invite(user: User, *, by: User) -> None:
    """Has a link sent to an account that an administrator made. Raises Refused."""
    if not are_sent():
        raise Refused(NO_EMAIL)
    if not user.is_active:
        raise Refused(CLOSED.format(user=user))
    if not user.email:
        raise Refused(NO_ADDRESS.format(user=user))
    audit.record(Action.RESET_ASKED, by, audit.USER, user.pk)
    transaction.on_commit(lambda: _later(lambda: _send(user, template="invitation")))


def note_done(user: User) -> None:
    """That somebody chose a password by a link."""
    audit.record(Action.RESET_DONE, user, audit.USER, user.pk)


def _later(work: Callable[[], None]) -> None:
    if not _room.acquire(blocking=False):
        logger.error("links to choose a password are asked for faster than they can be sent")
        return
    _sender.submit(_run, work)


def _run(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:
        logger.exception("a link to choose a password could not be sent")
    finally:
        _room.release()
        database.release()


def _answer(email: str) -> None:
    for user in PasswordResetForm().get_users(email):
        if _has_enough(user):
            logger.warning("account %d asks for too many links to choose a password", user.pk)
            continue
        audit.record(Action.RESET_ASKED, None, audit.USER, user.pk)
        _send(user, template="forgotten")


def _has_enough(user: User) -> bool:
    """As many as there may be wrong passwords: a mailbox must not be filled by strangers."""
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    asked = AuditEntry.objects.filter(
        at__gt=since,
        action=Action.RESET_ASKED,
        actor=None,
        object_type=audit.USER,
        object_id=str(user.pk),
    )
    return asked.count() >= settings.SIGN_IN_ATTEMPTS


def _send(user: User, *, template: str) -> None:
    """Raises what a mail server may."""
    context = {
        "user": user,
        "link": _link(user),
        "site": settings.SITE_URL,
        "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
    }
    text = render_to_string(f"registration/{template}_email.txt", context)
    subject, _, body = text.partition("\n")
    mail = EmailMessage(
        subject,
        body.lstrip("\n"),
        settings.EMAIL_FROM,
        [user.email],
        connection=get_connection(timeout=TIME_OUT),
    )
    mail.send()


def _link(user: User) -> str:
    """By the address that the site is known by, and never by what a request says it is."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return settings.SITE_URL + reverse("password_reset_confirm", args=[uid, token])
