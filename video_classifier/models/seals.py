"""Short seals, for columns that have no room for those of services.secrets."""

from __future__ import annotations

import base64
import binascii
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"video_classifier.models.seals"  # another key than that of anything else
_MARK = "siv1:"


class LostKeyError(Exception):
    """It was sealed with a key that is no longer there, or for another owner, or was damaged."""


def seal(secret: bytes, *, of: str) -> str:
    """With SECRET_KEY, for that owner; 27 bytes and a third more than the secret.

    AES-SIV (RFC 5297) needs no nonce: only two seals of the same secret for the same owner are
    alike. A secret has to be one that can't be guessed and comes once, as a random key does.
    """
    sealed = _derived(settings.SECRET_KEY).encrypt(secret, [of.encode()])
    return _MARK + base64.urlsafe_b64encode(sealed).decode()


def unseal(sealed: str, *, of: str) -> bytes:
    """With SECRET_KEY or one of SECRET_KEY_FALLBACKS. Raises LostKeyError."""
    try:
        data = base64.urlsafe_b64decode(sealed.removeprefix(_MARK).encode())
    except (binascii.Error, UnicodeError):
        raise LostKeyError from None
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return _derived(key).decrypt(data, [of.encode()])
        except (InvalidTag, ValueError):  # ValueError: it is too short
            continue
    raise LostKeyError


def is_sealed(text: str) -> bool:
    return text.startswith(_MARK)


@cache
def _derived(secret: str) -> AESSIV:
    """HKDF (RFC 5869) makes a key of its own of what also signs sessions."""
    key = HKDF(hashes.SHA256(), length=64, salt=None, info=PURPOSE).derive(secret.encode())
    return AESSIV(key)
