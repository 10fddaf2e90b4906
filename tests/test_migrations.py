"""Rows from before a migration say the same after it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from tests.makers.past import APP, Past, migrate
from video_classifier.models import AuthenticatorApp

pytestmark = pytest.mark.db
NOBODY = "The person detector found nobody in this clip, so the whole picture was looked at."


def analyzed(apps: Any, clip: Any, **fields: object) -> uuid.UUID:
    now = timezone.now()
    usual = {
        "status": "done",
        "score": 0.9,
        "threshold": 0.5,
        "finished_at": now,
        "model": "person_ensemble",
        "model_sha256": "a" * 64,
    }
    made = apps.get_model(APP, "Analysis").objects.create(clip=clip, **usual | fields)
    return uuid.UUID(str(made.pk))


def clip_of(apps: Any, **fields: object) -> Any:
    facts = {"size_bytes": 1, "width": 1, "height": 1, "duration": 1.0}
    return apps.get_model(APP, "Clip").objects.create(name="door.mp4", **facts | fields)


def test_verdicts_become_predictions_and_name_the_model_that_scored(past: Past) -> None:
    with past.at("0005_copy_claim") as old:
        clip = clip_of(old)
        of_person = {"view": "person", "decided_by": 1}
        hint = analyzed(old, clip, verdict="shoplifter", **of_person)
        none = analyzed(old, clip, verdict="non_shoplifter", score=0.1, **of_person)
        fallen_back = analyzed(old, clip, verdict="non_shoplifter", warnings=["Cut.", NOBODY])
        of_another = analyzed(old, clip, verdict="shoplifter", model="ours", warnings=[NOBODY])
        of_frames = analyzed(old, clip, verdict="shoplifter", model="conv3d")
        waiting = analyzed(
            old, clip, status="queued", score=None, threshold=None, finished_at=None, verdict=""
        )

        rows = migrate("0006_predictions").get_model(APP, "Analysis").objects
        said = {row.pk: (row.prediction, row.model, row.model_sha256[:1]) for row in rows.all()}

    assert said == {
        hint: ("hint", "person_ensemble", "a"),
        none: ("no_hint", "person_ensemble", "a"),
        fallen_back: ("no_hint", "mobilenetv2_lstm", ""),
        of_another: ("hint", "ours", ""),
        of_frames: ("hint", "conv3d", "a"),
        waiting: ("", "person_ensemble", "a"),
    }


def test_a_clip_without_a_result_is_a_failed_one_to_the_version_before(past: Past) -> None:
    with past.at("0006_predictions") as new:
        no_result = analyzed(
            new,
            clip_of(new),
            prediction="no_result",
            reason="Nobody could be seen.",
            view="person",
            score=None,
            threshold=None,
        )

        row = migrate("0005_copy_claim").get_model(APP, "Analysis").objects.get(pk=no_result)

    assert (row.status, row.verdict, row.error) == ("failed", "", "Nobody could be seen.")


def test_what_was_there_becomes_the_store_main_in_which_everybody_goes_on_working(
    past: Past,
) -> None:
    with past.at("0006_predictions") as old:
        clip = clip_of(old)
        users = old.get_model("auth", "User").objects
        users.create(username="ada")
        users.create(username="boss", is_staff=True)

        new = migrate("0008_clip_has_a_store")
        stores = new.get_model(APP, "Store").objects
        store, count = new.get_model(APP, "Clip").objects.get(pk=clip.pk).store, stores.count()
        rows = new.get_model(APP, "Membership").objects
        members = set(rows.values_list("store__name", "user__username", "role"))

    assert (store.name, count) == ("Main", 1)
    assert members == {
        ("Main", "ada", "analyst"),
        ("Main", "ada", "reviewer"),
        ("Main", "boss", "analyst"),
        ("Main", "boss", "reviewer"),
        ("Main", "boss", "manager"),
    }


def test_copies_and_runs_on_their_way_are_jobs_after_it(past: Past) -> None:
    with past.at("0006_predictions") as old:
        now = timezone.now()
        clips = [clip_of(old, playback="wanted", copy_attempts=n, copy_due_at=now) for n in (0, 2)]
        old.get_model(APP, "Clip").objects.filter(pk=clips[1].pk).update(trashed_at=now)
        clip_of(old)
        open_ended = {"score": None, "threshold": None, "finished_at": None}
        running = {"status": "running", "heartbeat_at": now, "started_at": now, "worker": "one"}
        run = analyzed(old, clips[0], **running | open_ended)
        done = analyzed(old, clips[0], prediction="hint")
        heat_map = old.get_model(APP, "HeatMap")
        heat_map.objects.create(analysis_id=done, status="running", heartbeat_at=now, worker="one")

        new = migrate("0009_jobs")
        copies = new.get_model(APP, "BrowserCopy").objects.order_by("attempts")
        after = [(copy.clip_id, copy.status, copy.attempts, copy.not_before) for copy in copies]
        runs = [new.get_model(APP, "Analysis").objects.get(pk=run)]
        runs.append(new.get_model(APP, "HeatMap").objects.get(pk=done))

        back = migrate("0006_predictions").get_model(APP, "Clip").objects
        clips_back = {(clip.playback, clip.copy_attempts) for clip in back.all()}

    assert after == [(clips[0].pk, "queued", 0, now), (clips[1].pk, "cancelled", 2, now)]
    for row in runs:
        assert (row.status, row.worker, row.claimed_at) == ("running", "one", now)
        assert row.deadline is not None
    assert clips_back == {("wanted", 0), ("wanted", 2), ("original", 0)}


@pytest.mark.long
def test_an_analysis_is_in_the_store_of_its_clip(past: Past) -> None:
    with past.at("0015_fewer_indexes") as old:
        stores = [old.get_model(APP, "Store").objects.create(name=name) for name in ("A", "B")]
        made = {
            analyzed(old, clip_of(old, store=store), prediction="hint"): store.pk
            for store in stores
        }

        rows = migrate("0017_store_of_analyses").get_model(APP, "Analysis").objects
        after = dict(rows.values_list("pk", "store"))
        back = migrate("0015_fewer_indexes").get_model(APP, "Analysis").objects.count()

    assert (after, back) == (made, 2)


def test_who_had_copies_of_segments_can_ask_for_one_of_the_whole_in_the_version_before(
    past: Past,
) -> None:
    with past.at("0016_segment_copies") as new:
        store = new.get_model(APP, "Store").objects.get_or_create(name="Main")[0]
        clip = clip_of(new, playback="segments", store=store)
        copies = new.get_model(APP, "SegmentCopy").objects
        copies.create(clip=clip, number=1, start=0.0, end=60.0)

        old = migrate("0015_fewer_indexes").get_model(APP, "Clip").objects.get(pk=clip.pk)

    assert old.playback == "none"


@pytest.mark.long
def test_events_of_the_last_month_wait_for_an_answer_and_older_ones_do_not(past: Past) -> None:
    now = timezone.now()
    with past.at("0023_alerts") as old:
        store = old.get_model(APP, "Store").objects.create(name="North")
        recorded = {
            "store": store,
            "recorded_at": now - timedelta(days=2),
            "recorded_from": "given",
        }
        made = {
            "recorded": [clip_of(old, **recorded)],
            "unknown": [clip_of(old, store=store, uploaded_at=now - timedelta(days=3))],
            "trashed": [clip_of(old, **recorded, trashed_at=now)],
            "old": [clip_of(old, **recorded | {"recorded_at": now - timedelta(days=31)})],
            "empty": [clip_of(old, store=store)],
            "again": [clip_of(old, **recorded)],
            "failed": [clip_of(old, **recorded)],
        }
        for name in ("recorded", "unknown", "trashed", "old", "again", "failed"):
            hours = timedelta(hours=2)
            made[name].append(with_event(old, made[name][0], queued_at=now - hours))
        made["again"].append(with_event(old, made["again"][0], queued_at=now))
        failed = {
            "store": store,
            "status": "failed",
            "error": "No.",
            "prediction": "",
            "finished_at": now,
        }
        analyzed(old, made["failed"][0], queued_at=now, score=None, threshold=None, **failed)
        audit = old.get_model(APP, "AuditEntry").objects.create(action="exported")

        new = migrate()
        events = new.get_model(APP, "Event").objects.select_related("analysis")
        after = {row.analysis_id: row for row in events}
        latest = new.get_model(APP, "Analysis").objects.filter(is_latest=True)
        of_clips = sorted(latest.values_list("clip", flat=True), key=str)
        assert new.get_model(APP, "AuditEntry").objects.get(pk=audit.pk).store is None
        assert {row.store_id for row in after.values()} == {store.pk}

        migrate("0023_alerts")

    def marks(name: str, number: int = 1) -> tuple[bool, str]:
        row = after[made[name][number]]
        return (row.is_current, row.waits_for)

    waiting, gone = (True, "first"), (False, "")
    assert [marks("recorded"), marks("unknown"), marks("failed")] == [waiting] * 3
    assert [marks("trashed"), marks("old"), marks("again")] == [gone, (True, ""), gone]
    assert marks("again", 2) == waiting
    assert after[made["recorded"][1]].happened_at == now - timedelta(days=2) + timedelta(
        seconds=0.5
    )
    assert after[made["unknown"][1]].happened_at == now - timedelta(days=3)
    analyzed_ones = [made[name][0].pk for name in made if name != "empty"]
    assert of_clips == sorted(analyzed_ones, key=str)


@pytest.mark.long
def test_clips_confirmed_by_marks_of_what_was_missed_are_missed_ones(past: Past) -> None:
    with past.at("0038_request_heartbeats") as old:
        store = old.get_model(APP, "Store").objects.create(name="North")
        review = old.get_model(APP, "Review").objects
        clips = {}
        for name in ("marked", "and confirmed", "withdrawn", "and disputed"):
            clips[name] = clip = clip_of(old, store=store, verdict="confirmed")
            mark = review.create(clip=clip, answer="missed", start=1.0, end=2.0)
            if name == "and confirmed":
                review.create(clip=clip, answer="confirmed", start=3.0, end=4.0)
            if name == "withdrawn":
                review.create(clip=clip, answer="withdrawn", start=1.0, end=2.0, undoes=mark)
            if name == "and disputed":
                facts = {"store": store, "happened_at": timezone.now(), "is_current": True}
                with_event(old, clip, facts | {"verdict": "disputed"})

        new = migrate().get_model(APP, "Clip").objects
        after = {name: new.get(pk=clip.pk).verdict for name, clip in clips.items()}
        back = migrate("0038_request_heartbeats").get_model(APP, "Clip").objects
        before = back.get(pk=clips["marked"].pk).verdict

    assert after == {
        "marked": "missed",
        "and confirmed": "confirmed",
        "withdrawn": "confirmed",
        "and disputed": "disputed",
    }
    assert before == "confirmed"


def test_secrets_of_apps_are_sealed_and_can_be_had_back(past: Past, settings: Settings) -> None:
    secret = "5d" * 20
    with past.at("0039_missed_verdict"):
        user = User.objects.create_user("ada")
        TOTPDevice.objects.create(user=user, name="app", key=secret)

        migrate()
        sealed, opened = TOTPDevice.objects.get().key, AuthenticatorApp.objects.get().bin_key
        key, settings.SECRET_KEY = settings.SECRET_KEY, "violet harbour" * 4
        with pytest.raises(RuntimeError, match=r"sealed with another SECRET_KEY: ada\."):
            migrate("0039_missed_verdict")
        settings.SECRET_KEY = key
        migrate("0039_missed_verdict")
        back = TOTPDevice.objects.get().key

    assert (secret not in sealed, opened.hex(), back) == (True, secret, secret)


def with_event(
    apps: Any, clip: Any, facts: dict[str, object] | None = None, **fields: object
) -> uuid.UUID:
    """An analysis of it that found one; `facts` are of the event."""
    found = analyzed(apps, clip, prediction="hint", store_id=clip.store_id, **fields)
    ends = {"start": 0.0, "end": 1.0}
    segment = apps.get_model(APP, "Segment").objects.create(
        analysis_id=found, number=1, status="queued", **ends
    )
    apps.get_model(APP, "Event").objects.create(
        analysis_id=found,
        segment=segment,
        number=1,
        start=0.5,
        end=1.0,
        peak=0.7,
        score=0.9,
        **facts or {},
    )
    return found
