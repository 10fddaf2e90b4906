"""Files: atomic writes, SHA-256, and JSON that is checked against a dataclass."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

Kind = TypeVar("Kind")


@contextmanager
def atomic_write(target: Path) -> Iterator[Path]:
    """Where to write what is to be `target`: beside it, and with its suffixes.

    It takes its place when all is written. If that fails, what was there before stays.
    """
    aside = target.with_name(f".{secrets.token_hex(4)}-{target.name}")
    try:
        yield aside
        aside.replace(target)
    finally:
        with suppress(OSError):
            aside.unlink()


def write_json(target: Path, content: object) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    with atomic_write(target) as aside:
        aside.write_text(text + "\n", encoding="utf-8")


def read_json(source: Path) -> Any:
    """The file's content; NaN and infinity are refused. Raises OSError and ValueError."""
    try:
        return msgspec.json.decode(source.read_bytes())
    except RecursionError as error:
        msg = "it is nested too deeply"
        raise ValueError(msg) from error


def typed(found: Any, kind: type[Kind]) -> Kind:
    """The content of a JSON file as an instance of the dataclass `kind`.

    Every field has to be of its type, and unknown keys are refused. Raises ValueError.
    """
    read = msgspec.convert(found, kind)
    if unknown := sorted(_unknown(found, msgspec.to_builtins(read))):
        msg = f"nothing is known of {', '.join(unknown)}"
        raise ValueError(msg)
    return read


def _unknown(found: Any, read: Any) -> Iterator[str]:
    """Keys, at any depth, that were in the file and are not in what was read."""
    if isinstance(found, dict):
        yield from found.keys() - read.keys()
        for key in found.keys() & read.keys():
            yield from _unknown(found[key], read[key])
    elif isinstance(found, list):
        for one, same in zip(found, read, strict=True):
            yield from _unknown(one, same)


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
