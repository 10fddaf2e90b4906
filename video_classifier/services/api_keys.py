"""Makes API keys, lets them in, and revokes them. A key is in no row and no log: its digest is."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from video_classifier.models import ApiKey
from video_classifier.models.api_keys import MARK, NAME_LENGTH, PREFIX_LENGTH
from video_classifier.services import audit, database
from video_classifier.services.errors import Refused
from video_classifier.states import Action, Scope

SECRET_BYTES = 32  # so many that nobody guesses them, and a quick hash is enough
USUAL_DAYS = 90
MOST_DAYS = 3650
KEYS_PER_USER = 50  # live ones
USE_NOTED_EVERY = timedelta(minutes=1)

NO_NAME = "Give the key a name, such as what will use it."
LONG_NAME = f"The name is too long. Use {NAME_LENGTH} characters at most."
NO_SCOPE = "Choose at least one thing that the key may do."
STRANGE_SCOPE = "There is no scope “{scope}”. Choose of these: {known}."
WRONG_DAYS = f"A key is valid for 1 to {MOST_DAYS} days, or until it is revoked."
TOO_MANY = f"You have {KEYS_PER_USER} valid keys, which is the limit. Revoke one of them first."

MADE_ALREADY = (
    "That key was created already, and its text is shown once only. If you haven't copied it, "
    "revoke the key and create another one."
)

UNKNOWN = "There is no such API key. Check that it was copied whole, or use another one."
REVOKED = "This API key was revoked. Create another one, and use that."
EXPIRED = "This API key has expired. Create another one, and use that."
INACTIVE = "The account of this API key is closed. Ask an administrator."
NEWCOMER = (
    "The account of this API key still has its one-time password. Sign in on the site and choose "
    "another password first."
)


class BadKeyError(Refused):
    """Nobody comes in by that key."""


class MadeAlreadyError(Refused):
    """The same form was sent before."""


def create(  # noqa: PLR0913
    user: User,
    *,
    name: str,
    scopes: Collection[str],
    days: int | None,
    by: User | None,
    key: UUID | None = None,
) -> tuple[ApiKey, str]:
    """A new key of `user`, and its text, which can't be had again.

    It expires after so many `days`; None: never. `by` is who made it; None: the command line.
    A `key` is the id that it gets. Raises Refused; MadeAlreadyError if there is one of that id.
    """
    name, chosen = _clean_name(name), _known(scopes)
    now = timezone.now()
    expires_at = None if days is None else now + _length(days)
    if not user.is_active:
        raise Refused(INACTIVE)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    text = f"{MARK}{secret}"
    with transaction.atomic():
        # Of two requests at once, the later counts what the first has created.
        User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
        if key is not None and ApiKey.objects.filter(pk=key).exists():
            raise MadeAlreadyError(MADE_ALREADY)
        if ApiKey.objects.of(user).live(now=now).count() >= KEYS_PER_USER:
            raise Refused(TOO_MANY)
        made = ApiKey.objects.create(
            pk=key or uuid4(),
            user=user,
            name=name,
            prefix=secret[:PREFIX_LENGTH],
            digest=_digest(text),
            scopes=chosen,
            created_at=now,
            expires_at=expires_at,
        )
        audit.record(
            Action.KEY_CREATED,
            by,
            audit.API_KEY,
            made.pk,
            user=user.pk,
            scopes=" ".join(chosen),
            days=days,
        )
    return made, text


def authenticate(text: str) -> ApiKey:
    """The live key of that text, with its user. Raises BadKeyError."""
    found = ApiKey.objects.select_related("user__one_time_password")
    key = found.filter(digest=_digest(text)).first()
    if key is None:
        raise BadKeyError(UNKNOWN)
    now = timezone.now()
    if why := _why_not(key, now):
        raise BadKeyError(why)
    _note_use(key, now)
    return key


def revoke(key: ApiKey, *, by: User | None) -> bool:
    """Nobody comes in by it from now on; False if that is so already. There is no way back."""
    with transaction.atomic():
        if not ApiKey.objects.unrevoked().filter(pk=key.pk).update(revoked_at=timezone.now()):
            return False
        audit.record(Action.KEY_REVOKED, by, audit.API_KEY, key.pk, user=key.user_id)
    return True


def find(shown: str) -> list[ApiKey]:
    """Those that begin so, as pages show it or as a whole: nearly always one, if any."""
    prefix = shown.strip().removeprefix(MARK)[:PREFIX_LENGTH]
    return list(ApiKey.objects.select_related("user").filter(prefix=prefix))


def _why_not(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return REVOKED
    if key.expires_at is not None and key.expires_at <= now:
        return EXPIRED
    if not key.user.is_active:
        return INACTIVE
    # By a password that was made for them, they would get no further than to changing it.
    return NEWCOMER if hasattr(key.user, "one_time_password") else ""


def _note_use(key: ApiKey, now: datetime) -> None:
    """At most once a minute, and only if it needs no waiting."""
    before = now - USE_NOTED_EVERY
    if key.last_used_at is None or key.last_used_at < before:
        row = ApiKey.objects.unused_since(before).filter(pk=key.pk)
        database.unless_busy(lambda: row.update(last_used_at=now))


def _digest(text: str) -> str:
    """No slow hash: 256 random bits can't be guessed, however quick the guesses."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _clean_name(name: str) -> str:
    """Without control characters and those that turn the reading direction."""
    shown = "".join(sign for sign in name if unicodedata.category(sign)[0] != "C").strip()
    if not shown:
        raise Refused(NO_NAME)
    if len(shown) > NAME_LENGTH:
        raise Refused(LONG_NAME)
    return shown


def _known(scopes: Iterable[str]) -> list[str]:
    """Each once, in the order of Scope."""
    asked = set(scopes)
    if strange := sorted(asked.difference(Scope.values)):
        raise Refused(STRANGE_SCOPE.format(scope=strange[0], known=", ".join(Scope.values)))
    if not asked:
        raise Refused(NO_SCOPE)
    return [scope.value for scope in Scope if scope in asked]


def _length(days: int) -> timedelta:
    if not 1 <= days <= MOST_DAYS:
        raise Refused(WRONG_DAYS)
    return timedelta(days=days)
