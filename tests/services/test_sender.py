"""The threads that send alerts: beside analyses, past servers that hang, and to an orderly end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import DatabaseError
from pytest_django import Settings

from tests.conftest import FakePredictor, MakeAnalysis
from tests.makers import deliveries as makers
from tests.makers.deliveries import make_channel, make_delivery
from video_classifier.integrations.messages import Message
from video_classifier.models import Channel, Delivery
from video_classifier.services import alert_messages, alerts, carriers, catalog, deliveries, sender
from video_classifier.services.sender import Sender
from video_classifier.services.worker import Worker
from video_classifier.states import Status

PATIENCE = 60.0  # seconds: others use this machine, too
SOON = timedelta(seconds=20)  # of the minute that the analysis would take
LOOK_SECONDS = sender.LOOK_SECONDS  # as shipped

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ended() -> threading.Event:
    return threading.Event()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, ended: threading.Event) -> list[str]:
    """The channels that got something. One named “slow” never answers until the test ends, one
    named “steady” takes a moment.
    """
    found: list[str] = []

    def send(channel: Channel, _: Message) -> None:
        if channel.name.startswith("slow"):
            ended.wait(PATIENCE)
        if channel.name.startswith("steady"):
            time.sleep(0.2)
        found.append(channel.name)

    monkeypatch.setattr(carriers, "send", send)
    monkeypatch.setattr(alert_messages, "compose", makers.message)
    monkeypatch.setattr(sender, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(sender, "FAREWELL_SECONDS", 0.5)
    return found


@pytest.fixture
def made(sent: list[str], ended: threading.Event) -> Iterator[Sender]:
    made = Sender()
    yield made
    made.stop()
    ended.set()
    until(lambda: not made._sending)  # they write to this test's database


def until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def statuses() -> list[str]:
    return list(Delivery.objects.order_by("channel_name").values_list("status", flat=True))


def test_what_waits_is_sent(made: Sender, sent: list[str]) -> None:
    make_delivery(make_channel("first"))
    made.start()
    until(lambda: sent == ["first"])

    make_delivery(make_channel("second"))  # nobody rings

    until(lambda: statuses() == [Status.DONE] * 2)
    assert sent == ["first", "second"]


def test_alerts_are_soon_sent_while_a_recording_is_analyzed(
    made: Sender, sent: list[str], make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the same process, at the pace that is shipped."""
    monkeypatch.setattr(sender, "LOOK_SECONDS", LOOK_SECONDS)
    begun, may_end = threading.Event(), threading.Event()

    def work(_: object) -> None:
        begun.set()
        end = time.monotonic() + PATIENCE
        while not may_end.is_set() and time.monotonic() < end:
            sum(range(1000))  # keeps the interpreter busy

    monkeypatch.setattr(catalog, "load", lambda _: FakePredictor(0.9, during=work))
    analysis = make_analysis()
    channel = make_channel()
    worker = Worker(kinds=["segments"], idle_seconds=0.05)
    worker.wake()
    made.start()
    assert begun.wait(PATIENCE)

    alert = alerts.of_live_event(makers.make_event(makers.make_watched()))

    assert alert is not None
    until(lambda: alert.deliveries.get().status == Status.DONE)
    analysis.refresh_from_db()
    assert (sent, analysis.status) == ([channel.name], Status.RUNNING)
    delivery = alert.deliveries.get()
    assert delivery.claimed_at is not None
    assert (delivery.attempts, delivery.claimed_at - alert.created_at < SOON) == (1, True)
    may_end.set()
    until(lambda: type(analysis).objects.get().status == Status.DONE)
    worker.stop()


def test_a_server_that_hangs_keeps_nobody_elses_messages(made: Sender, sent: list[str]) -> None:
    slow = make_channel("slow")
    for _ in range(9):
        make_delivery(slow)
    make_delivery(make_channel("quick"))

    made.start()

    until(lambda: sent == ["quick"])
    until(lambda: Delivery.objects.filter(status=Status.RUNNING).count() == 1)


def test_servers_that_hang_make_room_for_others(
    made: Sender, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "SLOW_SECONDS", 0.2)
    for number in range(sender.MOST_AT_ONCE):
        make_delivery(make_channel(f"slow {number}"))
    made.start()
    running = Delivery.objects.filter(status=Status.RUNNING)
    until(lambda: running.count() == sender.MOST_AT_ONCE)

    make_delivery(make_channel("quick"))

    until(lambda: sent == ["quick"])


def test_with_many_channels_the_next_is_told_as_soon_as_there_is_room(
    made: Sender, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "LOOK_SECONDS", PATIENCE)
    for number in range(2 * sender.MOST_AT_ONCE):
        make_delivery(make_channel(f"steady {number}"))

    made.start()

    until(lambda: len(sent) == 2 * sender.MOST_AT_ONCE)


@pytest.mark.parametrize("most", [sender.MOST_AT_ONCE, sender.MOST_IN_ALL])
def test_no_more_are_sent_at_once_than_there_is_room_for(
    made: Sender, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(sender, "SLOW_SECONDS", PATIENCE if most == sender.MOST_AT_ONCE else 0.0)
    for number in range(most + 2):
        make_delivery(make_channel(f"slow {number}"))

    made.start()

    running = Delivery.objects.filter(status=Status.RUNNING)
    until(lambda: running.count() == most)
    time.sleep(0.3)
    assert running.count() == most


def test_what_cannot_end_in_time_is_put_back_when_the_process_ends(made: Sender) -> None:
    make_delivery(make_channel("slow"))
    made.start()
    until(lambda: statuses() == [Status.RUNNING])

    made.stop()

    assert statuses() == [Status.QUEUED]
    assert Delivery.objects.get().time_outs == 1


def test_a_sender_goes_on_after_an_error(
    made: Sender, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "PAUSE_SECONDS", 0.01)
    claim = deliveries.claim_next
    errors = [DatabaseError("The database is away."), ValueError("a mistake")]

    def claim_next(*, worker: str) -> Delivery | None:
        if errors:
            raise errors.pop()
        return claim(worker=worker)

    monkeypatch.setattr(deliveries, "claim_next", claim_next)
    make_delivery(make_channel("office"))

    made.start()

    until(lambda: sent == ["office"])


@pytest.mark.parametrize(("runner", "is_running"), [("thread", True), ("none", False)])
def test_it_starts_with_the_server_where_that_does_jobs(
    made: Sender,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    runner: str,
    *,
    is_running: bool,
) -> None:
    settings.RUNNER = runner
    monkeypatch.setattr(sender, "_sender", made)

    sender.start()

    names = [thread.name for thread in threading.enumerate()]
    assert ("sender" in names) == is_running
    sender.stop()
    assert "sender" not in [thread.name for thread in threading.enumerate()]
