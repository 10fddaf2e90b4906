"""A long recording on its way: how far it is, and pausing, resuming and cancelling it."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.conftest import FakePredictor, MakeClip, MakeUser
from video_classifier.models import Analysis
from video_classifier.services import analyses, segments
from video_classifier.services.errors import Refused
from video_classifier.services.progress import Progress
from video_classifier.states import Status
from video_classifier.web.results import ProgressPanel


@pytest.fixture
def recording(make_clip: MakeClip, user: User) -> Analysis:
    spans = [[60.0 * n, 60.0 * (n + 1)] for n in range(5)]
    clip = make_clip(duration=300.0, segment_spans=spans)
    return analyses.enqueue(clip, model="standard", user=user)


def page(client: Client, analysis: Analysis, **headers: str) -> str:
    html = client.get(analysis.get_absolute_url(), headers=headers).content.decode()
    return " ".join(html.split())


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def post(client: Client, name: str, analysis: Analysis) -> int:
    return client.post(reverse(f"web:{name}", args=[analysis.pk])).status_code


def status(analysis: Analysis) -> str:
    return Analysis.objects.get(pk=analysis.pk).status


def run(error: Exception | None = None) -> None:
    segment = segments.claim_next(worker="one")
    assert segment is not None
    segments.run(segment, predictor=FakePredictor(0.2, error=error))


def test_it_says_how_many_minutes_are_done(client: Client, recording: Analysis) -> None:
    assert "0 of 5 minutes , next in the queue" in words(page(client, recording))

    run()
    run()

    html = page(client, recording, HX_Request="true")
    assert "2 of 5 minutes , less than a minute left" in words(html)
    assert '<progress class="progress-of-it__bar" max="1" value="0.4000"' in html
    assert 'hx-trigger="every' in html


def test_it_names_what_failed(client: Client, recording: Analysis) -> None:
    run(Refused("It is torn."))

    assert "From 0:00 to 1:00 there is no result. It is torn." in words(page(client, recording))


def test_a_short_clip_shows_its_steps(client: Client, make_clip: MakeClip, user: User) -> None:
    short = analyses.enqueue(make_clip(), model="standard", user=user)

    html = page(client, short)

    assert 'class="stages"' in html
    assert "<progress" not in html
    assert "Pause" in words(html)


def test_it_is_paused_and_resumed(client: Client, recording: Analysis) -> None:
    run()
    assert post(client, "pause", recording) == 302
    assert status(recording) == Status.PAUSED

    html = page(client, recording)
    assert "The rest waits until somebody chooses “Resume”." in html
    assert "goes on to its end" not in html
    assert reverse("web:pause", args=[recording.pk]) not in html
    assert "left" not in words(html).split("Cancel")[0].split("Paused")[1]

    assert post(client, "resume", recording) == 302
    assert status(recording) == Status.QUEUED
    assert reverse("web:resume", args=[recording.pk]) not in page(client, recording)


def test_a_pause_says_that_the_part_at_hand_goes_on(client: Client, recording: Analysis) -> None:
    segments.claim_next(worker="one")

    post(client, "pause", recording)

    assert "The part that is being analyzed now goes on to its end." in page(client, recording)


def test_what_runs_alone_can_not_be_paused(client: Client, make_clip: MakeClip, user: User) -> None:
    short = analyses.enqueue(make_clip(), model="standard", user=user)
    segments.claim_next(worker="one")

    assert reverse("web:pause", args=[short.pk]) not in page(client, short)
    assert post(client, "pause", short) == 302
    assert status(short) == Status.RUNNING


@pytest.mark.parametrize("name", ["pause", "resume"])
def test_nobody_else_can(
    client: Client, recording: Analysis, make_user: MakeUser, name: str
) -> None:
    if name == "resume":
        analyses.pause(recording)
    Analysis.objects.update(requested_by=make_user("grace"))
    before = status(recording)
    assert reverse(f"web:{name}", args=[recording.pk]) not in page(client, recording)

    assert post(client, name, recording) == 403

    assert status(recording) == before


@pytest.mark.parametrize("name", ["pause", "resume"])
def test_it_takes_a_token(client: Client, recording: Analysis, name: str) -> None:
    client.handler.enforce_csrf_checks = True

    assert post(client, name, recording) == 403


def test_the_history_says_that_it_is_paused(client: Client, recording: Analysis) -> None:
    analyses.pause(recording)

    html = client.get(reverse("web:history"), {"status": "paused"}).content.decode()

    assert 'data-tone="paused"' in html
    assert "Paused" in words(html)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (3.0, "less than a minute left"),
        (61.0, "about 1 minute left"),
        (8.4 * 60, "about 8 minutes left"),
        (150.0 * 60, "about 2 h 30 min left"),
    ],
)
def test_the_time_left_is_a_rough_one(seconds: float | None, text: str) -> None:
    panel = ProgressPanel(analysis=Analysis(), progress=made(seconds_left=seconds), place=0)

    assert panel.time_left == text


def test_a_minute_counts_once_it_is_done() -> None:
    panel = ProgressPanel(
        analysis=Analysis(), progress=made(done_seconds=719.0, whole_seconds=3590.0), place=0
    )

    assert panel.minutes == "11 of 60 minutes"


def made(**facts: object) -> Progress:
    known: dict[str, object] = {
        "done_seconds": 0.0,
        "whole_seconds": 60.0,
        "segments_done": 0,
        "segments": 60,
        "waiting": 60,
        "paused": 0,
        "failed": (),
        "seconds_left": None,
    }
    return Progress(**known | facts)  # type: ignore[arg-type]
