"""The figures of the dashboard as a table to take away; docs/dashboard.md says what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from video_classifier.services.dashboard import Board
from video_classifier.services.figures import Proportion, Rate
from video_classifier.services.periods import Span
from video_classifier.services.spreadsheets import Cell
from video_classifier.web.dashboard import HOUR, DashboardForm

HEAD = (
    *("from", "to", "store", "camera", "model", "clips", "hours", "hints", "confirmed"),
    *("false_alarms", "cant_tell", "disputed", "no_answer", "uncertain"),
    *("precision", "precision_low", "precision_high", "missed", "answered_after_s"),
    *("camera_days", "false_hints_a_day", "false_hints_a_day_low", "false_hints_a_day_high"),
)


def rows(board: Board, form: DashboardForm, span: Span) -> Iterator[Sequence[Cell]]:
    """One a day or week, store, camera and model with anything to count."""
    stores, cameras = form.store_names, form.camera_names(board)
    cameras[None] = ""
    for cell in sorted(board.cells, key=lambda each: (each[0], each[1], each[2] or 0, each[3])):
        figures = board.cells[cell]
        ends = _ends(figures.precision)
        yield (
            cell.start.isoformat(),
            (cell.start + timedelta(days=span.days - 1)).isoformat(),
            stores.get(cell.store, ""),
            cameras.get(cell.camera, ""),
            cell.model,
            figures.clips,
            round(figures.seconds / HOUR, 3),
            figures.hints,
            figures.confirmed,
            figures.false_alarms,
            figures.unsure,
            figures.disputed,
            figures.unanswered,
            figures.uncertain,
            *ends,
            figures.missed,
            None if figures.wait is None else round(figures.wait, 1),
            round(figures.camera_days, 4),
            *_ends(figures.false_rate),
        )


def _ends(share: Proportion | Rate | None) -> list[Cell]:
    ends = (None, None, None) if share is None else (share.value, share.low, share.high)
    return [None if end is None else round(end, 4) for end in ends]
