"""The documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
READ = re.compile(r'env\.\w+\(\s*"([A-Z_]+)"')
DOCUMENTED = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    read = READ.findall((ROOT / "shoplift_site/settings.py").read_text(encoding="utf-8"))
    documented = DOCUMENTED.findall((ROOT / "docs/settings.md").read_text(encoding="utf-8"))

    assert documented == sorted(set(read))
