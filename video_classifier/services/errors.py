"""What services raise for the person who asked."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818  (nothing went wrong)
    """It is not done, and nothing was changed. The message is a sentence that says why."""
