"""The pictures of pages: what they show, and how they come on a sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import User

from scripts import screenshots
from scripts._lib import demo
from tests.conftest import MakeStore
from video_classifier.models import Case, Review
from video_classifier.services import evidence, review_queue
from video_classifier.services.review_queue import Filters


def test_a_shift_under_way_is_made_up(user: User, make_store: MakeStore) -> None:
    make_store()

    demo.furnish()

    waiting = list(review_queue.waiting(user, Filters()))
    assert [event for event in waiting if not event.reviews.exists()] == waiting[: demo.WAITING]
    assert Review.objects.exists()
    assert Case.objects.filter(items__isnull=False).distinct().count() == 1
    assert evidence.still_of(waiting[0]) is not None


def test_pictures_come_side_by_side_below_their_names() -> None:
    pictures = [(f"page {value}", np.full((80, 40, 3), value, np.uint8)) for value in (10, 200, 30)]

    sheet = screenshots.tiled(pictures, columns=2, shrink=2)

    assert sheet.shape == (2 * (40 + screenshots.TITLE), 2 * 20, 3)
    below = screenshots.TITLE
    assert (sheet[below : below + 40, 20:] == 200).all()
    assert (sheet[2 * below + 40 :, :20] == 30).all()


@pytest.mark.parametrize("missing", ["chromium", "clip"])
def test_without_what_it_needs_it_says_so_in_a_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    missing: str,
) -> None:
    program = None if missing == "chromium" else "/usr/bin/chromium"
    monkeypatch.setattr("scripts._lib.chromium.shutil.which", lambda _: program)

    code = screenshots.main([str(tmp_path / "none.mp4"), "--out", str(tmp_path / "out")])

    assert code == 2
    assert ("apt-get install" if missing == "chromium" else "none.mp4") in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
