"""Cases: what goes into one, and that it is held there."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeTrack, MakeUser
from video_classifier.models import AuditEntry, Case, CaseItem, CaseNote, Clip, Event
from video_classifier.services import case_exports, cases, trash
from video_classifier.services.cases import Subject
from video_classifier.services.errors import Refused
from video_classifier.states import Action, CaseState, Role, Status


@pytest.fixture
def case(make_store: MakeStore, user: User) -> Case:
    return cases.create(make_store(), Subject(name="Perfume shelf"), by=user)


@pytest.fixture
def event(make_analysis: MakeAnalysis, make_track: MakeTrack) -> Event:
    return make_event(make_analysis, make_track)


def make_event(make_analysis: MakeAnalysis, make_track: MakeTrack, **fields: object) -> Event:
    analysis = make_analysis(status=Status.DONE)
    track = make_track(analysis=analysis)
    facts = {"start": 0.0, "end": 1.0, "peak": 0.5, "score": 0.9, "number": 1} | fields
    return Event.objects.create(analysis=analysis, segment=track.segment, track=track, **facts)


def noted(case: Case) -> list[str]:
    found = AuditEntry.objects.filter(object_type="case", object_id=str(case.pk))
    return list(found.order_by("id").values_list("action", flat=True))


def test_a_case_has_a_name_and_perhaps_a_loss(make_store: MakeStore, user: User) -> None:
    told = Subject(name="  Perfume \n shelf ", loss=Decimal("129.90"))

    case = cases.create(make_store(), told, by=user)

    assert (case.name, case.loss, case.state) == ("Perfume shelf", Decimal("129.90"), "open")
    assert case.opened_by == user
    assert noted(case) == [Action.CASE_OPENED]


def test_managers_of_its_store_find_in_the_audit_log_what_was_done_with_it(
    case: Case, event: Event, user: User
) -> None:
    item = cases.add_event(case, event, by=user)
    case_exports.ask(case, by=user)
    cases.note(case, "Tea", by=user, item=item)
    cases.remove(item, by=user)
    cases.close(case, by=user)
    cases.delete(case, by=user)

    found = AuditEntry.objects.filter(object_id=str(case.pk))
    assert set(found.values_list("store", flat=True)) == {case.store_id}
    assert found.count() == 7


@pytest.mark.parametrize(
    "told",
    [
        Subject(name=" "),
        Subject(name="n" * 101),
        Subject(name="Shelf", loss=Decimal(-1)),
        Subject(name="Shelf", loss=Decimal(10**8)),
    ],
)
def test_what_makes_no_case_is_refused(make_store: MakeStore, user: User, told: Subject) -> None:
    with pytest.raises(Refused):
        cases.create(make_store(), told, by=user)

    assert not Case.objects.exists()


@pytest.mark.parametrize("name", ["تیر ۳ متجر", "חנות 3", "🛒 shelf 😀"])
def test_names_may_be_of_any_script(make_store: MakeStore, user: User, name: str) -> None:
    assert cases.create(make_store(), Subject(name=name), by=user).name == name


def test_an_event_is_added_with_its_stretch(case: Case, event: Event, user: User) -> None:
    item = cases.add_event(case, event, by=user)

    assert (item.clip, item.event, item.start, item.end) == (event.analysis.clip, event, 0.0, 1.0)
    assert noted(case) == [Action.CASE_OPENED, Action.CASE_CHANGED]


def test_an_event_of_a_single_picture_can_be_added(
    case: Case, make_analysis: MakeAnalysis, make_track: MakeTrack, user: User
) -> None:
    event = make_event(make_analysis, make_track, start=0.5, end=0.5, peak=0.5)

    assert cases.add_event(case, event, by=user).end == pytest.approx(0.501)


def test_it_is_in_a_case_once(case: Case, event: Event, user: User) -> None:
    cases.add_event(case, event, by=user)

    with pytest.raises(Refused, match="in “Perfume shelf” already"):
        cases.add_event(case, event, by=user)

    assert CaseItem.objects.count() == 1


def test_a_stretch_of_a_clip_can_be_added(case: Case, make_clip: MakeClip, user: User) -> None:
    clip = make_clip(duration=60.0)
    cases.add_clip(case, clip, by=user, start=3.0, end=5.0)
    cases.add_clip(case, clip, by=user)

    assert [(item.start, item.end) for item in case.items.all()] == [(3.0, 5.0), (0.0, None)]
    with pytest.raises(Refused, match="no stretch"):
        cases.add_clip(case, clip, by=user, start=5.0, end=5.0)


def test_a_clip_of_another_store_is_refused(
    case: Case, make_clip: MakeClip, make_store: MakeStore, user: User
) -> None:
    with pytest.raises(Refused, match="another store"):
        cases.add_clip(case, make_clip(store=make_store("North")), by=user)


def test_what_is_in_the_trash_is_refused(case: Case, make_clip: MakeClip, user: User) -> None:
    clip = make_clip()
    trash.put(clip, by=user)

    with pytest.raises(Refused, match="deleted meanwhile"):
        cases.add_clip(case, clip, by=user)


def test_there_is_an_end_to_a_case(
    case: Case, make_clip: MakeClip, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "MOST_ITEMS", 1)
    cases.add_clip(case, make_clip(), by=user)

    with pytest.raises(Refused, match="as many as a case may have"):
        cases.add_clip(case, make_clip(), by=user)


# Held


def test_what_is_in_a_case_cant_be_trashed(case: Case, make_clip: MakeClip, user: User) -> None:
    clip = make_clip(name="till.mp4")
    cases.add_clip(case, clip, by=user)

    with pytest.raises(Refused, match=r"“till\.mp4” .* in a case: “Perfume shelf”"):
        trash.put(clip, by=user)

    assert Clip.objects.kept().exists()
    assert cases.is_held(clip)


def test_who_works_on_no_cases_does_not_read_their_names(
    case: Case, make_clip: MakeClip, make_user: MakeUser, user: User
) -> None:
    cases.add_clip(case, make_clip(name="till.mp4"), by=user)
    analyst = make_user("analyst", roles=[Role.ANALYST])

    with pytest.raises(Refused, match="in a case") as refusal:
        trash.put(Clip.objects.get(), by=analyst)

    assert "Perfume" not in str(refusal.value)


@pytest.mark.parametrize(
    ("start", "end"), [(1e300, None), (0.0, 1e300), (70.0, None), (0.0, 70.0), (float("nan"), None)]
)
def test_a_stretch_lies_in_its_clip(
    case: Case, make_clip: MakeClip, user: User, start: float, end: float | None
) -> None:
    clip = make_clip(duration=60.0)

    with pytest.raises(Refused, match="no stretch"):
        cases.add_clip(case, clip, by=user, start=start, end=end)

    assert cases.add_clip(case, clip, by=user, start=0.0, end=60.4).end == pytest.approx(60.4)


def test_managers_read_of_their_cases_in_the_audit_log(
    case: Case, make_clip: MakeClip, user: User
) -> None:
    item = cases.add_clip(case, make_clip(), by=user)
    cases.note(case, "The blue bag.", by=user)
    cases.change(case, Subject(name="Till"), by=user)
    cases.remove(item, by=user)
    cases.close(case, by=user)
    cases.reopen(case, by=user)
    cases.delete(case, by=user)

    entries = AuditEntry.objects.filter(object_type="case")
    assert entries.count() == 8
    assert {each.store for each in entries} == {case.store_id}


def test_a_note_is_text(case: Case, user: User) -> None:
    with pytest.raises(Refused, match="no text"):
        cases.note(case, "blue\0bag", by=user)


def test_a_closed_case_holds_as_well(case: Case, make_clip: MakeClip, user: User) -> None:
    clip = make_clip()
    cases.add_clip(case, clip, by=user)
    cases.close(case, by=user)

    with pytest.raises(Refused, match="in a case"):
        trash.put(clip, by=user)


def test_what_is_taken_out_is_held_no_longer(case: Case, make_clip: MakeClip, user: User) -> None:
    clip = make_clip()
    item = cases.add_clip(case, clip, by=user)
    note = cases.note(case, "The blue bag.", by=user, item=item)

    assert cases.remove(item, by=user)
    assert not cases.remove(item, by=user)
    assert trash.put(clip, by=user)
    assert CaseNote.objects.get().pk == note.pk  # what was written stays


def test_a_deleted_case_holds_nothing(case: Case, make_clip: MakeClip, user: User) -> None:
    clip = make_clip()
    cases.add_clip(case, clip, by=user)

    assert cases.delete(case, by=user)
    assert not cases.delete(case, by=user)
    assert trash.put(clip, by=user)
    assert noted(case)[-1] == Action.CASE_DELETED


@pytest.mark.django_db(transaction=True)
def test_a_clip_is_trashed_or_held_and_never_both(
    case: Case, make_clip: MakeClip, user: User
) -> None:
    clips = [make_clip() for _ in range(5)]

    for clip in clips:
        both = threading.Barrier(2)

        def put(clip: Clip = clip, both: threading.Barrier = both) -> bool:
            both.wait()
            try:
                return trash.put(clip, by=user)
            except Refused:
                return False
            finally:
                connection.close()

        def add(clip: Clip = clip, both: threading.Barrier = both) -> bool:
            both.wait()
            try:
                return bool(cases.add_clip(case, clip, by=user))
            except Refused:
                return False
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            done = [pool.submit(put), pool.submit(add)]
            assert sum(each.result() for each in done) == 1

    for clip in Clip.objects.all():
        assert bool(clip.trashed_at) != cases.is_held(clip)


# Notes, and the end


def test_notes_are_kept_as_they_were_written(case: Case, user: User) -> None:
    note = cases.note(case, " שלום 😀\r\nSecond line ", by=user)

    assert note.text == "שלום 😀\nSecond line"
    assert note.by == user


@pytest.mark.parametrize(("text", "why"), [(" \n", "nothing in"), ("x" * 10_000, "10,000")])
def test_a_note_of_nothing_or_too_much_is_refused(
    case: Case, user: User, text: str, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        cases.note(case, text, by=user)

    assert not CaseNote.objects.exists()


def test_a_closed_case_is_not_changed_until_it_is_reopened(
    case: Case, make_clip: MakeClip, user: User
) -> None:
    assert cases.close(case, by=user)
    assert not cases.close(case, by=user)
    for change in (
        lambda: cases.note(case, "More.", by=user),
        lambda: cases.add_clip(case, make_clip(), by=user),
        lambda: cases.change(case, Subject(name="Other"), by=user),
    ):
        with pytest.raises(Refused, match="is closed"):
            change()

    assert cases.reopen(case, by=user)
    assert not cases.reopen(case, by=user)
    cases.change(case, Subject(name="Other", loss=Decimal(5)), by=user)
    case.refresh_from_db()
    assert (case.name, case.loss) == ("Other", Decimal(5))
    assert case.state == CaseState.OPEN
    assert noted(case) == [
        Action.CASE_OPENED,
        Action.CASE_CLOSED,
        Action.CASE_CHANGED,
        Action.CASE_CHANGED,
    ]


def test_items_are_in_order_of_time_over_cameras(
    case: Case, make_clip: MakeClip, user: User
) -> None:
    noon = datetime(2026, 5, 4, 12, tzinfo=UTC)
    clips = [
        make_clip(name="unknown"),
        make_clip(name="second", recorded_at=noon, recorded_from="name"),
        make_clip(
            name="first",
            recorded_at=noon - timedelta(hours=1),
            recorded_from="name",
            duration=7200.0,
        ),
    ]
    for clip in clips:
        cases.add_clip(case, clip, by=user)
    cases.add_clip(case, clips[2], by=user, start=3601.0)

    found = [(item.clip.name, item.start) for item in cases.items_of(case)]

    assert found == [("first", 0.0), ("second", 0.0), ("first", 3601.0), ("unknown", 0.0)]


def test_who_works_on_cases(case: Case, make_user: MakeUser, make_store: MakeStore) -> None:
    def sees(name: str, *roles: Role, **more: object) -> bool:
        user = make_user(name, roles=roles, **more)
        return Case.objects.open_to(user).filter(pk=case.pk).exists()

    assert sees("eva", Role.REVIEWER)
    assert sees("max", Role.MANAGER)
    assert not sees("ann", Role.ANALYST)
    assert not sees("tom", Role.MANAGER, store=make_store("North"))
    assert sees("root", is_superuser=True)
