"""Registers what listens: system checks, the audit log, and what removes files with their rows."""

from __future__ import annotations

from django.apps import AppConfig


class VideoClassifierConfig(AppConfig):
    name = "video_classifier"
    verbose_name = "Clips and analyses"

    def ready(self) -> None:
        from video_classifier import checks  # noqa: F401, PLC0415  (registers them)
        from video_classifier.services import accounts, audit, files  # noqa: F401, PLC0415
