"""Clips come in: one by one from the page's script, or several in one plain form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from video_classifier.http import upload_handlers
from video_classifier.http.forms import UploadForm
from video_classifier.http.permissions import sees_several_stores, why_no_upload
from video_classifier.models import Analysis
from video_classifier.services import bulk, disk, resumable, uploads
from video_classifier.services.errors import Refused
from video_classifier.web import batches
from video_classifier.web.receipts import Receipt, receipts, with_twins
from video_classifier.web.responses import SignedInRequest, is_part, page_or_part, uuids

NOT_RETRIED = "Only what failed is tried again, by those who may analyze it."


@never_cache
@require_http_methods(["GET", "POST"])
def upload(request: SignedInRequest) -> HttpResponse:
    if request.method == "POST":
        return _receive(request)
    visible = Analysis.objects.visible_to(request.user).for_listing()
    own_ones = visible.filter(requested_by=request.user).defer("windows", "clip__segment_spans")
    latest = batches.last_batch(own_ones[: batches.MOST])
    own = (each.clip for each in latest if each.clip.uploaded_by == request.user)
    form = UploadForm(user=request.user, last=next(own, None))
    return render(
        request,
        "video_classifier/upload/page.html",
        {
            "form": form,
            "no_upload": "" if form.stores else why_no_upload(request.user),
            "show_store": sees_several_stores(request.user),
            "latest": receipts(batches.hints_first(latest), request.user),
            "batch": batches.batch_of(latest),
            "max_bytes": settings.CLIP_MAX_BYTES,
            "max_recording": settings.RECORDING_MAX_BYTES,
            "unfinished": resumable.unfinished(request.user),
            "max_clips": settings.CLIPS_PER_UPLOAD,
        },
    )


@require_POST
def retry(request: SignedInRequest) -> HttpResponse:
    """Failed analyses once more; the script gets rows in the place of theirs."""
    keys = list(uuids(request.POST.getlist("analysis")))[: batches.MOST]
    visible = Analysis.objects.visible_to(request.user).kept()
    done = bulk.retry(visible.filter(pk__in=keys), by=request.user)
    if is_part(request):
        rows = receipts(_listed(request, done.by_failed.values()), request.user)
        new = {each.analysis.pk: each for each in rows if each.analysis}
        context = {
            "retried": {failed: new[each.pk] for failed, each in done.by_failed.items()},
            "left": _left(done),
            "show_store": sees_several_stores(request.user),
        }
        return render(request, "video_classifier/upload/_retried.html", context)
    if done.by_failed:
        messages.success(request, f"{_clips(len(done.by_failed))} will be analyzed again.")
    if left := _left(done):
        messages.warning(request, left)
    return redirect("web:upload")


def _listed(request: SignedInRequest, found: Iterable[Analysis]) -> Iterable[Analysis]:
    keys = [each.pk for each in found]
    return Analysis.objects.visible_to(request.user).for_listing().filter(pk__in=keys)


def _left(done: bulk.Retried) -> str:
    why = done.why or NOT_RETRIED
    return f"{_clips(done.left)} left. {why}" if done.left else ""


def _clips(count: int) -> str:
    return f"{count} clip{'' if count == 1 else 's'}"


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
