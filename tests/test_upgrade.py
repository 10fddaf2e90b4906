"""What a database of version 0.1 holds is all there after an upgrade, and after the way back."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from scripts import make_0_1_database
from scripts.make_0_1_database import APP, LAST, NOON
from tests.conftest import MakeAnalysis, MakeClip, MakeModel, MakeTrack, make_segment
from tests.makers.events import make_result_event
from tests.makers.measures import make_score
from tests.makers.past import Past, migrate
from tests.makers.versions import make_version
from video_classifier.models import (
    Analysis,
    BrowserCopy,
    Camera,
    Clip,
    HeatMap,
    OneTimePassword,
    RepeatableRequest,
    Segment,
)
from video_classifier.models.analyses import Result
from video_classifier.services import (
    cases,
    copy_runs,
    evidence,
    idempotency,
    jobs,
    reviews,
    second_factor,
    segments,
    tags,
    trash,
    worker,
)
from video_classifier.services.errors import Refused
from video_classifier.states import (
    Answer,
    Playback,
    Prediction,
    Status,
    ThresholdOrigin,
    Verdict,
    View,
)

ROOT = Path(__file__).parent.parent

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What 0.1 wrote, and the database with it that is migrated to the newest version."""

    rows: Rows
    database: str


@pytest.fixture(scope="module")
def written(past: Past) -> Iterator[Written]:
    with past.at(LAST) as then:
        make_0_1_database.write()
        rows = dump(then)
        migrate()
        database = past.copy()
    yield Written(rows=rows, database=database)
    past.drop(database)


@pytest.fixture
def upgraded(written: Written, past: Past) -> Iterator[None]:
    """The connection leads to what 0.1 wrote."""
    with past.leads_to(written.database):
        yield


upgrade = pytest.mark.usefixtures("upgraded", "db")


def of(name: str) -> Analysis:
    """The first analysis of the clip with that name."""
    found = Analysis.objects.filter(clip__name=name).order_by("pk").first()
    assert found is not None
    return found


@upgrade
def test_every_row_is_there() -> None:
    assert User.objects.count() == 2
    assert OneTimePassword.objects.get().user.username == "bob"
    assert Clip.objects.count() == 10
    assert Analysis.objects.count() == Segment.objects.count() == 8
    assert HeatMap.objects.count() == 4
    assert {clip.duration for clip in Clip.objects.all()} == {3.0}


@upgrade
def test_a_result_and_its_tracks_say_the_same() -> None:
    hint = of("hint.mp4")

    assert (hint.status, hint.prediction) == (Status.DONE, Prediction.HINT)
    assert (hint.score, hint.threshold, hint.threshold_origin) == (0.93, 0.5, ThresholdOrigin.MODEL)
    assert (hint.model, hint.model_sha256) == ("person_ensemble", "a" * 64)
    assert (hint.view, hint.decided_by, hint.tracks_found) == (View.PERSON, 2, 3)
    assert (hint.frame_times, hint.started_at) == ([0.5, 1.5, 2.5], NOON)
    assert hint.requested_by == User.objects.get(username="ada")
    first, second = hint.tracks.all()
    assert (first.number, first.score, second.number, second.score) == (1, 0.2, 2, 0.93)
    assert (second.times, second.crop_times) == ([0.0, 1.0], [0.25, 0.75])
    assert (hint.windows, first.windows, second.windows) == ([], [], [])  # not known of then
    assert second.boxes == [[0.0, 0.25, 0.25, 0.75], [0.5, 0.25, 0.75, 0.75]]


@upgrade
def test_the_pictures_have_the_names_that_they_had() -> None:
    hint = of("hint.mp4")

    assert evidence.frame_files(hint) == [f"frames/{hint.pk}/0{n}.jpg" for n in range(3)]
    assert evidence.crop_files(hint.tracks.get(number=2)) == [
        f"frames/{hint.pk}/person-02-0{n}.jpg" for n in range(2)
    ]


@upgrade
def test_each_analysis_is_one_segment_with_its_result() -> None:
    for analysis in Analysis.objects.all():
        segment = analysis.segments.get()

        assert (segment.number, segment.start, segment.end) == (1, 0.0, None)
        for field in (*Result._meta.fields, *map(Analysis._meta.get_field, SAME)):
            assert getattr(segment, field.name) == getattr(analysis, field.name)
        for track in analysis.tracks.all():
            assert (track.segment, track.number_in_segment) == (segment, track.number)


SAME = ("status", "requested_by", "error")


@upgrade
def test_results_without_a_hint_and_of_another_model_are_kept() -> None:
    no_hint, again, nobodys = Analysis.objects.filter(clip__name="no hint.mp4").order_by("pk")

    assert (no_hint.prediction, no_hint.score, no_hint.model) == ("no_hint", 0.11, "conv3d")
    assert no_hint.warnings == ["Only the first 2.0 s of 3.0 s could be read."]
    assert (again.model, again.model_sha256) == ("mobilenetv2_lstm", "")  # which scored then
    assert (nobodys.prediction, nobodys.requested_by) == (Prediction.HINT, None)
    failed = of("failed.mp4")
    assert (failed.status, failed.error) == (
        Status.FAILED,
        "The clip has no pictures. Export it again.",
    )


@upgrade
def test_heat_maps_are_kept() -> None:
    found = {each.status: each for each in HeatMap.objects.all()}

    assert found["done"].drops == [[0.3, 0.0], [0.1, 0.0]]
    assert found["failed"].error == "Something broke on our side."
    assert (found["running"].worker, found["running"].heartbeat_at) == ("host:1:abc", NOON)
    assert found["queued"].waiting_since == NOON


@upgrade
def test_copies_are_jobs() -> None:
    jobs = BrowserCopy.objects.order_by("clip__uploaded_at")

    assert [(job.clip.name, job.status, job.attempts) for job in jobs] == [
        ("hopeless.avi", Status.FAILED, 2),
        ("copied.avi", Status.DONE, 0),
        ("tried.avi", Status.QUEUED, 1),
        ("wanted.avi", Status.QUEUED, 0),
    ]
    playback = dict(Clip.objects.filter(name__endswith="avi").values_list("name", "playback"))
    assert playback["copied.avi"] == Playback.COPY
    assert playback["hopeless.avi"] == Playback.NONE


@upgrade
def test_the_queue_goes_on_where_it_was() -> None:
    stalled = of("running.mp4")
    assert (stalled.status, stalled.stage) == (Status.RUNNING, "reading")

    assert segments.requeue_stalled() == 1
    order = [segment.analysis.clip.name for segment in iter(claim, None)]

    assert order == ["queued.mp4", "queued later.mp4", "running.mp4"]
    assert Segment.objects.get(analysis=of("queued later.mp4")).attempts == 3
    assert worker.step(worker="one", kinds=["copies"])  # tries it, and there is no such file
    assert copy_runs.ATTEMPTS == 3


@upgrade
def test_what_came_later_works_on_what_was_there(make_model: MakeModel) -> None:
    make_model()
    hint, ada = of("hint.mp4"), User.objects.get(username="ada")
    clip = hint.clip
    event = make_result_event(hint)

    reviews.answer(event, clip, ada, answer=Answer.FALSE_ALARM)
    case = cases.create(clip.store, cases.Subject(name="Perfume"), by=ada)
    cases.add_event(case, event, by=ada)
    tags.put([clip], "till")
    make_score(Camera.objects.create(store=clip.store, name="Till"), clip=clip)
    version = make_version(clip.store)
    second_factor.pending(ada)
    begun = idempotency.begin(ada, "key", "fingerprint")
    assert isinstance(begun, RepeatableRequest)
    idempotency.finish(begun, idempotency.Answer(status=201, body={}))
    browser = Client()
    browser.force_login(ada)

    assert Clip.objects.get(pk=clip.pk).verdict == Verdict.FALSE_ALARM
    assert idempotency.begin(ada, "key", "fingerprint") == idempotency.Answer(status=201, body={})
    pages = [
        *("/history/?tag=till", "/review/", "/dashboard/", "/cases/", "/personal-data/", "/audit/"),
        *(hint.get_absolute_url(), f"/cases/{case.pk}/", f"/stores/{clip.store_id}/versions/"),
    ]
    assert [page for page in pages if browser.get(page).status_code != 200] == []
    assert version.store == clip.store
    with pytest.raises(Refused, match="Perfume"):
        trash.put(clip, by=ada)


def claim() -> Segment | None:
    return segments.claim_next(worker="one")


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_the_way_back_to_0_1_keeps_every_result(
    written: Written,
    past: Past,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    make_track: MakeTrack,
) -> None:
    """And finds a place in older versions for what only newer ones know."""
    with past.copied(written.database):
        clip = make_clip(segment_spans=[[0.0, 60.0], [60.0, 120.0]])
        joined = make_analysis(clip=clip, status=Status.DONE, view=View.PERSON, decided_by=1)
        tracks = [
            make_track(analysis=joined, number=1, windows=[[0.0, 2.0, 0.2]]),
            make_track(analysis=joined, number=2, windows=[[0.0, 2.0, 0.8]]),
        ]
        second = make_segment(joined, number=2, start=60.0)
        third = {"segment": second, "number": 1, "windows": [[60.0, 62.0, 0.9]]}
        tracks.append(make_track(analysis=joined, **third))
        paused = make_analysis(status=Status.PAUSED)
        # A worker was killed after putting the segment back, before it updated the analysis.
        between = make_analysis(status=Status.RUNNING)
        jobs.put_back(Segment.objects.filter(analysis=between), worker="one")

        # Before there were segments that share people, no two rows had one number.
        then = migrate("0011_windows")
        numbers = then.get_model(APP, "Track").objects.filter(analysis=joined.pk).order_by("pk")
        assert [track.number for track in numbers] == [1, 2, 3]
        found = {row.pk: row for row in then.get_model(APP, "Analysis").objects.all()}
        assert found[joined.pk].decided_by == 3
        assert found[paused.pk].status == Status.QUEUED
        of_segments = then.get_model(APP, "Segment").objects.filter(
            analysis__in=[joined.pk, paused.pk]
        )
        assert {row.status for row in of_segments} == {Status.QUEUED, Status.DONE}

        run = migrate("0009_jobs").get_model(APP, "Analysis").objects.get(pk=between.pk)
        assert (run.status, run.attempts, run.heartbeat_at) == (Status.QUEUED, 1, None)

        back = dump(migrate(LAST))

    later: dict[str, set[Any]] = {
        "Clip": {each.clip_id for each in (joined, paused, between)},
        "Analysis": {each.pk for each in (joined, paused, between)},
        "Person": {each.pk for each in tracks},
    }
    kept = {
        name: [row for row in rows if row.get("id") not in later.get(name, set())]
        for name, rows in back.items()
    }
    assert kept == written.rows


def dump(then: Any) -> Rows:
    """All rows, without what a version after 0.1 knows better."""
    found = {}
    for model in then.get_app_config(APP).get_models():
        rows = list(model.objects.order_by("pk").values())
        for row in rows:
            if row.get("warnings") == [make_0_1_database.NOBODY]:  # scored by another model
                row |= {"model": "", "model_sha256": ""}
        found[model.__name__] = rows
    return found


def test_the_script_writes_a_file_with_the_same_rows(written: Written, tmp_path: Path) -> None:
    file = tmp_path / "db.sqlite3"
    environment = os.environ | {"DATA_DIR": str(tmp_path), "RUNNER": "none"}
    command = [sys.executable, "-m", "scripts.make_0_1_database", str(file)]

    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )

    assert "as version 0.1 had it" in done.stdout
    with closing(sqlite3.connect(file)) as database:
        counts = {
            name: database.execute(f"SELECT COUNT(*) FROM {APP}_{name.lower()}").fetchone()[0]  # noqa: S608
            for name in written.rows
        }
    assert counts == {name: len(rows) for name, rows in written.rows.items()}
