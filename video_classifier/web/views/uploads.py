"""Clips come in: one by one from the page's script, or several in one plain form."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from video_classifier.http import upload_handlers
from video_classifier.http.forms import UploadForm
from video_classifier.http.permissions import sees_several_stores, why_no_upload
from video_classifier.models import Analysis
from video_classifier.services import disk, resumable, uploads
from video_classifier.services.errors import Refused
from video_classifier.web.receipts import Receipt, receipts, with_twins
from video_classifier.web.responses import SignedInRequest, page_or_part

LATEST = 5


@never_cache
@require_http_methods(["GET", "POST"])
def upload(request: SignedInRequest) -> HttpResponse:
    if request.method == "POST":
        return _receive(request)
    visible = Analysis.objects.visible_to(request.user).for_listing()
    latest = list(visible.filter(requested_by=request.user)[:LATEST])
    own = (each.clip for each in latest if each.clip.uploaded_by == request.user)
    form = UploadForm(user=request.user, last=next(own, None))
    return render(
        request,
        "video_classifier/upload/page.html",
        {
            "form": form,
            "no_upload": "" if form.stores else why_no_upload(request.user),
            "show_store": sees_several_stores(request.user),
            "latest": receipts(latest, request.user),
            "max_bytes": settings.CLIP_MAX_BYTES,
            "max_recording": settings.RECORDING_MAX_BYTES,
            "unfinished": resumable.unfinished(request.user),
            "max_clips": settings.CLIPS_PER_UPLOAD,
        },
    )


def _receive(request: SignedInRequest) -> HttpResponse:
    form = UploadForm(request.POST, user=request.user)
    if not form.stores:
        raise PermissionDenied(why_no_upload(request.user))
    given = with_twins(_receipts(request, form), request.user)
    return page_or_part(
        request,
        page="video_classifier/upload/receipts.html",
        part="video_classifier/upload/_receipts.html",
        context={"receipts": given, "show_store": sees_several_stores(request.user)},
        status=_status(given),
    )


def _status(receipts: list[Receipt]) -> int:
    if any(receipt.analysis for receipt in receipts):
        return 200
    return 507 if any(receipt.no_room for receipt in receipts) else 422


def _receipts(request: SignedInRequest, form: UploadForm) -> Iterator[Receipt]:
    for file in request.FILES.getlist("clips"):
        if form.is_valid():
            yield _accept(request, file, form.chosen)
        else:
            yield Receipt(name=file.name or "", refusal=form.problem)
    for name in upload_handlers.too_large(request):
        yield Receipt(name=name, refusal=uploads.too_large(name, settings.CLIP_MAX_BYTES))
    for name in upload_handlers.no_room(request):
        yield Receipt(name=name, refusal=disk.FULL, no_room=True)
    for name in upload_handlers.too_many(request):
        yield Receipt(name=name, refusal=uploads.too_many())


def _accept(
    request: SignedInRequest, file: UploadedFile[bytes], choices: uploads.Choices
) -> Receipt:
    """The rest of a batch goes on when one clip is refused."""
    name = file.name or ""
    try:
        analysis = uploads.accept(file=file, user=request.user, choices=choices)
    except uploads.InTrashError as found:
        return Receipt(name=name, trashed=found.clip)
    except Refused as refusal:
        no_room = isinstance(refusal, disk.DiskFullError)
        return Receipt(name=name, refusal=str(refusal), no_room=no_room)
    return Receipt(name=name, analysis=analysis)
