"""How django-axes counts failed sign-ins: which count together, and what happens at the limit."""

from __future__ import annotations

import math
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

LONGEST_NAME = 150  # as Django has it


class SignInHandler(AxesDatabaseHandler):  # type: ignore[misc]
    """A name at an address has its limit, and all names at an address have a higher one.

    So a guesser is stopped, and nobody is kept out by guesses that come from elsewhere. The
    counts come in the order of AXES_LOCKOUT_PARAMETERS.
    """

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """In attempts at one name; an address at its limit counts as a name at its own."""
        of_name, of_address = (
            int(sum(attempts.values_list("failures_since_start", flat=True)))
            for attempts in self.get_user_attempts(request, credentials)
        )
        share = settings.SIGN_IN_ATTEMPTS / settings.SIGN_IN_ATTEMPTS_PER_ADDRESS
        return max(of_name, math.floor(of_address * share))

    def reset_user_attempts(
        self, request: HttpRequest, credentials: dict[str, Any] | None = None
    ) -> int:
        """Of this name alone: who has an account must not buy guesses at others with it."""
        of_name, _ = self.filter_user_attempts(request, credentials)
        count, _ = of_name.delete()
        return int(count)


def typed_name(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str | None:
    """As far as names go: what is longer is nobody's, and has no room in the table."""
    name = (credentials or request.POST).get("username")
    return None if name is None else str(name)[:LONGEST_NAME]


@never_cache
def locked(request: HttpRequest, *_: object) -> HttpResponse:
    """Says the same of every name, whether or not there is such an account."""
    pause = settings.AXES_COOLOFF_TIME
    response = render(
        request, "429.html", {"minutes": math.ceil(pause.total_seconds() / 60)}, status=429
    )
    response["Retry-After"] = str(math.ceil(pause.total_seconds()))
    return response
