"""A model of persons is timed beside one of whole frames, on clips with persons in them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from scripts.benchmark import people
from scripts.benchmark.people import NoResultError, Stopwatch
from tests.makers import crowd
from tests.makers.crowd import Spotter, standing, walking
from tests.ml.conftest import OF_PERSONS, write_bundle
from video_classifier.ml.contracts import Image
from video_classifier.ml.persons.detector import Detections

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a model of persons, with one of whole frames beside it."""
    storage = tmp_path_factory.mktemp("models")
    write_bundle(storage / "whole")
    return write_bundle(storage / "persons", spec=OF_PERSONS)


class SlowSpotter(Spotter):
    def detect(self, image: Image) -> Detections:
        time.sleep(0.05)
        return super().detect(image)


def test_both_ways_have_their_parts_and_the_persons_are_counted(
    folder: Path, tmp_path: Path
) -> None:
    one = crowd.write(tmp_path / "one.mp4", walking(0.4, speed=0.05))
    two = crowd.write(tmp_path / "two.mp4", walking(0.2, speed=0.05), standing(0.7))
    ticks: list[None] = []

    both = people.measure(
        folder,
        Spotter(),
        folder.parent / "whole",
        [one, two],
        runs=3,
        advance=lambda: ticks.append(None),
    )

    assert both.names == ("whole_frame", "persons")
    assert both.facts == {"beside": "whole", "persons_found": [1, 2]}
    assert list(both.one) == ["decode", "inference", "whole"]
    assert list(both.other) == ["decode", "detect", "inference", "whole"]
    assert all(seconds > 0 for seconds in (*both.one.values(), *both.other.values()))
    assert both.ratios["whole"] == both.other["whole"] / both.one["whole"]
    assert "detect" not in both.ratios
    assert len(ticks) == 3


def test_the_time_of_the_detector_is_its_own_and_not_that_of_decoding(
    folder: Path, tmp_path: Path
) -> None:
    clip = crowd.write(tmp_path / "clip.mp4", walking(0.4, speed=0.05))
    spotter = SlowSpotter()

    taken = people.measure(
        folder, spotter, folder.parent / "whole", [clip], runs=1, advance=lambda: None
    ).other

    pictures = len(spotter.shown) // 2  # the clip was looked at twice, once to warm up
    assert taken["detect"] > pictures * 0.05
    assert taken["decode"] > 0
    assert taken["whole"] == pytest.approx(taken["decode"] + taken["detect"] + taken["inference"])


def test_a_clip_without_a_result_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    somebody = crowd.write(tmp_path / "somebody.mp4", walking(0.4, speed=0.05))
    nobody = crowd.write(tmp_path / "nobody.mp4")

    with pytest.raises(NoResultError, match=r"gives nobody\.mp4 no result"):
        people.measure(
            folder,
            Spotter(),
            folder.parent / "whole",
            [somebody, nobody],
            runs=1,
            advance=lambda: None,
        )


def test_a_stopwatch_finds_whom_its_detector_finds() -> None:
    picture, spotter = crowd.picture([standing(0.4)]), Spotter()
    stopwatch = Stopwatch(spotter)

    found = stopwatch.detect(picture)

    assert found.boxes.tolist() == spotter.detect(picture).boxes.tolist()
    assert stopwatch.input_size == spotter.input_size
    assert stopwatch.seconds > 0
