"""Saves a training after each epoch, and restores all that its next epoch depends on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from video_classifier.ml.training.history import Epoch, History

if TYPE_CHECKING:
    import keras

Weights = list[npt.NDArray[np.generic]]


@dataclass(slots=True, kw_only=True)
class State:
    """A training between two epochs, besides the variables of its network and optimizer."""

    history: History
    best_weights: Weights  # of the best epoch, moving average included
    random: np.random.Generator  # draws the blends of mixup

    def state_dict(self) -> dict[str, Any]:
        """The part of the state that is not an array, for JSON."""
        return {
            "epochs": [asdict(epoch) for epoch in self.history.epochs],
            "random": self.random.bit_generator.state,
        }


def pack(network: keras.Model, state: State) -> npt.NDArray[np.uint8]:
    """A compiled network with its optimizer, and the state, as one array for a Cache."""
    content = BytesIO()
    np.savez(
        content,
        state=np.array(json.dumps(state.state_dict())),
        **_named("variable", [variable.numpy() for variable in _variables(network)]),
        **_named("best", state.best_weights),
    )
    return np.frombuffer(content.getvalue(), np.uint8)


def restore(packed: npt.NDArray[np.uint8], network: keras.Model) -> State:
    """The state that was packed; puts the compiled `network` and its optimizer back into theirs."""
    with np.load(BytesIO(packed.tobytes()), allow_pickle=False) as content:
        for number, variable in enumerate(_variables(network)):
            variable.assign(content[f"variable{number}"])
        best_weights = [content[f"best{number}"] for number in range(len(network.weights))]
        state_dict = json.loads(str(content["state"]))
    random = np.random.default_rng()
    random.bit_generator.state = state_dict["random"]
    epochs = tuple(Epoch(**epoch) for epoch in state_dict["epochs"])
    return State(history=History(epochs=epochs), best_weights=best_weights, random=random)


def _variables(network: keras.Model) -> Sequence[keras.Variable]:
    """Weights, the seeds of dropout, and the optimizer's moments and moving averages."""
    return [*network.variables, *network.optimizer.variables]


def _named(name: str, arrays: Weights) -> dict[str, Any]:
    return {f"{name}{number}": array for number, array in enumerate(arrays)}
