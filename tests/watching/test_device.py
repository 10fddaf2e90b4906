"""A camera that is plugged in, for which a file stands in."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from tests.makers import videos
from video_classifier.states import Fault
from video_classifier.watching.device import DeviceSource
from video_classifier.watching.limits import Limits
from video_classifier.watching.mjpeg import size
from video_classifier.watching.wire import ConnectError


def test_reads_encoded_pictures_by_our_clock(tmp_path: Path) -> None:
    file = videos.write(tmp_path / "device.avi", 5, codec="mjpeg")
    source = DeviceSource(str(file), Limits(), kind="avi")

    pictures = list(islice(source.pictures(), 3))
    source.close()

    assert source.codec == "mjpeg"
    assert [size(each.data) for each in pictures] == [(64, 48)] * 3
    assert all(each.is_key for each in pictures)
    assert pictures[0].ticks < pictures[1].ticks < pictures[2].ticks


def test_ends_when_it_is_told_to(tmp_path: Path) -> None:
    source = DeviceSource(
        str(videos.write(tmp_path / "device.avi", 5, codec="mjpeg")), Limits(), kind="avi"
    )
    pictures = source.pictures()
    next(pictures)

    source.abort()

    assert not list(pictures)
    source.close()


def test_says_that_there_is_no_device() -> None:
    with pytest.raises(ConnectError, match="plugged in") as error:
        DeviceSource("/dev/video999", Limits())

    assert error.value.fault == Fault.REFUSED


def test_refuses_pictures_that_are_not_encoded(tmp_path: Path) -> None:
    file = videos.write(tmp_path / "device.avi", 2, codec="rawvideo")

    with pytest.raises(ConnectError) as error:
        DeviceSource(str(file), Limits(), kind="avi")

    assert error.value.fault == Fault.NO_VIDEO
