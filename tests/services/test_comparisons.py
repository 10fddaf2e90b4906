"""A version in the shadow beside what is in use, and whether it may take over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import MakeAnalysis, MakeClip, MakeModel, MakeStore, MakeUser
from tests.makers.measures import make_score
from tests.makers.reviews import make_hint
from tests.makers.scored_hours import make_hour, make_measure
from tests.makers.versions import make_version, weights_of
from video_classifier.models import (
    Activation,
    AuditEntry,
    Camera,
    CandidateScore,
    Clip,
    LiveEvent,
    Measure,
    ModelVersion,
    PlantedAct,
    ScoredTime,
)
from video_classifier.services import clips, comparisons, measures, scored_footage, versions
from video_classifier.services.errors import Refused
from video_classifier.states import (
    Action,
    EndOfMeasure,
    RecordedFrom,
    Status,
    Verdict,
    VersionState,
)

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
LATER = START + timedelta(days=10)
USED = {"model": "standard", "model_sha256": "f" * 64, "detector_sha256": ""}


def figure(
    before: int, after: int, *, of: int, low: float = -0.05, high: float = 0.2
) -> dict[str, object]:
    """As a version's card keeps it."""
    change = [(after - before) / of, low, high]
    return {"events": of, "before": before, "after": after, "change": change, "recordings": 6}


@pytest.fixture
def camera(make_store: MakeStore, make_model: MakeModel) -> Camera:
    make_model()
    return Camera.objects.create(store=make_store(), name="Till")


@pytest.fixture
def version(camera: Camera) -> ModelVersion:
    """In the shadow since START, with 30 hours that both scored; it was tried on enough thefts."""
    found = make_version(camera.store)
    found.card = {
        "in_use": "standard",
        "reviewers": 2,
        "figures": {"thefts": figure(3, 4, of=6)},
    }
    found.save()
    versions.start_shadow(found, by=None)
    ModelVersion.objects.update(shadow_since=START)
    found.refresh_from_db()
    for hour in range(30):
        for weights in (USED, own(found)):
            make_hour(camera, START + timedelta(hours=hour), (), **weights)
    return found


def own(version: ModelVersion) -> dict[str, str]:
    return USED | {"model": version.name, "model_sha256": version.sha256}


def seen(camera: Camera, minute: int, *, before: bool, version: ModelVersion | None) -> None:
    """A hint of what is in use, of the version, or of both."""
    at = START + timedelta(minutes=minute)
    if before:
        make_score(camera, 0.8, started_at=at, live_event=make_live(camera, at))
    if version is not None:
        make_score(camera, 0.9, started_at=at + timedelta(seconds=3), **own(version))


def make_live(camera: Camera, at: datetime, clip: Clip | None = None) -> LiveEvent:
    return LiveEvent.objects.create(
        camera=camera,
        clip=clip,
        started_at=at,
        peak_at=at + timedelta(seconds=4),
        ended_at=at + timedelta(seconds=9),
        opened_at=at + timedelta(seconds=5),
        closed_at=at + timedelta(seconds=20),
        closing="over",
        model="standard",
        score=0.8,
        threshold=0.5,
        low=0.5,
        is_hint=True,
    )


def test_hints_of_both_and_of_one_alone(camera: Camera, version: ModelVersion) -> None:
    seen(camera, 10, before=True, version=version)
    seen(camera, 130, before=True, version=None)
    seen(camera, 250, before=False, version=version)
    make_score(camera, 0.4, started_at=START + timedelta(minutes=300), **own(version))

    found = comparisons.compare(version)

    assert (found.both, found.only_before, found.only_after) == (1, 1, 1)
    assert [(each.before, each.after) for each in found.hints] == [
        (None, 0.9),
        (0.8, None),
        (0.8, 0.9),
    ]
    assert found.days == pytest.approx(30 / 24)
    assert found.false_hints is not None
    assert (found.false_hints.before, found.false_hints.after) == (2, 2)
    assert found.false_hints.change.recordings == 30
    assert not found.problems
    assert not found.is_fitted


def test_an_hour_that_was_watched_live_and_recorded_as_well_counts_once(
    camera: Camera, version: ModelVersion, make_clip: MakeClip
) -> None:
    """A recording of two hours, of which the first was watched."""
    start = START + timedelta(hours=29)
    clip = make_clip(camera=camera, recorded_at=start, recorded_from=RecordedFrom.GIVEN)
    of_clip = {"clip": clip, **own(version)}
    ScoredTime.objects.create(camera=camera, start=start, seconds=7200.0, **of_clip)
    for hours in (29.5, 30.5):
        make_score(camera, 0.9, started_at=START + timedelta(hours=hours), **of_clip)

    found = comparisons.compare(version)

    assert found.days == pytest.approx(31 / 24)
    assert (found.only_before, found.only_after) == (0, 1)
    assert found.false_hints is not None
    assert found.false_hints.change.recordings == 31


@pytest.mark.parametrize("live", [True, False], ids=["live", "recording"])
def test_hints_and_answers_outlive_their_footage(
    camera: Camera,
    version: ModelVersion,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    *,
    live: bool,
) -> None:
    """What is in use gave a hint that was confirmed, and so did the version."""
    at, both = START + timedelta(minutes=10), (USED, own(version))
    clip = make_clip(
        camera=camera,
        recorded_at=START - timedelta(hours=5) if live else START + timedelta(hours=40),
        recorded_from=RecordedFrom.GIVEN,
        verdict=Verdict.CONFIRMED,
    )
    if live:
        event = make_live(camera, at, clip)
        make_score(camera, 0.8, started_at=at, live_event=event, is_hint=True)
        make_score(camera, 0.9, started_at=at, live_event=event, **own(version))
    else:
        analysis = make_analysis(clip=clip, status=Status.DONE)
        hint = make_hint(analysis, verdict=Verdict.CONFIRMED)
        at = START + timedelta(hours=40)
        for weights in both:
            of_clip = {"clip": clip, **weights}
            ScoredTime.objects.create(camera=camera, start=at, seconds=600.0, **of_clip)
            make_score(camera, 0.9, started_at=at, event=hint, is_hint=weights is USED, **of_clip)
    before = comparisons.compare(version)

    clips.delete(clip)

    after = comparisons.compare(version)
    assert (before.both, before.only_after) == (after.both, after.only_after) == (1, 0)
    assert [each.verdict for each in after.hints] == [Verdict.CONFIRMED]
    assert after.false_hints is not None
    assert (after.false_hints.before, after.false_hints.after) == (0, 0)


def test_what_was_uncertain_and_confirmed_is_no_false_hint_of_the_version(
    camera: Camera, version: ModelVersion, make_clip: MakeClip
) -> None:
    """It was in the queue, so that people have seen it."""
    at = START + timedelta(minutes=10)
    event = make_live(camera, at, make_clip(camera=camera, verdict=Verdict.CONFIRMED))
    LiveEvent.objects.update(is_hint=False, score=0.4, low=0.3)
    make_score(camera, 0.4, started_at=at, live_event=event)
    make_score(camera, 0.9, started_at=at, live_event=event, **own(version))

    found = comparisons.compare(version)

    assert (found.only_before, found.only_after) == (0, 1)
    assert found.false_hints is not None
    assert (found.false_hints.before, found.false_hints.after) == (0, 0)
    assert not found.problems


def test_more_false_hints_do_not_take_over_without_a_reason(
    camera: Camera, version: ModelVersion
) -> None:
    seen(camera, 10, before=False, version=version)

    assert comparisons.compare(version).problems == (comparisons.MORE_FALSE,)
    with pytest.raises(Refused, match="Write why it should all the same"):
        comparisons.activate(version, by=None, why="  ")
    made, _ = comparisons.activate(version, by=None, why="It was a true one.")

    assert made.why == "It was a true one."
    assert made.figures["problems"] == [comparisons.MORE_FALSE]
    assert made.figures["false hints"]["after"] == 1


def test_planted_acts_are_neither_false_nor_missed(camera: Camera, version: ModelVersion) -> None:
    for minute in (10, 70):
        at = START + timedelta(minutes=minute)
        PlantedAct.objects.create(camera=camera, started_at=at, ended_at=at + timedelta(seconds=20))
    seen(camera, 10, before=True, version=version)
    seen(camera, 70, before=True, version=None)

    found = comparisons.compare(version)

    assert found.acts is not None
    assert (found.acts.before, found.acts.after, found.acts.of) == (2, 1, 2)
    assert found.acts.change.low <= -0.5 <= found.acts.change.high
    assert found.false_hints is not None
    assert found.false_hints.before == 0
    assert found.problems == ("It notices fewer of the planted acts than what is in use.",)


def test_who_notices_fewer_old_thefts_does_not_take_over(version: ModelVersion) -> None:
    figures = version.card["figures"]
    figures["old_thefts"] = figure(60, 58, of=80, low=-0.06, high=0.02)
    fewer = "It notices fewer of the thefts that the model itself learned from than what is in use"
    assert comparisons.compare(version).problems == (f"{fewer}.",)

    figures["old_thefts"] = figure(60, 40, of=80, low=-0.4, high=-0.1)
    (problem,) = comparisons.compare(version).problems
    assert problem.startswith(fewer)
    assert "no chance" in problem

    figures["old_thefts"] = figure(60, 60, of=80, low=-0.02, high=0.02)
    found = comparisons.compare(version)
    assert not found.problems
    assert found.facts["thefts that the model itself learned from"]["after"] == 60
    version.card["in_use"] = "standard@7"
    assert comparisons.compare(version).old_thefts is None


def test_what_an_interval_does_not_exclude_is_said(version: ModelVersion) -> None:
    assert not comparisons.compare(version).doubts

    version.card["figures"]["thefts"] = figure(3, 4, of=6, low=-0.31)

    assert comparisons.compare(version).doubts == [
        "That it notices up to 31% fewer of the confirmed events is not excluded: 6 of them show "
        "no more."
    ]
    assert not comparisons.compare(version).problems


def test_what_is_not_known_is_no_reason_to_take_over(camera: Camera) -> None:
    version = make_version(camera.store)
    version.card = {"reviewers": 1}
    version.save()

    found = comparisons.compare(version)

    assert found.problems == (
        comparisons.NOT_BESIDE,
        comparisons.TOO_FEW_THEFTS.format(count=0, least=5),
        comparisons.ONE_PERSON,
    )
    assert found.false_hints is None
    versions.start_shadow(version, by=None)
    version.refresh_from_db()
    assert (
        comparisons.compare(version)
        .problems[0]
        .startswith("It has been in the shadow for 0 camera-days")
    )


def test_by_the_rule_it_takes_over_and_cameras_get_its_measure(
    camera: Camera, version: ModelVersion
) -> None:
    make_measure(camera, now=START, **USED)
    for minute in range(0, 30 * 60, 20):
        score = 0.2 + minute / 10_000
        make_score(camera, score, started_at=START + timedelta(minutes=minute), **own(version))

    for minute in (5, 105, 205):
        seen(camera, minute, before=True, version=None)
    found = comparisons.compare(version)
    assert found.is_fitted  # by the budget, on this very footage
    assert not found.unmeasured

    made, left = comparisons.activate(version, by=None)

    assert not left
    assert (made.version, made.why) == (version, "")
    measure = Measure.objects.in_force().get(model_sha256=version.sha256)
    assert (measure.budget, measure.thefts) == (1.0, 1.0)
    weights = scored_footage.weights_of(camera)
    assert weights is not None
    assert weights.model_sha256 == version.sha256


def test_a_camera_with_too_little_footage_is_said(camera: Camera, version: ModelVersion) -> None:
    make_measure(camera, now=START, budget=0.01, thefts=0.0, **USED)
    assert comparisons.compare(version).unmeasured == [camera]

    _, left = comparisons.activate(version, by=None)

    assert left == [camera]


def test_of_two_who_decide_at_once_one_is_told(camera: Camera, version: ModelVersion) -> None:
    other = make_version(camera.store, bias=1.0)
    comparisons.activate(other, by=None, why="First.", seen=0)

    with pytest.raises(Refused, match="Somebody else has changed meanwhile"):
        comparisons.activate(version, by=None, why="Second.", seen=0)
    assert Activation.objects.count() == 1


def test_the_shadow_does_not_score_the_camera(camera: Camera, version: ModelVersion) -> None:
    """Until it is in use, what was measured stays of the other weights."""
    weights = scored_footage.weights_of(camera)

    assert weights is not None
    assert weights.model_sha256 == USED["model_sha256"]
    assert CandidateScore.objects.count() == 0
    assert version.state == VersionState.SHADOW


# Going back


@pytest.fixture
def replaced(camera: Camera) -> ModelVersion:
    """In use since 30 hours that the model scored, for so long that the model's measure ended."""
    found, shipped = make_version(camera.store), weights_of("standard")
    for hour in range(30):
        at = START + timedelta(hours=hour)
        make_hour(camera, at, [0.1, 0.2 + hour / 100, 0.5 + hour / 100], **shipped)
    make_measure(camera, now=START, made_at=START, **shipped)
    activate_at(found, camera)
    make_hour(camera, LATER - timedelta(hours=2), [0.3], **weights_of(found.name))
    measures.check_due(now=LATER)
    assert Measure.objects.get().end == EndOfMeasure.MODEL
    return found


def activate_at(version: ModelVersion | None, camera: Camera) -> None:
    versions.activate(version, store=camera.store_id, model="standard", by=None)


def test_who_goes_back_has_the_measure_of_what_is_used_again_taken_anew(
    camera: Camera, replaced: ModelVersion, make_user: MakeUser
) -> None:
    """With the budget that was chosen last, be it for what is left."""
    shipped, boss = weights_of("standard"), make_user("boss")
    make_measure(camera, now=LATER, budget=2.0, thefts=0.0, **weights_of(replaced.name))

    _, left = comparisons.roll_back(camera.store_id, "standard", by=boss)

    assert not left
    measure = measures.in_force(camera)
    assert measure is not None
    assert (measure.budget, measure.thefts, measure.made_by) == (2.0, 0.0, boss)
    assert (measure.model, measure.model_sha256) == ("standard", shipped["model_sha256"])
    assert (measure.recordings, measure.candidates) == (30, 90)
    assert AuditEntry.objects.filter(action=Action.MEASURED, actor=boss.pk).exists()


def test_a_measure_that_ended_by_itself_is_taken_anew_though_there_was_none_of_what_is_left(
    camera: Camera, replaced: ModelVersion
) -> None:
    _, left = comparisons.roll_back(camera.store_id, "standard", by=None)

    assert not left
    assert measures.in_force(camera) is not None


def test_a_measure_that_still_holds_stays(camera: Camera, replaced: ModelVersion) -> None:
    holding = make_measure(camera, now=LATER, **weights_of("standard"))

    _, left = comparisons.roll_back(camera.store_id, "standard", by=None)

    assert not left
    assert measures.in_force(camera) == holding


@pytest.mark.parametrize("none", [True, False], ids=["no scores", "too few"])
def test_cameras_that_too_little_is_kept_of_are_named(
    camera: Camera, replaced: ModelVersion, *, none: bool
) -> None:
    if none:  # all of them are older than 60 days
        ScoredTime.objects.filter(model="standard").delete()
        CandidateScore.objects.filter(model="standard").delete()
    else:
        make_measure(camera, now=LATER, budget=0.01, thefts=0.0, **weights_of(replaced.name))

    _, left = comparisons.roll_back(camera.store_id, "standard", by=None)

    assert left == [camera]
    assert not Measure.objects.in_force().filter(model="standard").exists()


def test_a_measure_that_somebody_has_ended_is_not_taken_anew(
    camera: Camera, replaced: ModelVersion
) -> None:
    measures.end(make_measure(camera, now=LATER, **weights_of(replaced.name)), None)

    _, left = comparisons.roll_back(camera.store_id, "standard", by=None)

    assert not left
    assert not Measure.objects.in_force().exists()


def test_scores_of_other_weights_with_the_models_name_do_not_count(
    camera: Camera, replaced: ModelVersion
) -> None:
    """Of before the site came with newer weights."""
    for rows in (ScoredTime, CandidateScore):
        rows.objects.filter(model="standard").update(model_sha256="e" * 64)

    _, left = comparisons.roll_back(camera.store_id, "standard", by=None)

    assert left == [camera]


def test_a_camera_that_has_another_model_keeps_out_of_it(
    camera: Camera, replaced: ModelVersion
) -> None:
    other = {"model": "quick", "model_sha256": "d" * 64, "detector_sha256": ""}
    make_hour(camera, LATER, [0.3], **other)

    _, left = comparisons.roll_back(camera.store_id, "standard", by=None)

    assert not left
    assert not Measure.objects.in_force().exists()


def test_who_goes_back_to_a_version_has_its_measure_taken_anew(
    camera: Camera, replaced: ModelVersion
) -> None:
    newer = make_version(camera.store, bias=1.0)
    for hour in range(30):
        at = START + timedelta(days=2, hours=hour)
        make_hour(camera, at, [0.1, 0.2 + hour / 100], **weights_of(replaced.name))
    activate_at(newer, camera)
    make_hour(camera, LATER, [0.3], **weights_of(newer.name))
    make_measure(camera, now=LATER, **weights_of(newer.name))

    made, left = comparisons.roll_back(camera.store_id, "standard", by=None)

    assert (made.version, left) == (replaced, [])
    measure = measures.in_force(camera)
    assert measure is not None
    assert measure.model_sha256 == replaced.sha256
