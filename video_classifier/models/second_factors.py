"""Somebody's app for one-time codes: django-otp's device, with its secret sealed."""

from __future__ import annotations

from typing import Any

from django_otp.plugins.otp_totp.models import TOTPDevice

from video_classifier.models import seals


class AuthenticatorApp(TOTPDevice):  # type: ignore[misc]  # django-otp has no types
    """django-otp checks codes, takes none twice and slows down who guesses.

    A seal is bound to its user: copied to the row of somebody else, it doesn't open.
    """

    key: str

    class Meta:
        proxy = True
        verbose_name = "authenticator app"
        default_permissions = ()

    @property
    def bin_key(self) -> bytes:
        """Raises LostKeyError."""
        return seals.unseal(self.key, of=self._owner)

    @property
    def is_readable(self) -> bool:
        try:
            return bool(self.bin_key)
        except seals.LostKeyError:
            return False

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A secret that django-otp has just made is stored sealed."""
        if not seals.is_sealed(self.key):
            self.key = seals.seal(bytes.fromhex(self.key), of=self._owner)
        super().save(*args, **kwargs)

    def verify_token(self, token: str) -> bool:
        """Also renews the seal, so that an earlier SECRET_KEY is needed no longer.

        Raises LostKeyError.
        """
        self.key = seals.seal(self.bin_key, of=self._owner)
        return bool(super().verify_token(token))

    @property
    def _owner(self) -> str:
        return f"user {self.user_id}"
