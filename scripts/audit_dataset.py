"""Audits a data set for leakage before training: shared footage, and metadata that predicts labels.

Exits with 1 if a leak was audit.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from scripts._lib import console
from video_classifier.ml.audit import file_facts, leaks
from video_classifier.ml.audit.leaks import Audit
from video_classifier.ml.data import grouping, manifest, splits
from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.data.splits import LEAKY, SplitBy
from video_classifier.ml.networks.pretrained import WeightsError
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError, Interval

EXAMPLE = """example:
  python -m scripts.audit_dataset ../shared/data/manifest.csv \\
      --duplicates duplicates.json --model models_storage/mobilenetv2_lstm --json audit.json
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        model = _model_auc(arguments.model, arguments.auc)
        audit = _examine(
            arguments.manifest,
            arguments.duplicates,
            by=arguments.split,
            seed=arguments.seed,
            backbone_weights=arguments.backbone_weights,
        )
    except (ManifestError, BundleError, WeightsError) as error:
        console.complain(error)
        return 2
    except KeyboardInterrupt:
        console.err.print("Stopped.")
        return 130
    if arguments.json:
        report = asdict(audit) | {"sentences": audit.sentences(model)}
        arguments.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    _print(audit, model)
    return 1 if audit.leaks else 0


def _model_auc(model: Path | None, auc: float | None) -> Interval | None:
    if model is not None:
        return bundle.read_card(model).metrics.get("auc")
    return None if auc is None else Interval(value=auc)


def _examine(
    table: Path,
    duplicates: Path | None,
    *,
    by: SplitBy,
    seed: int,
    backbone_weights: str | None,
) -> Audit:
    entries = manifest.read(table)
    used = manifest.for_training(entries)
    with console.progress("Decoding the clips", len(used)) as advance:
        good, unreadable = file_facts.inspect_all(used, advance=advance)
    for bad in unreadable:
        console.complain(f"Left out: {bad.entry.name}: {bad.reason}")
    if not good:
        msg = "None of the clips can be read, so there is nothing to audit."
        raise ManifestError(msg)
    known = grouping.read_duplicates(
        duplicates, [entry.path for entry in entries], folders=(table.parent, Path())
    )
    with console.progress("Measuring shortcut baselines", leaks.BASELINES) as advance:
        return leaks.examine(
            entries,
            good,
            duplicates=known,
            by=by,
            seed=seed,
            backbone_weights=backbone_weights,
            advance=advance,
        )


def _print(audit: Audit, model: Interval | None) -> None:
    leaky = f"{LEAKY} " if audit.split is SplitBy.RANDOM else ""
    console.out.print(
        f"{audit.clips} clips in {audit.groups} groups, {audit.left_out} left out by a note; "
        f"{leaky}split: {audit.train} to train, {audit.test} to test",
        soft_wrap=True,
    )
    for leak in audit.leaks:
        console.complain(leak.sentence)
    for warning in audit.warnings:
        console.warn(warning)
    for baseline in audit.baselines:
        console.out.print(
            f"{leaky}AUC {baseline.auc} on sources with both labels, {leaky}{baseline.everywhere} "
            f"on all clips, for a classifier that sees only {baseline.sees}",
            soft_wrap=True,
        )
    for sentence in audit.sentences(model):
        console.warn(sentence)
    console.out.print(f"{len(audit.leaks) or 'No'} leaks found")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("audit_dataset", __doc__, EXAMPLE)
    parser.add_argument("manifest", type=Path, help="CSV with the columns path and label")
    parser.add_argument(
        "--duplicates", type=Path, help="the JSON of python -m scripts.duplicate_videos_check"
    )
    parser.add_argument(
        "--backbone-weights",
        type=Path,
        help="a file of MobileNetV2's ImageNet weights without top (default: a thumbnail of one "
        "frame instead)",
    )
    against = parser.add_mutually_exclusive_group()
    against.add_argument("--auc", type=float, help="of the model, to compare with")
    against.add_argument("--model", type=Path, help="its folder, to compare with its card")
    parser.add_argument(
        "--split",
        type=SplitBy,
        choices=list(SplitBy),
        default=SplitBy.GROUP,
        help="random is leaky, and shows by how much (default: group)",
    )
    parser.add_argument("--seed", type=int, default=splits.SEED)
    parser.add_argument("--json", type=console.file_to_write, help="write everything there as well")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
