"""The filters of the history, read from the address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import django_filters
from django import forms
from django.contrib.auth.models import User
from django.db.models import F, Model, OrderBy, QuerySet
from django.http import HttpRequest

from video_classifier.models import Analysis, Camera, Clip, Store
from video_classifier.states import Prediction, Status
from video_classifier.web.permissions import sees_several_stores

HINTS = {"yes": Prediction.HINT, "no": Prediction.NO_HINT, "none": Prediction.NO_RESULT}
PAGING = "page"
SORT = "sort"
TEXT = "text"
BACKWARDS = "“From” is later than “To”: no day lies between them. Change one of the two."
NO_MATCH = "No result matches these filters."
UPLOADER = "clip__uploaded_by__username"
MAY_BE_EMPTY = {"score", UPLOADER}  # columns to sort by


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
    """Sorts, and keeps rows that sort alike in one order, so that no page repeats another's.

    Rows without a value come last either way, whatever the database does by itself.
    """

    def get_ordering_value(self, param: str) -> str | OrderBy:
        order: str = super().get_ordering_value(param)
        name = order.removeprefix("-")
        if name not in MAY_BE_EMPTY:  # and an index may serve
            return order
        return OrderBy(F(name), descending=order != name, nulls_last=True)

    def filter(self, qs: QuerySet[Any], value: list[str]) -> QuerySet[Any]:
        ordered: QuerySet[Any] = super().filter(qs, value)
        return ordered.order_by(*ordered.query.order_by, "pk")


def _uploaders(request: HttpRequest) -> QuerySet[User]:
    clips = Clip.objects.visible_to(request.user).kept()
    return User.objects.filter(clips__in=clips).distinct().order_by("username")


def _stores(request: HttpRequest) -> QuerySet[Store]:
    return Store.objects.visible_to(request.user)


def _cameras(request: HttpRequest) -> QuerySet[Camera]:
    return Camera.objects.visible_to(request.user).select_related("store")


def _in_its_store(camera: Camera) -> str:
    """The camera first: a narrow list cuts the rest."""
    return f"{camera} ({camera.store})"


def _noted(value: object) -> str:
    if isinstance(value, Model):
        return str(value.pk)
    return ",".join(value) if isinstance(value, list) else str(value)


class HistoryFilter(django_filters.FilterSet):  # type: ignore[misc]  # untyped
    """A field that makes no sense finds nothing: it must not pass for everything."""

    text = django_filters.CharFilter(
        field_name="clip__name",
        lookup_expr="icontains",
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
        field_name="clip__store", queryset=_stores, label="Store", empty_label="Any store"
    )
    camera = django_filters.ModelChoiceFilter(
        field_name="clip__camera", queryset=_cameras, label="Camera", empty_label="Any camera"
    )
    uploader = django_filters.ModelChoiceFilter(
        field_name="clip__uploaded_by", queryset=_uploaders, label="Uploader", empty_label="Anyone"
    )
    since = django_filters.DateFilter(
        field_name="queued_at",
        lookup_expr="date__gte",
        label="From",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = django_filters.DateFilter(
        field_name="queued_at",
        lookup_expr="date__lte",
        label="To",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    sort = SortFilter(
        fields=(
            ("queued_at", "added"),
            ("clip__name", "clip"),
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
        models = Analysis.objects.visible_to(request.user).kept().order_by("model")
        names = models.values_list("model", flat=True).distinct()
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

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.invalid():
            return queryset.none()
        found: QuerySet[Any] = super().filter_queryset(queryset)
        return found

    def chips(self) -> Iterator[Chip]:
        """The filters in force, each with the address that does without it."""
        values = self.form.cleaned_data | dict.fromkeys(self.invalid(), "not valid")
        for name, value in values.items():
            if name == SORT or value in (None, ""):
                continue
            rest = self.data.copy()
            rest.pop(name)
            rest.pop(PAGING, None)
            field = self.form.fields[name]
            shown = dict(getattr(field, "choices", ())).get(value, value)
            yield Chip(
                label=str(field.label), value=str(shown), address_without=f"?{rest.urlencode()}"
            )
