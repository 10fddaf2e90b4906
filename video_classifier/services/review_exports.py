"""What people agree on, as a data set that scripts.train reads: clips of events, and a manifest.

Reviewers are numbers that mean something in one export only, and no file says what was written
in a note.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import reduce
from operator import or_
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db.models import Q

from video_classifier.ml.contracts import LABELS
from video_classifier.models import Clip, Event, PlantedAct, Store
from video_classifier.querysets import EventQuerySet
from video_classifier.services import (
    audit,
    disk,
    files,
    periods,
    planted_acts,
    reviews,
    sandbox,
    spreadsheets,
)
from video_classifier.services.errors import Refused
from video_classifier.states import Action, Answer, Origin, Verdict

ORDINARY, SHOPLIFTER = LABELS
MANIFEST = "manifest.csv"
CLIPS = "clips"  # the folder beside it
COLUMNS = (
    *("path", "label", "group", "take", "source", "note"),
    *("camera", "day", "reviewer", "event", "score", "model"),
)
NOT_EMPTY = "The folder {folder} isn't empty. Choose another: exports are never mixed."
NO_FOLDER = "The folder {folder} can't be written to: {reason}."
CONTRADICTED = "the same footage was uploaded twice, and people disagree"
ACTED = "staff acted it for a test"
TWICE = "the same footage is in it already"
GONE = "its file is gone"
_LABELS = {Verdict.CONFIRMED: SHOPLIFTER, Verdict.FALSE_ALARM: ORDINARY}
_CHUNK = 200  # rows that are read at once


@dataclass(slots=True)
class Summary:
    """What came of an export."""

    labels: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)  # by the reason


def agreed(*, since: date | None = None, store: Store | None = None) -> EventQuerySet:
    """Events of latest results of which nobody else is asked: the oldest first.

    Two people have confirmed them, or nobody disputes that it was a false alarm. `since` is
    a day by the clocks of their stores.
    """
    found = Event.objects.current().filter(verdict__in=_LABELS, waits_for="")
    if store is not None:
        found = found.filter(store=store)
    if since is not None:
        days = [
            Q(store=each, happened_at__gte=periods.midnight(since, ZoneInfo(each.time_zone)))
            for each in Store.objects.all()
        ]
        found = found.filter(reduce(or_, days, Q(pk=None)))
    related = ("analysis__clip__store", "analysis__clip__camera")
    return found.select_related(*related).order_by("happened_at", "pk")


def write(events: EventQuerySet, folder: Path) -> Summary:
    """Into a new or empty folder. What can't be cut out is left out, with the reason.

    Raises Refused if the folder can't be used, and DiskFullError.
    """
    summary = lay_out(events, folder)
    audit.record(Action.EXPORTED, None, audit.EVENTS, rows=summary.labels.total())
    return summary


def lay_out(
    events: EventQuerySet, folder: Path, *, watch: Callable[[], None] = lambda: None
) -> Summary:
    """As `write`, for use on this machine alone. Raises what `watch` raises, too."""
    _prepare(folder)
    summary, numbers = Summary(), _Numbers()
    rows = []
    with disk.refusing_when_full():
        for event in once(events, summary):
            watch()
            try:
                name = _keep(event, folder)
            except FileNotFoundError:
                summary.left_out[GONE] += 1
            except disk.AwayError:  # of all that would follow, too
                raise
            except Refused as refusal:
                summary.left_out[str(refusal)] += 1
            else:
                rows.append(_row(event, name, numbers))
                summary.labels[label(event)] += 1
        _write_manifest(folder / MANIFEST, rows)  # at the end: without one it is no data set
    return summary


def _write_manifest(path: Path, rows: Iterable[dict[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def once(events: EventQuerySet, summary: Summary) -> Iterator[Event]:
    """Each stretch of footage once, though it was uploaded twice; none if verdicts differ then.

    Acts for a test belong to tests: people call them what they like.
    """
    same: dict[str, list[tuple[int, float, float, str]]] = defaultdict(list)
    facts = ("analysis__clip__sha256", "pk", "start", "end", "verdict")
    for sha256, pk, start, end, verdict in events.values_list(*facts):
        same[sha256].append((pk, start, end, verdict))
    clip_of = dict(events.values_list("pk", "analysis__clip"))
    acts = planted_acts.by_camera(PlantedAct.objects.all())
    for event in events.iterator(chunk_size=_CHUNK):
        twins = [
            (pk, verdict)
            for pk, start, end, verdict in same[event.analysis.clip.sha256]
            if clip_of[pk] != event.analysis.clip_id and start < event.end and event.start < end
        ]
        clip = event.analysis.clip
        if planted_acts.is_acted(
            acts[clip.camera_id], clip.recorded_at, event.happened_at, event.end - event.start
        ):
            summary.left_out[ACTED] += 1
        elif any(verdict != event.verdict for _, verdict in twins):
            summary.left_out[CONTRADICTED] += 1
        elif any(pk < event.pk for pk, _ in twins):
            summary.left_out[TWICE] += 1
        else:
            yield event


def label(event: Event) -> str:
    return _LABELS[Verdict(event.verdict)]


class _Numbers:
    """Of people, from 1, in the order in which they come."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}

    def of(self, people: Iterable[int | None]) -> str:
        known = (each for each in people if each is not None)
        found = [self._known.setdefault(each, len(self._known) + 1) for each in known]
        return " ".join(map(str, sorted(found)))


def _prepare(folder: Path) -> None:
    try:
        if folder.exists() and any(folder.iterdir()):
            raise Refused(NOT_EMPTY.format(folder=folder))
        (folder / CLIPS).mkdir(parents=True)
    except OSError as error:
        raise Refused(NO_FOLDER.format(folder=folder, reason=error.strerror)) from error


def _keep(event: Event, folder: Path) -> str:
    """The name of the file, as the manifest has it. A live event's clip is it already.

    Raises Refused, and FileNotFoundError.
    """
    clip = event.analysis.clip
    with files.local_path(clip.file) as source:
        if clip.origin == Origin.EVENT and _is_alone(event):
            name = f"{CLIPS}/{event.pk}.{clip.container}"
            _link(source, folder / name)
            return name
        aside = folder / CLIPS / f"{event.pk}.part"
        try:
            stretch = (event.start, event.end)
            _, _, suffix = sandbox.cut(source, aside, container=clip.container, stretch=stretch)
            name = f"{CLIPS}/{event.pk}.{suffix}"
            aside.rename(folder / name)
        finally:
            aside.unlink(missing_ok=True)
    return name


def _is_alone(event: Event) -> bool:
    return not event.analysis.events.exclude(pk=event.pk).exists()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:  # an OSError, too
        raise
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(source, target)


def _row(event: Event, name: str, numbers: _Numbers) -> dict[str, object]:
    clip = event.analysis.clip
    given = reviews.answers_to(event)
    day = _day(clip.moment_of(event.start), clip)
    return {
        "path": name,
        "label": label(event),
        "group": _group(clip),
        "take": clip.sha256[:16],
        "source": spreadsheets.harmless(_camera(clip) or clip.store.name),
        "note": "",
        "camera": spreadsheets.harmless(_camera(clip)),
        "day": day.isoformat() if day else "",
        "reviewer": numbers.of(by for by, said in given.items() if said != Answer.UNSURE),
        "event": event.pk,
        "score": event.score,
        "model": event.analysis.model,
    }


def _group(clip: Clip) -> str:
    """The same people may be in all of a camera's day. Else it is the recording alone."""
    day = _day(clip.recorded_at, clip)
    return f"camera {clip.camera_id}, {day}" if clip.camera_id and day else clip.sha256[:16]


def _camera(clip: Clip) -> str:
    return f"{clip.store.name} / {clip.camera.name}" if clip.camera else ""


def _day(moment: datetime | None, clip: Clip) -> date | None:
    """By the clocks of the store."""
    return moment.astimezone(ZoneInfo(clip.store.time_zone)).date() if moment else None
