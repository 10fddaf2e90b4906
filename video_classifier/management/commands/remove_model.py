"""`manage.py remove_model NAME`: deletes a model that was imported."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from video_classifier.services import model_imports
from video_classifier.services.errors import Refused


class Command(BaseCommand):
    help = (
        "Deletes a model that was imported, with its files. Results that name it stay. One that "
        "is in use is refused."
    )

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the model's")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            model_imports.remove(options["name"])
        except Refused as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal
        self.stdout.write(f"{options['name']} is removed.")
