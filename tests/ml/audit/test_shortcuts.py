"""A model of movement passes for one, and a model of people or looks does not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from tests.makers.datasets import people
from video_classifier.ml.audit import shortcuts
from video_classifier.ml.audit.shortcuts import IdentityShare, Score, Version, VersionResult
from video_classifier.ml.contracts import Floats, Image

RANDOM = np.random.default_rng(1)


# Who is in a clip


def measured(targets: list[int], logits: Floats, groups: list[str]) -> IdentityShare:
    found = shortcuts.identity_share(np.array(targets), expit(np.array(logits)), groups)
    assert found is not None
    return found


def test_the_share_is_eta_squared_where_all_have_one_label() -> None:
    """Around the mean 3 the squares are 9 + 1 + 1 + 9, between the means 1 and 5 they are 16."""
    found = measured([1] * 4, np.array([0.0, 2, 4, 6]), ["Ada", "Ada", "Bob", "Bob"])

    assert found.share == pytest.approx(16 / 20)
    # Of the ways to deal the four logits to two people 2 of 6 give 16, 2 give 4 and 2 give 0.
    assert found.by_chance == pytest.approx((16 + 4 + 0) / 3 / 20, abs=0.02)
    assert found.p_value == pytest.approx(1 / 3, abs=0.05)
    assert (found.clips, found.people) == (4, 2)


def test_a_model_of_people_is_explained_by_them() -> None:
    groups = [f"person {number}" for number in range(6) for _ in range(4)]
    logits = np.repeat([-3.0, -2, -1, 1, 2, 3], 4)

    found = measured([0, 1] * 12, logits, groups)

    assert found.share == pytest.approx(1)
    assert found.corrected == pytest.approx(1)
    assert found.p_value < 0.001
    assert "explains 100% of the variance" in found.sentence


def test_a_model_of_acts_is_not_explained_by_who_has_more_thefts() -> None:
    """Ada mostly has thefts and Bob ordinary clips: the label explains what people seem to."""
    targets = [1] * 19 + [0] + [0] * 19 + [1]
    groups = ["Ada"] * 20 + ["Bob"] * 20
    logits = 6 * np.array(targets) - 3 + np.random.default_rng(4).normal(size=40)

    found = measured(targets, logits, groups)

    assert np.corrcoef(logits, [group == "Ada" for group in groups])[0, 1] ** 2 > 0.5
    assert found.corrected < 0.1
    assert found.sentence == ""


def test_many_people_with_few_clips_explain_nothing_beyond_chance() -> None:
    groups = [f"person {number}" for number in range(20) for _ in range(2)]

    found = measured([0, 1] * 20, RANDOM.normal(size=40), groups)

    assert found.share > 0.3
    assert found.p_value > 0.05
    assert found.sentence == ""


@pytest.mark.parametrize("scores", [[0.9, 0.1, 0.9, 0.1], [0.5] * 4])
def test_scores_that_vary_with_the_label_alone_have_no_share(scores: list[float]) -> None:
    targets = np.array([1, 0, 1, 0])

    assert shortcuts.identity_share(targets, np.array(scores), ["Ada", "Ada", "Bob", "Bob"]) is None


def test_people_with_one_clip_each_have_no_share() -> None:
    assert (
        shortcuts.identity_share(np.array([1, 0, 1]), np.array([0.9, 0.2, 0.4]), list("abc"))
        is None
    )


# What people look like

ENTRIES = people(6)


def window(*, moves: bool, color: tuple[int, int, int]) -> Image:
    """(1, 8, 16, 16, 3): a colored square on noise, which stands still or moves."""
    frames = np.random.default_rng(2).integers(0, 40, (8, 16, 16, 3)).astype(np.uint8)
    frames[:] = frames[0]
    for number, frame in enumerate(frames):
        left = number if moves else 4
        frame[4:12, left : left + 8] = color
    return frames[np.newaxis]


def by_movement(windows: Image) -> Floats:
    return np.asarray(
        expit(np.abs(np.diff(windows.astype(float), axis=1)).mean(axis=(1, 2, 3, 4)) - 2)
    )


def by_looks(windows: Image) -> Floats:
    return np.asarray(windows[..., 0].mean(axis=(1, 2, 3)) / 255)


def by_color(windows: Image) -> Floats:
    redness = windows[..., 0].astype(float) - windows[..., 2]
    return np.asarray(expit(redness.mean(axis=(1, 2, 3)) / 20))


def results(
    score: Score, *, color: tuple[int, int, int] = (200, 200, 200)
) -> dict[Version, VersionResult]:
    """Thefts move, are brighter, and have `color`."""
    scores = [
        shortcuts.version_scores(
            window(moves=bool(entry.target), color=color if entry.target else (90, 90, 90)), score
        )
        for entry in ENTRIES
    ]
    return {result.version: result for result in shortcuts.appearance(ENTRIES, scores)}


def test_a_model_of_movement_loses_still_pictures_and_nothing_else() -> None:
    found = results(by_movement)

    aucs = {version: result.auc.value for version, result in found.items()}
    assert aucs == dict.fromkeys(Version, 1.0) | {Version.STILL: 0.5}
    assert found[Version.STILL].drop.value == 0.5
    assert shortcuts.appearance_sentences(list(found.values())) == ()


def test_a_model_of_looks_keeps_still_pictures() -> None:
    found = results(by_looks)

    assert found[Version.STILL].auc.value == 1
    assert found[Version.STILL].drop.value == 0
    (sentence,) = shortcuts.appearance_sentences(list(found.values()))
    assert "On one still picture, repeated, it reaches AUC 1.00 of 1.00" in sentence


def test_a_model_of_colors_loses_gray_pictures() -> None:
    found = results(by_color, color=(200, 90, 60))

    assert found[Version.GRAY].auc.value == 0.5
    sentences = shortcuts.appearance_sentences(list(found.values()))
    assert "Without color its AUC falls from 1.00 to 0.50: it judges by colors." in sentences


def test_of_a_model_that_guesses_nothing_is_said() -> None:
    found = results(lambda windows: np.full(len(windows), 0.5))

    assert shortcuts.appearance_sentences(list(found.values())) == ()


def test_a_clip_is_scored_by_its_best_window_unless_there_is_another_rule() -> None:
    windows = np.concatenate([window(moves=moves, color=(200, 0, 0)) for moves in (True, False)])

    best = shortcuts.version_scores(windows, by_movement)
    mean = shortcuts.version_scores(windows, by_movement, combine=np.mean)

    assert best[Version.ORIGINAL] == by_movement(windows).max()
    assert mean[Version.ORIGINAL] == by_movement(windows).mean()


@pytest.mark.parametrize("of", Version)
def test_a_version_keeps_shape_and_type_and_leaves_the_windows_alone(of: Version) -> None:
    windows = RANDOM.integers(0, 256, (2, 8, 16, 12, 3), np.uint8)
    before = windows.copy()

    found = shortcuts.version(windows, of)

    assert found.shape == windows.shape
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(windows, before)
    assert (of is Version.ORIGINAL) == np.array_equal(found, windows)


def test_versions_do_what_they_say() -> None:
    windows = RANDOM.integers(0, 256, (2, 8, 16, 12, 3), np.uint8)

    gray, blurred, still, shuffled = (
        shortcuts.version(windows, of)
        for of in (Version.GRAY, Version.BLURRED, Version.STILL, Version.SHUFFLED)
    )

    assert (gray == gray[..., :1]).all()
    assert blurred.std() < windows.std() / 2
    assert (still == windows[:, [4]]).all()
    assert (np.sort(shuffled, axis=1) == np.sort(windows, axis=1)).all()
