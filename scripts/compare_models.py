"""Puts all models side by side: how good, how large, how fast."""

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

from scripts import console
from video_classifier.ml import bundle, manifest, predictor, scoring
from video_classifier.ml.bundle import Interval
from video_classifier.ml.manifest import Entry
from video_classifier.ml.predictor import KerasPredictor

EXAMPLE = """example:
  python -m scripts.compare_models --write docs/models.md
  python -m scripts.compare_models --manifest clips.csv

Without a manifest the figures are those of the models' cards, on people that they had not seen.
With one each model is measured on it; one that was trained on some of the clips is called leaky.
"""

STORAGE = Path(__file__).parent.parent / "models_storage"
BEGIN, END = "<!-- models: begin -->", "<!-- models: end -->"
CALLS = 9  # of each network, to take the median of

FIGURES = {
    "auc": "ROC AUC",
    "accuracy": "Accuracy",
    "recall": "Recall",
    "specificity": "Specificity",
    "precision": "Precision",
    "f1": "F1",
    "false_alarms_elsewhere": "False alarms elsewhere",
}


class PageError(Exception):
    """The page can't take the table, and the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A row of the table."""

    name: str
    figures: Mapping[str, Interval]
    parameters: int
    megabytes: float  # of the folder's network
    milliseconds: float  # to score one clip's frames
    leaky: str = ""  # how many clips of the manifest it was trained on

    @property
    def auc(self) -> float:
        """To sort by; below all others where it is not known."""
        value = self.figures["auc"].value if "auc" in self.figures else None
        return -1.0 if value is None else value


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        rows = _compare_all(arguments.storage, arguments.manifest)
        _print(rows)
        if arguments.write:
            _write(arguments.write, _markdown(rows, arguments.manifest))
    except (
        bundle.BundleError,
        manifest.ManifestError,
        scoring.NothingToMeasureError,
        PageError,
    ) as error:
        console.complain(error)
        return 2
    return 0


def _compare_all(storage: Path, table: Path | None) -> list[Compared]:
    names = bundle.names(storage)
    if not names:
        msg = f"There is no model in {storage}. Train one first."
        raise bundle.BundleError(msg)
    entries = () if table is None else manifest.read(table, missing_is_wrong=False)
    with console.progress("Comparing", len(names) * (1 + len(entries))) as tick:
        rows = [_compare(storage / name, entries, tick) for name in names]
    return sorted(rows, key=lambda row: -row.auc)


def _compare(folder: Path, entries: Sequence[Entry], tick: Callable[[], None]) -> Compared:
    model = predictor.load(folder)
    figures, leaky = model.card.metrics, ""
    if entries:
        found = scoring.evaluate(model, entries, after_each=tick)
        figures = found.figures
        if seen := sum(clip.seen for clip in found.scored):
            leaky = f"leaky: trained on {seen} of {len(found.scored)} clips"
    milliseconds = _milliseconds(model)
    tick()
    return Compared(
        name=model.name,
        figures=figures,
        parameters=model.card.parameters,
        megabytes=(folder / bundle.NETWORK_FILE).stat().st_size / 1e6,
        milliseconds=milliseconds,
        leaky=leaky,
    )


def _milliseconds(model: KerasPredictor) -> float:
    images = np.random.default_rng(1).integers(0, 256, model.card.spec.shape, np.uint8)
    taken = []
    for _ in range(CALLS):
        start = time.perf_counter()
        model.score(images)
        taken.append(time.perf_counter() - start)
    return 1000 * median(taken)


def _columns(rows: Sequence[Compared]) -> list[str]:
    """The figures that at least one model has."""
    return [name for name in FIGURES if any(name in row.figures for row in rows)]


def _cells(row: Compared, columns: Sequence[str]) -> list[str]:
    return [
        f"{row.name} ({row.leaky})" if row.leaky else row.name,
        *(str(row.figures.get(name, "-")) for name in columns),
        f"{row.parameters:,}",
        f"{row.megabytes:.1f} MB",
        f"{row.milliseconds:.0f} ms",
    ]


def _heads(columns: Sequence[str]) -> list[str]:
    return ["Model", *(FIGURES[name] for name in columns), "Parameters", "Size", "Inference"]


def _print(rows: Sequence[Compared]) -> None:
    """A column for each model: figures with intervals are too wide for a screen side by side."""
    columns = _columns(rows)
    lines = [_heads(columns), *(_cells(row, columns) for row in rows)]
    names, *figures = zip(*lines, strict=True)
    table = Table()
    for name in names:
        table.add_column(name, overflow="fold")
    for cells in figures:
        table.add_row(*(cell.replace(" (", "\n(") for cell in cells))
    console.out.print(table)


def _markdown(rows: Sequence[Compared], table: Path | None) -> str:
    columns = _columns(rows)
    source = (
        "Figures with their 95 % intervals, from the models' cards: on people that the networks "
        "had not seen."
        if table is None
        else f"Figures with their 95 % intervals, measured on `{table.name}`."
    )
    heads = _heads(columns)
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1)]
    lines += [_cells(row, columns) for row in rows]
    drawn = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{source}\n\n{drawn}"


def _write(page: Path, table: str) -> None:
    """Between the two marks; the rest of the page stays."""
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        msg = f"The page {page} can't be read: {error.strerror}."
        raise PageError(msg) from error
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        msg = f"The page {page} needs the lines {BEGIN} and {END}: the table goes between them."
        raise PageError(msg)
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("compare_models", __doc__, EXAMPLE)
    parser.add_argument("--manifest", type=Path, help="CSV with the columns path and label")
    parser.add_argument("--storage", type=Path, default=STORAGE, help="default: models_storage")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="such as docs/models.md")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
