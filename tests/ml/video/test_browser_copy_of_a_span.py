"""Copies of a span of a long recording show its pictures, each at its time in the span."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.makers import videos
from video_classifier.ml.contracts import ClipError, ClipSpec, Span
from video_classifier.ml.video import browser_copy, packets, probe, sampling, source

RATE = 2
SPEC = ClipSpec(frames=10, height=48, width=64)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes that browsers don't play, with a keyframe every 5 s."""
    path = tmp_path_factory.mktemp("videos") / "long.mkv"
    return videos.write(
        path, 120 * RATE, codec="libx265", rate=RATE, gop=5 * RATE, options=videos.QUIET_X265
    )


def test_it_shows_the_pictures_of_the_span_from_its_first_second_on(
    long: Path, tmp_path: Path
) -> None:
    target = tmp_path / "copy.mp4"

    browser_copy.make_span(long, target, Span(62.0, 82.0))

    original = sampling.sample(long, SPEC, start=62.0, end=82.0)
    copy = sampling.sample(target, SPEC)
    assert browser_copy.is_playable(probe.facts(target))
    assert [videos.number_of(each) for each in copy.images] == [
        videos.number_of(each) for each in original.images
    ]
    assert copy.times == pytest.approx([time - 62.0 for time in original.times], abs=0.002)
    assert copy.length == pytest.approx(20.0, abs=0.01)


def test_spans_in_a_row_show_each_picture_once(long: Path, tmp_path: Path) -> None:
    spans = probe.facts(long).segment_spans
    targets = [tmp_path / f"{number}.mp4" for number in range(len(spans))]

    for target, (start, end) in zip(targets, spans, strict=True):
        browser_copy.make_span(long, target, Span(start, end))

    counts = [len(packets.read(target).entries) for target in targets]
    assert counts == [60 * RATE, 60 * RATE]


def test_a_picture_that_came_up_before_the_span_is_its_first(tmp_path: Path) -> None:
    shown_at = [0, 7_000, 14_000, 21_000, 28_000]  # milliseconds
    path = videos.write(tmp_path / "slow.mkv", 5, shown_at=shown_at, gop=2, b_frames=0)
    target = tmp_path / "copy.mp4"

    browser_copy.make_span(path, target, Span(10.0, 22.0))

    shown = packets.read(target).shown
    assert shown is not None
    assert [shown.seconds(number) for number in range(3)] == pytest.approx([0, 4, 11], abs=0.001)


def test_a_span_that_is_damaged_throughout_is_a_clip_error_and_leaves_nothing(
    long: Path, tmp_path: Path
) -> None:
    content = bytearray(long.read_bytes())
    content[len(content) // 3 :] = bytes(len(content) - len(content) // 3)
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(content)

    with pytest.raises(ClipError):
        browser_copy.make_span(broken, tmp_path / "copy.mp4", Span(100.0, 120.0))

    assert list(tmp_path.iterdir()) == [broken]


def test_a_file_without_times_has_no_spans(tmp_path: Path) -> None:
    path = videos.write(tmp_path / "raw.hevc", 20, codec="libx265", options=videos.QUIET_X265)

    with pytest.raises(ClipError, match=source.ONE_PIECE[:30]):
        browser_copy.make_span(path, tmp_path / "copy.mp4", Span(0.0, 1.0))


def test_what_has_to_be_encoded_is_not_remuxed(long: Path, tmp_path: Path) -> None:
    known = videos.write(tmp_path / "known.mkv", 20)

    assert not browser_copy.remux(long, tmp_path / "long.mp4")
    assert browser_copy.remux(known, tmp_path / "known.mp4")

    assert {path.name for path in tmp_path.iterdir()} == {"known.mkv", "known.mp4"}
