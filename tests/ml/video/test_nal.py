"""Notes beside pictures cost none of them, and a lost reference is noticed."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tests.makers import videos
from tests.ml.conftest import Clips
from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.video import browser_copy, decoding, nal, packets, probe, sampling
from video_classifier.ml.video.nal import NalLayout, Reader

SPEC = ClipSpec(frames=16, height=48, width=64)
OVER_LONG = {
    "h264": b"\x06\x76\xc8\x01\x02\x03",
    "hevc": b"\x4e\x01\x76\xc8\x01\x02\x03",
}
SOUND = {"h264": b"\x06\x76\x02\x01\x02\x80", "hevc": b"\x4e\x01\x76\x02\x01\x02\x80"}
CODECS = {"h264": "libx264", "hevc": "libx265"}


def written(folder: Path, codec: str, suffix: str, **more: object) -> Path:
    options = videos.QUIET_X265 if codec == "hevc" else {}
    usual = {"codec": CODECS[codec], "options": options, "b_frames": 0, "gop": 40}
    return videos.write(folder / f"clip.{suffix}", 60, **usual | more)  # type: ignore[arg-type]


def layout_of(path: Path) -> NalLayout:
    with av.open(path) as container:
        stream = container.streams.video[0]
        found = NalLayout.of(stream.codec.canonical_name, stream.codec_context.extradata)
    assert found is not None
    return found


def annotated(path: Path, note: bytes, *, every: int = 1) -> Path:
    layout = layout_of(path)
    changed = path.with_name(f"noted{path.suffix}")
    return videos.rewritten(
        path,
        changed,
        lambda number, content: layout.packed([note]) * (number % every == 0) + content,
    )


@pytest.mark.parametrize("suffix", ["ts", "mp4", "mkv"])
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("every", [1, 25])
def test_over_long_messages_cost_no_picture(
    tmp_path: Path, codec: str, suffix: str, every: int
) -> None:
    whole = written(tmp_path, codec, suffix)
    clip = annotated(whole, OVER_LONG[codec], every=every)

    sample = sampling.sample(clip, SPEC)

    assert sample.warnings == ()
    assert np.array_equal(sample.images, sampling.sample(whole, SPEC).images)
    assert len(decoding.decoded_timeline(clip).ticks) == 60
    assert not browser_copy.is_playable(probe.facts(clip))


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("h264", {"x264-params": "aud=1"}),
        ("h264", {"x264-params": "slices=3"}),
        ("hevc", {"x265-params": "log-level=none:slices=3:aud=1"}),
    ],
)
def test_a_slice_that_damage_turns_into_a_message_is_missed(
    tmp_path: Path, codec: str, options: dict[str, str], which: int
) -> None:
    whole = written(tmp_path, codec, "mp4", options=options, size=(320, 240))
    layout = layout_of(whole)

    def damaged(number: int, content: bytes) -> bytes:
        units = list(layout.units(content))
        slices = [n for n, unit in enumerate(units) if layout.is_slice(unit)]
        if number == 20:
            at = slices[min(which, len(slices) - 1)]
            units[at] = OVER_LONG[codec][:2] + units[at][2:]
        return layout.packed(units)

    clip = videos.rewritten(whole, tmp_path / "damaged.mp4", damaged)

    shown = decoding.decoded_timeline(clip)
    sample = sampling.sample(clip, SPEC)

    assert 20 not in [round(shown.seconds(n) * 10) for n in range(len(shown.ticks))]
    assert sample.warnings != ()


@pytest.mark.parametrize("codec", CODECS)
def test_other_messages_do_not_matter(tmp_path: Path, codec: str) -> None:
    clip = annotated(written(tmp_path, codec, "mp4"), SOUND[codec])

    assert not packets.read(clip).has_over_long
    assert sampling.sample(clip, SPEC).warnings == ()


def test_copies_for_browsers_have_no_over_long_messages(tmp_path: Path) -> None:
    clip = annotated(written(tmp_path, "h264", "mp4"), OVER_LONG["h264"], every=7)

    browser_copy.make(clip, tmp_path / "copy.mp4")

    assert browser_copy.is_playable(probe.facts(tmp_path / "copy.mp4"))
    assert np.array_equal(
        sampling.sample(tmp_path / "copy.mp4", SPEC).images, sampling.sample(clip, SPEC).images
    )


@pytest.mark.parametrize("suffix", ["ts", "mp4", "mkv"])
def test_a_lost_reference_is_noticed(tmp_path: Path, suffix: str) -> None:
    whole = written(tmp_path, "h264", suffix)
    clip = videos.rewritten(
        whole,
        tmp_path / f"lossy.{suffix}",
        lambda number, content: content if number != 10 else None,
    )

    assert sampling.sample(whole, SPEC).warnings == ()
    assert sampling.sample(clip, SPEC).warnings == (  # from 11 to 16, where a scene begins
        "Pictures that others build on were lost on their way into the file: about 0.5 s of the "
        "clip may look damaged.",
    )


def test_a_lost_picture_on_which_none_builds_is_no_damage(tmp_path: Path) -> None:
    options = {"x264-params": "bframes=2:b-pyramid=none:b-adapt=0"}
    whole = written(tmp_path, "h264", "mp4", b_frames=2, options=options)
    layout = layout_of(whole)

    def lose(number: int, content: bytes) -> bytes | None:
        slices = [unit for unit in layout.units(content) if layout.is_slice(unit)]
        return content if slices[0][0] & 0x60 or number % 4 else None

    clip = videos.rewritten(whole, tmp_path / "fewer.mp4", lose)

    assert len(decoding.decoded_timeline(clip).ticks) < 60
    assert sampling.sample(clip, SPEC).warnings == ()


@pytest.mark.parametrize("name", [n for n in videos.WHOLE if n.startswith(("h264", "open_gop"))])
def test_whole_clips_leave_no_doubt(clips: Clips, name: str) -> None:
    known = packets.read(clips(name))

    assert (list(known.doubtful), known.has_over_long) == ([], False)


@pytest.mark.parametrize(
    ("profile", "parameters"),
    [
        ("baseline", "ref=4"),
        ("main", "interlaced=1:bframes=3"),
        ("high", "interlaced=1:ref=4:bframes=3"),
        ("high", "cqm=jvt:keyint=9"),
        ("high", "intra-refresh=1:slices=3"),
        ("high444", "cqm=jvt:bframes=3"),
    ],
)
def test_numbers_are_read_whatever_the_profile(
    tmp_path: Path, profile: str, parameters: str
) -> None:
    clip = written(
        tmp_path,
        "h264",
        "mp4",
        pixels="yuv444p" if profile == "high444" else "yuv420p",
        options={"profile": profile, "x264-params": parameters},
    )
    lossy = videos.rewritten(
        clip, tmp_path / "lossy.mp4", lambda number, content: content if number % 5 else None
    )

    assert list(packets.read(clip).doubtful) == []
    assert list(packets.read(lossy).doubtful) != []


@pytest.mark.parametrize("seed", range(300))
def test_garbage_has_units_or_none(seed: int) -> None:
    random = np.random.default_rng(seed)
    heads = [b"\0\0\1\x67\x64\0\x1e", b"\0\0\1\x68", b"\0\0\1\x41", b"\0\0\0\5\x06", b"\1"]
    content = b"".join(heads[int(n)] + random.bytes(30) for n in random.integers(0, 5, 6))

    for codec in CODECS:
        for extradata in (None, content, b"\1" + content):
            layout = NalLayout.of(codec, extradata)
            assert layout is not None
            finding = Reader(layout, extradata).inspect(content)
            assert {type(said) for said in finding} == {bool}
            layout.without_messages(content, sound_ones=False)


def test_codecs_without_units_have_no_layout() -> None:
    assert NalLayout.of("vp9", None) is None
    assert nal.NalLayout.of("h264", b"\1\x64\0\x1e\xff") == NalLayout("h264", 4)
