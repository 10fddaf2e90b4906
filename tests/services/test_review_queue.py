"""What waits for whom, and in which order; what is shown blind; and what a token stands for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeUser
from tests.databases import plan
from tests.makers.events import make_result_event
from video_classifier.models import Camera, Clip, Event, Review, Visit
from video_classifier.services import (
    blind_items,
    review_items,
    review_queue,
    reviews,
    secrets,
    trash,
)
from video_classifier.services.errors import Refused
from video_classifier.services.review_items import Item
from video_classifier.services.review_queue import Filters
from video_classifier.states import Answer, Origin, Status, Turn

ALL = Filters()
NEWEST = Filters(order="newest")
YES, NO = Answer.CONFIRMED, Answer.FALSE_ALARM


@pytest.fixture(autouse=True)
def _nothing_blind(settings: Settings) -> None:
    settings.REVIEW_BLIND = 0.0


@pytest.fixture
def dana(make_user: MakeUser) -> User:
    return make_user("dana")


@pytest.fixture
def events(make_analysis: MakeAnalysis) -> list[Event]:
    """Of three clips; the strongest first."""
    made = [make_analysis(name=f"{number}.mp4", status=Status.DONE) for number in range(3)]
    return [
        make_result_event(analysis, score=0.9 - number / 10) for number, analysis in enumerate(made)
    ]


def say(event: Event, by: User, answer: Answer = NO) -> None:
    reviews.answer(event, event.analysis.clip, by, answer=answer)


def walk(user: User, filters: Filters = ALL) -> list[Event | None]:
    """All that comes, one after the other."""
    found: list[Event | None] = []
    item = review_queue.next_one(user, filters)
    while item is not None:
        found.append(item.event)
        item = review_queue.next_one(user, filters, after=item)
    return found


# Order


def test_the_highest_score_comes_first(events: list[Event], user: User) -> None:
    assert walk(user) == events
    assert list(review_queue.waiting(user, ALL)) == events


def test_hints_come_before_what_is_uncertain_whatever_that_scored(
    events: list[Event], user: User
) -> None:
    Event.objects.filter(pk=events[0].pk).update(is_hint=False)

    in_order = [events[1], events[2], events[0]]
    assert walk(user) == in_order
    assert list(review_queue.waiting(user, ALL)) == in_order


def test_or_the_newest(events: list[Event], user: User) -> None:
    now = timezone.now()
    for days, event in enumerate(reversed(events)):
        Event.objects.filter(pk=event.pk).update(happened_at=now - timedelta(days=days))

    assert walk(user, NEWEST) == events[::-1]


def test_equal_ones_come_once(make_analysis: MakeAnalysis, user: User) -> None:
    analysis = make_analysis(status=Status.DONE)
    for start in (1.0, 5.0, 9.0):
        make_result_event(analysis, start=start)

    assert len(walk(user)) == len(set(walk(user))) == 3


def test_one_goes_back(events: list[Event], user: User) -> None:
    first = review_queue.next_one(user, ALL)
    assert first is not None
    second = review_queue.next_one(user, ALL, after=first)
    assert second is not None

    back = review_queue.previous(user, ALL, second)

    assert back is not None
    assert back.event == events[0]
    assert review_queue.previous(user, ALL, back) is None


def test_it_goes_on_behind_what_was_answered(events: list[Event], user: User) -> None:
    first = review_queue.next_one(user, ALL)
    say(events[0], user)

    following = review_queue.next_one(user, ALL, after=first)

    assert following is not None
    assert following.event == events[1]


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("filters", [ALL, NEWEST])
def test_an_index_holds_what_waits(user: User, filters: Filters) -> None:
    user.is_superuser = True
    index = "event_queue_by_score" if filters is ALL else "event_queue_by_time"

    assert index in plan(review_queue.waiting(user, filters)[:1])


# Whose


def test_only_of_stores_that_the_person_sees(
    events: list[Event], make_user: MakeUser, make_store: MakeStore
) -> None:
    assert events
    stranger = make_user("eve", store=make_store("Elsewhere"))

    assert walk(stranger) == []
    assert review_queue.left(stranger, ALL) == 0


def test_by_store_and_camera(events: list[Event], user: User, make_store: MakeStore) -> None:
    camera = Camera.objects.create(store=make_store(), name="Till 2")
    Clip.objects.filter(pk=events[1].analysis.clip_id).update(camera=camera)

    assert walk(user, Filters(camera=camera.pk)) == [events[1]]
    assert walk(user, Filters(store=make_store().pk)) == events
    assert walk(user, Filters(store=make_store("Elsewhere").pk)) == []


def test_how_many_are_left(
    events: list[Event], user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(events[0], user)
    assert review_queue.left(user, ALL) == 2

    monkeypatch.setattr(review_queue, "MOST_COUNTED", 1)
    assert review_queue.left(user, ALL) == 1


def test_the_second_answer_is_somebody_elses(events: list[Event], user: User, dana: User) -> None:
    say(events[0], user, YES)

    assert walk(user) == events[1:]
    assert walk(dana) == events


def test_nor_is_it_of_who_answered_an_earlier_result(
    events: list[Event], user: User, dana: User, make_analysis: MakeAnalysis
) -> None:
    say(events[0], user, YES)
    again = make_analysis(clip=events[0].analysis.clip, status=Status.DONE)
    later = make_result_event(again, start=1.5)

    assert later.waits_for == Turn.SECOND
    assert later not in walk(user)
    assert later in walk(dana)


def test_who_withdrew_an_answer_may_be_asked_again(
    events: list[Event], user: User, dana: User
) -> None:
    say(events[0], dana, YES)
    review = reviews.answer(events[0], events[0].analysis.clip, user, answer=YES)
    assert events[0] not in walk(user)

    reviews.undo(review, user)

    assert events[0] in walk(user)


# Visits


def test_what_others_have_before_them_comes_last(
    events: list[Event], user: User, dana: User
) -> None:
    review_queue.visit(events[0], dana)

    item = review_queue.next_one(user, ALL)
    assert item is not None
    assert item.event == events[1]
    for event in events[1:]:
        say(event, user)
    assert walk(user) == [events[0]]


def test_one_visit_at_a_time_is_kept(events: list[Event], user: User) -> None:
    review_queue.visit(events[0], user)
    Visit.objects.update(until=timezone.now() - timedelta(seconds=1))

    for _ in range(2):
        review_queue.visit(events[1], user)

    assert Visit.objects.get().event == events[1]


def test_a_visit_that_is_over_is_no_matter(events: list[Event], user: User, dana: User) -> None:
    review_queue.visit(events[0], dana)
    Visit.objects.update(until=timezone.now() - timedelta(seconds=1))

    assert walk(user)[0] == events[0]


# Blind items


@pytest.fixture
def ordinary(make_clip: MakeClip, make_analysis: MakeAnalysis) -> Clip:
    """A minute in which the model found something after 30 s."""
    clip = make_clip(name="ordinary.mp4", duration=60.0, origin=Origin.SAMPLE)
    analysis = make_analysis(clip=clip, status=Status.DONE)
    make_result_event(analysis, start=30.0, score=0.1)
    return clip


def blind(user: User, *, draws: int, filters: Filters = ALL) -> list[Item]:
    """The blind ones among the first so many."""
    found: list[Item] = []
    item = review_queue.next_one(user, filters)
    for _ in range(draws):
        if item is None:
            break
        if item.is_blind:
            found.append(item)
        item = review_queue.next_one(user, filters, after=item)
    return found


def test_a_share_is_blind(settings: Settings, user: User, ordinary: Clip) -> None:
    settings.REVIEW_BLIND = 0.5

    found = [
        blind_items.drawn(user, day=timezone.now().date(), draw=draw, place=None, narrow=ALL.of)
        for draw in range(200)
    ]

    shown = [each for each in found if each is not None]
    assert 70 <= len(shown) <= 130
    assert {each.clip for each in shown} == {ordinary}


def test_in_an_ordinary_stretch_the_model_said_nothing(
    settings: Settings, user: User, ordinary: Clip
) -> None:
    settings.REVIEW_BLIND = 1.0

    found = [
        blind_items.drawn(user, day=timezone.now().date(), draw=draw, place=None, narrow=ALL.of)
        for draw in range(50)
    ]

    assert len({each.start for each in found if each}) > 10
    for each in found:
        assert each is not None
        assert (each.clip, each.event, each.seen, each.turn) == (ordinary, None, None, "")
        assert each.end - each.start == pytest.approx(10.0)
        assert 0 <= each.start <= 20 or 32 <= each.start <= 50


def test_a_stretch_without_an_event_is_found_however_little_there_is(
    settings: Settings, user: User, make_clip: MakeClip, make_analysis: MakeAnalysis
) -> None:
    settings.REVIEW_BLIND = 1.0
    clip = make_clip(duration=3600.0, origin=Origin.SAMPLE)
    analysis = make_analysis(clip=clip, status=Status.DONE)
    make_result_event(analysis, start=0.0, end=1800.0, peak=5.0)
    make_result_event(analysis, start=1810.5, end=3595.0, peak=2000.0)

    for draw in range(20):
        item = blind_items.drawn(
            user, day=timezone.now().date(), draw=draw, place=None, narrow=ALL.of
        )
        assert item is not None
        assert 1800 <= item.start < item.end <= 1810.5


def test_where_all_of_a_clip_is_events_no_stretch_is_ordinary(
    settings: Settings, user: User, make_clip: MakeClip, make_analysis: MakeAnalysis
) -> None:
    settings.REVIEW_BLIND = 1.0
    clip = make_clip(duration=60.0, origin=Origin.SAMPLE)
    analysis = make_analysis(clip=clip, status=Status.DONE)
    for start, end in [(5.0, 45.0), (8.0, 12.0), (50.0, 55.0)]:
        make_result_event(analysis, start=start, end=end, peak=start)

    assert blind(user, draws=20) == []


def test_of_a_clip_as_short_as_a_stretch_all_is_seen(
    settings: Settings, user: User, make_clip: MakeClip, make_analysis: MakeAnalysis
) -> None:
    settings.REVIEW_BLIND = 1.0
    clip = make_clip(duration=4.0, origin=Origin.SAMPLE)
    make_analysis(clip=clip, status=Status.DONE)

    item = blind_items.drawn(user, day=timezone.now().date(), draw=0, place=None, narrow=ALL.of)

    assert item is not None
    assert (item.start, item.end) == (0.0, 4.0)


def test_events_that_others_answered_come_again_on_another_day(
    settings: Settings, events: list[Event], user: User, dana: User
) -> None:
    Clip.objects.update(origin=Origin.EVENT)  # so that none of them is an ordinary one
    say(events[0], dana)
    settings.REVIEW_BLIND = 1.0
    assert blind(user, draws=3) == []

    Review._base_manager.update(at=timezone.now() - timedelta(days=1))
    (item, *_) = blind(user, draws=3)
    assert (item.event, item.is_blind, item.turn, item.seen) == (events[0], True, "", None)
    assert blind(dana, draws=3) == []


@pytest.mark.parametrize(
    ("start", "end", "peak"),
    [(0.0, 2.0, 1.0), (30.0, 33.5, 31.0), (57.0, 60.4, 59.0), (10.0, 50.0, 45.0)],
)
def test_the_length_of_a_blind_look_does_not_tell_that_it_is_an_event(
    settings: Settings,
    make_analysis: MakeAnalysis,
    make_clip: MakeClip,
    user: User,
    dana: User,
    start: float,
    end: float,
    peak: float,
) -> None:
    clip = make_clip(duration=60.0, origin=Origin.EVENT)
    analysis = make_analysis(clip=clip, status=Status.DONE)
    event = make_result_event(analysis, start=start, end=end, peak=peak)
    say(event, dana)
    Review._base_manager.update(at=timezone.now() - timedelta(days=1))
    settings.REVIEW_BLIND = 1.0

    shown = [
        blind_items.drawn(user, day=timezone.now().date(), draw=draw, place=None, narrow=ALL.of)
        for draw in range(20)
    ]

    for each in shown:
        assert each is not None
        assert each.event == event
        assert each.end - each.start == pytest.approx(blind_items.LENGTH)
        assert 0 <= each.start <= peak <= each.end <= 60.0
    assert len({each.start for each in shown if each}) > 10


@pytest.mark.usefixtures("ordinary")
def test_nothing_comes_where_nothing_waits(settings: Settings, user: User) -> None:
    Event.objects.update(waits_for="")
    settings.REVIEW_BLIND = 1.0

    assert review_queue.next_one(user, ALL) is None


@pytest.mark.usefixtures("ordinary")
def test_without_anything_to_show_blind_the_queue_goes_on(
    settings: Settings, user: User, dana: User
) -> None:
    settings.REVIEW_BLIND = 1.0
    Clip.objects.update(origin=Origin.EVENT)
    assert blind(user, draws=3) == blind(dana, draws=3) == []

    assert walk(user) == [Event.objects.get()]


def test_the_clip_that_is_shown_blind_does_not_come_next_as_well(
    settings: Settings, user: User, ordinary: Clip
) -> None:
    settings.REVIEW_BLIND = 1.0
    item = review_queue.next_one(user, ALL)
    assert item is not None
    assert item.clip == ordinary

    following = review_queue.next_one(user, ALL, after=item)

    assert following is not None
    assert not following.is_blind


def test_a_blind_item_is_not_seen_twice(settings: Settings, user: User, ordinary: Clip) -> None:
    settings.REVIEW_BLIND = 1.0
    item = review_queue.next_one(user, ALL)
    assert item is not None
    reviews.answer(None, ordinary, user, answer=NO, start=item.start, end=item.end, is_blind=True)

    following = review_queue.next_one(user, ALL)

    assert following is not None
    assert not following.is_blind


@pytest.mark.usefixtures("ordinary")
def test_what_is_loaded_beforehand_is_what_comes(
    settings: Settings, events: list[Event], user: User
) -> None:
    settings.REVIEW_BLIND = 0.5
    for _ in events:
        item = review_queue.next_one(user, ALL)
        assert item is not None
        beforehand = review_queue.next_one(user, ALL, after=item)

        reviews.answer(
            item.event,
            item.clip,
            user,
            answer=NO,
            is_blind=item.is_blind,
            start=item.start,
            end=item.end,
        )

        came = review_queue.next_one(user, ALL)
        assert (came and (came.event, came.clip, came.is_blind)) == (
            beforehand and (beforehand.event, beforehand.clip, beforehand.is_blind)
        )


@pytest.mark.usefixtures("ordinary")
def test_it_stands_at_its_place_in_the_queue(
    settings: Settings, events: list[Event], user: User
) -> None:
    Clip.objects.update(duration=600.0)  # room beside the events, wherever the lot falls
    item = review_queue.next_one(user, ALL)
    settings.REVIEW_BLIND = 1.0
    unseen = review_queue.next_one(user, ALL, after=item)
    assert unseen is not None
    assert unseen.is_blind
    settings.REVIEW_BLIND = 0.0

    following = review_queue.next_one(user, ALL, after=unseen)
    back = review_queue.previous(user, ALL, unseen)

    assert following is not None
    assert back is not None
    assert (back.event, following.event) == (events[0], events[1])


# Tokens


def test_a_token_stands_for_what_was_shown(events: list[Event], user: User) -> None:
    item = review_queue.next_one(user, ALL)

    assert item is not None
    assert item.event == events[0]
    assert review_items.read(item.token, user) == item


def test_of_a_blind_item_it_says_nothing(settings: Settings, user: User, ordinary: Clip) -> None:
    settings.REVIEW_BLIND = 1.0
    item = review_queue.next_one(user, ALL)

    assert item is not None
    assert str(ordinary.pk) not in item.token
    assert "blind" not in item.token
    assert review_items.read(item.token, user) == item


@pytest.mark.parametrize(
    "token",
    ["", "x", "é", secrets.seal("[]"), secrets.seal("{}")],
    ids=("empty", "short", "accent", "list", "mapping"),  # a seal differs each time
)
def test_what_is_no_token_is_refused(user: User, token: str) -> None:
    with pytest.raises(Refused, match="Load it again"):
        review_items.read(token, user)


def test_nor_is_somebody_elses(events: list[Event], user: User, dana: User) -> None:
    token = review_items.of_event(events[0], user).token

    with pytest.raises(Refused, match="Load it again"):
        review_items.read(token, dana)


def test_what_was_trashed_meanwhile_is_gone(events: list[Event], user: User) -> None:
    token = review_items.of_event(events[0], user).token
    trash.put(events[0].analysis.clip, by=user)

    with pytest.raises(Refused, match="deleted meanwhile"):
        review_items.read(token, user)


def test_and_so_is_what_the_person_may_see_no_longer(events: list[Event], user: User) -> None:
    token = review_items.of_event(events[0], user).token
    user.memberships.all().delete()

    with pytest.raises(Refused, match="deleted meanwhile"):
        review_items.read(token, User.objects.get())


def test_it_tells_whether_somebody_has_answered_since(
    events: list[Event], user: User, dana: User
) -> None:
    item = review_queue.next_one(user, ALL)
    assert item is not None
    say(events[0], dana, YES)

    with pytest.raises(reviews.AnsweredMeanwhileError):
        reviews.answer(item.event, item.clip, user, answer=YES, seen=item.seen)
