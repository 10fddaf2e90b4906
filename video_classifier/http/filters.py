"""The filters of the history, read from the address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.contrib.auth.models import User
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from video_classifier.http.paging import AFTER, BEFORE, Order
from video_classifier.http.permissions import sees_several_stores
from video_classifier.models import Analysis, Camera, Clip, Store
from video_classifier.querysets import AnalysisQuerySet, ClipQuerySet
from video_classifier.services import catalog
from video_classifier.states import Prediction, Status

HINTS = {"yes": Prediction.HINT, "no": Prediction.NO_HINT, "none": Prediction.NO_RESULT}
PAGING = (AFTER, BEFORE)  # of the address: not for another list
NEWEST = "-queued_at"
SORT = "sort"
TEXT = "text"
STORE = "store"  # of clips, and of analyses
BACKWARDS = "“From” is later than “To”: no day lies between them. Change one of the two."
NO_MATCH = "No result matches these filters."
UPLOADER = "clip__uploaded_by__username"
NAME = "clip__name"
OF_CLIPS = (TEXT, STORE, "camera", "uploader")
SELECTIVE = (TEXT, "camera", "uploader")  # of these: what may leave few clips
A_FEW, MANY = 1000, 10_000  # clips


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A filter that is in force, and the address without it."""

    label: str
    value: str
    address_without: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Why filters leave no row."""

    title: str
    text: str


class SortFilter(django_filters.OrderingFilter):  # type: ignore[misc]  # untyped
    """Filters nothing, and says in which order rows are found."""

    def order(self, value: list[str] | None) -> Order:
        """Rows that sort alike are in order of time, and the whole list can be turned round."""
        name = self.get_ordering_value(value[0]) if value else NEWEST
        field, is_turned = name.removeprefix("-"), name.startswith("-")
        rest = tuple(each for each in ("queued_at", "id") if each != field)
        if field == UPLOADER:
            known = list(_uploaders(self.parent.request).values_list("pk", flat=True))
            values = (*(reversed(known) if is_turned else known), None)
            key = field.removesuffix("__username")
            return Order(fields=(key, *rest), descending=is_turned, values=values)
        if field == "score":
            return Order(fields=(field, *rest), descending=is_turned, may_be_empty=True)
        return Order(fields=(field, *rest), descending=is_turned)


def _uploaders(request: HttpRequest) -> QuerySet[User]:
    own = Clip.objects.visible_to(request.user).kept().filter(uploaded_by=OuterRef("pk"))
    return User.objects.filter(Exists(own)).order_by("username")


def _stores(request: HttpRequest) -> QuerySet[Store]:
    return Store.objects.visible_to(request.user)


def _cameras(request: HttpRequest) -> QuerySet[Camera]:
    return Camera.objects.visible_to(request.user).select_related("store")


def _in_its_store(camera: Camera) -> str:
    """The camera first: a narrow list cuts the rest."""
    return f"{camera} ({camera.store})"


def _midnight(day: date) -> datetime:
    """At which it begins here. A comparison of days would have each row's worked out."""
    return timezone.make_aware(datetime.combine(day, time.min))


def _noted(value: object) -> str:
    if isinstance(value, Model):
        return str(value.pk)
    return ",".join(value) if isinstance(value, list) else str(value)


class HistoryFilter(django_filters.FilterSet):  # type: ignore[misc]  # untyped
    """A field that makes no sense finds nothing: it must not pass for everything."""

    text = django_filters.CharFilter(
        method="filter_by_name",
        label="Clip name contains",
        max_length=200,
        widget=forms.SearchInput(attrs={"placeholder": "Clip name"}),
    )
    hint = django_filters.ChoiceFilter(
        method="filter_by_hint",
        label="Result",
        choices=[(word, prediction.label) for word, prediction in HINTS.items()],
        empty_label="Any result",
    )
    # Of old addresses, perhaps in a bookmark: any value is invalid.
    verdict = django_filters.ChoiceFilter(choices=(), label="Verdict", widget=forms.HiddenInput)
    status = django_filters.ChoiceFilter(choices=Status.choices, empty_label="Any status")
    model = django_filters.ChoiceFilter(choices=(), empty_label="Any model")
    store = django_filters.ModelChoiceFilter(
        field_name="store", queryset=_stores, label="Store", empty_label="Any store"
    )
    camera = django_filters.ModelChoiceFilter(
        field_name="camera", queryset=_cameras, label="Camera", empty_label="Any camera"
    )
    uploader = django_filters.ModelChoiceFilter(
        field_name="uploaded_by", queryset=_uploaders, label="Uploader", empty_label="Anyone"
    )
    since = django_filters.DateFilter(
        method="filter_since",
        label="From",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = django_filters.DateFilter(
        method="filter_until",
        label="To",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    sort = SortFilter(
        fields=(
            ("queued_at", "added"),
            (NAME, "clip"),
            ("prediction", "hint"),
            ("score", "score"),
            ("model", "model"),
            (UPLOADER, "uploader"),
        ),
        widget=forms.HiddenInput,
    )

    class Meta:
        model = Analysis
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        """Offers what `request.user` can see, and where there is a choice."""
        super().__init__(*args, request=request, **kwargs)
        visible = Analysis.objects.visible_to(request.user).kept()
        names = visible.models(public=catalog.names())
        self.filters["model"].extra["choices"] = [(name, name) for name in names]
        self.several_stores = sees_several_stores(request.user)
        if not self.several_stores:
            self.filters["store"].extra["widget"] = forms.HiddenInput
        if not _cameras(request).exists():
            self.filters["camera"].extra["widget"] = forms.HiddenInput
        elif self.several_stores:
            self.form.fields["camera"].label_from_instance = _in_its_store

    def choices_made(self) -> dict[str, str]:
        """The filters in force, as the audit log notes them: what was typed may be a name."""
        made = {name: value for name, value in self.form.cleaned_data.items() if value}
        return {name: "typed" if name == TEXT else _noted(value) for name, value in made.items()}

    def filter_by_name(self, clips: ClipQuerySet, _: str, part: str) -> ClipQuerySet:
        return clips.named(part)

    def filter_by_hint(self, queryset: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        return queryset.filter(prediction=HINTS[value])

    def invalid(self) -> list[str]:
        """The names of fields with an invalid value; an invalid order hides nothing."""
        return [name for name in self.form.errors if name != SORT]

    def invalid_message(self) -> str:
        labels = [str(self.form.fields[name].label) for name in self.invalid()]
        if len(labels) == 1:
            return f"This filter is not valid: {labels[0]}. Clear it to see all results."
        return f"These filters are not valid: {', '.join(labels)}. Clear them to see all results."

    def is_backwards(self) -> bool:
        """Whether it asks for days that end before they begin."""
        since, until = map(self.form.cleaned_data.get, ("since", "until"))
        return bool(since and until and since > until)

    def nothing(self) -> Nothing | None:
        """What to say where no row is left; None if no filter is in force."""
        if self.invalid():
            return Nothing(title="Nothing is shown", text=self.invalid_message())
        if self.is_backwards():
            return Nothing(title="Nothing matches", text=BACKWARDS)
        if any(self.chips()):
            return Nothing(title="Nothing matches", text=NO_MATCH)
        return None

    def filter_since(self, queryset: QuerySet[Any], _: str, value: date) -> QuerySet[Any]:
        return queryset.filter(queued_at__gte=_midnight(value))

    def filter_until(self, queryset: QuerySet[Any], _: str, value: date) -> QuerySet[Any]:
        if value == date.max:
            return queryset
        return queryset.filter(queued_at__lt=_midnight(value + timedelta(days=1)))

    @property
    def order(self) -> Order:
        chosen = None if SORT in self.form.errors else self.form.cleaned_data.get(SORT)
        order: Order = self.filters[SORT].order(chosen)
        return order

    def rows(self) -> AnalysisQuerySet:
        """In no order yet."""
        if self.invalid():
            return Analysis.objects.visible_to(self.request.user).none()
        clips = Clip.objects.visible_to(self.request.user).kept()
        for name in OF_CLIPS:
            clips = self.filters[name].filter(clips, self.form.cleaned_data[name])
        found = self._of(clips)
        for name in self.filters.keys() - {*OF_CLIPS, SORT} | {STORE}:
            found = self.filters[name].filter(found, self.form.cleaned_data[name])
        if self.order.fields[0] == NAME:  # by an index of clips, which has their store
            of_it = _stores(self.request).order_by().filter(pk=OuterRef("clip__store"))
            found = found.filter(Exists(of_it))
        return found

    def _of(self, clips: ClipQuerySet) -> AnalysisQuerySet:
        """By way of the clips where these are few; of many by way of the analyses, in their order.

        What is quick with many is slow with few, and no database knows how many bear a name.
        """
        visible = Analysis.objects.visible_to(self.request.user)
        if not any(self.form.cleaned_data[name] for name in SELECTIVE):
            return visible.of(clips)
        keys = clips.order_by().values_list("pk", flat=True)
        if self.form.cleaned_data[TEXT]:  # no index leads to these: they are looked for once
            found = list(keys[: A_FEW + 1])
            if len(found) <= A_FEW:
                return visible.of_few(found)
        return visible.of(clips) if keys[MANY:].exists() else visible.of_few(clips.order_by())

    def chips(self) -> Iterator[Chip]:
        """The filters in force, each with the address that does without it."""
        values = self.form.cleaned_data | dict.fromkeys(self.invalid(), "not valid")
        for name, value in values.items():
            if name == SORT or value in (None, ""):
                continue
            rest = self.data.copy()
            rest.pop(name)
            for mark in PAGING:
                rest.pop(mark, None)
            field = self.form.fields[name]
            shown = dict(getattr(field, "choices", ())).get(value, value)
            yield Chip(
                label=str(field.label), value=str(shown), address_without=f"?{rest.urlencode()}"
            )
