"""Trains a network on a manifest of clips and writes the model's folder.

First the recipe is measured: each clip is scored by a network that has seen nobody in it.
Then the model is trained on all clips but those of a few people, who decide when it stops.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from scripts import console
from video_classifier.ml import (
    audit,
    bundle,
    cards,
    crossvalidation,
    dataset,
    grouping,
    looks,
    manifest,
    plots,
    splits,
)
from video_classifier.ml.audit import Audit
from video_classifier.ml.cache import Cache
from video_classifier.ml.clip import ClipSpec
from video_classifier.ml.dataset import Footage
from video_classifier.ml.manifest import Entry
from video_classifier.ml.splits import LEAKY, By
from video_classifier.ml.training import Epoch, Settings, Trainer

EXAMPLE = """example:
  python -m scripts.train mobilenetv2_lstm --manifest ../shared/data/manifest.csv \\
      --backbone-weights ../shared/weights/mobilenet_v2_imagenet_no_top.h5 \\
      --out models_storage/mobilenetv2_lstm
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        _train(arguments)
    except (manifest.ManifestError, splits.TooFewGroupsError, LookupError) as error:
        console.complain(error)
        return 2
    except KeyboardInterrupt:
        console.err.print("Stopped. No model was written.")
        return 130
    return 0


def _train(arguments: argparse.Namespace) -> None:
    from video_classifier.ml import networks

    spec = replace(
        networks.designed_for(arguments.network), min_difference=arguments.min_difference
    )
    settings = replace(
        Settings(),
        seed=arguments.seed,
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
    )
    kept = Cache(arguments.cache, complain=console.warn)
    footage = _footage(arguments.manifest, spec, kept)
    entries = [clip.entry for clip in footage]
    audited = _audit(arguments, footage) if arguments.audit else None
    with console.progress("Looking at variants of the clips", settings.variants) as tick:
        trainer = Trainer(
            arguments.network,
            spec,
            footage,
            settings,
            backbone_weights=arguments.backbone_weights,
            kept=kept,
            after_each_variant=tick,
        )
    if arguments.split is By.RANDOM:
        _show_leaky(trainer, entries, arguments)
        return
    unseen = None
    if arguments.folds:
        with console.progress("Measuring on unseen people", arguments.folds) as tick:
            unseen = crossvalidation.unseen_scores(
                trainer, entries, folds=arguments.folds, seed=settings.seed, after_fold=tick
            )
    train, validation = splits.hold_out(entries, seed=settings.seed)
    with console.progress("Training the model", settings.epochs) as tick:
        network, course = trainer.fit(train, validation, after_epoch=_telling(tick))
    metrics = (
        {}
        if unseen is None
        else crossvalidation.unseen_metrics(entries, unseen, threshold=arguments.threshold)
    )
    found = audited.sentences(metrics.get("auc")) if audited else ()
    card = bundle.save(
        arguments.out,
        network,
        bundle.Card(
            name=arguments.out.name,
            network=arguments.network,
            summary=cards.summary(arguments.network),
            spec=spec,
            threshold=arguments.threshold,
            created=datetime.now(UTC).date().isoformat(),
            metrics=metrics,
            measured=cards.how_measured(entries, folds=arguments.folds),
            limits=(*cards.LIMITS, *found),
            training=cards.training_facts(arguments.manifest, entries, settings, course),
        ),
    )
    plots.save_course(course, arguments.out / "course.png")
    if unseen is not None:
        crossvalidation.write_scores(arguments.out / "unseen.csv", entries, unseen)
        plots.save_roc(entries, unseen, arguments.out / "roc.png")
    _tell(card)


def _show_leaky(trainer: Trainer, entries: Sequence[Entry], arguments: argparse.Namespace) -> None:
    """Measures as if each clip stood alone, so that everybody sees what that does."""
    alone = splits.regrouped(entries, By.RANDOM)
    folds = arguments.folds
    with console.progress(f"Measuring, {LEAKY}", folds) as tick:
        scores = crossvalidation.unseen_scores(
            trainer, alone, folds=folds, seed=arguments.seed, after_fold=tick
        )
    metrics = crossvalidation.unseen_metrics(alone, scores, threshold=arguments.threshold)
    for name, figure in metrics.items():
        console.out.print(f"{LEAKY} {name:22} {figure}")
    console.warn(
        "These figures are leaky: the test shows people of the training. No model is kept."
    )


def _audit(arguments: argparse.Namespace, footage: Sequence[Footage]) -> Audit:
    from video_classifier.ml import networks

    entries = [clip.entry for clip in footage]
    duplicates = grouping.read_duplicates(
        arguments.duplicates,
        [entry.path for entry in entries],
        folders=(arguments.manifest.parent, Path()),
    )
    pretrained = networks.is_pretrained(arguments.network)
    with console.progress("Measuring what must not suffice", audit.BASELINES) as tick:
        found = audit.examine(
            entries,
            [looks.of(clip.entry, clip.served) for clip in footage],
            duplicates=duplicates,
            by=arguments.split,
            seed=arguments.seed,
            backbone_weights=arguments.backbone_weights if pretrained else None,
            after_each=tick,
        )
    for sentence in (*(leak.sentence for leak in found.leaks), *found.warnings):
        console.warn(sentence)
    return found


def _footage(table: Path, spec: ClipSpec, kept: Cache) -> Sequence[Footage]:
    entries = manifest.for_training(manifest.read(table))
    with console.progress("Decoding the clips", len(entries)) as tick:
        footage, unreadable = dataset.read(entries, spec, kept=kept, after_each=tick)
    for bad in unreadable:
        console.err.print(f"Left out: {bad.entry.path.name}: {bad.reason}", style="yellow")
    splits.refuse_too_few([clip.entry for clip in footage])
    return footage


def _tell(card: bundle.Card) -> None:
    console.err.print(f"Wrote {card.name}: {card.parameters:,} parameters. {card.measured}")
    for name, figure in card.metrics.items():
        console.err.print(f"  {name:22} {figure}")
    for limit in card.limits[len(cards.LIMITS) :]:
        console.warn(limit)


def _telling(tick: Callable[[], None]) -> Callable[[Epoch], None]:
    def after_epoch(epoch: Epoch) -> None:
        tick()
        console.err.print(
            f"epoch {epoch.number}: loss {epoch.loss:.3f}, "
            f"on validation {epoch.validation_loss:.3f}"
        )

    return after_epoch


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("train", __doc__, EXAMPLE)
    parser.add_argument("network", help="such as mobilenetv2_lstm or conv3d")
    parser.add_argument("--manifest", type=Path, required=True, help="CSV: path, label, actor …")
    parser.add_argument("--out", type=Path, required=True, help="the model's folder")
    parser.add_argument(
        "--backbone-weights",
        default="imagenet",
        help="a file of ImageNet weights without top (default: download them by Keras)",
    )
    parser.add_argument("--folds", type=int, default=5, help="0: do not measure (default: 5)")
    parser.add_argument("--epochs", type=int, default=Settings().epochs, help="at most")
    parser.add_argument("--batch-size", type=int, default=Settings().batch_size)
    parser.add_argument("--learning-rate", type=float, default=Settings().learning_rate)
    parser.add_argument("--threshold", type=float, default=0.5, help="default: 0.5")
    parser.add_argument("--seed", type=int, default=Settings().seed)
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="keep decoded clips there for the next time"
    )
    parser.add_argument(
        "--min-difference",
        type=float,
        default=ClipSpec().min_difference,
        metavar="LEVELS",
        help="leave out frames that differ less from the one before, in gray levels of 255",
    )
    parser.add_argument(
        "--audit",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="look for leaks first, and tell the card (default: yes)",
    )
    parser.add_argument(
        "--duplicates", type=Path, help="the JSON of python -m scripts.duplicate_videos_check"
    )
    parser.add_argument(
        "--split",
        type=By,
        choices=list(By),
        default=By.GROUP,
        help="random shows what it does, prints leaky figures and keeps no model",
    )
    arguments = parser.parse_args(argv)
    if arguments.min_difference < 0:
        parser.error("--min-difference can't be negative")
    if arguments.split is By.RANDOM and not arguments.folds:
        parser.error("--split random measures and does nothing else: it needs --folds")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
