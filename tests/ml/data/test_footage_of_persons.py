"""Networks of persons train on what serving would show them, cut out once and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.makers import crowd
from tests.makers.crowd import Spotter, Way, standing, walking
from tests.makers.datasets import entry
from tests.ml.conftest import OF_PERSONS
from video_classifier.ml.cache import Cache
from video_classifier.ml.data.augmentation import Augmentation
from video_classifier.ml.data.footage import ClipExamples, Footage, read_footage
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.persons import finder

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
    *entries: Entry, kept: Cache | None = None, detector: Spotter | None = None
) -> list[Footage]:
    footage, unreadable = read_footage(
        entries, OF_PERSONS, detector=detector or Spotter(), kept=kept
    )
    assert not unreadable
    return list(footage)


def test_everybody_is_read_as_served_and_the_foremost_comes_first(make_entry: MakeEntry) -> None:
    one = make_entry(SMALL, LARGE)
    reel = finder.reel(one.path)
    shown, _ = finder.show(reel, finder.foremost(finder.find(reel, Spotter())), OF_PERSONS)

    (clip,) = read(one)

    assert shown[0].track.boxes[0].left < 0.5
    np.testing.assert_array_equal(clip.served, shown[0].images)
    np.testing.assert_array_equal(clip.others, [shown[1].images])


def test_variants_are_of_the_foremost_in_the_very_pictures_that_are_served(
    make_entry: MakeEntry,
) -> None:
    (clip,) = read(make_entry(SMALL, LARGE))

    assert 25 <= len(clip.frames) <= 32
    for served in clip.served:
        assert (clip.frames == served).all(axis=(1, 2, 3)).any()


def test_the_label_of_a_theft_means_one_person_and_any_other_label_everybody(
    make_entry: MakeEntry,
) -> None:
    theft, visit = read(make_entry(SMALL, LARGE), make_entry(SMALL, LARGE, shoplifter=False))

    assert theft.bystanders == ()
    assert [len(frames) for frames in visit.bystanders] == [len(visit.frames)]


def test_a_clip_without_anybody_is_named_and_left_out(make_entry: MakeEntry) -> None:
    entries = [make_entry(), make_entry(LARGE)]

    good, bad = read_footage(entries, OF_PERSONS, detector=Spotter())

    assert [clip.entry for clip in good] == entries[1:]
    assert [(clip.entry, clip.reason) for clip in bad] == [(entries[0], "Nobody was found in it.")]


def test_a_second_run_looks_for_nobody(make_entry: MakeEntry, tmp_path: Path) -> None:
    entries = [make_entry(LARGE, SMALL), make_entry(LARGE, shoplifter=False)]
    cold = read(*entries, kept=Cache(tmp_path / "cache"))
    spotter = Spotter()

    warm = read(*entries, kept=Cache(tmp_path / "cache"), detector=spotter)

    assert not spotter.shown
    for one, other in zip(cold, warm, strict=True):
        np.testing.assert_array_equal(one.served, other.served)
        np.testing.assert_array_equal(one.others, other.others)
        np.testing.assert_array_equal(one.frames, other.frames)


def test_that_nobody_is_there_is_kept_too(make_entry: MakeEntry, tmp_path: Path) -> None:
    nobody, kept, spotter = make_entry(), Cache(tmp_path / "cache"), Spotter()
    read_footage([nobody], OF_PERSONS, detector=Spotter(), kept=kept)

    _, (bad,) = read_footage([nobody], OF_PERSONS, detector=spotter, kept=kept)

    assert bad.reason == "Nobody was found in it."
    assert not spotter.shown


def test_what_changes_who_is_found_looks_again(
    make_entry: MakeEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, kept = make_entry(LARGE), Cache(tmp_path / "cache")
    read(one, kept=kept)
    other, later = Spotter(), Spotter()
    other.sha256 = "6" * 64

    read(one, kept=kept, detector=other)
    monkeypatch.setattr(finder, "VERSION", (*finder.VERSION, "newer"))
    read(one, kept=kept, detector=later)

    assert other.shown
    assert later.shown


def test_without_a_detector_nobody_can_be_found(make_entry: MakeEntry) -> None:
    with pytest.raises(ValueError, match="needs a detector"):
        read_footage([make_entry(LARGE)], OF_PERSONS)


def test_rows_belong_to_clips(make_entry: MakeEntry) -> None:
    footage = read(make_entry(LARGE, SMALL), make_entry(LARGE), make_entry(LARGE, SMALL))

    examples = ClipExamples(footage, OF_PERSONS, Augmentation(), seed=1)

    assert examples.bounds.tolist() == [0, 2, 3, 5]
    np.testing.assert_array_equal(examples.served[2], footage[1].served)
    np.testing.assert_array_equal(examples.served[4], footage[2].others[0])
    assert examples.varied(0, np.arange(3)).shape == (3, *OF_PERSONS.shape)
