"""Files that are there whole, or not at all."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
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
    with replacing(target) as aside:
        aside.write_text(text + "\n", encoding="utf-8")
