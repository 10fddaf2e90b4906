"""Trains a network on a manifest of clips and writes the model's folder.

First the recipe is measured: each clip is scored by a network that has seen nobody in it, and
these scores choose the threshold. Then the model is trained, on all clips but those of a few
people, who decide when it stops.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from scripts._lib import console, train_options
from video_classifier.ml.audit import file_facts, leaks
from video_classifier.ml.audit.leaks import Audit
from video_classifier.ml.cache import Cache
from video_classifier.ml.contracts import ClipSpec, View
from video_classifier.ml.data import grouping, manifest, splits
from video_classifier.ml.data.footage import Footage, read_footage
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.data.splits import LEAKY, SplitBy
from video_classifier.ml.evaluation import cross_validation, evaluate
from video_classifier.ml.evaluation.calibration import Calibration, with_temperature
from video_classifier.ml.evaluation.cross_validation import FALSE_ALARMS, Unseen
from video_classifier.ml.networks import precision
from video_classifier.ml.networks.pretrained import WeightsError
from video_classifier.ml.persons import loading as detectors
from video_classifier.ml.persons.detector import Detector, DetectorError
from video_classifier.ml.reporting import card_text, plots
from video_classifier.ml.serving import bundle, loading
from video_classifier.ml.serving.card import Card, Interval
from video_classifier.ml.training.recipe import Recipe
from video_classifier.ml.training.settings import TrainingSettings
from video_classifier.ml.training.trainer import Trainer

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A recipe on people that its networks have not seen."""

    unseen: Unseen
    metrics: Mapping[str, Interval]


class OptionError(Exception):
    """The network can't be trained so, and the message says why."""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = train_options.parse(argv, __doc__)
    unfinished = arguments.out.absolute().with_name(f".{arguments.out.name}.unfinished")
    if not arguments.resume:
        shutil.rmtree(unfinished, ignore_errors=True)
    try:
        _train(arguments, Cache(unfinished, complain=console.warn))
    except (
        manifest.ManifestError,
        splits.TooFewGroupsError,
        DetectorError,
        OptionError,
        WeightsError,
        precision.NotFiniteError,
        LookupError,
    ) as error:
        console.complain(error)
        return 2
    except OSError as error:
        console.complain(f"{error.filename or arguments.out} can't be written: {error.strerror}.")
        console.complain("With --resume the same command goes on from here.")
        return 2
    except KeyboardInterrupt:
        console.err.print("Stopped. With --resume the same command goes on from here.")
        return 130
    shutil.rmtree(unfinished, ignore_errors=True)
    return 0


def _train(arguments: argparse.Namespace, unfinished: Cache) -> None:
    spec = _spec(arguments)
    settings = _settings(arguments, spec)
    kept = Cache(arguments.cache, complain=console.warn)
    learning, apart = splits.hold_out_sources(
        manifest.for_training(manifest.read(arguments.manifest)),
        sources=arguments.test_only,
        halves=arguments.test_half,
        seed=settings.seed,
    )
    detector = detectors.load(arguments.detector) if spec.view is View.PERSON else None
    footage = _footage(learning, spec, kept, detector)
    entries = [clip.entry for clip in footage]
    audited = _audit(arguments, footage) if arguments.audit else None
    trainer = _trainer(
        arguments, footage, spec=spec, settings=settings, kept=kept, unfinished=unfinished
    )
    if arguments.resume and not trainer.can_resume:
        console.warn("Nothing of this training was kept: it starts from the beginning.")
    if arguments.split is SplitBy.RANDOM:
        _show_leaky(trainer, splits.regrouped(entries, SplitBy.RANDOM), arguments)
        return
    measured = _measure(trainer, entries, arguments) if arguments.folds != 0 else None
    chosen = measured.unseen.shipped if measured else Calibration()
    if arguments.threshold:
        chosen = replace(chosen, threshold=arguments.threshold)
    train, validation = splits.hold_out(entries, seed=settings.seed)
    network, history = trainer.fit(train, validation, watch=console.watch)
    metrics = measured.metrics if measured else {}
    found = audited.sentences(metrics.get("auc")) if audited else ()
    card = bundle.save(
        arguments.out,
        with_temperature(network, chosen.temperature),
        Card(
            name=arguments.out.name,
            network=arguments.network,
            summary=card_text.summary(arguments.network),
            spec=spec,
            threshold=chosen.threshold,
            created=datetime.now(UTC).date().isoformat(),
            metrics=metrics,
            confidence=(
                cross_validation.unseen_confidence(entries, measured.unseen.scores)
                if measured
                else None
            ),
            measured=_how_measured(
                arguments,
                entries,
                chosen,
                left_out=len(learning) - len(entries),
            ),
            limits=(*card_text.LIMITS, *found),
            training=card_text.training_facts(
                arguments.manifest, entries, settings, history, temperature=chosen.temperature
            ),
        ),
    )
    plots.save_training(history, arguments.out / "course.png")
    if measured:
        cross_validation.write_scores(arguments.out / "unseen.csv", entries, measured.unseen)
        plots.save_roc(entries, measured.unseen.scores, arguments.out / "roc.png")
    _tell(_test_apart(arguments, card, apart) if apart else card)


def _spec(arguments: argparse.Namespace) -> ClipSpec:
    from video_classifier.ml import networks

    designed = networks.designed_for(arguments.network)
    view = arguments.view or designed.view
    if arguments.min_difference and view is View.PERSON:
        msg = "Only whole frames can be left out: with --view person leave out --min-difference."
        raise OptionError(msg)
    return replace(
        designed,
        min_difference=arguments.min_difference,
        view=view,
        height=arguments.size or designed.height,
        width=arguments.size or designed.width,
    )


def _settings(arguments: argparse.Namespace, spec: ClipSpec) -> TrainingSettings:
    """With what this machine decides. What would fail hours later is raised here:
    OptionError, WeightsError."""
    from video_classifier.ml import networks

    settings: TrainingSettings = arguments.settings
    name = arguments.network
    frozen = networks.is_pretrained(name)
    if settings.fine_tune and not frozen:
        msg = f"{name} has no pretrained backbone that could be fine-tuned."
        raise OptionError(msg)
    networks.build(name, spec, backbone_weights=arguments.backbone_weights)
    if not arguments.mixed_precision:
        return settings
    only_head = frozen and not settings.fine_tune

    def learner() -> keras.Model:
        network = networks.build(name, spec)
        return network.get_layer("head") if only_head else network

    fastest = precision.fastest(learner)
    console.err.print(
        "Computing in float32: 16 bits are not faster for this network on this machine."
        if fastest == precision.PLAIN
        else f"Computing in {fastest}."
    )
    return replace(settings, precision=fastest)


def _trainer(  # noqa: PLR0913
    arguments: argparse.Namespace,
    footage: Sequence[Footage],
    *,
    spec: ClipSpec,
    settings: TrainingSettings,
    kept: Cache,
    unfinished: Cache,
) -> Trainer:
    return Trainer(
        Recipe(network=arguments.network, spec=spec, settings=settings),
        footage,
        backbone_weights=arguments.backbone_weights,
        cache=kept,
        checkpoints=unfinished,
    )


def _measure(trainer: Trainer, entries: Sequence[Entry], arguments: argparse.Namespace) -> Measured:
    parts = cross_validation.make_folds(entries, count=arguments.folds, seed=arguments.seed)
    scores = cross_validation.unseen_scores(trainer, parts, watch=console.watch)
    share, threshold = arguments.false_alarms, arguments.threshold
    unseen = cross_validation.calibrated(
        entries, scores, parts, false_alarms=share, threshold=threshold
    )
    metrics = cross_validation.unseen_metrics(entries, unseen.scores, threshold=unseen.thresholds)
    return Measured(unseen=unseen, metrics=metrics)


def _show_leaky(trainer: Trainer, alone: Sequence[Entry], arguments: argparse.Namespace) -> None:
    """Measures as if each clip stood alone, so that everybody sees what that does."""
    for name, figure in _measure(trainer, alone, arguments).metrics.items():
        console.out.print(f"{LEAKY} {name:22} {figure}")
    console.warn(
        "These figures are leaky: the test shows people of the training. No model is kept."
    )


def _test_apart(arguments: argparse.Namespace, card: Card, apart: Sequence[Entry]) -> Card:
    """The card with the model's own false alarms on clips that were kept out of training."""
    model = loading.load(arguments.out, detector=arguments.detector)
    metrics, told = dict(card.metrics), [card.measured]
    with console.progress("Testing on what was kept apart", len(apart)) as tick:
        for source in dict.fromkeys(entry.source for entry in apart):
            clips = [entry for entry in apart if entry.source == source]
            found = evaluate.evaluate(model, clips, after_each=tick)
            share = found.metrics.get("specificity", Interval(value=None))
            metrics[f"{FALSE_ALARMS}{source}"] = cross_validation.complement(share)
            half = source not in arguments.test_only
            told.append(
                card_text.how_kept_apart(
                    source, clips=len(found.scored) + len(found.unscored), half=half
                )
            )
    card = replace(card, metrics=metrics, measured=" ".join(told))
    bundle.write_card(arguments.out, card)
    return card


def _how_measured(
    arguments: argparse.Namespace,
    entries: Sequence[Entry],
    calibration: Calibration,
    *,
    left_out: int,
) -> str:
    if arguments.threshold or arguments.folds == 0:
        chosen = "The threshold was not chosen on any clips."
    else:
        chosen = card_text.how_chosen(entries, calibration, false_alarms=arguments.false_alarms)
    told = (
        card_text.how_measured(entries, arguments.settings, folds=arguments.folds),
        card_text.how_left_out(left_out),
        chosen,
    )
    return " ".join(filter(None, told))


def _audit(arguments: argparse.Namespace, footage: Sequence[Footage]) -> Audit:
    from video_classifier.ml import networks

    entries = [clip.entry for clip in footage]
    duplicates = grouping.read_duplicates(
        arguments.duplicates,
        [entry.path for entry in entries],
        folders=(arguments.manifest.parent, Path()),
    )
    pretrained = networks.is_pretrained(arguments.network)
    with console.progress("Measuring what must not suffice", leaks.BASELINES) as tick:
        found = leaks.examine(
            entries,
            [file_facts.from_frames(clip.entry, clip.inputs[0]) for clip in footage],
            duplicates=duplicates,
            by=arguments.split,
            seed=arguments.seed,
            backbone_weights=arguments.backbone_weights if pretrained else None,
            after_each=tick,
        )
    for sentence in (*(leak.sentence for leak in found.leaks), *found.warnings):
        console.warn(sentence)
    return found


def _footage(
    entries: Sequence[Entry], spec: ClipSpec, kept: Cache, detector: Detector | None
) -> Sequence[Footage]:
    footage, unreadable = read_footage(
        entries, spec, detector=detector, cache=kept, watch=console.watch
    )
    for bad in unreadable:
        console.err.print(f"Left out: {bad.entry.path.name}: {bad.reason}", style="yellow")
    splits.refuse_too_few([clip.entry for clip in footage])
    return footage


def _tell(card: Card) -> None:
    console.err.print(f"Wrote {card.name}: {card.parameters:,} parameters. {card.measured}")
    for name, figure in card.metrics.items():
        console.err.print(f"  {name:22} {figure}")
    for limit in card.limits[len(card_text.LIMITS) :]:
        console.warn(limit)


if __name__ == "__main__":
    sys.exit(main())
