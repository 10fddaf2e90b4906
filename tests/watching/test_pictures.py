"""The thread that publishes pictures of live cameras."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from video_classifier.ml.contracts import Box
from video_classifier.services import live_pictures
from video_classifier.watching import drawing, pictures
from video_classifier.watching.pictures import Publisher, Shown, ShownTrack

TAKEN = datetime(2026, 11, 26, 3, 12, 45, tzinfo=UTC)
PATIENCE = 60.0  # seconds: others use this machine, too


class Written(NamedTuple):
    camera: int
    taken_at: datetime
    when: float  # by the publisher's clock


class Paced(Publisher):
    """Publishes in this thread, by a clock that is ahead as soon as somebody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._until = 0.0
        self._changed = self  # type: ignore[assignment]
        self._thread = threading.current_thread()  # so that it starts none

    def run(self, seconds: float) -> None:
        """What it does in that time."""
        self._until, self._stopped = self.now + seconds, False
        self._run()

    def monotonic(self) -> float:
        return self.now

    # The condition

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def notify(self) -> None:
        pass

    def wait(self, seconds: float | None) -> None:
        wakes = self._until + 1 if seconds is None else self.now + seconds
        self.now, self._stopped = min(wakes, self._until), wakes > self._until


def shown(count: int = 8, *, apart: float = 0.125, since: datetime = TAKEN) -> Shown:
    return Shown(
        previews=tuple(np.full((90, 160, 3), n, np.uint8) for n in range(count)),
        times=tuple(since + timedelta(seconds=n * apart) for n in range(count)),
        threshold=0.5,
        store="Main",
        camera="Till 2",
        time_zone="UTC",
    )


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    made = Publisher()
    yield made
    made.stop()


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch) -> Paced:
    made = Paced()
    monkeypatch.setattr(pictures, "time", SimpleNamespace(monotonic=made.monotonic))
    return made


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Written]:
    """What is written, and not drawn."""
    found: list[Written] = []

    def write(camera: int, _: bytes, *, taken_at: datetime) -> None:
        found.append(Written(camera, taken_at, pictures.time.monotonic()))  # type: ignore[attr-defined]

    monkeypatch.setattr(live_pictures, "write", write)
    monkeypatch.setattr(drawing, "jpeg", lambda _: b"")
    return found


def looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_pictures, "is_looked_at", lambda _: True)


def wait_for(found: list[Written], count: int) -> None:
    until = time.monotonic() + PATIENCE
    while len(found) < count and time.monotonic() < until:
        time.sleep(0.01)
    assert len(found) >= count


def test_what_is_shown_can_be_read(publisher: Publisher) -> None:
    publisher.show(7, shown(1))

    until = time.monotonic() + PATIENCE
    while live_pictures.latest(7) is None and time.monotonic() < until:
        time.sleep(0.01)

    found = live_pictures.latest(7)
    assert found is not None
    assert found.taken_at == TAKEN
    assert found.content.startswith(b"\xff\xd8")


def test_zones_are_drawn_on_all_of_the_picture_and_nothing_else(publisher: Publisher) -> None:
    picture = shown(1)
    publisher.show(7, picture)

    until = time.monotonic() + PATIENCE
    while (plain := live_pictures.plain(7)) is None and time.monotonic() < until:
        time.sleep(0.01)

    assert plain is not None
    with Image.open(io.BytesIO(plain)) as found:
        assert found.size == picture.previews[0].shape[1::-1]


def test_while_nobody_looks_there_is_one_a_second(paced: Paced, written: list[Written]) -> None:
    paced.show(7, shown(80))

    paced.run(10.0)

    assert len(written) in {10, 11}


def test_while_somebody_looks_all_are_published_at_their_own_pace(
    paced: Paced, written: list[Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at(monkeypatch)

    paced.show(7, shown(8))
    paced.run(2.0)

    assert [each.taken_at for each in written] == list(shown(8).times)
    assert [each.when for each in written] == [0.125 * number for number in range(8)]


def test_there_are_never_more_than_ten_a_second(
    paced: Paced, written: list[Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at(monkeypatch)

    paced.show(7, shown(60, apart=1 / 60))
    paced.run(1.1)

    assert 9 <= len(written) <= 11


def test_the_next_stride_takes_the_place_of_what_is_left(
    paced: Paced, written: list[Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at(monkeypatch)
    later = TAKEN + timedelta(seconds=30)

    paced.show(7, shown(80))
    paced.run(0.2)
    paced.show(7, shown(4, since=later))
    paced.run(0.7)

    of_the_next = [each.taken_at >= later for each in written]
    assert of_the_next == sorted(of_the_next)
    assert of_the_next.count(False) == 2
    assert of_the_next.count(True) >= 3


def test_cameras_do_not_wait_for_each_other(
    paced: Paced, written: list[Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at(monkeypatch)

    for camera in range(5):
        paced.show(camera, shown(4))
    paced.run(0.4)

    assert len(written) == 20
    assert {each.camera for each in written} == set(range(5))


def test_a_disk_that_is_full_ends_nothing_and_is_logged_once(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looked_at(monkeypatch)
    tried: list[int] = []

    def refuse(camera: int, *_: object, **__: object) -> None:
        tried.append(camera)
        msg = "no space left"
        raise OSError(msg)

    monkeypatch.setattr(live_pictures, "write", refuse)
    publisher.show(7, shown(5))
    until = time.monotonic() + PATIENCE
    while len(tried) < 5 and time.monotonic() < until:
        time.sleep(0.01)

    assert len(tried) == 5
    assert caplog.text.count("could not be published") == 1


def test_a_camera_that_is_forgotten_is_published_no_more(
    paced: Paced, written: list[Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at(monkeypatch)
    paced.show(7, shown(40))
    paced.run(0.2)

    paced.forget(7)
    paced.run(9.0)

    assert len(written) == 2


def test_after_a_stop_it_can_begin_anew(publisher: Publisher, written: list[Written]) -> None:
    publisher.show(7, shown(1))
    wait_for(written, 1)
    publisher.stop()

    publisher.show(8, shown(1))

    wait_for(written, 2)


def test_nothing_to_show_is_nothing_to_do(publisher: Publisher, written: list[Written]) -> None:
    publisher.show(7, shown(0))

    assert publisher._thread is None
    assert written == []


def test_boxes_belong_to_pictures() -> None:
    box = Box(left=0.1, top=0.1, right=0.2, bottom=0.5)
    track = ShownTrack(boxes=(None, box), score=0.7, is_hint=True)

    made = replace(shown(2), tracks=(track,), score=0.7, is_hint=True)

    assert made.drawing(0).people == ()
    assert made.drawing(1).people == (drawing.Person(box=box, score=0.7, is_hint=True),)
    assert made.drawing(1).place == "Main · Till 2"
    with pytest.raises(ValueError, match="each preview has a time"):
        replace(shown(3), tracks=(track,))
