"""Registers what listens: system checks, and the removal of files whose rows are gone."""

from __future__ import annotations

from django.apps import AppConfig


class VideoClassifierConfig(AppConfig):
    name = "video_classifier"
    verbose_name = "Clips and analyses"

    def ready(self) -> None:
        from video_classifier import checks  # noqa: F401, PLC0415  (registers them)
        from video_classifier.services import accounts, clips  # noqa: F401, PLC0415
