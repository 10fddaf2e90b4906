"""A file that can't be read from its disk is taken for no damaged clip, and for no short one."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import av
import pytest
from av.container import InputContainer

from tests.makers import videos
from video_classifier.ml.contracts import UnreadableError
from video_classifier.ml.video import containers


class Failing:
    """A container of that file, whose first packet FFmpeg can't read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.options = {"fd": str(file.fileno())}

    def demux(self) -> Iterator[object]:
        yield av.error.err_check(-errno.EIO)


def refuse(*_: object) -> bytes:
    raise OSError(errno.EIO, "Input/output error")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return videos.write(tmp_path / "clip.mp4", 10)


def test_reading_that_fails_on_the_way_is_no_end_of_the_clip(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with video.open("rb") as file:
        monkeypatch.setattr("os.pread", refuse)

        with pytest.raises(UnreadableError, match="Input/output error"):
            list(containers.packets(cast("InputContainer", Failing(file))))


def test_damage_that_ffmpeg_calls_the_same_ends_the_packets(video: Path) -> None:
    with video.open("rb") as file:
        assert not list(containers.packets(cast("InputContainer", Failing(file))))


@pytest.mark.parametrize("error", [FileNotFoundError, PermissionError])
def test_a_file_that_can_not_be_opened_says_nothing_of_the_clip(
    video: Path, monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Path, "open", fail)

    with pytest.raises(UnreadableError), containers.opened(video):
        pass
