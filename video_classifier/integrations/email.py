"""Messages by e-mail: one to each recipient, by the mail server of EMAIL_URL."""

from __future__ import annotations

import contextlib
import logging
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from video_classifier.integrations.messages import (
    TIME_OUT,
    Message,
    NotSentError,
    PerhapsSentError,
)

logger = logging.getLogger(__name__)

PICTURE = "snapshot.jpg"

NOT_SET_UP = (
    "No e-mail can be sent from here. An administrator of the site has to set EMAIL_URL first."
)
UNREACHABLE = (
    "The mail server can't be reached. An administrator of the site checks that it runs, and "
    "EMAIL_URL."
)
NO_TLS = (
    "No secure connection to the mail server is possible. An administrator of the site checks its "
    "certificate, and EMAIL_URL."
)
SIGN_IN = (
    "The mail server refuses the user name or the password of EMAIL_URL. An administrator of the "
    "site has to correct it."
)
TOO_SLOW = "The mail server didn't answer in time."
SILENT = "The mail server didn't answer in time, so nobody knows whether the message arrived."
CUT_OFF = "The mail server ended the connection, so nobody knows whether the message arrived."
BROKE = (
    "Something broke on our side, so nobody knows whether the message arrived; the server's log "
    "says what."
)
BUSY = "The mail server takes no messages just now ({code})."
FULL = "The mailbox is full ({code})."
NO_MAILBOX = "There is no such mailbox, or the mail server takes no messages for it ({code})."
SENDER = (
    "The mail server takes no messages from the sender's address ({code}). An administrator of "
    "the site has to correct EMAIL_FROM."
)
REFUSED = "The mail server refuses the message ({code})."
PARTLY = "It arrived at {sent} of {all} addresses only. {sentence}"

_FULL = {452, 552}
_NO_MAILBOX = {550, 551, 553}
_PERMANENT = 500  # the codes from here on (RFC 5321, 4.2.1)


def send(
    recipients: Sequence[str], message: Message, *, sender: str, seconds: float = TIME_OUT
) -> None:
    """Raises NotSentError: with some that got it and some that didn't, a final one, as whoever got
    it would get it twice.
    """
    if not settings.EMAIL_URL:
        raise NotSentError(NOT_SET_UP, is_final=True)
    sending = _Sending(recipients, lambda to, way: mail(to, message, sender, way), seconds)
    sending.start()
    is_over = sending.ended.wait(seconds)
    error = sending.failure  # before anything is made of the end of the connection
    if not is_over:
        sending.abort()
    if error is not None:
        raise error


def mail(
    recipient: str, message: Message, sender: str, connection: BaseEmailBackend | None = None
) -> EmailMessage:
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    made = EmailMessage(
        subject=message.subject,
        body=message.text,
        from_email=sender,
        to=[recipient],
        connection=connection,
        # The same at each attempt: mailboxes show it once.
        headers={
            "Message-ID": f"<{message.id}@{domain}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    if message.snapshot is not None:
        made.attach(PICTURE, message.snapshot, "image/jpeg")
    return made


class _Sending(threading.Thread):
    """In a thread of its own: a server that drips has no time-out otherwise."""

    def __init__(
        self,
        recipients: Sequence[str],
        mail_to: Callable[[str, BaseEmailBackend], EmailMessage],
        seconds: float,
    ) -> None:
        super().__init__(name="e-mail", daemon=True)
        self._connection: BaseEmailBackend = get_connection(timeout=seconds)
        self._recipients, self._mail_to = recipients, mail_to
        self._sent = 0
        self._is_on_its_way = self._is_given_up = False
        self._errors: list[NotSentError] = []
        self.ended = threading.Event()

    def run(self) -> None:
        try:
            self._connection.open()
            for each in self._recipients:
                self._send(each)
        except PerhapsSentError as error:
            self._errors.append(error)
        except (OSError, ValueError) as error:  # smtplib's are OSErrors, too
            self._errors.append(_unconnected(error))
        except Exception:
            logger.exception("an e-mail could not be sent")
            self._errors.append(PerhapsSentError(BROKE))
        finally:
            self.ended.set()
            with contextlib.suppress(OSError):
                self._connection.close()

    def _send(self, recipient: str) -> None:
        if self._is_given_up:  # else it would come after all, and then once more
            raise TimeoutError
        made = self._mail_to(recipient, self._connection)
        self._is_on_its_way = True
        try:
            made.send()
            self._sent += 1
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as error:
            self._errors.append(_refused(error))
        except OSError as error:
            raise PerhapsSentError(SILENT if _is_time_out(error) else CUT_OFF) from None
        self._is_on_its_way = False

    def abort(self) -> None:
        """Frees the thread from a server that keeps it. Nothing more is sent."""
        self._is_given_up = True
        found = getattr(getattr(self._connection, "connection", None), "sock", None)
        if isinstance(found, socket.socket):
            with contextlib.suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)

    @property
    def failure(self) -> NotSentError | None:
        """What to raise; None if all went well."""
        error = self._worst
        if error is None or not self._sent:
            return error
        partly = PARTLY.format(sent=self._sent, all=len(self._recipients), sentence=error)
        return NotSentError(partly, is_final=True)

    @property
    def _worst(self) -> NotSentError | None:
        """One that another attempt may help, if there is one: nobody got anything then."""
        if not self.ended.is_set():
            return PerhapsSentError(SILENT) if self._is_on_its_way else NotSentError(TOO_SLOW)
        uncertain = (each for each in self._errors if isinstance(each, PerhapsSentError))
        passing = (each for each in self._errors if not each.is_final)
        return next(uncertain, next(passing, next(iter(self._errors), None)))


def _unconnected(error: Exception) -> NotSentError:
    """Before any message was on its way."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return NotSentError(SIGN_IN)
    if isinstance(error, ssl.SSLError):
        return NotSentError(NO_TLS)
    if isinstance(error, smtplib.SMTPResponseException):
        return NotSentError(BUSY.format(code=error.smtp_code))
    if _is_time_out(error):
        return NotSentError(TOO_SLOW)
    return NotSentError(UNREACHABLE)


def _is_time_out(error: Exception) -> bool:
    """smtplib calls it a lost connection."""
    return isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)


def _refused(
    error: smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException,
) -> NotSentError:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = next(iter(error.recipients.values()))[0]
    else:
        code = error.smtp_code
    is_final = code >= _PERMANENT
    if isinstance(error, smtplib.SMTPSenderRefused) and is_final:
        return NotSentError(SENDER.format(code=code), is_final=True)
    return NotSentError(_words(code).format(code=code), is_final=is_final)


def _words(code: int) -> str:
    if code in _FULL:
        return FULL
    if code in _NO_MAILBOX:
        return NO_MAILBOX
    return REFUSED if code >= _PERMANENT else BUSY
