"""Tables and plots of what was simulated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scripts._lib import markdown
from scripts.simulate_store.heads import HeadRow
from scripts.simulate_store.real_shops import SEGMENTS, ForgottenRow, ShopRow
from scripts.simulate_store.simulation import Row

Shown = dict[tuple[str, str], list[Row]]  # by scenario and condition


def stores(rows: Sequence[Row]) -> str:
    """Means over stores and seeds, with the range of 95 % of them; then paired with the quiet day.

    The ranges say how much stores differ that are made of the same people, and not what other
    people would give.
    """
    heads = [
        "Store", "Condition", "Recall", "False hints a day", "Recall at the budget",
        "… against the quiet day", "ROC AUC", "Used", "Recordings: thefts / ordinary",
    ]  # fmt: skip
    lines = [heads]
    groups = grouped(rows)
    for (scenario, condition), found in groups.items():
        day = groups[scenario, "quiet day"]
        gained = [
            one.recall_at_budget - other.recall_at_budget for one, other in _pairs(found, day)
        ]
        lines.append(
            [
                scenario,
                condition,
                _range([row.recall for row in found]),
                _range([row.false_hints for row in found], digits=0),
                _range([row.recall_at_budget for row in found]),
                "" if condition == "quiet day" else _range(gained, signed=True),
                _range([row.auc for row in found]),
                f"{np.mean([row.is_kept for row in found]):.0%}",
                f"{_few([row.thefts for row in found])} / {_few([row.ordinary for row in found])}",
            ]
        )
    return markdown.table(lines, words=2)


def shops(rows: Sequence[ShopRow]) -> str:
    """Mean ROC AUC over draws of segments, with the range of 95 % of them."""
    lines = [["Camera", "Way", *(f"{count} segments" for count in SEGMENTS)]]
    found: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row.camera, row.way][row.segments].append(row.auc)
    for (camera, way), areas in found.items():
        cells = (_range(areas[count]) if areas[count] else "-" for count in SEGMENTS)
        lines.append([camera, way, *cells])
    return markdown.table(lines, words=2)


def heads(rows: Sequence[HeadRow]) -> str:
    """Means over stores and seeds, with the range of 95 % of them."""
    titles = ["Store", "Reviews", "Head", "ROC AUC", "Recall at the budget"]
    lines = [[*titles, "ROC AUC of old footage", "Old thefts noticed"]]
    groups: dict[tuple[str, str, str], list[HeadRow]] = defaultdict(list)
    for row in rows:
        groups[row.scenario, row.reviews, row.way].append(row)
    for names, found in groups.items():
        figures = ("auc", "recall_at_budget", "old_auc", "old_recall")
        lines.append(
            [*names, *(_range([getattr(row, figure) for row in found]) for figure in figures)]
        )
    return markdown.table(lines, words=3)


def forgotten(rows: Sequence[ForgottenRow]) -> str:
    """A row for each camera and way."""
    heads = ["Learned from", "Head", "Threshold", "Old thefts noticed", "Old ordinary clips", "AUC"]
    lines = [heads]
    for row in rows:
        figures = (f"{row.threshold:.2f}", str(row.thefts), str(row.ordinary), f"{row.auc:.2f}")
        lines.append([row.camera, row.way, *figures])
    return markdown.table(lines, words=2)


def plot(rows: Sequence[Row], file: Path) -> None:
    """Recall and ROC AUC by the number of reviews, for each kind of store."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots(1, 2)
    groups = grouped(rows)
    for scenario in dict.fromkeys(row.scenario for row in rows):
        for axis, name in zip(axes, ("recall_at_budget", "auc"), strict=True):
            points = {}
            for (where, condition), found in groups.items():
                if where == scenario and not {"wrong", "unchecked", "moved"} & _words(condition):
                    values = [getattr(row, name) for row in found]
                    points[_label(condition)] = values
            means = [float(np.mean(values)) for values in points.values()]
            ends = np.array([np.percentile(values, [2.5, 97.5]) for values in points.values()]).T
            (line,) = axis.plot(list(points), means, marker="o", label=scenario)
            axis.fill_between(list(points), *ends, alpha=0.12, color=line.get_color())
    for axis, title in zip(axes, ("Recall at the budget", "ROC AUC"), strict=True):
        axis.set(title=title, ylim=(0, 1), xlabel="Reviews after a quiet day")
        axis.grid(visible=True, alpha=0.3)
    axes[0].legend(loc="upper left")
    figure.savefig(file, dpi=110)


def grouped(rows: Sequence[Row]) -> Shown:
    found: Shown = defaultdict(list)
    for row in rows:
        found[row.scenario, row.condition].append(row)
    return found


def _words(condition: str) -> set[str]:
    return set(condition.replace(",", "").split())


def _label(condition: str) -> str:
    """On the axis: the number of reviews."""
    return {"none": "none", "quiet day": "0"}.get(condition) or condition.split()[-2]


def _pairs(rows: Sequence[Row], others: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Of the same store and seed."""
    by_place = {(row.seed, row.store): row for row in others}
    return [(row, by_place[row.seed, row.store]) for row in rows]


def _range(values: Sequence[float], *, digits: int = 2, signed: bool = False) -> str:
    form = f"{'+' if signed else ''}.{digits}f"
    low, high = np.percentile(values, [2.5, 97.5])
    return f"{np.mean(values):{form}} ({low:{form}} to {high:{form}})"


def _few(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"
