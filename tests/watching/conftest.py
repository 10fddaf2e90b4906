"""Small clips that simulated cameras play."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.makers import videos


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of pictures 0, 1, 2 … at 10 a second."""
    return videos.write(tmp_path_factory.mktemp("cameras") / "clip.mp4", 60, size=(320, 240))
