"""What tells one file's content from any other's."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path


def sha256(path: Path) -> str:
    """The SHA-256 of the file's bytes, in hexadecimal, read in blocks. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def known_sha256(path: Path, state: os.stat_result) -> str:
    """The same, remembered as long as the file's `state` is the same. Raises OSError."""
    return _known(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=32)
def _known(path: Path, modified: int, size: int) -> str:
    return sha256(path)  # `modified` and `size` key the memory
