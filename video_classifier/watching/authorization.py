"""Answers a camera that asks for a password: Digest (RFC 7616, and older) or Basic (RFC 7617)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')
_LONGEST = 2000  # characters of a challenge: it is looked through again from each of them
_HASHES = {"": "md5", "md5": "md5", "sha-256": "sha256"}


@dataclass(slots=True)
class Authorization:
    """Of one user. `challenged` with what the camera asked, it knows the header for requests."""

    user: str
    password: str = field(repr=False)
    _digest: dict[str, str] | None = field(default=None, repr=False)
    _is_basic: bool = False
    _count: int = 0

    def challenged(self, challenges: Sequence[str]) -> bool:
        """Whether any of them, values of WWW-Authenticate, can be answered. Digest goes first."""
        for each in challenges:
            kind, _, rest = each[:_LONGEST].strip().partition(" ")
            given = {
                name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)
            }
            known = given.get("algorithm", "").lower() in _HASHES
            if kind.lower() == "digest" and known and "nonce" in given:
                self._digest, self._count = given, 0
                return True
        self._is_basic = any(each.strip().lower().startswith("basic") for each in challenges)
        return self._is_basic

    def header(self, method: str, address: str) -> str | None:
        """The value of Authorization; None before anything was asked."""
        if self._digest:
            return self._digested(self._digest, method, address)
        if self._is_basic:
            both = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            return f"Basic {both}"
        return None

    def _digested(self, asked: dict[str, str], method: str, address: str) -> str:
        realm, nonce = asked.get("realm", ""), asked["nonce"]
        algorithm = asked.get("algorithm", "")
        said = {"username": self.user, "realm": realm, "nonce": nonce, "uri": address}
        owner = _hash(algorithm, f"{self.user}:{realm}:{self.password}")
        what = _hash(algorithm, f"{method}:{address}")
        bare = {}
        if "auth" in re.split(r"[,\s]+", asked.get("qop", "")):
            self._count += 1
            own, count = secrets.token_hex(8), f"{self._count:08x}"
            said["cnonce"], bare = own, {"nc": count, "qop": "auth"}
            said["response"] = _hash(algorithm, f"{owner}:{nonce}:{count}:{own}:auth:{what}")
        else:
            said["response"] = _hash(algorithm, f"{owner}:{nonce}:{what}")
        if "opaque" in asked:
            said["opaque"] = asked["opaque"]
        if algorithm:
            bare["algorithm"] = algorithm
        parts = [f'{name}="{_escaped(value)}"' for name, value in said.items()]
        return "Digest " + ", ".join([*parts, *(f"{name}={value}" for name, value in bare.items())])


def _hash(algorithm: str, text: str) -> str:
    chosen = _HASHES[algorithm.lower()]
    return hashlib.new(chosen, text.encode(), usedforsecurity=False).hexdigest()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
