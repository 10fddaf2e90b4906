"""Seals the audit log, so that a change from outside shows, and deletes its oldest months.

A seal is a hash over some entries and the seal before. Who can write seals can write the chain
anew, from the first changed entry on: a seal that was written down elsewhere shows that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet

from video_classifier.models import AuditEntry, AuditSeal
from video_classifier.services import audit, database
from video_classifier.states import Action

MOST_ENTRIES = 10_000  # of a seal: after an upgrade there may be a million entries without one
MOST_SEALS = 5  # at a time
LATE = timedelta(hours=1)  # entries that have no seal by then say that nobody seals
MOST_PROBLEMS = 20
PATIENCE = "2s"  # on PostgreSQL, until those are done who write entries just now


@dataclass(slots=True, kw_only=True)
class Report:
    """What a walk along the chain found."""

    seals: int = 0
    entries: int = 0  # that are sealed
    unsealed: int = 0
    waits_since: datetime | None = None  # of the oldest unsealed one
    newest: AuditSeal | None = None
    problems: list[str] = field(default_factory=list)  # sentences, the first few

    def complain(self, sentence: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(sentence)

    def is_late(self, now: datetime) -> bool:
        """Whether entries have waited for so long that nothing seals them."""
        return self.waits_since is not None and self.waits_since < now - LATE


def seal() -> int:
    """Seals the entries that have no seal yet; says how many seals were made.

    Where others write all the time, or the disk is full, the next minute comes soon enough.
    """
    made = 0
    try:
        while made < MOST_SEALS and _seal_some():
            made += 1
    except DatabaseError as error:
        if not (database.is_busy(error) or database.is_full(error)):
            raise
    return made


def _seal_some() -> bool:
    with transaction.atomic():
        _keep_writers_out()
        before = AuditSeal.objects.last()
        unsealed = AuditEntry.objects.filter(pk__gt=before.last if before else 0).order_by("pk")
        rows = list(unsealed[:MOST_ENTRIES])
        if not rows:
            return False
        made = AuditSeal(
            sealed_at=database.now(),
            first=rows[0].pk,
            last=rows[-1].pk,
            count=len(rows),
            previous=before.sha256 if before else "",
        )
        made.sha256 = digest(made, rows)
        made.save()
    return True


def _keep_writers_out() -> None:
    """Or an entry with a lower id might be committed after the seal over it.

    SQLite has one writer at a time anyway, and the transaction has begun as one.
    """
    if connection.vendor != "postgresql":
        return
    table = connection.ops.quote_name(AuditEntry._meta.db_table)  # noqa: SLF001
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")


def digest(seal: AuditSeal, entries: list[AuditEntry]) -> str:
    """SHA-256, in hex, of lines of JSON: the seal's own, then one an entry, in order of their ids.

    docs/audit-log.md has the same in words, for who checks it without this program.
    """
    head = [seal.previous, _moment(seal.sealed_at), seal.first, seal.last, seal.count]
    lines = [head, *map(_fields, entries)]
    text = "".join(
        json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"
        for line in lines
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _fields(entry: AuditEntry) -> list[object]:
    return [
        entry.pk,
        _moment(entry.at),
        entry.action,
        entry.actor,
        entry.object_type,
        entry.object_id,
        entry.store,
        entry.details,
    ]


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def verify(*, known: str = "") -> Report:
    """Follows the chain. `known` is the SHA-256 of a seal that was written down elsewhere."""
    report = Report()
    is_known = not known
    before: AuditSeal | None = None
    for each in AuditSeal.objects.order_by("pk").iterator():
        _check(each, before, report)
        is_known = is_known or each.sha256 == known
        before = each
    report.newest = before
    if not is_known:
        report.complain(
            "No seal has the hash that was given: the chain was written anew, or the month of that "
            "seal has expired."
        )
    unsealed = AuditEntry.objects.filter(pk__gt=before.last if before else 0)
    report.unsealed = unsealed.count()
    oldest = unsealed.order_by("pk").first()
    report.waits_since = oldest.at if oldest else None
    return report


def _check(each: AuditSeal, before: AuditSeal | None, report: Report) -> None:
    report.seals += 1
    if before is not None and each.previous != before.sha256:
        report.complain(
            f"Seal {each.pk} doesn't follow seal {before.pk}: one was changed or is gone."
        )
    if before is None and each.previous and not _months_expired():
        report.complain(
            f"Seal {each.pk} is the first, and its predecessor is gone, but nothing says that its "
            "month has expired."
        )
    start = before.last if before else 0
    found = AuditEntry.objects.filter(pk__gt=start, pk__lte=each.last)
    number = found.count()
    report.entries += number
    if number != each.count:
        report.complain(
            f"Seal {each.pk} is over {each.count} entries, from {each.first} to {each.last}, but "
            f"there are {number}: some were {'added' if number > each.count else 'removed'}."
        )
    elif digest(each, list(found.order_by("pk"))) != each.sha256:
        report.complain(
            f"Seal {each.pk} doesn't fit: of the entries from {each.first} to {each.last} one was "
            "changed, or the seal itself."
        )


def _months_expired() -> bool:
    return AuditEntry.objects.filter(action=Action.EXPIRED, object_type=audit.LOG).exists()


def expire(*, now: datetime) -> int:
    """Deletes the months that are older than AUDIT_KEEP, and their seals; says how many entries.

    The seal that is the first then still has the hash of its predecessor.
    """
    if not settings.AUDIT_KEEP:
        return 0
    before = _first_kept(now, settings.AUDIT_KEEP)
    with transaction.atomic():
        edge = next(_seals_before(before), None)
        if edge is None:
            return 0
        # Not by their own managers, which delete nothing. Nothing refers to them.
        seals: QuerySet[AuditSeal] = QuerySet(AuditSeal).filter(pk__lte=edge.pk)
        entries: QuerySet[AuditEntry] = QuerySet(AuditEntry).filter(pk__lte=edge.last)
        if not seals._raw_delete(seals.db):  # noqa: SLF001
            return 0  # another process was quicker
        deleted: int = entries._raw_delete(entries.db)  # noqa: SLF001
        until = before.date().isoformat()
        audit.record(Action.EXPIRED, None, audit.LOG, until, entries=deleted)
    return deleted


def _seals_before(moment: datetime) -> Iterator[AuditSeal]:
    """Those over entries of before alone, the last first: one over two months goes with the later.

    Entries are in order of time, but for clocks that were set back.
    """
    newest = AuditEntry.objects.filter(at__lt=moment).order_by("-at", "-pk").first()
    if newest is None:
        return
    for each in AuditSeal.objects.filter(last__lte=newest.pk).order_by("-pk").iterator():
        later = AuditEntry.objects.filter(pk__gte=each.first, pk__lte=each.last, at__gte=moment)
        if not later.exists():
            yield each


def _first_kept(now: datetime, months: int) -> datetime:
    """The beginning of the oldest month of which entries are kept, in UTC."""
    number = max(12, now.year * 12 + now.month - 1 - months)
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
