"""Resets the second factor of somebody who has lost it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from video_classifier.services import second_factor


class Command(BaseCommand):
    help = (
        "Resets the second factor of an account, whose app and recovery codes are lost: its user "
        "is signed out everywhere, and signs in by password alone. Example: "
        "manage.py reset_second_factor ada"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the name by which they sign in")

    def handle(self, *_: Any, user: str, **__: Any) -> None:
        found = User.objects.filter(username=user).first()
        if found is None:
            msg = f"There is no account “{user}”."
            raise CommandError(msg)
        if not second_factor.reset(found, by=None):
            msg = f"“{user}” has no second factor."
            raise CommandError(msg)
        self.stdout.write(f"“{user}” signs in by password alone, and is signed out everywhere.")
