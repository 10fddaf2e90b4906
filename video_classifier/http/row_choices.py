"""Fields whose choices are rows of which there are few: they are read once, for all uses.

Django's own asks for the chosen row, for all of them each time that they are listed, and for
whether there is any.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import ModelChoiceIterator


class _Rows(ModelChoiceIterator):  # type: ignore[type-arg]
    """Of a queryset that keeps what it has read."""

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        if self.field.empty_label is not None:
            yield "", self.field.empty_label
        yield from map(self.choice, self.queryset)

    def __len__(self) -> int:
        return len(self.queryset) + (self.field.empty_label is not None)


class RowChoiceField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """`queryset`, once it was looked through, has its rows."""

    iterator = _Rows

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        rows: Any = self.queryset
        try:
            key = rows.model._meta.pk.to_python(value)  # noqa: SLF001
        except ValidationError:
            key = None
        for row in rows:
            if row.pk == key:
                return row
        raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")


class RowFilter(django_filters.ModelChoiceFilter):  # type: ignore[misc]  # untyped
    field_class = RowChoiceField
