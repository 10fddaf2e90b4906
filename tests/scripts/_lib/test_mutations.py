"""Damage is varied, real, and the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from scripts._lib import mutations
from tests.makers import videos


@pytest.mark.parametrize("kind", mutations._KINDS)
def test_each_kind_damages_the_file(kind: str, tmp_path: Path) -> None:
    content = videos.write(tmp_path / "clip.mp4", 30).read_bytes()
    other = bytes(len(content))

    one, again = (
        mutations._KINDS[kind](bytearray(content), other, np.random.default_rng(3))
        for _ in range(2)
    )

    assert one == again
    assert one != content


def test_all_kinds_come_up() -> None:
    random = np.random.default_rng(1)

    kinds = {mutations.mutated(b"abc" * 9, b"xyz" * 9, random).kind for _ in range(200)}

    assert kinds == set(mutations._KINDS)


def test_a_clip_is_made_into_every_container(tmp_path: Path) -> None:
    clip = videos.write(tmp_path / "clip.mp4", 10)
    folder = tmp_path / "made"
    folder.mkdir()

    made = mutations.variants(clip, folder)

    assert [path.suffix for path in made] == list(mutations._SUFFIXES)
    for path in made:
        with av.open(path) as container:
            assert sum(1 for _ in container.decode(video=0)) == 10
