"""What a model learned from, small enough to lie beside it: features of old candidates, no picture.

By them a head that learns from a store's reviews gets its threshold, and is tested for what it
forgets: `old_footage.npz` holds out-of-fold scores, too. People and recordings are numbers that
mean something in one file only. Reading it needs no framework.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from video_classifier.ml import files
from video_classifier.ml.contracts import Floats, Floats32, Integers
from video_classifier.ml.data.manifest import Entry, holds_both_labels
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import REMEDY, BundleError, Card

FILE = "old_footage.npz"
MOST_BYTES = 2**26

_PARTS = ("features", "targets", "groups", "takes", "cameras", "weights", "scores")
_EDGE = 1e-6  # from 0 and 1, of a score that has a logit
_LARGEST = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OldFootage:
    """One candidate a clip. Raises ValueError for other shapes and values."""

    features: npt.NDArray[np.float16]  # (n, features): means of the windows its score is of
    targets: Integers  # (n,): 1 for a theft, 0 for none
    groups: Integers  # (n,): a number a person, or recording of nobody known
    takes: Integers  # (n,): a number a continuous recording
    cameras: Integers  # (n,): a number a camera, as far as that is known
    weights: Floats  # (n,), above 0: how much each counted in training
    scores: Floats  # (n,), 0 to 1, by networks that hadn't seen the group; nan if not measured

    def __post_init__(self) -> None:
        if self.features.ndim != 2 or not self.features.size:  # noqa: PLR2004
            msg = "its features are no table"
            raise ValueError(msg)
        numbers = (self.targets, self.groups, self.takes, self.cameras, self.weights, self.scores)
        if any(each.shape != (len(self.features),) for each in numbers):
            msg = "its columns are not equally long"
            raise ValueError(msg)
        if not (np.isfinite(self.features).all() and (self.weights > 0).all()):
            msg = "its values are no numbers"
            raise ValueError(msg)
        known = self.scores[~np.isnan(self.scores)]
        if set(np.unique(self.targets)) != {0, 1} or not ((known >= 0) & (known <= 1)).all():
            msg = "its labels or scores are none"
            raise ValueError(msg)

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def is_measured(self) -> bool:
        """Whether it is known what networks make of it that haven't seen the person."""
        return not np.isnan(self.scores).any()

    @property
    def logits(self) -> Floats:
        """(n,), of the out-of-fold scores."""
        scores = np.clip(self.scores, _EDGE, 1 - _EDGE)
        return np.asarray(np.log(scores / (1 - scores)))

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        """(n,): of cameras with both labels; those of others a network can tell by the place."""
        return np.isin(self.cameras, np.unique(self.cameras[self.targets == 1]))


def made(  # noqa: PLR0913
    entries: Sequence[Entry],
    windows: Sequence[Floats32],
    *,
    kernel: Floats,
    bias: float,
    best: int,
    weights: Floats,
    scores: Floats | None = None,
) -> OldFootage:
    """Of clips, each with the (windows, features) of the person whose label it has.

    `kernel` and `bias` are the model's head, by which the `best` windows are chosen. Collections
    with both labels are taken for one camera each, of others each scene.
    """
    features = np.stack([_best(each, kernel, bias, best) for each in windows])
    inside = holds_both_labels(entries)
    cameras = [
        entry.source if is_inside else entry.group
        for entry, is_inside in zip(entries, inside, strict=True)
    ]
    return OldFootage(
        features=np.clip(features, -_LARGEST, _LARGEST).astype(np.float16),
        targets=np.array([entry.target for entry in entries], np.intp),
        groups=_numbers([entry.group for entry in entries]),
        takes=_numbers([entry.take or entry.name for entry in entries]),
        cameras=_numbers(cameras),
        weights=np.asarray(weights, np.float64),
        scores=np.full(len(entries), np.nan) if scores is None else np.asarray(scores, np.float64),
    )


def keep(folder: Path, card: Card, some: OldFootage) -> Card:
    """Writes it beside the model; returns the card as written, which vouches for it."""
    with files.atomic_write(folder / FILE) as aside:
        np.savez_compressed(
            aside,
            features=some.features,
            targets=some.targets.astype(np.uint8),
            groups=some.groups.astype(np.int32),
            takes=some.takes.astype(np.int32),
            cameras=some.cameras.astype(np.int32),
            weights=some.weights.astype(np.float32),
            scores=some.scores.astype(np.float32),
            network_sha256=np.array(card.sha256),
        )
        card = replace(card, old_footage=files.sha256(aside))
    bundle.write_card(folder, card)
    return card


def read(folder: Path, card: Card) -> OldFootage | None:
    """That of the model in `folder`; None if it came without.

    Raises BundleError if it is damaged, or of another network.
    """
    if not card.old_footage:
        return None
    whose = f"The model “{bundle.called(folder)}” can't learn: its {FILE}"
    try:
        content = _content(folder / FILE)
    except OSError as error:
        is_gone = isinstance(error, FileNotFoundError)
        why = "is missing" if is_gone else f"can't be read ({error.strerror})"
        msg = f"{whose} {why}. {REMEDY}"
        raise BundleError(msg) from error
    if hashlib.sha256(content).hexdigest() != card.old_footage:
        msg = f"{whose} is not the one that its card describes. {REMEDY}"
        raise BundleError(msg)
    try:
        found, network = _parsed(content)
    # What isn't written by `keep` makes NumPy raise any of these.
    except (AttributeError, BadZipFile, EOFError, KeyError, TypeError, ValueError) as error:
        msg = f"{whose} can't be read ({error}). {REMEDY}"
        raise BundleError(msg) from error
    if not card.has_network(network):
        msg = f"{whose} is of another network. {REMEDY}"
        raise BundleError(msg)
    return found


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MOST_BYTES)  # of a larger one the SHA-256 is another


def _parsed(content: bytes) -> tuple[OldFootage, str]:
    with np.load(BytesIO(content), allow_pickle=False) as parts:
        found = {name: parts[name] for name in _PARTS}
        network = str(parts["network_sha256"])
    for name in ("targets", "groups", "takes", "cameras"):
        found[name] = found[name].astype(np.intp)
    for name in ("weights", "scores"):
        found[name] = found[name].astype(np.float64)
    return OldFootage(**found), network


def _best(windows: Floats32, kernel: Floats, bias: float, best: int) -> Floats:
    order = np.argsort(-(windows @ kernel + bias), kind="stable")
    return np.asarray(windows[order[:best]].astype(np.float64).mean(axis=0))


def _numbers(names: Sequence[str]) -> Integers:
    return np.unique(names, return_inverse=True)[1].astype(np.intp)
