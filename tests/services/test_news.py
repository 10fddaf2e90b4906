"""Which hints are news to whom."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeUser
from tests.makers.hints import make_hint, make_recording_hint
from tests.makers.live_cameras import make_event, make_feed
from video_classifier.models import Alert, AlertsRead, Clip, Feed, LiveEvent
from video_classifier.services import news, trash
from video_classifier.states import AlertKind, Status


@pytest.fixture
def feed(make_store: MakeStore) -> Feed:
    return make_feed(make_store())


def unread(user: User) -> list[Alert]:
    return list(news.unread(user, now=timezone.now()))


def test_the_newest_comes_first(feed: Feed, user: User) -> None:
    old, new = make_hint(feed, ago=60), make_hint(feed, ago=5)

    assert unread(user) == [new, old]


def test_who_does_not_see_the_store_has_no_news(
    feed: Feed, make_user: MakeUser, make_store: MakeStore
) -> None:
    make_hint(feed)

    assert unread(make_user("eve", store=make_store("North"))) == []
    assert len(unread(User.objects.create_superuser("root"))) == 1


def test_after_a_day_it_is_no_news(feed: Feed, user: User) -> None:
    make_hint(feed, ago=24 * 3600 + 5)

    assert unread(user) == []


@pytest.mark.parametrize("kind", [AlertKind.OFFLINE, AlertKind.BACK])
def test_faults_are_no_hints(feed: Feed, user: User, kind: AlertKind) -> None:
    make_hint(feed, kind=kind)

    assert unread(user) == []


def test_what_was_dismissed_is_no_news_to_them_alone(
    feed: Feed, user: User, make_user: MakeUser
) -> None:
    seen = make_hint(feed, ago=60)
    late = make_hint(feed, ago=5)

    news.dismiss(user, until=seen.created_at, now=timezone.now())

    assert unread(user) == [late]
    assert unread(make_user("bob")) == [late, seen]


def test_dismissing_goes_forwards_only(feed: Feed, user: User) -> None:
    hint = make_hint(feed, ago=60)
    news.dismiss(user, until=hint.created_at, now=timezone.now())

    news.dismiss(user, until=hint.created_at - timedelta(hours=1), now=timezone.now())

    assert unread(user) == []


def test_what_is_still_to_come_can_not_be_dismissed(user: User) -> None:
    now = timezone.now()

    news.dismiss(user, until=now + timedelta(days=9), now=now)

    assert AlertsRead.objects.get().until == now


def test_what_is_in_the_trash_is_no_news(
    feed: Feed, user: User, make_clip: MakeClip, make_analysis: MakeAnalysis
) -> None:
    clip = make_clip(uploaded_by=user)
    make_hint(feed, live_event=make_event(feed, clip=clip))
    analysis = make_analysis(name="till.mp4", status=Status.DONE)
    make_recording_hint(analysis)
    assert len(unread(user)) == 2

    for each in Clip.objects.all():
        trash.put(each, by=user)

    assert unread(user) == []


def test_what_is_deleted_is_no_news(feed: Feed, user: User) -> None:
    hint = make_hint(feed)

    Alert.objects.filter(pk=hint.pk).update(live_event=None)

    assert unread(user) == []


@pytest.mark.parametrize(("no_clip", "is_news"), [("", False), ("Its clip is being made.", True)])
def test_what_has_no_clip_any_more_is_no_news(
    feed: Feed, user: User, no_clip: str, *, is_news: bool
) -> None:
    """Unless it has none yet, or the event says why."""
    hint = make_hint(feed)
    closed = {"closed_at": timezone.now(), "closing": "gone", "no_clip": no_clip}

    LiveEvent.objects.update(clip=None, **closed)

    assert unread(user) == [hint] * is_news


def test_after_a_flood_an_index_finds_what_is_new(feed: Feed, user: User) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the plan of SQLite")
    found = news.unread(user, now=timezone.now())[:100]

    plan = found.explain()

    assert "alert_of_store" in plan or "alert_by_time" in plan
