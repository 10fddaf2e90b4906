"""Cases: opened, filled with events and stretches of clips, closed. What is in one is held."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from video_classifier.models import Case, CaseItem, CaseNote, Clip, Event, Store
from video_classifier.models.cases import MOST_NOTE
from video_classifier.services import audit, clips
from video_classifier.services.errors import Refused
from video_classifier.states import Action, CaseState

MOST_ITEMS = 1000  # of a case
MOST_NAME = 100  # characters
SLACK = 1.0  # seconds by which a header may be wrong about a clip's length
SHORTEST = 0.001  # seconds of an item: that of an event of a single picture

NO_NAME = "Give the case a name."
LONG_NAME = f"A name may have {MOST_NAME} characters."
BAD_LOSS = "A loss is an amount from 0 to 99,999,999.99."
NO_NOTE = "There is nothing in the note."
LONG_NOTE = (
    f"A note may have {MOST_NOTE:,} characters, and this one has {{count:,}}. Nothing was kept."
)
IS_CLOSED = "“{case}” is closed. Reopen it first."
OTHER_STORE = "“{clip}” is of another store than “{case}”."
TOO_MANY = "“{case}” has {most:,} events already, which is as many as a case may have."
THERE_ALREADY = "It is in “{case}” already."
NO_STRETCH = "That is no stretch of “{clip}”: it has to lie in it, and to end after its start."
NOT_TEXT = "The note has characters that are no text. Type it anew; nothing was kept."
HELD = (
    "“{clip}” can't be moved to the trash, because it is in a case: {cases}. Take it out there "
    "first."
)
HELD_BY_OTHERS = (
    "“{clip}” can't be moved to the trash, because it is in a case. Ask a reviewer or manager of "
    "its store."
)

_MOST_LOSS = Decimal("99999999.99")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a case is called, and what was lost."""

    name: str
    loss: Decimal | None = None

    def checked(self) -> Subject:
        """Raises Refused."""
        name = " ".join(self.name.split())
        if not name:
            raise Refused(NO_NAME)
        if len(name) > MOST_NAME:
            raise Refused(LONG_NAME)
        if self.loss is not None and not 0 <= self.loss <= _MOST_LOSS:
            raise Refused(BAD_LOSS)
        return Subject(name=name, loss=self.loss)


@transaction.atomic
def create(store: Store, subject: Subject, *, by: User) -> Case:
    """Raises Refused."""
    told = subject.checked()
    case = Case.objects.create(store=store, name=told.name, loss=told.loss, opened_by=by)
    _noted(Action.CASE_OPENED, case, by)
    return case


@transaction.atomic
def change(case: Case, subject: Subject, *, by: User) -> None:
    """Its name and its loss. Raises Refused."""
    told = subject.checked()
    held = _open(case)
    held.name, held.loss = told.name, told.loss
    held.save(update_fields=["name", "loss"])
    _changed(case, by, what="facts")


@transaction.atomic
def close(case: Case, *, by: User) -> bool:
    """What is in it stays held. False if it is closed already."""
    is_open = Case.objects.filter(pk=case.pk, state=CaseState.OPEN)
    if not is_open.update(state=CaseState.CLOSED, closed_at=timezone.now()):
        return False
    _noted(Action.CASE_CLOSED, case, by)
    return True


@transaction.atomic
def reopen(case: Case, *, by: User) -> bool:
    """False if it is open."""
    is_closed = Case.objects.filter(pk=case.pk, state=CaseState.CLOSED)
    if not is_closed.update(state=CaseState.OPEN, closed_at=None):
        return False
    _changed(case, by, what="reopened")
    return True


@transaction.atomic
def delete(case: Case, *, by: User) -> bool:
    """With its notes and exports; its clips stay, and are held no longer. False if it is gone."""
    held = Case.objects.select_for_update().filter(pk=case.pk).first()
    if held is None:
        return False
    held.delete()
    _noted(Action.CASE_DELETED, case, by)
    return True


def add_event(case: Case, event: Event, *, by: User) -> CaseItem:
    """The stretch of an event. Raises Refused."""
    clip = event.analysis.clip
    end = max(event.end, event.start + SHORTEST)
    return _add(case, clip, by, event=event, start=event.start, end=end)


def add_clip(
    case: Case, clip: Clip, *, by: User, start: float = 0.0, end: float | None = None
) -> CaseItem:
    """A clip, or a stretch of it. Raises Refused."""
    return _add(case, clip, by, event=None, start=start, end=end)


@transaction.atomic
def _add(  # noqa: PLR0913
    case: Case, clip: Clip, by: User, *, event: Event | None, start: float, end: float | None
) -> CaseItem:
    clips.hold(clip)  # before the case: whatever locks both locks the clip first
    held = _open(case)
    if clip.store_id != held.store_id:
        raise Refused(OTHER_STORE.format(clip=clip.name, case=held.name))
    last = clip.duration + SLACK if event is None else math.inf
    if not 0 <= start <= last or (end is not None and not start < end <= last):
        raise Refused(NO_STRETCH.format(clip=clip.name))
    if held.items.count() >= MOST_ITEMS:
        raise Refused(TOO_MANY.format(case=held.name, most=MOST_ITEMS))
    try:
        with transaction.atomic():
            item = CaseItem.objects.create(
                case=held, clip=clip, event=event, start=start, end=end, added_by=by
            )
    except IntegrityError as error:
        raise Refused(THERE_ALREADY.format(case=held.name)) from error
    _changed(held, by, what="added", clip=str(clip.pk))
    return item


@transaction.atomic
def remove(item: CaseItem, *, by: User) -> bool:
    """Out of its case; notes on it stay with the case. False if it is out. Raises Refused."""
    held = _open(item.case)
    if not CaseItem.objects.filter(pk=item.pk).delete()[0]:
        return False
    _changed(held, by, what="removed", clip=str(item.clip_id))
    return True


@transaction.atomic
def note(case: Case, text: str, *, by: User, item: CaseItem | None = None) -> CaseNote:
    """On the case, or on one of its items. Raises Refused."""
    told = text.replace("\r\n", "\n").strip()
    if not told:
        raise Refused(NO_NOTE)
    if len(told) > MOST_NOTE:
        raise Refused(LONG_NOTE.format(count=len(told)))
    if "\0" in told:  # which PostgreSQL doesn't store
        raise Refused(NOT_TEXT)
    written = CaseNote.objects.create(case=_open(case), item=item, text=told, by=by)
    _changed(case, by, what="noted")
    return written


def _changed(case: Case, by: User, **details: str) -> None:
    _noted(Action.CASE_CHANGED, case, by, **details)


def _noted(action: Action, case: Case, by: User, **details: audit.Detail) -> None:
    """For the managers of its store, too."""
    audit.record(action, by, audit.CASE, case.pk, store=case.store_id, **details)


def _open(case: Case) -> Case:
    """The row as it is, locked. Raises Refused if it is closed, or gone."""
    held = Case.objects.select_for_update().filter(pk=case.pk).first()
    if held is None:
        msg = "The case was deleted meanwhile."
        raise Refused(msg)
    if held.state == CaseState.CLOSED:
        raise Refused(IS_CLOSED.format(case=held.name))
    return held


def refuse_if_held(clip: Clip, by: User) -> None:
    """Raises Refused, with the names of the cases that the clip is in, of those open to `by`.

    To be asked in the transaction that takes the clip away, with its row locked.
    """
    if not is_held(clip):
        return
    names = Case.objects.open_to(by).filter(items__clip=clip).distinct().order_by("opened_at")
    found = [case.name for case in names[:3]]
    if not found:
        raise Refused(HELD_BY_OTHERS.format(clip=clip.name))
    told = ", ".join(f"“{name}”" for name in found)
    raise Refused(HELD.format(clip=clip.name, cases=told))


def is_held(clip: Clip) -> bool:
    return CaseItem.objects.filter(clip=clip).exists()


def in_order(items: Collection[CaseItem]) -> Sequence[CaseItem]:
    """By when they happened, those of unknown time last, in the order in which they were added."""
    return sorted(items, key=_moment)


def _moment(item: CaseItem) -> tuple[bool, datetime | int, int]:
    at = item.clip.moment_of(item.start)
    return (at is None, at or 0, item.pk)


def items_of(case: Case) -> Sequence[CaseItem]:
    """With what pages and reports show of them, in order."""
    related = ("clip__camera", "clip__store", "added_by")
    of_event = ("event__analysis", "event__track__segment", "event__segment")
    rows = case.items.select_related(*related, *of_event)
    long = ("event__analysis__windows", "event__analysis__frame_times", "event__segment__windows")
    boxes = ("event__track__times", "event__track__boxes", "event__track__windows")
    return in_order(list(rows.defer(*long, *boxes, "clip__segment_spans")))
