"""Writes a database as version 0.1 left it, to try upgrades on.

Its tables are made by the migrations that 0.1 had, its rows by the models of then: people, clips,
analyses in every state, persons, heat maps, and copies that are still to be made.
"""

from __future__ import annotations

import argparse
import itertools
import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

APP = "video_classifier"
LAST = "0002_persons"  # the last migration of 0.1
NOON = datetime(2025, 11, 22, 12, tzinfo=UTC)
NOBODY = "The person detector found nobody in this clip, so the whole picture was looked at."


def main() -> None:
    path = _arguments().path.resolve()
    if path.exists():
        msg = f"{path} exists. Name a file that doesn't, or remove it."
        raise SystemExit(msg)
    _set_up(path)
    write()
    print(f"Wrote {path} as version 0.1 had it. `manage.py migrate` brings it up to date.")


def write(using: str = "default") -> None:
    """Fills an empty database. Needs Django to be set up, and migrates to 0.1 first."""
    from django.db import connections
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connections[using])
    others = [key for key in executor.loader.graph.leaf_nodes() if key[0] not in (APP, "axes")]
    executor.migrate([*others, (APP, LAST)])
    state = MigrationExecutor(connections[using]).loader.project_state([*others, (APP, LAST)])
    _Writer(state.apps, using).write()


class _Writer:
    def __init__(self, apps: Any, using: str) -> None:
        self._apps = apps
        self._using = using
        self._clips = 0
        self._ids = itertools.count(1)

    def write(self) -> None:
        ada = self._user("ada", is_staff=True, is_superuser=True)
        bob = self._user("bob")
        self._add("OneTimePassword", user_id=bob.pk)
        self._results(ada, bob)
        self._unfinished(ada, bob)
        self._copies(ada)

    def _results(self, ada: Any, bob: Any) -> None:
        """What was done, with every kind of result, and what failed."""
        person = {"view": "person", "decided_by": 2, "persons_found": 3, "seconds_finding": 1.5}
        hint = self._done(self._clip(ada, "hint.mp4"), ada, "shoplifter", 0.93, **person)
        for number, score in ((1, 0.2), (2, 0.93)):
            self._person(hint, number, score)
        self._heat_map(hint, "done", drops=[[0.3, 0.0], [0.1, 0.0]])
        whole = {"warnings": ["Only the first 2.0 s of 3.0 s could be read."]}
        clip = self._clip(bob, "no hint.mp4")
        none = self._done(clip, ada, "non_shoplifter", 0.11, model="conv3d", **whole)
        self._heat_map(none, "failed", error="Something broke on our side.", attempts=1)
        again = self._done(clip, bob, "non_shoplifter", 0.04, warnings=[NOBODY])
        self._heat_map(again, "queued")
        running = {"worker": "host:1:abc", "attempts": 1, "heartbeat_at": NOON}
        self._heat_map(self._done(clip, None, "shoplifter", 0.7), "running", **running)
        self._analysis(
            self._clip(bob, "failed.mp4"),
            bob,
            status="failed",
            error="The clip has no pictures. Export it again.",
            attempts=1,
            started_at=NOON,
            finished_at=NOON + timedelta(seconds=1),
        )

    def _unfinished(self, ada: Any, bob: Any) -> None:
        self._analysis(self._clip(ada, "queued.mp4"), ada, queued_at=NOON - timedelta(hours=2))
        self._analysis(self._clip(bob, "queued later.mp4"), bob, attempts=2)
        running = {"worker": "host:1:abc", "attempts": 1, "started_at": NOON, "heartbeat_at": NOON}
        self._analysis(
            self._clip(ada, "running.mp4"), ada, status="running", stage="reading", **running
        )

    def _copies(self, ada: Any) -> None:
        self._clip(ada, "wanted.avi", container="avi", playback="wanted")
        self._clip(ada, "tried.avi", container="avi", playback="wanted", copy_attempts=1)
        self._clip(ada, "copied.avi", playback="copy", playable="playable/2025/11/copied.mp4")
        self._clip(ada, "hopeless.avi", playback="none", copy_attempts=2)

    def _user(self, name: str, **fields: object) -> Any:
        manager = self._apps.get_model("auth", "User").objects.using(self._using)
        return manager.create(username=name, password="!", **fields)  # noqa: S106

    def _clip(self, user: Any, name: str, **fields: object) -> Any:
        self._clips += 1
        facts: dict[str, object] = {
            "file": f"clips/2025/11/{name}",
            "sha256": f"{self._clips:064}",
            "size_bytes": 1000 + self._clips,
            "container": "mp4",
            "codec": "h264",
            "width": 640,
            "height": 480,
            "frame_rate": 25.0,
            "duration": 3.0,
            "uploaded_at": NOON - timedelta(minutes=self._clips),
        }
        return self._add("Clip", name=name, uploaded_by_id=user.pk, **facts | fields)

    def _analysis(self, clip: Any, user: Any, **fields: object) -> Any:
        facts: dict[str, object] = {"model": "person_ensemble", "queued_at": NOON}
        return self._add(
            "Analysis", clip_id=clip.pk, requested_by_id=user and user.pk, **facts | fields
        )

    def _done(self, clip: Any, user: Any, verdict: str, score: float, **fields: object) -> Any:
        facts: dict[str, object] = {
            "status": "done",
            "verdict": verdict,
            "score": score,
            "threshold": 0.5,
            "model_sha256": "a" * 64,
            "frame_times": [0.5, 1.5, 2.5],
            "worker": "host:1:abc",
            "attempts": 1,
            "heartbeat_at": NOON,
            "started_at": NOON,
            "finished_at": NOON + timedelta(seconds=4),
            "seconds_reading": 0.5,
            "seconds_classifying": 0.25,
        }
        return self._analysis(clip, user, **facts | fields)

    def _person(self, analysis: Any, number: int, score: float) -> None:
        self._add(
            "Person",
            analysis_id=analysis.pk,
            number=number,
            score=score,
            times=[0.0, 1.0],
            boxes=[[0.0, 0.25, 0.25, 0.75], [0.5, 0.25, 0.75, 0.75]],
            crop_times=[0.25, 0.75],
        )

    def _heat_map(self, analysis: Any, status: str, **fields: object) -> None:
        self._add("HeatMap", analysis_id=analysis.pk, status=status, queued_at=NOON, **fields)

    def _add(self, kind: str, /, **fields: object) -> Any:
        if kind in ("Clip", "Analysis"):
            fields["id"] = uuid.UUID(int=next(self._ids))  # the same in each such database
        manager = self._apps.get_model(APP, kind).objects.using(self._using)
        return manager.create(**fields)


def _set_up(path: Path) -> None:
    import django
    from django.conf import settings

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shoplift_site.settings")
    settings.DATABASES["default"] |= {"NAME": path, "ENGINE": "django.db.backends.sqlite3"}
    django.setup()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else None,
        epilog="Example: python -m scripts.make_0_1_database /tmp/old.sqlite3",
    )
    parser.add_argument("path", type=Path, help="the SQLite file to be written")
    return parser.parse_args()


if __name__ == "__main__":
    main()
