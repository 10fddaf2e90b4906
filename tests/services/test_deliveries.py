"""What becomes of a delivery: sent, tried again, given up, or not wanted any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError

from tests.conftest import MakeAnalysis, MakeClip, claimed
from tests.databases import together
from tests.makers import deliveries as makers
from tests.makers.deliveries import NOON, Clock, make_channel, make_delivery, make_event
from video_classifier.integrations.messages import Message, NotSentError, PerhapsSentError
from video_classifier.models import Alert, AuditEntry, Channel, Clip, Delivery, LiveEvent
from video_classifier.services import (
    alert_messages,
    alerts,
    carriers,
    clips,
    database,
    deliveries,
    jobs,
    trash,
)
from video_classifier.services.errors import Refused
from video_classifier.states import (
    Action,
    AlertKind,
    Closing,
    Gathering,
    Origin,
    Status,
    Suppression,
)

BUSY = NotSentError("The mailbox is full.")
WRONG = NotSentError("There is no such mailbox.", is_final=True)
SLOW = PerhapsSentError("No answer came within 10 seconds.")


class Post:
    """What was sent, and what happens to what is."""

    def __init__(self) -> None:
        self.sent: list[tuple[Channel, Message]] = []
        self.outcomes: list[Exception | None] = []
        self.written: Callable[[Delivery], Message] = makers.message

    def compose(self, delivery: Delivery) -> Message:
        return self.written(delivery)

    def send(self, channel: Channel, message: Message) -> None:
        self.sent.append((channel, message))
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(database, "now", clock)
    return clock


@pytest.fixture(autouse=True)
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    post = Post()
    monkeypatch.setattr(carriers, "send", post.send)
    monkeypatch.setattr(alert_messages, "compose", post.compose)
    return post


@pytest.fixture
def channel(db: None) -> Channel:
    return make_channel()


@pytest.fixture
def delivery(channel: Channel) -> Delivery:
    return make_delivery(channel, **due())


def due(at: datetime = NOON) -> dict[str, datetime]:
    return {"created_at": at, "waiting_since": at, "not_before": at}


def run() -> bool:
    return deliveries.run_next(worker="one")


def row(delivery: Delivery) -> Delivery:
    return Delivery.objects.get(pk=delivery.pk)


def of_event(channel: Channel, clip: Clip | None = None, **fields: object) -> Delivery:
    """Of a live event, which is over if it has a clip."""
    closed: dict[str, Any] = {"closed_at": NOON, "closing": Closing.GONE} if clip else {}
    event = make_event(makers.make_watched(), clip=clip, **closed)
    alert = alerts.of_live_event(event)
    assert alert is not None
    delivery: Delivery = alert.deliveries.get()
    Delivery.objects.filter(pk=delivery.pk).update(**fields)
    return row(delivery)


# Sent


def test_a_delivery_is_sent_and_done(channel: Channel, delivery: Delivery, post: Post) -> None:
    assert run()

    sent = row(delivery)
    assert [(each.pk, message.id) for each, message in post.sent] == [(channel.pk, str(sent.pk))]
    assert (sent.status, sent.sent_at, sent.attempts, sent.error) == (Status.DONE, NOON, 1, "")
    assert not sent.lacks_snapshot
    assert not run()


def test_what_is_for_later_waits(channel: Channel, clock: Clock) -> None:
    make_delivery(channel, **due(NOON + timedelta(seconds=1)))

    assert not run()
    clock.go_on(seconds=1)
    assert run()


def test_tests_go_first_and_then_who_waits_longest(
    channel: Channel, user: User, post: Post
) -> None:
    second = make_delivery(channel, **due(NOON - timedelta(seconds=1)))
    third = make_delivery(channel, **due())
    first = alerts.test(channel, user)

    while run():
        pass

    assert [message.id for _, message in post.sent] == [
        str(each.pk) for each in (first, second, third)
    ]


def test_first_attempts_come_before_others(channel: Channel, post: Post) -> None:
    """What hung may hang again."""
    again = make_delivery(channel, **due(NOON - timedelta(minutes=1)), attempts=1)
    first = make_delivery(make_channel("other"), **due())

    while run():
        pass

    assert [message.id for _, message in post.sent] == [str(each.pk) for each in (first, again)]


def test_of_a_channel_one_runs_at_a_time(channel: Channel) -> None:
    for _ in range(2):
        make_delivery(channel, **due(NOON - timedelta(seconds=1)))
    other = make_delivery(make_channel("other"), **due())

    first, second = (deliveries.claim_next(worker="one") for _ in range(2))

    assert first is not None
    assert first.channel == channel
    assert second == other
    assert deliveries.claim_next(worker="two") is None


@pytest.mark.django_db(transaction=True)
def test_two_processes_send_each_once_and_one_a_channel_at_a_time() -> None:
    for name in "abc":
        channel = make_channel(name)
        for _ in range(3):
            make_delivery(channel, **due())

    found = together(lambda: deliveries.claim_next(worker="one"), times=8)

    claimed_ones = [each for each in found if each is not None]
    assert sorted(each.channel_name for each in claimed_ones) == ["a", "b", "c"]


# The picture


def test_a_picture_that_comes_late_is_waited_for(
    channel: Channel, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "LOOK_SECONDS", 0.01)
    looks = iter([None, None, makers.PICTURE])
    post.written = lambda delivery: makers.message(delivery, snapshot=next(looks))
    delivery = of_event(channel)

    run()

    assert post.sent[0][1].snapshot == makers.PICTURE
    assert not row(delivery).lacks_snapshot


def test_a_message_goes_without_a_picture_that_never_comes(
    channel: Channel, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(deliveries, "SNAPSHOT_SECONDS", 0.05)
    post.written = lambda delivery: makers.message(delivery, snapshot=None)
    delivery = of_event(channel)

    run()

    assert post.sent[0][1].snapshot is None
    assert row(delivery).lacks_snapshot
    assert row(delivery).status == Status.DONE


def test_what_has_no_picture_waits_for_none(delivery: Delivery, post: Post) -> None:
    composed = []

    def compose(delivery: Delivery) -> Message:
        composed.append(delivery)
        return makers.message(delivery, snapshot=None)

    post.written = compose

    run()

    assert len(composed) == 1
    assert not row(delivery).lacks_snapshot


# What doesn't arrive


def test_what_does_not_arrive_is_tried_four_times_more(
    delivery: Delivery, post: Post, clock: Clock
) -> None:
    post.outcomes = [BUSY] * 5
    pauses = []

    while row(delivery).status == Status.QUEUED:
        assert run()
        pauses.append((row(delivery).not_before - clock.now).total_seconds())
        assert row(delivery).error == "The mailbox is full."
        clock.now = row(delivery).not_before

    assert pauses[:-1] == [30, 120, 600, 3600]
    assert (row(delivery).status, row(delivery).attempts) == (Status.FAILED, 5)
    assert row(delivery).sent_at is None


def test_another_attempt_may_arrive(delivery: Delivery, post: Post, clock: Clock) -> None:
    post.outcomes = [BUSY]

    run()
    assert not run()
    clock.go_on(seconds=30)
    assert run()

    assert (row(delivery).status, row(delivery).error) == (Status.DONE, "")


@pytest.mark.parametrize("error", [WRONG, Refused("The target can't be read.")])
def test_what_can_never_arrive_fails_at_once(
    delivery: Delivery, post: Post, error: Exception
) -> None:
    post.outcomes = [error]

    run()

    assert (row(delivery).status, row(delivery).error) == (Status.FAILED, str(error))


def test_what_breaks_is_tried_again(
    delivery: Delivery, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.outcomes = [ValueError("secret")]

    run()

    assert (row(delivery).status, row(delivery).error) == (Status.QUEUED, deliveries.BROKE)
    assert "could not be sent" in caplog.text


def test_after_a_time_out_there_is_one_more_attempt(
    delivery: Delivery, post: Post, clock: Clock
) -> None:
    post.outcomes = [SLOW, SLOW]

    run()
    assert (row(delivery).status, row(delivery).time_outs) == (Status.QUEUED, 1)
    clock.go_on(seconds=30)
    run()

    assert (row(delivery).status, row(delivery).time_outs) == (Status.FAILED, 2)
    assert row(delivery).error == (
        "No answer came within 10 seconds. The message may have arrived all the same."
    )


def test_after_a_time_out_the_last_attempt_is_the_last_whatever_it_meets(
    delivery: Delivery, post: Post, clock: Clock
) -> None:
    post.outcomes = [SLOW, BUSY]

    run()
    clock.go_on(seconds=30)
    run()

    assert row(delivery).status == Status.FAILED
    assert "may have arrived" in row(delivery).error


@pytest.mark.django_db
def test_another_attempt_is_not_made_in_quiet_hours(post: Post) -> None:
    channel = make_channel(quiet_from=time(12, 0, 10), quiet_until=time(14))
    delivery = of_event(channel)
    post.outcomes = [BUSY]

    run()

    assert row(delivery).not_before == NOON + timedelta(hours=2)


@pytest.mark.django_db
def test_another_attempt_of_a_digest_is_not_made_in_quiet_hours_either(post: Post) -> None:
    channel = make_channel(quiet_from=time(12, 0, 10), quiet_until=time(14))
    digest = make_delivery(channel, gathers=Gathering.FLOOD, **due())
    of_event(channel, status=Status.CANCELLED, suppression=Suppression.DIGEST, digest=digest)
    post.outcomes = [BUSY]

    run()

    assert row(digest).not_before == NOON + timedelta(hours=2)


@pytest.mark.django_db
@pytest.mark.parametrize("is_asked_for", [False, True])
def test_what_came_into_quiet_hours_waits_for_their_end(
    post: Post, clock: Clock, user: User, *, is_asked_for: bool
) -> None:
    """As where no sender ran for hours. Who asks for it gets it at once."""
    delivery = of_event(make_channel(quiet_from=time(13), quiet_until=time(15)))
    Delivery.objects.update(requested_by=user if is_asked_for else None)
    clock.go_on(hours=1)

    assert run()
    assert row(delivery).status == (Status.DONE if is_asked_for else Status.QUEUED)
    if not is_asked_for:
        assert (row(delivery).not_before, row(delivery).attempts) == (
            clock.now + timedelta(hours=2),
            0,
        )
        assert not run()

    clock.go_on(hours=2)
    assert run() != is_asked_for
    assert (row(delivery).status, len(post.sent)) == (Status.DONE, 1)


# Who sends dies, or ends


def test_what_a_dead_sender_ran_is_tried_once_more(delivery: Delivery, clock: Clock) -> None:
    deliveries.claim_next(worker="dead")
    clock.go_on(seconds=60)
    assert deliveries.requeue_stalled() == 0

    clock.go_on(seconds=1)
    assert deliveries.requeue_stalled() == 1
    assert (row(delivery).status, row(delivery).time_outs) == (Status.QUEUED, 1)
    deliveries.claim_next(worker="dead, too")
    clock.go_on(seconds=61)
    assert deliveries.requeue_stalled() == 1

    assert (row(delivery).status, row(delivery).time_outs) == (Status.FAILED, 2)
    assert "may have arrived" in row(delivery).error


def test_a_sender_that_ends_puts_back_what_it_runs_and_no_more(
    channel: Channel, delivery: Delivery
) -> None:
    other = make_delivery(channel, status=Status.RUNNING, **claimed(NOON) | {"worker": "other"})
    Delivery.objects.filter(pk=delivery.pk).update(
        **claimed(NOON) | {"status": Status.RUNNING, "worker": "one"}
    )

    assert deliveries.put_back(worker="one") == 1

    assert (row(delivery).status, row(delivery).time_outs) == (Status.QUEUED, 1)
    assert row(other).status == Status.RUNNING


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_what_was_sent_is_noted_once_the_database_is_back(
    delivery: Delivery, post: Post, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """Else it would be sent again."""
    change, errors = jobs.change, [error("away"), error("away")]

    def change_or_break(job: Delivery, **changes: object) -> None:
        if errors:
            raise errors.pop()
        change(job, **changes)

    monkeypatch.setattr(jobs, "change", change_or_break)
    monkeypatch.setattr(deliveries, "NOTE_AGAIN_SECONDS", 0.01)

    assert run()

    assert (row(delivery).status, len(post.sent), errors) == (Status.DONE, 1, [])


def test_a_database_that_stays_away_is_waited_for_so_long(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(*_: object, **__: object) -> None:
        raise OperationalError

    monkeypatch.setattr(jobs, "change", change)
    monkeypatch.setattr(deliveries, "NOTE_SECONDS", 0.05)
    monkeypatch.setattr(deliveries, "NOTE_AGAIN_SECONDS", 0.01)

    with pytest.raises(OperationalError):
        run()

    assert row(delivery).status == Status.RUNNING


def test_who_was_given_up_writes_nothing(delivery: Delivery, post: Post) -> None:
    mine = deliveries.claim_next(worker="one")
    assert mine is not None
    deliveries.put_back(worker="one")

    deliveries.deliver(mine)

    assert (row(delivery).status, row(delivery).sent_at) == (Status.QUEUED, None)


# What isn't wanted any more


def test_a_channel_that_was_deleted_gets_nothing(
    channel: Channel, delivery: Delivery, post: Post
) -> None:
    channel.delete()

    assert run()

    assert (row(delivery).status, row(delivery).suppression) == ("cancelled", Suppression.DELETED)
    assert not post.sent


def test_a_channel_that_was_switched_off_gets_tests_alone(
    channel: Channel, delivery: Delivery, post: Post, user: User
) -> None:
    Channel.objects.update(is_enabled=False)
    test = alerts.test(channel, user)

    while run():
        pass

    assert row(delivery).suppression == Suppression.OFF
    assert row(test).status == Status.DONE


def test_what_is_in_the_trash_is_not_sent(
    channel: Channel, make_clip: MakeClip, user: User, post: Post
) -> None:
    clip = make_clip(origin=Origin.EVENT)
    delivery = of_event(channel, clip)
    trash.put(clip, by=user)

    run()

    assert (row(delivery).status, row(delivery).suppression) == ("cancelled", Suppression.TRASHED)
    assert not post.sent


@pytest.mark.parametrize(
    ("why", "status"), [("", Status.CANCELLED), ("It made room for newer ones.", Status.DONE)]
)
def test_what_was_deleted_for_good_is_not_sent(
    channel: Channel, make_clip: MakeClip, why: str, status: Status
) -> None:
    clip = make_clip(origin=Origin.EVENT)
    delivery = of_event(channel, clip)
    clips.delete(clip)
    LiveEvent.objects.update(no_clip=why)

    run()

    assert row(delivery).status == status
    assert row(delivery).suppression == ("" if status == Status.DONE else Suppression.GONE)


def test_a_recording_that_was_deleted_is_not_sent(
    channel: Channel, make_analysis: MakeAnalysis
) -> None:
    analysis = make_analysis(status=Status.DONE)
    alert = Alert.objects.create(
        kind=AlertKind.RECORDING, happened_at=NOON, analysis=analysis, store=analysis.clip.store
    )
    delivery = make_delivery(channel, alert=alert, **due())
    clips.delete(analysis.clip)

    run()

    assert row(delivery).suppression == Suppression.GONE


def test_a_digest_leaves_out_what_is_in_the_trash(
    channel: Channel, make_clip: MakeClip, user: User, post: Post
) -> None:
    digest = make_delivery(channel, gathers=Gathering.FLOOD, **due())
    held = {"status": Status.CANCELLED, "suppression": Suppression.DIGEST, "digest": digest}
    clip = make_clip(origin=Origin.EVENT)
    trashed = of_event(channel, clip, **held)
    kept = make_delivery(channel, **held)
    trash.put(clip, by=user)

    run()

    assert (row(digest).status, list(row(digest).members.all())) == (Status.DONE, [kept])
    assert (row(trashed).suppression, row(trashed).digest) == (Suppression.TRASHED, None)


def test_a_digest_of_which_nothing_is_left_is_not_sent(
    channel: Channel, make_clip: MakeClip, user: User, post: Post
) -> None:
    digest = make_delivery(channel, gathers=Gathering.FLOOD, **due())
    clip = make_clip(origin=Origin.EVENT)
    held = {"status": Status.CANCELLED, "suppression": Suppression.DIGEST, "digest": digest}
    of_event(channel, clip, **held)
    trash.put(clip, by=user)

    run()

    assert row(digest).suppression == Suppression.TRASHED
    assert not post.sent


# Sent again by somebody


def test_what_failed_is_sent_again(channel: Channel, user: User, post: Post) -> None:
    delivery = make_delivery(channel, status=Status.FAILED, attempts=5, time_outs=2)

    deliveries.retry(delivery, user)
    assert run()

    again = row(delivery)
    assert (again.status, again.attempts, again.time_outs) == (Status.DONE, 1, 0)
    entry = AuditEntry.objects.get(action=Action.DELIVERY_RETRIED)
    assert (entry.actor, entry.object_id) == (user.pk, str(delivery.pk))


def test_what_a_cool_down_suppressed_is_sent_after_all(channel: Channel, user: User) -> None:
    delivery = make_delivery(channel, status=Status.CANCELLED, suppression=Suppression.CAMERA)

    deliveries.retry(delivery, user)
    run()

    assert (row(delivery).status, row(delivery).suppression) == (Status.DONE, "")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"status": Status.DONE, "sent_at": NOON}, deliveries.SENT),
        ({"status": Status.QUEUED}, deliveries.ON_ITS_WAY),
        ({"status": Status.RUNNING, **claimed(NOON)}, deliveries.ON_ITS_WAY),
    ],
)
def test_what_was_sent_or_will_be_is_not_sent_again(
    channel: Channel, user: User, fields: dict[str, object], why: str
) -> None:
    delivery = make_delivery(channel, **fields)

    with pytest.raises(Refused, match=why):
        deliveries.retry(delivery, user)


def test_a_part_of_a_digest_is_not_sent_by_itself(channel: Channel, user: User) -> None:
    digest = make_delivery(channel, gathers=Gathering.QUIET)
    member = make_delivery(
        channel, status=Status.CANCELLED, suppression=Suppression.DIGEST, digest=digest
    )

    with pytest.raises(Refused, match=deliveries.IN_DIGEST):
        deliveries.retry(member, user)


def test_what_would_not_be_sent_is_refused_with_the_reason(
    channel: Channel, make_clip: MakeClip, user: User
) -> None:
    clip = make_clip(origin=Origin.EVENT)
    delivery = of_event(channel, clip, status=Status.FAILED, error="It was full.")

    def refusal() -> str:
        with pytest.raises(Refused) as refused:
            deliveries.retry(delivery, user)
        return str(refused.value)

    trash.put(clip, by=user)
    assert refusal() == deliveries.IN_TRASH
    Channel.objects.update(is_enabled=False)
    assert refusal() == deliveries.CHANNEL_OFF
    channel.delete()
    assert refusal() == deliveries.NO_CHANNEL
    Delivery.objects.all().delete()
    assert "kept for 90 days" in refusal()


def test_a_digest_that_is_sent_again_takes_no_more(user: User, clock: Clock) -> None:
    channel = make_channel(quiet_from=time(11), quiet_until=time(13))
    old = make_delivery(channel, gathers=Gathering.QUIET, status=Status.FAILED)
    held = {"status": Status.CANCELLED, "suppression": Suppression.DIGEST, "digest": old}
    make_delivery(channel, **held)
    deliveries.retry(old, user)
    Delivery.objects.update(not_before=NOON + timedelta(hours=1))

    of_event(channel)

    assert row(old).members.count() == 1
    assert Delivery.objects.digests().count() == 2


def test_nothing_to_send_writes_nothing(
    db: None, django_assert_num_queries: Callable[..., object]
) -> None:
    """It is asked every second."""
    with django_assert_num_queries(2):  # type: ignore[attr-defined]
        assert not run()
