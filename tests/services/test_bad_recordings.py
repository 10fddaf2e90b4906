"""Long recordings that are out of order, from the upload to the result, by a real model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from av.video.frame import VideoFrame
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from tests.conftest import MakeStore
from tests.makers import videos
from tests.makers.footage import ROOT
from video_classifier.models import Analysis, Segment
from video_classifier.services import gaps, sandbox, segments, uploads
from video_classifier.states import Status

pytestmark = [pytest.mark.keras, pytest.mark.django_db(transaction=True)]

MODEL = "conv3d"  # of whole frames, and the smallest
RATE = 8
HOUR = 3600.0

Accept = Callable[[Path], Analysis]


@pytest.fixture
def accept(settings: Settings, user: User, make_store: MakeStore) -> Iterator[Accept]:
    """Uploads a file, and queues its analysis."""
    settings.MODELS_STORAGE = ROOT / "models_storage"
    choices = uploads.Choices(model=MODEL, store=make_store())

    def accept(path: Path) -> Analysis:
        file = SimpleUploadedFile(path.name, path.read_bytes())
        return uploads.accept(file=file, user=user, choices=choices)

    yield accept
    sandbox.close()


def runs() -> Iterator[Segment]:
    """Each segment, once it has run."""
    while segment := segments.claim_next(worker="one"):
        segments.run(segment)
        segment.refresh_from_db()
        yield segment


def finish(analysis: Analysis) -> list[Segment]:
    found = list(runs())
    analysis.refresh_from_db()
    return found


def scored(segment: Segment) -> bool:
    """From its beginning to its end."""
    windows = segment.windows
    return (windows[0][0], windows[-1][1]) == (segment.start, segment.end)


def test_of_one_that_breaks_in_the_middle_the_rest_is_analyzed(
    accept: Accept, tmp_path: Path
) -> None:
    clip = videos.write(
        tmp_path / "clip.mp4", 180 * RATE, rate=RATE, muxing={"movflags": "faststart"}
    )
    analysis = accept(videos.zeroed(clip, 0.34, 0.66))

    first, second, third = finish(analysis)

    assert scored(first)
    assert scored(third)
    assert "could be read" in second.reason
    assert analysis.status == Status.DONE
    assert analysis.score is not None
    (gap,) = gaps.of(analysis).gaps
    assert (gap.start, gap.end, gap.reason) == (60, 120, second.reason)


def test_one_whose_resolution_changes_is_analyzed_to_its_end(
    accept: Accept, tmp_path: Path
) -> None:
    small = videos.write(tmp_path / "small.ts", 80 * RATE, rate=RATE)
    large = videos.write(tmp_path / "large.ts", 80 * RATE, rate=RATE, size=(128, 96))
    analysis = accept(videos.continued(tmp_path / "clip.ts", small, large))

    found = finish(analysis)

    assert len(found) > 1
    assert all(map(scored, found))
    assert analysis.status == Status.DONE


@pytest.mark.parametrize(
    ("hours", "breaks"),
    [(1, [(100, HOUR + 100)]), (10, [])],  # a pause, and a clock that was set
)
def test_one_whose_clock_jumps_ahead_is_analyzed_to_its_end(
    accept: Accept, tmp_path: Path, hours: int, breaks: list[tuple[float, float]]
) -> None:
    even = [1000 // RATE * number for number in range(200 * RATE)]
    jump = round(hours * HOUR * 1000)
    times = [at if at < 100_000 else at + jump for at in even]
    clip = videos.write(tmp_path / "clip.mkv", len(times), rate=RATE, shown_at=times, gop=RATE)
    analysis = accept(clip)

    found = finish(analysis)

    assert analysis.status == Status.DONE
    assert all(segment.windows for segment in found)
    in_it = [(gap.start, gap.end) for gap in gaps.of(analysis).gaps]
    assert in_it == [pytest.approx(each, abs=1) for each in breaks]


def test_one_whose_clock_is_set_back_is_analyzed_to_its_end(accept: Accept, tmp_path: Path) -> None:
    part = videos.write(tmp_path / "part.ts", 100 * RATE, rate=RATE)
    analysis = accept(videos.joined(tmp_path / "clip.ts", part, part))

    found = finish(analysis)

    (whole,) = found  # where the packets tell no times, it can't be cut
    assert analysis.status == Status.DONE
    assert whole.windows[-1][1] == pytest.approx(200, abs=1)


def minute(path: Path, *, moves: bool) -> Path:
    """At a picture a second."""
    if moves:
        return videos.write(path, 60, rate=1, gop=60, b_frames=0)
    image = VideoFrame.from_ndarray(videos.picture(7), format="rgb24")
    return videos.write_images(path, [image] * 60, rate=1)


def test_of_six_hours_of_a_still_picture_no_minute_has_a_result(
    accept: Accept, tmp_path: Path
) -> None:
    still = minute(tmp_path / "minute.mp4", moves=False)
    analysis = accept(videos.continued(tmp_path / "clip.mp4", *[still] * 360))

    found = list(islice(runs(), 3))

    assert analysis.segments.count() == 360
    assert all("Nothing moves" in segment.reason for segment in found)
    assert not any(segment.windows for segment in found)


def test_a_day_at_a_picture_a_second_is_analyzed_minute_by_minute(
    accept: Accept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "PROBE_SECONDS", 120.0)  # a busy machine reads slowly
    moving = minute(tmp_path / "minute.mp4", moves=True)
    analysis = accept(videos.continued(tmp_path / "clip.mp4", *[moving] * 1440))

    found = list(islice(runs(), 2))

    assert analysis.segments.count() == 1440
    assert all(map(scored, found))
