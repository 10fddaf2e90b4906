"""Takes in models that were trained elsewhere."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from video_classifier.ml.serving import keras_import
from video_classifier.ml.serving.card import Card
from video_classifier.ml.serving.keras_import import Format
from video_classifier.models import Feed, ModelVersion, StoredModel
from video_classifier.services import catalog, stored_models
from video_classifier.services.errors import Refused
from video_classifier.services.sandbox import refusing
from video_classifier.states import IN_USE

NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{catalog.LONGEST_NAME - 1}}}")

SHIPPED = "“{name}” comes with the site and can't be replaced or removed. Choose another name."
NOT_THERE = "There is no model “{name}” that was imported."
USED = (
    "“{name}” is in use: it is DEFAULT_MODEL, a live camera has it, or a store uses a version of "
    "it. Change that first."
)
TAKEN = "There is a model “{name}” already. Choose another name, or replace it (--replace)."


def import_model(
    source: Path,
    name: str,
    *,
    given: Format,
    replace: bool = False,
    complete: Callable[[Path], object] = lambda _: None,
) -> Card:
    """Makes the Keras file `source` a model of the site, called `name`, that is not measured.

    Its folder appears whole or not at all; with `replace` it takes the place of one that was
    imported before. `complete` may add to the folder before anybody sees it. Raises Refused, and
    disk.AwayError where models are stored elsewhere and that doesn't answer.
    """
    _check(name, replace=replace)
    if not source.is_file():
        msg = f"There is no file {source}."
        raise Refused(msg)
    created = timezone.localdate().isoformat()
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix="importing-") as aside:
        made = Path(aside) / name
        with refusing():
            card = keras_import.write(source, made, name=name, created=created, given=given)
        complete(made)
        if stored_models.are_kept():
            _store(made, name, replace=replace)
        else:
            _move(made, name)
    return card


def _move(made: Path, name: str) -> None:
    target = catalog.own_folder(name)
    target.parent.mkdir(exist_ok=True)
    if target.exists():
        target.rename(made.with_name("replaced"))
    made.rename(target)


def _store(made: Path, name: str, *, replace: bool) -> None:
    row = stored_models.stored(made, name)
    with stored_models.going_with_rows(row):
        if not replace and name in catalog.names():  # since it was asked
            raise Refused(TAKEN.format(name=name))
        # Watchers keep what they have loaded, and its copy goes in the end.
        Feed.objects.filter(model=name).update(revision=F("revision") + 1)


def remove(name: str) -> None:
    """Deletes a model that was imported, with its files. Raises Refused if it is in use."""
    if (settings.MODELS_STORAGE / name).exists():
        raise Refused(SHIPPED.format(name=name))
    folder = catalog.own_folder(name)
    with transaction.atomic():
        stored = StoredModel.objects.filter(name=name, version=None)
        if not (NAME.fullmatch(name) and (folder.is_dir() or stored.exists())):
            raise Refused(NOT_THERE.format(name=name))
        versions = ModelVersion.objects.filter(model=name, state__in=IN_USE)
        feeds = Feed.objects.enabled().filter(model=name)
        if name == settings.DEFAULT_MODEL or versions.exists() or feeds.exists():
            raise Refused(USED.format(name=name))
        stored.delete()  # with what is stored
        transaction.on_commit(stored_models.forget)
        transaction.on_commit(lambda: shutil.rmtree(folder, ignore_errors=True))


def _check(name: str, *, replace: bool) -> None:
    if not NAME.fullmatch(name):
        msg = (
            f"“{name}” can't be a model's name: use at most {catalog.LONGEST_NAME} letters, "
            "digits, hyphens and underscores, a letter or digit first."
        )
        raise Refused(msg)
    if (settings.MODELS_STORAGE / name).exists():
        raise Refused(SHIPPED.format(name=name))
    is_taken = catalog.own_folder(name).exists() or stored_models.find(name)
    if is_taken and not replace:
        raise Refused(TAKEN.format(name=name))
