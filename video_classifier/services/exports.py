"""Writes the history for spreadsheets."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.utils import timezone

from video_classifier.models import Analysis, Clip
from video_classifier.querysets import AnalysisQuerySet
from video_classifier.services import confidence
from video_classifier.states import Prediction, View

Cell = str | int | float | None

FORMULA_STARTS = tuple("=+-@\t\r\n")  # a spreadsheet would run what begins like this
BYTE_ORDER_MARK = "\ufeff"  # Excel takes the file for UTF-8 only with it

COLUMNS: dict[str, Callable[[Analysis], Cell]] = {
    "analysis": lambda a: str(a.pk),
    "clip": lambda a: a.clip.name,
    "store": lambda a: a.clip.store.name,
    "camera": lambda a: a.clip.camera.name if a.clip.camera else "",
    "sha256": lambda a: a.clip.sha256,
    "size_bytes": lambda a: a.clip.size_bytes,
    "container": lambda a: a.clip.container,
    "codec": lambda a: a.clip.codec,
    "width": lambda a: a.clip.width,
    "height": lambda a: a.clip.height,
    "frame_rate": lambda a: a.clip.frame_rate,
    "duration_s": lambda a: a.clip.duration,
    "recorded": lambda a: _recorded(a.clip),
    "recorded_from": lambda a: a.clip.recorded_from,
    "uploaded_by": lambda a: _name(a.clip.uploaded_by),
    "uploaded_at": lambda a: _moment(a.clip.uploaded_at),
    "requested_by": lambda a: _name(a.requested_by),
    "queued_at": lambda a: _moment(a.queued_at),
    "finished_at": lambda a: _moment(a.finished_at),
    "status": lambda a: a.status,
    "prediction": lambda a: a.get_prediction_display(),
    "reason": lambda a: a.reason,
    "confidence": lambda a: _end(a, "value"),
    "confidence_low": lambda a: _end(a, "low"),
    "confidence_high": lambda a: _end(a, "high"),
    "confidence_means": lambda a: _meaning(a),  # noqa: PLW0108  (defined below)
    "score": lambda a: a.score,
    "threshold": lambda a: a.threshold,
    "threshold_origin": lambda a: None if a.threshold is None else a.threshold_origin,
    "model": lambda a: a.model,
    "model_sha256": lambda a: a.model_sha256,
    "detector_sha256": lambda a: a.detector_sha256,
    "view": lambda a: a.view,
    "tracks_found": lambda a: a.tracks_found if a.view == View.PERSON else None,
    "highest_score_track": lambda a: a.decided_by,
    "warnings": lambda a: " ".join(a.warnings),
    "error": lambda a: a.error,
    "seconds_reading": lambda a: a.seconds_reading,
    "seconds_finding": lambda a: a.seconds_finding,
    "seconds_classifying": lambda a: a.seconds_classifying,
}


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


def history_csv(analyses: AnalysisQuerySet, *, semicolons: bool = False) -> Iterator[str]:
    """The lines of a CSV file, a header and one an analysis, in the order given.

    With `semicolons` it is one that Excel opens as columns where numbers have a decimal comma.
    Times are local, as spreadsheets know them; the header says of which zone.
    """
    writer = csv.writer(_Echo(), delimiter=";" if semicolons else ",")
    zone = timezone.get_current_timezone_name()
    yield BYTE_ORDER_MARK + writer.writerow(
        f"{name} ({zone})" if name.endswith("_at") else name for name in COLUMNS
    )
    rows = analyses.select_related(
        "clip", "clip__store", "clip__camera", "clip__uploaded_by", "requested_by"
    )
    for analysis in rows.iterator(chunk_size=500):
        cells = (_harmless(read(analysis)) for read in COLUMNS.values())
        yield writer.writerow(map(_with_decimal_comma, cells) if semicolons else cells)


def _with_decimal_comma(cell: Cell) -> Cell:
    return str(cell).replace(".", ",") if isinstance(cell, float) else cell


def _harmless(cell: Cell) -> Cell:
    """Text that begins like a formula gets an apostrophe; a number stays a number."""
    if not isinstance(cell, str):
        return cell
    plain = unicodedata.normalize("NFKC", cell)  # full-width signs work in Excel, too
    return f"'{cell}" if plain.lstrip(" ").startswith(FORMULA_STARTS) else cell


def _end(analysis: Analysis, end: str) -> Cell:
    share = confidence.of(analysis)
    return None if share is None else round(float(getattr(share, end)), 4)


def _meaning(analysis: Analysis) -> str:
    share = confidence.of(analysis)
    is_hint = analysis.prediction == Prediction.HINT
    return "" if share is None else confidence.sentence(share, hint=is_hint)


def _name(user: User | None) -> str:
    return user.get_username() if user else ""


def _recorded(clip: Clip) -> str:
    """By the clocks of the store, with their offset from UTC: stores may be in several zones."""
    if clip.recorded_at is None:
        return ""
    return clip.recorded_at.astimezone(ZoneInfo(clip.store.time_zone)).isoformat(" ", "seconds")


def _moment(when: datetime | None) -> str:
    return f"{timezone.localtime(when):%Y-%m-%d %H:%M:%S}" if when else ""
