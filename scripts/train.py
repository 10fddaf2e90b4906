"""Trains a network on a manifest of clips and writes the model's folder.

First the recipe is measured: each clip is scored by a network that has seen nobody in it, and
these scores choose the threshold. Then the model is trained on all clips, but for a few people
whose loss ends the training.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts._lib import console, train_options
from scripts._lib.console import watch
from scripts._lib.train_options import Options
from video_classifier.ml import experiments
from video_classifier.ml.audit.leaks import Audit
from video_classifier.ml.cache import Cache
from video_classifier.ml.data import grouping, manifest, splits
from video_classifier.ml.data.splits import LEAKY, SplitBy
from video_classifier.ml.evaluation import learning_curve, unseen
from video_classifier.ml.experiments import Measured, Provenance
from video_classifier.ml.reporting import card_text
from video_classifier.ml.serving.card import Card
from video_classifier.ml.training.recipe import Recipe, design
from video_classifier.ml.training.trainer import Trainer

CURVE_DRAWS = 3  # of people, for each number of them
RESUME = "With --resume the same command goes on from here."


def main(argv: Sequence[str] | None = None) -> int:
    options = train_options.parse(argv, __doc__)
    checkpoints = options.out.absolute().with_name(f".{options.out.name}.unfinished")
    if not options.resume:
        shutil.rmtree(checkpoints, ignore_errors=True)
    try:
        _run(options, checkpoints)
    except experiments.REFUSALS as error:
        console.complain(error)
        return 2
    except OSError as error:
        console.complain(f"{error.filename or options.out} can't be written: {error.strerror}.")
        console.complain(RESUME)
        return 2
    except KeyboardInterrupt:
        console.err.print(f"Stopped. {RESUME}")
        return 130
    shutil.rmtree(checkpoints, ignore_errors=True)
    return 0


def _run(options: Options, checkpoints: Path) -> None:
    recipe, plan = _recipe(options), options.plan
    cache = Cache(options.cache, warn=watch.warn)
    entries, held_out = splits.hold_out_sources(
        manifest.for_training(manifest.read(options.manifest)),
        sources=options.test_only,
        halves=options.test_half,
        seed=options.settings.seed,
    )
    footage, unreadable = experiments.decode(
        recipe, entries, detector=options.detector, cache=cache, watch=watch
    )
    for clip in unreadable:
        watch.warn(f"Left out: {clip.entry.path.name}: {clip.reason}")
    trainer = Trainer(
        recipe,
        footage,
        backbone_weights=options.backbone_weights,
        cache=cache,
        checkpoints=Cache(checkpoints, warn=watch.warn),
    )
    if options.learning_curve:
        _show_curve(trainer, options.learning_curve)
        return
    if options.shortcuts:
        for result in experiments.measure_shortcuts(trainer, plan, watch=watch):
            console.out.print(f"{result.version:20} ROC AUC {result.auc}, drop {result.drop}")
        return
    found = _audit(options, trainer) if options.audit else None
    if options.resume and not trainer.can_resume:
        watch.warn("Nothing of this training was kept: it starts from the beginning.")
    measured = experiments.measure(trainer, plan, watch=watch) if plan.folds != 0 else None
    if measured and plan.split is SplitBy.RANDOM:
        _show_leaky(measured)
        return
    trained = experiments.train(trainer, watch=watch)
    provenance = Provenance(manifest=options.manifest, left_out=len(unreadable), audit=found)
    card = experiments.publish(
        options.out,
        trained,
        provenance,
        measured,
        threshold=plan.threshold,
        windows=[clip.inputs[0] for clip in footage],
        watch=watch,
    )
    card = experiments.keep_old_footage(options.out, trainer, trained, measured)
    if held_out:
        card = experiments.measure_held_out(
            options.out, held_out, detector=options.detector, whole=options.test_only, watch=watch
        )
    _show(card)


def _recipe(options: Options) -> Recipe:
    """Raises what would fail hours later: UnknownNetworkError, RecipeError, WeightsError."""
    view, size, difference = options.view, options.size, options.min_difference
    recipe = design(
        options.network, options.settings, view=view, size=size, min_difference=difference
    )
    weights = options.backbone_weights
    recipe.check(weights)
    if not options.mixed_precision:
        return recipe
    return experiments.choose_precision(recipe, backbone_weights=weights, watch=watch)


def _audit(options: Options, trainer: Trainer) -> Audit:
    clips = [entry.path for entry in trainer.entries]
    folders = options.manifest.parent, Path()
    duplicates = grouping.read_duplicates(options.duplicates, clips, folders=folders)
    return experiments.audit(trainer, duplicates=duplicates, by=options.plan.split, watch=watch)


def _show_curve(trainer: Trainer, file: Path) -> None:
    people = len(learning_curve.people_of(trainer))
    counts = sorted({*range(2, people - 1, 2), people - 1})
    points = learning_curve.measure(trainer, counts, draws=CURVE_DRAWS, watch=watch)
    learning_curve.write(file, points)
    for count, figure in unseen.learning_curve(points).items():
        console.out.print(f"{count:3} people: ROC AUC {figure}")


def _show_leaky(measured: Measured) -> None:
    """As if each clip stood alone, so that everybody sees what that does."""
    for name, figure in measured.metrics.items():
        console.out.print(f"{LEAKY} {name:22} {figure}")
    watch.warn("These figures are leaky: the test shows people of the training. No model is kept.")


def _show(card: Card) -> None:
    watch.report(f"Wrote {card.name}: {card.parameters:,} parameters. {card.measured}")
    for name, figure in card.metrics.items():
        watch.report(f"  {name:22} {figure}")
    for limit in card.limits[len(card_text.limits(card.spec)) :]:
        watch.warn(limit)


if __name__ == "__main__":
    sys.exit(main())
