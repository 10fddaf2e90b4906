"""Into the queue, out of it, and into it again."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import (
    MakeAnalysis,
    MakeClip,
    MakeModel,
    MakeUser,
)
from tests.databases import together
from video_classifier.models import Analysis, Clip, Segment
from video_classifier.services import analyses, clips, segments, trash
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import QueueFullError
from video_classifier.states import Status


def test_knows_its_place_in_the_queue(make_analysis: MakeAnalysis) -> None:
    now = timezone.now()
    first, second, third = (make_analysis(queued_at=now + timedelta(seconds=n)) for n in range(3))

    assert [analyses.place_in_queue(each) for each in (first, second, third)] == [1, 2, 3]
    segments.claim_next(worker="one")
    assert analyses.place_in_queue(third) == 2


def test_the_same_moment_still_gives_different_places(make_analysis: MakeAnalysis) -> None:
    now = timezone.now()
    both = [make_analysis(queued_at=now) for _ in range(2)]

    assert sorted(analyses.place_in_queue(each) for each in both) == [1, 2]


# Again, and no more


def test_again_keeps_the_earlier_result(
    make_analysis: MakeAnalysis, make_model: MakeModel, user: User
) -> None:
    make_model("careful")
    earlier = make_analysis(status=Status.DONE)

    later = analyses.again(earlier, model="careful", user=user)

    assert (later.clip, later.status, later.model) == (earlier.clip, Status.QUEUED, "careful")
    assert later.requested_by == user
    assert Analysis.objects.get(pk=earlier.pk).status == Status.DONE


def test_again_refuses_a_model_that_cannot_be_used(make_analysis: MakeAnalysis, user: User) -> None:
    earlier = make_analysis(status=Status.DONE)

    with pytest.raises(Refused, match="gone"):
        analyses.again(earlier, model="gone", user=user)

    assert Analysis.objects.count() == 1


@pytest.mark.parametrize("end", [trash.put, lambda clip, **_: clips.delete(clip)])
def test_again_comes_too_late_for_a_clip_that_was_deleted_meanwhile(
    make_analysis: MakeAnalysis, make_model: MakeModel, user: User, end: Callable[..., object]
) -> None:
    make_model("careful")
    earlier = make_analysis(status=Status.DONE)
    end(Clip.objects.get(), by=user)

    with pytest.raises(Refused, match="was deleted meanwhile"):
        analyses.again(earlier, model="careful", user=user)

    assert not Segment.objects.waiting().exists()


@pytest.mark.django_db(transaction=True)
def test_of_a_deletion_and_a_new_analysis_at_once_none_is_left_waiting(
    make_clip: MakeClip, make_user: MakeUser
) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    for _ in range(8):
        clip = make_clip()
        queue = partial(analyses.enqueue, clip, model="m", user=bob)
        both: list[Callable[[], object]] = [queue, partial(trash.put, clip, by=ada)]

        with suppress(Refused):
            together(partial(call_one_of, both), times=2)

        assert Clip.objects.in_trash().filter(pk=clip.pk).exists()
        assert not Segment.objects.waiting().exists()


def call_one_of(calls: list[Callable[[], object]]) -> object:
    return calls.pop()()


def test_one_user_has_only_so_many_waiting(
    make_clip: MakeClip, make_user: MakeUser, settings: Settings
) -> None:
    settings.WAITING_PER_USER = 2
    ada, bob, clip = make_user("ada"), make_user("bob"), make_clip()
    for _ in range(2):
        analyses.enqueue(clip, model="standard", user=ada)

    with pytest.raises(QueueFullError, match="as one user may have: 2"):
        analyses.enqueue(clip, model="standard", user=ada)

    analyses.enqueue(clip, model="standard", user=bob)
    analyses.enqueue(clip, model="standard", user=None)
    segments.claim_next(worker="one")
    analyses.enqueue(clip, model="standard", user=ada)


@pytest.mark.django_db(transaction=True)
def test_asking_many_times_at_once_gets_nobody_more_room(
    make_clip: MakeClip, user: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WAITING_PER_USER = 1
    clip = make_clip()
    check_room = analyses.check_room

    def ask() -> None:
        with suppress(QueueFullError):
            analyses.enqueue(clip, model="standard", user=user)

    def check_and_dawdle(user: User | None) -> None:
        check_room(user)
        time.sleep(0.3)

    monkeypatch.setattr(analyses, "check_room", check_and_dawdle)
    together(ask, times=2)

    assert Analysis.objects.count() == 1
