"""Somebody's own API keys: made, shown once, and revoked."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from video_classifier.models import ApiKey
from video_classifier.services import api_keys
from video_classifier.services.errors import Refused
from video_classifier.web.api_keys import KeyForm, KeyStatus
from video_classifier.web.responses import SignedInRequest


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def api_key_list(request: SignedInRequest) -> HttpResponse:
    """What `request.user` has, and another one: only the answer that makes it shows it."""
    form = KeyForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            key, text = api_keys.create(request.user, by=request.user, **form.cleaned_data)
        except api_keys.MadeAlreadyError as refusal:  # the page with the key was reloaded
            messages.warning(request, str(refusal))
            return redirect("web:api-keys")
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            context = {"status": KeyStatus(key=key, now=key.created_at), "text": text}
            return render(request, "video_classifier/keys/created.html", context)
    return _list(request, form)


def _list(request: SignedInRequest, form: KeyForm) -> HttpResponse:
    keys = ApiKey.objects.of(request.user).revoked_last()
    page = Paginator(keys, settings.HISTORY_PAGE_SIZE).get_page(request.GET.get("page"))
    now = timezone.now()
    rows = [KeyStatus(key=key, now=now) for key in page]
    context = {"form": form, "page": page, "rows": rows}
    status = 422 if form.errors else 200
    return render(request, "video_classifier/keys/page.html", context, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
def revoke_api_key(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Asks, and revokes one of the user's own."""
    key = get_object_or_404(ApiKey.objects.of(request.user), pk=pk)
    if request.method == "POST":
        if api_keys.revoke(key, by=request.user):
            messages.success(request, f"“{key.name}” was revoked.")
        return redirect("web:api-keys")
    return render(request, "video_classifier/keys/revoke.html", {"key": key})
