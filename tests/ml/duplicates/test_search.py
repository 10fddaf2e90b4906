"""Shared footage is found at its offset, other footage is not, and few clips are compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from video_classifier.ml.duplicates import search
from video_classifier.ml.duplicates.fingerprints import LAG, RATE, Fingerprint, Hashes
from video_classifier.ml.duplicates.search import DuplicateKind, Pair

random = np.random.default_rng(5)
_START = random.bit_generator.state


@pytest.fixture(autouse=True)
def _same_chances() -> None:
    """For each test, whichever others run."""
    random.bit_generator.state = _START


def footage(seconds: float) -> Hashes:
    """Random motion hashes: no two moments alike."""
    return random.integers(0, 2**64, round(seconds * RATE) - LAG, np.uint64, endpoint=False)


def make_print(hashes: Hashes, *, sha256: str = "", sharpness: float = 1.0) -> Fingerprint:
    return Fingerprint(
        sha256=sha256 or hashes.tobytes().hex(),
        seconds=(len(hashes) + LAG) / RATE,
        sharpness=sharpness,
        hashes=hashes,
        mirrored=~hashes,
        has_motion=np.ones(len(hashes), np.bool_),
        mean_hashes=np.array([hashes[0], ~hashes[0]]),
        background_hashes=rooms_of(len(hashes) + LAG, ROOM),
    )


ROOM = 0x0123_4567_89AB_CDEF


def rooms_of(moments: int, look: int) -> Hashes:
    """One room for all of a clip."""
    return np.array([[look, ~look & (2**64 - 1)]] * -(-moments // RATE), np.uint64)


def noisy(hashes: Hashes, bits: int) -> Hashes:
    """With so many bits of each hash flipped."""
    flips = [sum(1 << int(bit) for bit in random.permutation(64)[:bits]) for _ in hashes]
    return hashes ^ np.array(flips, np.uint64)


def pairs(**prints: Fingerprint) -> tuple[Pair, ...]:
    return search.find(prints).pairs


def test_the_same_bytes_are_exact_copies() -> None:
    one = make_print(footage(5))

    assert pairs(a=one, b=one) == (
        Pair(a="a", b="b", kind=DuplicateKind.EXACT, offset_s=0.0, share=1.0),
    )


def test_a_reencoded_clip_is_a_near_copy() -> None:
    shown = footage(5)

    found = pairs(a=make_print(shown), b=make_print(noisy(shown, 5)))

    assert found == (Pair(a="a", b="b", kind=DuplicateKind.NEAR, offset_s=0.0, share=1.0),)


def test_a_mirrored_clip_is_a_near_copy() -> None:
    shown = footage(5)

    flipped = replace(
        make_print(~noisy(shown, 5)), background_hashes=rooms_of(50, ~ROOM & (2**64 - 1))
    )

    found = pairs(a=make_print(shown), b=flipped)

    assert found == (
        Pair(a="a", b="b", kind=DuplicateKind.NEAR, offset_s=0.0, share=1.0, mirrored=True),
    )


def test_mirrored_evidence_is_the_same_from_both_sides() -> None:
    shown = footage(5)
    a, b = make_print(shown), replace(make_print(~shown), mirrored=noisy(shown, 20))

    assert search.max_evidence(a, b) == search.max_evidence(b, a)


def test_a_trimmed_clip_is_a_near_copy() -> None:
    shown = footage(8)

    found = pairs(a=make_print(shown), b=make_print(noisy(shown[20:], 3)))

    assert found == (Pair(a="a", b="b", kind=DuplicateKind.NEAR, offset_s=-2.0, share=0.75),)


def test_second_t_of_the_first_is_second_t_and_the_offset_of_the_other() -> None:
    recording = footage(13)
    early, late = make_print(recording[:78]), make_print(noisy(recording[48:], 3))

    assert pairs(a=early, b=late) == (
        Pair(a="a", b="b", kind=DuplicateKind.OVERLAP, offset_s=-4.8, share=0.4),
    )
    (turned,) = pairs(b=early, a=late)
    assert (turned.offset_s, turned.share) == (4.8, round(3.2 / 8.2, 3))


def test_other_footage_is_not_a_duplicate() -> None:
    assert not pairs(a=make_print(footage(10)), b=make_print(footage(10)))


def test_a_weak_match_is_not_a_duplicate() -> None:
    shown = footage(10)

    assert not pairs(a=make_print(shown), b=make_print(noisy(shown, 15)))


def test_the_same_motion_in_two_rooms_is_not_shared_footage() -> None:
    clock = footage(6)
    here, there = make_print(clock), make_print(noisy(clock, 1))

    found = pairs(a=here, b=there)
    elsewhere = pairs(a=here, b=replace(there, background_hashes=rooms_of(60, ROOM ^ 0xFFFF_FF)))

    assert [(pair.a, pair.b) for pair in found] == [("a", "b")]
    assert elsewhere == ()


def test_a_part_of_a_clip_that_shows_several_rooms_is_found() -> None:
    shown = footage(12)
    part, whole = make_print(shown[60:]), make_print(noisy(shown, 2))
    rooms = np.concatenate([rooms_of(60, ROOM ^ 0xFFFF_FF), rooms_of(60, ROOM)])

    (pair,) = pairs(a=part, b=replace(whole, background_hashes=rooms))

    assert (pair.kind, pair.offset_s) == (DuplicateKind.NEAR, 6.0)


def test_less_than_a_second_is_no_evidence() -> None:
    recording = footage(10)
    short, shorter = make_print(recording[:54]), make_print(recording[54 - RATE + 1 :])

    assert not pairs(a=short, b=shorter)
    assert pairs(a=short, b=make_print(recording[54 - RATE :]))


def test_a_short_stretch_has_to_agree_better_than_a_long_one() -> None:
    shown = footage(10)
    copy = noisy(shown, 9)

    long = search.max_evidence(make_print(shown), make_print(copy))
    short = search.max_evidence(make_print(shown[:12]), make_print(copy[:12]))

    assert short < search.MIN_EVIDENCE < long


def test_a_long_weak_match_is_not_enough() -> None:
    shown = footage(120)

    evidence = search.max_evidence(make_print(shown), make_print(noisy(shown, 14)))

    assert evidence < search.MIN_EVIDENCE


def test_moments_without_motion_in_both_are_no_evidence() -> None:
    prints = []
    for stretch in (slice(0, 12), slice(-12, None)):
        hashes, moves = np.zeros(98, np.uint64), np.zeros(98, np.bool_)
        hashes[stretch], moves[stretch] = footage(1.4), True
        prints.append(replace(make_print(hashes), has_motion=moves))

    assert search.max_evidence(*prints) < search.MIN_EVIDENCE


def still(look: int, *, moving: int = 0) -> Fingerprint:
    """A clip with that mean-picture hash, and motion in so many moments."""
    moves = np.arange(48) < moving
    looks = np.array([look, ~look & (2**64 - 1)], np.uint64)
    return replace(make_print(footage(5)), has_motion=moves, mean_hashes=looks)


def test_clips_without_motion_are_copies_if_their_mean_pictures_match() -> None:
    found = pairs(a=still(0b1111), b=still(0b1000), c=still(2**40 - 1))

    assert found == (Pair(a="a", b="b", kind=DuplicateKind.NEAR, offset_s=0.0, share=1.0),)


def test_a_mirrored_still_clip_is_a_near_copy() -> None:
    (pair,) = pairs(a=still(2**40 - 1), b=still(~(2**40 - 1) & (2**64 - 1)))

    assert pair.mirrored


def test_visits_to_one_shelf_look_alike_and_are_no_duplicates() -> None:
    assert not pairs(a=still(7, moving=10), b=still(7, moving=10))
    assert not pairs(a=still(7), b=still(7, moving=10))


def test_a_movement_shorter_than_a_second_is_not_stillness() -> None:
    a, b = (replace(make_print(footage(0.9)), mean_hashes=still(7).mean_hashes) for _ in "ab")

    assert not pairs(a=a, b=b)


def test_copies_of_a_copy_are_found_with_it() -> None:
    shown = footage(5)
    original = make_print(shown)

    found = pairs(a=original, b=make_print(noisy(shown[10:], 3)), c=original)

    assert [(pair.a, pair.b, pair.kind, pair.offset_s, pair.share) for pair in found] == [
        ("a", "b", DuplicateKind.NEAR, -1.0, 0.8),
        ("a", "c", DuplicateKind.EXACT, 0.0, 1.0),
        ("b", "c", DuplicateKind.NEAR, 1.0, 1.0),
    ]


def test_thousands_of_clips_are_not_compared_exhaustively() -> None:
    prints = {f"{number:04}": make_print(footage(4)) for number in range(4000)}
    for number in range(0, 4000, 100):
        prints[f"{number:04} copy"] = make_print(noisy(prints[f"{number:04}"].hashes, 4))

    found = search.find(prints)

    assert [pair.b for pair in found.pairs] == [f"{pair.a} copy" for pair in found.pairs]
    assert len(found.pairs) == 40
    assert found.aligned < 200  # of eight million


def test_what_blinks_in_every_clip_costs_no_comparisons() -> None:
    blinking = np.array([1 << 63, 1 << 40], np.uint64)
    prints = {
        str(number): make_print(np.concatenate([footage(2), blinking.repeat(20)]))
        for number in range(60)
    }

    assert search.find(prints).aligned == 0


def test_each_clip_counts_as_progress() -> None:
    ticks = []
    one = make_print(footage(3))

    search.find({"a": one, "b": one, "c": make_print(footage(3))}, advance=lambda: ticks.append(1))

    assert len(ticks) == 3


def test_nothing_to_compare_is_nothing_found() -> None:
    assert not pairs()
    assert not search.groups(())


def linked(a: str, b: str) -> Pair:
    return Pair(a=a, b=b, kind=DuplicateKind.OVERLAP, offset_s=1.0, share=0.5)


def test_groups_are_connected_components() -> None:
    chain = [linked("b", "c"), linked("a", "b"), linked("x", "y")]

    assert search.groups(chain) == (("a", "b", "c"), ("x", "y"))


def test_opposite_labels_on_shared_footage_are_a_conflict() -> None:
    found = [linked("a", "b"), linked("b", "c")]

    assert search.conflicts(found, {"a": "x", "b": "x", "c": "y"}) == (found[1],)


SAME_LABEL = dict.fromkeys("abc", "shoplifter")


@pytest.mark.parametrize(
    ("a", "b", "kept"),
    [
        (make_print(footage(5)), make_print(footage(8), sharpness=0.1), "b"),
        (make_print(footage(5)), make_print(footage(5), sharpness=2), "b"),
        (make_print(footage(5), sharpness=2), make_print(footage(5.1)), "a"),
        (make_print(footage(5)), make_print(footage(5)), "a"),
    ],
    ids=["the longest", "the sharpest of equals", "a frame more does not count", "the first"],
)
def test_the_best_stays(a: Fingerprint, b: Fingerprint, kept: str) -> None:
    (other,) = {"a", "b"} - {kept}

    assert search.superfluous([("a", "b")], {"a": a, "b": b}, SAME_LABEL) == {other: kept}


def test_a_conflict_is_left_to_a_person() -> None:
    prints = {name: make_print(footage(5)) for name in "abc"}
    labels = {"a": "shoplifter", "b": "non_shoplifter", "c": "shoplifter"}

    assert search.superfluous([("a", "b", "c")], prints, labels) == {"c": "a"}
