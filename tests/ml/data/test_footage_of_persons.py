"""Networks of persons train on what serving would show them, cut out once and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.makers import crowd
from tests.makers.crowd import Spotter, Way, standing, walking
from tests.makers.datasets import entry
from tests.ml.conftest import OF_PERSONS
from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import Window
from video_classifier.ml.data.augmentation import resize
from video_classifier.ml.data.footage import Footage, read_footage
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.persons import finder, tracking, windows

MakeEntry = Callable[..., Entry]

LARGE, SMALL = walking(0.1, speed=0.03, width=0.2), standing(0.8, width=0.06, height=0.2)


@pytest.fixture
def make_entry(tmp_path: Path) -> MakeEntry:
    def make(*ways: Way, shoplifter: bool = True) -> Entry:
        number = len(list(tmp_path.glob("*.mp4")))
        path = crowd.write(tmp_path / f"{number}.mp4", *ways)
        return entry(number, shoplifter=shoplifter, group="somebody", path=path)

    return make


def read(
    *entries: Entry, cache: Cache | None = None, detector: Spotter | None = None
) -> list[Footage]:
    footage, unreadable = read_footage(
        entries, OF_PERSONS, detector=detector or Spotter(), cache=cache
    )
    assert not unreadable
    return list(footage)


def test_everybody_is_read_as_served_and_the_foremost_comes_first(make_entry: MakeEntry) -> None:
    one = make_entry(SMALL, LARGE)
    reel, tracks = finder.find(finder.reel(one.path), Spotter())
    shown, _ = finder.take_crops(reel, tracking.most_prominent(tracks), OF_PERSONS)

    (clip,) = read(one)

    assert shown[0].track.boxes[0].left < 0.5
    np.testing.assert_array_equal(clip.inputs, [person.images for person in shown[:2]])


def test_augmented_copies_are_of_the_foremost_in_the_very_pictures_that_are_served(
    make_entry: MakeEntry,
) -> None:
    (clip,) = read(make_entry(SMALL, LARGE))

    (frames,) = clip.frames
    assert 25 <= len(frames) <= 32
    for picture in clip.inputs[0]:
        assert (frames == picture).all(axis=(1, 2, 3)).any()


def test_the_label_of_a_theft_means_one_person_and_any_other_label_everybody(
    make_entry: MakeEntry,
) -> None:
    theft, visit = read(make_entry(SMALL, LARGE), make_entry(SMALL, LARGE, shoplifter=False))

    assert len(theft.frames) == 1
    assert [len(frames) for frames in visit.frames] == [len(visit.frames[0])] * 2


def test_a_clip_without_anybody_is_named_and_left_out(make_entry: MakeEntry) -> None:
    entries = [make_entry(), make_entry(LARGE)]

    good, bad = read_footage(entries, OF_PERSONS, detector=Spotter())

    assert [clip.entry for clip in good] == entries[1:]
    assert [(clip.entry, clip.reason) for clip in bad] == [(entries[0], "Nobody was found in it.")]


def test_a_second_run_looks_for_nobody(make_entry: MakeEntry, tmp_path: Path) -> None:
    entries = [make_entry(LARGE, SMALL), make_entry(LARGE, shoplifter=False)]
    cold = read(*entries, cache=Cache(tmp_path / "cache"))
    spotter = Spotter()

    warm = read(*entries, cache=Cache(tmp_path / "cache"), detector=spotter)

    assert not spotter.shown
    for one, other in zip(cold, warm, strict=True):
        np.testing.assert_array_equal(one.inputs, other.inputs)
        for before, after in zip(one.frames, other.frames, strict=True):
            np.testing.assert_array_equal(before, after)


def test_that_nobody_is_there_is_kept_too(make_entry: MakeEntry, tmp_path: Path) -> None:
    nobody, cache, spotter = make_entry(), Cache(tmp_path / "cache"), Spotter()
    read_footage([nobody], OF_PERSONS, detector=Spotter(), cache=cache)

    _, (bad,) = read_footage([nobody], OF_PERSONS, detector=spotter, cache=cache)

    assert bad.reason == "Nobody was found in it."
    assert not spotter.shown


def test_what_changes_who_is_found_looks_again(
    make_entry: MakeEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, cache = make_entry(LARGE), Cache(tmp_path / "cache")
    read(one, cache=cache)
    other, later = Spotter(), Spotter()
    other.sha256 = "6" * 64

    read(one, cache=cache, detector=other)
    monkeypatch.setattr(finder, "VERSION", (*finder.VERSION, "newer"))
    read(one, cache=cache, detector=later)

    assert other.shown
    assert later.shown


def test_without_a_detector_nobody_can_be_found(make_entry: MakeEntry) -> None:
    with pytest.raises(ValueError, match="needs a detector"):
        read_footage([make_entry(LARGE)], OF_PERSONS)


MOVEMENT = replace(OF_PERSONS, frames=16, rate=8.0)


def test_of_a_network_of_movement_every_window_is_read_as_served(
    make_entry: MakeEntry, tmp_path: Path
) -> None:
    one = make_entry(SMALL, LARGE)
    reel, tracks = finder.find(finder.reel(one.path), Spotter())
    prominent = tracking.most_prominent(tracks)
    shown: list[Window] = []
    finder.take_windows(reel, prominent, MOVEMENT, shown.append)
    shown.sort(key=lambda each: (each.track or 0, each.number))

    for _ in ("cold", "warm"):
        ((clip,), _) = read_footage(
            [one], MOVEMENT, detector=Spotter(), cache=Cache(tmp_path / "cache")
        )

        assert len(shown) > 2
        np.testing.assert_array_equal(clip.inputs, [each.images for each in shown])
        np.testing.assert_allclose(
            clip.windows, [((each.track or 1) - 1, each.start, each.end) for each in shown]
        )
        assert clip.is_labelled.tolist() == [each.track == 1 for each in shown]


def test_copies_of_a_network_of_movement_have_room_for_crops(make_entry: MakeEntry) -> None:
    ((clip,), _) = read_footage([make_entry(LARGE)], MOVEMENT, detector=Spotter())

    (frames,) = clip.frames
    assert frames.shape[1:] == (40, 40, 3)
    starts = windows.window_starts(len(frames), MOVEMENT)
    assert len(starts) == len(clip.inputs)
    small = np.stack([resize(frame, MOVEMENT) for frame in frames[starts[1] : starts[1] + 16]])
    difference = np.abs(small.astype(int) - clip.inputs[1].astype(int)).mean()
    assert difference < 8  # the same pictures, larger
