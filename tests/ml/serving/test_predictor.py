"""From a file to a score, once loaded, from any thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.makers import videos
from tests.ml.conftest import TINY, MakeBundle, write_bundle
from video_classifier.ml.contracts import ClipError, Progress, Stage
from video_classifier.ml.serving import bundle, loading

pytestmark = pytest.mark.keras


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return videos.write(tmp_path / "clip.mp4", frames=12)


@pytest.mark.parametrize("network", ["conv3d", "mobilenetv2_lstm"])
def test_gives_what_the_network_gives(make_bundle: MakeBundle, network: str) -> None:
    folder = make_bundle(network)
    images = np.random.default_rng(1).integers(0, 256, TINY.shape, np.uint8)

    score = loading.load(folder).score(images)

    reference, _ = bundle.load_network(folder)
    assert score == pytest.approx(float(reference.predict(images[None], verbose=0)[0, 0]), abs=1e-5)


def test_tells_its_stages_and_its_times(make_bundle: MakeBundle, clip: Path) -> None:
    stages: list[Stage] = []

    outcome = loading.load(make_bundle("conv3d")).analyze(
        clip, progress=Progress(on_stage=stages.append)
    )

    assert stages == [Stage.READING, Stage.CLASSIFYING]
    assert outcome.seconds_reading > 0
    assert outcome.seconds_classifying > 0
    assert len(outcome.model_sha256) == 64
    assert len(outcome.sample.times) == TINY.frames
    assert outcome.prediction is not None
    assert outcome.prediction.threshold == 0.5
    assert outcome.sample.warnings == ()


def test_a_clip_with_nothing_to_judge_gets_a_reason_and_no_score(
    make_bundle: MakeBundle, tmp_path: Path
) -> None:
    stages: list[Stage] = []
    model = loading.load(make_bundle("conv3d"))

    outcome = model.analyze(
        videos.write(tmp_path / "one.mp4", 1), progress=Progress(on_stage=stages.append)
    )

    assert outcome.prediction is None
    assert "too few pictures" in outcome.no_result
    assert len(outcome.model_sha256) == 64
    assert stages == [Stage.READING]
    assert len(outcome.sample.times) == TINY.frames  # to show what was there


def test_a_long_clip_is_looked_at_ten_seconds_at_a_time(
    make_bundle: MakeBundle, tmp_path: Path
) -> None:
    clip = videos.write(tmp_path / "long.mp4", 140, rate=2)
    stages: list[Stage] = []
    model = loading.load(make_bundle("conv3d"))

    outcome = model.analyze(clip, preview_width=64, progress=Progress(on_stage=stages.append))

    assert outcome.prediction is not None
    assert len(outcome.windows) == 7
    best = max(outcome.windows, key=lambda each: each.score)
    assert outcome.prediction.score == best.score
    assert model.score(outcome.sample.images) == best.score
    (candidate,) = outcome.candidates
    assert (candidate.start, candidate.end) == (0.0, 70.0)
    assert candidate.peak == best.start + 5
    assert best.start <= outcome.sample.times[0] < outcome.sample.times[-1] < best.end
    assert len(outcome.sample.previews) == TINY.frames
    assert outcome.sample.warnings == ()
    assert stages == [Stage.READING, Stage.CLASSIFYING]
    assert all(each.clothing is None and 0 < (each.light or 0) < 1 for each in outcome.windows)


def test_the_score_of_a_long_clip_is_the_mean_of_its_best_windows(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "long.mp4", 140, rate=2)
    folder = write_bundle(tmp_path / "models" / "conv3d", best_windows=3)

    outcome = loading.load(folder).analyze(clip)

    best = sorted(each.score for each in outcome.windows)[-3:]
    assert outcome.prediction is not None
    assert outcome.prediction.score == pytest.approx(sum(best) / 3)
    assert len(set(best)) == 3


def test_of_a_long_clip_in_which_nothing_moves_there_is_no_result(
    make_bundle: MakeBundle, tmp_path: Path
) -> None:
    clip = videos.draw(tmp_path / "still.mp4", lambda _: videos.picture(5), frames=150, rate=2)

    outcome = loading.load(make_bundle("conv3d")).analyze(clip)

    assert (outcome.prediction, outcome.windows, outcome.candidates) == (None, (), ())
    assert "Nothing moves" in outcome.no_result


def test_what_is_no_video_gets_no_score(make_bundle: MakeBundle, tmp_path: Path) -> None:
    notes = videos.text(tmp_path / "notes.mp4", "buy milk")

    with pytest.raises(ClipError):
        loading.load(make_bundle("conv3d")).analyze(notes)


def test_several_threads_get_the_same_scores(make_bundle: MakeBundle) -> None:
    model = loading.load(make_bundle("mobilenetv2_lstm"))
    clips = np.random.default_rng(1).integers(0, 256, (8, *TINY.shape), np.uint8)
    one_by_one = [model.score(clip) for clip in clips]

    with ThreadPoolExecutor(4) as threads:
        at_once = list(threads.map(model.score, clips))

    assert at_once == pytest.approx(one_by_one, abs=1e-6)
