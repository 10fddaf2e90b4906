"""Choosing a password by an e-mailed link: Django's own views, where the site sends such links."""

from __future__ import annotations

import math
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordResetForm
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import Http404, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.decorators import method_decorator

from video_classifier.http.forms import ChosenPasswordForm, ForgottenForm
from video_classifier.services import limits, password_links
from video_classifier.services.clients import client_address
from video_classifier.services.limits import Limit


@method_decorator(login_not_required, name="dispatch")
class _Linked:
    """Not there where the site sends no links: administrators make passwords by themselves."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not password_links.are_sent():
            raise Http404
        found: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return found


class AskView(_Linked, auth.PasswordResetView):
    """Answers the same whether or not there is such an account, and as quickly."""

    form_class = ForgottenForm

    def form_valid(self, form: PasswordResetForm) -> HttpResponse:
        if _asks_too_often(self.request):
            return _pause(self.request)
        password_links.ask(form.cleaned_data["email"])
        return HttpResponseRedirect(self.get_success_url())


class AskedView(_Linked, auth.PasswordResetDoneView):
    pass


class ChooseView(_Linked, auth.PasswordResetConfirmView):
    form_class = ChosenPasswordForm

    def form_valid(self, form: Any) -> HttpResponse:
        """Other sessions end with the old password; so does a pause after wrong ones."""
        with transaction.atomic():
            response = super().form_valid(form)
            password_links.note_done(form.user)
            mine = {"username": form.user.username, "ip_address": client_address(self.request)}
            AccessAttempt.objects.filter(**mine).delete()
        return response


class ChosenView(_Linked, auth.PasswordResetCompleteView):
    pass


def _asks_too_often(request: HttpRequest) -> bool:
    """As many requests as there may be wrong passwords from one address, in as much time."""
    limit = Limit(
        name="password-links",
        times=settings.SIGN_IN_ATTEMPTS_PER_ADDRESS,
        seconds=math.ceil(settings.AXES_COOLOFF_TIME.total_seconds()),
    )
    return bool(limits.wait(limit, f"address {client_address(request)}"))


def _pause(request: HttpRequest) -> HttpResponse:
    seconds = math.ceil(settings.AXES_COOLOFF_TIME.total_seconds())
    context = {"minutes": math.ceil(seconds / 60)}
    response = render(request, "registration/password_reset_pause.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response
