"""What is to happen with ../shared/clips_that_break: a function for each row of its manifest.

The function is named after the file, with "_" for what a name in Python can't hold.
"""

from __future__ import annotations

import csv
import resource
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from tests.makers.footage import FOOTAGE, require
from video_classifier.ml.contracts import ClipSpec, Sample
from video_classifier.ml.duplicates import fingerprints, search
from video_classifier.ml.video import browser_copy, decoding, probe, sampling

pytestmark = pytest.mark.footage

FOLDER = FOOTAGE.parent / "clips_that_break"
SPEC = ClipSpec(frames=16, height=48, width=64)
GIB = 2**30


def clip(name: str) -> Path:
    manifest = FOLDER / "manifest.csv"
    require(manifest)
    with manifest.open(encoding="utf-8", newline="") as file:
        assert name in {row["file"] for row in csv.DictReader(file)}
    return FOLDER / name


def sampled(name: str) -> Sample:
    return sampling.sample(clip(name), SPEC)


def different(sample: Sample) -> int:
    return len({image.tobytes() for image in sample.images})


def limited(name: str, *, memory: int, seconds: float) -> str:
    """What probing and sampling print in a process that has no more memory and time than that."""
    script = (
        "import sys; from pathlib import Path\n"
        "from video_classifier.ml.video import probe, sampling\n"
        "from video_classifier.ml.contracts import ClipError, ClipSpec\n"
        "try:\n"
        "    probe.facts(Path(sys.argv[1])); sampling.sample(Path(sys.argv[1]), ClipSpec())\n"
        "except ClipError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(clip(name))],
        capture_output=True,
        check=True,
        text=True,
        timeout=seconds,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)),
    )
    return done.stdout


def test_gap_epoch_mkv() -> None:
    sample = sampled("gap_epoch.mkv")

    assert different(sample) == 16
    assert sample.length == pytest.approx(3.0, abs=0.05)
    assert sample.times[-1] < 10  # of a clock that was set, and not 54 years
    assert sample.warnings == (
        "The recorder's clock jumps forward by 54 years after 0:00.0, or nothing was "
        "recorded for so long; times go on as if 5 s had passed.",
    )
    assert probe.facts(clip("gap_epoch.mkv")).duration == sample.length


def test_gap_day_mkv() -> None:
    sample = sampled("gap_day.mkv")

    assert different(sample) == 16
    assert sum(time < 5 for time in sample.times) == 8
    assert sample.warnings == (
        "The recorder's clock jumps forward by 1 day after 0:05.0, or nothing was "
        "recorded for so long; times go on as if 5 s had passed.",
    )


def test_the_search_for_duplicates_goes_on_after_gap_day_mkv() -> None:
    names = ("gap_day.mkv", "gap_10min.mkv", "plain_ffmpeg.ts")

    found = search.find({name: fingerprints.compute(clip(name)) for name in names})

    assert {"gap_day.mkv", "gap_10min.mkv"} <= {name for p in found.pairs for name in (p.a, p.b)}


def test_gap_10min_mkv() -> None:
    sample = sampled("gap_10min.mkv")

    assert different(sample) == 16
    assert sample.length == pytest.approx(10.4, abs=0.05)
    assert sum(time < 600 for time in sample.times) == 2  # of 16: one second of ten
    assert sample.warnings == (
        "The recording pauses for 10 minutes after 0:01.0; nothing can be said of that time.",
    )


def test_idx_gap_2e9s_mp4() -> None:
    assert limited("idx_gap_2e9s.mp4", memory=GIB, seconds=20) == ""

    sample = sampled("idx_gap_2e9s.mp4")

    assert different(sample) <= 4
    assert sample.length <= 16
    assert probe.facts(clip("idx_gap_2e9s.mp4")).duration == sample.length


def test_huge_last_mp4() -> None:
    sample = sampled("huge_last.mp4")
    facts = probe.facts(clip("huge_last.mp4"))

    assert (sample.length, facts.duration, facts.frame_rate) == pytest.approx((3, 3, 30))
    assert different(sample) == 16
    assert sample.warnings == ()


def test_idx_2e7_mp4() -> None:
    assert "more than 2 million" in limited("idx_2e7.mp4", memory=GIB, seconds=20)


def test_idx_1e5_mp4() -> None:
    """That it stops when it is deleted, tests of the services hold."""
    assert limited("idx_1e5.mp4", memory=GIB, seconds=60) == ""
    assert probe.facts(clip("idx_1e5.mp4")).duration == pytest.approx(4000)


def copied(name: str, folder: Path) -> tuple[Sample, Sample, int]:
    """A sample of the clip and one of what its player plays, and how many pictures that shows."""
    facts = probe.facts(clip(name))
    if browser_copy.is_playable(facts):
        played = clip(name)
    else:
        played = folder / "copy.mp4"
        browser_copy.make(clip(name), played)
    with av.open(played) as container:
        pictures = sum(1 for _ in container.decode(video=0))
    return sampled(name), sampling.sample(played, SPEC), pictures


def assert_agree(sample: Sample, played: Sample) -> None:
    """Browsers show what they play from 0 on: tests/browser/test_times.py."""
    assert played.times == pytest.approx(sample.times, abs=0.001)
    assert np.array_equal(played.images, sample.images)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("plain_ffmpeg.ts", 150),
        ("hls_3600.ts", 182),
        ("late_video.mp4", 311),
        ("numbered_offset.mp4", 60),
        ("mid_gop.ts", 150),
        ("wrap.ts", 120),
    ],
)
def test_what_is_played_begins_where_times_do(tmp_path: Path, name: str, count: int) -> None:
    sample, played, pictures = copied(name, tmp_path)

    assert_agree(sample, played)
    assert pictures == count
    assert not probe.facts(clip(name)).keeps_time


def test_two_tracks_mp4() -> None:
    assert sampled("two_tracks.mp4").warnings == (
        "The file holds 2 videos; only the first was analyzed. Export each camera on its own.",
    )


def test_still_first_mkv(tmp_path: Path) -> None:
    sample, played, _ = copied("still_first.mkv", tmp_path)

    assert different(sample) == 16
    assert sample.length == pytest.approx(6, abs=0.1)
    assert probe.facts(clip("still_first.mkv")).duration == sample.length
    assert sample.warnings == ()
    assert_agree(sample, played)


def test_bad_sei_ts(tmp_path: Path) -> None:
    sample, played, pictures = copied("bad_sei.ts", tmp_path)

    assert len(decoding.decoded_timeline(clip("bad_sei.ts")).ticks) == pictures == 150
    assert different(sample) == 16
    assert sample.warnings == ()
    assert_agree(sample, played)


def test_lost_p_ts() -> None:
    assert sampled("lost_p.ts").warnings == (
        "Pictures that others build on were lost on their way into the file: about 4.5 s of the "
        "clip may look damaged.",
    )
