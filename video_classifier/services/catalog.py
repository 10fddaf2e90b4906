"""Which models there are, and which of them can be used.

A store's own version of a model, such as `i3d_person@3`, is one of them that isn't offered:
services.versions says where it is in use.

Models that were made here lie in DATA_DIR/models, or in storage if that is on another machine:
lists say what their rows say, and whatever uses one has it fetched.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from video_classifier.ml.serving import bundle, loading
from video_classifier.ml.serving.card import BundleError, Card, Interval
from video_classifier.ml.serving.folders import Folders
from video_classifier.services import model_copies, stored_models
from video_classifier.services.errors import Refused
from video_classifier.services.sandbox import ChildPredictor, refusing
from video_classifier.services.stored_models import Found

# With Card and Interval: pages know nothing else of the library.
__all__ = [
    "Card",
    "Choice",
    "Interval",
    "available",
    "available_here",
    "default_name",
    "folder",
    "imported",
    "is_here",
    "left_on_disk",
    "load",
    "names",
    "own_folder",
    "parts",
    "shown",
    "usable",
]

logger = logging.getLogger(__name__)

LONGEST_NAME = 50  # characters: what Analysis.model holds, and PostgreSQL insists on it
_VERSION = re.compile(r"(?P<model>[^@]+)@(?P<number>[1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A model; one of `card` and `problem` says something."""

    name: str  # its folder's
    card: Card | None  # None if it can't be used
    problem: str  # a sentence that says why not, or ""


def names() -> tuple[str, ...]:
    """The models in MODELS_STORAGE and those that were imported, sorted."""
    return tuple(sorted({*_on_disk(), *stored_models.names()}))


def _on_disk() -> set[str]:
    return {*bundle.names(settings.MODELS_STORAGE), *bundle.names(imported())}


def parts(name: str) -> tuple[str, int | None]:
    """The model, and of one of its versions the number."""
    found = _VERSION.fullmatch(name)
    return (found["model"], int(found["number"])) if found else (name, None)


def folder(name: str) -> Path:
    """Where the model `name` is, or would be; what is in MODELS_STORAGE comes first.

    Versions are among those that were made here, whatever they are versions of. What is in storage
    elsewhere is fetched. Raises Refused and disk.AwayError if that can't be done.
    """
    found = _stored(name)
    return model_copies.folder(found) if found else _place(name)


def _stored(name: str) -> Found | None:
    return None if _is_shipped(name) else stored_models.find(name)


def _is_shipped(name: str) -> bool:
    return parts(name)[1] is None and (Path(settings.MODELS_STORAGE) / name).is_dir()


def _place(name: str) -> Path:
    """On this machine's disk, of what isn't in storage elsewhere."""
    return Path(settings.MODELS_STORAGE) / name if _is_shipped(name) else own_folder(name)


def own_folder(name: str) -> Path:
    """Where what was made here lies on the disk, unless it is in storage elsewhere."""
    model, number = parts(name)
    return imported() / model if number is None else imported() / model / str(number)


def imported() -> Path:
    """Where models are that were made here. MODELS_STORAGE is never written at run time."""
    return Path(settings.DATA_DIR) / "models"


def left_on_disk() -> tuple[str, ...]:
    """What lies on this machine's disk alone, though what is made now goes into storage."""
    if not stored_models.are_kept():
        return ()
    here = bundle.names(imported())
    folders = [card.parent for card in imported().glob(f"*/*/{bundle.CARD_FILE}")]
    versions = [bundle.called(each) for each in folders if each.name.isdecimal()]
    return tuple(sorted(name for name in (*here, *versions) if not stored_models.find(name)))


def available() -> tuple[Choice, ...]:
    """Every model, sorted by name; reads cards, loads no weights and fetches none."""
    return tuple(_choice(name, _offered) for name in names())


def available_here() -> tuple[Choice, ...]:
    """Those that lie on this machine's disk: neither rows nor storage are asked."""
    return tuple(_choice(name, _of_disk) for name in sorted(_on_disk()))


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
    _refuse_long(name)
    return _checked(folder(name), network=_network(name))


def _refuse_long(name: str) -> None:
    if len(name) > LONGEST_NAME:
        msg = f"The model “{name}” can't be used: a name has at most {LONGEST_NAME} characters."
        raise Refused(msg)


def _checked(where: Path, *, network: Path | None = None) -> Card:
    with refusing():
        return loading.check(where, network=network, detector=settings.PERSON_DETECTOR)


def load(name: str, *, shadows: Sequence[str] = ()) -> ChildPredictor:
    """The predictor of the model or version `name`; loads with the first clip.

    `shadows` are versions of the same model, which score along if they can. Raises Refused.
    """
    card = usable(name)
    folders = Folders(
        model=folder(name),
        network=_network(name),
        shadows=tuple(_those_here(shadows)),
        detector=settings.PERSON_DETECTOR,
    )
    return ChildPredictor(folders, card)


def _those_here(versions: Sequence[str]) -> Iterator[Path]:
    """What decides nothing must not keep from scoring what does."""
    for name in versions:
        try:
            yield folder(name)
        except Refused as refusal:
            logger.warning("%s “%s” doesn't score along.", refusal, name)


def is_here(name: str) -> bool:
    """Whether the files of a model or version need not be fetched."""
    found = _stored(name)
    return found is None or model_copies.is_here(found)


def shown(name: str) -> Card | None:
    """The card of a model or version, for people to read: its weights may be gone.

    Nothing is fetched for it.
    """
    if found := _stored(name):
        return found.card
    where = _place(name)
    try:
        return _read_card(where, (where / bundle.CARD_FILE).stat().st_mtime_ns)
    except (OSError, ValueError, BundleError):
        return None


@lru_cache(maxsize=64)
def _read_card(folder: Path, changed: int) -> Card:
    return bundle.read_card(folder)  # `changed` keys the memory


def _network(name: str) -> Path | None:
    """The folder of the model that `name` is a version of."""
    model, number = parts(name)
    return None if number is None else folder(model)


def _choice(name: str, look: Callable[[str], Card]) -> Choice:
    try:
        _refuse_long(name)
        return Choice(name=name, card=look(name), problem="")
    except Refused as error:
        return Choice(name=name, card=None, problem=str(error))


def _of_disk(name: str) -> Card:
    return _checked(_place(name))


def _offered(name: str) -> Card:
    """The card: of what isn't here, as far as can be said without its files. Raises Refused."""
    found = _stored(name)
    if found is None:
        return _of_disk(name)
    if model_copies.is_here(found):
        return _checked(model_copies.place(found))
    if found.card is None:
        msg = f"The model “{name}” can't be used: its card can't be read."
        raise Refused(msg)
    with refusing():
        loading.refuse_without(found.card, Path(name), detector=settings.PERSON_DETECTOR)
    return found.card
