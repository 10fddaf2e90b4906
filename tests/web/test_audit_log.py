"""The page of the audit log: who sees which entries, what it says of each, filters and CSV."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeUser
from tests.databases import plan
from video_classifier.http.audit_filters import ORDER
from video_classifier.models import Analysis, AuditEntry, Camera, CaseExport
from video_classifier.services import audit, cases, retention, trash
from video_classifier.services.retention import Days
from video_classifier.states import Action, Role, Status

pytestmark = pytest.mark.postgresql

LOG = "/audit/"


@pytest.fixture
def manager(make_user: MakeUser) -> User:
    return make_user("grace", roles=[Role.MANAGER])


@pytest.fixture
def client(manager: User) -> Client:
    client = Client()
    client.force_login(manager)
    QuerySet(AuditEntry).all().delete()  # that they signed in
    return client


@pytest.fixture
def root(make_user: MakeUser) -> Client:
    client = Client()
    client.force_login(make_user("root", roles=[], is_superuser=True))
    QuerySet(AuditEntry).all().delete()
    return client


@pytest.fixture
def analysis(make_analysis: MakeAnalysis) -> Analysis:
    return make_analysis(status=Status.DONE)


def see(analysis: Analysis, by: User) -> None:
    store = analysis.clip.store_id
    audit.record(Action.VIEWED, by, audit.RESULT, analysis.pk, store=store)


def found(client: Client, **filters: Any) -> list[str]:
    rows = client.get(LOG, filters).context["rows"]
    return [row.entry.action for row in rows]


def text(client: Client, **filters: Any) -> str:
    return html.unescape(client.get(LOG, filters).content.decode())


def test_a_manager_sees_who_looked_at_what(
    client: Client, analysis: Analysis, make_user: MakeUser
) -> None:
    see(analysis, make_user("ada"))

    page = text(client)

    assert "ada" in page
    assert "Looked at footage" in page
    assert f'<a href="{analysis.get_absolute_url()}">door.mp4</a>' in page


def test_of_other_stores_and_of_accounts_only_superusers_see_anything(
    client: Client, root: Client, analysis: Analysis, make_store: MakeStore, user: User
) -> None:
    audit.record(Action.SIGNED_IN, user, audit.USER, user.pk)
    audit.record(Action.TRASHED, user, audit.CLIP, 7, store=make_store("North").pk)
    see(analysis, user)

    assert found(client) == [Action.VIEWED]
    assert found(root) == [Action.VIEWED, Action.TRASHED, Action.SIGNED_IN]


def test_what_is_gone_is_named_by_its_id(client: Client, analysis: Analysis, user: User) -> None:
    see(analysis, user)
    trash.put(analysis.clip, by=user)
    key = user.pk
    analysis.clip.delete()
    user.delete()

    page = text(client)

    assert f"Deleted account {key}" in page
    assert "door.mp4" not in page
    assert str(analysis.pk) in page


def test_cases_and_their_exports_lead_there(
    client: Client, analysis: Analysis, manager: User
) -> None:
    case = cases.create(analysis.clip.store, cases.Subject(name="Perfume shelf"), by=manager)
    export = CaseExport.objects.create(case=case, requested_by=manager)
    audit.record(Action.DOWNLOADED, manager, audit.CASE_EXPORT, export.pk, store=case.store_id)

    page = text(client)

    assert page.count(f'<a href="/cases/{case.pk}/">Perfume shelf</a>') == 2


def test_no_name_of_another_store_is_shown(
    client: Client, analysis: Analysis, make_store: MakeStore, user: User
) -> None:
    """An entry names a store; what it is about may be elsewhere by now."""
    camera = Camera.objects.create(store=make_store("North"), name="Secret door")
    store = analysis.clip.store_id
    audit.record(Action.FEED_CHANGED, user, audit.CAMERA, camera.pk, store=store)

    assert "Secret door" not in text(client)


def test_ids_that_make_no_sense_are_shown_as_they_are(client: Client, analysis: Analysis) -> None:
    for kind in (audit.RESULT, audit.CLIP, audit.CAMERA, audit.USER, audit.STORE):
        audit.record(Action.EXPORTED, None, kind, "no id", store=analysis.clip.store_id)

    page = text(client)

    assert page.count("no id</code>") == 5
    assert "The site, or a stranger" in page


def test_filters(client: Client, analysis: Analysis, user: User, manager: User) -> None:
    see(analysis, user)
    trash.put(analysis.clip, by=manager)
    old = AuditEntry.objects.get(action=Action.VIEWED).pk
    yesterday = timezone.now() - timedelta(days=1)
    QuerySet(AuditEntry).filter(pk=old).update(at=yesterday)
    day = timezone.localdate(yesterday).isoformat()

    assert found(client, person=user.pk) == [Action.VIEWED]
    assert found(client, action=Action.TRASHED) == [Action.TRASHED]
    assert found(client, until=day) == [Action.VIEWED]
    assert found(client, since=day) == [Action.TRASHED, Action.VIEWED]
    assert found(client, about=str(analysis.clip_id)) == [Action.TRASHED]
    assert found(client, store=analysis.clip.store_id) == [Action.TRASHED, Action.VIEWED]
    assert "Nothing matches" in text(client, action=Action.PURGED)
    assert "not valid" in text(client, person="x")


def test_the_page_of_a_result_leads_to_all_that_was_done_with_its_clip(
    client: Client, analysis: Analysis, user: User, make_analysis: MakeAnalysis
) -> None:
    other, earlier = make_analysis(), make_analysis(clip=analysis.clip)
    for each in (analysis, earlier, other):
        see(each, user)
    store = analysis.clip.store_id
    audit.record(Action.DOWNLOADED, user, audit.CLIP, analysis.clip_id, store=store)
    way = f"/audit/?clip={analysis.clip_id}"

    result = client.get(analysis.get_absolute_url()).content.decode()
    rows = client.get(way).context["rows"]

    assert f'href="{way}"' in result
    assert [row.entry.object_id for row in rows] == [  # the newest first, and this view
        str(analysis.pk),
        str(analysis.clip_id),
        str(earlier.pk),
        str(analysis.pk),
    ]


def test_who_manages_no_store_is_offered_no_way_to_the_log(
    analysis: Analysis, make_user: MakeUser
) -> None:
    client = Client()
    client.force_login(make_user("reviewer", roles=[Role.REVIEWER]))

    assert "Who looked at this" not in client.get(analysis.get_absolute_url()).content.decode()


def test_the_filter_by_clip_says_its_name_and_outlives_other_filters(
    client: Client, analysis: Analysis, make_clip: MakeClip, make_store: MakeStore
) -> None:
    key = analysis.clip_id
    elsewhere = make_clip(name="secret.mp4", store=make_store("North")).pk

    page = text(client, clip=key)

    assert "Clip: door.mp4" in page
    assert re.search(rf'<input type="hidden" name="clip" value="{key}"', page)
    assert f"Clip: {elsewhere}" in text(client, clip=elsewhere)
    assert "This filter is not valid: Clip." in text(client, clip="x")


def test_people_of_other_stores_are_not_offered(
    client: Client, make_user: MakeUser, make_store: MakeStore
) -> None:
    make_user("linus", store=make_store("North"))

    assert "linus" not in text(client)


def test_pages_lead_on_and_back(
    client: Client, analysis: Analysis, user: User, settings: Settings
) -> None:
    settings.HISTORY_PAGE_SIZE = 2
    for _ in range(5):
        see(analysis, user)

    first = client.get(LOG).context["page"]
    second = client.get(LOG, {"after": first.after}).context["page"]
    back = client.get(LOG, {"before": second.before}).context["page"]

    assert [each.pk for each in first.rows] == [each.pk for each in back.rows]
    assert first.rows[-1].pk == second.rows[0].pk + 1
    for nonsense in ("x", "-1", "9" * 40):
        assert client.get(LOG, {"after": nonsense}).status_code == 200


def test_it_asks_no_more_however_many_entries(
    client: Client,
    analysis: Analysis,
    user: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(10):
        see(analysis, user)

    with django_assert_num_queries(12):
        client.get(LOG)


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({"actor": 7}, "auditentry_by_actor"),
        ({"action": Action.VIEWED}, "auditentry_by_action"),
        ({"store": 7}, "auditentry_by_store"),
        ({"object_id": "7"}, "auditentry_by_object"),
    ],
)
@pytest.mark.django_db
def test_each_filter_has_an_index_in_its_order(filters: dict[str, Any], index: str) -> None:
    rows = AuditEntry.objects.filter(**filters).order_by(*(f"-{each}" for each in ORDER.fields))

    assert index in plan(rows[:25])


def test_the_table_is_for_spreadsheets_and_its_export_is_noted(
    client: Client, analysis: Analysis, user: User, manager: User
) -> None:
    see(analysis, user)
    at = datetime(2026, 11, 3, 14, 0, tzinfo=UTC)
    QuerySet(AuditEntry).all().update(at=at)

    response = client.get("/audit.csv", {"action": "viewed"})
    head, line = response.getvalue().decode("utf-8-sig").splitlines()

    assert head == "entry,at,action,account,person,kind,about,store,details"
    store = analysis.clip.store_id
    expected = f"2026-11-03T14:00:00+00:00,viewed,{user.pk},ada,result,{analysis.pk},{store},"
    assert line.split(",", 1)[1] == expected
    entry = AuditEntry.objects.get(action=Action.EXPORTED)
    assert (entry.actor, entry.object_type) == (manager.pk, "audit_log")
    assert entry.details == {"filters": {"action": "viewed"}}


def test_the_way_to_the_table_has_the_filters(
    client: Client, analysis: Analysis, user: User
) -> None:
    see(analysis, user)

    assert 'href="/audit.csv?action=viewed"' in text(client, action="viewed")


def test_what_is_not_chosen_is_no_detail(client: Client, analysis: Analysis, user: User) -> None:
    retention.change(analysis.clip.store, Days(ordinary=30), by=user)

    assert client.get(LOG).context["rows"][0].details == "ordinary: 30"


def test_parts_and_pages_differ(client: Client) -> None:
    whole, part = client.get(LOG), client.get(LOG, headers={"HX-Request": "true"})

    assert b"<html" in whole.content
    assert b"<html" not in part.content
    assert "HX-Request" in part["Vary"]
