"""A head of a store's own: logistic regression of the numbers that a network gives before its own.

It lies in head.npz, beside the card of a version of a model, and belongs to one network: to another
one's numbers it has nothing to say. Reading it needs no framework.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from video_classifier.ml import files
from video_classifier.ml.contracts import Floats

HEAD_FILE = "head.npz"
MOST_BYTES = 2**24  # of the file: of a million features

_PARTS = ("kernel", "bias", "network_sha256")


class HeadError(ValueError):
    """The file is no head; the message, worded to follow its name, says why."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Head:
    """sigmoid(features @ kernel + bias), in float64."""

    kernel: Floats  # (features,)
    bias: float
    network_sha256: str  # of the network.keras that the features are of

    def __post_init__(self) -> None:
        if self.kernel.ndim != 1 or not len(self.kernel):
            msg = f"its kernel has the shape {self.kernel.shape} and is no list of weights"
            raise HeadError(msg)
        if not (np.isfinite(self.kernel).all() and np.isfinite(self.bias)):
            msg = "its weights are no numbers"
            raise HeadError(msg)

    def score(self, features: npt.NDArray[np.floating]) -> Floats:
        """(n,) float64, 0 to 1, of (n, features)."""
        logits = features.astype(np.float64) @ self.kernel + self.bias
        # Of both ways to write it the one that doesn't overflow.
        decay = np.exp(-np.abs(logits))
        scores: Floats = np.where(logits >= 0, 1.0, decay) / (1 + decay)
        return scores


def write(file: Path, head: Head) -> str:
    """Writes it whole or not at all; returns the SHA-256. The same head gives the same file."""
    with files.atomic_write(file) as aside:
        np.savez(
            aside,
            kernel=head.kernel.astype(np.float64),
            bias=np.float64(head.bias),
            network_sha256=np.array(head.network_sha256),
        )
        return files.sha256(aside)


def read(file: Path, *, sha256: str) -> Head:
    """The head in `file`, whose bytes have that SHA-256. Raises OSError and HeadError."""
    if file.stat().st_size > MOST_BYTES:
        msg = "it is too large for one"
        raise HeadError(msg)
    with file.open("rb") as opened:
        if hashlib.file_digest(opened, "sha256").hexdigest() != sha256:
            msg = "it is not the one that its card describes"
            raise HeadError(msg)
        opened.seek(0)
        try:
            with np.load(opened, allow_pickle=False) as parts:
                kernel, bias, network = (parts[name] for name in _PARTS)
            return Head(
                kernel=kernel.astype(np.float64), bias=float(bias), network_sha256=str(network)
            )
        except HeadError:
            raise
        # What isn't written by `write` makes NumPy raise any of these.
        except (AttributeError, BadZipFile, EOFError, KeyError, TypeError, ValueError) as error:
            msg = "it can't be read"
            raise HeadError(msg) from error
