"""Where somebody is signed in, and how they end that elsewhere."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from video_classifier.services import sessions
from video_classifier.web.responses import SignedInRequest


@never_cache
@require_safe
def session_list(request: SignedInRequest) -> HttpResponse:
    """This one first."""
    here = request.session.session_key
    found = sorted(sessions.of(request.user), key=lambda each: each.session_id != here)
    context = {"sessions": found, "here": here}
    return render(request, "video_classifier/sessions/page.html", context)


@never_cache
@require_POST
def end_session(request: SignedInRequest, pk: int) -> HttpResponse:
    session = get_object_or_404(sessions.of(request.user), pk=pk)
    sessions.end(request.user, session)
    messages.success(request, f"The session on “{session.device}” is ended.")
    return redirect("web:sessions")


@never_cache
@require_POST
def end_other_sessions(request: SignedInRequest) -> HttpResponse:
    ended = sessions.end_others(request, request.user)
    words = {0: "There were no others.", 1: "The other session is ended."}
    messages.success(request, words.get(ended, f"The other {ended} sessions are ended."))
    return redirect("web:sessions")
