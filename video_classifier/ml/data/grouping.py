"""Groups clips that share a person or a recording, so that no split divides them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from video_classifier.ml.data.manifest import ManifestError

_ORIGIN = ("actor", "take", "camera", "day")  # columns, and fields of Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a clip comes from; empty where that isn't known."""

    actor: str = ""
    take: str = ""  # the recording that it is a piece of
    camera: str = ""
    day: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """The result of a search for duplicates, by the clips' resolved paths."""

    groups: tuple[tuple[Path, ...], ...] = ()  # clips that share footage
    conflicts: tuple[tuple[Path, Path], ...] = ()  # clips that do, with opposite labels
    unknown: tuple[str, ...] = ()  # paths in the report that are none of the clips


def read_origins(table: Path) -> dict[Path, Origin]:
    """A CSV with the column path (relative to it) and any of actor, take, camera and day.

    By resolved path. Raises ManifestError, which lists every clip that is not there.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = [_stripped(row) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"The table {table} can't be read: {error}."
        raise ManifestError(msg) from error
    if rows and "path" not in rows[0]:
        msg = f"The table {table} needs the column path, and actor, take, camera or day."
        raise ManifestError(msg)
    if missing := [row["path"] for row in rows if not (table.parent / row["path"]).is_file()]:
        lines = "\n".join(f"- {name}: no such file" for name in missing)
        msg = f"The table {table} can't be used:\n{lines}"
        raise ManifestError(msg)
    return {
        (table.parent / row["path"]).resolve(): Origin(
            **{column: row[column] for column in _ORIGIN if column in row}
        )
        for row in rows
    }


def _stripped(row: Mapping[str, str]) -> dict[str, str]:
    return {key: (row[key] or "").strip() for key in ("path", *_ORIGIN) if key in row}


def read_duplicates(
    report: Path | None, clips: Iterable[Path], *, folders: Sequence[Path]
) -> Duplicates:
    """A report of scripts.duplicate_videos_check, of which only `clips` count.

    Its paths are absolute or relative to one of `folders`. Without a report nothing was found.
    Raises ManifestError.
    """
    if report is None:
        return Duplicates()
    try:
        found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        groups = [tuple(group) for group in found["groups"]]
        conflicts = [(pair["a"], pair["b"]) for pair in found.get("conflicts", ())]
        named = set(chain(*groups, *conflicts))
        known = {clip.resolve() for clip in clips}
        located = {name: path for name in named if (path := _locate(name, known, folders))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{report} can't be read as a report of scripts.duplicate_videos_check ({error!r})."
        raise ManifestError(msg) from error
    here = [tuple(located[name] for name in group if name in located) for group in groups]
    return Duplicates(
        groups=tuple(group for group in here if len(group) > 1),
        conflicts=tuple((located[a], located[b]) for a, b in conflicts if {a, b} <= located.keys()),
        unknown=tuple(sorted(named - located.keys())),
    )


def _locate(name: str, known: Set[Path], folders: Sequence[Path]) -> Path | None:
    candidates = ((folder / name).resolve() for folder in folders)
    return next((path for path in candidates if path in known), None)


def groups(
    clips: Mapping[str, Path],
    origins: Mapping[Path, Origin],
    duplicates: Duplicates,
) -> dict[str, str]:
    """The group of each clip, by the name it has in `clips`.

    Clips that share an actor, a take or footage are in one group, transitively. Clips without an
    actor are grouped by camera and day: people stay for a while. A group is named by its first
    actor, else by camera and day, else by take, else by its first clip.
    """
    ties = [
        [(_CLIP, name), _file(path), *_circumstances(origins.get(path.resolve(), Origin()))]
        for name, path in clips.items()
    ]
    shared = (*duplicates.groups, *duplicates.conflicts)
    first = _joined([*ties, *([_file(path) for path in together] for together in shared)])
    return {name: first[_CLIP, name][1] for name in clips}


_ACTOR, _DAY, _TAKE, _CLIP, _FILE = range(5)  # in the order in which a group is named by them
_Node = tuple[int, str]


def _file(path: Path) -> _Node:
    return _FILE, str(path.resolve())


def _circumstances(origin: Origin) -> list[_Node]:
    take = [(_TAKE, origin.take)] if origin.take else []
    if origin.actor:
        return [(_ACTOR, origin.actor), *take]
    if origin.camera and origin.day:
        return [(_DAY, f"{origin.camera} {origin.day}"), *take]
    return take


def _joined(ties: Iterable[Sequence[_Node]]) -> dict[_Node, _Node]:
    """The first node of the connected component of each."""
    parents: dict[_Node, _Node] = {}

    def root(node: _Node) -> _Node:
        while (parent := parents.setdefault(node, node)) != node:
            node = parent
        return node

    for tie in ties:
        roots = {root(node) for node in tie}
        parents.update(dict.fromkeys(roots, min(roots)))
    return {node: root(node) for node in list(parents)}
