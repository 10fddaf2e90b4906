"""Receipts of uploaded files: accepted or refused, and whether the same bytes were here before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from video_classifier.models import Analysis, Clip, Upload
from video_classifier.querysets import Visitor
from video_classifier.states import UploadStatus

UNDECIDED = (UploadStatus.RECEIVING, UploadStatus.CHECKING)
GONE = "Its clip was deleted meanwhile."


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of one file: an analysis, the same in the trash, or why it was not taken."""

    name: str
    analysis: Analysis | None = None
    trashed: Clip | None = None
    refusal: str = ""
    no_room: bool = False  # on the server's disk
    twin: Analysis | None = None  # the latest of an earlier upload of the same bytes
    arriving: Upload | None = None  # if it isn't decided yet


def of_upload(upload: Upload) -> Receipt:
    """What became of a file that came piece by piece, or how far it is."""
    if upload.status in UNDECIDED:
        return Receipt(name=upload.name, arriving=upload)
    if upload.trashed is not None and upload.trashed.trashed_at:
        return Receipt(name=upload.name, trashed=upload.trashed)
    if upload.analysis is not None:
        clip = upload.analysis.clip
        if clip.trashed_at:
            return Receipt(name=upload.name, trashed=clip)
        return Receipt(name=upload.name, analysis=upload.analysis)
    return Receipt(name=upload.name, refusal=upload.problem or GONE)


def receipts(analyses: Iterable[Analysis], user: Visitor) -> list[Receipt]:
    return with_twins((Receipt(name=each.clip.name, analysis=each) for each in analyses), user)


def with_twins(receipts: Iterable[Receipt], user: Visitor) -> list[Receipt]:
    """The receipts, those of bytes that `user` can see uploaded before with a result of then."""
    found = list(receipts)
    hashes = {each.analysis.clip.sha256 for each in found if each.analysis}
    visible = Analysis.objects.visible_to(user).for_listing()
    same = list(visible.filter(clip__sha256__in=hashes)) if hashes else []
    return [replace(each, twin=_twin(each.analysis, same)) for each in found]


def _twin(analysis: Analysis | None, same: Iterable[Analysis]) -> Analysis | None:
    if analysis is None:
        return None
    clip = analysis.clip
    earlier = (
        other
        for other in same
        if other.clip.sha256 == clip.sha256 and other.clip.uploaded_at < clip.uploaded_at
    )
    return next(earlier, None)
