"""Pages of a long list, each found from the row where another one ends.

An offset has the database walk over all rows before the page, and a number of pages has it count
them all; both take seconds in a list of a hundred thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import BooleanField, F, Func, QuerySet, Value
from django.db.models.lookups import GreaterThan, LessThan
from django.http import QueryDict

AFTER, BEFORE = "after", "before"  # in the address, with the row that the page lies beyond
MOST_COUNTED = 1000

Place = tuple[Any, ...]  # of a row: what stands in each field of its order


class Part(NamedTuple):
    """Rows with this in the first field of an order; and perhaps with that in its second one."""

    value: Any
    second: Any = None
    is_not: bool = False  # but that
    unsorted: int = 0  # so many of the next fields are left out of its order, such as empty ones

    def of(self, rows: QuerySet[Any], fields: Sequence[str]) -> QuerySet[Any]:
        found = rows.filter(**{fields[0]: self.value})
        if self.second is None:
            return found
        narrow = found.exclude if self.is_not else found.filter
        return narrow(**{fields[1]: self.second})

    def has(self, place: Place) -> bool:
        is_it = self.second is None or (place[1] == self.second) != self.is_not
        return bool(place[0] == self.value and is_it)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """By which fields rows are sorted, all of them in one direction; the last one is unique.

    Rows in which the first field is empty come last, in whichever direction.
    """

    fields: tuple[str, ...]
    descending: bool = False
    may_be_empty: bool = False
    values: tuple[Any, ...] = ()  # of the first field, in their order, where no index has it
    parts: tuple[Part, ...] = ()  # the same by the first two fields

    def sections(self, rows: QuerySet[Any]) -> list[tuple[QuerySet[Any], Sequence[str]]]:
        """The rows one after the other, each section in the order of an index; and its fields.

        Databases put empty fields into indexes in ways of their own.
        """
        first, *rest = self.fields
        if self.parts:
            return [(each.of(rows, self.fields), rest[1 + each.unsorted :]) for each in self.parts]
        if self.values:
            return [(rows.filter(**{first: value}), rest) for value in self.values]
        if not self.may_be_empty:
            # Any name: it tells a database without statistics which index has the order.
            return [(rows.filter(**{f"{first}__gte": ""}) if "__" in first else rows, self.fields)]
        filled, empty = ({f"{first}__isnull": is_empty} for is_empty in (False, True))
        return [(rows.filter(**filled), self.fields), (rows.filter(**empty), rest)]

    def section_of(self, place: Place) -> int:
        """In which of the sections a row is."""
        if self.parts:
            return next((at for at, each in enumerate(self.parts) if each.has(place)), 0)
        if self.values:
            return self.values.index(place[0]) if place[0] in self.values else 0
        return int(self.may_be_empty and place[0] is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many rows there are, unless there are more than anybody needs to know exactly."""

    number: int
    is_more: bool = False

    def __str__(self) -> str:
        return f"{'More than ' if self.is_more else ''}{self.number:,}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows, and the rows beyond which the next and the previous page lie, if there are any."""

    rows: Sequence[Any]
    after: UUID | int | None = None
    before: UUID | int | None = None

    @property
    def has_others(self) -> bool:
        return bool(self.after or self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """The rows before and after one of a list, and the one after which a page with it begins."""

    previous: UUID | None = None
    following: UUID | None = None
    page_after: UUID | None = None


def near(rows: QuerySet[Any], order: Order, key: UUID, *, lead: int) -> Near:
    """So many rows stand above it on that page. The row itself may have left the list meanwhile."""
    start = _start(rows.model, order, str(key))
    if start is None:
        return Near()
    before = [each for each, *_ in _found(rows, order, start, most=lead + 1, backwards=True)]
    after = [each for each, *_ in _found(rows, order, start, most=1)]
    return Near(
        previous=before[0] if before else None,
        following=after[0] if after else None,
        page_after=before[lead] if len(before) > lead else None,
    )


def count(rows: QuerySet[Any]) -> Count:
    """In the usual order of the rows, in which an index leads to them."""
    found = rows[: MOST_COUNTED + 1].count()
    return Count(number=min(found, MOST_COUNTED), is_more=found > MOST_COUNTED)


def page(
    rows: QuerySet[Any], order: Order, asked: QueryDict, *, listed: QuerySet[Any], size: int
) -> Page:
    """The page that is asked for; the first one, if that begins at no row that is there.

    Finds its rows first, and reads then what `listed` has of them: in one query databases join
    what is shown to all that they sort.
    """
    start = _start(rows.model, order, asked.get(AFTER) or asked.get(BEFORE))
    backwards = start is not None and AFTER not in asked
    keys = [key for key, *_ in _found(rows, order, start, backwards=backwards, most=size + 1)]
    is_last, keys = len(keys) <= size, keys[:size]
    if backwards:
        keys.reverse()
    found = listed.in_bulk(keys)
    shown = [found[key] for key in keys if key in found]
    if not shown:
        return Page(rows=())
    on, back = (True, not is_last) if backwards else (not is_last, start is not None)
    return Page(
        rows=shown,
        after=shown[-1].pk if on else None,
        before=shown[0].pk if back else None,
    )


def walk(rows: QuerySet[Any], order: Order, *, size: int) -> Iterator[list[Any]]:
    """The keys of all rows in their order, `size` at a time, found as pages are.

    One query of all of them would sort first what no index has in that order, with all that is
    read of it; and a database keeps old rows as long as one goes on.
    """
    start: Place | None = None
    while found := _found(rows, order, start, most=size):
        yield [key for key, *_ in found]
        start = found[-1][1:]


def _start(model: Any, order: Order, marked: str | None) -> Place | None:
    try:
        key = model._meta.pk.to_python(marked or "")  # noqa: SLF001
    except ValidationError:
        return None
    place: Place | None = (
        model._default_manager.filter(pk=key).values_list(*order.fields).first()  # noqa: SLF001
    )
    return place


def _found(
    rows: QuerySet[Any], order: Order, start: Place | None, *, most: int, backwards: bool = False
) -> list[tuple[Any, ...]]:
    """Key and place of at most so many rows beyond `start`, in the direction that is asked for."""
    falling = order.descending != backwards
    sections = order.sections(rows)
    own = order.section_of(start) if start else 0
    found: list[tuple[Any, ...]] = []
    for number in range(own, -1, -1) if backwards else range(own, len(sections)):
        section, fields = sections[number]
        if start and number == own:
            section = section.filter(_beyond(section, fields, start, falling=falling))
        ordered = section.order_by(*(f"{'-' if falling else ''}{name}" for name in fields))
        found += ordered.values_list("pk", *order.fields)[: most - len(found)]
        if len(found) == most:
            break
    return found


class _Row(Func):
    """Fields to be compared together: the first that differs decides."""

    template = "(%(expressions)s)"
    output_field = BooleanField()  # never read


def _beyond(rows: QuerySet[Any], fields: Sequence[str], start: Place, *, falling: bool) -> Any:
    model = rows.model
    values = [
        Value(value, output_field=_field(model, name))
        for name, value in zip(fields, start[-len(fields) :], strict=True)
    ]
    compare = LessThan if falling else GreaterThan
    return compare(_Row(*map(F, fields)), _Row(*values))


def _field(model: Any, name: str) -> Any:
    *way, last = name.split("__")
    for step in way:
        model = model._meta.get_field(step).related_model  # noqa: SLF001
    return model._meta.get_field(last)  # noqa: SLF001
