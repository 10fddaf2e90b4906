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
    bundle,
    cards,
    crossvalidation,
    dataset,
    manifest,
    plots,
    splits,
)
from video_classifier.ml.clip import ClipSpec
from video_classifier.ml.dataset import Footage
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

    spec = networks.designed_for(arguments.network)
    settings = replace(Settings(), seed=arguments.seed, epochs=arguments.epochs)
    footage = _footage(arguments.manifest, spec)
    entries = [clip.entry for clip in footage]
    with console.progress("Looking at variants of the clips", settings.variants) as tick:
        trainer = Trainer(
            arguments.network,
            spec,
            footage,
            settings,
            backbone_weights=arguments.backbone_weights,
            after_each_variant=tick,
        )
    unseen = None
    if arguments.folds:
        with console.progress("Measuring on unseen people", arguments.folds) as tick:
            unseen = crossvalidation.unseen_scores(
                trainer, entries, folds=arguments.folds, seed=settings.seed, after_fold=tick
            )
    train, validation = splits.hold_out(entries, seed=settings.seed)
    with console.progress("Training the model", settings.epochs) as tick:
        network, course = trainer.fit(train, validation, after_epoch=_telling(tick))
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
            metrics={}
            if unseen is None
            else crossvalidation.unseen_metrics(entries, unseen, threshold=arguments.threshold),
            measured=cards.how_measured(entries, folds=arguments.folds),
            limits=cards.LIMITS,
            training=cards.training_facts(arguments.manifest, entries, settings, course),
        ),
    )
    plots.save_course(course, arguments.out / "course.png")
    if unseen is not None:
        crossvalidation.write_scores(arguments.out / "unseen.csv", entries, unseen)
        plots.save_roc(entries, unseen, arguments.out / "roc.png")
    _tell(card)


def _footage(table: Path, spec: ClipSpec) -> Sequence[Footage]:
    entries = manifest.for_training(manifest.read(table))
    with console.progress("Decoding the clips", len(entries)) as tick:
        footage, unreadable = dataset.read(entries, spec, after_each=tick)
    for bad in unreadable:
        console.err.print(f"Left out: {bad.entry.path.name}: {bad.reason}", style="yellow")
    splits.refuse_too_few([clip.entry for clip in footage])
    return footage


def _tell(card: bundle.Card) -> None:
    console.err.print(f"Wrote {card.name}: {card.parameters:,} parameters. {card.measured}")
    for name, figure in card.metrics.items():
        console.err.print(f"  {name:22} {figure}")


def _telling(tick: Callable[[], None]) -> Callable[[Epoch], None]:
    def after_epoch(epoch: Epoch) -> None:
        tick()
        console.err.print(
            f"epoch {epoch.number}: loss {epoch.loss:.3f}, "
            f"on validation {epoch.validation_loss:.3f}"
        )

    return after_epoch


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.train",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
    parser.add_argument("--threshold", type=float, default=0.5, help="default: 0.5")
    parser.add_argument("--seed", type=int, default=Settings().seed)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
