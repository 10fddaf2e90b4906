"""Which Chromium scripts and tests start."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts._lib import chromium


def test_the_shell_without_a_window_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    for name in ("chromium", "chromium-headless-shell"):
        program = tmp_path / name
        program.touch(mode=0o755)
        assert chromium.path() == str(program)


def test_without_any_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(chromium.MissingError, match="apt-get install chromium-headless-shell"):
        chromium.path()
