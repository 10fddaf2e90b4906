"""The documents agree with the code and with each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("models_storage/**/*.md")),
    *sorted(ROOT.glob("notebooks/**/*.md")),
]
WIDEST = 130  # characters of a line of prose; tables, code and links can't be broken
READ = re.compile(r'env\.\w+\(\s*"([A-Z_]+)"')
DOCUMENTED = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    read = READ.findall((ROOT / "shoplift_site/settings.py").read_text(encoding="utf-8"))
    documented = DOCUMENTED.findall((ROOT / "docs/settings.md").read_text(encoding="utf-8"))

    assert documented == sorted(set(read))


def test_prose_is_wrapped() -> None:
    too_wide = [
        f"{page.relative_to(ROOT)}:{number}"
        for page in PAGES
        if page.name != "CHANGELOG.md"  # its lines come from many branches at once
        for number, line in _prose(page)
        if len(line) > WIDEST
    ]

    assert not too_wide


def _prose(page: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines outside code, tables, pictures and what scripts write."""
    in_code = in_figures = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            in_code = not in_code
        elif line.startswith("<!-- "):
            in_figures = line.endswith(": begin -->")
        elif not in_code and not in_figures and not line.startswith(("|", "![")):
            yield number, line


def test_no_entry_of_the_changelog_is_there_twice() -> None:
    entries = re.findall(
        r"^- .+(?:\n  .+)*", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert [entry for entry, times in Counter(entries).items() if times > 1] == []
