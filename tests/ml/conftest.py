"""Whole clips of every kind, each written once a test run."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests import videos

Clips = Callable[[str], Path]


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    folder = tmp_path_factory.mktemp("clips")
    return cache(lambda name: videos.WHOLE[name](folder))
