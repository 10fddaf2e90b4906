"""An index is counted before room is made for what it claims."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.makers import videos
from tests.ml.conftest import Clips
from video_classifier.ml.contracts import ClipError, ClipSpec
from video_classifier.ml.video import mp4_index, probe, sampling

CLAIMED = 50_000_000


def boxed(kind: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I4s", len(content) + 8, kind) + content


def claiming(path: Path, kind: bytes, at: int) -> Path:
    """Writes CLAIMED over the count that stands `at` bytes into the content of the first `kind`."""
    content = bytearray(path.read_bytes())
    place = content.index(kind) + 4 + at
    content[place : place + 4] = struct.pack(">I", CLAIMED)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "samples"),
    [("h264.mp4", 30), ("h264.mov", 30), ("faststart.mp4", 30), ("fragmented.mp4", 30)],
)
def test_samples_are_counted_wherever_the_index_is(clips: Clips, name: str, samples: int) -> None:
    assert mp4_index.samples_claimed(clips(name)) == samples


@pytest.mark.parametrize("name", ["h264.ts", "h264.mkv", "h264.avi"])
def test_other_containers_have_no_such_index(clips: Clips, name: str) -> None:
    assert mp4_index.samples_claimed(clips(name)) == 0


def test_samples_of_one_size_are_refused_if_they_are_too_many(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "clip.mp4", 1, codec="mjpeg", pixels="yuvj420p")
    claiming(clip, b"stsz", 8)

    with pytest.raises(ClipError, match="more than 2 million"):
        probe.facts(clip)
    with pytest.raises(ClipError, match="more than 2 million"):
        sampling.sample(clip, ClipSpec())


def test_fragments_that_claim_too_many_are_refused(tmp_path: Path) -> None:
    muxing = {"movflags": "frag_keyframe+empty_moov"}
    clip = claiming(videos.write(tmp_path / "clip.mp4", muxing=muxing), b"trun", 4)

    with pytest.raises(ClipError, match="more than 2 million"):
        probe.facts(clip)


def test_each_edit_shows_all_samples_once_more(tmp_path: Path) -> None:
    edit = struct.pack(">IiI", 1000, 0, 1 << 16)
    edits = boxed(b"elst", struct.pack(">II", 0, 3), edit * 2, struct.pack(">IiI", 99, -1, 1 << 16))
    sizes = boxed(b"stsz", struct.pack(">III", 0, 1, 40))
    path = tmp_path / "edited.mp4"
    path.write_bytes(boxed(b"moov", boxed(b"trak", boxed(b"edts", edits), sizes)))

    assert mp4_index.samples_claimed(path) == 80


def test_uncompressed_sound_is_counted_by_its_chunks(tmp_path: Path) -> None:
    hours = 6
    tables = (
        boxed(b"hdlr", bytes(8), b"soun", bytes(12)),
        boxed(b"stts", struct.pack(">IIII", 0, 1, hours * 3600 * 8000, 1)),
        boxed(b"stsz", struct.pack(">III", 0, 2, hours * 3600 * 8000)),
        boxed(b"stsc", struct.pack(">IIIII", 0, 1, 1, 8000, 1)),
        boxed(b"stco", struct.pack(">II", 0, hours * 3600)),
    )
    path = tmp_path / "sound.mov"
    path.write_bytes(boxed(b"moov", boxed(b"trak", *tables)))

    assert mp4_index.samples_claimed(path) == hours * 3600 * 16


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_index_is_counted_all_the_same(clips: Clips, tmp_path: Path, seed: int) -> None:
    path = tmp_path / "damaged.mp4"
    path.write_bytes(videos.garbled(clips("faststart.mp4").read_bytes(), seed=seed))

    assert mp4_index.samples_claimed(path) >= 0


def test_boxes_without_end_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mp4_index, "_MAX_BOXES", 100)
    path = tmp_path / "boxes.mp4"
    path.write_bytes(boxed(b"free") * 500)

    assert mp4_index.samples_claimed(path) > 100
