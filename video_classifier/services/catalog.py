"""Which models there are, and which of them can be used.

A store's own version of a model, such as `i3d_person@3`, is one of them that isn't offered:
services.versions says where it is in use.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from video_classifier.ml.serving import bundle, loading
from video_classifier.ml.serving.card import BundleError, Card, Interval
from video_classifier.ml.serving.folders import Folders
from video_classifier.services.errors import Refused
from video_classifier.services.sandbox import ChildPredictor, refusing

# With Card and Interval: pages know nothing else of the library.
__all__ = [
    "Card",
    "Choice",
    "Interval",
    "available",
    "default_name",
    "folder",
    "imported",
    "load",
    "names",
    "parts",
    "shown",
    "usable",
]

LONGEST_NAME = 50  # characters: what Analysis.model holds, and PostgreSQL insists on it
_VERSION = re.compile(r"(?P<model>[^@]+)@(?P<number>[1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A model on disk; one of `card` and `problem` says something."""

    name: str  # its folder's
    card: Card | None  # None if it can't be used
    problem: str  # a sentence that says why not, or ""


def names() -> tuple[str, ...]:
    """The models in MODELS_STORAGE and those that were imported, sorted."""
    return tuple(sorted({*bundle.names(settings.MODELS_STORAGE), *bundle.names(imported())}))


def parts(name: str) -> tuple[str, int | None]:
    """The model, and of one of its versions the number."""
    found = _VERSION.fullmatch(name)
    return (found["model"], int(found["number"])) if found else (name, None)


def folder(name: str) -> Path:
    """Where the model `name` is, or would be; what is in MODELS_STORAGE comes first.

    Versions are among those that were made here, whatever they are versions of.
    """
    model, number = parts(name)
    if number is not None:
        return imported() / model / str(number)
    shipped = Path(settings.MODELS_STORAGE) / name
    return shipped if shipped.is_dir() else imported() / name


def imported() -> Path:
    """Where models are that were made here. MODELS_STORAGE is never written at run time."""
    return Path(settings.DATA_DIR) / "models"


def available() -> tuple[Choice, ...]:
    """Every model, sorted by name; reads cards, loads no weights."""
    return tuple(_choice(name) for name in names())


def default_name() -> str:
    """The configured default if it can be used, else the first that can, else ""."""
    ready = [choice.name for choice in available() if choice.card]
    if settings.DEFAULT_MODEL in ready:
        return settings.DEFAULT_MODEL
    return ready[0] if ready else ""


def usable(name: str) -> Card:
    """The card of the model or version `name`. Raises Refused if none is there to be used."""
    model, _ = parts(name)
    if model not in names():  # also: a name is no path
        msg = f"There is no model “{name}”. Choose one that is offered."
        raise Refused(msg)
    if len(name) > LONGEST_NAME:
        msg = f"The model “{name}” can't be used: a name has at most {LONGEST_NAME} characters."
        raise Refused(msg)
    with refusing():
        return loading.check(
            folder(name), network=_network(name), detector=settings.PERSON_DETECTOR
        )


def load(name: str, *, shadows: Sequence[str] = ()) -> ChildPredictor:
    """The predictor of the model or version `name`; loads with the first clip.

    `shadows` are versions of the same model, which score along if they can. Raises Refused.
    """
    card = usable(name)
    folders = Folders(
        model=folder(name),
        network=_network(name),
        shadows=tuple(map(folder, shadows)),
        detector=settings.PERSON_DETECTOR,
    )
    return ChildPredictor(folders, card)


def shown(name: str) -> Card | None:
    """The card of a model or version, for people to read: its weights may be gone."""
    try:
        return bundle.read_card(folder(name))
    except BundleError:
        return None


def _network(name: str) -> Path | None:
    """The folder of the model that `name` is a version of."""
    model, number = parts(name)
    return None if number is None else folder(model)


def _choice(name: str) -> Choice:
    try:
        return Choice(name=name, card=usable(name), problem="")
    except Refused as error:
        return Choice(name=name, card=None, problem=str(error))
