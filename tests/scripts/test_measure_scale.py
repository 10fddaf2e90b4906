"""What scale is measured by: the queue that claims are timed on."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import measure_scale
from tests.conftest import MakeStore, MakeUser
from video_classifier.models import Segment
from video_classifier.services.uploads import Choices
from video_classifier.states import Status


def test_claims_are_timed_while_that_many_wait(make_user: MakeUser, make_store: MakeStore) -> None:
    choices = Choices(model="standard", store=make_store())

    length, *times = measure_scale._claims(make_user(), choices, 3)

    assert (length, len(times)) == ("3", 2)
    assert Segment.objects.filter(status=Status.QUEUED).count() == 3


def test_a_page_without_the_marks_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- workers: begin -->\n<!-- workers: end -->\n")

    assert measure_scale.main(["clip.mp4", "--write", str(page)]) == 2
    assert "idle workers: begin" in " ".join(capsys.readouterr().err.split())


def test_fewer_segments_than_make_a_recording_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        measure_scale.main(["clip.mp4", "--segments", "1"])

    assert "at least 2" in capsys.readouterr().err
