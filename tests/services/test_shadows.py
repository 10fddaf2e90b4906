"""What versions in the shadow scored along is kept as candidates of their own weights."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings

from tests.conftest import FakePredictor, MakeClip, MakeModel, followed, make_segment
from tests.makers.footage import ROOT
from tests.makers.versions import make_version
from video_classifier.ml.contracts import Outcome, ScoredTrack, WindowScore
from video_classifier.ml.isolation import wire
from video_classifier.models import (
    Analysis,
    Camera,
    CandidateScore,
    Clip,
    ModelVersion,
    ScoredTime,
    Segment,
)
from video_classifier.services import catalog, sandbox, segments, versions
from video_classifier.states import Origin, Prediction, RecordedFrom

pytestmark = pytest.mark.django_db

BEGAN = datetime(2026, 11, 26, 14, 30, tzinfo=UTC)


class Shadowed(FakePredictor):
    """Each window has the score of each head in the shadow, too: `by` it is higher."""

    def __init__(self, *args: Any, heads: dict[str, float], **facts: Any) -> None:
        super().__init__(*args, **facts)
        self._heads = heads

    def analyze(self, *args: Any, **facts: Any) -> Outcome:
        found = super().analyze(*args, **facts)
        return replace(
            found,
            windows=tuple(map(self._along, found.windows)),
            tracks=tuple(
                replace(each, windows=tuple(map(self._along, each.windows)))
                for each in found.tracks
            ),
            shadows=tuple(self._heads),
        )

    def _along(self, window: WindowScore) -> WindowScore:
        return replace(window, others=tuple(window.score + by for by in self._heads.values()))


@pytest.fixture
def clip(make_clip: MakeClip, make_model: MakeModel) -> Clip:
    make_model()
    clip = make_clip(duration=60.0, recorded_at=BEGAN, recorded_from=RecordedFrom.GIVEN)
    clip.camera = Camera.objects.create(store=clip.store, name="Till")
    clip.save()
    return clip


@pytest.fixture
def version(clip: Clip) -> ModelVersion:
    found = make_version(clip.store)
    versions.start_shadow(found, by=None)
    return found


def analyzed(clip: Clip, *predictors: FakePredictor) -> Analysis:
    """In as many segments of thirty seconds as there are predictors."""
    analysis = Analysis.objects.create(clip=clip, model="standard")
    for number in range(len(predictors)):
        end = None if number == len(predictors) - 1 else 30.0 * (number + 1)
        make_segment(analysis, number=number + 1, start=30.0 * number, end=end)
    for each in predictors:
        segment = segments.claim_next(worker="one")
        assert segment is not None
        segments.run(segment, predictor=each)
    analysis.refresh_from_db()
    return analysis


def two(first: float, second: float) -> tuple[ScoredTrack, ...]:
    return followed(first, since=1.0), followed(second, since=20.0)


def by(version: ModelVersion) -> list[tuple[float, float]]:
    """The candidates: seconds of the recording, and score."""
    found = CandidateScore.objects.filter(model_sha256=version.sha256, model=version.name)
    return [
        ((each.started_at - BEGAN) / timedelta(seconds=1), round(each.score, 4))
        for each in found.order_by("started_at")
    ]


def test_a_shadow_has_candidates_of_its_own_and_decides_nothing(
    clip: Clip, version: ModelVersion
) -> None:
    predictor = Shadowed(tracks=two(0.2, 0.4), heads={version.sha256: 0.25})

    analysis = analyzed(clip, predictor)

    assert analysis.prediction == Prediction.NO_HINT
    assert by(version) == [(1.0, 0.45), (20.0, 0.65)]
    own = CandidateScore.objects.filter(model="standard").order_by("score")
    assert [each.score for each in own] == [0.2, 0.4]
    time = ScoredTime.objects.get(model_sha256=version.sha256)
    assert (time.start, time.seconds, time.detector_sha256) == (BEGAN, 60.0, "d" * 64)


def test_what_people_say_of_an_event_holds_for_the_candidates_of_a_shadow(
    clip: Clip, version: ModelVersion
) -> None:
    analysis = analyzed(clip, Shadowed(tracks=two(0.2, 0.8), heads={version.sha256: -0.1}))

    found = CandidateScore.objects.filter(is_shadow=True).order_by("started_at")
    assert [(each.event, each.is_hint) for each in found] == [
        (None, False),
        (analysis.events.get(), False),
    ]
    assert ScoredTime.objects.filter(is_shadow=True).count() == 1


def test_the_scores_of_windows_are_not_kept_any_longer(clip: Clip, version: ModelVersion) -> None:
    analyzed(clip, Shadowed(tracks=two(0.2, 0.4), heads={version.sha256: 0.25}))

    assert Segment.objects.get().shadows == {}


def test_whole_pictures_are_scored_along_too(clip: Clip, version: ModelVersion) -> None:
    analyzed(clip, Shadowed(0.5, heads={version.sha256: -0.25}))

    assert by(version) == [(0.0, 0.25)]


def test_segments_are_joined_as_those_of_the_result(clip: Clip, version: ModelVersion) -> None:
    heads = {version.sha256: 0.25}
    first, second = (Shadowed(tracks=two(score, 0.1), heads=heads) for score in (0.2, 0.4))

    analyzed(clip, first, second)

    assert by(version) == [(1.0, 0.45), (20.0, 0.35), (31.0, 0.65), (50.0, 0.35)]
    assert ScoredTime.objects.get(model_sha256=version.sha256).seconds == 60.0


def test_a_head_that_scored_a_part_alone_is_left_out(clip: Clip, version: ModelVersion) -> None:
    along = Shadowed(tracks=two(0.2, 0.4), heads={version.sha256: 0.25})

    analyzed(clip, along, FakePredictor(tracks=two(0.2, 0.4)))

    assert by(version) == []
    assert CandidateScore.objects.filter(model="standard").count() == 4
    assert all(each.shadows == {} for each in Segment.objects.all())


def test_a_version_that_was_deleted_meanwhile_leaves_nothing(
    clip: Clip, version: ModelVersion
) -> None:
    versions.end_shadow(version, by=None)
    versions.delete(version, by=None)

    analyzed(clip, Shadowed(tracks=two(0.2, 0.4), heads={version.sha256: 0.25}))

    assert not CandidateScore.objects.filter(model_sha256=version.sha256).exists()


def test_of_two_heads_each_has_its_scores(clip: Clip, version: ModelVersion) -> None:
    other = make_version(clip.store, bias=1.0)

    analyzed(clip, Shadowed(0.5, heads={other.sha256: 0.25, version.sha256: -0.25}))

    assert (by(version), by(other)) == ([(0.0, 0.25)], [(0.0, 0.75)])


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[str, ...]]]:
    """The models that were loaded, with those beside them."""
    found = []

    def load(name: str, *, shadows: tuple[str, ...] = ()) -> FakePredictor:
        found.append((name, shadows))
        return FakePredictor()

    monkeypatch.setattr(catalog, "load", load)
    return found


def run_queue(clip: Clip) -> None:
    make_segment(Analysis.objects.create(clip=clip, model="standard"))
    assert segments.run_next(worker="one")


def test_a_camera_s_recording_is_scored_with_the_shadow_beside_it(
    clip: Clip, version: ModelVersion, loaded: list[object]
) -> None:
    run_queue(clip)

    assert loaded == [("standard", (version.name,))]


@pytest.mark.parametrize("fields", [{"camera": None}, {"origin": Origin.EVENT}])
def test_what_is_not_counted_is_scored_without(
    clip: Clip, version: ModelVersion, loaded: list[object], fields: dict[str, object]
) -> None:
    Clip.objects.update(**fields)

    run_queue(clip)

    assert loaded == [("standard", ())]


def test_scores_of_heads_cross_the_border_of_a_process(version: ModelVersion) -> None:
    predictor = Shadowed(tracks=two(0.2, 0.4), heads={version.sha256: 0.25})
    outcome = predictor.analyze(Path(__file__))

    received = wire.unpack(wire.pack(outcome), Outcome)

    assert received.shadows == (version.sha256,)
    assert [each.windows for each in received.tracks] == [each.windows for each in outcome.tracks]


def test_an_outcome_has_a_score_of_each_head_for_each_window(version: ModelVersion) -> None:
    outcome = Shadowed(0.5, heads={version.sha256: 0.25}).analyze(Path(__file__))

    with pytest.raises(ValueError, match="a window lacks the score of a shadow"):
        replace(outcome, shadows=())


def test_versions_are_scored_by_in_the_child(settings: Settings, make_clip: MakeClip) -> None:
    """On the shipped model, which OpenVINO runs."""
    settings.MODELS_STORAGE = ROOT / "models_storage"
    settings.PERSON_DETECTOR = ROOT / "models_storage" / "person_detector"
    version = make_version(make_clip().store, "i3d_person", features=5792, kernel=0.0, bias=0.0)
    images = np.zeros(catalog.usable("i3d_person").spec.shape, np.uint8)

    score = catalog.load(version.name, shadows=("i3d_person@9",)).score(images)

    assert score == 0.5
    assert catalog.load("i3d_person").score(images) != 0.5
    sandbox.close()
