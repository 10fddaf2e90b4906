"""Rows from before a migration say the same after it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

APP = "video_classifier"
NOBODY = "The person detector found nobody in this clip, so the whole picture was looked at."


def migrate(name: str) -> Any:
    """The models as they are after that migration."""
    executor = MigrationExecutor(connection)
    executor.migrate([(APP, name)])
    return MigrationExecutor(connection).loader.project_state([(APP, name)]).apps


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


def clip_of(apps: Any) -> Any:
    facts = {"size_bytes": 1, "width": 1, "height": 1, "duration": 1.0}
    return apps.get_model(APP, "Clip").objects.create(name="door.mp4", **facts)


@pytest.mark.django_db(transaction=True)
def test_verdicts_become_predictions_and_name_the_model_that_scored() -> None:
    try:
        old = migrate("0005_copy_claim")
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
    finally:
        migrate(_latest())

    assert said == {
        hint: ("hint", "person_ensemble", "a"),
        none: ("no_hint", "person_ensemble", "a"),
        fallen_back: ("no_hint", "mobilenetv2_lstm", ""),
        of_another: ("hint", "ours", ""),
        of_frames: ("hint", "conv3d", "a"),
        waiting: ("", "person_ensemble", "a"),
    }


@pytest.mark.django_db(transaction=True)
def test_a_clip_without_a_result_is_a_failed_one_to_the_version_before() -> None:
    try:
        new = migrate("0006_predictions")
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
    finally:
        migrate(_latest())

    assert (row.status, row.verdict, row.error) == ("failed", "", "Nobody could be seen.")


@pytest.mark.django_db(transaction=True)
def test_what_was_there_becomes_the_store_main_in_which_everybody_goes_on_working() -> None:
    try:
        old = migrate("0006_predictions")
        clip = clip_of(old)
        users = old.get_model("auth", "User").objects
        users.create(username="ada")
        users.create(username="boss", is_staff=True)

        new = migrate("0008_clip_has_a_store")
        stores = new.get_model(APP, "Store").objects
        store = new.get_model(APP, "Clip").objects.get(pk=clip.pk).store
        rows = new.get_model(APP, "Membership").objects
        members = set(rows.values_list("store__name", "user__username", "role"))
    finally:
        migrate(_latest())

    assert (store.name, stores.count()) == ("Main", 1)
    assert members == {
        ("Main", "ada", "analyst"),
        ("Main", "ada", "reviewer"),
        ("Main", "boss", "analyst"),
        ("Main", "boss", "reviewer"),
        ("Main", "boss", "manager"),
    }


def _latest() -> str:
    (leaf,) = (name for app, name in MigrationExecutor(connection).loader.graph.leaf_nodes(APP))
    return str(leaf)
