"""The losses of a training, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One pass over the training data. Losses are binary cross-entropies, in nats."""

    number: int  # from 1, over all phases of a training
    loss: float
    validation_loss: float | None  # None if nobody is held back

    def __str__(self) -> str:
        validated = self.validation_loss
        on_validation = "" if validated is None else f", on validation {validated:.3f}"
        return f"epoch {self.number}: loss {self.loss:.3f}{on_validation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All epochs of a training."""

    epochs: tuple[Epoch, ...] = ()

    @property
    def best(self) -> Epoch:
        """The one whose weights are kept: that of the lowest validation loss, else the last."""
        validated = [epoch for epoch in self.epochs if epoch.validation_loss is not None]
        return min(validated, key=lambda epoch: epoch.validation_loss or 0, default=self.epochs[-1])
