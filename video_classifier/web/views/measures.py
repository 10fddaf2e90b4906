"""A camera's own measure: its budget, its thresholds, its false hints, and acts for a test."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from video_classifier.http.permissions import MAY_NOT_MEASURE, may_manage
from video_classifier.models import Camera, Feed, PlantedAct
from video_classifier.services import measure_words, measures, planted_acts
from video_classifier.services.errors import Refused
from video_classifier.services.weights import Weights
from video_classifier.web import measures as pages
from video_classifier.web.measure_groups import Groups
from video_classifier.web.measures import ActForm, BudgetForm, PreviewView, Seen, Standing
from video_classifier.web.responses import SignedInRequest, is_part, page_or_part

PAGES = "video_classifier/measure"
BEFORE = "before"  # in the form: the key of the measure that held when the page was made
UNDO = "undo"  # in the address, after an act was deleted


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def measure(request: SignedInRequest, pk: int) -> HttpResponse:
    """Shows what holds, and what a budget would come to; a POST puts that in force."""
    camera = _visible(request, pk)
    if request.method != "POST":
        form = BudgetForm(request.GET if "budget" in request.GET else None)
        return _page(request, camera, form)
    _check_manager(request, camera)
    form = BudgetForm(request.POST)
    if not form.is_valid():
        return _page(request, camera, form, status=422)
    try:
        measures.take(camera, request.user, **form.wish(_zone(camera)), before=_key(request))
    except Refused as refusal:
        return _page(request, camera, form, status=409, problem=str(refusal))
    messages.success(request, f"“{camera}” has its own thresholds from now on.")
    return redirect("web:measure", pk)


@require_POST
def end_measure(request: SignedInRequest, pk: int) -> HttpResponse:
    """Back to the model's own threshold."""
    camera = _managed(request, pk)
    key = _key(request)
    found = None if key is None else camera.measures.filter(pk=key).first()
    if found is None:
        messages.error(request, measures.ENDED)
        return redirect("web:measure", pk)
    try:
        measures.end(found, request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"“{camera}” has the model's own threshold from now on.")
    return redirect("web:measure", pk)


@never_cache
@require_POST
def plant_act(request: SignedInRequest, pk: int) -> HttpResponse:
    camera = _managed(request, pk)
    form = ActForm(request.POST)
    with timezone.override(_zone(camera)):
        is_valid = form.is_valid()
    if is_valid:
        sent = form.cleaned_data
        try:
            planted_acts.plant(
                camera, sent["at"], request.user, seconds=sent["seconds"], note=sent["note"]
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "The act is noted.")
            return _to_acts(pk)
    return _page(request, camera, BudgetForm(), act_form=form, status=422)


@require_POST
def remove_act(request: SignedInRequest, pk: int, act: int) -> HttpResponse:
    camera = _managed(request, pk)
    found = get_object_or_404(PlantedAct, camera=camera, pk=act)
    try:
        token = planted_acts.remove(found, request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return _to_acts(pk)
    return _to_acts(pk, token)


@require_POST
def restore_act(request: SignedInRequest, pk: int, token: str) -> HttpResponse:
    camera = _managed(request, pk)
    try:
        planted_acts.restore(camera, token, request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The act is back.")
    return _to_acts(pk)


def _page(  # noqa: PLR0913
    request: SignedInRequest,
    camera: Camera,
    form: BudgetForm,
    *,
    act_form: ActForm | None = None,
    status: int = 200,
    problem: str = "",
) -> HttpResponse:
    manages = may_manage(request.user, camera)
    standing = pages.standing(camera)
    context: dict[str, object] = {"camera": camera, "manages": manages, "standing": standing}
    if manages or standing.measure is None:
        shown = form.is_bound or standing.measure is None
        view = _preview(camera, form, standing.weights) if shown else None
        context |= {"form": form, "view": view, "problem": problem}
    if not is_part(request):
        context |= _rest(request, camera, standing, act_form)
    return page_or_part(
        request,
        page=f"{PAGES}/page.html",
        part=f"{PAGES}/_preview.html",
        context=context,
        status=status,
    )


def _rest(
    request: SignedInRequest, camera: Camera, standing: Standing, act_form: ActForm | None
) -> dict[str, object]:
    undo = request.GET.get(UNDO, "")
    now = timezone.now()
    return {
        "is_live": Feed.objects.visible_to(request.user).filter(camera=camera).exists(),
        "until_measured": "" if standing.measure else measure_words.UNTIL_MEASURED,
        "seen": Seen.of(camera, standing.weights, now=now),
        "groups": Groups.of(camera, standing.weights, now=now),
        "acts": pages.acts(camera),
        "act_form": act_form or ActForm(),
        "history": pages.history(camera),
        "undo": _way_back(camera, undo),
        "here": request.path,
    }


def _way_back(camera: Camera, token: str) -> str:
    """Where it can be sent; "" for what is no token."""
    try:
        return reverse("web:restore-act", args=[camera.pk, token]) if token else ""
    except NoReverseMatch:
        return ""


def _preview(camera: Camera, form: BudgetForm, weights: Weights | None) -> PreviewView | None:
    """None: the form says what is wrong. As long as nothing was sent, of what is usual."""
    if not form.is_bound:
        return PreviewView.of(
            measures.preview(
                camera,
                budget=measures.USUAL_BUDGET,
                thefts=measures.USUAL_THEFTS,
                weights=weights,
            )
        )
    if not form.is_valid():
        return None
    return PreviewView.of(measures.preview(camera, **form.wish(_zone(camera)), weights=weights))


def _zone(camera: Camera) -> ZoneInfo:
    return ZoneInfo(camera.store.time_zone)


def _key(request: SignedInRequest) -> int | None:
    typed = request.POST.get(BEFORE, "")
    return int(typed) if typed.isdecimal() and len(typed) < 18 else None  # noqa: PLR2004


def _visible(request: SignedInRequest, pk: int) -> Camera:
    visible = Camera.objects.visible_to(request.user).select_related("store")
    return get_object_or_404(visible, pk=pk)


def _managed(request: SignedInRequest, pk: int) -> Camera:
    """That nobody sees at all is not found; who may look but not manage is refused."""
    camera = _visible(request, pk)
    _check_manager(request, camera)
    return camera


def _check_manager(request: SignedInRequest, camera: Camera) -> None:
    if not may_manage(request.user, camera):
        raise PermissionDenied(MAY_NOT_MEASURE)


def _to_acts(pk: int, undo: str = "") -> HttpResponse:
    address = reverse("web:measure", args=[pk])
    query = f"?{urlencode({UNDO: undo})}" if undo else ""
    return redirect(f"{address}{query}#acts")
