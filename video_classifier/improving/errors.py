from __future__ import annotations


class ImproveError(Exception):
    """Nothing can be learned, and the message, a sentence, says why and what to do."""
