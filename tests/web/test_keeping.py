"""How long a clip is kept is said where it is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client
from django.utils import timezone

from tests.conftest import MakeAnalysis, MakeClip
from video_classifier.models import Analysis, Case, CaseItem
from video_classifier.services import retention, second_opinions
from video_classifier.services.retention import Days, due
from video_classifier.states import RecordedFrom, Status
from video_classifier.web.keeping import Keeping, keeping_of

A_SECOND = timedelta(seconds=1)
AT = datetime(2026, 11, 3, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("keeping", "words"),
    [
        (Keeping(), "Kept until somebody deletes it"),
        (Keeping(is_held=True), "Kept as long as it is in a case"),
        (Keeping(until=AT), "Kept until 3 Nov 2026, 14:00 UTC"),
        (Keeping(until=AT, makes_room=True), "Kept until 3 Nov 2026, 14:00 UTC"),
        (
            Keeping(makes_room=True),
            "Kept until somebody deletes it, or newer clips of live cameras need the room",
        ),
        (Keeping(waits=True), "Kept as its first result decides"),
        (
            Keeping(waits=True, until=AT),
            "Kept as its first result decides; without one until 3 Nov 2026, 14:00 UTC",
        ),
    ],
)
def test_it_is_said_in_words(keeping: Keeping, words: str) -> None:
    assert str(keeping) == words


@pytest.fixture
def analysis(make_analysis: MakeAnalysis) -> Analysis:
    return make_analysis(status=Status.DONE)


def of(analysis: Analysis) -> Keeping:
    listed = second_opinions.marked(Analysis.objects.for_listing(), AnonymousUser())
    return keeping_of(listed.get(pk=analysis.pk))


def test_a_store_without_days_keeps_all(analysis: Analysis) -> None:
    assert of(analysis) == Keeping()


def test_the_latest_result_decides(
    analysis: Analysis, make_analysis: MakeAnalysis, user: User
) -> None:
    clip = analysis.clip
    retention.change(clip.store, Days(ordinary=1, waiting=7), by=user)

    assert of(analysis).until == clip.uploaded_at + timedelta(days=7)

    Analysis.objects.update(is_latest=False)
    make_analysis(clip=clip, status=Status.DONE, prediction="no_hint", score=0.1)
    assert of(analysis).until == clip.uploaded_at + timedelta(days=1)


NOW = timezone.now()
CAME = NOW - timedelta(days=2)
QUEUED, FAILED = {"status": Status.QUEUED}, {"status": Status.FAILED, "error": "Broken."}


def done(hours: int) -> dict[str, Any]:
    at = CAME + timedelta(hours=hours)
    return {"status": Status.DONE, "prediction": "no_hint", "score": 0.1, "finished_at": at}


@pytest.mark.parametrize(
    ("results", "hours", "waits"),
    [
        ([QUEUED], 7 * 24, True),
        ([FAILED], 24, False),
        ([done(1)], 25, False),
        ([done(40)], 64, False),
        ([done(160)], 7 * 24, False),  # a week after its upload at the latest
        ([done(1), done(47)], 25, False),
        ([done(1), QUEUED], 25, False),  # to analyze it again prolongs nothing
    ],
)
def test_an_old_recording_waits_for_its_first_result_and_then_a_day(
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    user: User,
    *,
    results: list[dict[str, Any]],
    hours: int,
    waits: bool,
) -> None:
    recorded_at = NOW - timedelta(days=900)
    clip = make_clip(uploaded_at=CAME, recorded_at=recorded_at, recorded_from=RecordedFrom.NAME)
    retention.change(clip.store, Days(ordinary=1, waiting=1), by=user)
    for result in results:
        Analysis.objects.update(is_latest=False)
        analysis = make_analysis(clip=clip, **result)

    said = of(analysis)

    assert (said.until, said.waits) == (CAME + timedelta(hours=hours), waits)
    assert said.until is not None
    for moment, is_due in ((said.until - A_SECOND, False), (said.until + A_SECOND, True)):
        assert due(clip.store, clip.store.retention, now=moment).exists() == is_due


def test_days_that_are_counted_for_other_clips_alone_have_no_end(
    make_analysis: MakeAnalysis, user: User
) -> None:
    analysis = make_analysis()
    retention.change(analysis.clip.store, Days(ordinary=1), by=user)

    assert of(analysis) == Keeping(waits=True)


def test_a_case_holds_it(analysis: Analysis, user: User) -> None:
    retention.change(analysis.clip.store, Days(waiting=7), by=user)
    case = Case.objects.create(store=analysis.clip.store, name="Bicycles")
    CaseItem.objects.create(case=case, clip=analysis.clip)

    assert of(analysis) == Keeping(is_held=True)


def test_result_and_history_say_it(client: Client, analysis: Analysis, user: User) -> None:
    retention.change(analysis.clip.store, Days(waiting=7), by=user)
    until = timezone.localtime(analysis.clip.uploaded_at + timedelta(days=7))

    result = " ".join(client.get(analysis.get_absolute_url()).content.decode().split())
    history = client.get("/history/").content.decode()

    assert f'<dt>Kept</dt><dd>until <time datetime="{until:%Y-%m-%dT%H:%M}' in result
    assert f'title="Kept until {until:%-d %b %Y, %H:%M}' in history
