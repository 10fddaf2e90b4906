"""Exports of cases: asked for, downloaded, and deleted before their time."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from video_classifier.models import Case, CaseExport
from video_classifier.services import audit, case_exports
from video_classifier.services.errors import Refused
from video_classifier.states import Action, Status
from video_classifier.web.cases import ExportForm
from video_classifier.web.responses import SignedInRequest

ZIP = "application/zip"


@require_POST
def export_case(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Has one made."""
    case = get_object_or_404(Case.objects.open_to(request.user), pk=pk)
    form = ExportForm(request.POST)
    form.is_valid()  # whatever isn't ticked is left out
    try:
        case_exports.ask(case, by=request.user, **form.cleaned_data)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The export is being made. It is listed below when it is ready.")
    return redirect("web:case", pk)


@never_cache
@require_safe
def case_export(request: SignedInRequest, pk: UUID) -> HttpResponseBase:
    """The archive, straight from the disk."""
    export = get_object_or_404(
        CaseExport.objects.open_to(request.user).filter(status=Status.DONE).select_related("case"),
        pk=pk,
    )
    if request.method == "HEAD":
        return HttpResponse(content_type=ZIP)
    try:
        file = default_storage.open(str(export.file.name))
    except FileNotFoundError as error:
        msg = "The file of this export is no longer there. Have another one made."
        raise Http404(msg) from error
    store = export.case.store_id
    audit.record(Action.DOWNLOADED, request.user, audit.CASE_EXPORT, pk, store=store)
    name = f"case-{str(export.case_id)[:8]}.zip"
    return FileResponse(file, as_attachment=True, filename=name, content_type=ZIP)


@require_POST
def delete_case_export(request: SignedInRequest, pk: UUID) -> HttpResponse:
    export = get_object_or_404(CaseExport.objects.open_to(request.user), pk=pk)
    if case_exports.discard(export, by=request.user):
        messages.success(request, "The export was deleted.")
    return redirect("web:case", export.case_id)
