"""Counts that are kept by day come to the same as counting the events, whatever happens to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeUser
from tests.makers.reviews import ago, make_hint
from video_classifier.models import (
    Analysis,
    Camera,
    ChangedEvents,
    Clip,
    CountedStore,
    Event,
    EventCount,
    Review,
    Store,
)
from video_classifier.services import clips, event_counts, reviews, trash
from video_classifier.services.dashboard import Cell, Dashboard, Filters
from video_classifier.services.event_counts import Known, Stretch
from video_classifier.services.figures import Figures
from video_classifier.services.periods import WEEKS, YEAR, Span
from video_classifier.states import Answer, RecordedFrom, Status

NOW = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)
BERLIN = "Europe/Berlin"
ANSWERS = (Answer.CONFIRMED, Answer.FALSE_ALARM, Answer.UNSURE)
Made = Callable[..., Analysis]
Row = TypeVar("Row", bound=Model)


@pytest.fixture
def made(make_clip: MakeClip, make_analysis: MakeAnalysis) -> Made:
    """An analysis with two events, that ended as those of workers do."""

    def make(clip: Clip | None = None, *, model: str = "one", days: float = 1.0) -> Analysis:
        facts: dict[str, Any] = {"duration": 7200.0, "recorded_from": RecordedFrom.GIVEN}
        clip = clip or make_clip(**facts | ago(NOW, days=days))
        Analysis.objects.filter(clip=clip).update(is_latest=False)
        analysis = make_analysis(
            clip=clip, status=Status.DONE, model=model, finished_at=clip.uploaded_at
        )
        for start, is_hint in ((0.0, True), (7000.0, False)):
            make_hint(analysis, start=start, is_hint=is_hint, is_current=False)
        reviews.refresh(clip)
        return analysis

    return make


def catch_up(now: datetime = NOW) -> None:
    event_counts.catch_up(now=now, budget=60.0)


def cells(user: User, span: Span, filters: Filters = Filters()) -> dict[Cell, Figures]:  # noqa: B008
    return Dashboard(user, now=NOW).read(filters, span, has_answers=False).cells


def counted_anew(user: User, span: Span, filters: Filters) -> dict[Cell, Figures]:
    kept = list(CountedStore.objects.all())
    CountedStore.objects.all().delete()
    found = cells(user, span, filters)
    CountedStore.objects.bulk_create(kept)
    return found


class Site:
    """On which this and that happens, by chance."""

    def __init__(self, made: Made, people: list[User], seed: int) -> None:
        self.made, self.people = made, people
        self.random = Random(seed)  # noqa: S311  (it hides nothing)

    def analyze(self) -> None:
        self.made(model=self.random.choice("ab"), days=self.random.uniform(0.0, 380.0))

    def analyze_again(self) -> None:
        self.made(self._one_of(Clip.objects.kept()), model=self.random.choice("ab"))

    def answer(self) -> None:
        event = self._one_of(Event.objects.current())
        by, what = self.random.choice(self.people), self.random.choice(ANSWERS)
        reviews.answer(event, event.analysis.clip, by, answer=what)

    def withdraw(self) -> None:
        given = Review.objects.standing().filter(clip__trashed_at=None)
        if given.exists():
            chosen = self._one_of(given)
            assert chosen.by is not None
            reviews.undo(chosen, chosen.by)

    def trash_or_restore(self) -> None:
        clip = self._one_of(Clip.objects.all())
        if not trash.put(clip, by=self.people[0]):
            trash.restore(clip, by=self.people[0])

    def delete(self) -> None:
        clips.delete(self._one_of(Clip.objects.all()))

    def move(self) -> None:
        zone = self.random.choice((BERLIN, "Asia/Kathmandu", "UTC"))
        Store.objects.update(time_zone=zone)

    def live(self, times: int) -> None:
        """At least two clips stay."""
        happens: tuple[Callable[[], None], ...] = (
            *(self.analyze, self.analyze_again, self.answer, self.answer, self.withdraw),
            *(self.trash_or_restore, self.delete, catch_up),
        )
        for what in self.random.choices((*happens, self.move), [4] * len(happens) + [1], k=times):
            (what if Clip.objects.kept().count() > 2 else self.analyze)()

    def _one_of(self, rows: QuerySet[Row]) -> Row:
        return self.random.choice(rows.order_by("uploaded_at" if rows.model is Clip else "pk"))


@pytest.mark.parametrize("seed", [1, 2])
def test_they_come_to_the_same_as_counting_the_events(
    seed: int, made: Made, make_store: MakeStore, make_user: MakeUser
) -> None:
    root = make_user("root", is_superuser=True)
    site = Site(made, [root, make_user("dana", is_superuser=True)], seed)
    for _ in range(5):
        site.analyze()
    door = Camera.objects.create(store=make_store(), name="Door")
    Clip.objects.filter(pk__in=Clip.objects.values("pk")[:3]).update(camera=door)
    catch_up()

    for _ in range(8):
        site.live(times=4)

        for span, filters in ((WEEKS, Filters()), (YEAR, Filters(camera=door.pk, model="a"))):
            assert cells(root, span, filters) == counted_anew(root, span, filters)


def test_events_that_are_counted_are_not_asked_again(user: User, made: Made) -> None:
    made(days=100.0)
    catch_up()
    Event.objects.all().delete()  # and nobody notes it

    figures = sum(each.hints + each.uncertain for each in cells(user, YEAR).values())

    assert figures == 2
    assert not ChangedEvents.objects.exists()


def test_what_changed_is_asked_until_it_is_counted_again(user: User, made: Made) -> None:
    analysis = made(days=100.0)
    catch_up()
    reviews.answer(analysis.events.get(number=1), analysis.clip, user, answer=Answer.FALSE_ALARM)

    before = [each.false_alarms for each in cells(user, YEAR).values()]
    catch_up()
    after = [each.false_alarms for each in cells(user, YEAR).values()]

    assert before == after == [1]
    assert EventCount.objects.filter(verdict="false_alarm").count() == 1


def test_only_days_that_changed_are_asked(user: User, made: Made) -> None:
    made(days=100.0)
    catch_up()
    made(days=10.0)
    store = Store.objects.get()
    whole = Stretch((NOW - timedelta(days=300)).date(), NOW.date())

    known = [Known(*row) for row in Store.objects.values_list(*event_counts.OF_STORES)]

    found = event_counts.uncounted(known, ZoneInfo(store.time_zone), whole)

    day = (NOW - timedelta(days=10)).date()
    assert found == [Stretch(day, day + timedelta(days=1))]


@pytest.mark.usefixtures("user")
def test_a_clock_that_is_ahead_does_not_lose_an_event(user: User, made: Made) -> None:
    made(days=-2.0)
    catch_up()

    found = cells(user, YEAR)

    assert sum(each.hints for each in found.values()) == 1


def test_counts_of_long_ago_are_forgotten(made: Made) -> None:
    made(days=300.0)
    catch_up()

    event_counts.purge(now=NOW + timedelta(days=200))

    assert not EventCount.objects.exists()
    assert CountedStore.objects.get().since > NOW.date() - timedelta(days=200)
