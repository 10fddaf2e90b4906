"""The rules that the database itself keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeTrack, make_segment
from tests.databases import broken_rule
from video_classifier.models import Analysis, ApiKey, BrowserCopy, HeatMap, StoredModel, Track
from video_classifier.states import Playback, Prediction, Status, View

PREDICTED_WHEN_DONE = "analysis_predicted_only_when_done"
OF_A_TRACK = "analysis_score_is_a_tracks_in_its_view"


NO_RESULT: dict[str, Any] = {
    "status": Status.DONE,
    "prediction": Prediction.NO_RESULT,
    "score": None,
}


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"status": Status.DONE, "score": 1.1}, "analysis_score_is_from_0_to_1"),
        ({"status": Status.DONE, "score": -0.1}, "analysis_score_is_from_0_to_1"),
        ({"status": Status.DONE, "prediction": ""}, "analysis_done_means_predicted"),
        ({"status": Status.DONE, "finished_at": None}, "analysis_done_means_predicted"),
        ({"status": Status.DONE, "score": None}, "analysis_prediction_has_a_score"),
        ({"status": Status.DONE, "threshold": None}, "analysis_prediction_has_a_score"),
        ({"prediction": Prediction.HINT, "score": 0.9, "threshold": 0.5}, PREDICTED_WHEN_DONE),
        ({"status": Status.FAILED, "score": 0.5}, PREDICTED_WHEN_DONE),
        (NO_RESULT, "analysis_no_result_has_a_reason"),
        (NO_RESULT | {"reason": "It is black.", "score": 0.5}, "analysis_no_result_has_a_reason"),
        ({"status": Status.DONE, "reason": "It is black."}, "analysis_no_result_has_a_reason"),
        ({"status": Status.FAILED, "error": ""}, "analysis_failed_says_why"),
        ({"status": Status.RUNNING, "heartbeat_at": None}, "segment_running_shows_life"),
        ({"status": Status.RUNNING, "claimed_at": None}, "segment_running_shows_life"),
        ({"status": Status.RUNNING, "deadline": None}, "segment_running_has_a_deadline"),
        ({"status": Status.DONE, "view": View.PERSON}, OF_A_TRACK),
        ({"status": Status.DONE, "view": View.PERSON, "decided_by": 0}, OF_A_TRACK),
        ({"status": Status.DONE, "decided_by": 1}, OF_A_TRACK),
    ],
    ids=str,
)
def test_a_row_that_makes_no_sense_is_refused(
    make_analysis: MakeAnalysis, broken: dict[str, Any], rule: str
) -> None:
    with pytest.raises(IntegrityError) as refused:
        make_analysis(**broken)

    assert broken_rule(refused.value) == rule


@pytest.mark.parametrize("view", View)
def test_no_result_is_a_result_with_a_reason_and_no_score(
    make_analysis: MakeAnalysis, view: View
) -> None:
    made = make_analysis(**NO_RESULT, reason="It is black.", view=view, threshold=None)

    assert made.is_finished


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"number": 0}, "track_numbers_are_from_one"),
        ({"score": 1.1}, "track_score_is_from_0_to_1"),
        ({"score": -0.1}, "track_score_is_from_0_to_1"),
    ],
    ids=str,
)
def test_a_track_that_makes_no_sense_is_refused(
    make_track: MakeTrack, broken: dict[str, Any], rule: str
) -> None:
    with pytest.raises(IntegrityError) as refused:
        make_track(**broken)

    assert broken_rule(refused.value) == rule


def test_a_number_stands_for_one_person(make_analysis: MakeAnalysis, make_track: MakeTrack) -> None:
    analysis = make_analysis()
    make_track(analysis=analysis, number=3)

    with pytest.raises(IntegrityError) as refused:
        make_track(analysis=analysis, number=3, number_in_segment=4)

    assert broken_rule(refused.value) == "track_number_stands_for_one"


DONE = {"status": Status.DONE, "score": 0.9, "threshold": 0.5}
ONE_OR_THE_OTHER = "segment_has_a_result_when_done_and_only_then"


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"number": 0}, "segment_number_is_from_one"),
        ({"start": 60.0, "end": 60.0}, "segment_ends_after_its_start"),
        ({"start": -1.0}, "segment_ends_after_its_start"),
        ({"score": 0.9}, ONE_OR_THE_OTHER),
        ({"reason": "It is black."}, ONE_OR_THE_OTHER),
        ({"status": Status.DONE}, ONE_OR_THE_OTHER),
        (DONE | {"threshold": None}, ONE_OR_THE_OTHER),
        (DONE | {"reason": "It is black."}, ONE_OR_THE_OTHER),
        (DONE | {"score": 1.1}, "segment_score_is_from_0_to_1"),
        (DONE | {"decided_by": 1}, "segment_score_is_a_tracks_in_its_view"),
        (DONE | {"view": View.PERSON}, "segment_score_is_a_tracks_in_its_view"),
    ],
    ids=str,
)
def test_a_segment_that_makes_no_sense_is_refused(
    make_analysis: MakeAnalysis, broken: dict[str, Any], rule: str
) -> None:
    analysis = make_analysis()

    with pytest.raises(IntegrityError) as refused:
        make_segment(analysis, **{"number": 2} | broken)

    assert broken_rule(refused.value) == rule


def test_a_number_stands_for_one_segment(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis()

    with pytest.raises(IntegrityError) as refused:
        make_segment(analysis, number=1)

    assert broken_rule(refused.value) == "segment_number_stands_for_one"


NOON = datetime(2025, 11, 22, 12, tzinfo=UTC)
RUNNING = {"status": Status.RUNNING, "heartbeat_at": NOON}


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"status": Status.RUNNING, "deadline": NOON}, "running_shows_life"),
        (RUNNING | {"claimed_at": NOON}, "running_has_a_deadline"),
        ({"status": Status.FAILED}, "failed_says_why"),
    ],
    ids=str,
)
def test_a_job_that_makes_no_sense_is_refused(
    make_analysis: MakeAnalysis, broken: dict[str, Any], rule: str
) -> None:
    analysis = make_analysis()

    for kind, of in ((HeatMap, {"analysis": analysis}), (BrowserCopy, {"clip": analysis.clip})):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            kind._default_manager.create(**of, **broken)

        assert broken_rule(refused.value) == f"{kind._meta.model_name}_{rule}"


def test_a_heat_map_that_is_done_was_drawn(make_analysis: MakeAnalysis) -> None:
    with pytest.raises(IntegrityError) as refused:
        HeatMap.objects.create(analysis=make_analysis(), status=Status.DONE)

    assert broken_rule(refused.value) == "heatmap_done_means_drawn"


def test_a_copy_has_its_file(make_clip: MakeClip) -> None:
    with pytest.raises(IntegrityError) as refused:
        make_clip(playback=Playback.COPY)

    assert broken_rule(refused.value) == "clip_copy_is_there"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"status": Status.RUNNING}, "Running (careful)"),
        ({"status": Status.DONE, "prediction": Prediction.HINT}, "Possible shoplifting (careful)"),
    ],
)
def test_reads_as_staff_may_read_it(fields: dict[str, str], name: str) -> None:
    assert str(Analysis(model="careful", **fields)) == name


def test_a_person_is_nothing_but_a_track() -> None:
    assert str(Track(number=2)) == "Track 2"


def test_an_analysis_is_in_the_store_of_its_clip(
    make_clip: MakeClip, make_store: MakeStore
) -> None:
    clip = make_clip(store=make_store("Harbour"))

    assert Analysis.objects.create(clip=clip, model="standard").store == clip.store


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"name": ""}, "api_key_has_a_name"),
        ({"scopes": []}, "api_key_has_a_scope"),
        ({"expires_at": datetime(2025, 1, 1, tzinfo=UTC)}, "api_key_expires_after_it_was_made"),
        ({"digest": f"slk_{43 * 'x'}"}, "api_key_digest_is_a_whole_one"),
    ],
    ids=str,
)
def test_a_key_that_makes_no_sense_is_refused(
    user: User, broken: dict[str, Any], rule: str
) -> None:
    now = timezone.now() + timedelta(minutes=1)
    sound = {"name": "Export", "prefix": 8 * "x", "digest": 64 * "0", "scopes": ["results:read"]}

    with pytest.raises(IntegrityError) as refused:
        ApiKey.objects.create(user=user, created_at=now, **sound | broken)

    assert broken_rule(refused.value) == rule


@pytest.mark.django_db
def test_what_is_stored_under_the_name_of_a_version_belongs_to_one() -> None:
    with pytest.raises(IntegrityError) as refused:
        StoredModel.objects.create(name="standard@1", files={}, card={})

    assert broken_rule(refused.value) == "storedmodel_version_is_named_as_one"
