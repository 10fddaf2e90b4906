"""What somebody chooses for themselves."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from video_classifier.services import preferences as services
from video_classifier.web.preferences import PreferencesForm
from video_classifier.web.responses import SignedInRequest


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: SignedInRequest) -> HttpResponse:
    sent = request.POST if request.method == "POST" else None
    form = PreferencesForm(sent, preferences=services.of(request.user))
    if form.is_valid():
        services.change(request, request.user, **form.cleaned_data)
        messages.success(request, "Your preferences are saved.")
        return redirect("web:preferences")
    status = 422 if form.errors else 200
    return render(request, "video_classifier/preferences/page.html", {"form": form}, status=status)
