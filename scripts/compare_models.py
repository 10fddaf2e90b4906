"""Compares all models: metrics, size and speed.

A second table has every recipe that was measured, shipped or not.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from rich.table import Table

from scripts._lib import console, markdown
from video_classifier.ml.data import manifest
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.evaluation import evaluate
from video_classifier.ml.serving import bundle, loading
from video_classifier.ml.serving.card import BundleError, Card, Interval
from video_classifier.ml.serving.predictor import ModelPredictor

EXAMPLE = """example:
  python -m scripts.compare_models --write docs/models.md
  python -m scripts.compare_models --manifest clips.csv

Without a manifest the metrics are those of the models' cards, on people that they had not seen.
With one each model is measured on it; one that was trained on some of the clips is called leaky.
"""

STORAGE = Path(__file__).parent.parent / "models_storage"
RECIPES = Path(__file__).parent.parent / "docs" / "recipes"
CALLS = 9  # of each network, to take the median of

METRICS = {
    "auc": "ROC AUC",
    "accuracy": "Accuracy",
    "recall": "Recall",
    "specificity": "Specificity",
    "precision": "Precision",
    "f1": "F1",
    "false_alarms_elsewhere": "False alarms elsewhere",
}
RECIPE_METRICS = {
    "auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "recall": "Recall",
    "specificity": "Specificity",
    "false_alarms_elsewhere": "False alarms elsewhere",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedModel:
    """A row of the table."""

    name: str
    metrics: Mapping[str, Interval]
    parameters: int
    megabytes: float  # of the folder's network
    milliseconds: float  # to score one clip's frames
    leaky: str = ""  # how many clips of the manifest it was trained on

    @property
    def auc(self) -> float:
        """To sort by; -1 if it is not known."""
        value = self.metrics["auc"].value if "auc" in self.metrics else None
        return -1.0 if value is None else value


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        if arguments.write:
            names = ("models",) if arguments.manifest else ("models", "recipes")
            markdown.check(arguments.write, *names)
        rows = _compare_all(arguments.storage, arguments.manifest, arguments.detector)
        _print(rows)
        if arguments.write:
            markdown.write(arguments.write, "models", _markdown(rows, arguments.manifest))
        if not arguments.manifest:
            measured = _recipes(arguments.storage, arguments.recipes)
            _print_recipes(measured)
            if arguments.write:
                markdown.write(arguments.write, "recipes", markdown.table(_recipe_lines(measured)))
    except (
        BundleError,
        manifest.ManifestError,
        evaluate.NothingToMeasureError,
        markdown.PageError,
    ) as error:
        console.complain(error)
        return 2
    return 0


def _compare_all(storage: Path, table: Path | None, detector: Path) -> list[ComparedModel]:
    names = bundle.names(storage)
    if not names:
        msg = f"There is no model in {storage}. Train one first."
        raise BundleError(msg)
    entries = () if table is None else manifest.read(table, missing_is_wrong=False)
    with console.progress("Comparing", len(names) * (1 + len(entries))) as advance:
        rows = [_compare(storage / name, detector, entries, advance) for name in names]
    return sorted(rows, key=lambda row: -row.auc)


def _compare(
    folder: Path, detector: Path, entries: Sequence[Entry], advance: Callable[[], None]
) -> ComparedModel:
    model = loading.load(folder, detector=detector)
    metrics, leaky = model.card.metrics, ""
    if entries:
        evaluation = evaluate.evaluate(model, entries, advance=advance)
        metrics = evaluation.metrics
        if trained_on := sum(clip.in_training for clip in evaluation.scored):
            leaky = f"leaky: trained on {trained_on} of {len(evaluation.scored)} clips"
    milliseconds = _milliseconds(model)
    advance()
    return ComparedModel(
        name=model.name,
        metrics=metrics,
        parameters=model.card.parameters,
        megabytes=bundle.network_file(folder, model.card).stat().st_size / 1e6,
        milliseconds=milliseconds,
        leaky=leaky,
    )


def _milliseconds(model: ModelPredictor) -> float:
    images = np.random.default_rng(1).integers(0, 256, model.card.spec.shape, np.uint8)
    seconds = []
    for _ in range(CALLS):
        start = time.perf_counter()
        model.score(images)
        seconds.append(time.perf_counter() - start)
    return 1000 * median(seconds)


def _columns(rows: Sequence[ComparedModel]) -> list[str]:
    """The metrics that at least one model has."""
    return [name for name in METRICS if any(name in row.metrics for row in rows)]


def _cells(row: ComparedModel, columns: Sequence[str]) -> list[str]:
    return [
        f"{row.name} ({row.leaky})" if row.leaky else row.name,
        *(str(row.metrics.get(name, "-")) for name in columns),
        f"{row.parameters:,}",
        f"{row.megabytes:.1f} MB",
        f"{row.milliseconds:.0f} ms",
    ]


def _heads(columns: Sequence[str]) -> list[str]:
    return ["Model", *(METRICS[name] for name in columns), "Parameters", "Size", "Inference"]


def _print(rows: Sequence[ComparedModel]) -> None:
    """A column for each model, since metrics with intervals are too wide for one row each."""
    columns = _columns(rows)
    lines = [_heads(columns), *(_cells(row, columns) for row in rows)]
    names, *cells_by_metric = zip(*lines, strict=True)
    table = Table()
    for name in names:
        table.add_column(name, overflow="fold")
    for cells in cells_by_metric:
        table.add_row(*(cell.replace(" (", "\n(") for cell in cells))
    console.out.print(table)


def _markdown(rows: Sequence[ComparedModel], table: Path | None) -> str:
    columns = _columns(rows)
    source = (
        "Figures with their 95 % intervals, from the models' cards: on people that the networks "
        "had not seen."
        if table is None
        else f"Figures with their 95 % intervals, measured on `{table.name}`."
    )
    drawn = markdown.table([_heads(columns), *(_cells(row, columns) for row in rows)])
    return f"{source}\n\n{drawn}"


def _recipes(storage: Path, recipes: Path) -> list[tuple[Card, bool]]:
    """Every card with an AUC, best first, and whether its model is shipped."""
    cards = [(bundle.read_card(storage / name), True) for name in bundle.names(storage)]
    cards += [(bundle.read_card(recipes / name), False) for name in bundle.names(recipes)]
    return sorted(
        (pair for pair in cards if "auc" in pair[0].metrics),
        key=lambda pair: -(pair[0].metrics["auc"].value or 0),
    )


def _recipe_lines(measured: Sequence[tuple[Card, bool]]) -> list[list[str]]:
    """A head, and a line for each recipe."""
    columns = [name for name in RECIPE_METRICS if any(name in card.metrics for card, _ in measured)]
    heads = ["Network", "View", *(RECIPE_METRICS[name] for name in columns), "Shipped as"]
    return [heads] + [
        [
            card.network,
            f"{card.spec.view} {card.spec.width} by {card.spec.height}",
            *(str(card.metrics.get(name, "-")) for name in columns),
            card.name if shipped else "-",
        ]
        for card, shipped in measured
    ]


def _print_recipes(measured: Sequence[tuple[Card, bool]]) -> None:
    heads, *lines = _recipe_lines(measured)
    table = Table(title="Recipes, on people whom their networks had not seen")
    for head in heads:
        table.add_column(head, overflow="fold")
    for line in lines:
        table.add_row(*(cell.replace(" (", "\n(") for cell in line))
    console.out.print(table)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("compare_models", __doc__, EXAMPLE)
    parser.add_argument("--manifest", type=Path, help="CSV with the columns path and label")
    parser.add_argument("--storage", type=Path, default=STORAGE, help="default: models_storage")
    parser.add_argument(
        "--recipes",
        type=Path,
        default=RECIPES,
        help="cards without a model (default: docs/recipes)",
    )
    parser.add_argument(
        "--write", type=console.file_to_write, metavar="PAGE", help="such as docs/models.md"
    )
    console.add_detector(parser)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
