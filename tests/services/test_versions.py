"""Which version of a model a store uses: decisions that are never changed, and taken one by one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import count

import pytest
from django.db import models

from tests import databases
from tests.conftest import MakeAnalysis, MakeClip, MakeModel, MakeStore, MakeUser
from tests.makers.feeds import make_feed
from tests.makers.live_cameras import make_event
from tests.makers.measures import make_score
from tests.makers.versions import make_version, write_head
from video_classifier.models import (
    Activation,
    Analysis,
    AuditEntry,
    Camera,
    CandidateScore,
    Feed,
    ModelVersion,
    Store,
)
from video_classifier.services import analyses, catalog, confidence, versions
from video_classifier.services.errors import Refused
from video_classifier.states import Action, VersionState

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(make_store: MakeStore, make_model: MakeModel) -> Store:
    """With a model called “standard”."""
    make_model()
    return make_store()


def activate(version: ModelVersion | None, store: Store, **facts: object) -> Activation:
    return versions.activate(version, store=store.pk, model="standard", by=None, **facts)  # type: ignore[arg-type]


def in_use(store: Store) -> str:
    return versions.name_in_use(store.pk, "standard")


# Making


def test_versions_are_numbered_by_the_model_whatever_the_store(
    store: Store, make_store: MakeStore
) -> None:
    found = [make_version(each, bias=bias) for bias, each in enumerate((store, make_store("B")))]

    assert [each.name for each in found] == ["standard@1", "standard@2"]
    assert [catalog.usable(each.name).name for each in found] == ["standard@1", "standard@2"]
    assert {each.sha256 for each in found} == {
        catalog.usable(each.name).served_sha256 for each in found
    }


def test_a_number_is_not_given_again_where_a_folder_has_it(store: Store) -> None:
    (catalog.imported() / "standard" / "7").mkdir(parents=True)

    assert make_version(store).name == "standard@8"


def test_versions_are_not_among_the_models_that_are_offered(store: Store) -> None:
    make_version(store)

    assert catalog.names() == ("standard",)
    assert catalog.default_name() == "standard"


def test_what_does_not_fit_the_model_is_not_taken_in(store: Store) -> None:
    made = write_head("standard", best_windows=9)

    with pytest.raises(Refused, match="its windows are not those of “standard”"):
        versions.add(made, store=store, model="standard")
    assert not ModelVersion.objects.exists()
    assert made.is_dir()


# In use


def test_without_a_decision_the_model_is_used_as_it_ships(store: Store) -> None:
    make_version(store)

    assert in_use(store) == "standard"


def test_a_version_is_used_in_its_store_alone(store: Store, make_store: MakeStore) -> None:
    activate(make_version(store), store, why="It finds more.")

    assert in_use(store) == "standard@1"
    assert in_use(make_store("B")) == "standard"


def test_an_analysis_is_given_the_version_that_is_in_use_when_it_is_asked_for(
    store: Store, make_clip: MakeClip
) -> None:
    clip = make_clip(store=store)
    before = analyses.enqueue(clip, model="standard", user=None)
    activate(make_version(store), store)

    after = analyses.enqueue(clip, model="standard", user=None)

    before.refresh_from_db()
    assert (before.model, after.model) == ("standard", "standard@1")


def test_a_version_that_is_named_is_taken_itself(store: Store, make_clip: MakeClip) -> None:
    make_version(store)

    analysis = analyses.enqueue(make_clip(store=store), model="standard@1", user=None)

    assert analysis.model == "standard@1"


def test_a_version_of_another_store_is_refused(
    store: Store, make_store: MakeStore, make_clip: MakeClip
) -> None:
    other = make_version(make_store("B"))

    with pytest.raises(Refused, match="“standard@1” is no version of this store's"):
        analyses.enqueue(make_clip(store=store), model=other.name, user=None)
    with pytest.raises(Refused, match="is no version of this store's"):
        activate(other, store)


def test_its_card_is_that_of_its_results(store: Store, make_analysis: MakeAnalysis) -> None:
    version = make_version(store, threshold=0.25)

    analysis = make_analysis(model=version.name, model_sha256=version.sha256)

    card = confidence.card_of(analysis)
    assert card is not None
    assert card.threshold == 0.25


def test_a_folder_that_is_gone_is_said_with_the_way_back(store: Store) -> None:
    version = make_version(store)
    activate(version, store)
    shutil.rmtree(catalog.folder(version.name))

    with pytest.raises(Refused, match=r"There is no model “standard@1”.* can go back from it"):
        versions.check(store.pk, "standard")
    versions.roll_back(store.pk, "standard", by=None)
    versions.check(store.pk, "standard")


def test_a_folder_that_is_gone_or_changed_is_not_activated(store: Store) -> None:
    gone, changed = make_version(store), make_version(store, bias=1.0)
    shutil.rmtree(catalog.folder(gone.name))
    shutil.rmtree(catalog.folder(changed.name))
    write_head("standard", bias=2.0).rename(catalog.folder(changed.name))

    with pytest.raises(Refused, match="There is no model “standard@1”"):
        activate(gone, store)
    with pytest.raises(Refused, match="its folder holds another head"):
        activate(changed, store)
    assert in_use(store) == "standard"


# Decisions


def test_activating_retires_what_was_in_use_and_says_who_and_why(
    store: Store, make_user: MakeUser
) -> None:
    first, second = make_version(store), make_version(store, bias=1.0)
    boss = make_user("boss")
    activate(first, store)

    made = versions.activate(
        second, store=store.pk, model="standard", by=boss, why=" Better. ", figures={"recall": 0.5}
    )

    states = dict(ModelVersion.objects.values_list("number", "state"))
    assert states == {1: VersionState.RETIRED, 2: VersionState.ACTIVE}
    assert (made.by, made.why, made.figures) == (boss, "Better.", {"recall": 0.5})
    entry = AuditEntry.objects.filter(action=Action.VERSION_ACTIVATED).latest("pk")
    assert (entry.actor, entry.store) == (boss.pk, store.pk)
    assert entry.details == {"version": "standard@2", "decision": made.pk}


def test_going_back_is_a_decision_of_its_own(store: Store) -> None:
    first, second = make_version(store), make_version(store, bias=1.0)
    activate(first, store)
    activate(second, store)

    versions.roll_back(store.pk, "standard", by=None)
    back = in_use(store)
    activate(None, store)

    assert (back, in_use(store)) == ("standard@1", "standard")
    named = [each.version and each.version.name for each in versions.history(store.pk, "standard")]
    assert named == [None, "standard@1", "standard@2", "standard@1"]
    assert not ModelVersion.objects.filter(state=VersionState.ACTIVE).exists()


def go_back(store: Store) -> str:
    versions.roll_back(store.pk, "standard", by=None)
    return in_use(store)


def test_going_back_again_and_again_ends_at_the_model_as_it_ships(store: Store) -> None:
    """It never leads to a version that was gone back from."""
    for bias in range(3):
        activate(make_version(store, bias=float(bias)), store)

    assert [go_back(store) for _ in range(3)] == ["standard@2", "standard@1", "standard"]
    with pytest.raises(Refused, match="in use as it ships"):
        go_back(store)
    assert in_use(store) == "standard"


def test_what_was_gone_back_from_is_not_on_the_way_back_of_what_comes_next(store: Store) -> None:
    first, second, third = (make_version(store, bias=float(bias)) for bias in range(3))
    activate(first, store)
    activate(second, store)
    go_back(store)
    activate(third, store)

    assert versions.way_back(store.pk, "standard") == [first, None]


def test_what_comes_again_by_its_own_page_has_what_it_took_over_from_before_it(
    store: Store,
) -> None:
    first, second = make_version(store), make_version(store, bias=1.0)
    activate(first, store)
    go_back(store)
    activate(second, store)
    activate(first, store, why="A second look.")

    assert versions.way_back(store.pk, "standard") == [second, None]


def test_what_was_left_for_an_earlier_one_is_not_on_its_way_back(store: Store) -> None:
    """Activating the earlier version on its own page counts as going back."""
    first, second = make_version(store), make_version(store, bias=1.0)
    activate(first, store)
    activate(second, store)
    activate(first, store, why="Better all the same.")

    assert go_back(store) == "standard"


def test_each_model_and_store_has_its_own_way_back(store: Store, make_store: MakeStore) -> None:
    other = make_store("B")
    activate(make_version(store), store)

    assert versions.way_back(store.pk, "standard") == [None]
    assert versions.way_back(store.pk, "quick") == []
    assert versions.way_back(other.pk, "standard") == []


@pytest.mark.parametrize("model", ["standard", "stand\0rd"])
def test_there_is_nothing_to_go_back_to_from_the_model_as_it_ships(
    store: Store, model: str
) -> None:
    with pytest.raises(Refused, match="in use as it ships"):
        versions.roll_back(store.pk, model, by=None)


def test_a_reason_that_is_no_text_is_refused(store: Store) -> None:
    activate(make_version(store), store)

    with pytest.raises(Refused, match="no text"):
        versions.roll_back(store.pk, "standard", by=None, why="late\0")


def test_who_has_not_seen_the_newest_decision_is_refused(store: Store) -> None:
    first, second = make_version(store), make_version(store, bias=1.0)
    activate(first, store, seen=0)

    with pytest.raises(Refused, match="it is “standard@1” now"):
        activate(second, store, seen=0)
    assert in_use(store) == "standard@1"


def test_what_is_in_use_is_not_activated_again(store: Store) -> None:
    version = make_version(store)
    activate(version, store)

    with pytest.raises(Refused, match="“standard@1” is in use already"):
        activate(version, store)


def test_a_reason_has_an_end(store: Store) -> None:
    with pytest.raises(Refused, match="The reason is too long"):
        activate(make_version(store), store, why="x" * 501)


def test_watchers_read_the_cameras_of_the_store_and_model_anew(
    store: Store, make_store: MakeStore
) -> None:
    ours = make_feed("A", store=store)
    others = make_feed("A", store=make_store("B")), make_feed("B", store=store, model="quick")
    version = make_version(store)

    activate(version, store)
    versions.roll_back(store.pk, "standard", by=None)

    raised = dict(Feed.objects.values_list("pk", "revision"))
    assert raised[ours.pk] == ours.revision + 2
    assert [raised[each.pk] for each in others] == [each.revision for each in others]


# The shadow


def test_one_version_of_a_store_scores_along(store: Store, make_store: MakeStore) -> None:
    first, second = make_version(store), make_version(store, bias=1.0)
    versions.start_shadow(first, by=None)

    with pytest.raises(Refused, match="“standard@1” is in the shadow already"):
        versions.start_shadow(second, by=None)
    assert [*versions.beside(store.pk, "standard").values()] == ["standard@1"]
    assert [*versions.beside(store.pk, "standard@2").values()] == ["standard@1"]
    assert [*versions.beside(make_store("B").pk, "standard").values()] == []
    assert in_use(store) == "standard"


def test_a_shadow_ends(store: Store) -> None:
    version = make_version(store)
    versions.start_shadow(version, by=None)

    versions.end_shadow(version, by=None)

    version.refresh_from_db()
    assert (version.state, version.shadow_since is None) == (VersionState.RETIRED, False)
    assert [*versions.beside(store.pk, "standard").values()] == []
    with pytest.raises(Refused, match="“standard@1” is not in the shadow"):
        versions.end_shadow(version, by=None)


def test_what_is_in_use_is_no_shadow(store: Store) -> None:
    version = make_version(store)
    activate(version, store)

    with pytest.raises(Refused, match="is in use already"):
        versions.start_shadow(version, by=None)


# Deleting


def test_a_version_that_nothing_names_is_deleted_with_its_folder(
    store: Store,
    make_user: MakeUser,
    django_capture_on_commit_callbacks: Callable[..., object],
) -> None:
    version, boss = make_version(store), make_user("boss")

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        assert versions.delete(version, by=boss)

    assert not ModelVersion.objects.exists()
    assert not catalog.folder("standard@1").exists()
    entry = AuditEntry.objects.get(action=Action.VERSION_DELETED)
    assert (entry.actor, entry.store, entry.details) == (
        boss.pk,
        store.pk,
        {"version": "standard@1"},
    )


def test_who_is_late_deletes_nothing_and_is_not_in_the_log(store: Store) -> None:
    version = make_version(store)
    late = ModelVersion.objects.get()
    versions.delete(version, by=None)

    assert not versions.delete(late, by=None)
    assert AuditEntry.objects.filter(action=Action.VERSION_DELETED).count() == 1


def test_a_version_that_a_result_names_is_not_deleted(
    store: Store, make_analysis: MakeAnalysis
) -> None:
    version = make_version(store)
    analysis = make_analysis(model=version.name)

    with pytest.raises(Refused, match="“standard@1” can't be deleted: results name it"):
        versions.delete(version, by=None)
    assert catalog.usable("standard@1").name
    assert not AuditEntry.objects.filter(action=Action.VERSION_DELETED).exists()
    analysis.delete()
    assert not versions.why_it_stays(version)


def test_a_version_that_a_live_event_names_is_not_deleted(store: Store) -> None:
    version = make_version(store)
    make_event(make_feed("A", store=store), model=version.name)

    with pytest.raises(Refused, match="can't be deleted: results name it"):
        versions.delete(version, by=None)


def test_a_version_that_scored_along_is_not_deleted_as_long_as_that_is_kept(
    store: Store, make_store: MakeStore
) -> None:
    """What another version scored with the same head is not its own."""
    version, same = make_version(store), make_version(store)
    assert version.sha256 == same.sha256
    camera = Camera.objects.create(store=store, name="Till")
    make_score(camera, model=version.name, model_sha256=version.sha256)

    with pytest.raises(Refused, match="what it scored along is kept for 60 days"):
        versions.delete(version, by=None)
    assert versions.delete(same, by=None)
    CandidateScore.objects.all().delete()
    assert versions.delete(version, by=None)


def test_a_version_in_the_shadow_or_in_use_is_not_deleted(store: Store) -> None:
    shadow, active = make_version(store), make_version(store, bias=1.0)
    versions.start_shadow(shadow, by=None)
    activate(active, store)

    with pytest.raises(Refused, match="it is in the shadow"):
        versions.delete(shadow, by=None)
    with pytest.raises(Refused, match="“standard@2” can't be deleted: it is in use"):
        versions.delete(active, by=None)
    versions.end_shadow(shadow, by=None)
    assert versions.delete(shadow, by=None)


def test_a_version_that_was_in_use_is_not_deleted(store: Store) -> None:
    version = make_version(store)
    activate(version, store)
    activate(None, store)
    version.refresh_from_db()

    with pytest.raises(Refused, match="it was in use, and the history of decisions names it"):
        versions.delete(version, by=None)
    with pytest.raises(models.ProtectedError):
        version.delete()


@pytest.mark.parametrize("to", ["use", "shadow"])
def test_a_version_that_was_deleted_meanwhile_is_refused(store: Store, to: str) -> None:
    """Its files are still there, as they go last."""
    version = make_version(store)
    late = ModelVersion.objects.get()
    versions.delete(version, by=None)

    with pytest.raises(Refused, match="“standard@1” was deleted meanwhile"):
        activate(late, store) if to == "use" else versions.start_shadow(late, by=None)
    assert not Activation.objects.exists()


# At once


@pytest.mark.django_db(transaction=True)
def test_of_two_activations_at_once_one_wins_and_the_other_gets_a_sentence(store: Store) -> None:
    both = make_version(store), make_version(store, bias=1.0)
    turns = count()

    def decide() -> str:
        try:
            return str(activate(both[next(turns)], store, seen=0).version)
        except Refused as refusal:
            return str(refusal)

    found = databases.together(decide, times=2)

    assert Activation.objects.count() == 1
    assert ModelVersion.objects.filter(state=VersionState.ACTIVE).count() == 1
    assert in_use(store) in found
    assert any("Somebody else has changed meanwhile" in each for each in found)


@pytest.mark.django_db(transaction=True)
def test_of_two_that_activate_the_same_version_one_is_told(store: Store) -> None:
    version = make_version(store)

    def decide() -> str:
        try:
            return str(activate(version, store).version)
        except Refused as refusal:
            return str(refusal)

    found = databases.together(decide, times=2)

    assert sorted(found) == ["standard@1", "“standard@1” is in use already."]
    assert Activation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_a_deletion_and_an_activation_at_once_one_wins(store: Store) -> None:
    version = make_version(store)
    turns = count()

    def decide() -> str:
        found = ModelVersion.objects.filter(pk=version.pk).first() or version
        try:
            if next(turns):
                activate(found, store)
                return "used"
            versions.delete(found, by=None)
        except Refused:
            return "refused"
        return "deleted"

    found = databases.together(decide, times=2)

    is_there = ModelVersion.objects.exists()
    assert sorted(found) == sorted(["refused", "used" if is_there else "deleted"])
    assert in_use(store) == ("standard@1" if is_there else "standard")


@pytest.mark.django_db(transaction=True)
def test_two_versions_that_are_made_at_once_have_numbers_of_their_own(store: Store) -> None:
    made = [write_head("standard"), write_head("standard", bias=1.0)]
    turns = count()

    databases.together(
        lambda: versions.add(made[next(turns)], store=store, model="standard"), times=2
    )

    assert {each.name for each in ModelVersion.objects.all()} == {"standard@1", "standard@2"}
    assert not Analysis.objects.exists()
