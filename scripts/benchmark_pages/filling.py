"""Fills an empty database with a year of clips, their analyses and the events in them.

No file is made: pages show what rows say, and browsers ask for pictures afterwards.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Model

from scripts.benchmark_pages import recording
from scripts.benchmark_pages.recording import Shape
from video_classifier.models import (
    Analysis,
    AuditEntry,
    BrowserCopy,
    Camera,
    Clip,
    Event,
    HeatMap,
    Membership,
    Segment,
    Store,
    Track,
)
from video_classifier.states import Action, Prediction, Role, Status, View

STORES = 10
CAMERAS = 4  # a store
UPLOADERS = tuple(f"user{n:02}" for n in range(20))
MEMBER, ROOT, NEWCOMER = UPLOADERS[0], "root", "newcomer"
STORES_OF_MEMBER = 3
OF_NEW_STORE = 500  # one of so many clips is of the new store
AT_ONCE = 1000  # clips; all that belongs to them is written together
YEAR = timedelta(days=365)
IN_TRASH = 100  # one of so many clips
WITH_MORE = 10  # one of so many has a copy for browsers and a heat map
RECORDING = "six hours.mp4"
MODELS = ("i3d_person", "person_ensemble")
THRESHOLD = 0.5
BOXES = 20  # a track
TRACK = {
    "times": [number / 4 for number in range(BOXES)],
    "boxes": [[0.1, 0.25, 0.35, 0.75]] * BOXES,
    "crop_times": [number / 8 for number in range(16)],
    "windows": [[0.0, 2.0, 0.31], [1.0, 3.0, 0.62], [2.0, 4.0, 0.17]],
}

# The latest clips wait; of each hundred others so many end in one of these ways.
WAITING = 50
ENDINGS = {"hint": 20, "no_hint": 70, "no_result": 5, "failed": 4, "cancelled": 1}

EVENTS = """
WITH RECURSIVE
numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number <= %(each)s),
hints AS (
    SELECT analysis.id AS analysis_id, track.segment_id, track.id AS track_id,
        analysis.score, analysis.store_id, clip.uploaded_at,
        clip.trashed_at IS NULL AS is_current, ROW_NUMBER() OVER (ORDER BY track.id) AS place
    FROM video_classifier_analysis AS analysis
    JOIN video_classifier_track AS track ON track.analysis_id = analysis.id
    JOIN video_classifier_clip AS clip ON clip.id = analysis.clip_id
    WHERE analysis.prediction = 'hint'
)
INSERT INTO video_classifier_event
    (analysis_id, number, segment_id, track_id, start, "end", peak, score, store_id, happened_at,
    is_current, waits_for, verdict, is_hint)
SELECT analysis_id, number, segment_id, track_id,
    number * 10.0, number * 10.0 + 6.0, number * 10.0 + 3.0,
    %(threshold)s + (score - %(threshold)s) * ((number * 37 + place) %% 100) / 100.0,
    store_id, uploaded_at, is_current, CASE WHEN is_current THEN 'first' ELSE '' END, '', TRUE
FROM hints JOIN numbers ON number <= %(each)s + (CASE WHEN place <= %(more)s THEN 1 ELSE 0 END)
"""

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many rows there are, besides a recording of hours."""

    clips: int
    events: int
    recording: Shape = field(default_factory=Shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who looks at pages."""

    member: User  # analyst and reviewer in some of the stores
    root: User  # sees all
    newcomer: User  # of the store with few clips


class OtherRowsError(Exception):
    """The database is not empty, and has other rows; the message says how many."""


def filled(sizes: Sizes) -> People | None:
    """Who looks at what an earlier call of `fill` wrote; None if the database is empty.

    Raises OtherRowsError.
    """
    clips, events = Clip.objects.count(), Event.objects.count()
    if not clips:
        return None
    if (clips, events) != (sizes.clips + 1, sizes.events + sizes.recording.events):
        msg = f"The database has {clips:,} clips and {events:,} events: fill another one."
        raise OtherRowsError(msg)
    return _people()


def fill(sizes: Sizes, *, now: datetime, advance: Callable[[], None]) -> People:
    """Writes all rows, and calls `advance` for each AT_ONCE clips."""
    filling = _Filling(sizes, now)
    for first in range(0, sizes.clips, AT_ONCE):
        with transaction.atomic():
            filling.write(range(first, min(first + AT_ONCE, sizes.clips)))
        advance()
    _write_events(sizes.events)
    filling.write_recording()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # as its autovacuum does before long
    return filling.people


def _people() -> People:
    found = User.objects.in_bulk([MEMBER, ROOT, NEWCOMER], field_name="username")
    return People(member=found[MEMBER], root=found[ROOT], newcomer=found[NEWCOMER])


class _Filling:
    def __init__(self, sizes: Sizes, now: datetime) -> None:
        self._sizes = sizes
        self._now = now
        self._random = Random(7)  # noqa: S311  (it hides nothing)
        self._endings = [ending for ending, share in ENDINGS.items() for _ in range(share)]
        self._random.shuffle(self._endings)
        stores = _written(Store(name=f"Store {n:02}") for n in range(STORES))
        self._cameras = _written(
            Camera(store=store, name=f"camera {n}") for store in stores for n in range(CAMERAS)
        )
        self._new = Camera.objects.create(store=Store.objects.create(name="New store"), name="door")
        self._uploaders = _written(map(_user, UPLOADERS))
        newcomer = _user(NEWCOMER)
        _written([_user(ROOT, is_staff=True, is_superuser=True), newcomer])
        works = ((self._uploaders[0], store) for store in stores[:STORES_OF_MEMBER])
        _written(
            Membership(user=user, store=store, role=role)
            for user, store in [*works, (newcomer, self._new.store)]
            for role in (Role.ANALYST, Role.REVIEWER)
        )
        self.people = _people()

    def write(self, numbers: Iterable[int]) -> None:
        clips = _written(map(self._clip, numbers))
        analyses = _written(map(self._analysis, numbers, clips))
        segments = _written(map(_segment, analyses))
        followed = [each for each in segments if each.view == View.PERSON and each.score]
        _written(map(_track, followed))
        _written(BrowserCopy(clip=each, status=Status.DONE) for each in clips[::WITH_MORE])
        _written(
            HeatMap(analysis=each.analysis, status=Status.DONE, drops=[[0.5] * 6] * 6)
            for each in followed[::WITH_MORE]
        )
        AuditEntry.objects.bulk_create(
            AuditEntry(
                at=each.uploaded_at,
                action=Action.DOWNLOADED,
                actor=self.people.root.pk,
                object_type="clip",
                object_id=str(each.pk),
            )
            for each in clips
        )

    def write_recording(self) -> None:
        """In a store of the member's; the last that came in but for what waits."""
        clip = self._clip(self._sizes.clips - WAITING)
        clip.name, clip.trashed_at = RECORDING, None
        clip.camera, clip.uploaded_by = self._cameras[0], self.people.member
        clip.store = clip.camera.store
        recording.write(clip, self._sizes.recording)

    def _ending(self, number: int) -> str:
        if number >= self._sizes.clips - WAITING:
            return "queued"
        return self._endings[number % len(self._endings)]

    def _at(self, number: int) -> datetime:
        """The last clip came in now."""
        return self._now - YEAR * (1 - (number + 1) / self._sizes.clips)

    def _clip(self, number: int) -> Clip:
        camera = self._random.choice(self._cameras)
        if number % OF_NEW_STORE == 1:
            camera = self._new
        at = self._at(number)
        return Clip(
            id=self._id(),
            name=f"{camera.name} {at:%Y-%m-%d %H-%M-%S} {number:06}.mp4",
            file=f"clips/{at:%Y/%m}/{number}.mp4",
            sha256=f"{number:064x}",
            size_bytes=2_000_000 + number,
            container="mp4",
            codec="h264",
            width=1280,
            height=720,
            frame_rate=25.0,
            duration=10.0,
            store=camera.store,
            camera=camera,
            uploaded_by=self._random.choice(self._uploaders),
            uploaded_at=at,
            trashed_at=at if number % IN_TRASH == IN_TRASH // 2 else None,
        )

    def _analysis(self, number: int, clip: Clip) -> Analysis:
        at, ending = self._at(number), self._ending(number)
        return Analysis(
            id=self._id(),
            clip=clip,
            store=clip.store,
            model=MODELS[number % len(MODELS)],
            requested_by=clip.uploaded_by,
            queued_at=at,
            frame_times=[0.5 + n for n in range(9)],
            **self._outcome(ending, at),
        )

    def _outcome(self, ending: str, at: datetime) -> dict[str, Any]:
        if ending == "queued":
            return {"status": Status.QUEUED}
        found: dict[str, Any] = {"started_at": at, "finished_at": at + timedelta(seconds=4)}
        if ending in ("failed", "cancelled"):
            return found | {"status": Status(ending), "error": "No picture could be decoded."}
        found |= {"status": Status.DONE, "prediction": Prediction(ending), "view": View.PERSON}
        if ending == "no_result":
            return found | {"reason": "Nobody could be seen in this clip."}
        above = ending == "hint"
        score = self._random.uniform(THRESHOLD if above else 0.0, 1.0 if above else THRESHOLD)
        scored = {"score": score, "threshold": THRESHOLD, "decided_by": 1, "tracks_found": 2}
        return found | scored | {"model_sha256": "a" * 64, "detector_sha256": "d" * 64}

    def _id(self) -> uuid.UUID:
        return uuid.UUID(int=self._random.getrandbits(128), version=4)


def _write_events(wanted: int) -> None:
    """So many in all, shared out among the hints; in one statement, as a million are wanted."""
    hints = Analysis.objects.filter(prediction=Prediction.HINT).count()
    each, more = divmod(wanted, max(hints, 1))
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, {"each": each, "more": more, "threshold": THRESHOLD})


def _segment(analysis: Analysis) -> Segment:
    same = ("status", "requested_by", "error", "score", "threshold", "reason", "view", "decided_by")
    return Segment(analysis=analysis, number=1, **{name: getattr(analysis, name) for name in same})


def _track(segment: Segment) -> Track:
    score = segment.score or 0.0
    return Track(
        analysis=segment.analysis,
        segment=segment,
        number=1,
        number_in_segment=1,
        score=score,
        **TRACK,
    )


def _user(name: str, **fields: bool) -> User:
    return User(username=name, password="!", **fields)  # noqa: S106


def _written(rows: Iterable[Row]) -> list[Row]:
    made = list(rows)
    return list(type(made[0])._base_manager.bulk_create(made)) if made else []  # noqa: SLF001
