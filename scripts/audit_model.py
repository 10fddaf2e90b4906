"""Tests whether a model's scores follow shortcuts: who is in a clip, or what people look like.

Scores the clips again in gray, blurred, reversed, shuffled and as one still picture: a model that
has learned movement keeps its AUC in gray and loses it on still pictures. And computes how much
of the variance of its scores goes with the person. Clips with a note, and those of sources with
one label, are left out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from textwrap import fill

from rich.table import Table

from scripts._lib import console, markdown
from video_classifier.ml.audit import model_audit
from video_classifier.ml.audit.model_audit import ModelAudit
from video_classifier.ml.audit.shortcuts import IdentityShare
from video_classifier.ml.data import manifest
from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.evaluation import score_table
from video_classifier.ml.evaluation.evaluate import NothingToMeasureError
from video_classifier.ml.persons.detector import DetectorError
from video_classifier.ml.serving import loading
from video_classifier.ml.serving.card import BundleError

EXAMPLE = """example:
  python -m scripts.audit_model models_storage/person_ensemble ../shared/data/manifest.csv \\
      --write docs/models.md

The page needs the lines <!-- shortcuts person_ensemble: begin --> and <!-- … end -->. If there is
an unseen.csv in the model's folder, the person's share is also computed for these scores.
"""

HEADS = ("Pictures", "ROC AUC", "Drop")
WIDTH = 128  # characters of a line in a page


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    mark = f"shortcuts {arguments.model.name}"
    try:
        if arguments.write:
            markdown.check(arguments.write, mark)
        audit = _examine(arguments.model, arguments.manifest, arguments.detector)
    except (
        BundleError,
        DetectorError,
        ManifestError,
        NothingToMeasureError,
        markdown.PageError,
    ) as error:
        console.complain(error)
        return 2
    _print(audit)
    if arguments.json:
        report = asdict(audit) | {"sentences": list(audit.sentences())}
        arguments.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    if arguments.write:
        points = (fill(point, WIDTH, subsequent_indent="  ") for point in _points(audit))
        text = "\n".join((markdown.table(_lines(audit)), "", *points))
        markdown.write(arguments.write, mark, text)
    return 0


def _examine(folder: Path, table: Path, detector: Path) -> ModelAudit:
    model = loading.load(folder, detector=detector)
    entries = model_audit.scored_entries(manifest.read(table))
    scores = folder / "unseen.csv"
    unseen = score_table.read(scores)[0] if scores.is_file() else None
    with console.progress("Scoring changed clips", len(entries)) as advance:
        return model_audit.examine(model, entries, unseen=unseen, advance=advance)


def _lines(audit: ModelAudit) -> list[tuple[str, str, str]]:
    return [
        HEADS,
        *(
            (result.version.value, str(result.auc), str(result.drop) if number else "-")
            for number, result in enumerate(audit.appearance)
        ),
    ]


def _points(audit: ModelAudit) -> list[str]:
    """A list in Markdown of what else was found."""
    shares = [
        f"The person's share of the variance of scores: {text}."
        for text in (
            _share("by these clips", audit.identity),
            _share("by out-of-fold scores", audit.identity_unseen),
        )
        if text
    ]
    without = f"{audit.without_result} more have no result." if audit.without_result else ""
    clips = f"{audit.clips} clips. {without}".strip()
    return [f"- {point}" for point in (clips, *shares, *audit.sentences())]


def _share(whose: str, found: IdentityShare | None) -> str:
    if found is None:
        return ""
    return (
        f"{found.share:.2f} {whose} ({found.clips} recordings of {found.people} people; chance "
        f"{found.by_chance:.2f}, corrected {found.corrected:.2f}, p = {found.p_value:.4f})"
    )


def _print(audit: ModelAudit) -> None:
    heads, *rows = _lines(audit)
    table = Table(*heads, title=audit.model)
    for row in rows:
        table.add_row(*row)
    console.out.print(table)
    for point in _points(audit):
        console.out.print(point, markup=False, soft_wrap=True)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("audit_model", __doc__, EXAMPLE)
    parser.add_argument("model", type=Path, help="the model's folder")
    parser.add_argument("manifest", type=Path, help="CSV with the columns path and label")
    parser.add_argument("--json", type=console.file_to_write, help="write everything there as well")
    parser.add_argument(
        "--write", type=console.file_to_write, metavar="PAGE", help="such as docs/models.md"
    )
    console.add_detector(parser)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
