"""Puts what was measured into pages of the documents, between two marks of its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class PageError(Exception):
    """The page can't take what was measured, and the message says why."""


def check(page: Path, *names: str) -> None:
    """Raises PageError, before anything is measured, for what `write` would refuse."""
    for name in names:
        _around(page, name)


def write(page: Path, name: str, content: str) -> None:
    """Between the marks of that name; the rest of the page stays."""
    before, after = _around(page, name)
    page.write_text(f"{before}\n{content}\n{after}", encoding="utf-8")


def table(lines: Sequence[Sequence[str]], *, words: int = 1) -> str:
    """A head and rows in Markdown; the first `words` columns are words, the others figures."""
    heads, *rows = lines
    ruled = [heads, ["---"] * words + ["---:"] * (len(heads) - words), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in ruled)


def _around(page: Path, name: str) -> tuple[str, str]:
    """What comes before the content of that name and what after it, with the marks."""
    opening, closing = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        msg = f"The page {page} can't be read: {error.strerror}."
        raise PageError(msg) from error
    before, begin, rest = text.partition(opening)
    _, end, after = rest.partition(closing)
    if not begin or not end:
        msg = f"The page {page} needs the lines {opening} and {closing} with the table between."
        raise PageError(msg)
    return before + begin, end + after
