"""Where a training is: all that its next epoch depends on, as one array that a Cache can keep."""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

Weights = list[npt.NDArray[np.generic]]


def pack(learner: keras.Model, kept: Weights, told: object) -> npt.NDArray[np.uint8]:
    """A compiled model, weights to keep beside its own, and plain values as JSON has them."""
    content = BytesIO()
    state = _named("state", [variable.numpy() for variable in _state(learner)])
    np.savez(content, told=np.array(json.dumps(told)), **state, **_named("kept", kept))
    return np.frombuffer(content.getvalue(), np.uint8)


def restore(packed: npt.NDArray[np.uint8], learner: keras.Model) -> tuple[Weights, Any]:
    """Puts `learner` where it was; gives the weights to keep and the plain values."""
    with np.load(BytesIO(packed.tobytes()), allow_pickle=False) as found:
        for number, variable in enumerate(_state(learner)):
            variable.assign(found[f"state{number}"])
        kept = [found[f"kept{number}"] for number in range(len(learner.weights))]
        return kept, json.loads(str(found["told"]))


def _state(learner: keras.Model) -> Sequence[keras.Variable]:
    """Weights, the seeds of dropout, and what the optimizer remembers."""
    return [*learner.variables, *learner.optimizer.variables]


def _named(name: str, arrays: Weights) -> dict[str, Any]:
    return {f"{name}{number}": array for number, array in enumerate(arrays)}
