"""Arrays kept on disk between runs, so that what takes long to compute is computed once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from video_classifier.ml import files

Number = TypeVar("Number", bound=np.generic)

_SEAL = hashlib.sha256().digest_size


class Cache:
    """A folder of .npy files, each named by all that decides what is in it.

    A file is written aside and renamed, and ends with the SHA-256 of what comes before: one that
    is cut off, damaged or somebody else's is computed again, never read. A folder that can't be
    written costs time and nothing else; `warn` gets one sentence about it. Without a folder nothing
    is kept.
    """

    def __init__(
        self, folder: Path | None = None, *, warn: Callable[[str], None] = lambda _: None
    ) -> None:
        self._folder = folder
        self._warn = warn
        self._is_writable = True

    def array(
        self, make: Callable[[], npt.NDArray[Number]], **facts: object
    ) -> npt.NDArray[Number]:
        """What `make` returns, or returned when last called for the same facts.

        The facts are plain values as JSON has them; whatever changes the array must be in them.
        """
        array: npt.NDArray[Number] | None = self.find(**facts)
        if array is None:
            array = make()
            self.keep(array, **facts)
        return array

    @property
    def keeps(self) -> bool:
        """Whether anything is cached; if not, callers needn't compute the facts that make a key."""
        return self._folder is not None

    def find(self, **facts: object) -> npt.NDArray[Any] | None:
        """The array kept last for the same facts, or None."""
        return None if self._folder is None else _read(self._folder / f"{_name(facts)}.npy")

    def keep(self, array: npt.NDArray[np.generic], **facts: object) -> None:
        """Replaces the array kept for the same facts."""
        if self._folder is None or not self._is_writable:
            return
        file = self._folder / f"{_name(facts)}.npy"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with files.atomic_write(file) as aside:
                aside.write_bytes(_sealed(array))
        except OSError as error:
            self._is_writable = False
            self._warn(
                f"The cache {file.parent} takes nothing more ({error.strerror}): "
                "what is not in it yet will be made again next time."
            )


def _name(facts: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _sealed(array: npt.NDArray[np.generic]) -> bytes:
    """NumPy stops reading at the end of the array, so the file is a good .npy all the same."""
    content = BytesIO()
    np.save(content, array, allow_pickle=False)
    return content.getvalue() + hashlib.sha256(content.getbuffer()).digest()


def _read(file: Path) -> npt.NDArray[Any] | None:
    try:
        content = file.read_bytes()
    except OSError:
        return None
    array, seal = memoryview(content)[:-_SEAL], content[-_SEAL:]
    if hashlib.sha256(array).digest() != seal:
        return None
    loaded: npt.NDArray[Any] = np.load(BytesIO(array), allow_pickle=False)
    return loaded
