"""What there is to judge is told by what pictures show, not by how many there are."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tests.makers import crowd, videos
from tests.makers.crowd import Spotter, walking
from tests.ml.conftest import Clips
from video_classifier.ml.contracts import ClipContent, ClipSpec, Image
from video_classifier.ml.persons import finder
from video_classifier.ml.video import sampling
from video_classifier.ml.video.content import ContentMeter, Meter, SpanMeter

SPEC = ClipSpec(frames=16, height=48, width=64)


def written(path: Path, images: list[Image], *, codec: str = "libx264") -> Path:
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=10)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width, _ = images[0].shape
        stream.pix_fmt, stream.gop_size, stream.bit_rate = "yuv420p", 10, 4_000_000
        for number, image in enumerate(images):
            frame = VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def of_sample(path: Path) -> ClipContent:
    found = sampling.sample(path, SPEC).content
    assert found is not None
    return found


def of_reel(path: Path) -> ClipContent:
    reel = finder.reel(path)
    return reel.map(lambda _, __: None, choose=lambda _: ()).content


def room(seed: int = 1) -> Image:
    coarse = np.random.default_rng(seed).integers(40, 200, (12, 16, 3))
    return np.kron(coarse, np.ones((20, 20, 1))).astype(np.uint8)


@pytest.mark.parametrize("measure", [of_sample, of_reel])
def test_pictures_that_differ_are_counted(clips: Clips, measure: object) -> None:
    assert callable(measure)

    found = measure(clips("h264.mp4"))

    assert found.pictures_different == 16
    assert found.contrast > 40
    assert found.share_decoded == 1


@pytest.mark.parametrize("measure", [of_sample, of_reel])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mpeg2video"])
def test_a_picture_that_is_sent_again_and_again_is_one(
    tmp_path: Path, codec: str, measure: object
) -> None:
    assert callable(measure)
    clip = written(tmp_path / "frozen.mkv", [room()] * 80, codec=codec)

    assert measure(clip).pictures_different == 1


def test_pictures_that_come_back_are_counted_once(tmp_path: Path) -> None:
    clip = written(tmp_path / "blinking.mkv", [room(1), room(2), room(3)] * 20)

    assert of_reel(clip).pictures_different == 3


def test_somebody_who_walks_through_makes_pictures_different(tmp_path: Path) -> None:
    clip = crowd.write(tmp_path / "clip.mp4", walking(0.1, speed=0.05, width=0.03))

    assert of_reel(clip).pictures_different == 16


@pytest.mark.parametrize("shade", [0, 90, 255])
def test_pictures_all_of_a_color_have_no_contrast(tmp_path: Path, shade: int) -> None:
    noise = np.random.default_rng(3).integers(-2, 3, (80, 48, 64, 3))
    images = [np.clip(shade + each, 0, 255).astype(np.uint8) for each in noise]

    assert of_sample(written(tmp_path / "flat.mkv", images)).contrast < 2


def test_what_does_not_decode_counts_for_the_share(tmp_path: Path) -> None:
    clip = videos.zeroed(videos.indexed_first(tmp_path / "half.mp4", 120), 0.3)

    share = sampling.sample(clip, SPEC).length / 12

    assert 0 < share < 0.5
    assert of_sample(clip).share_decoded == pytest.approx(share)
    assert of_reel(clip).share_decoded == pytest.approx(share)


def test_a_sample_of_people_has_the_content_of_the_whole_clip(tmp_path: Path) -> None:
    clip = crowd.write(tmp_path / "clip.mp4", walking(0.1, speed=0.2))
    reel, tracks = finder.find(finder.reel(clip), Spotter())

    _, sample = finder.take_crops(reel, tracks, SPEC)

    assert sample.content == of_reel(clip)


def shown(image: Image) -> VideoFrame:
    return VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")


def measured(meter: Meter, images: list[Image], *, every: int = 1) -> ClipContent:
    for number, image in enumerate(images):
        if number % every:
            meter.pass_by(shown(image))
        else:
            meter.look(shown(image))
    return meter.read(pictures=len(images), share_decoded=1.0)


def test_where_something_moves_a_span_is_measured_like_a_clip() -> None:
    """Somebody walks through for two seconds of ten."""
    way = crowd.between(walking(-0.8, speed=0.2, width=0.03), 4, 6)
    images = [crowd.picture([way], number / 8) for number in range(80)]

    found = measured(SpanMeter(), images, every=4)

    assert found == measured(ContentMeter(), images)
    assert found.pictures_different == 16


def test_between_pictures_that_are_alike_none_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = SpanMeter()
    first = meter.look(shown(room()))
    monkeypatch.delattr(ContentMeter, "add")

    looks = []
    for _ in range(5):
        for _ in range(3):
            meter.pass_by(shown(room()))
        looks.append(meter.look(shown(room())))

    assert looks == [first] * 5
    assert meter.read(pictures=21, share_decoded=1.0).pictures_different == 1


def test_pictures_that_nobody_looks_at_are_measured_all_the_same() -> None:
    images = [room(seed) for seed in range(12)]

    assert measured(SpanMeter(), images, every=100).pictures_different == 12


def test_what_was_measured_of_a_span_is_forgotten_when_it_starts_over() -> None:
    meter = SpanMeter()
    measured(meter, [room(1), room(2), room(3)], every=2)
    before = meter.look(shown(room(3)))
    meter.restart()

    assert meter.look(shown(room(3))) != before
    assert meter.read(pictures=1, share_decoded=1.0).pictures_different == 1


def test_a_picture_that_shows_what_one_before_showed_has_its_number() -> None:
    """But for so long only: of hours, few are remembered."""
    meter = SpanMeter()

    numbers = [meter.look(shown(room(seed))) for seed in (1, 2, 1, 3, 2)]
    others = [meter.look(shown(room(seed))) for seed in range(10, 18)]

    assert numbers == [1, 2, 1, 3, 2]
    assert len({*numbers, *others, meter.look(shown(room(1)))}) == 3 + 8 + 1
