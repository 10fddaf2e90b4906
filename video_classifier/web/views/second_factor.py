"""The second factor of an account: set up, asked for, replaced, turned off."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from typing import Any

import segno
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from video_classifier.services import preferences, second_factor
from video_classifier.services.errors import Refused
from video_classifier.services.second_factor import Need
from video_classifier.web.preferences import start_address
from video_classifier.web.responses import SignedInRequest, asked_next
from video_classifier.web.second_factor import CodeForm, PasswordForm, SetUpForm

View = Callable[..., HttpResponse]


def _offered(view: View) -> View:
    """Not there where the site has none."""

    @wraps(view)
    def there(request: SignedInRequest, *args: Any) -> HttpResponse:
        if not second_factor.is_offered():
            raise Http404
        return view(request, *args)

    return there


@never_cache
@require_safe
@_offered
def second_factor_page(request: SignedInRequest) -> HttpResponse:
    context = {
        "device": second_factor.device_of(request.user),
        "codes_left": second_factor.codes_left(request.user),
        "is_obliged": second_factor.is_obliged(request.user),
    }
    return render(request, "video_classifier/second_factor/page.html", context)


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
@_offered
def check_second_factor(request: SignedInRequest) -> HttpResponse:
    """The second step of signing in."""
    if second_factor.needs(request) != Need.CODE:
        return redirect(_afterwards(request))
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            second_factor.check(request, request.user, form.cleaned_data["code"])
        except Refused as refusal:
            form.add_error("code", str(refusal))
        else:
            return redirect(_afterwards(request))
    context = {"form": form, "next": asked_next(request)}
    return _answer(request, "check", form, context)


@never_cache
@sensitive_post_parameters("code", "password")
@require_http_methods(["GET", "POST"])
@_offered
def set_up_second_factor(request: SignedInRequest) -> HttpResponse:
    """Also replaces it. The answer to the right code shows the recovery codes, once."""
    user = request.user
    form = SetUpForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and not second_factor.is_pending(user):  # sent twice
        messages.warning(request, second_factor.NOTHING_PENDING)
        return redirect("web:second-factor")
    if form.is_valid():
        try:
            second_factor.check_password(user, form.cleaned_data["password"])
            codes = second_factor.confirm(request, user, form.cleaned_data["code"])
        except Refused as refusal:
            form.add_error(_field_of(refusal), str(refusal))
        else:
            return _codes(request, codes)
    context = {
        "form": form,
        "secret": second_factor.secret_of(second_factor.pending(user)),
        "is_needed": second_factor.needs(request) == Need.SET_UP,
        "replaces": second_factor.device_of(user) is not None,
    }
    return _answer(request, "set_up", form, context)


@never_cache
@require_safe
@_offered
def second_factor_picture(request: SignedInRequest) -> HttpResponse:
    """What the app takes a picture of, while it is set up and no longer."""
    if not second_factor.is_pending(request.user):
        raise Http404
    out = io.BytesIO()
    code = segno.make(second_factor.pending(request.user).config_url, micro=False)
    code.save(out, kind="svg", scale=5, border=4, dark="#000", light="#fff")
    return HttpResponse(out.getvalue(), content_type="image/svg+xml")


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
@_offered
def new_recovery_codes(request: SignedInRequest) -> HttpResponse:
    if second_factor.device_of(request.user) is None:
        return redirect("web:second-factor")
    mark = second_factor.codes_mark(request.user)
    sent = request.POST if request.method == "POST" else None
    form = PasswordForm(sent, initial={"instead_of": mark})
    if form.is_valid():
        try:
            second_factor.check_password(request.user, form.cleaned_data["password"])
            codes = second_factor.make_codes(
                request.user, instead_of=form.cleaned_data["instead_of"]
            )
        except Refused as refusal:
            if str(refusal) == second_factor.STALE:
                messages.warning(request, str(refusal))
                return redirect("web:second-factor")
            form.add_error("password", str(refusal))
        else:
            return _codes(request, codes)
    return _answer(request, "new_codes", form, {"form": form})


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
@_offered
def turn_off_second_factor(request: SignedInRequest) -> HttpResponse:
    if second_factor.device_of(request.user) is None:
        return redirect("web:second-factor")
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            second_factor.check_password(request.user, form.cleaned_data["password"])
            second_factor.turn_off(request, request.user)
        except Refused as refusal:
            form.add_error("password", str(refusal))
        else:
            messages.success(request, "Your second factor is off: your password suffices.")
            return redirect("web:second-factor")
    return _answer(request, "off", form, {"form": form})


def _codes(request: SignedInRequest, codes: list[str]) -> HttpResponse:
    context = {"codes": codes, "next": asked_next(request) or reverse("web:second-factor")}
    return render(request, "video_classifier/second_factor/codes.html", context)


def _answer(
    request: SignedInRequest, name: str, form: PasswordForm | CodeForm, context: dict[str, Any]
) -> HttpResponse:
    status = 422 if form.errors else 200
    template = f"video_classifier/second_factor/{name}.html"
    return render(request, template, context, status=status)


def _field_of(refusal: Refused) -> str:
    return "password" if str(refusal) == second_factor.WRONG_PASSWORD else "code"


def _afterwards(request: SignedInRequest) -> str:
    return asked_next(request) or start_address(preferences.of(request.user))
