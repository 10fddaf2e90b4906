"""Files that come in, and how long their senders wait for what they come to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from video_classifier.api.access import as_django, user_of
from video_classifier.api.problems import Problem
from video_classifier.http import upload_handlers
from video_classifier.http.forms import UploadForm
from video_classifier.http.permissions import why_no_upload
from video_classifier.models import Analysis, Store
from video_classifier.services import catalog, disk, resumable, uploads

FILE = "file"
ONE_FILE = f"Send one file, in the field “{FILE}” of a form (multipart/form-data)."
MOST_SECONDS = 10
BAD_WAIT = f"“wait” is a whole number of seconds, 0 to {MOST_SECONDS}."
_DIGITS = 2
WAITING_AT_ONCE = 16  # threads: others have to be served, too
LOOK_EVERY = 0.2  # seconds

_free = threading.BoundedSemaphore(WAITING_AT_ONCE)


def the_file(request: Request) -> UploadedFile[bytes]:
    """The one that was sent. Raises Problem and Refused; nobody's bytes are read for nothing."""
    if not Store.objects.open_to(request.user).exists():
        raise PermissionDenied(why_no_upload(request.user))
    if disk.is_nearly_full():
        raise disk.DiskFullError(disk.FULL)
    files: list[UploadedFile[bytes]] = request.FILES.getlist(FILE)
    plain = as_django(request)
    for name in upload_handlers.too_large(plain):
        raise uploads.TooLargeError(uploads.too_large(name, settings.CLIP_MAX_BYTES))
    if upload_handlers.no_room(plain):
        raise disk.DiskFullError(disk.FULL)
    if len(files) != 1 or len(request.FILES) != 1:
        raise Problem(422, ONE_FILE)
    return files[0]


def accept(
    request: Request, file: UploadedFile[bytes], *, then: Callable[[Analysis], None]
) -> Analysis:
    """Keeps the clip and queues its analysis; `then` is called in the transaction that does so.

    Raises Problem and Refused.
    """
    said = cast("QueryDict", request.data).dict()
    form = UploadForm({"model": catalog.default_name()} | said, user=user_of(request))
    if not form.is_valid():
        errors = {name: [str(each) for each in found] for name, found in form.errors.items()}
        raise Problem(422, form.problem, errors=errors)
    try:
        return uploads.accept(file=file, user=user_of(request), choices=form.chosen, then=then)
    except uploads.InTrashError as found:
        raise Problem(409, resumable.IN_TRASH, clip=str(found.clip.pk)) from found


def wait_parameter(default: int) -> OpenApiParameter:
    """For the schema."""
    limits = {"type": "integer", "minimum": 0, "maximum": MOST_SECONDS, "default": default}
    text = "So many seconds the answer may wait for the result."
    return OpenApiParameter("wait", limits, description=text)


def seconds_to_wait(request: Request, *, default: int) -> int:
    text = request.query_params.get("wait", str(default))
    if not (
        text.isascii() and text.isdecimal() and len(text) <= _DIGITS and int(text) <= MOST_SECONDS
    ):
        raise Problem(400, BAD_WAIT)
    return int(text)


def wait_for(analysis: Analysis, *, seconds: float) -> None:
    """Until it is finished, or so long; not at all if too many wait already."""
    if not seconds or not _free.acquire(blocking=False):
        return
    try:
        until = time.monotonic() + seconds
        while not analysis.is_finished and time.monotonic() < until:
            time.sleep(LOOK_EVERY)
            analysis.refresh_from_db()
    finally:
        _free.release()
