"""A span of a long recording shows what the whole recording shows there, without decoding all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from av.container import InputContainer
from av.video.frame import VideoFrame

from tests.makers import videos
from video_classifier.ml.contracts import WHOLE, ClipError, ClipSpec, Sample, Span, Window
from video_classifier.ml.video import (
    containers,
    decoding,
    packets,
    probe,
    reel,
    seeking,
    source,
    windowing,
)
from video_classifier.ml.video.reel import open_reel
from video_classifier.ml.video.scaling import FitWithin
from video_classifier.ml.video.timeline import Run

SPEC = ClipSpec(frames=4, height=48, width=64)
RATE = 8
KINDS = ["clip.mp4", "clip.mkv", "clip.ts", "clip.mov", "clip.flv"]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    source._recent.clear()
    yield
    source._recent.clear()


def write(path: Path, seconds: float = 180, **how: object) -> Path:
    """Pictures whose numbers count to 256, then begin again."""
    return videos.write(path, round(seconds * RATE), rate=RATE, **how)  # type: ignore[arg-type]


def cut(clip: Path, span: Span = WHOLE, spec: ClipSpec = SPEC) -> tuple[list[Window], Sample]:
    """The windows that count, where some came again."""
    found: list[Window] = []

    def take(window: Window) -> None:
        del found[window.number :]
        found.append(window)

    return found, windowing.sample_windows(clip, spec, take, span=span, preview_width=32)


def pieces(clip: Path) -> list[Span]:
    return [Span(*each) for each in probe.facts(clip).segment_spans]


def assert_same(one: Window, other: Window) -> None:
    assert (one.start, one.end, one.times) == (other.start, other.end, other.times)
    np.testing.assert_array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.previews, other.previews)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ticks of the frames that came out of a decoder."""
    found: list[int] = []
    sound = decoding._sound

    def note(frames, wanted):  # type: ignore[no-untyped-def]
        found.extend(frame.pts for frame in frames)
        yield from sound(frames, wanted)

    monkeypatch.setattr(decoding, "_sound", note)
    return found


@pytest.mark.parametrize("name", KINDS)
def test_spans_have_the_windows_of_the_whole_recording(tmp_path: Path, name: str) -> None:
    clip = write(tmp_path / name)
    whole, overview = cut(clip)

    spans = pieces(clip)
    found = [cut(clip, span) for span in spans]

    assert [span.start for span in spans] == pytest.approx([0, 60, 120], abs=0.01)
    assert [span.end for span in spans] == pytest.approx([60, 120, 180], abs=0.3)
    for one, other in zip([each for taken, _ in found for each in taken], whole, strict=True):
        assert_same(one, other)
    assert sum(sample.length for _, sample in found) == pytest.approx(overview.length)
    assert sum(s.content.pictures for _, s in found if s.content) == 180 * RATE


def test_at_an_uneven_rate_they_are_the_same_too(tmp_path: Path) -> None:
    """1001 ticks from picture to picture, a pause, and moments on the edge of pictures."""
    steps = [125 if number % 3 else 126 for number in range(1200)]
    steps[333] = 20_017
    clip = videos.write(
        tmp_path / "clip.mkv", 1200, rate=RATE, shown_at=np.cumsum([0, *steps[1:]]).tolist()
    )
    whole, _ = cut(clip)

    found = [window for span in pieces(clip) for window in cut(clip, span)[0]]

    assert len(found) == 15
    for one, other in zip(found, whole, strict=True):
        assert_same(one, other)


def test_each_picture_is_decoded_once_but_for_the_run_up(
    tmp_path: Path, decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reel, "_MAX_KEPT", 0)
    clip = write(tmp_path / "clip.mp4", gop=24, b_frames=0)

    for span in pieces(clip):
        open_reel(clip, rate=RATE, span=span).map(lambda _, __: None)

    assert len(set(decoded)) == 180 * RATE
    assert len(decoded) <= 180 * RATE + 2 * 24


@pytest.mark.parametrize("name", KINDS)
def test_only_the_packets_of_a_span_are_gone_through(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write(tmp_path / name)
    source.read(clip, Span(120, 180))
    count = 0

    def counted(*streams):  # type: ignore[no-untyped-def]
        nonlocal count
        for packet in original(*streams):
            count += 1
            yield packet

    original = containers.packets
    monkeypatch.setattr(containers, "packets", counted)
    open_reel(clip, rate=RATE, span=Span(120, 180)).map(lambda _, __: None)

    assert 60 * RATE <= count < 75 * RATE


def test_packets_are_read_once_and_again_when_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []
    original = packets.read

    def read(path: Path) -> packets.Packets:
        reads.append(path)
        return original(path)

    monkeypatch.setattr(packets, "read", read)
    clip = write(tmp_path / "clip.mp4")

    for span in (Span(0, 60), Span(60, 120), Span(120, 180)):
        source.read(clip, span)
    os.utime(clip, ns=(1, 1))
    source.read(clip, Span(0, 60))

    assert len(reads) == 2


def test_of_packets_no_more_than_a_few_files_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [write(tmp_path / f"{number}.mp4", 100) for number in range(6)]

    for clip in clips:
        source.read(clip, Span(0, 60))
    assert [key[0] for key in source._recent] == clips[2:]

    monkeypatch.setattr(source, "_MAX_PACKETS", 100 * RATE)
    source.read(clips[5], Span(0, 60))
    assert [key[0] for key in source._recent] == clips[5:]


def test_a_seek_that_lands_wrong_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write(tmp_path / "clip.mp4")
    right, _ = cut(clip, Span(60, 120))

    seeks = []

    def too_late(container, stream, entry):  # type: ignore[no-untyped-def]
        seeks.append(entry)
        return original(container, stream, entry._replace(dts=entry.dts + 30 * 12_800))

    original = seeking._sought
    monkeypatch.setattr(seeking, "_sought", too_late)
    found, _ = cut(clip, Span(60, 120))

    assert seeks
    for one, other in zip(found, right, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("moved", [-12.0, 12.0, 1e12])
def test_a_container_that_seeks_elsewhere_is_gone_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: float
) -> None:
    clip = write(tmp_path / "clip.mp4")
    right, _ = cut(clip, Span(60, 120))

    class Misled:
        def __init__(self, container: InputContainer) -> None:
            self._container = container

        def seek(self, tick, *, stream):  # type: ignore[no-untyped-def]
            self._container.seek(max(0, round(tick + moved / stream.time_base)), stream=stream)

        def demux(self, *streams):  # type: ignore[no-untyped-def]
            return self._container.demux(*streams)

    original = seeking._sought
    monkeypatch.setattr(
        seeking, "_sought", lambda container, *rest: original(cast("Any", Misled(container)), *rest)
    )
    found, _ = cut(clip, Span(60, 120))

    for one, other in zip(found, right, strict=True):
        assert_same(one, other)


def test_damage_in_one_span_leaves_the_others(tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.mp4", muxing={"movflags": "faststart"})
    intact = [cut(clip, span) for span in pieces(clip)]
    spans = pieces(clip)
    videos.zeroed(clip, 0.45, 0.5)

    found = [cut(clip, span) for span in spans]

    for number in (0, 2):
        for one, other in zip(found[number][0], intact[number][0], strict=True):
            assert_same(one, other)
        assert found[number][1].warnings == ()
    windows, sample = found[1]
    assert (windows[0].start, windows[0].end, windows[-1].end) == (60, 70, 120)
    assert sample.content is not None
    assert 0.5 < sample.content.share_decoded < 1
    (warning,) = sample.warnings
    assert "between 1:00.0 and 2:00.0 are damaged" in warning
    for window in windows:  # each picture is still at its own time
        numbers = list(map(videos.number_of, window.images))
        assert numbers == [round(second * RATE) % 256 for second in window.times]


def test_a_span_of_which_nothing_decodes_says_so(tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.mp4", muxing={"movflags": "faststart"})
    videos.zeroed(clip, 0.3, 0.69)

    with pytest.raises(ClipError, match="damaged there"):
        cut(clip, Span(60, 120))
    assert cut(clip, Span(120, 180))[0]


def test_who_follows_people_looks_two_seconds_further_back(tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.mp4")
    fit = FitWithin(width=64, height=48)

    seen = open_reel(clip, rate=RATE, span=Span(60, 120), lead=2.0)
    numbers = seen.map(lambda _, frame: videos.number_of(fit(frame))).values

    assert (seen.times[0], seen.times[-1]) == (58.0, 120 - 1 / RATE)
    assert seen.times[seen.lead] == 60.0
    assert list(numbers.values()) == [round(second * RATE) % 256 for second in seen.times]


def test_a_reel_holds_no_more_than_a_span(tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.mp4", 300)

    seen = open_reel(clip, rate=RATE, span=Span(120, 180))

    assert len(seen.times) == 60 * RATE
    assert len(seen.map(lambda _, __: None).values) == 60 * RATE


def test_after_a_long_pause_another_piece_begins(tmp_path: Path) -> None:
    recorded = [*np.arange(0, 45_000, 125), *np.arange(845_000, 945_000, 125)]
    clip = videos.write(
        tmp_path / "clip.mkv", len(recorded), rate=RATE, shown_at=list(map(int, recorded))
    )

    spans = pieces(clip)
    found = [cut(clip, span) for span in spans]

    assert [(s.start, s.end) for s in spans] == [(0, 45), (845, 905), (905, 945)]
    assert [[w.start for w in windows] for windows, _ in found] == [
        [0, 10, 20, 30, 40],
        [845, 855, 865, 875, 885, 895],
        [905, 915, 925, 935],
    ]
    assert [len(sample.warnings) for _, sample in found] == [1, 0, 0]
    assert "The recording pauses for 13 minutes after 0:44.9" in found[0][1].warnings[0]


def test_a_short_stretch_beside_a_pause_belongs_to_the_piece_beside_it(tmp_path: Path) -> None:
    recorded = [*np.arange(0, 20_000, 125), *np.arange(120_000, 220_000, 125)]
    clip = videos.write(
        tmp_path / "clip.mkv", len(recorded), rate=RATE, shown_at=list(map(int, recorded))
    )

    assert [(s.start, s.end) for s in pieces(clip)] == [(0, 160), (160, 220)]


@pytest.mark.parametrize(("seconds", "count"), [(60, 0), (90, 0), (91, 2), (149, 2), (150, 3)])
def test_a_last_piece_has_half_a_minute_or_more(tmp_path: Path, seconds: int, count: int) -> None:
    clip = videos.write(tmp_path / "clip.mp4", 2 * seconds, rate=2)

    assert len(pieces(clip)) == count


@pytest.mark.parametrize("name", ["clip.avi", "clip.h264"])
def test_without_times_there_is_one_piece(tmp_path: Path, name: str) -> None:
    clip = write(tmp_path / name, 120)

    assert pieces(clip) == []
    with pytest.raises(ClipError, match="doesn't say when"):
        cut(clip, Span(60, 120))


def test_an_avi_without_reordered_pictures_has_several(tmp_path: Path) -> None:
    clip = write(tmp_path / "clip.avi", 120, b_frames=0)

    assert [window.start for window in cut(clip, pieces(clip)[1])[0]] == [60, 70, 80, 90, 100, 110]


def test_a_day_at_one_frame_a_second_has_pieces_of_a_minute(tmp_path: Path) -> None:
    clip = videos.write(
        tmp_path / "clip.mp4", 3600, rate=1, options={"preset": "ultrafast"}, gop=60
    )

    spans = pieces(clip)
    windows, sample = cut(clip, spans[30])

    assert len(spans) == 60
    assert windows[0].start == 1800
    assert sample.length == 60


def test_there_are_never_more_pieces_or_windows_than_pictures(tmp_path: Path) -> None:
    """Of a picture an hour, there would be sixty pieces for each."""
    clip = videos.write(
        tmp_path / "clip.mkv", 100, rate=1, shown_at=[3_500_000 * n for n in range(100)]
    )

    assert len(pieces(clip)) <= 2
    assert len(cut(clip)[0]) <= 100


def test_pictures_of_another_size_begin_in_the_middle_of_a_span(tmp_path: Path) -> None:
    small = write(tmp_path / "small.ts", 80)
    large = write(tmp_path / "large.ts", 80, size=(128, 96))
    clip = videos.continued(tmp_path / "clip.ts", small, large)

    found = [cut(clip, span) for span in pieces(clip)]

    for window in (window for windows, _ in found for window in windows):
        assert list(map(videos.number_of, window.images)) == [
            round(RATE * (second % 80)) % 256 for second in window.times
        ]
    assert sum(s.content.pictures for _, s in found if s.content) == 160 * RATE


def test_a_span_beyond_the_end_has_nothing(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="Nothing was recorded"):
        cut(write(tmp_path / "clip.mp4", 20), Span(30, 40))


def test_of_frames_that_differ_a_span_has_its_own(tmp_path: Path) -> None:
    spec = ClipSpec(frames=4, height=48, width=64, min_difference=1.0)
    clip = write(tmp_path / "clip.mp4", 120)

    windows, _ = cut(clip, Span(60, 120), spec)

    assert all(window.start <= second < window.end for window in windows for second in window.times)


def test_a_second_look_at_a_span_decodes_what_it_takes(
    tmp_path: Path, decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reel, "_MAX_KEPT", 20 * 64 * 48 * 2)  # 20 pictures
    clip = write(tmp_path / "clip.mp4", gop=8, b_frames=0)
    fit = FitWithin(width=64, height=48)
    seen = open_reel(clip, rate=RATE, span=Span(60, 120))

    def numbered(*places: int, hold: tuple[int, ...] = ()) -> dict[int, int]:
        return seen.map(
            lambda _, frame: videos.number_of(fit(frame)),
            choose=lambda _: places,
            hold=lambda _: hold,
        ).values

    every = range(60 * RATE)
    first = numbered(*every, hold=(1, 200, 479))
    decoded.clear()

    assert numbered(1, 200, 479) == {at: first[at] for at in (1, 200, 479)}
    assert decoded == []
    assert numbered(1, 100, 200, 203) == {at: first[at] for at in (1, 100, 200, 203)}
    assert len(decoded) <= 2 * 8
    assert list(numbered(*every)) == list(every)


def test_where_the_keyframe_before_is_not_enough_all_is_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reel, "_MAX_KEPT", 0)
    seen = open_reel(write(tmp_path / "clip.mp4"), rate=RATE, span=Span(60, 120))
    fit = FitWithin(width=64, height=48)
    first = seen.map(lambda _, frame: videos.number_of(fit(frame)))
    original = decoding.take_guided

    def take(source, shown, numbers, take):  # type: ignore[no-untyped-def]
        if len(numbers) < len(seen.times):
            raise decoding.DamagedError
        return original(source, shown, numbers, take)

    monkeypatch.setattr(decoding, "take_guided", take)
    again = seen.map(lambda _, frame: videos.number_of(fit(frame)), choose=lambda _: (7, 70))

    assert again.reel is seen
    assert again.values == {at: first.values[at] for at in (7, 70)}


def test_a_short_movement_in_a_span_is_measured_without_a_second_look(
    tmp_path: Path, decoded: list[int]
) -> None:
    """Two seconds of it, of which the windows show a picture or none."""
    clip = videos.draw(
        tmp_path / "clip.mp4",
        lambda number: videos.picture(min(max(number - 89 * RATE, 0), 16)),
        frames=120 * RATE,
        rate=RATE,
    )

    _, sample = cut(clip, Span(60, 120))

    assert sample.content is not None
    assert sample.content.pictures_different == 16
    assert len(decoded) == len(set(decoded))


def test_what_moved_is_held_for_a_second_look(
    tmp_path: Path, decoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as there is room: pictures of a large size don't all fit."""
    monkeypatch.setattr(reel, "_MAX_KEPT", 120 * 64 * 48 * 3)
    fit = FitWithin(width=64, height=48)
    moving = range(100 * RATE, 110 * RATE)
    pictures = (videos.picture(n % 256 if n in moving else 7) for n in range(150 * RATE))
    clip = videos.write_images(
        tmp_path / "clip.mp4",
        [VideoFrame.from_ndarray(each, format="rgb24") for each in pictures],
        rate=RATE,
        options={"g": "8", "bf": "0"},
    )
    seen = open_reel(clip, rate=RATE, span=Span(60, 120))
    first = seen.map(
        lambda _, frame: videos.number_of(fit(frame)),
        choose=lambda each: range(0, len(each.times), 4),
        only_new=True,
    )
    decoded.clear()

    again = seen.map(
        lambda _, frame: videos.number_of(fit(frame)), choose=lambda _: range(320, 400)
    )

    assert decoded == []
    assert list(again.values.values()) == [number % 256 for number in range(800, 880)]
    assert [first.values[place] for place in (0, 316, 320, 396)] == [7, 7, 32, 108]


def test_runs_with_little_between_them_are_decoded_as_one() -> None:
    """At the end of each, the decoder's threads would have nothing to do."""
    runs = [Run(0, 46), Run(50, 97), Run(150, 160), Run(168, 170)]

    assert decoding._bridged(runs) == [Run(0, 97), Run(150, 170)]


@pytest.mark.parametrize("since", [None, 110])
def test_windows_of_a_span_come_once_something_moves(tmp_path: Path, since: int | None) -> None:
    """They are those of the whole recording, and none where nothing moves."""
    pictures = [7] * (120 * RATE)
    if since:
        pictures[since * RATE :] = range(10 * RATE)
    clip = videos.write_images(
        tmp_path / "clip.mp4",
        [VideoFrame.from_ndarray(videos.picture(each), format="rgb24") for each in pictures],
        rate=RATE,
    )
    whole, _ = cut(clip)

    found, sample = cut(clip, Span(60, 120))

    assert sample.content is not None
    assert sample.content.pictures_different == (16 if since else 1)
    assert len(found) == (6 if since else 0)
    for one, other in zip(found, whole[6:], strict=False):
        assert_same(one, other)
