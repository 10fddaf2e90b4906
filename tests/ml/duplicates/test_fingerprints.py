"""What moves is told apart from where it moves, and survives what copying does to a clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.makers import scenes, videos
from video_classifier.ml.contracts import ClipError
from video_classifier.ml.duplicates import alterations, fingerprints, search
from video_classifier.ml.duplicates.fingerprints import Cache, Fingerprint, Hashes

HALF_SIZE, BRIGHTER, MIRRORED = alterations.ALL[1], alterations.ALL[2], alterations.ALL[4]


def apart(a: Hashes | np.uint64, b: Hashes | np.uint64) -> float:
    """Bits of 64 in which they differ on average."""
    return float(np.bitwise_count(a ^ b).mean())


def altered_print(clip: Path, alteration: alterations.Alteration) -> Fingerprint:
    return fingerprints.take(alterations.write(clip, clip.with_name("copy.mp4"), alteration))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return scenes.write(tmp_path / "clip.mp4", 1)


def test_a_moment_is_a_tenth_of_a_second(clip: Path) -> None:
    found = fingerprints.take(clip)

    assert found.seconds == 6.0
    assert len(found.hashes) == len(found.mirrored) == len(found.moves) == 58


def test_an_empty_room_says_nothing(tmp_path: Path) -> None:
    found = fingerprints.take(scenes.write(tmp_path / "room.mp4", None))

    assert not found.moves.any()


def test_a_clock_is_nothing_that_moves(tmp_path: Path) -> None:
    found = fingerprints.take(scenes.write(tmp_path / "room.mp4", None, seconds=14, clock=53.4))

    assert not found.moves.any()


def test_somebody_under_a_clock_is_seen(tmp_path: Path) -> None:
    found = fingerprints.take(scenes.write(tmp_path / "clip.mp4", 1, clock=53.4))

    assert found.moves.all()


def ticks(*, every: int, seconds: int = 15) -> npt.NDArray[np.float32]:
    """A cell that changes every so many tenths of a second, of nothing that moves otherwise."""
    gray = np.zeros((10 * seconds, 32, 32), np.float32)
    gray[:, 3, 5] = np.arange(len(gray)) // every % 2 * 60
    return gray


@pytest.mark.parametrize(("every", "found"), [(10, True), (7, False), (5, False), (2, False)])
def test_what_changes_once_a_second_ticks(every: int, found: bool) -> None:  # noqa: FBT001
    gray = ticks(every=every)

    cells = fingerprints.ticking(gray, fresh=np.ones(len(gray) - 1, np.bool_))

    assert bool(cells[3, 5]) == found


def test_with_a_picture_a_second_nothing_can_be_told_from_a_clock() -> None:
    gray = ticks(every=10)

    cells = fingerprints.ticking(gray, fresh=np.arange(1, len(gray)) % 10 == 0)

    assert not cells.any()


def test_two_rooms_with_one_clock_share_no_footage_and_copies_of_one_do(tmp_path: Path) -> None:
    dark = np.full((scenes.HEIGHT, scenes.WIDTH), 90, np.uint8)
    dark[60:, 80:] = 160
    here = scenes.write(tmp_path / "here.mp4", None, seconds=14, clock=53.4)
    there = scenes.write(tmp_path / "there.mp4", None, seconds=14, clock=53.4, room=dark)
    prints = {"here": fingerprints.take(here), "there": fingerprints.take(there)}
    original = fingerprints.take(scenes.write(tmp_path / "original.mp4", 1))
    copy = fingerprints.take(scenes.write(tmp_path / "copy.mp4", 1, clock=53.4))

    assert not search.find(prints).pairs
    assert [pair.kind for pair in search.find({"a": original, "b": copy}).pairs] == ["near"]


def test_how_an_empty_room_looks_is_known(tmp_path: Path) -> None:
    room = scenes.write(tmp_path / "room.mp4", None)

    (look, mirrored), (copy, _) = fingerprints.take(room).looks, altered_print(room, BRIGHTER).looks
    (flipped, _) = altered_print(room, MIRRORED).looks

    assert apart(look, copy) <= 4
    assert apart(mirrored, flipped) <= 4
    assert apart(look, flipped) > 16


def test_somebody_who_moves_is_seen(clip: Path) -> None:
    assert fingerprints.take(clip).moves.all()


def test_the_background_does_not_matter_and_the_movement_does(clip: Path, tmp_path: Path) -> None:
    dark = np.full((scenes.HEIGHT, scenes.WIDTH), 120, np.uint8)

    shown = fingerprints.take(clip).hashes
    elsewhere = fingerprints.take(scenes.write(tmp_path / "else.mp4", 1, room=dark)).hashes
    another = fingerprints.take(scenes.write(tmp_path / "another.mp4", 2)).hashes

    assert apart(shown, elsewhere) < 16 < apart(shown, another)


def test_light_hardly_matters(clip: Path) -> None:
    assert apart(fingerprints.take(clip).hashes, altered_print(clip, BRIGHTER).hashes) < 6


def test_mirrored_hashes_are_those_of_the_mirrored_clip(clip: Path) -> None:
    shown, flipped = fingerprints.take(clip), altered_print(clip, MIRRORED)

    assert apart(shown.mirrored, flipped.hashes) < 6
    assert apart(shown.hashes, flipped.hashes) > 16


def test_half_the_size_is_less_sharp(clip: Path) -> None:
    assert altered_print(clip, HALF_SIZE).sharpness < fingerprints.take(clip).sharpness


def test_what_can_not_be_decoded_has_no_fingerprint(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="not a video"):
        fingerprints.take(videos.text(tmp_path / "notes.mp4", "buy milk" * 100))


def refuse(path: Path) -> Fingerprint:
    msg = f"{path} was decoded again"
    raise AssertionError(msg)


def test_a_file_is_decoded_once(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Cache(tmp_path / "cache").take(clip)
    monkeypatch.setattr(fingerprints, "take", refuse)

    again = Cache(tmp_path / "cache").take(clip)

    assert (again.sha256, again.seconds, again.sharpness) == (
        first.sha256,
        first.seconds,
        first.sharpness,
    )
    np.testing.assert_array_equal(again.hashes, first.hashes)
    np.testing.assert_array_equal(again.mirrored, first.mirrored)
    np.testing.assert_array_equal(again.moves, first.moves)
    np.testing.assert_array_equal(again.looks, first.looks)
    np.testing.assert_array_equal(again.rooms, first.rooms)


def test_a_changed_file_is_decoded_again_even_if_it_is_as_large(clip: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    first = cache.take(clip)

    content = bytearray(clip.read_bytes())
    content[-1] ^= 1
    clip.write_bytes(content)

    assert cache.take(clip).sha256 != first.sha256


def test_other_parameters_forget_what_was_taken(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Cache(tmp_path / "cache").take(clip)
    monkeypatch.setattr(fingerprints, "_PARAMETERS", "others")
    monkeypatch.setattr(fingerprints, "take", refuse)

    with pytest.raises(AssertionError, match="decoded again"):
        Cache(tmp_path / "cache").take(clip)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_broken_entry_is_replaced(clip: Path, tmp_path: Path, content: bytes) -> None:
    cache = Cache(tmp_path / "cache")
    first = cache.take(clip)
    (entry,) = (tmp_path / "cache").iterdir()
    entry.write_bytes(content)

    assert cache.take(clip).sha256 == first.sha256
    assert len(entry.read_bytes()) > len(content)


def test_an_interruption_leaves_nothing_behind(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupt)

    with pytest.raises(KeyboardInterrupt):
        Cache(tmp_path / "cache").take(clip)
    assert not list((tmp_path / "cache").iterdir())
