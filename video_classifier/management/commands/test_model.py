"""`manage.py test_model`: loads a model and runs it once."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from video_classifier.management.output import without_stderr
from video_classifier.services import catalog
from video_classifier.services.errors import Refused


class Command(BaseCommand):
    help = "Loads a model, runs it once on noise, and says how long that took."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", help="a folder in models_storage")

    def handle(self, *_: Any, **options: Any) -> None:
        start = time.perf_counter()
        model = options["model"] or catalog.default_name() or settings.DEFAULT_MODEL
        try:
            with without_stderr():
                predictor = catalog.load(model)
                predictor.load()
            loaded = time.perf_counter()
            noise = np.random.default_rng(0).integers(0, 256, predictor.card.spec.shape, np.uint8)
            score = predictor.score(noise)
        except Refused as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal
        ran = time.perf_counter()
        self.stdout.write(
            f"{predictor.name}: {predictor.card.parameters:,} parameters, "
            f"loaded in {loaded - start:.2f} s, ran in {ran - loaded:.3f} s "
            f"(score {score:.3f} on noise)"
        )
