"""What the filters of long lists have in common, read from the address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from video_classifier.http.paging import AFTER, BEFORE

PAGING = (AFTER, BEFORE)  # of the address: not for another list
BACKWARDS = "“From” is later than “To”: no day lies between them. Change one of the two."
NO_MATCH = "No {} matches these filters."


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


class ListFilter(django_filters.FilterSet):  # type: ignore[misc]  # untyped
    """Of a long list. A field that makes no sense finds nothing: it must not pass for everything.

    `each` and `all_of_them` say what is in the list.
    """

    each, all_of_them = "result", "results"
    harmless: tuple[str, ...] = ()  # fields that hide nothing, whatever their value

    def invalid(self) -> list[str]:
        """The names of fields with an invalid value that would hide rows."""
        return [name for name in self.form.errors if name not in self.harmless]

    def invalid_message(self) -> str:
        labels = [str(self.form.fields[name].label) for name in self.invalid()]
        if len(labels) == 1:
            return f"This filter is not valid: {labels[0]}. Clear it to see all {self.all_of_them}."
        return (
            f"These filters are not valid: {', '.join(labels)}. Clear them to see all "
            f"{self.all_of_them}."
        )

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
            return Nothing(title="Nothing matches", text=NO_MATCH.format(self.each))
        return None

    def chips(self) -> Iterator[Chip]:
        """The filters in force, each with the address that does without it."""
        values = self.form.cleaned_data | dict.fromkeys(self.invalid(), "not valid")
        for name, value in values.items():
            if name in self.harmless or value in (None, ""):
                continue
            rest = self.data.copy()
            rest.pop(name)
            for mark in PAGING:
                rest.pop(mark, None)
            yield Chip(
                label=str(self.form.fields[name].label),
                value=self.shown(name, value),
                address_without=f"?{rest.urlencode()}",
            )

    def shown(self, name: str, value: object) -> str:
        """A value in words."""
        choices = getattr(self.form.fields[name], "choices", ())
        return str(dict(choices).get(value, value))


def day_filter(label: str, method: str) -> django_filters.DateFilter:
    return django_filters.DateFilter(
        method=method,
        label=label,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


def from_day(rows: QuerySet[Any], field: str, day: date) -> QuerySet[Any]:
    return rows.filter(**{f"{field}__gte": _midnight(day)})


def to_day(rows: QuerySet[Any], field: str, day: date) -> QuerySet[Any]:
    """That day is the last."""
    if day == date.max:
        return rows
    return rows.filter(**{f"{field}__lt": _midnight(day + timedelta(days=1))})


def _midnight(day: date) -> datetime:
    """At which it begins here. A comparison of days would have each row's worked out."""
    return timezone.make_aware(datetime.combine(day, time.min))
