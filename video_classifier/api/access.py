"""What somebody may ask for, and how often."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from video_classifier.models import ApiKey
from video_classifier.services import accounts, limits, second_factor
from video_classifier.services.limits import Limit
from video_classifier.services.second_factor import Need
from video_classifier.states import Scope

NO_SCOPE = "This key may not do that: it lacks the scope “{scope}”. Make one that has it."
OWES_PASSWORD = "Choose a password of your own first, on the pages of the site."  # noqa: S105
OWES_SECOND_FACTOR = "Give your second factor first, on the pages of the site."


def user_of(request: Request) -> User:
    """Who asks: views are only reached by somebody."""
    return cast("User", request.user)


def as_django(request: Request) -> HttpRequest:
    """The request that REST framework wraps."""
    plain: HttpRequest = request._request  # noqa: SLF001  (it has no other way to it)
    return plain


class WithinScopes(BasePermission):
    """A key acts as its user, in its scopes; somebody who is signed in on the pages has all."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        key = request.auth
        if not isinstance(key, ApiKey):
            plain = as_django(request)
            if second_factor.needs(plain) != Need.NONE:
                self.message = OWES_SECOND_FACTOR
                return False
            self.message = OWES_PASSWORD
            return not accounts.owes_new_password(plain)
        scope = Scope.READ if request.method in SAFE_METHODS else Scope.WRITE
        self.message = NO_SCOPE.format(scope=scope.value)
        return scope in key.scopes


class PerUser(BaseThrottle):
    """So many requests a minute of one user: settings.API_RATE.

    With whatever keys, or by a session: who makes more keys may ask no more often. Counted in the
    database, so that several web processes count as one.
    """

    _wait = 0

    def allow_request(self, request: Request, view: Any) -> bool:
        limit = Limit(name="api", times=settings.API_RATE, seconds=60)
        user = request.user
        self._wait = limits.wait(limit, f"user {user.pk}") if user.is_authenticated else 0
        return not self._wait

    def wait(self) -> float:
        return self._wait
