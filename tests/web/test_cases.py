"""The pages of cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeTrack, MakeUser
from video_classifier.models import (
    AuditEntry,
    Camera,
    Case,
    CaseExport,
    CaseItem,
    CaseNote,
    Event,
)
from video_classifier.services import case_exports, cases
from video_classifier.services.cases import Subject
from video_classifier.states import Action, CaseState, RecordedFrom, Role, Status

pytestmark = pytest.mark.postgresql

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def case(make_store: MakeStore, user: User) -> Case:
    return cases.create(make_store(), Subject(name="Perfume shelf"), by=user)


@pytest.fixture
def event(make_clip: MakeClip, make_analysis: MakeAnalysis, make_track: MakeTrack) -> Event:
    clip = make_clip(name="till.mp4", recorded_at=NOON, recorded_from=RecordedFrom.GIVEN)
    analysis = make_analysis(clip=clip, status=Status.DONE)
    facts = {"start": 0.0, "end": 1.0, "peak": 0.5, "score": 0.9, "number": 1}
    track = make_track(analysis=analysis)
    return Event.objects.create(analysis=analysis, segment=track.segment, track=track, **facts)


def page(client: Client, case: Case, **params: str | int) -> str:
    response = client.get(reverse("web:case", args=[case.pk]), params)
    assert response.status_code == 200
    return response.content.decode()


def test_a_case_is_opened(client: Client) -> None:
    response = client.post("/cases/new/", {"name": "Perfume shelf", "loss": "129.90"}, follow=True)

    case = Case.objects.get()
    assert case.loss == Decimal("129.90")
    assert response.request["PATH_INFO"] == f"/cases/{case.pk}/"
    assert "Nothing in it yet" in response.content.decode()


@pytest.mark.parametrize("wrong", [{"name": ""}, {"name": "Shelf", "loss": "much"}])
def test_what_is_wrong_stands_beside_its_field(client: Client, wrong: dict[str, str]) -> None:
    response = client.post("/cases/new/", wrong)

    assert response.status_code == 422
    assert not Case.objects.exists()


def test_with_several_stores_one_is_chosen(
    client: Client, make_store: MakeStore, make_user: MakeUser
) -> None:
    root = make_user("root", is_superuser=True)
    north = make_store("North")
    client.force_login(root)

    assert client.post("/cases/new/", {"name": "Shelf"}).status_code == 422
    client.post("/cases/new/", {"name": "Shelf", "store": north.pk})

    assert Case.objects.get().store == north


def test_the_list_has_the_open_ones_or_those_that_are_closed(
    client: Client, case: Case, user: User
) -> None:
    cases.close(cases.create(case.store, Subject(name="Old one"), by=user), by=user)

    opened = client.get("/cases/").content.decode()
    closed = client.get("/cases/", {"state": "closed"}).content.decode()

    assert ("Perfume shelf" in opened, "Old one" in opened) == (True, False)
    assert ("Perfume shelf" in closed, "Old one" in closed) == (False, True)


def test_who_is_neither_reviewer_nor_manager_has_no_cases(
    case: Case, event: Event, make_user: MakeUser
) -> None:
    analyst = Client()
    analyst.force_login(make_user("ann", roles=[Role.ANALYST]))

    assert analyst.get("/cases/").status_code == 403
    assert analyst.get(f"/cases/{case.pk}/").status_code == 404
    html = analyst.get(f"{event.analysis.get_absolute_url()}events/1/").content.decode()
    assert "Add to a case" not in html
    assert "/cases/" not in navigation(html)


def test_the_navigation_leads_reviewers_to_cases(make_user: MakeUser) -> None:
    reviewer = Client()
    reviewer.force_login(make_user("rob", roles=[Role.REVIEWER]))

    assert 'href="/cases/">' in navigation(reviewer.get("/review/").content.decode())
    assert 'href="/cases/" aria-current="page"' in reviewer.get("/cases/").content.decode()


def navigation(html: str) -> str:
    return html.partition('<nav class="site-header__nav"')[2].partition("</nav>")[0]


def test_an_event_is_added_from_its_page(client: Client, case: Case, event: Event) -> None:
    address = reverse("web:event-to-case", args=[event.analysis_id, 1])
    shown = client.get(f"{event.analysis.get_absolute_url()}events/1/").content.decode()
    assert address in shown

    response = client.post(address, {"case": case.pk}, follow=True)

    assert case.items.get().event == event
    html = response.content.decode()
    assert "Added to “Perfume shelf”" in html
    assert reverse("web:event", args=[event.analysis_id, 1]) in html
    assert reverse("web:event-still", args=[event.analysis_id, 1]) in html


def test_it_may_be_a_new_case(client: Client, event: Event) -> None:
    address = reverse("web:event-to-case", args=[event.analysis_id, 1])

    assert client.post(address, {}).status_code == 422
    client.post(address, {"name": "Perfume shelf"})

    assert CaseItem.objects.get().case.name == "Perfume shelf"


def test_nothing_is_added_twice(client: Client, case: Case, event: Event, user: User) -> None:
    cases.add_event(case, event, by=user)

    response = client.post(
        reverse("web:event-to-case", args=[event.analysis_id, 1]), {"case": case.pk}
    )

    assert response.status_code == 422
    assert "in “Perfume shelf” already" in response.content.decode()


def test_a_case_of_another_store_is_no_choice(
    client: Client, event: Event, make_store: MakeStore, make_user: MakeUser
) -> None:
    other = Case.objects.create(store=make_store("North"), name="Northern")
    client.force_login(make_user("root", is_superuser=True))
    address = reverse("web:event-to-case", args=[event.analysis_id, 1])

    assert "Northern" not in client.get(address).content.decode()
    assert client.post(address, {"case": other.pk}).status_code == 422


@pytest.mark.parametrize(
    ("query", "stretch"),
    [("", (0.0, None)), ("?start=0.5&end=1.5", (0.5, 1.5)), ("?start=x&end=inf", (0.0, None))],
)
def test_a_clip_or_a_stretch_of_it_is_added(
    client: Client, case: Case, event: Event, query: str, stretch: tuple[float, float | None]
) -> None:
    address = reverse("web:clip-to-case", args=[event.analysis.clip_id])

    client.post(address + query, {"case": case.pk})

    item = case.items.get()
    assert (item.start, item.end) == stretch
    assert ("A stretch" if query.endswith("1.5") else "The whole clip") in page(client, case)


def test_who_adds_all_of_a_clip_is_led_to_its_events(client: Client, event: Event) -> None:
    Event.objects.update(is_current=True)
    address = reverse("web:clip-to-case", args=[event.analysis.clip_id])
    of_event = reverse("web:event-to-case", args=[event.analysis_id, event.number])

    whole, stretch = (client.get(address + query) for query in ("", "?start=0.5&end=1.5"))

    assert f'<a href="{of_event}">' in whole.content.decode()
    assert of_event not in stretch.content.decode()
    Event.objects.update(is_current=False)
    assert "Add one instead" not in client.get(address).content.decode()


def test_notes_are_added_and_shown_safely(
    client: Client, case: Case, event: Event, user: User
) -> None:
    item = cases.add_event(case, event, by=user)
    address = reverse("web:note-on-case", args=[case.pk])

    client.post(address, {"text": "שלום <b>😀\nmore"})
    client.post(address, {"text": "The blue bag.", "item": item.pk})

    html = page(client, case)
    assert "שלום &lt;b&gt;😀<br>more" in html
    assert CaseNote.objects.get(item=item).text == "The blue bag."
    assert html.index("The blue bag.") < html.index("שלום")


def test_a_note_of_10_000_characters_is_refused_and_not_lost(client: Client, case: Case) -> None:
    text = "x" * 10_000

    response = client.post(reverse("web:note-on-case", args=[case.pk]), {"text": text})

    html = response.content.decode()
    assert response.status_code == 422
    assert "10,000" in html
    assert text in html
    assert not CaseNote.objects.exists()


@pytest.mark.parametrize(
    ("sent", "status"),
    [({"text": "a\0b"}, 422), ({"text": "Bag.", "item": "9" * 5000}, 404)],
)
def test_a_note_that_no_browser_sends_is_refused(
    client: Client, case: Case, sent: dict[str, str], status: int
) -> None:
    response = client.post(reverse("web:note-on-case", args=[case.pk]), sent)

    assert response.status_code == status
    assert not CaseNote.objects.exists()


def test_a_note_on_what_is_not_in_it_is_not_found(
    client: Client, case: Case, event: Event, user: User
) -> None:
    other = cases.create(case.store, Subject(name="Other"), by=user)
    item = cases.add_event(other, event, by=user)

    response = client.post(
        reverse("web:note-on-case", args=[case.pk]), {"text": "Note.", "item": item.pk}
    )

    assert response.status_code == 404


def test_a_stretch_outside_of_its_clip_is_refused(client: Client, case: Case, event: Event) -> None:
    address = reverse("web:clip-to-case", args=[event.analysis.clip_id])

    response = client.post(f"{address}?start=1e300", {"case": case.pk})

    assert response.status_code == 422
    assert "no stretch" in response.content.decode()
    page(client, case)  # which adds it to the time of the recording


def test_an_item_is_taken_out(client: Client, case: Case, event: Event, user: User) -> None:
    item = cases.add_event(case, event, by=user)
    address = reverse("web:remove-from-case", args=[case.pk, item.pk])

    client.post(address)
    assert client.post(address).status_code == 302  # somebody else was quicker

    assert not case.items.exists()


def test_a_case_is_changed_closed_and_reopened(client: Client, case: Case) -> None:
    settings = reverse("web:case-settings", args=[case.pk])
    assert 'value="Perfume shelf"' in client.get(settings).content.decode()
    client.post(settings, {"name": "Perfume and soap", "loss": "10"})
    switch = reverse("web:switch-case", args=[case.pk])

    client.post(switch, {"open": "0"})
    case.refresh_from_db()
    assert (case.name, case.state) == ("Perfume and soap", CaseState.CLOSED)
    assert client.post(settings, {"name": "Other"}).status_code == 422
    assert "Add the note" not in page(client, case)
    client.post(switch, {"open": "1"})

    case.refresh_from_db()
    assert case.state == CaseState.OPEN


def test_managers_delete_cases(client: Client, case: Case, make_user: MakeUser) -> None:
    address = reverse("web:delete-case", args=[case.pk])
    assert client.post(address).status_code == 403
    assert address not in page(client, case)
    client.force_login(make_user("max", roles=[Role.MANAGER]))

    assert address in page(client, case)
    assert "Delete this case?" in client.get(address).content.decode()
    client.post(address)

    assert not Case.objects.exists()


def test_the_timeline_has_a_lane_for_each_camera(
    client: Client, case: Case, make_clip: MakeClip, user: User
) -> None:
    for number, name in enumerate(("Aisle 4", "Door", "Aisle 4")):
        camera, _ = Camera.objects.get_or_create(store=case.store, name=name)
        at = NOON + timedelta(minutes=number)
        clip = make_clip(camera=camera, recorded_at=at, recorded_from=RecordedFrom.GIVEN)
        cases.add_clip(case, clip, by=user)
    cases.add_clip(case, make_clip(), by=user)

    html = page(client, case)

    assert html.count('class="timeline__name"') == 2
    assert html.count('class="timeline__mark"') == 3
    assert "Left out: 1 event whose time is unknown." in html


def test_500_events_are_paged_in_few_queries(
    client: Client,
    case: Case,
    event: Event,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    CaseItem.objects.bulk_create(
        CaseItem(case=case, clip=event.analysis.clip, start=0.01 * n, end=5.0) for n in range(500)
    )

    with django_assert_max_num_queries(20):
        html = page(client, case, page="10")

    assert html.count('class="card card--pad case-item"') == 50
    assert 'id="item-500"' in html
    assert html.count('class="timeline__mark"') == 500


# Exports


def make_export(case: Case, **fields: object) -> CaseExport:
    now = timezone.now()
    done = {"status": Status.DONE, "finished_at": now, "sha256": "e" * 64, "size_bytes": 3}
    export = CaseExport.objects.create(case=case, **done | {"file": "x"} | fields)
    if export.status == Status.DONE:
        export.file.save("made.zip", ContentFile(b"zip"))
    return export


def test_an_export_is_asked_for_and_listed(
    client: Client, case: Case, event: Event, user: User
) -> None:
    cases.add_event(case, event, by=user)

    html = client.post(
        reverse("web:export-case", args=[case.pk]), {"is_blurred": "on"}, follow=True
    ).content.decode()

    export = CaseExport.objects.get()
    assert (export.has_originals, export.is_blurred) == (False, True)
    assert "Waiting" in html
    assert "hx-trigger" in html


def test_why_there_is_none_is_told(client: Client, case: Case) -> None:
    html = client.post(reverse("web:export-case", args=[case.pk]), follow=True).content.decode()

    assert "There is nothing in “Perfume shelf” to export." in html


def test_while_it_is_made_the_list_alone_is_asked_for(client: Client, case: Case) -> None:
    make_export(case, status=Status.QUEUED, finished_at=None, file="")

    response = client.get(f"/cases/{case.pk}/", headers={"HX-Request": "true"})

    assert "<html" not in response.content.decode()
    assert "HX-Request" in response["Vary"]
    assert "every" in response.content.decode()


def test_a_ready_one_is_downloaded_and_noted(client: Client, case: Case) -> None:
    export = make_export(case)
    address = reverse("web:case-export", args=[export.pk])
    html = page(client, case)
    assert address in html
    assert "e" * 64 in html
    assert 'hx-trigger="every' not in html.partition('id="exports"')[2].partition("</section>")[0]

    response = client.get(address)

    assert response.getvalue() == b"zip"
    assert response["Content-Disposition"] == f'attachment; filename="case-{str(case.pk)[:8]}.zip"'
    assert "no-store" in response["Cache-Control"]
    entry = AuditEntry.objects.get(action=Action.DOWNLOADED)
    assert (entry.object_type, entry.object_id) == ("case_export", str(export.pk))


def test_of_others_stores_it_is_not_found(
    case: Case, make_user: MakeUser, make_store: MakeStore
) -> None:
    export = make_export(case)
    other = Client()
    other.force_login(make_user("tom", roles=[Role.MANAGER], store=make_store("North")))

    assert other.get(reverse("web:case-export", args=[export.pk])).status_code == 404
    assert other.post(reverse("web:delete-case-export", args=[export.pk])).status_code == 404


def test_one_that_is_not_ready_or_whose_file_is_gone_is_not_found(
    client: Client, case: Case
) -> None:
    waiting = make_export(case, status=Status.QUEUED, finished_at=None, file="")
    lost = make_export(case)
    Path(lost.file.path).unlink()

    for each in (waiting, lost):
        assert client.get(reverse("web:case-export", args=[each.pk])).status_code == 404
    assert not AuditEntry.objects.filter(action=Action.DOWNLOADED).exists()


def test_it_can_be_deleted_before_its_time(client: Client, case: Case) -> None:
    export = make_export(case)

    client.post(reverse("web:delete-case-export", args=[export.pk]))

    assert not CaseExport.objects.exists()


def test_what_failed_says_why(client: Client, case: Case) -> None:
    make_export(case, status=Status.FAILED, error=case_exports.NO_ROOM, file="")

    assert "disk is too full for this export" in page(client, case)
