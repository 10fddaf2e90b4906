"""Whether a client knows the camera's password: Basic (RFC 7617) or Digest with MD5 (RFC 2069)."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

REALM, NONCE = "camera", "5ca1ab1e"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    user: str = ""
    password: str = ""
    is_digest: bool = True

    @property
    def challenge(self) -> str:
        """The value of WWW-Authenticate."""
        if self.is_digest:
            return f'Digest realm="{REALM}", nonce="{NONCE}"'
        return f'Basic realm="{REALM}"'

    def allow(self, method: str, authorization: str | None) -> bool:
        if not self.user:
            return True
        if not authorization:
            return False
        if not self.is_digest:
            known = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            return authorization == f"Basic {known}"
        given = dict(re.findall(r'(\w+)="([^"]*)"', authorization))
        owner = _md5(f"{self.user}:{REALM}:{self.password}")
        what = _md5(f"{method}:{given.get('uri', '')}")
        return given.get("response") == _md5(f"{owner}:{NONCE}:{what}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
