"""An evaluation has every score and metric, and warns of what may flatter them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from tests.conftest import as_candidate
from tests.makers.datasets import entry
from tests.ml.conftest import TINY
from video_classifier.ml.contracts import ClipError, Outcome, Prediction, Sample, WindowScore
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.evaluation import evaluate
from video_classifier.ml.serving.card import Card
from video_classifier.ml.serving.predictor import ModelPredictor

CARD = Card(
    name="fake", network="conv3d", summary="", spec=TINY, threshold=0.5, created="2026-01-01"
)


class FakeModel:
    """Gives each clip the score that it was made with; clips without one can't be read.

    Instead of a score, None stands for no result.
    """

    name = "fake"
    sha256 = "f" * 64

    def __init__(
        self, scores: Mapping[str, float | None], *, trained_on: tuple[str, ...] = ()
    ) -> None:
        self.card = replace(CARD, training={"clips_sha256": trained_on})
        self._scores = scores

    def analyze(self, video: Path) -> Outcome:
        if video.name not in self._scores:
            msg = "The file is empty."
            raise ClipError(msg)
        score = self._scores[video.name]
        threshold = self.card.threshold
        return Outcome(
            prediction=None if score is None else Prediction(score=score, threshold=threshold),
            no_result="Nobody could be seen." if score is None else "",
            sample=cast("Sample", None),
            seconds_reading=0,
            seconds_classifying=0,
            candidates=() if score is None else (as_candidate(window(score)),),
        )


def window(score: float) -> WindowScore:
    return WindowScore(start=0.0, end=1.0, score=score)


@pytest.fixture
def clips(tmp_path: Path) -> list[Entry]:
    """Two thefts by Ann, two ordinary clips of Bob."""
    found = []
    for number in range(4):
        who = "ann" if number < 2 else "bob"
        clip = entry(number, shoplifter=number < 2, group=who)
        path = tmp_path / clip.name
        path.write_text(clip.name)
        found.append(replace(clip, path=path))
    return found


def evaluated(
    clips: list[Entry], scores: Sequence[float | None], *, trained_on: tuple[str, ...] = ()
) -> evaluate.Evaluation:
    given = dict(zip((clip.name for clip in clips), scores, strict=False))
    model = FakeModel(given, trained_on=trained_on)
    return evaluate.evaluate(cast("ModelPredictor", model), clips)


def test_the_worst_mistakes_come_first(clips: list[Entry]) -> None:
    found = evaluated(clips, [0.4, 0.1, 0.2, 0.8])

    assert [clip.entry.name for clip in found.mistakes()] == ["1.mp4", "3.mp4", "0.mp4"]


def test_a_score_at_the_threshold_is_a_hint(clips: list[Entry]) -> None:
    found = evaluated(clips, [0.5, 0.6, 0.5, 0.1])

    assert [clip.entry.name for clip in found.mistakes()] == ["2.mp4"]


def test_groups_with_mistakes_come_first(clips: list[Entry]) -> None:
    ann, bob = evaluated(clips, [0.9, 0.4, 0.1, 0.2]).groups

    assert (ann.name, ann.clips, ann.mistakes) == ("ann", 2, 1)
    assert (ann.counts.true_positives, ann.counts.false_negatives) == (1, 1)
    assert (bob.name, bob.counts.true_negatives, bob.mistakes) == ("bob", 2, 0)


def test_clips_that_share_no_group_have_none(clips: list[Entry]) -> None:
    alone = [replace(clip, group=clip.name) for clip in clips]

    found = evaluated(alone, [0.9, 0.4, 0.1, 0.2])

    assert found.groups == ()
    assert found.warnings == ()


def test_intervals_come_from_whole_groups(clips: list[Entry]) -> None:
    many = clips * 25
    alone = [replace(clip, group=str(number)) for number, clip in enumerate(many)]
    scores = [0.9, 0.8, 0.1, 0.7]

    by_group, by_clip = (evaluated(found, scores).metrics["accuracy"] for found in (many, alone))

    assert by_group.low == 0.5  # Bob alone
    assert by_clip.low == pytest.approx(0.657, abs=0.001)  # Wilson, 75 of 100


def test_few_people_are_a_warning(clips: list[Entry]) -> None:
    (warning,) = evaluated(clips, [0.9, 0.4, 0.1, 0.2]).warnings

    assert "2 people" in warning


def test_clips_of_the_training_make_the_metrics_leaky(clips: list[Entry]) -> None:
    seen = hashlib.sha256(b"0.mp4").hexdigest()

    found = evaluated(clips, [0.9, 0.4, 0.1, 0.2], trained_on=(seen,))

    assert [clip.in_training for clip in found.scored] == [True, False, False, False]
    assert "1 of these 4 clips" in found.warnings[0]
    assert "leaky" in found.warnings[0]


def test_collections_of_one_label_are_a_warning(clips: list[Entry]) -> None:
    elsewhere = [*clips[:3], replace(clips[3], source="street")]

    found = evaluated(elsewhere, [0.9, 0.4, 0.1, 0.2])

    assert "1 clips come from collections that hold one label only" in found.warnings[0]


def test_clips_with_a_note_are_a_warning(clips: list[Entry]) -> None:
    doubtful = [*clips[:3], replace(clips[3], note="label conflict")]

    found = evaluated(doubtful, [0.9, 0.4, 0.1, 0.2])

    assert found.warnings[0].startswith("1 clips count though")


def test_what_can_not_be_read_is_listed_and_not_scored(clips: list[Entry]) -> None:
    found = evaluated(clips, [0.9, 0.4, 0.1])

    assert [clip.entry.name for clip in found.unreadable] == ["3.mp4"]
    assert len(found.scored) == 3
    assert "1 of 4 clips" in found.warnings[-1]


def test_nothing_readable_is_nothing_to_measure(clips: list[Entry]) -> None:
    with pytest.raises(evaluate.NothingToMeasureError, match="None of the clips gets a score"):
        evaluated(clips, [])


def test_a_theft_without_a_result_is_a_miss(clips: list[Entry]) -> None:
    found = evaluated(clips, [0.9, None, 0.1, 0.2])

    assert [(clip.entry.name, clip.reason) for clip in found.unscored] == [
        ("1.mp4", "Nobody could be seen.")
    ]
    assert (found.counts.true_positives, found.counts.false_negatives) == (1, 1)
    assert found.metrics["recall"].value == 0.5
    assert found.groups[0].counts.false_negatives == 1


def test_an_ordinary_clip_without_a_result_got_no_hint(clips: list[Entry]) -> None:
    found = evaluated(clips, [0.9, 0.8, 0.7, None])

    assert found.counts.true_negatives == 1
    assert found.metrics["specificity"].value == 0.5


def test_clips_without_a_result_have_no_part_in_metrics_of_scores(clips: list[Entry]) -> None:
    all_scored, some = (
        evaluated(clips[:3], [0.9, 0.4, 0.6]),
        evaluated(clips, [0.9, 0.4, 0.6, None]),
    )

    for figure in ("auc", "brier", "ece"):
        assert some.metrics[figure].value == all_scored.metrics[figure].value


def test_clips_without_a_result_are_a_warning(clips: list[Entry]) -> None:
    found = evaluated(clips, [0.9, None, 0.1, 0.2])

    assert "1 of 4 clips get no result" in found.warnings[-1]
    written = json.loads(evaluate.to_json(found))
    assert written["clips_without_result"] == 1
    assert written["no_result"] == [
        {"path": "1.mp4", "label": "shoplifter", "reason": "Nobody could be seen."}
    ]


def test_nothing_to_judge_anywhere_is_nothing_to_measure(clips: list[Entry]) -> None:
    with pytest.raises(evaluate.NothingToMeasureError):
        evaluated(clips, [None] * 4)


def test_the_file_has_every_score_and_every_group(clips: list[Entry]) -> None:
    found = json.loads(evaluate.to_json(evaluated(clips, [0.9, 0.4, 0.1])))

    assert [clip["score"] for clip in found["predictions"]] == [0.9, 0.4, 0.1]
    assert [group["group"] for group in found["groups"]] == ["ann", "bob"]
    assert found["unreadable"] == [{"path": "3.mp4", "reason": "The file is empty."}]
    assert found["recall"]["value"] == 0.5
