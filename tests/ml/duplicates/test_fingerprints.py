"""Fingerprints depend on motion, not on the background, and survive re-encoding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.makers import scenes, videos
from video_classifier.ml.contracts import ClipError
from video_classifier.ml.duplicates import alterations, fingerprints, search
from video_classifier.ml.duplicates.fingerprints import Fingerprint, FingerprintCache, Hashes

HALF_SIZE, BRIGHTER, MIRRORED = alterations.ALL[1], alterations.ALL[2], alterations.ALL[4]


def apart(a: Hashes | np.uint64, b: Hashes | np.uint64) -> float:
    """Bits of 64 in which they differ on average."""
    return float(np.bitwise_count(a ^ b).mean())


def altered_print(clip: Path, alteration: alterations.Alteration) -> Fingerprint:
    return fingerprints.compute(alterations.write(clip, clip.with_name("copy.mp4"), alteration))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return scenes.write(tmp_path / "clip.mp4", 1)


def test_a_moment_is_a_tenth_of_a_second(clip: Path) -> None:
    found = fingerprints.compute(clip)

    assert found.seconds == 6.0
    assert len(found.hashes) == len(found.mirrored) == len(found.has_motion) == 58


def test_an_empty_room_has_no_motion(tmp_path: Path) -> None:
    found = fingerprints.compute(scenes.write(tmp_path / "room.mp4", None))

    assert not found.has_motion.any()


def test_a_clock_is_not_motion(tmp_path: Path) -> None:
    found = fingerprints.compute(scenes.write(tmp_path / "room.mp4", None, seconds=14, clock=53.4))

    assert not found.has_motion.any()


def test_a_person_under_a_clock_is_motion(tmp_path: Path) -> None:
    found = fingerprints.compute(scenes.write(tmp_path / "clip.mp4", 1, clock=53.4))

    assert found.has_motion.all()


def ticks(*, every: int, seconds: int = 15) -> npt.NDArray[np.float32]:
    """Mask of one cell that changes every so many tenths of a second, without other motion."""
    gray = np.zeros((10 * seconds, 32, 32), np.float32)
    gray[:, 3, 5] = np.arange(len(gray)) // every % 2 * 60
    return gray


@pytest.mark.parametrize(("every", "found"), [(10, True), (7, False), (5, False), (2, False)])
def test_a_cell_that_changes_once_a_second_is_a_clock(every: int, found: bool) -> None:  # noqa: FBT001
    gray = ticks(every=every)

    cells = fingerprints.clock_cells(gray, changed=np.ones(len(gray) - 1, np.bool_))

    assert bool(cells[3, 5]) == found


def test_with_one_picture_a_second_nothing_is_taken_for_a_clock() -> None:
    gray = ticks(every=10)

    cells = fingerprints.clock_cells(gray, changed=np.arange(1, len(gray)) % 10 == 0)

    assert not cells.any()


def test_two_rooms_with_one_clock_share_no_footage_and_copies_of_one_do(tmp_path: Path) -> None:
    dark = np.full((scenes.HEIGHT, scenes.WIDTH), 90, np.uint8)
    dark[60:, 80:] = 160
    here = scenes.write(tmp_path / "here.mp4", None, seconds=14, clock=53.4)
    there = scenes.write(tmp_path / "there.mp4", None, seconds=14, clock=53.4, room=dark)
    prints = {"here": fingerprints.compute(here), "there": fingerprints.compute(there)}
    original = fingerprints.compute(scenes.write(tmp_path / "original.mp4", 1))
    copy = fingerprints.compute(scenes.write(tmp_path / "copy.mp4", 1, clock=53.4))

    assert not search.find(prints).pairs
    assert [pair.kind for pair in search.find({"a": original, "b": copy}).pairs] == ["near"]


def test_an_empty_room_has_a_hash_of_its_mean_picture(tmp_path: Path) -> None:
    room = scenes.write(tmp_path / "room.mp4", None)

    (look, mirrored), (copy, _) = (
        fingerprints.compute(room).mean_hashes,
        altered_print(room, BRIGHTER).mean_hashes,
    )
    (flipped, _) = altered_print(room, MIRRORED).mean_hashes

    assert apart(look, copy) <= 4
    assert apart(mirrored, flipped) <= 4
    assert apart(look, flipped) > 16


def test_a_person_who_moves_is_motion(clip: Path) -> None:
    assert fingerprints.compute(clip).has_motion.all()


def test_the_background_does_not_matter_and_the_movement_does(clip: Path, tmp_path: Path) -> None:
    dark = np.full((scenes.HEIGHT, scenes.WIDTH), 120, np.uint8)

    shown = fingerprints.compute(clip).hashes
    elsewhere = fingerprints.compute(scenes.write(tmp_path / "else.mp4", 1, room=dark)).hashes
    another = fingerprints.compute(scenes.write(tmp_path / "another.mp4", 2)).hashes

    assert apart(shown, elsewhere) < 16 < apart(shown, another)


def test_light_hardly_matters(clip: Path) -> None:
    assert apart(fingerprints.compute(clip).hashes, altered_print(clip, BRIGHTER).hashes) < 6


def test_mirrored_hashes_are_those_of_the_mirrored_clip(clip: Path) -> None:
    shown, flipped = fingerprints.compute(clip), altered_print(clip, MIRRORED)

    assert apart(shown.mirrored, flipped.hashes) < 6
    assert apart(shown.hashes, flipped.hashes) > 16


def test_half_the_size_is_less_sharp(clip: Path) -> None:
    assert altered_print(clip, HALF_SIZE).sharpness < fingerprints.compute(clip).sharpness


def test_what_can_not_be_decoded_has_no_fingerprint(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="not a video"):
        fingerprints.compute(videos.text(tmp_path / "notes.mp4", "buy milk" * 100))


def refuse(path: Path) -> Fingerprint:
    msg = f"{path} was decoded again"
    raise AssertionError(msg)


def test_a_file_is_decoded_once(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = FingerprintCache(tmp_path / "cache").get(clip)
    monkeypatch.setattr(fingerprints, "compute", refuse)

    again = FingerprintCache(tmp_path / "cache").get(clip)

    assert (again.sha256, again.seconds, again.sharpness) == (
        first.sha256,
        first.seconds,
        first.sharpness,
    )
    np.testing.assert_array_equal(again.hashes, first.hashes)
    np.testing.assert_array_equal(again.mirrored, first.mirrored)
    np.testing.assert_array_equal(again.has_motion, first.has_motion)
    np.testing.assert_array_equal(again.mean_hashes, first.mean_hashes)
    np.testing.assert_array_equal(again.background_hashes, first.background_hashes)


def test_a_changed_file_is_decoded_again_even_if_it_is_as_large(clip: Path, tmp_path: Path) -> None:
    cache = FingerprintCache(tmp_path / "cache")
    first = cache.get(clip)

    content = bytearray(clip.read_bytes())
    content[-1] ^= 1
    clip.write_bytes(content)

    assert cache.get(clip).sha256 != first.sha256


def test_other_parameters_make_other_fingerprints(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FingerprintCache(tmp_path / "cache").get(clip)
    monkeypatch.setattr(fingerprints, "_PARAMETERS", "others")
    monkeypatch.setattr(fingerprints, "compute", refuse)

    with pytest.raises(AssertionError, match="decoded again"):
        FingerprintCache(tmp_path / "cache").get(clip)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_broken_entry_is_replaced(clip: Path, tmp_path: Path, content: bytes) -> None:
    cache = FingerprintCache(tmp_path / "cache")
    first = cache.get(clip)
    (entry,) = (tmp_path / "cache").iterdir()
    entry.write_bytes(content)

    assert cache.get(clip).sha256 == first.sha256
    assert len(entry.read_bytes()) > len(content)


def test_an_interruption_leaves_nothing_behind(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupt)

    with pytest.raises(KeyboardInterrupt):
        FingerprintCache(tmp_path / "cache").get(clip)
    assert not list((tmp_path / "cache").iterdir())
