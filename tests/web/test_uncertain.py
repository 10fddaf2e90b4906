"""What is uncertain is shown as that: no hint, and not nothing either."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone

from tests.conftest import MakeAnalysis, MakeStore
from tests.makers.events import make_result_event
from tests.makers.live_cameras import make_event, make_feed
from video_classifier.ml.contracts import EventCandidate
from video_classifier.models import Analysis, Event, Track
from video_classifier.services.evidence import Still
from video_classifier.states import Prediction, Status, ThresholdOrigin
from video_classifier.web import live_cameras
from video_classifier.web.batches import batch_of
from video_classifier.web.curves import event_keys
from video_classifier.web.events import BY_SCORE, EventView
from video_classifier.web.results import ResultSummary, ScoreReading

BETWEEN = {"is_hint": False, "low": 0.6, "score": 0.7, "threshold": 0.89}
LOOK = "Uncertain: a person should look"


@pytest.fixture
def analysis(make_analysis: MakeAnalysis) -> Analysis:
    """With an uncertain event."""
    made = make_analysis(
        status=Status.DONE,
        prediction=Prediction.UNCERTAIN,
        score=0.7,
        low=0.6,
        threshold=0.89,
        threshold_origin=ThresholdOrigin.CAMERA,
    )
    make_result_event(made, score=0.7, is_hint=False)
    return made


def test_its_result_page_asks_a_person_to_look(client: Client, analysis: Analysis) -> None:
    page = client.get(analysis.get_absolute_url()).text

    assert LOOK in page
    assert 'data-tone="uncertain"' in page
    assert "Possible shoplifting" not in page
    assert "uncertain from 0.60 on" in page


def test_its_event_is_no_hint(client: Client, analysis: Analysis) -> None:
    page = client.get(f"{analysis.get_absolute_url()}events/1/").text

    assert LOOK in page
    assert "Possible shoplifting" not in page


def test_its_confidence_is_not_known(analysis: Analysis) -> None:
    found = ResultSummary(analysis=analysis).confidence

    assert found.value == ""
    assert "those of the camera decided" in found.sentence


def test_the_history_finds_it(
    client: Client, analysis: Analysis, make_analysis: MakeAnalysis
) -> None:
    make_analysis(name="other.mp4", status=Status.DONE)

    page = client.get("/history/?hint=uncertain").text

    assert analysis.clip.name in page
    assert "other.mp4" not in page


def test_it_comes_after_hints_where_these_come_first(
    client: Client, analysis: Analysis, make_analysis: MakeAnalysis
) -> None:
    make_analysis(name="nothing.mp4", status=Status.DONE, prediction=Prediction.NO_HINT)
    make_analysis(name="hint.mp4", status=Status.DONE)

    page = client.get("/history/?sort=hint").text

    places = [page.index(name) for name in ("hint.mp4", analysis.clip.name, "nothing.mp4")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("score", "tone"),
    [(0.5, Prediction.NO_HINT), (0.6, Prediction.UNCERTAIN), (0.89, Prediction.HINT)],
)
def test_a_score_has_the_tone_of_its_side(score: float, tone: Prediction) -> None:
    assert ScoreReading(score=score, threshold=0.89, low=0.6).tone == tone


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ((0.7,), ["Event: uncertain"]),
        ((0.7, 0.9), ["Event: uncertain", "Event: possible shoplifting"]),
        ((0.7,) * 8, ["8 events: uncertain"]),
        ((0.9,) + (0.7,) * 7, ["1 event: possible shoplifting", "7 events: uncertain"]),
    ],
)
def test_each_kind_of_events_has_an_entry_of_its_own(
    scores: tuple[float, ...], words: list[str]
) -> None:
    some = [EventCandidate(start=0, end=2, peak=1, score=score) for score in scores]

    keys = event_keys([(each, "Event") for each in some], 0.89)

    assert [key.words for key in keys] == words
    assert [key.is_hint for key in keys] == ["possible" in each for each in words]


def test_the_box_of_somebody_uncertain_has_a_question_mark() -> None:
    box = render_to_string("components/box.html", {"number": 12, "is_uncertain": True})

    assert re.findall(r">(.+?)</text>", box) == ["12", "?"]
    assert "data-uncertain" in box
    assert 'width="32"' in box


def test_a_batch_counts_what_is_uncertain(analysis: Analysis) -> None:
    words = {count.words: count.number for count in batch_of([analysis]).counts}

    assert (words["done"], words["uncertain"], words["possible shoplifting"]) == (1, 1, 0)


def test_an_uncertain_live_event_is_no_alarm(
    client: Client, user: User, make_store: MakeStore
) -> None:
    feed = make_feed(make_store())
    hint = make_event(feed, ago=600.0)
    make_event(feed, ago=5.0, is_open=True, **BETWEEN)

    wall = client.get("/live/").text
    page = client.get(f"/cameras/{feed.pk}/").text
    (view,) = live_cameras.views(
        list(live_cameras.visible_feeds(user)), user, now=timezone.now() + timedelta(seconds=1)
    )

    assert "Possible shoplifting" not in wall
    assert LOOK in page
    assert (view.hints, len(view.going_on)) == ([], 1)
    assert view.last is not None
    assert view.last.event == hint


@pytest.mark.parametrize("is_hint", [True, False])
def test_the_box_of_an_uncertain_event_is_none_of_a_hint(*, is_hint: bool) -> None:
    track = Track(number=1, times=[0.0, 1.0], boxes=[[0.1, 0.1, 0.3, 0.9]] * 2)
    event = Event(track=track, number=1, is_hint=is_hint)

    (box,) = EventView(event=event, still=Still(name="", time=0.5), sort=BY_SCORE).boxes

    assert box.is_hint is is_hint
