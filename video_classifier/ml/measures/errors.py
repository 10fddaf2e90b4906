"""Why something can't be measured, as a sentence for the person who asked."""

from __future__ import annotations


class MeasureError(ValueError):
    """It can't be measured; the message says why, and what to do."""


class TooLittleFootageError(MeasureError):
    """There is too little footage for what was asked; `missing_days` more would be enough."""

    def __init__(self, missing_days: float, message: str) -> None:
        super().__init__(message)
        self.missing_days = missing_days
