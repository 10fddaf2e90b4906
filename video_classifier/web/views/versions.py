"""A store's versions of a model: learn from reviews, compare, activate, go back."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from video_classifier.http.permissions import MAY_NOT_CHANGE_VERSIONS, manages
from video_classifier.models import ModelVersion, Store
from video_classifier.services import comparisons, improvements, second_opinions
from video_classifier.services import versions as service
from video_classifier.services.errors import Refused
from video_classifier.web import versions as pages
from video_classifier.web.responses import SignedInRequest, is_part, page_or_part
from video_classifier.web.versions import WhyForm

PAGES = "video_classifier/versions"
LEFT = (
    "{name} is in use. These cameras have too little footage for a measure of it yet, so that its "
    "own threshold holds there, with more hints or fewer: {cameras}."
)

UNMEASURED = (
    "{name} is in use again. Of these cameras there is no measure of it any more, and too little "
    "is kept of what it scored for a new one, so that the model's own threshold holds there: "
    "{cameras}. Measure them anew."
)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def versions(request: SignedInRequest, pk: int) -> HttpResponse:
    """All of them; a POST has a model learn from the store's reviews."""
    store = _managed(request, pk)
    if request.method == "POST":
        try:
            improvements.ask(store, request.POST.get("model", ""), by=request.user)
        except Refused as refusal:
            messages.error(request, str(refusal))
        return redirect("web:versions", pk)
    improvement = pages.newest_improvement(store)
    context: dict[str, object] = {
        "store": store,
        "improvement": improvement,
        "is_under_way": pages.is_under_way(improvement),
    }
    if not is_part(request):
        material = improvements.material(store)
        context |= {
            "material": material,
            "sentences": pages.material_in_words(material),
            "models": pages.learning_models(),
            "used": pages.used(store),
            "rows": pages.rows(store),
            "history": pages.history(store),
        }
    return page_or_part(
        request, page=f"{PAGES}/page.html", part=f"{PAGES}/_learning.html", context=context
    )


@require_POST
def cancel_improvement(request: SignedInRequest, pk: int) -> HttpResponse:
    store = _managed(request, pk)
    improvement = pages.newest_improvement(store)
    try:
        improvements.cancel(improvement, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("web:versions", pk)


@never_cache
@require_safe
def version(request: SignedInRequest, pk: int, number: int) -> HttpResponse:
    """Beside what is in use."""
    return _page(request, _version(request, pk, number), WhyForm())


@require_POST
def shadow_version(request: SignedInRequest, pk: int, number: int) -> HttpResponse:
    """Starts or ends it, as the form says."""
    found = _version(request, pk, number)
    change = service.end_shadow if request.POST.get("to") == "end" else service.start_shadow
    try:
        change(found, by=request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("web:version", pk, number)


@never_cache
@require_POST
def activate_version(request: SignedInRequest, pk: int, number: int) -> HttpResponse:
    found, form = _version(request, pk, number), WhyForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=422)
    why = form.cleaned_data["why"]
    try:
        _, left = comparisons.activate(found, by=request.user, why=why, seen=_seen(request))
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _page(request, found, form, status=409)
    if left:
        cameras = ", ".join(map(str, left))
        messages.warning(request, LEFT.format(name=found.name, cameras=cameras))
    else:
        messages.success(request, f"{found.name} is in use from now on.")
    return redirect("web:versions", pk)


@require_POST
def roll_back_version(request: SignedInRequest, pk: int) -> HttpResponse:
    """To what was in use before; a reason is kept if one is written."""
    store, model = _managed(request, pk), request.POST.get("model", "")
    why = request.POST.get("why", "")
    try:
        _, left = comparisons.roll_back(
            store.pk, model, by=request.user, why=why, seen=_seen(request)
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("web:versions", pk)
    name = service.name_in_use(store.pk, model)
    if left:
        cameras = ", ".join(map(str, left))
        messages.warning(request, UNMEASURED.format(name=name, cameras=cameras))
    else:
        messages.success(request, f"{name} is in use again.")
    return redirect("web:versions", pk)


@never_cache
@require_http_methods(["GET", "POST"])
def delete_version(request: SignedInRequest, pk: int, number: int) -> HttpResponse:
    """Asks, and deletes it, if nothing names it."""
    found = _version(request, pk, number)
    try:
        if request.method == "POST":
            if service.delete(found, by=request.user):
                messages.success(request, f"{found.name} was deleted.")
            return redirect("web:versions", pk)
        service.refuse_if_it_stays(found)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("web:version", pk, number)
    return render(request, f"{PAGES}/delete.html", {"store": found.store, "version": found})


def _page(
    request: SignedInRequest, found: ModelVersion, form: WhyForm, *, status: int = 200
) -> HttpResponse:
    comparison = pages.compare(found)
    context = {
        "store": found.store,
        "version": found,
        "form": form,
        "comparison": comparison,
        "withheld": second_opinions.withheld(
            request.user, (each.verdict_of for each in comparison.hints if each.verdict_of)
        ),
        "figures": list(pages.figure_rows(comparison)),
        "basis": list(pages.basis(found)),
        "actions": pages.actions(found),
        "seen": pages.newest_decision(found),
    }
    return render(request, f"{PAGES}/version.html", context, status=status)


def _seen(request: SignedInRequest) -> int | None:
    typed = request.POST.get("seen", "")
    return int(typed) if typed.isdecimal() and len(typed) < 18 else None  # noqa: PLR2004


def _managed(request: SignedInRequest, pk: int) -> Store:
    """That nobody sees at all is not found; who may look but not manage is refused."""
    store = get_object_or_404(Store.objects.visible_to(request.user), pk=pk)
    if not manages(request.user, store.pk):
        raise PermissionDenied(MAY_NOT_CHANGE_VERSIONS)
    return store


def _version(request: SignedInRequest, pk: int, number: int) -> ModelVersion:
    """`number` is its key: two models may have versions of the same number."""
    store = _managed(request, pk)
    of_store = ModelVersion.objects.filter(store=store).select_related("store")
    return get_object_or_404(of_store, pk=number)
