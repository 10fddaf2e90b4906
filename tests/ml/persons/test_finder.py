"""People are found in real videos, wherever they are and whenever they come."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.makers import crowd, videos
from tests.makers.crowd import Spotter, Way, between, standing, walking
from video_classifier.ml.contracts import (
    ClipError,
    ClipSpec,
    Crops,
    Image,
    Region,
    Span,
    Window,
)
from video_classifier.ml.persons import finder, tracking
from video_classifier.ml.persons.detector import Detections
from video_classifier.ml.video import decoding, reel, sampling
from video_classifier.ml.video.timeline import Timeline

SPEC = ClipSpec(frames=4, height=32, width=32, view=Region.PERSON)


def look(clip: Path, spec: ClipSpec = SPEC) -> tuple[Crops, ...]:
    reel, tracks = finder.find(finder.reel(clip), Spotter())
    crops, _ = finder.take_crops(reel, tracks, spec)
    return crops


def write(folder: Path, *ways: Way, seconds: float = 4.0, **options: object) -> Path:
    return crowd.write(folder / "clip.mp4", *ways, seconds=seconds, **options)  # type: ignore[arg-type]


def is_centered(image: Image) -> bool:
    """Whether there is a person in the middle, and none at the left and right edges."""
    pale = image[..., 0] > 150
    return bool(pale[14:18, 14:18].all() and not pale[:, [0, -1]].any())


def test_a_person_is_followed_through_the_clip(tmp_path: Path) -> None:
    (person,) = look(write(tmp_path, walking(0.1, speed=0.2)))

    assert person.images.shape == SPEC.shape
    assert all(map(is_centered, person.images))
    assert person.times == pytest.approx((0.4, 1.3, 2.2, 3.1), abs=0.15)
    assert person.track.times[-1] == 3.5


def test_who_comes_late_and_leaves_early_is_seen_in_between(tmp_path: Path) -> None:
    (person,) = look(write(tmp_path, between(standing(0.4), 1.0, 3.0)))

    assert all(map(is_centered, person.images))
    assert 1.0 <= person.times[0] < person.times[-1] < 3.0


def test_who_is_at_the_edge_is_cut_out_whole(tmp_path: Path) -> None:
    (person,) = look(write(tmp_path, standing(0.0)))

    assert all(map(is_centered, person.images))


def test_a_double_in_a_mirror_is_looked_at_too(tmp_path: Path) -> None:
    one, other = look(write(tmp_path, walking(0.1, speed=0.05), walking(0.8, speed=-0.05)))

    np.testing.assert_allclose(one.images.mean(), other.images.mean(), rtol=0.05)


def test_nobody_is_nobody(tmp_path: Path) -> None:
    assert look(write(tmp_path)) == ()


@pytest.mark.parametrize("size", [(64, 64), (4096, 2160)])
def test_pictures_of_any_size_are_looked_at(tmp_path: Path, size: tuple[int, int]) -> None:
    (person,) = look(write(tmp_path, standing(0.4), seconds=0.5, size=size))

    assert all(map(is_centered, person.images))


def test_a_clip_of_one_frame_shows_it_as_often_as_wanted(tmp_path: Path) -> None:
    (person,) = look(write(tmp_path, standing(0.4), seconds=0))

    assert person.times == (0.0,) * 4
    assert all(map(is_centered, person.images))


def test_in_a_short_clip_all_pictures_differ(tmp_path: Path) -> None:
    (person,) = look(
        write(tmp_path, walking(0.1, speed=0.4), seconds=2, rate=30),
        ClipSpec(height=32, width=32, view=Region.PERSON),
    )

    assert len(set(person.times)) == 16


def test_of_twenty_the_foremost_are_looked_at(tmp_path: Path) -> None:
    small = [
        standing(0.02 + 0.09 * n, top=top, width=0.04, height=0.2)
        for n in range(10)
        for top in (0.05, 0.4)
    ]
    large = standing(0.4, top=0.65, width=0.1, height=0.35)
    reel = finder.reel(write(tmp_path, *small, large, seconds=1))

    reel, found = finder.find(reel, Spotter())
    foremost = tracking.most_prominent(found)

    assert len(found) == 21
    assert len(foremost) == tracking.MAX_TRACKS
    assert foremost[0].boxes[0].top == pytest.approx(0.65, abs=0.02)


def test_the_detector_sees_pictures_that_fit_it_a_few_times_a_second(tmp_path: Path) -> None:
    spotter = Spotter()

    finder.find(finder.reel(write(tmp_path, standing(0.4), size=(640, 480))), spotter)

    assert set(spotter.shown) == {(96, 128, 3)}
    assert len(spotter.shown) == 8


@pytest.mark.parametrize(
    ("rate", "step"), [(2, 0.5), (3, 1 / 3), (4, 0.5), (5, 0.4), (6, 0.5), (10, 0.5), (30, 0.5)]
)
def test_the_detector_looks_about_every_half_second_whatever_the_frame_rate(
    tmp_path: Path, rate: int, step: float
) -> None:
    (person,) = look(write(tmp_path, standing(0.4), seconds=8, rate=rate))

    assert np.diff(person.track.times) == pytest.approx(step)
    assert person.track.times[0] == 0.0
    assert person.track.times[-1] >= 8 - max(2 * step, 0.5 + 1 / rate) - 0.01


@pytest.mark.parametrize("rate", [8, 9, 12.5, 15, 23.976, 25, 29.97, 30, 60])
def test_from_eight_pictures_a_second_on_every_fourth_is_looked_at(rate: float) -> None:
    """The thresholds of shipped models were measured so."""
    for pictures in range(1, 300, 7):
        ticks = [round(number * 90_000 / rate) for number in range(pictures + 1)]
        shown = Timeline(ticks=ticks[:-1], end=ticks[-1], time_base=Fraction(1, 90_000))
        numbers = sorted(set(shown.indices_at_rate(max(8.0, 32 / shown.length))))
        times = [shown.seconds(number) for number in numbers]

        places = list(finder._detector_places(times))

        assert places == list(range(0, len(times), 4))


@pytest.mark.parametrize("rate", [3, 5, 6, 10])
def test_a_person_is_followed_at_a_low_frame_rate(tmp_path: Path, rate: int) -> None:
    (person,) = look(write(tmp_path, walking(0.05, speed=0.1), seconds=8, rate=rate))

    assert all(map(is_centered, person.images))
    assert person.times == pytest.approx((1, 3, 5, 7), abs=0.5)


def test_at_few_pictures_a_second_moments_repeat_in_order(tmp_path: Path) -> None:
    clip = write(tmp_path, between(walking(0.1, speed=0.2), 0.5, 3.5), rate=3)

    (person,) = look(clip, ClipSpec(height=32, width=32, view=Region.PERSON))

    assert list(person.times) == sorted(person.times)
    assert sorted(set(person.times)) == pytest.approx([n / 3 for n in range(2, 11)])
    assert all(map(is_centered, person.images))


def test_a_person_is_followed_where_the_frame_rate_changes(tmp_path: Path) -> None:
    times = [*np.arange(0, 3, 1 / 3), *np.arange(3, 5, 1 / 30), *np.arange(5, 8, 0.45)]

    (person,) = look(write(tmp_path, walking(0.05, speed=0.1), times=times))

    assert np.diff(person.track.times).max() < 0.6
    assert person.track.times[-1] > 7
    assert all(map(is_centered, person.images))


@pytest.mark.parametrize("afterwards", [(0,), (0, 0.12)])
def test_at_a_picture_every_two_seconds_nobody_is_followed_and_a_warning_says_so(
    tmp_path: Path, afterwards: tuple[float, ...]
) -> None:
    times = [second + after for second in range(0, 20, 2) for after in afterwards]
    reel = finder.reel(write(tmp_path, standing(0.4), times=times))

    reel, found = finder.find(reel, Spotter())
    _, sample = finder.take_crops(reel, found, SPEC)

    assert found == ()
    assert sample.warnings == (finder.TOO_RARE.format(step=2, least=3),)


@pytest.mark.parametrize("rate", [1, 3, 30])
def test_where_people_are_followed_nothing_is_warned_of(tmp_path: Path, rate: int) -> None:
    reel = finder.reel(write(tmp_path, standing(0.4), seconds=8, rate=rate))

    reel, found = finder.find(reel, Spotter())
    _, sample = finder.take_crops(reel, found, SPEC)

    assert len(found) == 1
    assert sample.warnings == ()


def test_a_person_is_followed_where_pictures_come_in_pairs(tmp_path: Path) -> None:
    times = [second + after for second in np.arange(0, 6, 0.6) for after in (0.0, 0.04)]

    (person,) = look(write(tmp_path, walking(0.05, speed=0.1), times=times))

    assert np.diff(person.track.times) == pytest.approx(0.6, abs=0.05)


def test_after_a_pause_the_last_picture_is_looked_at_too(tmp_path: Path) -> None:
    times = [*np.arange(0, 3, 1 / 3), *np.arange(600, 603, 1 / 3)]

    _, after = look(write(tmp_path, standing(0.4), times=times))

    assert after.track.times == pytest.approx(times[9:], abs=0.001)


def test_a_pause_in_the_recording_ends_a_track(tmp_path: Path) -> None:
    times = [*np.arange(0, 3.55, 0.1), *np.arange(600, 603, 0.1)]

    one, other = look(write(tmp_path, standing(0.4), times=times))

    assert one.track.times[0] == 0
    assert one.track.times[-1] == pytest.approx(3.5, abs=1 / 8)
    assert other.track.times[0] == 600


def test_whole_pictures_come_from_all_of_the_clip(tmp_path: Path) -> None:
    clip = write(tmp_path, between(standing(0.4), 0, 1))
    reel, tracks = finder.find(finder.reel(clip), Spotter())

    _, sample = finder.take_crops(reel, tracks, SPEC, preview_width=80)

    reference = sampling.sample(clip, SPEC, preview_width=80)
    assert sample.times == pytest.approx(reference.times, abs=0.15)
    assert sample.images.shape == reference.images.shape
    assert [preview.shape for preview in sample.previews] == [(60, 80, 3)] * 4
    assert sample.length == reference.length


def test_crops_are_the_same_whether_or_not_pictures_were_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write(tmp_path, walking(0.1, speed=0.2))
    (one,) = look(clip)
    monkeypatch.setattr(reel, "_MAX_KEPT", 0)

    (other,) = look(clip)

    np.testing.assert_array_equal(one.images, other.images)


def test_somebody_is_followed_in_every_picture(tmp_path: Path) -> None:
    reel = finder.reel(write(tmp_path, between(walking(0.1, speed=0.2), 1, 3)))
    reel, (track,) = finder.find(reel, Spotter())

    images = finder.follow(reel, track, SPEC)

    assert 13 <= len(images) <= 16
    assert all(map(is_centered, images))


def test_a_damaged_clip_is_looked_at_as_far_as_it_goes(tmp_path: Path) -> None:
    clip = videos.cut(crowd.write(tmp_path / "cut.ts", standing(0.4), seconds=8), 0.6)

    (person,) = look(clip)

    assert all(map(is_centered, person.images))
    assert person.times[-1] < 6


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="not a video"):
        finder.reel(videos.text(tmp_path / "a.mp4", "buy milk"))


def test_nobody_is_followed_across_a_pause(tmp_path: Path) -> None:
    whole = write(tmp_path, standing(0.4), seconds=50)
    clip = videos.paused(whole, tmp_path / "paused.mkv", keyframe=1, seconds=600)

    before, after = look(clip)

    assert before.track.times[-1] < 25.1
    assert after.track.times[0] >= 625
    assert max(later - earlier for earlier, later in pairwise(after.times)) < 10


def test_where_nothing_moves_in_a_span_nobody_looks_again(tmp_path: Path) -> None:
    """But where somebody comes and stands, they do, and once they left all is as before."""
    clip = crowd.write(tmp_path / "clip.mp4", between(standing(0.4), 80, 90), seconds=120, rate=8)
    spotter, looked = Spotter(), []

    def detect(place: int, image: Image) -> Detections:
        looked.append(place)
        return spotter.detect(image)

    part, times, found = finder.detect_frames(
        finder.reel(clip, Span(60, 120)), detect, height=96, width=128
    )

    assert [round(part.times[place]) for place in looked] == [58, 80]
    assert len(times) == len(found) == 124
    assert [len(each.boxes) for each in found] == [80 <= second < 90 for second in times]


def test_of_a_short_clip_each_picture_is_looked_at(tmp_path: Path) -> None:
    looked = []

    finder.detect_frames(
        finder.reel(write(tmp_path, standing(0.4))),
        lambda place, _: looked.append(place),
        height=96,
        width=128,
    )

    assert len(looked) == 8


def test_of_a_span_where_nobody_is_nothing_is_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = crowd.write(tmp_path / "clip.mp4", seconds=120, rate=8)
    monkeypatch.setattr(reel, "_MAX_KEPT", 20 * 160 * 120 * 2)  # 20 pictures
    part, _, _ = finder.detect_frames(
        finder.reel(clip, Span(60, 120)), lambda *_: None, height=96, width=128, strip=SPEC.frames
    )
    monkeypatch.delattr(decoding, "_decode_runs")

    sample = finder.take_windows(part, (), SPEC, lambda _: None)

    assert sample.times == pytest.approx((67.5, 82.5, 97.5, 112.5), abs=0.2)


def test_of_a_span_where_somebody_only_stands_there_are_no_windows(tmp_path: Path) -> None:
    clip = crowd.write(tmp_path / "clip.mp4", standing(0.4), seconds=120, rate=8)
    part, tracks = finder.find(finder.reel(clip, Span(60, 120)), Spotter())
    found: list[Window] = []

    sample = finder.take_windows(part, tracks, SPEC, found.append)

    assert len(tracks) == 1
    assert sample.content is not None
    assert (found, sample.content.pictures_different) == ([], 1)
