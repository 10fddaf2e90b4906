"""Trying a camera out: a picture or the reason, in time, and the address in nobody's sight."""

from __future__ import annotations

import io
import json
import tempfile
import threading
import time
from pathlib import Path

import pytest
from PIL import Image
from pytest_django import Settings

from tests.makers.feeds import make_feed
from video_classifier.models import Feed
from video_classifier.services import camera_tests, live_pictures, sandbox
from video_classifier.services.addresses import AddressError
from video_classifier.services.camera_tests import CameraFaultError
from video_classifier.services.errors import Refused
from video_classifier.services.sandbox import BusyError
from video_classifier.states import Fault

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_tests, "CHILD", "tests.makers.camera_child")
    monkeypatch.setattr(camera_tests, "SECONDS", 60.0)  # others use this machine, too


def feed_that(does: str) -> Feed:
    return make_feed(address=f"rtsp://ada:pa55word@192.168.1.20/{does}?key=1")


def test_a_camera_that_answers_shows_a_picture() -> None:
    feed = feed_that("works")

    found = camera_tests.try_out(feed)

    with Image.open(io.BytesIO(found.picture)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (64, 48))
    assert (found.codec, found.width, found.height) == ("h264", 64, 48)
    kept = live_pictures.latest(feed.pk)
    assert kept is not None
    assert kept.content == found.picture
    assert live_pictures.plain(feed.pk) == found.picture  # to draw zones on


def test_the_address_is_told_by_input_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings
) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for children")
    told: dict[str, object] = {}
    real = sandbox.still

    def look(path: Path, *, width: int) -> object:
        told.update(json.loads((path.parent / "told.json").read_text()))
        return real(path, width=width)

    monkeypatch.setattr(sandbox, "still", look)

    camera_tests.try_out(feed_that("works"))

    assert "pa55word" not in str(told["argv"])
    assert "SECRET_KEY" not in str(told["env"])
    assert told["machines"] == ["192.168.1.20"]
    assert "pa55word" in str(told["address"])


@pytest.mark.parametrize("fault", [Fault.PASSWORD, Fault.NO_KEYFRAME])
def test_a_fault_says_what_to_do(fault: Fault) -> None:
    with pytest.raises(CameraFaultError) as caught:
        camera_tests.try_out(feed_that(fault))

    assert caught.value.fault == fault
    assert live_pictures.latest(Feed.objects.get().pk) is None


def test_a_child_that_hangs_is_ended_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_tests, "SECONDS", 4.0)
    began = time.monotonic()

    with pytest.raises(CameraFaultError) as caught:
        camera_tests.try_out(feed_that("hang"))

    assert caught.value.fault == Fault.NO_DATA
    assert time.monotonic() - began < 30  # and the child a minute


def test_a_child_that_crashes_is_no_more_than_a_fault() -> None:
    with pytest.raises(CameraFaultError) as caught:
        camera_tests.try_out(feed_that("crash"))

    assert caught.value.fault == Fault.BROKEN


def test_what_is_no_video_is_refused_by_the_decoder() -> None:
    with pytest.raises(Refused):
        camera_tests.try_out(feed_that("rubbish"))


def test_nothing_is_left_behind(settings: Settings) -> None:
    camera_tests.try_out(feed_that("works"))

    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []


def test_a_machine_that_is_not_allowed_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryDirectory", pytest.fail)

    with pytest.raises(AddressError):
        camera_tests.try_out(make_feed(address="rtsp://127.0.0.1/works"))


def test_only_a_few_are_tried_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_tests, "_running", threading.BoundedSemaphore(1))
    camera_tests._running.acquire()

    with pytest.raises(BusyError):
        camera_tests.try_out(feed_that("works"))
