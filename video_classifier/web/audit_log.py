"""What the page of the audit log says of each entry: names of what is still there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from video_classifier.models import (
    Activation,
    Analysis,
    AuditEntry,
    Camera,
    Case,
    CaseExport,
    Clip,
    Store,
)
from video_classifier.querysets import AuditEntryQuerySet, Visitor
from video_classifier.services import audit
from video_classifier.services.spreadsheets import Cell, Table

HEAD = ("entry", "at", "action", "account", "person", "kind", "about", "store", "details")
NOBODY = "The site, or a stranger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What an entry is about, as far as who looks may know."""

    name: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    entry: AuditEntry
    person: str
    thing: Thing | None
    store: str
    why: str = ""  # of a decision on a version, in the manager's words

    @property
    def details(self) -> str:
        found = {**self.entry.details, "why": self.why or None}.items()
        return "; ".join(
            f"{name.replace('_', ' ')}: {value}" for name, value in found if value is not None
        )

    @property
    def kind(self) -> str:
        return str(self.entry.object_type).replace("_", " ")


def rows(entries: Sequence[AuditEntry], user: Visitor) -> list[EntryRow]:
    """In as many queries as there are kinds of things."""
    people = User.objects.in_bulk({each.actor for each in entries if each.actor})
    stores = Store.objects.visible_to(user).in_bulk({each.store for each in entries if each.store})
    things = _things(entries, user)
    reasons = _reasons(entries, stores)
    return [
        EntryRow(
            entry=each,
            person=_person(each.actor, people),
            thing=things.get((each.object_type, each.object_id)),
            store=str(stores.get(each.store, "")) if each.store else "",
            why=reasons.get(each.details.get("decision"), ""),
        )
        for each in entries
    ]


def _reasons(entries: Iterable[AuditEntry], stores: Collection[int]) -> dict[object, str]:
    """Of decisions of these stores, by their keys. Entries have none: they hold nobody's words."""
    keys = [key for each in entries if (key := each.details.get("decision"))]
    if not keys:
        return {}
    of_stores = Activation.objects.filter(pk__in=keys, store__in=list(stores))
    return dict(of_stores.values_list("pk", "why"))


def _person(key: int | None, people: dict[int, User]) -> str:
    if key is None:
        return NOBODY
    return people[key].get_username() if key in people else f"Deleted account {key}"


def _things(entries: Iterable[AuditEntry], user: Visitor) -> dict[tuple[str, str], Thing]:
    keys: dict[str, set[str]] = defaultdict(set)
    for each in entries:
        keys[each.object_type].add(each.object_id)
    return {
        (kind, str(row.pk)): thing_of(row)
        for kind, (rows, thing_of) in _kinds(user).items()
        for row in _with_keys(rows, keys[kind])
    }


def _kinds(user: Visitor) -> dict[str, tuple[Any, Callable[[Any], Thing]]]:
    """The rows of each kind that `user` may see, and what is said of one."""
    results = Analysis.objects.visible_to(user).kept().select_related("clip")
    exports = CaseExport.objects.open_to(user).select_related("case")
    return {
        audit.RESULT: (results, _result),
        audit.EVENT: (results, _result),
        audit.CLIP: (Clip.objects.visible_to(user).kept(), _named),
        audit.CAMERA: (Camera.objects.visible_to(user), _named),
        audit.CASE: (Case.objects.open_to(user), _case),
        audit.CASE_EXPORT: (exports, lambda row: _case(row.case)),
        audit.USER: (User.objects.all(), lambda row: Thing(name=row.get_username())),
        audit.STORE: (Store.objects.visible_to(user), _store),
    }


def _named(row: Any) -> Thing:
    return Thing(name=row.name)


def _result(row: Analysis) -> Thing:
    return Thing(name=row.clip.name, address=row.get_absolute_url())


def _case(row: Case) -> Thing:
    return Thing(name=row.name, address=reverse("web:case", args=[row.pk]))


def _store(row: Store) -> Thing:
    return Thing(name=row.name, address=reverse("web:retention", args=[row.pk]))


def _with_keys(rows: Any, keys: set[str]) -> Iterator[Any]:
    """What is no key at all is left out."""
    made = []
    for key in keys:
        try:
            made.append(rows.model._meta.pk.to_python(key))  # noqa: SLF001
        except ValidationError:
            continue
    if made:
        yield from rows.filter(pk__in=made)


def table(found: AuditEntryQuerySet, keys: Iterable[list[int]]) -> Table:
    """For spreadsheets, some rows in memory at a time."""
    return Table(name="Audit log", head=HEAD, rows=_lines(found, keys))


def _lines(found: AuditEntryQuerySet, keys: Iterable[list[int]]) -> Iterator[Sequence[Cell]]:
    for some in keys:
        entries = found.in_bulk(some)
        people = User.objects.in_bulk({each.actor for each in entries.values() if each.actor})
        for key in some:
            if entry := entries.get(key):
                yield _line(entry, people)


def _line(entry: AuditEntry, people: dict[int, User]) -> Sequence[Cell]:
    details = "; ".join(f"{name}={value}" for name, value in sorted(entry.details.items()))
    return (
        entry.pk,
        timezone.localtime(entry.at).isoformat(timespec="seconds"),
        entry.action,
        entry.actor,
        people[entry.actor].get_username() if entry.actor in people else "",
        entry.object_type,
        entry.object_id,
        entry.store,
        details,
    )
