"""What personal data there is, and its export and erasure by camera and time, for superusers."""

from __future__ import annotations

import time

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from video_classifier.http.permissions import MAY_NOT_ANSWER_FOR_DATA
from video_classifier.services import erasure, footage_exports, personal_data
from video_classifier.services.erasure import Plan
from video_classifier.services.errors import Refused
from video_classifier.web.personal_data import Erasing, FootageForm, Preview
from video_classifier.web.responses import SignedInRequest, is_part

PAGES = "video_classifier/personal_data"
ZIP = "application/zip"
STEP = 3.0  # seconds of erasing a request, so that the page shows how far it is
SURE = "sure"  # in the form: how many clips the sender knows will go
DONE = "done"  # in the form: how many earlier requests erased
NOT_SURE = (
    "Nothing was erased: tick the box that says so, and look at what goes. It may have become more."
)
ERASED = "Erased: {count} clip{s}, and all else that was of that time. The audit log notes it."


@never_cache
@require_safe
def personal_data_page(request: SignedInRequest) -> HttpResponse:
    _check(request)
    return render(request, f"{PAGES}/page.html", {"kinds": personal_data.kinds()})


@never_cache
@require_safe
def requested_footage(request: SignedInRequest) -> HttpResponse:
    """Asks for a camera and a time, and shows what there is of it."""
    _check(request)
    form = FootageForm(request.GET if "camera" in request.GET else None, user=request.user)
    return _page(request, form)


@never_cache
@require_safe
def export_requested_footage(request: SignedInRequest) -> HttpResponseBase:
    """A ZIP, sent while it is made."""
    _check(request)
    form = FootageForm(request.GET, user=request.user)
    if not form.is_valid():
        return _page(request, form)
    if request.method == "HEAD":
        return HttpResponse(content_type=ZIP)
    unknown_too = form.cleaned_data["unknown_too"]
    try:
        pieces = footage_exports.archive(form.asked, by=request.user, unknown_too=unknown_too)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(_back(form))
    response = StreamingHttpResponse(pieces, content_type=ZIP)
    name = f"footage-{form.asked.start:%Y-%m-%d-%H%M}.zip"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
def erase_requested_footage(request: SignedInRequest) -> HttpResponse:
    """As much as a few seconds allow; the page that it answers with sends for the rest."""
    _check(request)
    form = FootageForm(request.POST, user=request.user)
    if not form.is_valid():
        return _page(request, form)
    try:
        found = _erase(request, form)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return _away(request, _back(form))
    done = _count(request, DONE) + len(found.clips)
    if found.left:
        context = {"form": form, "erasing": Erasing(done=done, left=found.left)}
        template = "_erasing" if is_part(request) else "erasing"
        return render(request, f"{PAGES}/{template}.html", context)
    messages.success(request, ERASED.format(count=done, s="" if done == 1 else "s"))
    return _away(request, reverse("web:requested-footage"))


def _erase(request: SignedInRequest, form: FootageForm) -> Plan:
    """Raises Refused, also of who doesn't know how many clips go."""
    unknown_too = form.cleaned_data["unknown_too"]
    if len(erasure.plan(form.asked, unknown_too=unknown_too).clips) > _count(request, SURE):
        raise Refused(NOT_SURE)
    end = time.monotonic() + STEP
    return erasure.erase(
        form.asked, by=request.user, unknown_too=unknown_too, enough=lambda: time.monotonic() > end
    )


def _check(request: SignedInRequest) -> None:
    if not request.user.is_superuser:
        raise PermissionDenied(MAY_NOT_ANSWER_FOR_DATA)


def _page(request: SignedInRequest, form: FootageForm) -> HttpResponse:
    preview = Preview.of(form, request.user) if form.is_valid() else None
    status = 422 if form.errors else 200
    context = {"form": form, "preview": preview}
    return render(request, f"{PAGES}/footage.html", context, status=status)


def _back(form: FootageForm) -> str:
    return f"{reverse('web:requested-footage')}?{form.query}"


def _away(request: SignedInRequest, address: str) -> HttpResponse:
    return HttpResponseClientRedirect(address) if is_part(request) else redirect(address)


def _count(request: SignedInRequest, name: str) -> int:
    typed = request.POST.get(name, "")
    is_short = typed.isascii() and typed.isdecimal() and len(typed) < 10  # noqa: PLR2004
    return int(typed) if is_short else -1 if name == SURE else 0
