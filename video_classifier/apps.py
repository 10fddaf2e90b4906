"""Registers what listens: system checks, the audit log, what removes files, and the worker."""

from __future__ import annotations

from django.apps import AppConfig


class VideoClassifierConfig(AppConfig):
    name = "video_classifier"
    verbose_name = "Clips and analyses"

    def ready(self) -> None:
        from video_classifier import checks  # noqa: F401, PLC0415  (registers them)
        from video_classifier.services import accounts, audit, broker, files, queue, worker  # noqa: F401, PLC0415

        queue.subscribe(worker.wake)
        queue.subscribe(broker.ring)
