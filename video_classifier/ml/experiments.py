"""Measures, trains and publishes a recipe: the whole way from a table of clips to a model's folder.

The steps, in order: `decode` the clips, make a `Trainer`, `audit` its clips, `measure` the recipe
by cross-validation on people whom its networks have not seen, `train` the model on all clips, and
`publish` it. Scripts and notebooks call these; docs/train-from-python.md shows how.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from video_classifier.ml.audit import file_facts, leaks, shortcuts
from video_classifier.ml.audit.leaks import Audit
from video_classifier.ml.audit.shortcuts import VersionResult
from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import Floats, Image, Region
from video_classifier.ml.data import splits
from video_classifier.ml.data.footage import Footage, Unreadable, read_footage
from video_classifier.ml.data.grouping import Duplicates
from video_classifier.ml.data.manifest import Entry, ManifestError
from video_classifier.ml.data.splits import SplitBy, TooFewGroupsError, UnknownSourceError
from video_classifier.ml.evaluation import (
    calibration,
    cross_validation,
    evaluate,
    score_table,
    unseen,
)
from video_classifier.ml.evaluation.calibration import Calibration
from video_classifier.ml.evaluation.cross_validation import FALSE_ALARMS, OutOfFold
from video_classifier.ml.evaluation.evaluate import Evaluation, NothingToMeasureError, ScoredClip
from video_classifier.ml.evaluation.score_table import ScoreTable
from video_classifier.ml.networks import SpecError, UnknownNetworkError, precision
from video_classifier.ml.networks.precision import NotFiniteError
from video_classifier.ml.networks.pretrained import Pretrained, WeightsError
from video_classifier.ml.persons import loading as detectors
from video_classifier.ml.persons.detector import DetectorError
from video_classifier.ml.reporting import card_text, plots
from video_classifier.ml.serving import bundle, events, loading
from video_classifier.ml.serving.card import BundleError, Card, Interval
from video_classifier.ml.training import export, old_footage
from video_classifier.ml.training.export import ExportError
from video_classifier.ml.training.history import History
from video_classifier.ml.training.recipe import Recipe, RecipeError, temperature_of
from video_classifier.ml.training.trainer import Trainer
from video_classifier.ml.watch import UNWATCHED, Watch

if TYPE_CHECKING:
    import keras

# What stops an experiment and can be put right; the message, a sentence, says how.
REFUSALS = (
    BundleError,
    DetectorError,
    ManifestError,
    NothingToMeasureError,
    NotFiniteError,
    RecipeError,
    SpecError,
    TooFewGroupsError,
    UnknownNetworkError,
    UnknownSourceError,
    WeightsError,
)

SCORES_FILE = "unseen.csv"
ROC_FILE = "roc.png"
TRAINING_FILE = "course.png"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a recipe is measured, and how its threshold is chosen."""

    folds: int | None = 5  # 2 or more; None: leave out one group at a time
    false_alarms: float = 0.05  # share of ordinary clips that may get a hint, at most
    threshold: float | None = None  # take this one, 0 to 1, instead of choosing one
    split: SplitBy = SplitBy.GROUP  # whatever a random split measures is leaky


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A recipe on people whom its networks have not seen."""

    plan: Plan
    entries: tuple[Entry, ...]
    out_of_fold: OutOfFold  # out-of-fold scores, and what was calibrated on them
    metrics: Mapping[str, Interval]

    @property
    def calibration(self) -> Calibration:
        """Temperature and threshold for a network that is trained on all clips."""
        return self.out_of_fold.calibration

    @property
    def table(self) -> ScoreTable:
        """The clips with their out-of-fold scores and thresholds."""
        return ScoreTable(
            entries=self.entries,
            scores=self.out_of_fold.scores,
            thresholds=self.out_of_fold.thresholds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A network, and how it was trained."""

    recipe: Recipe
    entries: tuple[Entry, ...]  # that it was trained on or validated by
    network: keras.Model
    history: History


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the clips of a model came from, for its card."""

    manifest: Path  # the card has its SHA-256
    left_out: int = 0  # clips of the manifest in which there was nothing to look at
    audit: Audit | None = None


def choose_precision(
    recipe: Recipe, *, backbone_weights: str | Path | None, watch: Watch = UNWATCHED
) -> Recipe:
    """The recipe with the dtype policy that trains fastest on this machine."""
    from video_classifier.ml import networks

    only_head = backbone_weights is not None and networks.is_pretrained(recipe.network)
    only_head = only_head and not recipe.settings.fine_tune

    def learner() -> keras.Model:
        network = networks.build(recipe.network, recipe.spec)
        return network.get_layer("head") if only_head else network

    policy = precision.fastest(learner)
    watch.report(
        "Computing in float32: 16 bits are not faster for this network on this machine."
        if policy == precision.PLAIN
        else f"Computing in {policy}."
    )
    return replace(recipe, settings=replace(recipe.settings, precision=policy))


def decode(
    recipe: Recipe,
    entries: Sequence[Entry],
    *,
    detector: Path | None = None,
    cache: Cache | None = None,
    watch: Watch = UNWATCHED,
) -> tuple[tuple[Footage, ...], tuple[Unreadable, ...]]:
    """The clips as the recipe's network takes them, and those that can't be used.

    `detector` is the folder or ONNX file of a person detector, for a network of people. Raises
    TooFewGroupsError, unless enough people of both labels can be held back; DetectorError.
    """
    found = detectors.load(detector) if detector and recipe.spec.view is Region.PERSON else None
    footage, unreadable = read_footage(
        entries, recipe.spec, detector=found, cache=cache, watch=watch
    )
    splits.refuse_too_few([clip.entry for clip in footage])
    return footage, unreadable


def audit(
    trainer: Trainer,
    *,
    duplicates: Duplicates = Duplicates(),  # noqa: B008  (frozen)
    by: SplitBy = SplitBy.GROUP,
    watch: Watch = UNWATCHED,
) -> Audit:
    """Leaks and shortcut baselines of the clips; `watch` is warned of each that was found."""
    with watch.task("Measuring shortcut baselines", leaks.BASELINES) as advance:
        found = leaks.examine(
            trainer.entries,
            [file_facts.from_frames(clip.entry, clip.inputs[0]) for clip in trainer.footage],
            duplicates=duplicates,
            by=by,
            seed=trainer.recipe.settings.seed,
            backbone_weights=_weights_for_frames(trainer),
            advance=advance,
        )
    for sentence in (*(leak.sentence for leak in found.leaks), *found.warnings):
        watch.warn(sentence)
    return found


def _weights_for_frames(trainer: Trainer) -> str | Path | None:
    """Those of MobileNetV2, if the network starts from them: they turn one frame into features."""
    from video_classifier.ml import networks

    takes = networks.pretrained_of(trainer.recipe.network)
    return trainer.backbone_weights if takes is Pretrained.MOBILENETV2 else None


def measure(trainer: Trainer, plan: Plan, *, watch: Watch = UNWATCHED) -> Measured:
    """Scores every clip by a network that was trained without its group, and calibrates.

    A clip's threshold and temperature are chosen on the other folds. `watch` gets a FoldScored
    for each. Raises TooFewGroupsError and NotFiniteError.
    """
    entries = splits.regrouped(trainer.entries, plan.split)
    folds = cross_validation.make_folds(
        entries, count=plan.folds, seed=trainer.recipe.settings.seed
    )
    scores = cross_validation.out_of_fold_scores(trainer, folds, watch=watch)
    out_of_fold = cross_validation.calibrated(
        entries,
        scores,
        folds,
        false_alarms=plan.false_alarms,
        threshold=plan.threshold,
        # A temperature would be the network's, whose scores are of windows and not of clips.
        temperature=1.0 if trainer.recipe.spec.rate else None,
    )
    metrics = cross_validation.out_of_fold_metrics(
        entries, out_of_fold.scores, threshold=out_of_fold.thresholds
    )
    measured = Measured(plan=plan, entries=tuple(entries), out_of_fold=out_of_fold, metrics=metrics)
    return replace(measured, metrics={**metrics, **unseen.recording_metrics([measured.table])})


def measure_shortcuts(
    trainer: Trainer, plan: Plan, *, watch: Watch = UNWATCHED
) -> tuple[VersionResult, ...]:
    """What a recipe's networks make of changed pictures of people whom they have not seen.

    Each clip of a source with both labels is scored in every version, see `audit.shortcuts`, by a
    network that was trained without its group. Raises TooFewGroupsError and NotFiniteError.
    """
    best = trainer.recipe.settings.best_windows
    inside = cross_validation.in_domain(trainer.entries)
    seed = trainer.recipe.settings.seed
    folds = cross_validation.make_folds(trainer.entries, count=plan.folds, seed=seed)
    entries, scores = [], []
    trainer.prepare(watch)
    with watch.task("Scoring changed clips without each fold in turn", int(inside.sum())) as done:
        for fold in folds:
            network, _ = trainer.fit(fold.train, fold.validation)
            for row in fold.test[inside[fold.test]]:
                clip = trainer.footage[row]
                entries.append(clip.entry)
                scores.append(
                    shortcuts.version_scores(
                        clip.inputs,
                        partial(_predicted, network),
                        combine=partial(_of_clip, clip.windows, best),
                    )
                )
                done()
    return shortcuts.appearance(entries, scores)


def _predicted(network: keras.Model, windows: Image) -> Floats:
    return np.array([network.predict_on_batch(each[np.newaxis])[0, 0] for each in windows])


def _of_clip(windows: Floats, best: int, scores: Floats) -> float:
    return events.clip_score(scores, *windows.T, best=best)


def train(trainer: Trainer, *, watch: Watch = UNWATCHED) -> Trained:
    """The model: trained on all clips, but for a few people if their loss is to end it.

    Raises NotFiniteError.
    """
    subsets = splits.hold_out(trainer.entries, seed=trainer.recipe.settings.seed)
    network, history = trainer.fit(*subsets, watch=watch)
    return Trained(recipe=trainer.recipe, entries=trainer.entries, network=network, history=history)


def publish(  # noqa: PLR0913
    folder: Path,
    trained: Trained,
    provenance: Provenance,
    measured: Measured | None = None,
    *,
    threshold: float | None = None,
    windows: Sequence[Image] = (),
    watch: Watch = UNWATCHED,
) -> Card:
    """Writes the model's folder: network, card, plots and out-of-fold scores. Raises OSError.

    If the recipe was not `measured` the card has no metrics; then its threshold is `threshold`,
    or 0.5. An export to LiteRT is served if it scores like the network on `windows`, inputs of
    the network, and on made ones; if not, Keras serves the model, and `watch` is warned.
    """
    from video_classifier.ml import networks

    recipe, entries = trained.recipe, trained.entries
    chosen = measured.calibration if measured else Calibration(threshold=threshold or 0.5)
    metrics = measured.metrics if measured else {}
    leaky = provenance.audit.sentences(metrics.get("auc")) if provenance.audit else ()
    card = Card(
        name=folder.name,
        network=recipe.network,
        summary=card_text.summary(recipe.network),
        spec=recipe.spec,
        threshold=chosen.threshold,
        created=datetime.now(UTC).date().isoformat(),
        metrics=metrics,
        best_windows=recipe.settings.best_windows,
        confidence=(
            cross_validation.out_of_fold_confidence(measured.entries, measured.out_of_fold.scores)
            if measured
            else None
        ),
        measured=_how_measured(trained, chosen, measured, left_out=provenance.left_out),
        limits=(*card_text.limits(recipe.spec), *leaky),
        training=card_text.training_facts(
            provenance.manifest,
            entries,
            recipe.settings,
            trained.history,
            temperature=chosen.temperature,
        ),
    )
    network = calibration.with_temperature(trained.network, chosen.temperature)
    card = bundle.save(folder, network, card)
    if not networks.has_linear_head(recipe.network):
        plots.save_training(trained.history, folder / TRAINING_FILE)
    if measured:
        score_table.write(folder / SCORES_FILE, [measured.table])
        plots.save_roc(measured.entries, measured.out_of_fold.scores, folder / ROC_FILE)
    return _exported(folder, card, windows, watch)


def _exported(folder: Path, card: Card, windows: Sequence[Image], watch: Watch) -> Card:
    """The card with the export that is served, if there can be one."""
    try:
        return export.export(folder, windows)
    except ExportError as error:
        watch.warn(f"{error} Keras serves it.")
        return card


def keep_old_footage(
    folder: Path, trainer: Trainer, trained: Trained, measured: Measured | None
) -> Card:
    """Puts features of what a linear head was fitted to beside the published model.

    Heads that learn from a store's reviews are tested on them. Of another network the card stays
    as it is. Raises OSError and BundleError.
    """
    card = bundle.read_card(folder)
    if not trainer.is_linear:
        return card
    scores = measured.out_of_fold.scores if measured else None
    return old_footage.keep(folder, card, trainer.old_footage(trained.network, scores))


def measure_held_out(
    folder: Path,
    held_out: Sequence[Entry],
    *,
    detector: Path | None = None,
    whole: Sequence[str] = (),
    watch: Watch = UNWATCHED,
) -> Card:
    """Puts the model's own false alarms on sources that were held out of training onto its card.

    Of the sources in `whole` all clips were held out, of others about half.
    """
    model = loading.load(folder, detector=detector)
    metrics, sentences = dict(model.card.metrics), [model.card.measured]
    with watch.task("Testing on the clips held out", len(held_out)) as advance:
        for source in dict.fromkeys(entry.source for entry in held_out):
            clips = [entry for entry in held_out if entry.source == source]
            tested = evaluate.evaluate(model, clips, advance=advance)
            specificity = tested.metrics.get("specificity", Interval(value=None))
            metrics[f"{FALSE_ALARMS}{source}"] = cross_validation.complement(specificity)
            sentences.append(
                card_text.how_kept_apart(
                    source,
                    clips=len(tested.scored) + len(tested.unscored),
                    half=source not in whole,
                )
            )
    card = replace(model.card, metrics=metrics, measured=" ".join(sentences))
    bundle.write_card(folder, card)
    return card


def evaluate_recipe(  # noqa: PLR0913
    card: Card,
    entries: Sequence[Entry],
    *,
    backbone_weights: str | Path | None = None,
    detector: Path | None = None,
    cache: Cache | None = None,
    watch: Watch = UNWATCHED,
) -> Evaluation:
    """Scores each group by a network that was trained like the model, on all other groups.

    Raises BundleError if the card has no recipe; WeightsError before a clip is decoded.
    """
    recipe = Recipe.of(card)
    recipe.check(backbone_weights)
    footage, unreadable = decode(recipe, entries, detector=detector, cache=cache, watch=watch)
    trainer = Trainer(recipe, footage, backbone_weights=backbone_weights, cache=cache)
    folds = cross_validation.make_folds(trainer.entries, count=None, seed=recipe.settings.seed)
    scores = cross_validation.out_of_fold_scores(trainer, folds, watch=watch)
    shown = calibration.tempered(scores, temperature_of(card))
    return evaluate.summarize(
        name=f"{card.name}'s recipe",
        sha256=card.sha256,
        threshold=card.threshold,
        scored=[
            ScoredClip(entry=entry, score=float(score), in_training=False)
            for entry, score in zip(trainer.entries, shown, strict=True)
        ],
        unreadable=unreadable,
    )


def _how_measured(
    trained: Trained, chosen: Calibration, measured: Measured | None, *, left_out: int
) -> str:
    """For the card, in sentences."""
    entries, plan = trained.entries, measured.plan if measured else Plan(folds=0)
    sentences = (
        card_text.how_measured(entries, trained.recipe.settings, folds=plan.folds),
        unseen.HOW_BY_RECORDING
        if measured and any(name.endswith(unseen.BY_RECORDING) for name in measured.metrics)
        else "",
        card_text.how_left_out(left_out),
        card_text.how_chosen(entries, chosen, false_alarms=plan.false_alarms)
        if measured and plan.threshold is None
        else "The threshold was not chosen on any clips.",
    )
    return " ".join(filter(None, sentences))
