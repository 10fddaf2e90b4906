"""What the pages of cases ask, and what they say of a case, its events and its exports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.auth.models import User
from django.http import QueryDict
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.http import urlencode

from video_classifier.models import Analysis, Case, CaseExport, CaseItem, CaseNote, Clip, Store
from video_classifier.models.cases import MOST_NOTE
from video_classifier.services import cases, second_opinions
from video_classifier.services.case_exports import KEEP
from video_classifier.services.cases import Subject
from video_classifier.states import CaseState, Status
from video_classifier.web.players import AT
from video_classifier.web.times import ClockTime, clock_time, from_to

MOST_CASES = 100  # to choose from when something is added
LANE, TOP, WIDTH = 32, 8, 1000  # of the timeline's drawing
NARROWEST = 12  # of a mark in it

_LOOKS: dict[str, tuple[str, str, str]] = {  # label, tone and icon of an export
    Status.QUEUED: ("Waiting", "info", "hourglass-split"),
    Status.RUNNING: ("Being made", "info", "hourglass-split"),
    Status.DONE: ("Ready", "success", "check-circle"),
    Status.FAILED: ("Failed", "error", "x-octagon"),
    Status.CANCELLED: ("Cancelled", "info", "slash-circle"),
}


class CaseForm(forms.Form):
    """What a case is called; services.cases has the last word."""

    name = forms.CharField(
        max_length=cases.MOST_NAME,
        widget=forms.TextInput({"autocomplete": "off"}),
        help_text="Of the matter, such as “Perfume shelf, May”. No names of people who are seen.",
        error_messages={"required": cases.NO_NAME, "max_length": cases.LONG_NAME},
    )
    loss = forms.DecimalField(
        label="Loss (optional)",
        required=False,
        min_value=0,
        max_digits=10,
        decimal_places=2,
        help_text="In the store's currency, if it is known.",
        error_messages={"invalid": cases.BAD_LOSS},
    )

    def __init__(self, sent: QueryDict | None, *, user: User, case: Case | None = None) -> None:
        """Of `case`, or of one that `user` opens."""
        super().__init__(sent, initial={"name": case.name, "loss": case.loss} if case else None)
        self.stores = [] if case else list(Store.objects.with_cases_of(user))
        if len(self.stores) > 1:
            self.fields["store"] = forms.ModelChoiceField(
                Store.objects.with_cases_of(user),
                error_messages={"required": "Choose the store.", "invalid_choice": "Choose one."},
            )

    @property
    def store(self) -> Store:
        found: Store = self.cleaned_data.get("store") or self.stores[0]
        return found

    @property
    def subject(self) -> Subject:
        return Subject(name=self.cleaned_data["name"], loss=self.cleaned_data["loss"])


class AddForm(forms.Form):
    """To which case something is added: one that is open, or a new one."""

    case = forms.ModelChoiceField(
        Case.objects.none(),
        required=False,
        empty_label="A new case",
        label="Case",
        error_messages={"invalid_choice": "Choose one of the cases that are open."},
    )
    name = forms.CharField(
        required=False,
        max_length=cases.MOST_NAME,
        label="Name of the new case",
        widget=forms.TextInput({"autocomplete": "off"}),
        help_text="Of the matter, and not of anybody who is seen. Only if it is a new case.",
        error_messages={"max_length": cases.LONG_NAME},
    )

    def __init__(self, sent: QueryDict | None, *, user: User, store: Store) -> None:
        super().__init__(sent)
        found = Case.objects.open_to(user).in_state(CaseState.OPEN).filter(store=store)
        latest = list(found.values_list("pk", flat=True)[:MOST_CASES])
        self.fields["case"].queryset = Case.objects.filter(pk__in=latest)  # type: ignore[attr-defined]


class NoteForm(forms.Form):
    text = forms.CharField(
        label="Note",
        widget=forms.Textarea({"rows": 3, "dir": "auto", "maxlength": MOST_NOTE}),
    )


class ExportForm(forms.Form):
    has_originals = forms.BooleanField(label="The original files", required=False, initial=True)
    is_blurred = forms.BooleanField(
        label="A copy of each event in which everybody else is blurred",
        required=False,
        initial=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """An event, or a stretch of a clip, in a case."""

    item: CaseItem  # of services.cases.items_of
    number: int  # in order of time
    latest: UUID | None  # of its clip's analyses
    notes: Sequence[CaseNote] = ()
    verdict_is_withheld: bool = False  # from who looks

    @property
    def name(self) -> str:
        if self.item.event:
            return f"Event {self.item.event.number}"
        return "A stretch" if self.item.start or self.item.end else "The whole clip"

    @property
    def stretch(self) -> str:
        item = self.item
        return from_to(item.start, item.clip.duration if item.end is None else item.end)

    @property
    def at(self) -> ClockTime | None:
        return clock_time(self.item.clip, self.item.start)

    @property
    def link(self) -> str:
        """Where it is to be seen; "" of a clip that nobody analyzed."""
        event = self.item.event
        if event is not None:
            return reverse("web:event", args=[event.analysis_id, event.number])
        if self.latest is None:
            return ""
        at = urlencode({AT: f"{self.item.start:.3f}"})
        return f"{reverse('web:result', args=[self.latest])}?{at}"

    @property
    def still(self) -> str:
        event = self.item.event
        if event is None:
            return ""
        return reverse("web:event-still", args=[event.analysis_id, event.number])


def rows_of(
    items: Sequence[CaseItem],
    notes: Mapping[int | None, Sequence[CaseNote]],
    *,
    first: int,
    user: User,
) -> list[ItemRow]:
    """Of some in order, which are numbered from `first` on; `notes` by the ids of their items.

    As `user` may see them.
    """
    withheld = second_opinions.withheld(user, [item.clip_id for item in items])
    of_clips = Analysis.objects.of_few([item.clip_id for item in items])
    latest = dict(of_clips.order_by("queued_at").values_list("clip", "pk"))
    return [
        ItemRow(
            item=item,
            number=number,
            latest=latest.get(item.clip_id),
            notes=notes.get(item.pk, ()),
            verdict_is_withheld=item.event_id in withheld,
        )
        for number, item in enumerate(items, first)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An item on the timeline."""

    number: int
    page: int
    x: float
    width: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A camera's part of the timeline."""

    name: str
    y: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Items over the cameras, by their clocks: what isn't known when it was is left out."""

    lanes: tuple[Lane, ...]
    start: ClockTime
    end: ClockTime
    untimed: int  # items that are left out

    width = WIDTH
    lane = LANE

    @property
    def height(self) -> int:
        return TOP + LANE * len(self.lanes)


def timeline_of(case: Case, items: Sequence[CaseItem], *, page_size: int) -> Timeline | None:
    """None if nothing is known of when it was. `items` are in order."""
    spans = [(number, item, *_when(item)) for number, item in enumerate(items, 1)]
    known = [(number, item, at, until) for number, item, at, until in spans if at and until]
    if not known:
        return None
    first, last = min(at for *_, at, _ in known), max(until for *_, until in known)
    scale = WIDTH / max((last - first).total_seconds(), 1.0)
    lanes: dict[str, list[Mark]] = {}
    for number, item, at, until in known:
        x = (at - first).total_seconds() * scale
        width = max((until - at).total_seconds() * scale, NARROWEST)
        lanes.setdefault(_camera(item.clip), []).append(
            Mark(
                number=number,
                page=(number - 1) // page_size + 1,
                x=round(min(x, WIDTH - width), 1),
                width=round(width, 1),
                label=f"{number}. {_camera(item.clip)}, {clock_time(item.clip, item.start)}",
            )
        )
    zone = ZoneInfo(case.store.time_zone)
    return Timeline(
        lanes=tuple(
            Lane(name=name, y=TOP + LANE * place, marks=tuple(marks))
            for place, (name, marks) in enumerate(sorted(lanes.items()))
        ),
        start=ClockTime(at=first.astimezone(zone)),
        end=ClockTime(at=last.astimezone(zone)),
        untimed=len(items) - len(known),
    )


def _when(item: CaseItem) -> tuple[datetime | None, datetime | None]:
    end = item.clip.duration if item.end is None else item.end
    return item.clip.moment_of(item.start), item.clip.moment_of(end)


def _camera(clip: Clip) -> str:
    return clip.camera.name if clip.camera else "No camera"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRow:
    """An export, in words."""

    export: CaseExport
    count: int  # of the case's events

    @property
    def label(self) -> str:
        label = _LOOKS[self.export.status][0]
        if self.export.status == Status.RUNNING:
            return f"{label}: {self.export.done} of {self.count}"
        return label

    @property
    def tone(self) -> str:
        return _LOOKS[self.export.status][1]

    @property
    def icon(self) -> str:
        return _LOOKS[self.export.status][2]

    @property
    def what(self) -> str:
        parts = ["report"]
        parts += ["original files"] * self.export.has_originals
        parts += ["blurred copies"] * self.export.is_blurred
        return ", ".join(parts).capitalize()

    @property
    def size(self) -> str:
        return "" if self.export.size_bytes is None else filesizeformat(self.export.size_bytes)

    @property
    def is_ready(self) -> bool:
        return self.export.status == Status.DONE

    @property
    def kept_until(self) -> datetime | None:
        return self.export.finished_at and self.export.finished_at + KEEP
