"""Sizes by parameter sets are those that FFmpeg finds."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from video_classifier.ml.video import picture_size
from video_classifier.watching import sources

FORMS = {
    "h264": ("libx264", "yuv420p", (66, 50), {}),
    "h264-interlaced": ("libx264", "yuv420p", (66, 52), {"x264-params": "interlaced=1"}),
    "h264-422": ("libx264", "yuv422p", (66, 51), {}),
    "h264-444": ("libx264", "yuv444p", (65, 51), {}),
    "h264-gray": ("libx264", "gray", (66, 50), {}),
    "h264-10bit": ("libx264", "yuv420p10le", (130, 98), {}),
    "h264-baseline": ("libx264", "yuv420p", (98, 34), {"profile": "baseline"}),
    "h264-scaling": ("libx264", "yuv444p", (66, 50), {"x264-params": "cqm=jvt"}),
    "hevc": ("libx265", "yuv420p", (66, 50), {"x265-params": "log-level=none"}),
    "hevc-422": ("libx265", "yuv422p", (66, 52), {"x265-params": "log-level=none"}),
    "hevc-444": ("libx265", "yuv444p", (70, 52), {"x265-params": "log-level=none"}),
    "hevc-layers": (
        "libx265",
        "yuv420p",
        (66, 50),
        {"x265-params": "temporal-layers=3:log-level=none"},
    ),
}


def sequence_set(path: Path, form: str) -> bytes:
    """Of a raw stream of one picture."""
    encoder, pixels, (width, height), options = FORMS[form]
    codec = form.partition("-")[0]
    with av.open(str(path), "w", format=codec) as output:
        stream = output.add_stream(encoder, rate=Fraction(10), options=dict(options))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        picture = np.zeros((height, width, 3), np.uint8)
        output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))
    return sources.sequence_sets(codec, sources.units(codec, path.read_bytes()))[0]


@pytest.mark.parametrize("form", FORMS)
def test_size_is_that_of_the_pictures(tmp_path: Path, form: str) -> None:
    unit = sequence_set(tmp_path / "stream", form)
    with av.open(str(tmp_path / "stream")) as container:
        picture = next(container.decode(video=0))

    found = picture_size.of_sequence_set(form.partition("-")[0], unit)

    assert found == FORMS[form][2] == (picture.width, picture.height)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_any_bytes_give_two_numbers(tmp_path: Path, codec: str) -> None:
    unit = sequence_set(tmp_path / "stream", codec)
    random = np.random.default_rng(7)
    damaged = [unit[:length] for length in range(len(unit))]
    for _ in range(200):
        changed = np.frombuffer(unit, np.uint8).copy()
        changed[random.integers(len(changed))] = random.integers(256)
        damaged.append(changed.tobytes())

    for each in damaged:
        width, height = picture_size.of_sequence_set(codec, each)
        assert max(width, height) < 1 << 40
