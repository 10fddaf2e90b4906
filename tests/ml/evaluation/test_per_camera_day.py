"""False hints per camera-day, counted by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.makers.datasets import entry
from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.evaluation import evaluate, per_camera_day
from video_classifier.ml.evaluation.evaluate import Evaluation, ScoredClip, UnscoredClip
from video_classifier.ml.evaluation.per_camera_day import CameraDay

HEAD = "path,label,camera,day"


def clip(number: int, *candidates: float, theft: bool = False, take: str = "") -> ScoredClip:
    return ScoredClip(
        entry=replace(entry(number, shoplifter=theft, group="Ada"), take=take),
        score=max(candidates),
        in_training=False,
        candidates=candidates,
    )


def evaluated(*clips: ScoredClip, unscored: tuple[UnscoredClip, ...] = ()) -> Evaluation:
    return evaluate.summarize(
        name="fake", sha256="f" * 64, threshold=0.5, scored=clips, unscored=unscored
    )


def days_of(
    evaluation: Evaluation, *days: tuple[str, str], share: float | None = None
) -> Mapping[str, CameraDay]:
    names = [each.entry.name for each in evaluation.scored]
    names += [each.entry.name for each in evaluation.unscored]
    return {
        name: CameraDay(camera=camera, day=day, share=share)
        for name, (camera, day) in zip(names, days, strict=False)
    }


def test_each_candidate_of_an_ordinary_clip_that_is_a_hint_counts() -> None:
    found = evaluated(clip(0, 0.9, 0.6, 0.1), clip(1, 0.4), clip(2, 0.9, theft=True))

    by_day = per_camera_day.measure(
        found, days_of(found, ("till", "1"), ("till", "2"), ("till", "2"))
    )

    assert by_day.all is not None
    assert by_day.all.count == 2
    assert by_day.all.days == 2
    assert by_day.all.recordings == 3


def test_cameras_have_their_own_rates() -> None:
    found = evaluated(clip(0, 0.9), clip(1, 0.4), clip(2, 0.3))

    by_day = per_camera_day.measure(
        found, days_of(found, ("till", "1"), ("door", "1"), ("door", "2"))
    )

    assert {camera: rate.value for camera, rate in by_day.cameras.items()} == {"door": 0, "till": 1}
    assert by_day.cameras["door"].high == pytest.approx(3.69 / 2, abs=0.01)
    assert by_day.all is not None
    assert by_day.all.days == 3


def test_pieces_of_one_recording_are_not_independent() -> None:
    found = evaluated(clip(0, 0.9, take="a"), clip(1, 0.4, take="a"))

    rate = per_camera_day.measure(found, days_of(found, *[("till", "1")] * 2)).cameras["till"]

    assert rate.recordings == 1


def test_a_part_of_a_day_counts_as_that() -> None:
    found = evaluated(clip(0, 0.9))

    rate = per_camera_day.measure(found, days_of(found, ("till", "1"), share=0.25)).cameras["till"]

    assert rate.value == 4


def test_days_without_a_result_add_to_the_days() -> None:
    empty = entry(1, shoplifter=False, group="Ada")
    nobody = UnscoredClip(entry=empty, reason="Nobody could be seen.", in_training=False)
    found = evaluated(clip(0, 0.9), unscored=(nobody,))

    by_day = per_camera_day.measure(found, days_of(found, ("till", "1"), ("till", "2")))

    assert by_day.cameras["till"].value == 0.5


def test_what_may_be_wrong_with_it_is_said() -> None:
    found = evaluated(clip(0, 0.9), clip(1, 0.9))

    notes = per_camera_day.measure(found, days_of(found, ("till", "1"))).notes

    assert "too high" in notes[0]
    assert "1 clips have no camera" in notes[-1]


def test_without_days_there_is_no_rate() -> None:
    by_day = per_camera_day.measure(evaluated(clip(0, 0.9)), {})

    assert by_day.all is None
    assert per_camera_day.to_json(by_day)["all"] is None


def test_a_manifest_names_cameras_and_days(tmp_path: Path) -> None:
    table = tmp_path / "clips.csv"
    table.write_text(
        f"{HEAD},share_of_day\na.mp4,shoplifter,Till,2026-11-01,0.5\nb.mp4,shoplifter,Till,,\n",
        encoding="utf-8",
    )

    assert per_camera_day.read(table) == {
        "a.mp4": CameraDay(camera="Till", day="2026-11-01", share=0.5)
    }


@pytest.mark.parametrize(
    "content",
    [
        "path,label\na.mp4,shoplifter\n",
        "path,label,camera\na.mp4,shoplifter,Till\n",
        f"{HEAD},share_of_day\na.mp4,shoplifter,Till,1,0\n",
        f"{HEAD},share_of_day\na.mp4,shoplifter,Till,1,nan\n",
        f"{HEAD},share_of_day\na.mp4,shoplifter,Till,1,much\n",
        f"{HEAD},share_of_day\na.mp4,shoplifter,Till,1,1\nb.mp4,shoplifter,Till,1,0.5\n",
    ],
)
def test_a_manifest_that_says_something_else_is_refused(tmp_path: Path, content: str) -> None:
    table = tmp_path / "clips.csv"
    table.write_text(content, encoding="utf-8")

    with pytest.raises(ManifestError):
        per_camera_day.read(table)
