"""Runs the shortcut tests on a model as it is served."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

from video_classifier.ml.audit import shortcuts
from video_classifier.ml.audit.shortcuts import IdentityShare, Version, VersionResult
from video_classifier.ml.contracts import Floats, Image, Outcome
from video_classifier.ml.data.footage import clip_sha256, each
from video_classifier.ml.data.manifest import Entry, for_testing
from video_classifier.ml.evaluation.cross_validation import in_domain
from video_classifier.ml.evaluation.evaluate import NothingToMeasureError
from video_classifier.ml.evaluation.score_table import ScoreTable
from video_classifier.ml.serving.predictor import ModelPredictor


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAudit:
    """The result of the shortcut tests."""

    model: str
    clips: int
    in_training: int  # of the clips: on these the figures are flattered
    without_result: int
    appearance: tuple[VersionResult, ...]
    identity: IdentityShare | None  # of the scores of these clips, by recording
    identity_unseen: IdentityShare | None  # of out-of-fold scores, by recording

    def sentences(self) -> Iterator[str]:
        """What was found, for people who use the model."""
        if self.in_training:
            yield (
                f"{self.in_training} of these {self.clips} clips were used to train the model: "
                "the AUCs are flattered. How they compare with each other is not."
            )
        yield from shortcuts.appearance_sentences(self.appearance)
        found = self.identity_unseen or self.identity
        if found and found.sentence:
            yield found.sentence


def scored_entries(entries: Sequence[Entry]) -> list[Entry]:
    """Those that the tests are of: for testing, and from sources of both labels."""
    used = for_testing(entries)
    return list(compress(used, in_domain(used)))


def examine(
    model: ModelPredictor,
    entries: Sequence[Entry],
    *,
    unseen: ScoreTable | None = None,
    advance: Callable[[], None] = lambda: None,
) -> ModelAudit:
    """Scores changed versions of each clip. Raises NothingToMeasureError.

    What is changed are the windows that the model looked at: of each track that by which it was
    scored. `unseen` has out-of-fold scores of the model's recipe. `advance` is called once for
    each of the entries.
    """
    trained_on = set(model.card.training.get("clips_sha256", ()))

    def score(windows: Image) -> Floats:
        return np.array([model.score(window) for window in windows])

    def versions(entry: Entry) -> tuple[Entry, dict[Version, float], bool] | None:
        windows = _windows(model.analyze(entry.path))
        if windows is None:
            return None
        known = clip_sha256(entry.path) in trained_on
        return entry, shortcuts.version_scores(windows, score), known

    results, unreadable = each(entries, versions, advance)
    found = [result for result in results if result is not None]
    if len({entry.label for entry, _, _ in found}) < 2:  # noqa: PLR2004
        msg = "The clips with a result have one label only, so there is nothing to compare."
        raise NothingToMeasureError(msg)
    clips, scores, known = zip(*found, strict=True)
    return ModelAudit(
        model=model.name,
        clips=len(clips),
        in_training=sum(known),
        without_result=len(results) - len(found) + len(unreadable),
        appearance=shortcuts.appearance(clips, scores),
        identity=_identity(_table(clips, [each[Version.ORIGINAL] for each in scores])),
        identity_unseen=_identity(unseen) if unseen else None,
    )


def _windows(outcome: Outcome) -> Image | None:
    """(n, frames, h, w, 3) RGB uint8: one of each track, or the clip's; None without a result."""
    if outcome.prediction is None:
        return None
    if not outcome.tracks:
        return outcome.sample.images[np.newaxis]
    return np.stack([track.images for track in outcome.tracks])


def _table(entries: Sequence[Entry], scores: Sequence[float]) -> ScoreTable:
    return ScoreTable(
        entries=tuple(entries), scores=np.array(scores), thresholds=np.full(len(scores), 0.5)
    )


def _identity(table: ScoreTable) -> IdentityShare | None:
    recordings = table.where(in_domain(table.entries)).by_recording()
    return shortcuts.identity_share(recordings.targets, recordings.scores, recordings.groups)
