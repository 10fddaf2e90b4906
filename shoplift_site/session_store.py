"""Sessions in the database, of keys that may be some."""

from __future__ import annotations

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Whatever a cookie holds is no session's key unless it looks like one.

    In quotes a cookie may hold a NUL character, which PostgreSQL doesn't even look for.
    """

    def __init__(self, session_key: str | None = None) -> None:
        is_one = session_key is not None and session_key.isascii() and session_key.isalnum()
        super().__init__(session_key if is_one else None)
