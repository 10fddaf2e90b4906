"""Requests are counted for all processes together, and who asks too often has to wait."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from pytest_django import Settings

from video_classifier.models import RequestCount
from video_classifier.services import database, limits
from video_classifier.services.limits import Limit

THREE = Limit(name="three", times=3, seconds=60)
NOW = 1_800_000_000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    moment = [NOW]
    monkeypatch.setattr("video_classifier.services.limits.time.time", lambda: moment[0])
    return moment


@pytest.mark.django_db
def test_beyond_the_limit_one_waits_for_the_end_of_the_window(clock: list[float]) -> None:
    assert [limits.wait(THREE, "ada") for _ in range(3)] == [0, 0, 0]

    clock[0] += 20
    assert limits.wait(THREE, "ada") == 40
    clock[0] += 40
    assert limits.wait(THREE, "ada") == 0


@pytest.mark.django_db
def test_nobody_waits_for_others_nor_for_other_things(clock: list[float]) -> None:
    for _ in range(4):
        limits.wait(THREE, "ada")

    assert limits.wait(THREE, "bob") == 0
    assert limits.wait(Limit(name="other", times=3, seconds=60), "ada") == 0


@pytest.mark.django_db
def test_a_clock_that_is_set_back_keeps_nobody_out(clock: list[float]) -> None:
    for _ in range(4):
        limits.wait(THREE, "ada")
    clock[0] -= timedelta(hours=1).total_seconds()

    assert limits.wait(THREE, "ada") == 0


@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_time_are_all_counted(clock: list[float]) -> None:
    start = Barrier(4)
    waits: list[int] = []

    def ask() -> None:
        start.wait()
        waits.extend(limits.wait(Limit(name="ten", times=10, seconds=600), "ada") for _ in range(5))
        connection.close()

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert waits.count(0) == 10
    assert RequestCount.objects.get().count == 20


@pytest.mark.django_db
def test_neither_names_nor_addresses_are_kept(clock: list[float]) -> None:
    limits.wait(THREE, "address 192.0.2.1")

    assert "192.0.2.1" not in str(RequestCount.objects.values())
    clock[0] += 61
    limits.purge()
    assert not RequestCount.objects.exists()


@pytest.mark.django_db
def test_a_busy_database_lets_everybody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_COUNT", "SELECT nothing FROM nowhere")
    monkeypatch.setattr(database, "is_busy", lambda _: True)

    assert limits.wait(THREE, "ada") == 0


def test_a_site_may_have_more_generous_limits_or_none(settings: Settings) -> None:
    settings.RATE_LIMITS = 2
    assert limits.scaled(THREE) == Limit(name="three", times=6, seconds=60)

    settings.RATE_LIMITS = 0
    assert limits.scaled(THREE) is None
