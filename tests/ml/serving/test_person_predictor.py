"""A model of people scores each of them; where it finds nobody, there is no result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.makers import crowd, footage, videos
from tests.makers.crowd import Spotter, between, standing, walking
from tests.ml.conftest import OF_MOVEMENT, OF_PERSONS, write_bundle
from video_classifier.ml.contracts import ClipError, Image, Progress, Region, Span, Stage
from video_classifier.ml.serving import brightness, bundle, joining, loading, no_result
from video_classifier.ml.serving.decoder import InChild
from video_classifier.ml.serving.predictor import PersonPredictor

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    storage = tmp_path_factory.mktemp("models")
    return write_bundle(storage / "persons", seed=2, spec=OF_PERSONS, threshold=0.4)


@pytest.fixture(scope="module")
def model(folder: Path) -> PersonPredictor:
    return PersonPredictor(*bundle.load(folder), Spotter())


def _shadow(number: int) -> Image:
    """Something that moves, and is nobody."""
    image = np.full((120, 160, 3), crowd.ROOM, np.uint8)
    image[60:100, number : number + 60] = 10
    return image


def test_the_highest_score_of_a_person_is_the_clips(model: PersonPredictor, tmp_path: Path) -> None:
    late, early = between(standing(0.7, width=0.2), 1, 4), walking(0.1, speed=0.05)
    clip = crowd.write(tmp_path / "clip.mp4", late, early)

    outcome = model.analyze(clip, preview_width=80)

    first, second = outcome.tracks
    assert (outcome.view, outcome.tracks_found) == (Region.PERSON, 2)
    assert first.track.boxes[0].left < 0.5 < second.track.boxes[0].left
    assert [model.score(one.images) for one in (first, second)] == [first.score, second.score]
    assert first.score != second.score
    assert outcome.prediction is not None
    assert outcome.prediction.score == max(first.score, second.score)
    assert outcome.decider is max(first, second, key=lambda each: each.score)
    assert outcome.detector_sha256 == Spotter.sha256
    assert outcome.model_sha256 == model.sha256 != ""
    assert outcome.sample.warnings == ()
    assert len(outcome.sample.previews) == OF_PERSONS.frames
    (window,) = first.windows
    look = brightness.appearance(first.images, first.preview)
    assert (window.clothing, window.light) == (look.clothing, look.light)
    assert None not in {look.clothing, look.light}


def test_tells_its_stages_and_its_times(model: PersonPredictor, tmp_path: Path) -> None:
    stages: list[Stage] = []
    clip = crowd.write(tmp_path / "clip.mp4", walking(0.1, speed=0.1))

    outcome = model.analyze(clip, progress=Progress(on_stage=stages.append))

    assert stages == [Stage.READING, Stage.FINDING, Stage.CLASSIFYING]
    assert outcome.seconds_reading > 0
    assert outcome.seconds_finding > 0
    assert outcome.seconds_classifying > 0


def test_who_watches_can_end_it(model: PersonPredictor, tmp_path: Path) -> None:
    def stop() -> None:
        raise TimeoutError

    clip = crowd.write(tmp_path / "clip.mp4", walking(0.1, speed=0.1))

    with pytest.raises(TimeoutError):
        model.analyze(clip, progress=Progress(check=stop))


def test_where_nobody_is_found_there_is_no_result(model: PersonPredictor, tmp_path: Path) -> None:
    stages: list[Stage] = []
    clip = videos.draw(tmp_path / "clip.mp4", _shadow)

    outcome = model.analyze(clip, preview_width=80, progress=Progress(on_stage=stages.append))

    assert (outcome.prediction, outcome.no_result) == (None, no_result.NOBODY)
    assert (outcome.view, outcome.tracks, outcome.tracks_found) == (Region.PERSON, (), 0)
    assert len(outcome.sample.previews) == OF_PERSONS.frames
    assert outcome.detector_sha256 == Spotter.sha256
    assert outcome.model_sha256 == model.sha256 != ""
    assert stages == [Stage.READING, Stage.FINDING]


def test_a_covered_camera_is_told_from_an_empty_room(
    model: PersonPredictor, tmp_path: Path
) -> None:
    outcome = model.analyze(crowd.write(tmp_path / "clip.mp4"))

    assert (outcome.prediction, outcome.no_result) == (None, no_result.UNIFORM)


def test_of_a_photograph_of_somebody_there_is_no_result(
    model: PersonPredictor, tmp_path: Path
) -> None:
    outcome = model.analyze(crowd.write(tmp_path / "clip.mp4", standing(0.4)))

    assert (outcome.prediction, outcome.tracks, outcome.tracks_found) == (None, (), 1)
    assert "Nothing moves" in outcome.no_result


def test_of_one_picture_of_somebody_there_is_no_result(
    model: PersonPredictor, tmp_path: Path
) -> None:
    clip = crowd.write(tmp_path / "clip.mp4", standing(0.4), seconds=0, size=(64, 64))

    outcome = model.analyze(clip)

    assert outcome.prediction is None
    assert "too few pictures" in outcome.no_result


def test_who_stays_long_is_looked_at_now_and_then_and_it_says_so(
    model: PersonPredictor, tmp_path: Path
) -> None:
    clip = crowd.write(tmp_path / "clip.mp4", walking(0.1, speed=0.01), seconds=64, rate=8)

    outcome = model.analyze(clip)

    (warning,) = outcome.sample.warnings
    assert "looks once every 16 s of this clip's longest track" in warning


@pytest.fixture(scope="module")
def movement(tmp_path_factory: pytest.TempPathFactory) -> PersonPredictor:
    folder = tmp_path_factory.mktemp("models") / "movement"
    facts = {"spec": OF_MOVEMENT, "threshold": 0.4, "best_windows": 2}
    return PersonPredictor(*bundle.load(write_bundle(folder, seed=3, **facts)), Spotter())  # type: ignore[arg-type]


def test_a_network_of_movement_scores_a_window_a_second(
    movement: PersonPredictor, tmp_path: Path
) -> None:
    clip = crowd.write(
        tmp_path / "clip.mp4",
        walking(0.1, speed=0.05),
        between(standing(0.8), 2, 3.2),
        seconds=8,
        rate=16,
    )

    outcome = movement.analyze(clip)

    long, short = outcome.tracks
    assert [each.start for each in long.windows] == pytest.approx([0, 1, 2, 3, 4, 5, 5.5], abs=0.3)
    assert [each.start for each in short.windows] == [short.track.times[0]]
    assert short.windows[0].end == short.track.times[-1]
    for track in (long, short):
        best = sorted(each.score for each in track.windows)[-2:]
        assert track.score == pytest.approx(sum(best) / len(best))
        assert movement.score(track.images) == max(best)
        assert track.images.shape == OF_MOVEMENT.shape
        assert len(track.times) == 16
    assert outcome.prediction is not None
    assert outcome.prediction.score == max(long.score, short.score)
    assert {each.track for each in outcome.candidates} == {1, 2}
    assert outcome.windows == ()
    assert outcome.sample.warnings == ()


def test_a_child_gives_the_same_windows(movement: PersonPredictor, tmp_path: Path) -> None:
    clip = crowd.write(tmp_path / "clip.mp4", walking(0.1, speed=0.05), seconds=5)
    in_child = InChild()
    try:
        there = movement.analyze(clip, preview_width=80, decoder=in_child)
    finally:
        in_child.kill()

    here = movement.analyze(clip, preview_width=80)

    assert there.tracks[0].windows == here.tracks[0].windows
    np.testing.assert_array_equal(there.tracks[0].images, here.tracks[0].images)
    np.testing.assert_array_equal(there.sample.previews, here.sample.previews)


def test_who_stays_long_is_looked_at_all_the_time_by_a_network_of_movement(
    movement: PersonPredictor, tmp_path: Path
) -> None:
    clip = crowd.write(tmp_path / "clip.mp4", walking(0.1, speed=0.01), seconds=64, rate=8)

    outcome = movement.analyze(clip)

    assert len(outcome.tracks[0].windows) >= 62
    assert len(outcome.candidates) == 1
    assert outcome.sample.warnings == ()


@pytest.mark.parametrize("rate", [1, 2])
def test_below_three_pictures_a_second_movement_gives_no_result(
    model: PersonPredictor, movement: PersonPredictor, tmp_path: Path, rate: int
) -> None:
    clip = crowd.write(tmp_path / "clip.mp4", walking(0.1, speed=0.02), seconds=20, rate=rate)

    outcome = movement.analyze(clip)

    assert (outcome.prediction, outcome.tracks, outcome.candidates) == (None, (), ())
    assert f"This clip has {rate}.0 pictures a second: too few" in outcome.no_result
    assert "at least 3, better 8 pictures a second" in outcome.no_result
    assert model.analyze(clip).prediction is not None


def test_three_pictures_a_second_are_enough_for_movement(
    movement: PersonPredictor, tmp_path: Path
) -> None:
    times = [number * 0.334 for number in range(30)]
    clip = crowd.write(tmp_path / "clip.mp4", walking(0.1, speed=0.05), times=times)

    assert movement.analyze(clip).prediction is not None


def test_a_long_clip_of_short_visits_is_looked_at_closely(
    model: PersonPredictor, tmp_path: Path
) -> None:
    visits = [between(walking(0.1, speed=0.012), at, at + 8) for at in (2, 30, 55)]

    outcome = model.analyze(crowd.write(tmp_path / "clip.mp4", *visits, seconds=64, rate=8))

    assert len(outcome.tracks) == 3
    assert outcome.sample.warnings == ()


def test_of_too_many_people_some_are_looked_at_and_all_are_counted(
    model: PersonPredictor, tmp_path: Path
) -> None:
    crowded = [
        walking(0.01 + 0.093 * column, speed=0.1, top=top, width=0.05, height=0.3)
        for column in range(10)
        for top in (0.1, 0.6)
    ]
    clip = crowd.write(tmp_path / "clip.mp4", *crowded, seconds=1)

    outcome = model.analyze(clip)

    assert (len(outcome.tracks), outcome.tracks_found) == (12, 20)
    (warning,) = outcome.sample.warnings
    assert "20 people were found in this clip. Only the 12 who" in warning


def test_what_is_no_video_gets_no_score(model: PersonPredictor, tmp_path: Path) -> None:
    with pytest.raises(ClipError):
        model.analyze(videos.text(tmp_path / "notes.mp4", "buy milk"))


@pytest.mark.footage
def test_real_footage_with_a_real_detector(folder: Path) -> None:
    clip = footage.FOOTAGE / "mnnit" / "shoplifters" / "shoplifting_001.mp4"
    footage.require(clip, footage.YOLOX)
    model = loading.load(folder, detector=footage.YOLOX)

    outcome = model.analyze(clip)

    assert loading.load(folder, detector=footage.YOLOX) is model
    shopper = max(outcome.tracks, key=lambda one: one.track.boxes[0].bottom)
    assert shopper.track.times[-1] - shopper.track.times[0] > 9
    box = shopper.track.boxes[0]
    assert (box.left, box.right) == pytest.approx((0.42, 0.6), abs=0.2)
    assert np.ptp(shopper.images.mean(axis=(0, 1, 2))) < 60


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two minutes: one person walks all the time, others leave, come and stay."""
    return crowd.write(
        tmp_path_factory.mktemp("clips") / "clip.mp4",
        walking(0.0, speed=0.004),
        between(walking(0.4, speed=0.004), 50, 59.5),
        between(walking(0.4, speed=0.004), 70, 80),
        seconds=120,
        rate=8,
    )


def test_a_span_is_of_who_is_in_view_in_it_at_the_clips_times(
    movement: PersonPredictor, long_clip: Path
) -> None:
    before = movement.analyze(long_clip, span=Span(0, 60))
    after = movement.analyze(long_clip, span=Span(60, 120))

    assert [each.track.times[0] for each in before.tracks] == pytest.approx([0, 50], abs=0.6)
    first, second = after.tracks
    assert (first.track.times[0], second.track.times[0]) == pytest.approx((58, 70), abs=0.6)
    assert first.windows[0].start == 59.0  # from 58 to 60 is the span before
    assert first.windows[-1].end == pytest.approx(120, abs=0.6)
    assert after.tracks_found == 2  # who is in view only before it isn't found in it
    assert all(60 <= second < 120 for second in after.sample.times)
    assert all(58 <= each.start < 120 for each in after.candidates)
    earlier, later = ([each.track for each in one.tracks] for one in (before, after))
    assert joining.join(earlier, later, Span(58, 60)) == [(0, 0)]


def test_a_child_gives_the_same_of_a_span(movement: PersonPredictor, long_clip: Path) -> None:
    in_child = InChild()
    try:
        there = movement.analyze(long_clip, span=Span(60, 120), preview_width=80, decoder=in_child)
    finally:
        in_child.kill()

    here = movement.analyze(long_clip, span=Span(60, 120), preview_width=80)

    for one, other in zip(there.tracks, here.tracks, strict=True):
        assert one.windows == other.windows
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.preview, other.preview)


def test_each_track_has_the_whole_picture_in_the_middle_of_its_window(
    movement: PersonPredictor, tmp_path: Path
) -> None:
    way = walking(0.1, speed=0.1)
    clip = crowd.write(tmp_path / "clip.mp4", way, seconds=6)

    (scored,) = movement.analyze(clip, preview_width=80).tracks
    (bare,) = movement.analyze(clip).tracks

    assert bare.preview is None
    assert scored.preview is not None
    assert scored.preview.shape == (60, 80, 3)
    expected = crowd.picture([way], scored.times[8], size=(80, 60))
    assert np.abs(scored.preview.astype(int) - expected).mean() < 8
