"""What a worker does by the hour and by the minute, timed; nothing of it stays."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.management import call_command
from django.db import transaction

from scripts.benchmark_pages.filling import YEAR
from video_classifier.models import AuditEntry, Clip, Retention, Store
from video_classifier.services import audit_seals, retention

LONG = 3650  # days after which nothing is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    name: str
    act: Callable[[], str]  # says how much was done
    prepare: Callable[[], object] = lambda: None  # not timed


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    chore: Chore
    seconds: float
    much: str


def chores() -> list[Chore]:
    dry, real = "delete_expired --dry-run", "the hourly deletion"
    half, most = YEAR.days // 2, YEAR.days - 1
    return [
        Chore(name=f"{dry}, none is over", act=_dry_run, prepare=lambda: _keep_for(LONG)),
        Chore(name=f"{dry}, half are over", act=_dry_run, prepare=lambda: _keep_for(half)),
        Chore(name=f"{real}, none is over", act=_delete, prepare=lambda: _keep_for(LONG)),
        Chore(name=f"{real}, a day of clips", act=_delete, prepare=lambda: _keep_for(most)),
        Chore(name="sealing the whole log", act=_seal),
        Chore(name="verify_audit of it", act=_verify, prepare=_seal),
    ]


def do(chore: Chore) -> Done:
    with _undone():
        chore.prepare()
        begun = time.perf_counter()
        much = chore.act()
        seconds = time.perf_counter() - begun
    return Done(chore=chore, seconds=seconds, much=much)


@contextmanager
def _undone() -> Iterator[None]:
    """Files are deleted after a commit, and there is none."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _keep_for(days: int) -> None:
    states = dict.fromkeys(Retention.STATES, days)
    Retention.objects.bulk_create(Retention(store=store, **states) for store in Store.objects.all())


def _dry_run() -> str:
    said = io.StringIO()
    call_command("delete_expired", dry_run=True, stdout=said)
    return f"{len(said.getvalue().splitlines()) - 1:,} clips listed"


def _delete() -> str:
    # As of when the newest clip came in: a kept database grows older.
    newest = Clip.objects.order_by("-uploaded_at").values_list("uploaded_at", flat=True)[0]
    return f"{retention.delete_expired(now=newest):,} clips deleted"


def _seal() -> str:
    seals = 0
    while made := audit_seals.seal():
        seals += made
    return f"{AuditEntry.objects.count():,} entries, {seals} seals"


def _verify() -> str:
    report = audit_seals.verify()
    return f"{report.entries:,} entries, {len(report.problems)} problems"
