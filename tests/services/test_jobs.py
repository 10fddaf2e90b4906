"""What all kinds of jobs have in common: whose turn it is, and until when a run may go on."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import MakeClip, MakeUser, claimed
from tests.databases import cut_off_others, plan
from video_classifier.models import BrowserCopy, HeatMap, Segment
from video_classifier.models import jobs as job_models
from video_classifier.services import database, jobs
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import GaveWayError, LeaseLostError
from video_classifier.states import Playback, Status

KINDS = [Segment, HeatMap, BrowserCopy]
HOUR = timedelta(hours=1)


@pytest.fixture
def queue(make_clip: MakeClip) -> Any:
    """Adds one second after the other a job of a user."""
    seconds = itertools.count()

    def add(user: User | None = None, **fields: object) -> BrowserCopy:
        copy = make_clip(playback=Playback.WANTED, uploaded_by=user).browser_copy
        since = timezone.now() - HOUR + timedelta(seconds=next(seconds))
        BrowserCopy.objects.filter(pk=copy.pk).update(waiting_since=since, **fields)
        return copy

    return add


def claim(worker: str = "one") -> BrowserCopy | None:
    return jobs.claim_next(
        BrowserCopy.objects.all(), worker=worker, related="clip", allowed=lambda _: HOUR
    )


def finish(copy: BrowserCopy | None) -> None:
    assert copy is not None
    jobs.change(copy, status=Status.DONE)


# Who has it


@pytest.mark.django_db(transaction=True)
def test_what_another_has_locked_is_passed_over_where_the_database_can(queue: Any) -> None:
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("this database locks no rows")
    first, second = queue(), queue()
    claimed: list[BrowserCopy | None] = []

    def claim_two() -> None:
        claimed.extend((claim(), claim()))
        connection.close()

    with transaction.atomic():
        BrowserCopy.objects.select_for_update().get(pk=first.pk)
        other = threading.Thread(target=claim_two)
        other.start()
        other.join()

    assert claimed == [second, None]
    assert claim() == first


# Whose turn it is


def test_the_next_is_another_users_however_many_the_first_has_waiting(
    queue: Any, make_user: MakeUser
) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    many = [queue(ada) for _ in range(20)]
    running = claim()
    one = queue(bob)
    assert running == many[0]

    finish(running)

    assert claim() == one
    assert claim() == many[1]


def test_users_take_turns(queue: Any, make_user: MakeUser) -> None:
    ada, bob, eve = make_user("ada"), make_user("bob"), make_user("eve")
    for user in (ada, ada, ada, bob, bob, eve):
        queue(user)

    turns = [copy.requested_by for copy in iter(claim, None)]

    assert turns == [ada, bob, eve, ada, bob, ada]


def test_a_user_who_always_sends_one_more_does_not_keep_the_others_waiting(
    queue: Any, make_user: MakeUser
) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    for _ in range(3):
        queue(ada)
    turns = []

    for _ in range(6):
        queue(bob)
        copy = claim()
        assert copy is not None
        turns.append(copy.requested_by)

    assert turns == [ada, bob, ada, bob, ada, bob]


@pytest.mark.parametrize("queues", [16, 2])
def test_of_many_only_those_whose_turn_may_come_are_sorted_and_the_turn_is_the_same(
    queue: Any, make_user: MakeUser, monkeypatch: pytest.MonkeyPatch, queues: int
) -> None:
    monkeypatch.setattr(jobs, "FEW_WAIT", 2)
    monkeypatch.setattr(jobs, "MOST_QUEUES", queues)
    monkeypatch.setattr(jobs, "AHEAD", 2)
    ada, bob = make_user("ada"), make_user("bob")
    for user, priority in ((ada, 0), (ada, 0), (None, 0), (bob, -1), (ada, 0), (bob, 0), (bob, -1)):
        queue(user, priority=priority)
    queue(ada, not_before=timezone.now() + HOUR)  # rests
    waiting = jobs.ready(BrowserCopy.objects.all())

    sorted_ones = jobs._in_turn(waiting).count()
    turns = [(waiting.in_turn().first(), claim()) for _ in range(8)]

    assert sorted_ones == (6 if queues > 2 else 7)
    assert all(theirs == found for theirs, found in turns)
    assert [found for _, found in turns].index(None) == 7


def test_jobs_of_nobody_wait_as_one_users_do(queue: Any, make_user: MakeUser) -> None:
    ada = make_user("ada")
    for user in (None, None, ada, ada):
        queue(user)

    assert [copy.requested_by for copy in iter(claim, None)] == [None, ada, None, ada]


def test_a_higher_priority_goes_first(queue: Any, user: User) -> None:
    usual, urgent = queue(user), queue(user, priority=1)

    assert [claim(), claim()] == [urgent, usual]


def test_the_place_in_the_queue_is_the_order_of_claims(queue: Any, make_user: MakeUser) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    copies = [queue(ada), queue(ada), queue(bob), queue(bob), queue(None)]

    places = {copy.pk: jobs.place(BrowserCopy.objects.all(), pk=copy.pk) for copy in copies}

    assert [places[copy.pk] for copy in iter(claim, None)] == [1, 2, 3, 4, 5]
    assert jobs.place(BrowserCopy.objects.all(), pk=copies[0].pk) == 0


def test_a_pause_is_kept(queue: Any) -> None:
    queue(not_before=timezone.now() + HOUR)

    assert claim() is None


def test_an_older_worker_leaves_newer_jobs_alone(
    queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = queue()
    monkeypatch.setattr(job_models, "JOB_VERSION", job_models.JOB_VERSION + 1)
    new = queue()
    monkeypatch.undo()

    assert [claim(), claim()] == [old, None]

    dead = timezone.now() - HOUR
    BrowserCopy.objects.filter(pk=new.pk).update(status=Status.RUNNING, **claimed(dead))
    assert jobs.requeue_stalled(BrowserCopy.objects.all(), give_up=finish) == 0


# A clock that was set back


@pytest.fixture
def an_hour_back(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def set_back() -> None:
        before = timezone.now() - HOUR
        monkeypatch.setattr(database, "now", lambda: before)

    return set_back


def test_what_was_queued_before_the_clock_was_set_back_has_its_turn(
    queue: Any, an_hour_back: Callable[[], None]
) -> None:
    now = timezone.now()
    waiting = queue()
    BrowserCopy.objects.update(waiting_since=now, not_before=now + timedelta(microseconds=20))

    an_hour_back()

    assert claim() == waiting


def test_what_ran_when_the_clock_was_set_back_is_queued_again_and_has_its_turn(
    queue: Any, an_hour_back: Callable[[], None]
) -> None:
    copy = queue()
    BrowserCopy.objects.update(not_before=timezone.now())
    assert claim() == copy

    an_hour_back()

    assert jobs.requeue_stalled(BrowserCopy.objects.all(), give_up=finish) == 1
    assert claim("two") == copy


def test_what_rests_still_rests(queue: Any) -> None:
    queue()
    running = claim()
    assert running is not None
    jobs.try_later(running, pause=HOUR)

    assert claim() is None


# The indexes and who reads them


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS)
def test_the_queue_the_stalled_and_the_turns_are_found_through_indexes(kind: Any) -> None:
    name, rows = kind._meta.model_name, kind.objects

    turn = plan(jobs.ready(rows.all()).in_turn())
    stalled = plan(rows.stalled(now=timezone.now(), lease=HOUR))

    assert f"{name}_queue" in turn
    assert f"{name}_turns" in turn
    assert f"{name}_running" in stalled


@pytest.mark.parametrize("kind", KINDS)
def test_a_users_waiting_jobs_are_counted_through_the_index(kind: Any, user: User) -> None:
    waiting = kind.objects.waiting().filter(requested_by=user).order_by()

    assert f"{kind._meta.model_name}_queue" in plan(waiting)


# How long a run may go on


def test_a_claim_sets_the_deadline(queue: Any) -> None:
    queue()

    copy = claim()

    assert copy is not None
    assert copy.deadline is not None
    assert HOUR - timedelta(seconds=5) < copy.deadline - timezone.now() <= HOUR


def test_a_run_ends_at_its_deadline(queue: Any) -> None:
    queue()
    copy = claim()
    assert copy is not None
    copy.deadline = timezone.now() - timedelta(seconds=1)

    with (
        jobs.holding(copy, proceed=lambda: True, too_long="It takes too long.") as watch,
        pytest.raises(Refused, match="too long"),
    ):
        watch()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("left", "lives"), [(HOUR, True), (-HOUR, False)])
def test_a_run_that_is_stuck_past_its_deadline_shows_no_more_life(
    queue: Any, settings: Settings, left: timedelta, *, lives: bool
) -> None:
    settings.ANALYSIS_HEARTBEAT = timedelta(milliseconds=10)
    queue()
    copy = claim()
    assert copy is not None
    copy.deadline = timezone.now() + left
    BrowserCopy.objects.update(heartbeat_at=timezone.now() - HOUR)
    old = BrowserCopy.objects.stalled(now=timezone.now(), lease=HOUR / 2)

    with jobs.holding(copy, proceed=lambda: True, too_long=""):
        looks = waits() if lives else itertools.islice(waits(), 10)
        assert any(not old.exists() for _ in looks) is lives


@pytest.mark.django_db(transaction=True)
def test_a_run_shows_life_again_once_the_database_is_back(queue: Any, settings: Settings) -> None:
    settings.ANALYSIS_HEARTBEAT = timedelta(milliseconds=10)
    queue()
    copy = claim()
    assert copy is not None
    old = BrowserCopy.objects.stalled(now=timezone.now(), lease=HOUR / 2)

    with jobs.holding(copy, proceed=lambda: True, too_long="") as watch:
        for _ in range(2):
            BrowserCopy.objects.update(heartbeat_at=timezone.now() - HOUR)
            assert any(not old.exists() for _ in waits())
            cut_off_others()
        watch()


@pytest.mark.parametrize("off", [-HOUR, HOUR])
def test_a_worker_whose_clock_is_off_keeps_its_run_and_has_its_time(
    queue: Any, monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    queue()
    with monkeypatch.context() as there:
        there.setattr(timezone, "now", lambda: datetime.now(UTC) + off)
        copy = claim()
        assert copy is not None
        with jobs.holding(copy, proceed=lambda: True, too_long="It takes too long.") as watch:
            watch()
        jobs.beat(copy)

    assert jobs.requeue_stalled(BrowserCopy.objects.all(), give_up=jobs.beat) == 0
    copy.refresh_from_db()
    assert copy.heartbeat_at is not None
    assert abs(timezone.now() - copy.heartbeat_at) < HOUR / 2


def waits() -> Iterator[int]:
    """A minute at most."""
    pause = threading.Event()
    for number in range(3000):
        yield number
        pause.wait(0.02)


def test_a_run_gives_way(queue: Any) -> None:
    queue()
    copy = claim()
    assert copy is not None

    with (
        jobs.holding(copy, proceed=lambda: False, too_long="") as watch,
        pytest.raises(GaveWayError),
    ):
        watch()
    jobs.give_way(copy)

    copy.refresh_from_db()
    assert (copy.status, copy.attempts, copy.worker) == (Status.QUEUED, 0, "")
    assert copy.deadline is None


@pytest.mark.parametrize("end", [jobs.cancel, lambda rows: jobs.put_back(rows, worker="one")])
def test_what_was_ended_from_outside_is_no_longer_held(queue: Any, end: Any) -> None:
    queue()
    copy = claim()
    assert copy is not None

    assert end(BrowserCopy.objects.all()) == 1

    with pytest.raises(LeaseLostError):
        jobs.change(copy, status=Status.DONE)


def test_one_line_is_logged_for_each_run(queue: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    queue()

    finish(claim())

    (line,) = [record.getMessage() for record in caplog.records if "copy" in record.getMessage()]
    assert line.startswith("browser copy ")
    assert ": done after 0." in line
