"""How long footage of a store is kept, for its managers."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from video_classifier.http.permissions import MAY_NOT_KEEP, manages_a_store
from video_classifier.models import Store
from video_classifier.services import retention
from video_classifier.web.responses import SignedInRequest
from video_classifier.web.retention import RetentionForm

PAGES = "video_classifier/retention"
SURE = "sure"  # in the form, with the number of clips that the sender knows will be deleted


@never_cache
@require_safe
def retention_stores(request: SignedInRequest) -> HttpResponse:
    """The stores that `request.user` manages; of a single one, its page."""
    if not manages_a_store(request.user):
        raise PermissionDenied(MAY_NOT_KEEP)
    stores = list(Store.objects.managed_by(request.user).select_related("retention"))
    if len(stores) == 1:
        return redirect("web:retention", stores[0].pk)
    rows = [(store, getattr(store, "retention", None)) for store in stores]
    return render(request, f"{PAGES}/stores.html", {"rows": rows})


@never_cache
@require_http_methods(["GET", "POST"])
def retention_settings(request: SignedInRequest, pk: int) -> HttpResponse:
    """What would delete clips at once is saved when the sender knows how many."""
    store = _managed(request, pk)
    sent = request.POST if request.method == "POST" else None
    form = RetentionForm(sent, now=retention.of(store))
    at_once = 0
    if form.is_valid():
        at_once = retention.due(store, form.days, now=timezone.now()).count()
        if at_once <= _known(request):
            if retention.change(store, form.days, by=request.user):
                messages.success(request, "How long footage is kept was saved.")
            return redirect("web:retention", pk)
    context = {"store": store, "form": form, "at_once": at_once}
    status = 422 if form.errors else 409 if at_once else 200
    return render(request, f"{PAGES}/settings.html", context, status=status)


def _known(request: SignedInRequest) -> int:
    typed = request.POST.get(SURE, "")
    return int(typed) if typed.isdecimal() and len(typed) < 10 else 0  # noqa: PLR2004


def _managed(request: SignedInRequest, pk: int) -> Store:
    """That nobody sees at all is not found; who may look but not manage is refused."""
    store = get_object_or_404(Store.objects.visible_to(request.user), pk=pk)
    if not Store.objects.managed_by(request.user).filter(pk=pk).exists():
        raise PermissionDenied(MAY_NOT_KEEP)
    return store
