"""How long the times of a stretch hold: what comes in over days, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from video_classifier.watching import connecting, stretches
from video_classifier.watching.health import Health
from video_classifier.watching.limits import Limits
from video_classifier.watching.ring import Ring, StreamFacts
from video_classifier.watching.sources import Picture, Source
from video_classifier.watching.stretches import Stretches

BASE = Fraction(1, 90_000)
FACTS = StreamFacts(codec="h264", width=64, height=48, time_base=BASE, head=b"")


class Endless(Source):
    codec, time_base = "h264", BASE

    def pictures(self) -> Iterator[Picture]:
        yield from ()

    def abort(self) -> None: ...

    def close(self) -> None: ...


class Clock(datetime):
    moment = datetime(2026, 11, 26, tzinfo=UTC)

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return cls.moment


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    monkeypatch.setattr(connecting, "form", lambda *_: None)
    monkeypatch.setattr(connecting, "facts", lambda *_: FACTS)
    monkeypatch.setattr(stretches, "datetime", Clock)
    return Ring(60.0, 10**6)


class Stream:
    """A keyframe every two seconds of our clock."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self._stretches = Stretches(Endless(), ring, Health(Limits()), Limits())
        self._seconds = self._ticks = 0.0

    def play(self, seconds: float, *, pace: float = 1.0) -> None:
        """At so many seconds of the camera's a second of ours."""
        for _ in range(int(seconds / 2)):
            self._seconds += 2
            self._ticks += 2 * pace
            Clock.moment += timedelta(seconds=2)
            self.send()

    def send(self) -> None:
        picture = Picture(
            data=b"key", ticks=round(self._ticks / BASE), is_key=True, arrived=self._seconds
        )
        self._stretches.take(picture)

    def hold_up(self, seconds: float) -> None:
        """The network does; then all comes at once."""
        self._seconds += seconds
        Clock.moment += timedelta(seconds=seconds)
        for _ in range(int(seconds / 2)):
            self._ticks += 2
            self.send()

    @property
    def off(self) -> float:
        """Seconds by which the newest picture's time is wrong."""
        found = self.ring.newest(0.0)
        assert found is not None
        return (Clock.moment - found.started_at).total_seconds() - found.end


@pytest.fixture
def stream(ring: Ring) -> Stream:
    return Stream(ring)


@pytest.mark.parametrize("pace", [1 - 1e-4, 1 + 1e-4], ids=["slow", "fast"])
def test_a_clock_that_is_off_by_seconds_a_day_does_not_move_events(
    stream: Stream, pace: float
) -> None:
    stream.play(3 * 86_400, pace=pace)

    assert abs(stream.off) < 6
    assert 2 < stream.ring.stretch < 15


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_nor_does_our_own_clock_when_it_is_set(stream: Stream, seconds: int) -> None:
    stream.play(60)
    Clock.moment += timedelta(seconds=seconds)
    stream.play(200)

    assert abs(stream.off) < 6
    assert stream.ring.stretch == 2


def test_a_network_that_holds_pictures_up_is_no_drift(stream: Stream) -> None:
    stream.play(100)
    for _ in range(20):
        stream.hold_up(12)
        stream.play(20)

    assert stream.ring.stretch == 1
