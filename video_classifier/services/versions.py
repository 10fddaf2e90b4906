"""Which version of a model a store uses: scored along first, then activated, and gone back from.

What is in use is said by the newest activation of the store and model. Analyses are given its name
when they are asked for, live cameras when their watcher reads them anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Max, QuerySet
from django.utils import timezone

from video_classifier.ml.contracts import MOST_SHADOWS
from video_classifier.ml.serving import bundle
from video_classifier.models import (
    Activation,
    Analysis,
    CandidateScore,
    Feed,
    GivenNumber,
    Improvement,
    LiveEvent,
    ModelVersion,
    Store,
)
from video_classifier.models.versions import MOST_WHY
from video_classifier.services import audit, catalog, stored_models
from video_classifier.services.errors import Refused
from video_classifier.services.sandbox import ChildPredictor, refusing
from video_classifier.services.scored_footage import KEEP
from video_classifier.states import Action, VersionState

MEANWHILE = (
    "Somebody else has changed meanwhile which version is in use: it is “{name}” now. Look at that "
    "first, and decide again."
)
IN_USE = "“{name}” is in use already."
AS_IT_SHIPS = "The model is in use as it ships: there is nothing to go back to."
NOT_THIS_STORES = "“{name}” is no version of this store's. Choose a model that is offered."
CHANGED = "“{name}” is not what it was when it was made: its folder holds another head."
ONE_SHADOW = "“{name}” is in the shadow already. End that first: one version can be compared."
GONE = "“{name}” was deleted meanwhile."
NO_SHADOW = "“{name}” is not in the shadow."
STAYS = "“{name}” can't be deleted: {why}."
IN_SHADOW = "it is in the shadow. End that first"
USED = "it is in use"
WAS_USED = "it was in use, and the history of decisions names it"
HAS_RESULTS = "results name it as what made them"
HAS_SCORES = f"what it scored along is kept for {KEEP.days} days"
NOT_TEXT = "The reason has characters that are no text. Type it anew; nothing was changed."
LONG_WHY = f"The reason is too long: there may be {MOST_WHY} characters."
GO_BACK = "It is the version that this store uses: a manager of the store can go back from it."


def name_in_use(store: int, model: str) -> str:
    """What analyses in the store with that key score with where somebody chose `model`."""
    newest = _newest(store, model)
    return newest.version.name if newest is not None and newest.version is not None else model


def resolve(store: int, name: str) -> str:
    """As `name_in_use`, of a model; a version that is named is taken itself, if it is the store's.

    Raises Refused.
    """
    model, number = catalog.parts(name)
    if number is None:
        return name_in_use(store, name)
    if not ModelVersion.objects.filter(store=store, model=model, number=number).exists():
        raise Refused(NOT_THIS_STORES.format(name=name))
    return name


def check(store: int, name: str) -> None:
    """Raises Refused where what the store scores with can't be used."""
    found = resolve(store, name)
    try:
        catalog.usable(found)
    except Refused as refusal:
        if found == name:
            raise
        msg = f"{refusal} {GO_BACK}"
        raise Refused(msg) from refusal


def beside(store: int, name: str) -> dict[str, str]:
    """The versions that score along where `name`, a model or one of its versions, is in use.

    Their names, by the SHA-256 of their heads.
    """
    model, _ = catalog.parts(name)
    found = ModelVersion.objects.filter(store=store, model=model, state=VersionState.SHADOW)
    return {each.sha256: each.name for each in found[:MOST_SHADOWS] if each.name != name}


def predictor(store: int, name: str) -> ChildPredictor:
    """Of `name`, with the store's versions in the shadow beside it. Raises Refused."""
    shadows = tuple(beside(store, name).values())
    return catalog.load(name, shadows=shadows) if shadows else catalog.load(name)


def history(store: int, model: str) -> QuerySet[Activation]:
    """The decisions, the newest first."""
    return Activation.objects.filter(store=store, model=model).select_related("version", "by")


def add(  # noqa: PLR0913
    made: Path,
    *,
    store: Store,
    model: str,
    improvement: Improvement | None = None,
    facts: Mapping[str, Any] | None = None,
    together: Callable[[], object] = lambda: None,
) -> ModelVersion:
    """Takes in a version that `bundle.save_version` wrote to `made`, which is moved away.

    It gets the next number of the model, and the name in its card. `facts` are what pages say of
    it. Its files are stored, if that is elsewhere, before its row is written; `together` is called
    in the transaction that writes that. Raises Refused if it can't be used, disk.AwayError if it
    can't be stored, and what `together` raises: then nothing was taken in.
    """
    with refusing():
        bundle.check(made, network=catalog.folder(model))
        number = _next_number(model)
        card = replace(bundle.read_card(made), name=f"{model}@{number}")
        bundle.write_card(made, card)
    if card.head is None:  # for the type checker: it was checked
        raise Refused(CHANGED.format(name=card.name))
    version = ModelVersion(
        store=store,
        model=model,
        number=number,
        sha256=card.head.sha256,
        network_sha256=card.head.network_sha256,
        improvement=improvement,
        card=dict(facts or {}),
    )
    with _keeping(made, version):
        together()
        version.save()
    return version


@contextmanager
def _keeping(made: Path, version: ModelVersion) -> Iterator[None]:
    """A transaction that writes the version's row, whose files are on the disk or in storage."""
    if stored_models.are_kept():
        row = stored_models.stored(made, version.name)
        with stored_models.going_with_rows(row):
            yield
            row.version = version
        shutil.rmtree(made)
        return
    with transaction.atomic():
        yield
        target = catalog.own_folder(version.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        made.rename(target)


@transaction.atomic
def _next_number(model: str) -> int:
    """It is given once, also where nothing comes of it, or what came of it is deleted."""
    list(Store.objects.select_for_update(no_key=True).order_by("pk"))  # of all stores: one number
    newest = (
        ModelVersion.objects.filter(model=model).aggregate(most=Max("number"))["most"],
        GivenNumber.objects.filter(model=model).aggregate(most=Max("number"))["most"],
    )
    folders = (catalog.imported() / model).glob("*")
    taken = (int(each.name) for each in folders if each.name.isdecimal())
    number: int = max(*(each or 0 for each in newest), *taken) + 1
    GivenNumber.objects.update_or_create(model=model, defaults={"number": number})
    return number


def start_shadow(version: ModelVersion, *, by: User | None) -> None:
    """Has it score along from now on, and decide nothing. Raises Refused."""
    _check_head(version)  # which may take long, where it has to be fetched
    with transaction.atomic():
        _start_shadow(version, by)


def _start_shadow(version: ModelVersion, by: User | None) -> None:
    _hold(version.store_id)
    _refuse_deleted(version)
    _check_head(version)
    of_model = ModelVersion.objects.filter(store=version.store_id, model=version.model)
    if other := of_model.filter(state=VersionState.SHADOW).first():
        raise Refused(ONE_SHADOW.format(name=other.name))
    waiting = of_model.filter(pk=version.pk).exclude(state=VersionState.ACTIVE)
    now = timezone.now()
    if not waiting.update(state=VersionState.SHADOW, shadow_since=now):
        raise Refused(IN_USE.format(name=version.name))
    _reread_feeds(version.store_id, version.model)
    _note(Action.SHADOW_STARTED, version.store_id, by, version.name)


@transaction.atomic
def end_shadow(version: ModelVersion, *, by: User | None) -> None:
    """Its scores stay. Raises Refused if it isn't in the shadow any more."""
    _hold(version.store_id)
    shadow = ModelVersion.objects.filter(pk=version.pk, state=VersionState.SHADOW)
    if not shadow.update(state=VersionState.RETIRED):
        raise Refused(NO_SHADOW.format(name=version.name))
    _reread_feeds(version.store_id, version.model)
    _note(Action.SHADOW_ENDED, version.store_id, by, version.name)


def activate(  # noqa: PLR0913
    version: ModelVersion | None,
    *,
    store: int,
    model: str,
    by: User | None,
    why: str = "",
    figures: Mapping[str, Any] | None = None,
    seen: int | None = None,
) -> Activation:
    """Has the store use it from now on; without one, the model as it ships.

    `seen` is the key of the newest decision that was known when this one was taken, 0 for none. If
    somebody has decided since, Refused is raised; so it is if the version can't be used.
    """
    newest = _newest(store, model)
    known = (newest.pk if newest else 0) if seen is None else seen
    if version is not None:
        _check(version, store, model)  # which may take long, where it has to be fetched
    with transaction.atomic():
        _hold(store)
        newest = _newest(store, model)
        name = version.name if version else model
        if name == name_in_use(store, model):
            raise Refused(IN_USE.format(name=name))
        if known != (newest.pk if newest else 0):
            raise Refused(MEANWHILE.format(name=name_in_use(store, model)))
        return _activate(version, store, model, by=by, why=why, figures=figures)


def way_back(store: int, model: str) -> Sequence[ModelVersion | None]:
    """What going back leads to, step by step; None, which comes last: the model as it ships.

    Each step is to what was in use before that version took over. What was left for something
    that had been in use before it, whether by going back or by its own page, is on it no more: it
    comes again by its own page alone, by the rule or with a reason.
    """
    used: list[ModelVersion | None] = [None]
    for decision in history(store, model).order_by("pk"):
        if decision.version in used:
            del used[used.index(decision.version) + 1 :]
        else:
            used.append(decision.version)
    return used[-2::-1]


def roll_back(
    store: int, model: str, *, by: User | None, why: str = "", seen: int | None = None
) -> Activation:
    """Has the store use what it used before, by `way_back`. Raises Refused, as `activate`."""
    # Nothing is called with a NUL, and PostgreSQL doesn't even look.
    newest = None if "\0" in model else _newest(store, model)
    way = way_back(store, model) if newest else ()
    if newest is None or not way:
        raise Refused(AS_IT_SHIPS)
    known = newest.pk if seen is None else seen
    return activate(way[0], store=store, model=model, by=by, why=why, seen=known)


def why_it_stays(version: ModelVersion) -> str:
    """A sentence on why it can't be deleted; "" if it can."""
    why = _why_it_stays(version)
    return STAYS.format(name=version.name, why=why) if why else ""


def _why_it_stays(version: ModelVersion) -> str:
    if version.state == VersionState.SHADOW:
        return IN_SHADOW
    if version.state == VersionState.ACTIVE:
        return USED
    if version.activations.exists():
        return WAS_USED
    if any(each.objects.filter(model=version.name).exists() for each in (Analysis, LiveEvent)):
        return HAS_RESULTS
    of_store = CandidateScore.objects.filter(camera__store=version.store_id)  # by their index
    scores = of_store.filter(model_sha256=version.sha256, model=version.name)
    return HAS_SCORES if scores.exists() else ""


def refuse_if_it_stays(version: ModelVersion) -> None:
    """Raises Refused if it can't be deleted."""
    if problem := why_it_stays(version):
        raise Refused(problem)


@transaction.atomic
def delete(version: ModelVersion, *, by: User | None) -> bool:
    """With its folder; False if it is gone already. Raises Refused where something names it."""
    _hold(version.store_id)
    found = ModelVersion.objects.filter(pk=version.pk).first()
    if found is None:
        return False
    refuse_if_it_stays(found)
    found.delete()  # with what is stored of it
    _note(Action.VERSION_DELETED, version.store_id, by, version.name)
    folder = catalog.own_folder(version.name)
    transaction.on_commit(lambda: shutil.rmtree(folder, ignore_errors=True))
    transaction.on_commit(stored_models.forget)
    return True


def _activate(  # noqa: PLR0913, PLR0917
    version: ModelVersion | None,
    store: int,
    model: str,
    by: User | None,
    why: str,
    figures: Mapping[str, Any] | None,
) -> Activation:
    """The store's row is held."""
    if len(why) > MOST_WHY:
        raise Refused(LONG_WHY)
    if "\0" in why:  # which PostgreSQL doesn't store
        raise Refused(NOT_TEXT)
    if version is not None:
        _refuse_deleted(version)
        _check(version, store, model)
    of_model = ModelVersion.objects.filter(store=store, model=model)
    of_model.filter(state=VersionState.ACTIVE).update(state=VersionState.RETIRED)
    if version is not None:
        of_model.filter(pk=version.pk).update(state=VersionState.ACTIVE)
    made = Activation.objects.create(
        store_id=store,
        model=model,
        version=version,
        by=by,
        why=why.strip(),
        figures=dict(figures or {}),
    )
    _reread_feeds(store, model)
    name = version.name if version else model
    _note(Action.VERSION_ACTIVATED, store, by, name, decision=made.pk)
    return made


def _refuse_deleted(version: ModelVersion) -> None:
    """Its files go after its row. The store's row is held. Raises Refused."""
    if not ModelVersion.objects.filter(pk=version.pk).exists():
        raise Refused(GONE.format(name=version.name))


def _check(version: ModelVersion, store: int, model: str) -> None:
    """Raises Refused if the store can't use it."""
    if (version.store_id, version.model) != (store, model):
        raise Refused(NOT_THIS_STORES.format(name=version.name))
    _check_head(version)


def _check_head(version: ModelVersion) -> None:
    """Raises Refused if its folder is gone, or holds something else than when it was made."""
    card = catalog.usable(version.name)
    if card.served_sha256 != version.sha256:
        raise Refused(CHANGED.format(name=version.name))


def _newest(store: int, model: str) -> Activation | None:
    """Django sorts activations by their keys, the newest first."""
    return history(store, model).first()


def _hold(store: int) -> None:
    """Decisions about one store come one after the other."""
    list(Store.objects.select_for_update(no_key=True).filter(pk=store).only("pk"))


def _reread_feeds(store: int, model: str) -> None:
    """Has watchers read the store's live cameras anew."""
    feeds = Feed.objects.filter(camera__store=store, model=model)
    feeds.update(revision=F("revision") + 1)


def _note(action: Action, store: int, by: User | None, name: str, **details: int) -> None:
    """Of a decision its key: what is written of why stays in its own row."""
    audit.record(action, by, audit.STORE, store, store=store, version=name, **details)
