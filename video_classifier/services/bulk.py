"""The same done to several clips at once, and undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User

from video_classifier.models import Analysis, Case, Clip
from video_classifier.querysets import UPLOADERS, AnalysisQuerySet, ClipQuerySet
from video_classifier.services import analyses, cases, tags, trash
from video_classifier.services.errors import Refused
from video_classifier.states import Status

MOST = 100  # clips


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The keys of what was changed, and of how many clips it was not."""

    keys: list[UUID]
    left: int = 0
    why: str = ""  # a sentence, if one was given


def put_in_trash(clips: ClipQuerySet, *, by: User) -> Done:
    """Those that `by` may delete."""
    return _each(clips.deletable_by(by), clips.count(), lambda clip: _trashed(clip, by))


def analyze_again(clips: ClipQuerySet, *, by: User) -> Done:
    """By the model of the latest result, where `by` may; the keys are of the new analyses."""
    return _each(clips.in_stores_of(by, *UPLOADERS), clips.count(), lambda clip: _again(clip, by))


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """Analyses that take the place of failed ones, by the keys of these."""

    by_failed: dict[UUID, Analysis]
    left: int = 0
    why: str = ""


def retry(found: AnalysisQuerySet, *, by: User) -> Retried:
    """Those that failed and are still their clips' latest, each by its model, where `by` may."""
    failed = found.filter(status=Status.FAILED, is_latest=True)
    new: dict[UUID, Analysis] = {}
    why = ""
    for each in failed.in_stores_of(by, *UPLOADERS).select_related("clip"):
        try:
            new[each.pk] = analyses.again(each, model=each.model, user=by)
        except Refused as refusal:
            why = str(refusal)
    return Retried(by_failed=new, left=found.count() - len(new), why=why)


def tag(clips: ClipQuerySet, *, name: str) -> Done:
    """Raises Refused."""
    return Done(keys=tags.put(clips, name))


def add_to_case(case: Case, clips: ClipQuerySet, *, by: User) -> Done:
    """Whole clips; `by` works on the case."""
    return _each(clips, clips.count(), lambda clip: cases.add_clip(case, clip, by=by).clip_id)


def take_from_case(case: Case, clips: ClipQuerySet, *, by: User) -> int:
    """Whole clips that `by` has added. Raises Refused."""
    added = case.items.filter(clip__in=clips, event=None, start=0, end=None, added_by=by)
    return sum(cases.remove(each, by=by) for each in added.select_related("case"))


def restore(clips: ClipQuerySet, *, by: User) -> int:
    return sum(trash.restore(clip, by=by) for clip in clips.in_trash().deletable_by(by))


def cancel(found: Iterable[Analysis]) -> int:
    return sum(analyses.cancel(each) for each in found)


def _each(clips: ClipQuerySet, asked: int, do: Callable[[Clip], UUID | None]) -> Done:
    """One that is refused leaves the others as they are."""
    keys: list[UUID] = []
    why = ""
    for clip in clips:
        try:
            key = do(clip)
        except Refused as refusal:
            why = str(refusal)
        else:
            keys += [key] if key else []
    return Done(keys=keys, left=asked - len(keys), why=why)


def _trashed(clip: Clip, by: User) -> UUID | None:
    return clip.pk if trash.put(clip, by=by) else None


def _again(clip: Clip, by: User) -> UUID | None:
    latest = clip.analyses.latest_of_clips().first()
    return analyses.again(latest, model=latest.model, user=by).pk if latest else None
