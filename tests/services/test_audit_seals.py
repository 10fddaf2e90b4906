"""The chain over the audit log: that changes from outside show, and that months expire."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import Settings

from tests.databases import busy, together
from video_classifier.models import AuditEntry, AuditSeal
from video_classifier.services import audit, audit_seals, housekeeping
from video_classifier.services.audit_seals import expire, seal, verify
from video_classifier.states import Action

pytestmark = pytest.mark.django_db

Tamper = Callable[[AuditSeal], object]


def entries(**found: Any) -> QuerySet[Any]:
    """As somebody with the database's password gets at them."""
    return QuerySet(AuditEntry).filter(**found)


def seals_of(**found: Any) -> QuerySet[Any]:
    return QuerySet(AuditSeal).filter(**found)


def note(number: int = 1, **details: str) -> None:
    for _ in range(number):
        audit.record(Action.EXPORTED, None, audit.ANALYSES, 7, store=1, rows=3, **details)


def sealed(*numbers: int) -> list[AuditSeal]:
    """So many entries a seal."""
    for number in numbers:
        note(number)
        seal()
    return list(AuditSeal.objects.all())


def note_at(at: datetime, number: int = 1) -> None:
    note(number)
    newest = AuditEntry.objects.order_by("-pk").values("pk")[:number]
    entries(pk__in=list(newest.values_list("pk", flat=True))).update(at=at)


def check(*options: str) -> tuple[int, str]:
    """Exit code and output of the command."""
    out = StringIO()
    try:
        call_command("verify_audit", *options, stdout=out)
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}{error}"
    return 0, out.getvalue()


# Sealing


def test_what_is_new_is_sealed_with_the_seal_before() -> None:
    first, second = sealed(3, 2)

    assert (first.count, second.count) == (3, 2)
    assert (first.previous, second.previous) == ("", first.sha256)
    assert second.first == first.last + 1


def test_without_new_entries_there_is_no_seal() -> None:
    sealed(1)

    assert seal() == 0
    assert AuditSeal.objects.count() == 1


def test_many_entries_take_several_seals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_seals, "MOST_ENTRIES", 2)
    note(20)

    assert (seal(), seal()) == (5, 5)
    assert verify().problems == []


@pytest.mark.django_db(transaction=True)
def test_two_processes_seal_each_entry_once() -> None:
    note(5)

    made = together(seal, times=2)

    assert sorted(made) == [0, 1]
    assert verify().problems == []


@pytest.mark.django_db(transaction=True)
def test_while_others_write_it_waits_for_the_next_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    note()
    monkeypatch.setattr(audit_seals, "PATIENCE", "50ms")

    with busy(AuditEntry):
        assert seal() == 0

    assert seal() == 1


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_is_committed_late_is_sealed_all_the_same() -> None:
    """It has the lower id."""

    def write_slowly() -> int:
        with transaction.atomic():
            note()
            time.sleep(0.5)
        return 0

    def write_and_seal() -> int:
        time.sleep(0.2)
        note()
        return seal()

    turns = [write_slowly, write_and_seal]
    together(lambda: turns.pop()(), times=2)  # noqa: PLW0108  (each thread takes its own)
    seal()

    report = verify()
    assert (report.entries, report.unsealed, report.problems) == (2, 0, [])


def test_housekeeping_seals_each_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_next", "_next_uploads"):
        monkeypatch.setattr(housekeeping, name, 0.0)
    monkeypatch.setattr(housekeeping, "_next", time.monotonic() + 60)
    note()

    housekeeping.tidy_if_due()

    assert AuditSeal.objects.count() == 1


def test_a_seal_is_not_changed() -> None:
    (found,) = sealed(1)

    with pytest.raises(TypeError, match="append-only"):
        AuditSeal.objects.update(count=2)
    with pytest.raises(TypeError, match="append-only"):
        AuditSeal.objects.filter(pk=found.pk).delete()


# Checking


def test_an_empty_log_is_in_order() -> None:
    assert check() == (0, "0 seals over 0 entries; 0 not sealed yet.\n")


def test_a_log_that_nobody_touched_is_in_order() -> None:
    seals = sealed(3, 2)
    note()

    code, said = check("--known", seals[0].sha256)

    assert code == 0
    assert "2 seals over 5 entries; 1 not sealed yet." in said
    assert seals[1].sha256 in said


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (lambda seal: entries(pk=seal.first).update(actor=7), "was changed"),
        (lambda seal: entries(pk=seal.first).update(store=7), "was changed"),
        (lambda seal: entries(pk=seal.first).delete(), "some were removed"),
        (lambda seal: seals_of(pk=seal.pk).update(sha256="x"), "doesn't follow"),
        (lambda seal: seals_of(pk=seal.pk).update(count=3), "some were removed"),
        (lambda seal: seals_of(pk=seal.pk).update(sealed_at=timezone.now()), "the seal itself"),
        (lambda seal: seals_of(pk=seal.pk).delete(), "is gone"),
    ],
)
def test_a_change_from_outside_shows(tamper: Tamper, said: str) -> None:
    _, second, _ = sealed(2, 2, 2)

    tamper(second)

    code, answer = check()
    assert code == 1
    assert said in answer


def test_the_beginning_is_missed() -> None:
    first, _ = sealed(2, 2)
    entries(pk__lte=first.last).delete()
    seals_of(pk=first.pk).delete()

    code, said = check()

    assert code == 1
    assert "nothing says that its month has expired" in said


def test_a_chain_that_was_written_anew_shows_by_a_seal_that_is_known() -> None:
    (before,) = sealed(2)
    entries().update(actor=7)
    seals_of().delete()
    seal()

    assert check()[0] == 0
    code, said = check("--known", before.sha256)
    assert code == 1
    assert "No seal has the hash" in said


def test_entries_that_nobody_seals_are_told() -> None:
    note_at(timezone.now() - timedelta(hours=2))

    code, said = check()

    assert code == 3
    assert "Does a worker run?" in said


# Months


def test_months_expire_together_with_their_seals(settings: Settings) -> None:
    settings.AUDIT_KEEP = 2
    for day in (datetime(2026, 8, 30, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)):
        note_at(day, 3)
        seal()

    deleted = expire(now=datetime(2026, 11, 2, tzinfo=UTC))
    seal()

    assert deleted == 3
    kept = AuditEntry.objects.order_by("pk")
    assert [each.action for each in kept] == [Action.EXPORTED] * 3 + [Action.EXPIRED]
    assert kept[3].details == {"entries": 3}
    assert AuditSeal.objects.order_by("pk")[0].previous != ""
    assert check()[0] == 0


def test_nothing_expires_unless_it_was_asked_for() -> None:
    note_at(datetime(2001, 1, 1, tzinfo=UTC))
    seal()

    assert expire(now=datetime(2026, 11, 2, tzinfo=UTC)) == 0
    assert AuditSeal.objects.exists()


def test_a_month_stays_to_its_end(settings: Settings) -> None:
    settings.AUDIT_KEEP = 2
    note_at(datetime(2026, 9, 1, tzinfo=UTC))
    seal()

    assert expire(now=datetime(2026, 11, 30, tzinfo=UTC)) == 0
    assert expire(now=datetime(2026, 12, 1, tzinfo=UTC)) == 1
    assert expire(now=datetime(2026, 12, 1, tzinfo=UTC)) == 0


def test_a_seal_over_two_months_goes_with_the_later(settings: Settings) -> None:
    settings.AUDIT_KEEP = 1
    note_at(datetime(2026, 9, 30, tzinfo=UTC))
    note_at(datetime(2026, 10, 1, tzinfo=UTC))
    seal()

    assert expire(now=datetime(2026, 11, 1, tzinfo=UTC)) == 0
    assert expire(now=datetime(2026, 12, 1, tzinfo=UTC)) == 2


def test_what_has_no_seal_yet_does_not_expire(user: User) -> None:
    audit.record(Action.SIGNED_IN, user)
    note_at(datetime(2001, 1, 1, tzinfo=UTC))

    assert expire(now=timezone.now()) == 0
