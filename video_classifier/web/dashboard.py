"""What the dashboard says: its filters, its tables and its drawings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import dateformat
from django.utils.http import urlencode

from video_classifier.http.permissions import sees_several_stores
from video_classifier.http.row_choices import RowChoiceField
from video_classifier.models import Analysis, Camera, Store
from video_classifier.querysets import Visitor
from video_classifier.services import catalog
from video_classifier.services.dashboard import Board, Cell, Filters, Measured
from video_classifier.services.figures import Figures, Proportion
from video_classifier.services.periods import DAYS, WEEKS, YEAR, Span
from video_classifier.web.times import in_words

HOUR = 3600  # seconds
UNKNOWN = "-"
NO_CAMERA = "No camera named"
NO_MODEL = "No model named"
MOST_ROWS = 100  # of a table; the CSV has all
SPANS: dict[str, tuple[str, Span]] = {
    "weeks": ("12 weeks", WEEKS),
    "days": ("14 days", DAYS),
    "year": ("52 weeks", YEAR),
}


class DashboardForm(forms.Form):
    """What of all that somebody sees is counted."""

    span = forms.ChoiceField(
        label="Time",
        required=False,
        choices=[(name, f"Last {words}") for name, (words, _) in SPANS.items()],
    )
    store = RowChoiceField(Store.objects.none(), required=False, empty_label="Any store")
    camera = RowChoiceField(Camera.objects.none(), required=False, empty_label="Any camera")
    model = forms.ChoiceField(required=False)

    def __init__(self, data: Any, *, user: Visitor) -> None:
        super().__init__(data)
        names = Analysis.objects.visible_to(user).kept().models(public=catalog.names())
        cameras = Camera.objects.visible_to(user).select_related("store")
        self._offer("model", choices=[("", "Any model"), *((name, name) for name in names)])
        self._offer("store", queryset=Store.objects.visible_to(user))
        self._offer("camera", queryset=cameras)
        if not sees_several_stores(user):
            self.fields["store"].widget = forms.HiddenInput()
        if not self._rows("camera"):
            self.fields["camera"].widget = forms.HiddenInput()

    def _rows(self, name: str) -> QuerySet[Any]:
        fields: dict[str, Any] = self.fields
        rows: QuerySet[Any] = fields[name].queryset
        return rows

    def _offer(self, name: str, **choices: Any) -> None:
        for attribute, found in choices.items():
            setattr(self.fields[name], attribute, found)

    @property
    def span_name(self) -> str:
        return self.cleaned_data.get("span") or next(iter(SPANS))

    @property
    def filters(self) -> Filters:
        """Of a form that is valid."""
        store, camera = self.cleaned_data["store"], self.cleaned_data["camera"]
        return Filters(
            store=store and store.pk,
            camera=camera and camera.pk,
            model=self.cleaned_data["model"] or None,
        )

    @property
    def store_names(self) -> dict[Any, str]:
        return {each.pk: each.name for each in self._rows("store")}

    def camera_names(self, board: Board) -> dict[Any, str]:
        """With the store, where the board has several."""
        several = len({cell.store for cell in board.cells}) > 1
        names = {
            each.pk: f"{each.name} ({each.store.name})" if several else each.name
            for each in self._rows("camera")
        }
        return {None: NO_CAMERA} | names

    @property
    def problem(self) -> str:
        labels = ", ".join(str(self.fields[name].label or name).lower() for name in self.errors)
        return f"These filters are not valid: {labels}. Clear them to see all figures."


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a table, in words. What is not known is a dash and no zero."""

    name: str
    figures: Figures
    address: str = ""  # of the dashboard with this alone
    day: str = ""  # of a day or week, below a drawing

    @property
    def cells(self) -> list[tuple[str, str]]:
        """Each with the head of its column."""
        return [(head, cell(self.figures)) for head, cell in COLUMNS.items()]


def _count(of: Callable[[Figures], int]) -> Callable[[Figures], str]:
    return lambda figures: UNKNOWN if figures.is_empty else f"{of(figures):,}"


def percent(share: Proportion) -> str:
    """ "73 % (52 to 87 %)"."""
    return f"{100 * share.value:.0f} % ({100 * share.low:.0f} to {100 * share.high:.0f} %)"


def hours(figures: Figures) -> str:
    return UNKNOWN if not figures.clips else f"{figures.seconds / HOUR:,.1f}"


def precision(figures: Figures) -> str:
    return percent(figures.precision) if figures.precision else UNKNOWN


def _wait(figures: Figures) -> str:
    return UNKNOWN if figures.wait is None else in_words(figures.wait)


COLUMNS: dict[str, Callable[[Figures], str]] = {
    "False a camera-day": lambda figures: figures.false_rate_in_words or UNKNOWN,
    "Clips": _count(lambda figures: figures.clips),
    "Hours": hours,
    "Hints": _count(lambda figures: figures.hints),
    "Confirmed": _count(lambda figures: figures.confirmed),
    "False alarms": _count(lambda figures: figures.false_alarms),
    "Unclear": _count(lambda figures: figures.unsure + figures.disputed),
    "No answer": _count(lambda figures: figures.unanswered),
    "Precision": precision,
    "Uncertain": _count(lambda figures: figures.uncertain),
    "Missed": _count(lambda figures: figures.missed),
    "Answered after": _wait,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRow:
    """How far people agree and what the model misses, in words; "" of what isn't known."""

    measured: Measured

    @property
    def agreement(self) -> str:
        """ "0.62 (0.41 to 0.78)"."""
        found = self.measured.kappa
        return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})" if found else ""

    @property
    def agreed(self) -> str:
        found = self.measured.kappa
        return f"{found.agreed:,} of {found.pairs:,} pairs of answers are the same" if found else ""

    @property
    def misses(self) -> str:
        found = self.measured.misses
        return percent(found) if found else ""

    @property
    def missed(self) -> str:
        found = self.measured.misses
        return f"{found.count:,} of {found.of:,} ordinary stretches" if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Of figures by one thing."""

    slug: str
    title: str
    first: str  # the head of its first column
    rows: Sequence[Row]
    left_out: int = 0

    @property
    def heads(self) -> list[str]:
        return list(COLUMNS)


def by_time(board: Board) -> list[Row]:
    """The oldest first, also those without a clip."""
    found = board.by(lambda cell: cell.start)
    return [
        Row(
            name=dateformat.format(start, "j M Y"),
            day=dateformat.format(start, "j M"),
            figures=found.get(start, Figures()),
        )
        for start in board.starts
    ]


def tables(board: Board, form: DashboardForm) -> list[Table]:
    """By whatever there are several of."""
    chosen, span_name = form.filters, form.span_name
    names = form.camera_names(board)
    cameras = _by(board, "camera", names, lambda cell: cell.camera, span_name)
    stores = _by(board, "store", form.store_names, lambda cell: cell.store, span_name)
    models = _by(board, "model", {"": NO_MODEL}, lambda cell: cell.model, span_name)
    found = [
        ("store", "By store", "Store", stores),
        ("camera", "By camera", "Camera", cameras),
        ("model", "By model", "Model", models),
    ]
    return [
        Table(
            slug=slug,
            title=title,
            first=first,
            rows=rows[:MOST_ROWS],
            left_out=max(len(rows) - MOST_ROWS, 0),
        )
        for slug, title, first, rows in found
        if len(rows) > 1 or (rows and getattr(chosen, slug) is not None)
    ]


def by_time_table(rows: Iterable[Row], span: Span) -> Table:
    """The newest first."""
    unit = "week" if span.is_of_weeks else "day"
    head = "Week from" if span.is_of_weeks else "Day"
    return Table(slug="time", title=f"By {unit}", first=head, rows=list(rows)[::-1])


def _by(
    board: Board,
    name: str,
    names: dict[Any, str],
    group: Callable[[Cell], Any],
    span_name: str,
) -> list[Row]:
    """Those with the most hints first."""
    rows = [
        Row(
            name=names.get(key, str(key)),
            figures=figures,
            address=_address(span_name, **{name: key}) if key else "",
        )
        for key, figures in board.by(group).items()
    ]
    return sorted(rows, key=lambda row: (-row.figures.hints, -row.figures.clips, row.name))


def _address(span_name: str, **chosen: str | int) -> str:
    return f"{reverse('web:dashboard')}?{urlencode({'span': span_name, **chosen})}"
