"""Which weights gave a score: only those of the same ones are compared."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from video_classifier import models


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Which weights gave scores; only those of the same ones are compared."""

    model: str
    model_sha256: str
    detector_sha256: str

    @property
    def fields(self) -> dict[str, str]:
        return {
            "model": self.model,
            "model_sha256": self.model_sha256,
            "detector_sha256": self.detector_sha256,
        }

    @property
    def key(self) -> Q:
        """Of rows with these weights, whatever the model's folder is called."""
        return Q(model_sha256=self.model_sha256, detector_sha256=self.detector_sha256)

    def are_of(self, row: models.measures.Weights) -> bool:
        sums = (row.model_sha256, row.detector_sha256)
        return sums == (self.model_sha256, self.detector_sha256)
