"""A shift under way: hints that wait and that are answered, cases, views, and the ways to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.showcase import LONG, Seen, at, unfolded
from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeTrack, MakeUser, claimed
from tests.makers import scenes, videos
from tests.makers.events import make_result_event
from tests.makers.hints import make_hint
from tests.makers.live_cameras import make_feed
from video_classifier.models import Analysis, Camera, Case, CaseExport, Event
from video_classifier.services import accounts, cases, evidence, files, reviews, saved_views, tags
from video_classifier.services.cases import Subject
from video_classifier.states import (
    Answer,
    ListPage,
    Prediction,
    Reason,
    RecordedFrom,
    Role,
    Status,
    View,
)

CLIPS = 22
LONG_CASE = "Perfume shelf, four evenings in May, with a name that needs some room 😀 متجر"


@dataclass(frozen=True, slots=True)
class Shift:
    events: list[Event]  # the highest score first
    plain: Analysis  # without a hint
    case: Case


def furnish(
    folder: Path,
    user: User,
    *,
    make_user: MakeUser,
    make_store: MakeStore,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    make_track: MakeTrack,
) -> Shift:
    """Of `user`, who manages “Main” and works in “Station”; “Dana” answers, too."""
    main, station = make_store(), make_store("Station, lower level at the tracks")
    accounts.join(user, main, Role.MANAGER)
    accounts.join(user, station, Role.REVIEWER)
    dana = make_user("Dana")
    cameras = [Camera.objects.create(store=main, name=name) for name in ("Till 2", "Back door")]
    make_feed(main, "Entrance")
    make_hint(make_feed(station, LONG[:50]), ago=90)
    content = scenes.write(folder / "shift.mp4", 6).read_bytes()
    still = evidence.jpeg(videos.picture(85, width=320, height=240), 90)
    now = timezone.now()
    events, plain = [], []
    for number in range(CLIPS):
        is_hint = number % 3 != 2
        clip = make_clip(
            name=f"{number:02}_{LONG}" if number % 2 else f"aisle_{number}.mp4",
            content=content + bytes([number]),
            camera=cameras[number % 2],
            uploaded_by=(user, dana)[number % 2],
            duration=6.0,
            recorded_at=now - timedelta(hours=number, minutes=7),
            recorded_from=RecordedFrom.GIVEN,
        )
        analysis = make_analysis(
            clip=clip,
            status=Status.DONE,
            view=View.PERSON,
            threshold=0.5,
            score=0.96 - number / 100 if is_hint else 0.12,
            prediction=Prediction.HINT if is_hint else Prediction.NO_HINT,
            decided_by=1,
            tracks_found=1,
        )
        score = analysis.score or 0.0
        seen = {"times": [0.0, 5.0], "crop_times": [2.0, 4.0], "score": score}
        track = make_track(analysis=analysis, **seen)
        crops = (evidence.crop_file(track, each) for each in range(2))
        files.write(dict.fromkeys((evidence.still_file(track), *crops), still))
        if is_hint:
            events.append(
                make_result_event(
                    analysis, start=1.0, end=5.0, peak=3.0, score=0.96 - number / 100, track=track
                )
            )
        else:
            plain.append(analysis)
    _answer(events, user, dana)
    tags.put([events[0].analysis.clip, events[3].analysis.clip], "night shift")
    tags.put([events[0].analysis.clip], "for the weekly report")
    for name, shared in (("Till 2, unanswered", None), ("Everything that Dana looks at", main)):
        query = "hint=yes&sort=-score"
        saved_views.save(user, ListPage.HISTORY, name=name, query=query, shared_in=shared)
    return Shift(events, plain[0], _make_cases(events, user))


def _answer(events: list[Event], user: User, dana: User) -> None:
    """The last ones of them, so that the first still wait."""
    for number, event in enumerate(events[6:]):
        clip = event.analysis.clip
        if number % 3 == 0:
            reviews.answer(event, clip, user, answer=Answer.CONFIRMED, seconds=6.0)
        else:
            reviews.answer(
                event,
                clip,
                user,
                answer=Answer.FALSE_ALARM,
                reason=Reason.PUT_BACK,
                seconds=4.0,
                note="Put it back. שלום 😀",
            )
        if number % 4 == 0:
            reviews.answer(event, clip, dana, answer=Answer.FALSE_ALARM, seconds=9.0)


def _make_cases(events: list[Event], user: User) -> Case:
    """One with everything; the others are empty, and closed."""
    store = events[0].analysis.clip.store
    case = cases.create(store, Subject(name=LONG_CASE, loss=Decimal("129.90")), by=user)
    for event in events[6:10]:
        item = cases.add_event(case, event, by=user)
    cases.note(case, "The blue bag.", by=user, item=item)
    cases.note(case, "שלום עולם\n" + "long " * 80, by=user)
    done = {"status": Status.DONE, "file": "x", "size_bytes": 10**8, "sha256": "e" * 64}
    CaseExport.objects.create(case=case, requested_by=user, finished_at=timezone.now(), **done)
    failed = {"status": Status.FAILED, "error": "The server's disk is too full.", "done": 1}
    CaseExport.objects.create(case=case, finished_at=timezone.now(), **failed)
    running = {"status": Status.RUNNING, "done": 1, **claimed(timezone.now())}
    CaseExport.objects.create(case=case, requested_by=user, **running)
    cases.create(store, Subject(name="Trolley"), by=user)
    cases.close(cases.create(store, Subject(name="Old matter"), by=user), by=user)
    return case


def of_shift(shift: Shift) -> Iterable[Seen]:
    """Every page and state of a shift, but those of the desk, at which test_review.py looks."""
    event = f"{shift.events[7].analysis.get_absolute_url()}events/1/"
    listed = f"{shift.events[3].analysis.get_absolute_url()}?list=hint%3Dyes"
    case = f"/cases/{shift.case.pk}/"
    yield Seen(name="shift-history-chosen", open=_choose)
    yield unfolded("shift-history-save-view", "/history/?hint=yes", ".save-view")
    yield unfolded("shift-history-exports", "/history/?hint=yes", ".exports")
    yield Seen(name="shift-history-bulk-news", open=_choose_with_news)
    yield at("shift-history-disputed", "/history/?verdict=disputed")
    yield at("shift-result", listed)
    yield unfolded("shift-result-plain", shift.plain.get_absolute_url())
    yield at("shift-event", event)
    yield at("shift-dashboard", "/dashboard/")
    yield at("shift-cases", "/cases/")
    yield at("shift-cases-new", "/cases/new/")
    yield unfolded("shift-case", case)
    yield at("shift-case-add", f"{event}case/")
    yield at("shift-case-settings", f"{case}settings/")
    yield at("shift-case-delete", f"{case}delete/")
    yield at("shift-waiting", "/review/waiting/")
    nothing = Camera.objects.get(name="Entrance").pk
    yield at("shift-waiting-none", f"/review/waiting/?camera={nothing}")
    yield at("shift-review-filtered", "/review/?order=newest")
    yield Seen(name="shift-history-undo", open=_move_to_the_trash)


def _choose(page: Page) -> None:
    page.goto("/history/?hint=yes")
    for box in page.locator("[data-choose]").all()[:2]:
        box.check()
    expect(page.get_by_role("form", name="The chosen clips")).to_be_visible()


def _choose_with_news(page: Page) -> None:
    _choose(page)
    expect(page.get_by_role("region", name="New hints", exact=True)).to_be_visible()


def _move_to_the_trash(page: Page) -> None:
    page.goto("/history/")
    page.locator("[data-choose]").first.check()
    bar = page.get_by_role("form", name="The chosen clips")
    bar.get_by_role("button", name="Move to the trash").click()
    expect(page.get_by_text("moved to the trash")).to_be_visible()
