"""The filters of the audit log, read from the address."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

from video_classifier.http.list_filters import ListFilter, day_filter, from_day, to_day
from video_classifier.http.paging import Order
from video_classifier.http.row_choices import RowFilter
from video_classifier.models import Analysis, AuditEntry, Clip, Store
from video_classifier.querysets import AuditEntryQuerySet
from video_classifier.states import Action

ORDER = Order(fields=("at", "id"), descending=True)


def _people(request: HttpRequest) -> QuerySet[User]:
    """Those of the stores that are managed; a superuser finds everybody."""
    everybody = User.objects.order_by("username")
    if request.user.is_superuser:
        return everybody
    managed = Store.objects.managed_by(request.user)
    return everybody.filter(pk__in=User.objects.filter(memberships__store__in=managed))


def _stores(request: HttpRequest) -> QuerySet[Store]:
    return Store.objects.managed_by(request.user)


class AuditFilter(ListFilter):
    """Of entries of the audit log."""

    each, all_of_them = "entry", "entries"

    person = RowFilter(
        queryset=_people,
        method="filter_by_key",
        field_name="actor",
        label="Person",
        empty_label="Anybody",
    )
    action = django_filters.ChoiceFilter(
        label="Action", choices=Action.choices, empty_label="Any action"
    )
    store = RowFilter(
        queryset=_stores, method="filter_by_key", label="Store", empty_label="Any store"
    )
    since = day_filter("From", "filter_since")
    until = day_filter("To", "filter_until")
    # Pages lead to these.
    clip = django_filters.UUIDFilter(
        method="filter_by_clip", label="Clip", widget=forms.HiddenInput
    )
    about = django_filters.CharFilter(
        field_name="object_id", label="About", widget=forms.HiddenInput, max_length=36
    )

    class Meta:
        model = AuditEntry
        fields: tuple[str, ...] = ()

    def filter_by_key(self, rows: AuditEntryQuerySet, name: str, value: Any) -> QuerySet[Any]:
        return rows.filter(**{name: value.pk})

    def filter_by_clip(self, rows: AuditEntryQuerySet, _: str, value: UUID) -> QuerySet[Any]:
        """What was done with its file, its results and their events."""
        analyses = Analysis.objects.filter(clip=value).values_list("pk", flat=True)
        return rows.filter(object_id__in=[str(value), *map(str, analyses)])

    def filter_since(self, rows: AuditEntryQuerySet, _: str, value: date) -> QuerySet[Any]:
        return from_day(rows, "at", value)

    def filter_until(self, rows: AuditEntryQuerySet, _: str, value: date) -> QuerySet[Any]:
        return to_day(rows, "at", value)

    def shown(self, name: str, value: object) -> str:
        """Of a clip its name, as long as it is there to be seen."""
        if name != "clip" or not isinstance(value, UUID):
            return super().shown(name, value)
        visible = Clip.objects.visible_to(self.request.user).kept()
        found = visible.filter(pk=value).values_list("name", flat=True).first()
        return found or str(value)

    def rows(self) -> AuditEntryQuerySet:
        """In no order yet."""
        found: AuditEntryQuerySet = self.queryset
        if self.invalid():
            return found.none()
        for name, value in self.form.cleaned_data.items():
            found = self.filters[name].filter(found, value)
        return found

    def choices_made(self) -> dict[str, str]:
        """For the audit log: what was asked for, by keys."""
        made = self.form.cleaned_data.items()
        return {
            name: str(getattr(value, "pk", value))
            for name, value in made
            if value not in (None, "")
        }
