"""Seals what the database must not show by itself, such as the addresses of cameras."""

from __future__ import annotations

import base64
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from video_classifier.services.errors import Refused

PURPOSE = b"video_classifier.services.secrets"  # another key than that of anything else
LOST_KEY = (
    "The stored address can't be read: it was sealed with another SECRET_KEY. Put the old key into "
    "SECRET_KEY_FALLBACKS, or type the address again."
)


class LostKeyError(Refused):
    """It was sealed with a key that is no longer there, or was damaged."""


def seal(text: str) -> str:
    """With SECRET_KEY; two seals of the same text differ."""
    return _keys().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """With SECRET_KEY or one of SECRET_KEY_FALLBACKS. Raises LostKeyError."""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except (InvalidToken, UnicodeError):
        raise LostKeyError(LOST_KEY) from None


def _keys() -> MultiFernet:
    return MultiFernet(
        [_derived(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    )


@cache
def _derived(secret: str) -> Fernet:
    """HKDF (RFC 5869) makes a key of its own of what also signs sessions."""
    key = HKDF(hashes.SHA256(), length=32, salt=None, info=PURPOSE).derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(key))
