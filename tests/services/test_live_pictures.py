"""The newest picture of each live camera."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from video_classifier.services import live_pictures

TAKEN = datetime(2026, 11, 26, 3, 12, 45, 250_000, tzinfo=UTC)


def test_the_newest_picture_takes_the_place_of_the_one_before() -> None:
    live_pictures.write(7, b"first", taken_at=TAKEN)
    live_pictures.write(7, b"second", taken_at=TAKEN + timedelta(seconds=1))

    found = live_pictures.latest(7)

    assert found is not None
    assert found.content == b"second"
    assert found.taken_at == TAKEN + timedelta(seconds=1)
    assert live_pictures.taken_at(7) == found.taken_at
    assert live_pictures.stamp(7) == found.stamp


def test_without_a_picture_there_is_none() -> None:
    assert live_pictures.latest(7) is None
    assert live_pictures.stamp(7) is None
    assert live_pictures.taken_at(7) is None


def test_who_reads_never_gets_half_a_picture() -> None:
    pictures = [bytes([number]) * 200_000 for number in range(2)]
    live_pictures.write(7, pictures[0], taken_at=TAKEN)
    ended = threading.Event()

    def keep_writing() -> None:
        for number in range(300):
            live_pictures.write(7, pictures[number % 2], taken_at=TAKEN)
        ended.set()

    writer = threading.Thread(target=keep_writing)
    writer.start()
    seen = set()
    while not ended.is_set():
        found = live_pictures.latest(7)
        assert found is not None
        seen.add(found.content)
    writer.join()

    assert seen <= set(pictures)


def test_a_look_counts_for_ten_seconds(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    live_pictures.write(7, b"picture", taken_at=TAKEN)
    assert not live_pictures.is_looked_at(7)

    live_pictures.look(7)

    assert live_pictures.is_looked_at(7)
    assert not live_pictures.is_looked_at(8)
    mark = Path(settings.DATA_DIR) / "live" / "7" / "looked"
    monkeypatch.setattr(time, "time", lambda: now)
    for ago in (11, -11):
        os.utime(mark, (now - ago, now - ago))
        assert not live_pictures.is_looked_at(7)


def test_looking_is_noted_at_most_once_a_second(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    live_pictures.write(7, b"picture", taken_at=TAKEN)
    live_pictures.look(7)
    mark = Path(settings.DATA_DIR) / "live" / "7" / "looked"
    just = now - 0.3
    os.utime(mark, (just, just))

    live_pictures.look(7)
    assert mark.stat().st_mtime == pytest.approx(just)

    os.utime(mark, (just - 1, just - 1))
    live_pictures.look(7)
    assert mark.stat().st_mtime > just


def test_looking_at_a_camera_without_pictures_leaves_nothing(settings: Settings) -> None:
    live_pictures.look(7)

    assert not (Path(settings.DATA_DIR) / "live").exists()
    assert not live_pictures.is_looked_at(7)


def test_pictures_of_cameras_that_are_gone_are_removed_and_so_are_old_ones() -> None:
    for camera in (1, 2):
        live_pictures.write(camera, b"new", taken_at=TAKEN)
    live_pictures.write(3, b"old", taken_at=TAKEN - timedelta(days=2))

    assert live_pictures.sweep({1, 3}, now=TAKEN) == 2

    assert [live_pictures.latest(camera) is None for camera in (1, 2, 3)] == [False, True, True]


def test_a_sweep_before_the_first_picture_finds_nothing() -> None:
    assert live_pictures.sweep(set(), now=TAKEN) == 0


def test_those_of_one_camera_can_be_removed() -> None:
    live_pictures.write(1, b"picture", taken_at=TAKEN)

    live_pictures.remove(1)
    live_pictures.remove(1)

    assert live_pictures.latest(1) is None


def test_a_plain_picture_lies_beside_the_drawn_one() -> None:
    assert live_pictures.plain(7) is None
    assert live_pictures.is_plain_due(7)

    live_pictures.write(7, b"drawn", taken_at=TAKEN)
    live_pictures.write_plain(7, b"plain")

    assert live_pictures.plain(7) == b"plain"
    assert not live_pictures.is_plain_due(7)
    live_pictures.remove(7)
    assert live_pictures.plain(7) is None
