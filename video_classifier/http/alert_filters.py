"""The filters of the log of alerts, read from the address."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from video_classifier.http.list_filters import ListFilter, day_filter, from_day, to_day
from video_classifier.http.paging import Order
from video_classifier.http.permissions import sees_several_stores
from video_classifier.http.row_choices import RowFilter
from video_classifier.models import Camera, Channel, Delivery, Store
from video_classifier.querysets import DeliveryQuerySet
from video_classifier.states import AlertKind, Status

ORDER = Order(fields=("created_at", "id"), descending=True)
DIGEST = "digest"  # as a kind; and in the address, with the key of one
STATES = (
    (Status.QUEUED, "Waiting"),
    (Status.RUNNING, "Being sent"),
    (Status.DONE, "Sent"),
    (Status.FAILED, "Failed"),
    (Status.CANCELLED, "Not sent by itself"),
)


def _channels(request: HttpRequest) -> QuerySet[Channel]:
    return Channel.objects.managed_by(request.user)


def _stores(request: HttpRequest) -> QuerySet[Store]:
    return Store.objects.managed_by(request.user)


def _cameras(request: HttpRequest) -> QuerySet[Camera]:
    return Camera.objects.visible_to(request.user)


class DeliveryFilter(ListFilter):
    """Of deliveries, digests among them."""

    each, all_of_them = "message", "messages"

    channel = RowFilter(queryset=_channels, empty_label="Any channel")
    state = django_filters.ChoiceFilter(
        field_name="status", label="State", choices=STATES, empty_label="Any state"
    )
    kind = django_filters.ChoiceFilter(
        method="filter_by_kind",
        label="Kind",
        choices=(*AlertKind.choices, (DIGEST, "Digest")),
        empty_label="Any kind",
    )
    store = RowFilter(
        field_name="alert__store", queryset=_stores, label="Store", empty_label="Any store"
    )
    since = day_filter("From", "filter_since")
    until = day_filter("To", "filter_until")
    # Pages lead to these.
    camera = RowFilter(
        field_name="alert__camera", queryset=_cameras, label="Camera", widget=forms.HiddenInput
    )
    digest = django_filters.UUIDFilter(
        method="filter_by_digest", label="Digest", widget=forms.HiddenInput
    )

    class Meta:
        model = Delivery
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, request=request, **kwargs)
        if not sees_several_stores(request.user):
            self.filters["store"].extra["widget"] = forms.HiddenInput

    def shown(self, name: str, value: object) -> str:
        return "one, and what is in it" if isinstance(value, UUID) else super().shown(name, value)

    def filter_by_kind(self, rows: DeliveryQuerySet, _: str, value: str) -> DeliveryQuerySet:
        return rows.digests() if value == DIGEST else rows.filter(alert__kind=value)

    def filter_by_digest(self, rows: DeliveryQuerySet, _: str, value: UUID) -> DeliveryQuerySet:
        """It and what is in it."""
        return rows.filter(Q(pk=value) | Q(digest=value))

    def filter_since(self, rows: DeliveryQuerySet, _: str, value: date) -> QuerySet[Any]:
        return from_day(rows, "created_at", value)

    def filter_until(self, rows: DeliveryQuerySet, _: str, value: date) -> QuerySet[Any]:
        return to_day(rows, "created_at", value)

    def rows(self) -> DeliveryQuerySet:
        """In no order yet."""
        found: DeliveryQuerySet = self.queryset
        if self.invalid():
            return found.none()
        for name, value in self.form.cleaned_data.items():
            found = self.filters[name].filter(found, value)
        return found
