"""Finds a network by name. A network registers itself where it is defined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.networks.pretrained import Pretrained

if TYPE_CHECKING:
    import keras

    Builder = Callable[[ClipSpec, str | Path | None], keras.Model]

STANDARD = ClipSpec()

_builders: dict[str, _NetworkEntry] = {}


class UnknownNetworkError(LookupError):
    """No network is registered under that name."""


class SpecError(ValueError):
    """The network can't be built for that ClipSpec, and the message, a sentence, says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _NetworkEntry:
    builder: Builder
    pretrained: Pretrained | None
    spec: ClipSpec
    linear_head: bool


def register(
    name: str,
    *,
    pretrained: Pretrained | None = None,
    spec: ClipSpec = STANDARD,
    linear_head: bool = False,
) -> Callable[[Builder], Builder]:
    """Decorates a function that builds an uncompiled network for a ClipSpec.

    The function's second argument is a file of the weights that `pretrained` names, or
    `pretrained.DOWNLOADED`, or None for a random start.
    `spec` is what the network was designed for; it is built for others too. `linear_head` says that
    the layer "head" has nothing but the layer "score", of one unit with a sigmoid.
    """

    def add(builder: Builder) -> Builder:
        if name in _builders:
            msg = f"two networks are named {name!r}"
            raise ValueError(msg)
        _builders[name] = _NetworkEntry(
            builder=builder, pretrained=pretrained, spec=spec, linear_head=linear_head
        )
        return builder

    return add


def names() -> tuple[str, ...]:
    return tuple(sorted(_builders))


def is_pretrained(name: str) -> bool:
    """Whether the network starts from a backbone that was trained on other pictures or clips."""
    return pretrained_of(name) is not None


def pretrained_of(name: str) -> Pretrained | None:
    """Which weights the network starts from; None if it learns from scratch."""
    return _entry(name).pretrained


def has_linear_head(name: str) -> bool:
    """Whether all that is trained behind a frozen backbone is a logistic regression."""
    return _entry(name).linear_head


def designed_for(name: str) -> ClipSpec:
    """The frames that the network takes unless somebody wants others."""
    return _entry(name).spec


def build(name: str, spec: ClipSpec, *, backbone_weights: str | Path | None = None) -> keras.Model:
    """The network `name`, not yet trained on clips.

    Every network takes (batch, *spec.shape) uint8 RGB as it comes from the decoder,
    scales it itself, and gives (batch, 1) float32: the probability of shoplifting. Raises
    UnknownNetworkError, WeightsError, and SpecError where windows of that shape are too small.
    """
    return _entry(name).builder(spec, backbone_weights)


def _entry(name: str) -> _NetworkEntry:
    if name not in _builders:
        msg = f"no network {name!r}; there are {', '.join(names())}"
        raise UnknownNetworkError(msg)
    return _builders[name]
