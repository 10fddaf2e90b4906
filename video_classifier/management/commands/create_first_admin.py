"""`manage.py create_first_admin`: on the very first start, somebody who can sign in."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from video_classifier.services import accounts

WELCOME = """
  ------------------------------------------------------------
  An administrator was created. Sign in once with
      user name: {name}
      password:  {password}
  and choose a password of your own. This one is not shown again.
  ------------------------------------------------------------
"""


class Command(BaseCommand):
    help = "Creates an administrator with a one-time password, if there is no account yet."

    # A damaged model must not keep the site from starting: the upload page says what is wrong.
    requires_system_checks = ()

    def handle(self, *_: Any, **__: Any) -> None:
        password = accounts.create_first_admin()
        if password is not None:
            self.stdout.write(WELCOME.format(name=accounts.FIRST_ADMIN, password=password))
