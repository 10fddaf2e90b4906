"""What one analysis came to, live while it is on its way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from video_classifier.http.forms import ModelForm
from video_classifier.http.permissions import (
    MAY_NOT_UPLOAD,
    manages,
    may_analyze,
    may_cancel,
    sees_several_stores,
    works_on_cases_of,
)
from video_classifier.ml.contracts import Region
from video_classifier.models import Analysis, Tag
from video_classifier.services import (
    analyses,
    audit,
    candidates,
    catalog,
    gaps,
    openings,
    progress,
    second_opinions,
)
from video_classifier.services.catalog import Card
from video_classifier.services.errors import Refused
from video_classifier.services.gaps import Coverage
from video_classifier.services.jobs import QueueFullError
from video_classifier.states import Prediction, Status
from video_classifier.web import way, zoom
from video_classifier.web.answers import watched_of
from video_classifier.web.curves import curve_of
from video_classifier.web.events import Marked, listed, marked
from video_classifier.web.overlays import film, shown
from video_classifier.web.overview import overview_of
from video_classifier.web.players import Player, player_of, second_asked
from video_classifier.web.quality import MISSES, ModelQuality
from video_classifier.web.recordings import RecordingSummary
from video_classifier.web.responses import (
    SignedInRequest,
    asked_for,
    came_from,
    is_part,
    note_view,
    page_or_part,
    shows_page,
)
from video_classifier.web.results import HeatMapPanel, ProgressPanel, model_problem, steps
from video_classifier.web.trashed import ANALYSIS, gone_if_trashed

CURVE, EVENTS = "curve", "events"
PARTS = {
    CURVE: "video_classifier/result/_curve.html",
    EVENTS: "video_classifier/result/_events.html",
}


@never_cache
@require_safe
@gone_if_trashed(ANALYSIS)
def result(request: SignedInRequest, pk: UUID) -> HttpResponse:
    return _result(request, pk, form=ModelForm(), is_view=True)


def _result(  # noqa: PLR0913
    request: SignedInRequest,
    pk: UUID,
    *,
    form: ModelForm,
    problem: str = "",
    status: int = 200,
    is_view: bool = False,
) -> HttpResponse:
    visible = Analysis.objects.visible_to(request.user).for_listing()
    found = second_opinions.marked(visible, request.user).select_related("heat_map")
    analysis = get_object_or_404(found, pk=pk)
    if is_view:
        note_view(request, audit.RESULT, pk, store=analysis.store_id)
    if is_view and shows_page(request):
        openings.note(analysis.clip, request.user)
    cards = {choice.name: choice.card for choice in form.choices}
    is_version = catalog.parts(analysis.model)[1] is not None
    card = catalog.shown(analysis.model) if is_version else cards.get(analysis.model)
    measured = card if card is not None and card.describes(analysis.model_sha256) else None
    led = None if is_part(request) else way.of(request, analysis)
    return page_or_part(
        request,
        page="video_classifier/result/page.html",
        part="video_classifier/result/_analysis.html",
        parts=PARTS,
        context={
            "analysis": analysis,
            "player": _player(request, analysis),
            **_way_to_it(analysis, card),
            "card": card,
            "misses": (misses := _misses(analysis, measured)),
            "watched": watched_of(analysis, request.user) if misses else None,
            "model_problem": model_problem(analysis, card=card, measured=measured),
            "trained_on": measured is not None and measured.was_trained_on(analysis.clip.sha256),
            **_came_of_it(request, analysis, measured),
            "runs": visible.filter(clip__sha256=analysis.clip.sha256).defer("windows"),
            "show_store": sees_several_stores(request.user),
            "may_add_to_case": works_on_cases_of(request.user, analysis.store_id),
            "may_see_who_looked": manages(request.user, analysis.store_id),
            "may_analyze": may_analyze(request.user, analysis.clip),
            "cancellable": not analysis.is_finished and may_cancel(request.user, analysis),
            "form": form,
            "problem": problem,
            "tags": [] if is_part(request) else list(analysis.clip.tags.all()),
            "known_tags": Tag.objects.filter(store=analysis.clip.store_id).values_list(
                "name", flat=True
            ),
            "way": led,
            "back": led.back if led else came_from(request),
        },
        status=status,
    )


def _player(request: HttpRequest, analysis: Analysis) -> Player | None:
    """None to who asks for a part of the page without it."""
    if is_part(request):
        return None
    return player_of(analysis.clip, start=second_asked(request.GET))


def _came_of_it(
    request: HttpRequest, analysis: Analysis, measured: Card | None
) -> dict[str, object]:
    """What the page shows of a result."""
    if analysis.status != Status.DONE:
        return {"recording": None, "tracks": [], "film": []}
    coverage = gaps.of(analysis)
    found = marked(analysis)
    context: dict[str, object] = {
        "recording": RecordingSummary(analysis=analysis, coverage=coverage, events=found)
    }
    if asked_for(request) != CURVE:
        context["events"] = listed(analysis, found, request.GET, user=request.user)
    if coverage.is_long:
        return context | _of_hours(request, analysis, coverage, found)
    joined = candidates.tracks(analysis)
    tracks = shown(analysis, joined)
    highest = next((each.track for each in tracks if each.is_highest), None)
    return context | {
        "tracks": tracks,
        "curve": curve_of(analysis, joined),
        "film": film(analysis, tracks),
        "heat_map": HeatMapPanel(
            analysis=analysis,
            moments=highest.crop_times if highest else analysis.frame_times,
            can_be_asked=measured is not None and analysis.score is not None,
        ),
    }


def _of_hours(
    request: HttpRequest, analysis: Analysis, coverage: Coverage, found: Sequence[Marked]
) -> dict[str, object]:
    """Of all tracks no more than the events that are shown, and the curve, take."""
    if asked_for(request) == EVENTS:
        return {}
    asked = zoom.asked(request.GET, coverage.length)
    return {
        "tracks": [],
        "curve": overview_of(analysis, asked, found, coverage.gaps),
        "film": [] if found else film(analysis, []),
    }


def _way_to_it(analysis: Analysis, card: Card | None) -> dict[str, object]:
    """What the page shows until there is a result."""
    if analysis.is_finished:
        return {"steps": [], "progress": None}
    place = analyses.place_in_queue(analysis) if analysis.status == Status.QUEUED else 0
    finds_people = card is not None and card.spec.view is Region.PERSON
    return {
        "steps": steps(analysis, place=place, finds_people=finds_people),
        "progress": ProgressPanel(analysis=analysis, progress=progress.of(analysis), place=place),
    }


def _misses(analysis: Analysis, measured: Card | None) -> str:
    """What it does not mean that there is no hint; "" where there is one, or no result."""
    if analysis.prediction != Prediction.NO_HINT:
        return ""
    return MISSES if measured is None else ModelQuality(card=measured).misses


@require_POST
@gone_if_trashed(ANALYSIS)
def cancel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ends an analysis that is on its way; what is finished stays as it is."""
    return _done(request, pk, analyses.cancel, "cancel it")


@require_POST
@gone_if_trashed(ANALYSIS)
def pause(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Has what waits of an analysis wait until it is resumed."""
    return _done(request, pk, analyses.pause, "pause it")


@require_POST
@gone_if_trashed(ANALYSIS)
def resume(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Goes on with a paused analysis."""
    return _done(request, pk, analyses.resume, "resume it")


def _done(
    request: SignedInRequest, pk: UUID, do: Callable[[Analysis], object], what: str
) -> HttpResponse:
    """Does it for somebody who may end the analysis. Raises PermissionDenied."""
    analysis = _analysis(request, pk)
    if not may_cancel(request.user, analysis):
        msg = f"Only the person who asked for an analysis, or may delete its clip, can {what}."
        raise PermissionDenied(msg)
    try:
        do(analysis)
    except Refused as refusal:  # its clip was deleted meanwhile
        raise Http404 from refusal
    return redirect(analysis)


@require_POST
@gone_if_trashed(ANALYSIS)
def again(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Another analysis of the same clip; the one there is stays."""
    earlier = _analysis(request, pk)
    if not may_analyze(request.user, earlier.clip):
        raise PermissionDenied(MAY_NOT_UPLOAD)
    form = ModelForm(request.POST)
    if not form.is_valid():
        return _result(request, pk, form=form, problem=form.problem, status=400)
    try:
        return redirect(
            analyses.again(earlier, model=form.cleaned_data["model"], user=request.user)
        )
    except Refused as refusal:
        status = 429 if isinstance(refusal, QueueFullError) else 400
        return _result(request, pk, form=form, problem=str(refusal), status=status)


def _analysis(request: SignedInRequest, pk: UUID) -> Analysis:
    return get_object_or_404(Analysis.objects.visible_to(request.user).for_listing(), pk=pk)
