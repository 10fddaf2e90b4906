"""Moves redundant clips out of a data set, reversibly. Deletes nothing.

The report is written before the first clip moves, so that it lists every clip that may be missing,
even after an interruption.
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from video_classifier.ml import files
from video_classifier.ml.files import sha256

REPORT = "report.json"


class QuarantineError(Exception):
    """Clips can't be moved or put back; the message, a sentence, says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedundantClip:
    """A clip to move away."""

    path: Path
    name: str  # as the data set has it
    kept: str  # the name of the clip that stays in its place
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreResult:
    """What `restore` did."""

    restored: int  # clips that were moved back
    problems: tuple[str, ...]  # a sentence for each clip that could not be


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    name: str
    kept: str
    sha256: str
    source: str  # absolute
    target: str  # in the report's folder


def move(copies: Sequence[RedundantClip], folder: Path) -> Path:
    """Moves the clips into a new or empty folder and returns its report.

    Raises QuarantineError.
    """
    report = folder / REPORT
    moves = [
        _Move(
            name=copy.name,
            kept=copy.kept,
            sha256=copy.sha256,
            source=str(copy.path.resolve()),
            target=f"{number:05}_{copy.path.name}",
        )
        for number, copy in enumerate(copies, start=1)
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            msg = f"{folder} is not empty. Choose a new folder for the quarantine."
            raise QuarantineError(msg)
        _write(report, moves)
        for one in moves:
            _move(Path(one.source), folder / one.target)
    except OSError as error:
        msg = f"Not all clips could be moved: {error}."
        if report.exists():
            msg += f" --restore {report} puts back those that were."
        raise QuarantineError(msg) from error
    return report


def restore(report: Path) -> RestoreResult:
    """Moves the clips of a report back, except those in place. Raises QuarantineError.

    `report` may be the quarantine's folder, too.
    """
    report = report / REPORT if report.is_dir() else report
    restored, problems = 0, []
    for one in _read(report):
        source, target = Path(one.source), report.parent / one.target
        try:
            if _is_in_place(one):
                continue
            _move(target, source)
        except OSError as error:
            problems.append(f"{one.name} could not be put back: {error}.")
        else:
            restored += 1
    return RestoreResult(restored=restored, problems=tuple(problems))


def _is_in_place(one: _Move) -> bool:
    """Whether the clip was never moved, or is back."""
    source = Path(one.source)
    return source.is_file() and sha256(source) == one.sha256


def _move(source: Path, target: Path) -> None:
    """Atomically: `target` is either complete or absent."""
    if target.exists():
        raise FileExistsError(errno.EEXIST, "there is another file", str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # Another disk: copy first, under a name that is no clip's, should it be interrupted.
        aside = target.with_name(target.name + ".tmp")
        shutil.copy2(source, aside)
        aside.replace(target)
        source.unlink()


def _write(report: Path, moves: Sequence[_Move]) -> None:
    files.write_json(report, {"clips": [asdict(one) for one in moves]})


def _read(report: Path) -> list[_Move]:
    try:
        content: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return [_Move(**one) for one in content["clips"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        msg = f"{report} is not a report of moved clips that can be read: {error}."
        raise QuarantineError(msg) from error
