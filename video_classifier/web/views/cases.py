"""Cases, for the reviewers and managers of their stores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from video_classifier.http.permissions import (
    MAY_NOT_DELETE_CASES,
    MAY_NOT_WORK_ON_CASES,
    manages,
    sees_several_stores,
    works_on_cases,
    works_on_cases_of,
)
from video_classifier.models import Analysis, Case, CaseItem, CaseNote, Clip, Event
from video_classifier.services import cases
from video_classifier.services.cases import Subject
from video_classifier.services.errors import Refused
from video_classifier.states import CaseState
from video_classifier.web.cases import (
    AddForm,
    CaseForm,
    ExportForm,
    ExportRow,
    NoteForm,
    rows_of,
    timeline_of,
)
from video_classifier.web.players import second_asked
from video_classifier.web.responses import SignedInRequest, page_or_part
from video_classifier.web.trashed import ANALYSIS, CLIP, gone_if_trashed

PAGES = "video_classifier/cases"
ITEMS = 50  # a page
MOST_OFFERED = 5  # events of a clip


@never_cache
@require_safe
def case_list(request: SignedInRequest) -> HttpResponse:
    """The open ones, or those that are closed."""
    _check_worker(request)
    state = CaseState.CLOSED if request.GET.get("state") == CaseState.CLOSED else CaseState.OPEN
    found = Case.objects.open_to(request.user).in_state(state).select_related("store", "opened_by")
    found = found.annotate(count=Count("items")).order_by("-opened_at", "pk")
    page = Paginator(found, settings.HISTORY_PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "state": state,
        "states": CaseState.choices,
        "show_store": sees_several_stores(request.user),
    }
    return render(request, f"{PAGES}/page.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def new_case(request: SignedInRequest) -> HttpResponse:
    _check_worker(request)
    form = CaseForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        try:
            made = cases.create(form.store, form.subject, by=request.user)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"“{made.name}” was opened. Add events from their pages.")
            return redirect("web:case", made.pk)
    context = {"form": form, "label": "Open the case", "title": "Open a case"}
    return render(request, f"{PAGES}/form.html", context, status=422 if form.errors else 200)


@never_cache
@require_safe
def case(request: SignedInRequest, pk: UUID) -> HttpResponse:
    return _page(request, _case(request, pk), NoteForm())


def _page(
    request: SignedInRequest, found: Case, form: NoteForm, *, status: int = 200
) -> HttpResponse:
    items = cases.items_of(found)
    notes: defaultdict[int | None, list[CaseNote]] = defaultdict(list)
    for note in found.notes.select_related("by"):
        notes[note.item_id].append(note)
    page = Paginator(items, ITEMS).get_page(request.GET.get("page"))
    exports = [
        ExportRow(export=each, count=len(items))
        for each in found.exports.select_related("requested_by").order_by("-waiting_since")
    ]
    return page_or_part(
        request,
        page=f"{PAGES}/case.html",
        part=f"{PAGES}/_exports.html",
        context={
            "case": found,
            "page": page,
            "count": len(items),
            "rows": rows_of(list(page), notes, first=page.start_index(), user=request.user),
            "timeline": timeline_of(found, items, page_size=ITEMS),
            "notes": notes[None],
            "form": form,
            "exports": exports,
            "export_form": ExportForm(),
            "making": any(not each.export.is_finished for each in exports),
            "is_open": found.state == CaseState.OPEN,
            "may_delete": manages(request.user, found.store_id),
            "show_store": sees_several_stores(request.user),
        },
        status=status,
    )


@never_cache
@require_http_methods(["GET", "POST"])
def case_settings(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Its name and its loss."""
    found = _case(request, pk)
    sent = request.POST if request.method == "POST" else None
    form = CaseForm(sent, user=request.user, case=found)
    if form.is_valid():
        try:
            cases.change(found, form.subject, by=request.user)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "The case was changed.")
            return redirect("web:case", pk)
    context = {"form": form, "label": "Save", "title": f"Change “{found.name}”", "case": found}
    return render(request, f"{PAGES}/form.html", context, status=422 if form.errors else 200)


@require_POST
def switch_case(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Closes it, or opens it again."""
    found = _case(request, pk)
    if request.POST.get("open") == "1":
        if cases.reopen(found, by=request.user):
            messages.success(request, f"“{found.name}” is open again.")
    elif cases.close(found, by=request.user):
        messages.success(request, f"“{found.name}” was closed. What is in it stays held.")
    return redirect("web:case", pk)


@never_cache
@require_http_methods(["GET", "POST"])
def delete_case(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Asks, and deletes it with its notes and exports."""
    found = _case(request, pk)
    if not manages(request.user, found.store_id):
        raise PermissionDenied(MAY_NOT_DELETE_CASES)
    if request.method == "POST":
        if cases.delete(found, by=request.user):
            messages.success(request, f"“{found.name}” was deleted.")
        return redirect("web:cases")
    return render(request, f"{PAGES}/delete.html", {"case": found, "count": found.items.count()})


@never_cache
@require_POST
def note_on_case(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """On all of it, or on one of its items."""
    found = _case(request, pk)
    number = request.POST.get("item", "")
    item = get_object_or_404(found.items, pk=int(number[:18])) if number.isdecimal() else None
    form = NoteForm(request.POST)
    try:
        cases.note(found, request.POST.get("text", ""), by=request.user, item=item)
    except Refused as refusal:
        form.is_valid()
        form.add_error("text", str(refusal))
        form.errors["text"] = form.error_class([str(refusal)])
        return _page(request, found, form, status=422)
    messages.success(request, "The note was added.")
    return redirect("web:case", pk)


@require_POST
def remove_from_case(request: SignedInRequest, pk: UUID, item: int) -> HttpResponse:
    row = CaseItem.objects.filter(case=_case(request, pk), pk=item).select_related("clip").first()
    if row is not None:  # somebody else was quicker, and it is out
        _try(
            request,
            lambda: cases.remove(row, by=request.user),
            f"“{row.clip.name}” was taken out.",
        )
    return redirect("web:case", pk)


@never_cache
@require_http_methods(["GET", "POST"])
@gone_if_trashed(ANALYSIS)
def event_to_case(request: SignedInRequest, pk: UUID, number: int) -> HttpResponse:
    visible = Event.objects.visible_to(request.user).select_related("analysis__clip__store")
    event = get_object_or_404(visible, analysis=pk, number=number)
    clip = event.analysis.clip
    return _add(
        request,
        clip,
        f"event {number} of “{clip.name}”",
        lambda found: cases.add_event(found, event, by=request.user),
    )


@never_cache
@require_http_methods(["GET", "POST"])
@gone_if_trashed(CLIP)
def clip_to_case(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """All of a clip, or a stretch of it."""
    clip = get_object_or_404(Clip.objects.visible_to(request.user).select_related("store"), pk=pk)
    start, end = (second_asked(request.GET, name) for name in ("start", "end"))
    what = (
        f"“{clip.name}”, all of it" if not end else f"{start:.1f} s to {end:.1f} s of “{clip.name}”"
    )
    return _add(
        request,
        clip,
        what,
        lambda found: cases.add_clip(found, clip, by=request.user, start=start, end=end or None),
        events=() if end else _current_events(clip, request.user),
    )


def _current_events(clip: Clip, user: User) -> Sequence[Event]:
    found = Event.objects.visible_to(user).filter(analysis__clip=clip, is_current=True)
    return list(found[:MOST_OFFERED])


def _add(
    request: SignedInRequest,
    clip: Clip,
    what: str,
    add: Callable[[Case], CaseItem],
    *,
    events: Sequence[Event] = (),
) -> HttpResponse:
    """Asks to which case, and adds it; or one of `events` instead."""
    if not works_on_cases_of(request.user, clip.store_id):
        raise PermissionDenied(MAY_NOT_WORK_ON_CASES)
    sent = request.POST if request.method == "POST" else None
    form = AddForm(sent, user=request.user, store=clip.store)
    if form.is_valid():
        try:
            chosen = form.cleaned_data["case"] or cases.create(
                clip.store, Subject(name=form.cleaned_data["name"]), by=request.user
            )
            add(chosen)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"Added to “{chosen.name}”: {what}.")
            return redirect("web:case", chosen.pk)
    latest: Analysis | None = clip.analyses.first()
    back = latest and latest.get_absolute_url()
    context = {"form": form, "what": what, "back": back, "events": events}
    return render(request, f"{PAGES}/add.html", context, status=422 if form.errors else 200)


def _try(request: SignedInRequest, do: Callable[[], object], done: str) -> None:
    try:
        if do():
            messages.success(request, done)
    except Refused as refusal:
        messages.error(request, str(refusal))


def _case(request: SignedInRequest, pk: UUID) -> Case:
    return get_object_or_404(Case.objects.open_to(request.user).select_related("store"), pk=pk)


def _check_worker(request: SignedInRequest) -> None:
    if not works_on_cases(request.user):
        raise PermissionDenied(MAY_NOT_WORK_ON_CASES)
