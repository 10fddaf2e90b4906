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
from video_classifier.services import audit, case_exports, files
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
    """The archive, straight from where it is stored."""
    export = get_object_or_404(
        CaseExport.objects.open_to(request.user).filter(status=Status.DONE).select_related("case"),
        pk=pk,
    )
    if request.method == "HEAD":
        return HttpResponse(content_type=ZIP)
    response = _archive(export, f"case-{str(export.case_id)[:8]}.zip")
    store = export.case.store_id
    audit.record(Action.DOWNLOADED, request.user, audit.CASE_EXPORT, pk, store=store)
    return response


def _archive(export: CaseExport, name: str) -> HttpResponseBase:
    stored = str(export.file.name)
    address = files.address(stored, content_type=ZIP, disposition=f'attachment; filename="{name}"')
    try:
        if not address:
            file = default_storage.open(stored)
            return FileResponse(file, as_attachment=True, filename=name, content_type=ZIP)
        default_storage.size(stored)  # the storage would tell programs, and not people
    except FileNotFoundError as error:
        msg = "The file of this export is no longer there. Have another one made."
        raise Http404(msg) from error
    return redirect(address)


@require_POST
def delete_case_export(request: SignedInRequest, pk: UUID) -> HttpResponse:
    export = get_object_or_404(CaseExport.objects.open_to(request.user), pk=pk)
    if case_exports.discard(export, by=request.user):
        messages.success(request, "The export was deleted.")
    return redirect("web:case", export.case_id)
