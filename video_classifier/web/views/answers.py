"""What people say of a clip and its events: a part of the pages of results and events."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from video_classifier.models import Analysis, Event, Review
from video_classifier.services import reviews
from video_classifier.services.errors import Refused
from video_classifier.states import Answer, Prediction
from video_classifier.web.answers import Panel, panel_of, watched_of
from video_classifier.web.responses import SignedInRequest, is_part, page_or_part
from video_classifier.web.review import Told
from video_classifier.web.trashed import ANALYSIS, gone_if_trashed
from video_classifier.web.zoom import second_of

PAGE = "video_classifier/answers/page.html"
PANEL = "video_classifier/answers/_panel.html"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@gone_if_trashed(ANALYSIS)
def answers(request: SignedInRequest, pk: UUID, number: int | None = None) -> HttpResponse:
    visible = Analysis.objects.visible_to(request.user).select_related("clip__store")
    analysis = get_object_or_404(visible, pk=pk)
    event = None if number is None else get_object_or_404(analysis.events, number=number)
    if request.method == "POST":
        return _said(request, analysis, event)
    return _shown(request, analysis, event)


def _said(request: SignedInRequest, analysis: Analysis, event: Event | None) -> HttpResponse:
    try:
        sentence = _save(request, analysis, event)
    except reviews.AnsweredMeanwhileError as meanwhile:
        told = Told(review=meanwhile.review, now=timezone.now(), sent=request.POST, query="")
        return _shown(request, analysis, event, told=told, status=409)
    except (Refused, ValueError) as refusal:
        return _shown(request, analysis, event, problem=str(refusal), status=422)
    if is_part(request):
        return _shown(request, analysis, event, said=sentence)
    messages.success(request, sentence)
    return redirect(panel_of(analysis, event, request.user).home)


def _save(request: SignedInRequest, analysis: Analysis, event: Event | None) -> str:
    """What was done, in a sentence. Raises Refused, and ValueError with a sentence."""
    sent = request.POST
    if "undo" in sent:
        of_clip = Review.objects.filter(clip=analysis.clip_id)
        if not sent["undo"].isdecimal():
            msg = "There is no such answer."
            raise BadRequest(msg)
        reviews.undo(get_object_or_404(of_clip, pk=int(sent["undo"][:18])), request.user)
        return "Withdrawn."
    answer = sent.get("answer", "")
    is_missed = answer == Answer.MISSED
    start, end = (
        (second_of(sent.get(name, "").strip()) for name in ("start", "end"))
        if is_missed
        else (None, None)
    )
    saved = reviews.answer(
        event,
        analysis.clip,
        request.user,
        answer=answer,
        reason=sent.get("reason", "") if answer == Answer.FALSE_ALARM else "",
        note=sent.get("note", ""),
        start=start,
        end=end,
        seen=None if is_missed or "anyway" in sent else _number(sent.get("seen", "")),
    )
    return f"Saved: {saved.get_answer_display()}."


def _number(text: str) -> int:
    return int(text[:18]) if text.isascii() and text.isdigit() else 0


def _shown(
    request: SignedInRequest,
    analysis: Analysis,
    event: Event | None,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    analysis.refresh_from_db(fields=["clip"])
    if event is not None:
        event.refresh_from_db(fields=["verdict"])
    panel: Panel = panel_of(analysis, event, request.user)
    context = {"panel": panel, "sent": request.POST, **more}
    if event is None and "said" in more and analysis.prediction == Prediction.NO_HINT:
        context["says_who"] = True  # beside the prediction, where it said that nobody had
        context["watched"] = watched_of(analysis, request.user)
    return page_or_part(request, page=PAGE, part=PANEL, context=context, status=status)
