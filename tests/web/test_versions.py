"""The pages of a store's versions of a model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.conftest import MakeAnalysis, MakeClip, MakeModel, MakeStore, MakeUser
from tests.makers.scored_hours import make_days, make_hour, make_measure, make_score
from tests.makers.versions import make_version, weights_of
from video_classifier.models import (
    Activation,
    AuditEntry,
    Camera,
    Improvement,
    Measure,
    ModelVersion,
    ScoredTime,
    Store,
)
from video_classifier.services import improvements, versions
from video_classifier.services.improvements import Material
from video_classifier.states import Action, Role, Status, VersionState

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

ENOUGH = Material(
    thefts=9, false_alarms=21, reviewers=2, cameras=1, first=None, last=None, kappa=None
)


@pytest.fixture
def store(make_store: MakeStore, make_model: MakeModel) -> Store:
    make_model()
    return make_store()


@pytest.fixture
def manager(store: Store, make_user: MakeUser) -> Client:
    client = Client()
    client.force_login(make_user("boss", roles=[Role.MANAGER]))
    return client


@pytest.fixture
def version(store: Store) -> ModelVersion:
    """With what its training says of it."""
    found = make_version(store)
    change = [0.1, -0.2, 0.4]
    found.card = {
        "train": {"thefts": 7, "false_alarms": 12},
        "test": {"thefts": 6, "false_alarms": 9, "days": 7, "camera": "Door"},
        "reviewers": 2,
        "kappa": [0.7, 0.5, 0.9],
        "days": ["2026-11-01", "2026-11-26"],
        "cameras": ["Main / Till"],
        "left_out": {"its file is gone": 2},
        "in_use": "standard",
        "threshold": [0.6543, "Chosen by the rule of the model's card."],
        "confidence": "Not known: it takes 10 of each.",
        "figures": {
            "thefts": {"events": 6, "before": 3, "after": 4, "change": change, "recordings": 3},
            "old_thefts": {
                "events": 82,
                "before": 62,
                "after": 60,
                "change": change,
                "recordings": 13,
            },
        },
    }
    found.save()
    return found


def page(client: Client, store: Store, version: ModelVersion | None = None) -> str:
    address = reverse("web:versions", args=[store.pk])
    if version is not None:
        address = reverse("web:version", args=[store.pk, version.pk])
    return unescape(client.get(address).content.decode())


def send(client: Client, name: str, *args: int, **fields: object) -> str:
    response = client.post(reverse(f"web:{name}", args=args), fields, follow=True)
    return unescape(response.content.decode())


def test_without_reviews_it_says_what_is_missing(manager: Client, store: Store) -> None:
    shown = page(manager, store)

    assert "People agree on 0 events so far, and it takes 20" in shown
    assert "Learn</button>" not in shown


def test_learning_is_asked_for_followed_and_cancelled(
    manager: Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(improvements, "material", lambda _: ENOUGH)
    assert "9 confirmed events and 21 false alarms" in page(manager, store)

    shown = send(manager, "versions", store.pk, model="standard")
    Improvement.objects.update(status=Status.QUEUED, stage="Looking at event 3 of 30")
    part = manager.get(reverse("web:versions", args=[store.pk]), headers={"HX-Request": "true"})

    assert "standard is learning." in shown
    assert "Looking at event 3 of 30" in part.content.decode()
    assert b"<h1" not in part.content
    assert "HX-Request" in part["Vary"]
    assert "already" in send(manager, "versions", store.pk, model="standard")
    send(manager, "cancel-improvement", store.pk)
    assert Improvement.objects.get().status == Status.CANCELLED
    assert "It is over already" in send(manager, "cancel-improvement", store.pk)


def test_a_failure_and_what_was_made_are_shown(
    manager: Client, store: Store, version: ModelVersion
) -> None:
    improvement = Improvement.objects.create(
        store=store, model="standard", status=Status.FAILED, error="Too little is left."
    )
    assert "Too little is left." in page(manager, store)

    Improvement.objects.update(status=Status.DONE, error="")
    ModelVersion.objects.update(improvement=improvement)
    assert "Look at standard@1" in page(manager, store)


def test_a_version_says_what_it_learned_from(
    manager: Client, store: Store, version: ModelVersion
) -> None:
    shown = page(manager, store, version)

    assert "7 confirmed events, 12 false alarms" in shown
    assert "the last 7 days, and the camera “Door”" in shown
    assert "0.70 (0.50 to 0.90)" in shown
    assert "2: its file is gone" in shown
    assert "0.654. Chosen by the rule of the model's card." in shown
    assert "Not known: it takes 10 of each." in shown
    assert "62 of 82" in shown
    assert "60 of 82" in shown
    assert "+10% (95 %: -20% to +40%; 3 days of cameras or recordings)" in shown
    assert "13 people or cameras" in shown
    assert "it can't show thefts that the version alone would notice" in shown
    assert "By the rule it may not take over" in shown
    assert "It notices fewer of the thefts that the model itself learned from" in shown


def test_shadow_activate_and_go_back(manager: Client, store: Store, version: ModelVersion) -> None:
    send(manager, "shadow-version", store.pk, version.pk, to="start")
    version.refresh_from_db()
    assert version.state == VersionState.SHADOW

    refused = send(manager, "activate-version", store.pk, version.pk, why="", seen=0)
    assert "Write why it should all the same" in refused
    done = send(manager, "activate-version", store.pk, version.pk, why="A test.", seen=0)
    assert "standard@1 is in use from now on" in done
    assert "A test." in done
    assert "Beside" not in page(manager, store, version)
    assert "an account that was deleted" not in done
    late = send(manager, "activate-version", store.pk, version.pk, why="Again.", seen=0)
    assert "is in use already" in late

    newest = Activation.objects.get()
    back = send(manager, "roll-back-version", store.pk, model="standard", seen=newest.pk)
    assert "standard is in use again." in back
    assert "Back, without a reason" in back
    assert versions.name_in_use(store.pk, "standard") == "standard"


def test_a_decision_outlives_the_account_of_who_took_it(
    manager: Client, store: Store, version: ModelVersion
) -> None:
    versions.activate(version, store=store.pk, model="standard", by=None, why="A test.")

    assert "an account that was deleted" in page(manager, store)


def test_the_way_back_says_where_it_leads(
    manager: Client, store: Store, version: ModelVersion
) -> None:
    """Who has gone back doesn't find the version on it again: that takes its page, and a reason."""
    newer = make_version(store, bias=1.0)
    send(manager, "activate-version", store.pk, version.pk, why="A test.")
    send(manager, "activate-version", store.pk, newer.pk, why="A test.")
    assert "Go back to standard@1, which was in use before" in page(manager, store)

    first = send(manager, "roll-back-version", store.pk, model="standard")
    second = send(manager, "roll-back-version", store.pk, model="standard")
    third = send(manager, "roll-back-version", store.pk, model="standard")

    assert "Go back to standard, which was in use before" in first
    assert "Go back to" not in second
    assert "there is nothing to go back to" in third
    assert versions.name_in_use(store.pk, "standard") == "standard"
    again = send(manager, "activate-version", store.pk, newer.pk, why="")
    assert "Write why it should all the same" in again


def test_who_goes_back_is_told_of_cameras_without_a_measure(
    manager: Client, store: Store, version: ModelVersion
) -> None:
    """That of the model has ended, and it has scored too little for another one."""
    used = weights_of("standard")
    send(manager, "activate-version", store.pk, version.pk, why="A test.", seen=0)
    for name, *models in (("Door", "standard", "standard@1"), ("Till", "standard@1")):
        camera = Camera.objects.create(store=store, name=name)
        for model in models:
            make_measure(camera, now=timezone.now(), **weights_of(model))
        make_hour(camera, timezone.now(), [0.4], **used)
        make_hour(camera, timezone.now(), [0.4], **weights_of("standard@1"))

    back = send(manager, "roll-back-version", store.pk, model="standard")

    assert "and too little is kept of what it scored for a new one" in back
    assert "the model's own threshold holds there: Till. Measure them anew." in back


def test_who_goes_back_reads_nothing_of_cameras_that_are_measured_anew(
    manager: Client, store: Store, version: ModelVersion
) -> None:
    send(manager, "activate-version", store.pk, version.pk, why="A test.", seen=0)
    camera, now = Camera.objects.create(store=store, name="Till"), timezone.now()
    make_days(camera, 3, before=now, **weights_of("standard"))
    make_hour(camera, now, [0.4], **weights_of("standard@1"))
    make_measure(camera, now=now, **weights_of("standard@1"))

    back = send(manager, "roll-back-version", store.pk, model="standard")

    assert "standard is in use again." in back
    assert "Measure them anew" not in back
    assert Measure.objects.in_force().filter(model="standard", camera=camera).exists()


def test_who_activates_is_told_what_holds_at_cameras_without_a_measure(
    manager: Client, store: Store, version: ModelVersion
) -> None:
    camera = Camera.objects.create(store=store, name="Till")
    weights = {"model": "standard", "model_sha256": "f" * 64, "detector_sha256": ""}
    make_hour(camera, timezone.now(), [0.4], **weights)
    make_measure(camera, now=timezone.now(), **weights)

    before = page(manager, store, version)
    assert "Its own threshold would hold there, with more hints or fewer: Till." in before
    done = send(manager, "activate-version", store.pk, version.pk, why="A test.", seen=0)

    assert "so that its own threshold holds there, with more hints or fewer: Till." in done


def test_times_are_those_of_the_stores_clock(
    manager: Client, store: Store, version: ModelVersion
) -> None:
    Store.objects.filter(pk=store.pk).update(time_zone="Asia/Tokyo")
    camera = Camera.objects.create(store=store, name="Till")
    versions.start_shadow(version, by=None)
    at = datetime(2026, 11, 27, 20, tzinfo=UTC)
    ModelVersion.objects.update(made_at=at, shadow_since=at)
    weights = {"model": version.name, "model_sha256": version.sha256, "detector_sha256": ""}
    make_hour(camera, at, [0.9, 0.9], **weights)

    shown = page(manager, store, version)

    assert "Since 28 Nov 2026, 05:00 JST" in shown
    assert "28 Nov, 05:29:55" in shown
    send(manager, "activate-version", store.pk, version.pk, why="A test.", seen=0)
    decided = Activation.objects.get().at.astimezone(ZoneInfo("Asia/Tokyo"))
    assert "28 Nov 2026, 05:00" in page(manager, store)
    assert f"{decided.day} {decided:%b %Y, %H:%M}" in page(manager, store)


def test_a_reason_to_go_back_is_in_the_history_and_on_the_page_of_the_log(
    manager: Client, store: Store, version: ModelVersion
) -> None:
    send(manager, "activate-version", store.pk, version.pk, why="A test.", seen=0)
    assert 'name="why"' in page(manager, store)
    long = send(manager, "roll-back-version", store.pk, model="standard", why="x" * 501)
    assert "The reason is too long" in long

    back = send(manager, "roll-back-version", store.pk, model="standard", why="Too many hints.")

    assert "Too many hints." in back
    assert versions.name_in_use(store.pk, "standard") == "standard"
    newest = Activation.objects.first()
    assert newest is not None
    log = unescape(manager.get("/audit/").content.decode())
    assert f"version: standard; decision: {newest.pk}; why: Too many hints." in log
    noted = AuditEntry.objects.filter(action=Action.VERSION_ACTIVATED)
    assert "Too many hints." not in str(list(noted.values("details")))


def test_of_two_who_decide_at_once_the_second_is_told(
    manager: Client, store: Store, version: ModelVersion
) -> None:
    other = make_version(store, bias=1.0)
    send(manager, "activate-version", store.pk, other.pk, why="First.", seen=0)

    late = send(manager, "activate-version", store.pk, version.pk, why="Second.", seen=0)

    assert "Somebody else has changed meanwhile" in late
    assert versions.name_in_use(store.pk, "standard") == "standard@2"


def test_a_long_reason_is_refused(manager: Client, store: Store, version: ModelVersion) -> None:
    sent = {"why": "x" * 501, "seen": 0}
    address = reverse("web:activate-version", args=[store.pk, version.pk])

    response = manager.post(address, sent)

    assert response.status_code == 422
    assert not Activation.objects.exists()


def test_what_both_scored_is_shown(manager: Client, store: Store, version: ModelVersion) -> None:
    camera = Camera.objects.create(store=store, name="Till")
    versions.start_shadow(version, by=None)
    hour = timezone.now() + timedelta(hours=1)
    weights = {"model": version.name, "model_sha256": version.sha256, "detector_sha256": ""}
    make_hour(camera, hour, [0.9], **weights)

    shown = page(manager, store, version)

    assert "0 of both, 0 of standard alone, 1 of standard@1 alone" in shown
    assert "nothing yet" in shown


def test_hints_lead_to_the_clips_that_they_are_of(
    manager: Client,
    store: Store,
    version: ModelVersion,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
) -> None:
    """To a recording; to what is deleted nothing leads."""
    camera = Camera.objects.create(store=store, name="Till")
    versions.start_shadow(version, by=None)
    at = timezone.now() + timedelta(hours=1)
    facts = {"model": version.name, "model_sha256": version.sha256, "detector_sha256": ""}
    analysis = make_analysis(clip=make_clip(camera=camera, store=store), status=Status.DONE)
    for of in ({"clip": analysis.clip}, {"file": "a" * 64}):
        ScoredTime.objects.create(camera=camera, start=at, seconds=60.0, **facts, **of)
        make_score(camera, at, 0.9, **facts, **of).save()

    shown = page(manager, store, version)

    assert "2 of standard@1 alone" in shown
    assert shown.count('a href="/results/') == 1
    assert reverse("web:result", args=[analysis.pk]) in shown


def test_a_version_is_deleted_once_somebody_has_confirmed(
    manager: Client, store: Store, version: ModelVersion
) -> None:
    address = reverse("web:delete-version", args=[store.pk, version.pk])
    assert f'href="{address}"' in page(manager, store, version)

    asked = manager.get(address)
    assert "Delete this version?" in asked.content.decode()
    assert ModelVersion.objects.exists()
    done = send(manager, "delete-version", store.pk, version.pk)

    assert "standard@1 was deleted." in done
    assert "Versions for" in done
    assert not ModelVersion.objects.exists()
    log = unescape(manager.get("/audit/").content.decode())
    assert "Deleted a version of a model" in log
    assert "version: standard@1" in log
    assert manager.get(address).status_code == 404


def test_a_version_that_results_name_says_why_it_stays(
    manager: Client, store: Store, version: ModelVersion, make_analysis: MakeAnalysis
) -> None:
    make_analysis(model=version.name)
    address = reverse("web:delete-version", args=[store.pk, version.pk])
    why = "“standard@1” can't be deleted: results name it as what made them."

    shown = page(manager, store, version)
    asked = manager.get(address, follow=True)
    sent = send(manager, "delete-version", store.pk, version.pk)

    assert why in shown
    assert f'href="{address}"' not in shown
    assert "Delete this version?" not in unescape(asked.content.decode())
    assert sent.count(why) == 2  # what came of it, and what the page says anyway
    assert ModelVersion.objects.exists()


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("shadow", "it is in the shadow. End that first."),
        ("active", "it is in use."),
        ("was active", "it was in use, and the history of decisions names it."),
    ],
)
def test_a_version_that_was_decided_on_says_why_it_stays(
    manager: Client, store: Store, version: ModelVersion, state: str, why: str
) -> None:
    if state == "shadow":
        versions.start_shadow(version, by=None)
    else:
        versions.activate(version, store=store.pk, model="standard", by=None)
    if state == "was active":
        versions.roll_back(store.pk, "standard", by=None)

    refused = send(manager, "delete-version", store.pk, version.pk)

    assert refused.count(f"“standard@1” can't be deleted: {why}") == 2
    assert "Delete version</a>" not in refused
    assert ModelVersion.objects.exists()


def test_what_was_made_last_is_not_offered_once_it_is_deleted(
    manager: Client, store: Store, version: ModelVersion
) -> None:
    improvement = Improvement.objects.create(store=store, model="standard", status=Status.DONE)
    ModelVersion.objects.update(improvement=improvement)

    assert "Look at" not in send(manager, "delete-version", store.pk, version.pk)


def test_versions_of_other_stores_are_not_found(
    manager: Client, store: Store, make_store: MakeStore
) -> None:
    other = make_version(make_store("Elsewhere"))

    for args in ([store.pk, other.pk], [other.store_id, other.pk]):
        assert manager.get(reverse("web:version", args=args)).status_code == 404
        assert manager.post(reverse("web:delete-version", args=args)).status_code == 404
