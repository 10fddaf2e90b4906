"""`manage.py api_key`: makes, lists and revokes API keys."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from video_classifier.models import ApiKey
from video_classifier.services import api_keys
from video_classifier.services.errors import Refused
from video_classifier.states import Scope
from video_classifier.web.api_keys import KeyStatus

DAYS = f"it expires after so many (default: {api_keys.USUAL_DAYS})"
NO_KEY = "No key begins so. `manage.py api_key list` has them all."
SEVERAL = "Several keys begin so. Revoke the right one in the administration."
SHOWN_ONCE = "Made {masked} for {user}. It is stored nowhere and not shown again."


class Command(BaseCommand):
    help = (
        "Makes API keys for users, lists them and revokes them. A new key is all that is printed "
        "to standard output, so that a script can keep it."
    )

    requires_system_checks = ()  # a damaged model must not keep a key from being revoked

    def add_arguments(self, parser: ArgumentParser) -> None:
        ways = parser.add_subparsers(dest="way", required=True, metavar="create|list|revoke")
        create = ways.add_parser("create", help="make a key and print it")
        create.add_argument("user", metavar="USER", help="the name of the user it acts as")
        create.add_argument("--name", required=True, help="what will use it")
        create.add_argument(
            "--scope",
            required=True,
            action="append",
            choices=Scope.values,
            help="what it may do; can be given several times",
        )
        length = create.add_mutually_exclusive_group()
        length.add_argument("--days", type=int, default=api_keys.USUAL_DAYS, help=DAYS)
        length.add_argument(
            "--no-expiry", dest="days", action="store_const", const=None, help="it never does"
        )
        listing = ways.add_parser("list", help="all keys, or a user's")
        listing.add_argument("user", metavar="USER", nargs="?")
        revoke = ways.add_parser("revoke", help="refuse a key from now on, for good")
        revoke.add_argument("prefix", metavar="PREFIX", help="its beginning, as the list has it")

    def handle(self, *_: Any, way: str, **options: Any) -> None:
        {"create": self._create, "list": self._list, "revoke": self._revoke}[way](options)

    def _create(self, options: dict[str, Any]) -> None:
        user = _user(options["user"])
        try:
            key, text = api_keys.create(
                user, name=options["name"], scopes=options["scope"], days=options["days"], by=None
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stderr.write(SHOWN_ONCE.format(masked=key.masked, user=user), self.style.WARNING)
        self.stdout.write(text)

    def _list(self, options: dict[str, Any]) -> None:
        keys = ApiKey.objects.select_related("user").revoked_last()
        if options["user"]:
            keys = keys.of(_user(options["user"]))
        now = timezone.now()
        for key in keys:
            self.stdout.write("  ".join((key.masked, *_facts(key, now))))

    def _revoke(self, options: dict[str, Any]) -> None:
        found = api_keys.find(options["prefix"])
        if len(found) != 1:
            raise CommandError(SEVERAL if found else NO_KEY)
        (key,) = found
        done = "was revoked" if api_keys.revoke(key, by=None) else "had been revoked before"
        self.stdout.write(f"{key.masked} of {key.user}, “{key.name}”, {done}.")


def _user(name: str) -> User:
    try:
        return User.objects.get(username=name)
    except User.DoesNotExist as error:
        msg = f"There is no user “{name}”."
        raise CommandError(msg) from error


def _facts(key: ApiKey, now: datetime) -> tuple[str, ...]:
    status = KeyStatus(key=key, now=now)
    return (
        str(key.user),
        " ".join(key.scopes),
        f"{status.words} {_day(status.moment)}".strip(),
        f"last used {_day(key.last_used_at)}" if key.last_used_at else "never used",
        f"“{key.name}”",
    )


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""
