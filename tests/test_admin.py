"""Administrators find everything, edit no prediction, and leave no orphans."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.exceptions import BadRequest
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from tests.conftest import (
    MakeAnalysis,
    MakeClip,
    MakeModel,
    MakeStore,
    MakeTrack,
    MakeUser,
    segment_of,
)
from tests.makers.deliveries import make_channel, make_event, make_watched
from tests.makers.events import make_result_event
from tests.makers.feeds import make_feed
from video_classifier.ml.serving.bundle import NETWORK_FILE
from video_classifier.models import (
    AlertsRead,
    Analysis,
    ApiKey,
    AuditEntry,
    AuditSeal,
    AuthenticatorApp,
    Camera,
    Case,
    CaseExport,
    Clip,
    Event,
    FeedHour,
    LiveEvent,
    Membership,
    OneTimePassword,
    Opened,
    Preferences,
    Retention,
    SavedView,
    SignedIn,
    Tag,
    Upload,
    WaitingClip,
)
from video_classifier.services import (
    alerts,
    api_keys,
    audit,
    audit_seals,
    cases,
    files,
    heat_maps,
    reviews,
    trash,
)
from video_classifier.states import Action, Answer, Playback, Prediction, Scope, Status

CLIPS = "/admin/video_classifier/clip/"
ANALYSES = "/admin/video_classifier/analysis/"
CAMERAS = "/admin/video_classifier/camera/"
USERS = "/admin/auth/user/"
KEYS = "/admin/video_classifier/apikey/"
AUDIT = "/admin/video_classifier/auditentry/"


def act(client: Client, url: str, action: str, *rows: Clip | Analysis | ApiKey) -> None:
    chosen = [str(row.pk) for row in rows]
    answers = {"action": action, "_selected_action": chosen, "post": "yes"}
    assert client.post(url, answers).status_code == 302


@pytest.mark.django_db
def test_every_list_turns_away_what_can_be_no_row(rf: RequestFactory) -> None:
    address = reverse("admin:index")  # with the addresses, lists of other apps are taken away
    request = rf.post(address, {"action": "any", "_selected_action": ["x" * 1000]})
    lists = admin.site._registry

    for each in lists.values():
        with pytest.raises(BadRequest, match="There is no such row"):
            each.response_action(request, each.model._default_manager.none())

    assert len(lists) > 40


UNHEARD_OF = (  # of the fields that some list has
    "{field}__year=99999",
    "{field}__gte=9999-12-31T23:59:59-14:00",
    "{field}__in=99999999999999999999999",
    "{field}__exact=%00",
    "{field}__range=1",
)


@pytest.mark.db
@pytest.mark.django_db(transaction=True)  # PostgreSQL notices some only as it asks
def test_a_filter_by_which_nothing_can_be_found_leads_to_all_rows(
    admin_client: Client,
) -> None:
    for field, query in product(("at", "id", "object_id", "details"), UNHEARD_OF):
        found = admin_client.get(f"{AUDIT}?{query.format(field=field)}", follow=True)

        assert found.status_code == 200
        is_told = "All rows are shown instead" in found.content.decode()
        assert is_told == bool(found.redirect_chain)


@pytest.mark.django_db
def test_in_no_list_a_process_is_kept_busy(admin_client: Client) -> None:
    for model in list(admin.site._registry):
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        pattern = admin_client.get(f"{address}?{model._meta.pk.name}__regex=(")
        words = admin_client.get(address, {"q": "a " * 3000}, follow=True)

        assert pattern.status_code == 400
        assert words.status_code == 200


@pytest.mark.django_db
def test_no_list_tells_by_its_filters_what_it_does_not_show(admin_client: Client) -> None:
    hidden = {
        (model, field)
        for model, each in admin.site._registry.items()
        for field in each.exclude or ()
    }

    for model, field in hidden:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for lookup in ("startswith", "gt", "pk__startswith", "session_key__startswith"):
            assert admin_client.get(f"{address}?{field}__{lookup}=a").status_code == 400

    assert (SignedIn, "session") in hidden


def test_too_many_words_are_told_of(admin_client: Client) -> None:
    found = admin_client.get(USERS, {"q": "a " * 31}, follow=True)

    assert "At most 30 words are searched at once." in found.content.decode()


@pytest.mark.parametrize("url", [CLIPS, ANALYSES])
def test_shows_the_rows(admin_client: Client, make_analysis: MakeAnalysis, url: str) -> None:
    make_analysis(name="till.mp4", status=Status.DONE)

    assert "till.mp4" in admin_client.get(url).content.decode()


def test_scores_are_rounded(admin_client: Client, make_analysis: MakeAnalysis) -> None:
    make_analysis(status=Status.DONE, score=0.123456789)

    html = admin_client.get(ANALYSES).content.decode()

    assert "0.12<" in html
    assert "0.1234" not in html


@pytest.mark.parametrize(
    "query",
    ["?q=door", "?status__exact=failed", "?prediction__exact=no_hint", "?queued_at__year=1999"],
)
def test_filters_and_searches(
    admin_client: Client, make_analysis: MakeAnalysis, query: str
) -> None:
    make_analysis(name="till.mp4", status=Status.DONE)

    response = admin_client.get(ANALYSES + query)

    assert response.status_code == 200
    assert "till.mp4" not in response.content.decode()


@pytest.mark.parametrize(("url", "queries"), [(CLIPS, 6), (ANALYSES, 8)])
def test_queries_do_not_grow_with_the_rows(
    admin_client: Client,
    make_analysis: MakeAnalysis,
    make_user: MakeUser,
    django_assert_num_queries: DjangoAssertNumQueries,
    *,
    url: str,
    queries: int,
) -> None:
    for number in range(10):
        analysis = make_analysis(requested_by=make_user(f"user{number}"))
        Clip.objects.filter(pk=analysis.clip_id).update(uploaded_by=analysis.requested_by)

    with django_assert_num_queries(queries):
        admin_client.get(url)


def test_a_prediction_cannot_be_edited(admin_client: Client, make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(status=Status.DONE, prediction=Prediction.NO_HINT, score=0.1)
    page = f"{ANALYSES}{analysis.pk}/change/"

    assert b'name="prediction"' not in admin_client.get(page).content
    assert admin_client.post(page, {"prediction": "hint", "score": "0.9"}).status_code == 403
    analysis.refresh_from_db()
    assert analysis.prediction == Prediction.NO_HINT


@pytest.mark.parametrize("url", [CLIPS, ANALYSES])
def test_nobody_is_called_a_shoplifter(
    admin_client: Client, make_analysis: MakeAnalysis, url: str
) -> None:
    clip = make_analysis(status=Status.DONE, prediction=Prediction.HINT).clip
    pages = (url, f"{CLIPS}{clip.pk}/delete/")

    for page in pages:
        text = re.sub("<[^>]*>", "", admin_client.get(page).content.decode())
        assert "shoplifter" not in text


def test_numbers_and_times_are_for_people(
    admin_client: Client, make_analysis: MakeAnalysis
) -> None:
    moment = datetime(2026, 11, 25, 21, 5, tzinfo=UTC)
    analysis = make_analysis(
        status=Status.DONE, score=0.123456789, seconds_reading=12.3456789, queued_at=moment
    )

    html = admin_client.get(f"{ANALYSES}{analysis.pk}/change/").content.decode()

    assert ("0.1235" in html, "12.35" in html) == (True, True)
    assert "0.12345" not in html
    assert "2026-11-25 21:05 UTC" in html


@pytest.mark.parametrize("url", [CLIPS, f"{CLIPS}{{pk}}/change/"])
def test_lengths_read_as_everywhere(admin_client: Client, make_clip: MakeClip, url: str) -> None:
    clip = make_clip(duration=21600.04)

    html = admin_client.get(url.format(pk=clip.pk)).content.decode()

    assert re.search(r">\s*6:00:00\.0\s*<", html)


def test_times_of_events_read_as_everywhere(
    admin_client: Client, make_analysis: MakeAnalysis
) -> None:
    segment = segment_of(make_analysis())
    times = {"start": 18_005.3, "peak": 18_008.0, "end": 18_010.0}
    Event.objects.create(analysis=segment.analysis, number=1, segment=segment, score=0.9, **times)

    html = admin_client.get("/admin/video_classifier/event/").content.decode()

    assert ("5:00:05.3<" in html, "5:00:10.0<" in html) == (True, True)


def test_reviews_are_looked_at_and_never_changed(
    admin_client: Client,
    make_analysis: MakeAnalysis,
    make_user: MakeUser,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    url = "/admin/video_classifier/review/"
    for number in range(5):
        event = make_result_event(make_analysis(status=Status.DONE, name=f"{number}.mp4"))
        by = make_user(f"user{number}")
        review = reviews.answer(event, event.analysis.clip, by, answer=Answer.CONFIRMED, note="Tea")

    with django_assert_max_num_queries(8):
        html = admin_client.get(url).content.decode()
    page = admin_client.get(f"{url}{review.pk}/change/").content.decode()

    assert ("user4" in html, "4.mp4" in html, "Tea" in page) == (True, True, True)
    assert "<textarea" not in page
    assert admin_client.post(f"{url}{review.pk}/change/", {"note": "x"}).status_code == 403
    assert admin_client.post(f"{url}{review.pk}/delete/", {"post": "yes"}).status_code == 403


def test_what_people_arrange_is_looked_at_and_not_changed(
    admin_client: Client, admin_user: User, make_analysis: MakeAnalysis, user: User
) -> None:
    clip = make_analysis(status=Status.DONE, name="till.mp4").clip
    case = cases.create(clip.store, cases.Subject(name="Perfume shelf"), by=user)
    export_of = {"requested_by": user, "size_bytes": 2048}
    tag = Tag.objects.create(store=clip.store, name="Perfume")
    tag.clips.add(clip)
    audit_seals.seal()
    rows: dict[str, tuple[Model, str]] = {
        "case": (case, "Perfume shelf"),
        "caseitem": (cases.add_clip(case, clip, by=user), "till.mp4"),
        "casenote": (cases.note(case, "Tea at five", by=user), "Tea at five"),
        "caseexport": (CaseExport.objects.create(case=case, **export_of), "2.0"),
        "retention": (Retention.objects.create(store=clip.store, ordinary=30), "30"),
        "savedview": (SavedView.objects.create(owner=user, page="history", name="Mine"), "Mine"),
        "tag": (tag, "Perfume"),
        "opened": (Opened.objects.create(clip=clip, by=user), "till.mp4"),
        "auditseal": (AuditSeal.objects.get(), AuditSeal.objects.get().sha256),
    }

    for kind, (row, shown) in rows.items():
        listed = f"/admin/video_classifier/{kind}/"
        page = admin_client.get(f"{listed}{row.pk}/change/")
        assert shown in admin_client.get(f"{listed}?q=").content.decode(), kind
        assert admin_client.get(f"{listed}?q=door").status_code == 200, kind
        assert page.status_code == 200, kind
        assert b'name="_save"' not in page.content, kind
        assert admin_client.get(f"{listed}add/").status_code == 403, kind
        assert admin_client.post(f"{listed}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_many_seconds_of_work_are_digits(admin_client: Client, make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(seconds_reading=12345.6)

    html = admin_client.get(f"{ANALYSES}{analysis.pk}/change/").content.decode()

    assert "12,346" in html


def test_a_clip_leads_to_its_latest_result(
    admin_client: Client, make_clip: MakeClip, make_analysis: MakeAnalysis
) -> None:
    clip = make_clip()
    assert "View on site" not in admin_client.get(f"{CLIPS}{clip.pk}/change/").content.decode()

    analysis = make_analysis(clip=clip)

    html = admin_client.get(f"{CLIPS}{clip.pk}/change/").content.decode()
    assert f'href="{analysis.get_absolute_url()}" class="viewsitelink"' in html


@pytest.mark.parametrize("url", [CLIPS, ANALYSES])
def test_nothing_is_added_by_hand(admin_client: Client, url: str) -> None:
    assert admin_client.get(f"{url}add/").status_code == 403


def test_a_clips_page_links_to_no_file(admin_client: Client, make_clip: MakeClip) -> None:
    clip = make_clip(name="till.mp4")

    html = admin_client.get(f"{CLIPS}{clip.pk}/change/").content.decode()

    assert "till.mp4" in html
    assert str(clip.file.name) not in html


def test_analyzes_clips_again_with_the_model_chosen(
    admin_client: Client, make_clip: MakeClip, make_model: MakeModel
) -> None:
    make_model("careful")
    chosen, other = make_clip(), make_clip()

    act(admin_client, CLIPS, "again_careful", chosen)

    analysis = Analysis.objects.get()
    assert (analysis.clip, analysis.model, analysis.status) == (chosen, "careful", Status.QUEUED)
    assert analysis.requested_by is not None
    assert not other.analyses.exists()


def test_two_analyses_of_one_clip_queue_one_more(
    admin_client: Client, make_analysis: MakeAnalysis, make_clip: MakeClip, make_model: MakeModel
) -> None:
    make_model("careful")
    clip = make_clip()
    both = [make_analysis(clip=clip, status=Status.DONE) for _ in range(2)]

    act(admin_client, ANALYSES, "again_careful", *both)

    assert Analysis.objects.filter(status=Status.QUEUED).count() == 1


def test_a_model_that_cannot_be_used_is_not_offered(
    admin_client: Client, make_clip: MakeClip, make_model: MakeModel
) -> None:
    make_model("careful")
    (make_model("hurt") / NETWORK_FILE).unlink()
    make_clip()

    html = admin_client.get(CLIPS).content.decode()

    assert "again_careful" in html
    assert "again_hurt" not in html


def test_who_may_only_look_is_offered_no_action(
    stranger: Client, make_user: MakeUser, make_clip: MakeClip, make_model: MakeModel
) -> None:
    make_model("careful")
    make_clip()
    reader = make_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_clip"))
    stranger.force_login(reader)

    response = stranger.get(CLIPS)

    assert response.status_code == 200
    assert b"again_careful" not in response.content


@pytest.mark.parametrize("way", ["one", "many"])
def test_deleting_moves_to_the_trash(
    admin_client: Client, make_analysis: MakeAnalysis, way: str
) -> None:
    clip = make_analysis(name="till.mp4").clip

    if way == "one":
        assert b"go to the trash" in admin_client.get(f"{CLIPS}{clip.pk}/delete/").content
        admin_client.post(f"{CLIPS}{clip.pk}/delete/", {"post": "yes"})
    else:
        act(admin_client, CLIPS, "move_to_trash", clip)

    assert Clip.objects.in_trash().get().trashed_by is not None
    assert Path(clip.file.path).exists()
    assert AuditEntry.objects.filter(action=Action.TRASHED, object_id=str(clip.pk)).exists()
    for url in (CLIPS, ANALYSES):
        html = admin_client.get(url).content.decode()
        assert not re.search(r'<th class="field-\w+"><a[^>]*>till.mp4', html)


def test_what_is_in_a_case_stays(
    admin_client: Client, admin_user: User, make_clip: MakeClip
) -> None:
    clip = make_clip(name="till.mp4")
    case = Case.objects.create(store=clip.store, name="Perfume shelf")
    cases.add_clip(case, clip, by=admin_user)

    answer = admin_client.post(f"{CLIPS}{clip.pk}/delete/", {"post": "yes"})
    act(admin_client, CLIPS, "move_to_trash", clip)

    assert answer.status_code == 403
    assert "in a case: “Perfume shelf”" in admin_client.get(CLIPS).content.decode()
    assert Clip.objects.kept().exists()


def test_restores_from_the_trash(
    admin_client: Client, make_clip: MakeClip, admin_user: User
) -> None:
    clip = make_clip()
    trash.put(clip, by=admin_user)

    act(admin_client, f"{CLIPS}?trash=yes", "restore", clip)

    assert Clip.objects.kept().get() == clip


@pytest.mark.parametrize("way", ["one", "many"])
def test_what_is_in_the_trash_is_deleted_for_good_with_its_files(
    admin_client: Client,
    admin_user: User,
    make_analysis: MakeAnalysis,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    *,
    way: str,
) -> None:
    clip = make_analysis(name="till.mp4").clip
    trash.put(clip, by=admin_user)

    with django_capture_on_commit_callbacks(execute=True):
        if way == "one":
            page = admin_client.get(f"{CLIPS}{clip.pk}/delete/")
            admin_client.post(f"{CLIPS}{clip.pk}/delete/", {"post": "yes"})
        else:
            chosen = {"action": "delete_selected", "_selected_action": [str(clip.pk)]}
            page = admin_client.post(f"{CLIPS}?trash=yes", chosen)
            act(admin_client, f"{CLIPS}?trash=yes", "delete_selected", clip)

    assert b"Nobody can bring" in page.content
    assert not Clip.objects.exists()
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    assert AuditEntry.objects.filter(action=Action.PURGED).exists()
    assert not LogEntry.objects.filter(object_repr__contains="till").exists()


@pytest.mark.parametrize("action", ["delete_selected", "restore"])
def test_what_is_not_in_the_trash_is_not_deleted_for_good(
    admin_client: Client, make_clip: MakeClip, action: str
) -> None:
    clip = make_clip()

    for url in (CLIPS, f"{CLIPS}?trash=yes"):
        admin_client.post(url, {"action": action, "_selected_action": [clip.pk], "post": "yes"})

    assert Clip.objects.kept().get() == clip


@pytest.mark.parametrize("permission", ["view_clip", "change_clip"])
def test_without_the_permission_nothing_is_deleted_or_restored(
    stranger: Client, admin_user: User, make_user: MakeUser, make_clip: MakeClip, permission: str
) -> None:
    kept, trashed = make_clip(), make_clip()
    trash.put(trashed, by=admin_user)
    reader = make_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename=permission))
    stranger.force_login(reader)

    for url, clip, action in (
        (CLIPS, kept, "move_to_trash"),
        (f"{CLIPS}?trash=yes", trashed, "restore"),
        (f"{CLIPS}?trash=yes", trashed, "delete_selected"),
    ):
        stranger.post(url, {"action": action, "_selected_action": [clip.pk], "post": "yes"})
        assert stranger.post(f"{CLIPS}{clip.pk}/delete/", {"post": "yes"}).status_code == 403

    assert Clip.objects.kept().get() == kept
    assert Clip.objects.in_trash().get() == trashed


def test_an_analysis_goes_with_its_clip_alone(
    admin_client: Client, make_analysis: MakeAnalysis
) -> None:
    analysis = make_analysis()

    page = admin_client.post(f"{ANALYSES}{analysis.pk}/delete/", {"post": "yes"})

    assert page.status_code == 403
    assert Analysis.objects.exists()


def test_says_how_many_clips_miss_their_file(admin_client: Client, make_clip: MakeClip) -> None:
    clip = make_clip()
    files.sweep()
    assert b"missing at the last" not in admin_client.get(CLIPS).content
    Path(clip.file.path).unlink()
    files.sweep()

    assert b"missing at the last daily sweep: 1." in admin_client.get(CLIPS).content


# The audit log


@pytest.fixture
def entry(admin_user: User) -> AuditEntry:
    audit.record(Action.EXPORTED, admin_user, "analyses", rows=3)
    return AuditEntry.objects.get(action=Action.EXPORTED)


def test_the_audit_log_is_shown_and_filtered(admin_client: Client, entry: AuditEntry) -> None:
    assert "&quot;rows&quot;: 3" in admin_client.get(AUDIT).content.decode()
    assert admin_client.get(f"{AUDIT}{entry.pk}/change/").status_code == 200
    for query in ("?action__exact=purged", "?q=999", "?object_type=clip"):
        response = admin_client.get(AUDIT + query)
        assert response.status_code == 200
        assert "&quot;rows&quot;: 3" not in response.content.decode()


def test_nobody_edits_the_audit_log(admin_client: Client, entry: AuditEntry) -> None:
    pages = (f"{AUDIT}add/", f"{AUDIT}{entry.pk}/change/", f"{AUDIT}{entry.pk}/delete/")

    for page in pages:
        assert admin_client.post(page, {"action": "purged", "post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
    admin_client.post(AUDIT, chosen)

    assert AuditEntry.objects.get(pk=entry.pk).action == Action.EXPORTED


def test_who_has_no_permission_does_not_see_the_audit_log(
    stranger: Client, make_user: MakeUser, entry: AuditEntry
) -> None:
    stranger.force_login(make_user("staffy", is_staff=True))

    assert stranger.get(AUDIT).status_code == 403


def test_a_user_who_goes_leaves_the_clips(
    admin_client: Client, make_user: MakeUser, make_analysis: MakeAnalysis
) -> None:
    leaver = make_user("leaver")
    analysis = make_analysis(requested_by=leaver)

    leaver.delete()

    analysis.refresh_from_db()
    assert analysis.requested_by is None
    assert admin_client.get(f"{ANALYSES}{analysis.pk}/change/").status_code == 200


def test_somebody_who_is_no_staff_is_kept_out(client: Client) -> None:
    assert client.get(CLIPS).status_code == 302


def test_what_no_longer_fits_into_the_queue_is_told(
    admin_client: Client, make_clip: MakeClip, make_model: MakeModel, settings: Settings
) -> None:
    make_model("careful")
    settings.WAITING_PER_USER = 1

    act(admin_client, CLIPS, "again_careful", make_clip(), make_clip())

    html = admin_client.get(CLIPS).content.decode()
    assert "as one user may have: 1" in html
    assert "Queued for careful: 1." in html


# Stores and who works there


def members(name: str) -> set[tuple[str, str]]:
    found = Membership.objects.filter(user__username=name)
    return set(found.values_list("store__name", "role"))


def add_user(client: Client, name: str, *rows: tuple[int, str]) -> None:
    """Sends the form as the page offers it, but for `rows`, if there are any."""
    page = client.get(f"{USERS}add/")
    formset = page.context["inline_admin_formsets"][0].formset
    offered = [(form["store"].value(), form["role"].value()) for form in formset.initial_forms]
    offered += [(form["store"].value(), form["role"].value()) for form in formset.extra_forms]
    sent = {"memberships-INITIAL_FORMS": "0", "memberships-TOTAL_FORMS": str(len(rows or offered))}
    for number, (store, role) in enumerate(rows or offered):
        sent |= {f"memberships-{number}-store": store or "", f"memberships-{number}-role": role}
    secret = {"password1": "correct horse battery", "password2": "correct horse battery"}
    answer = client.post(
        f"{USERS}add/", {"username": name, "usable_password": "true", **secret, **sent}
    )
    assert answer.status_code == 302, answer.content.decode()


def test_a_new_user_works_in_the_one_store_at_once(
    admin_client: Client, make_store: MakeStore
) -> None:
    make_store()

    add_user(admin_client, "new")

    assert members("new") == {("Main", "analyst"), ("Main", "reviewer")}


def test_what_is_offered_can_be_changed(admin_client: Client, make_store: MakeStore) -> None:
    store = make_store()

    add_user(admin_client, "new", (store.pk, "manager"), (0, ""))

    assert members("new") == {("Main", "manager")}


def test_with_several_stores_somebody_has_to_choose(
    admin_client: Client, make_store: MakeStore
) -> None:
    make_store()
    north = make_store("North")
    assert b'<option value="analyst" selected>' not in admin_client.get(f"{USERS}add/").content

    add_user(admin_client, "new", (north.pk, "reviewer"))

    assert members("new") == {("North", "reviewer")}


def test_a_user_who_is_there_is_given_no_role_by_looking(
    admin_client: Client, make_user: MakeUser
) -> None:
    user = make_user("new", roles=[])

    page = admin_client.get(f"{USERS}{user.pk}/change/")

    assert b'<option value="analyst">' in page.content
    assert b'<option value="analyst" selected>' not in page.content


@pytest.fixture
def clerk(client: Client, make_user: MakeUser) -> User:
    """Staff who may manage accounts, and nothing else; signed in."""
    clerk = make_user("clerk", is_staff=True)
    accounts = ("view_user", "add_user", "change_user", "delete_user")
    clerk.user_permissions.set(Permission.objects.filter(codename__in=accounts))
    client.force_login(clerk)
    return clerk


def test_staff_who_manage_accounts_give_no_rights(client: Client, clerk: User, user: User) -> None:
    right = Permission.objects.get(codename="delete_clip").pk
    wanted = {"is_superuser": "on", "user_permissions": [right]}
    joined = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}

    for each in (clerk, user):
        sent = {"username": each.username, "is_active": "on", "is_staff": "on", **joined, **wanted}
        client.post(f"{USERS}{each.pk}/change/", sent)

    for each in (clerk, user):
        now = User.objects.get(pk=each.pk)
        assert now.is_staff
        assert not now.has_perm("video_classifier.delete_clip")


@pytest.mark.usefixtures("clerk")
@pytest.mark.parametrize("page", ["change", "password", "delete"])
def test_staff_who_manage_accounts_do_not_touch_a_superuser(
    client: Client, admin_user: User, page: str
) -> None:
    before = admin_user.password
    sent = {"password1": "another horse 7", "password2": "another horse 7", "post": "yes"}

    answer = client.post(f"{USERS}{admin_user.pk}/{page}/", sent)

    assert answer.status_code == 403
    assert User.objects.get(pk=admin_user.pk).password == before


@pytest.mark.usefixtures("clerk")
def test_staff_who_manage_accounts_select_no_superuser_to_delete(
    client: Client, admin_user: User
) -> None:
    sent = {"action": "delete_selected", "_selected_action": [admin_user.pk], "post": "yes"}

    client.post(USERS, sent)

    assert User.objects.filter(pk=admin_user.pk).exists()


def test_a_camera_stays_in_its_store(admin_client: Client, make_store: MakeStore) -> None:
    north, south = make_store("North"), make_store("South")
    camera = Camera.objects.create(store=north, name="Till 1")

    admin_client.post(f"{CAMERAS}{camera.pk}/change/", {"name": "Till 2", "store": south.pk})

    camera.refresh_from_db()
    assert (camera.name, camera.store) == ("Till 2", north)


def test_a_store_with_clips_is_not_deleted(admin_client: Client, make_clip: MakeClip) -> None:
    store = make_clip().store

    admin_client.post(f"/admin/video_classifier/store/{store.pk}/delete/", {"post": "yes"})

    assert Clip.objects.get().store == store


# Everything else, which is only looked at


@pytest.fixture
def rows(
    make_analysis: MakeAnalysis, make_clip: MakeClip, make_track: MakeTrack, user: User
) -> dict[str, object]:
    """The ids of one row of each model, all of one clip."""
    clip = make_clip(name="till.mp4", playback=Playback.WANTED)
    analysis = make_analysis(clip=clip, status=Status.DONE)
    track = make_track(analysis=analysis)
    heat_maps.ask(analysis, user=user)
    return {
        "segment": track.segment.pk,
        "track": track.pk,
        "heatmap": analysis.pk,
        "browsercopy": clip.pk,
    }


@pytest.mark.django_db
def test_every_model_is_there() -> None:
    """But apps for one-time codes, whose secrets are nobody's to see or to set."""
    models = set(apps.get_app_config("video_classifier").get_models()) - {AuthenticatorApp}

    assert models <= set(admin.site._registry)


@pytest.mark.parametrize("kind", ["segment", "track", "heatmap", "browsercopy"])
def test_jobs_and_tracks_are_shown_and_not_edited(
    admin_client: Client, rows: dict[str, object], kind: str
) -> None:
    listed = f"/admin/video_classifier/{kind}/"
    row = f"{listed}{rows[kind]}/change/"

    assert row in admin_client.get(listed).content.decode()
    assert row in admin_client.get(f"{listed}?q=till").content.decode()
    assert row not in admin_client.get(f"{listed}?q=door").content.decode()
    assert admin_client.get(row).status_code == 200
    assert admin_client.post(row, {"status": "done"}).status_code == 403


def test_scores_of_windows_are_shown_and_not_edited(
    admin_client: Client, make_track: MakeTrack
) -> None:
    track = make_track(windows=[[0.0, 2.0, 0.8125]])

    html = admin_client.get(f"/admin/video_classifier/track/{track.pk}/change/").content.decode()

    assert "[[0.0, 2.0, 0.8125]]" in html
    assert 'name="windows"' not in html


@pytest.mark.parametrize("kind", ["segment", "track", "heatmap", "browsercopy"])
def test_jobs_and_tracks_of_a_clip_in_the_trash_are_not_shown(
    admin_client: Client, rows: dict[str, object], user: User, kind: str
) -> None:
    trash.put(Clip.objects.get(), by=user)

    html = admin_client.get(f"/admin/video_classifier/{kind}/").content.decode()

    assert f"/{rows[kind]}/change/" not in html


# Alerts


def test_alerts_and_deliveries_are_shown_without_secrets_and_not_edited(
    admin_client: Client, make_store: MakeStore
) -> None:
    channel = make_channel(stores=(make_store(),))
    alert = alerts.of_live_event(make_event(make_watched("Back door", store=make_store())))
    assert alert is not None
    rows = {"channel": channel.pk, "alert": alert.pk, "delivery": alert.deliveries.get().pk}

    for kind, pk in rows.items():
        listed = f"/admin/video_classifier/{kind}/"
        shown = admin_client.get(listed).content + admin_client.get(f"{listed}{pk}/change/").content
        html = shown.decode()
        assert ("Back door" if kind == "alert" else "Office") in html
        assert channel.sealed_target not in html
        assert "sealed" not in html
        assert 'name="_save"' not in html
        assert admin_client.get(f"{listed}?q=o").status_code == 200
        assert admin_client.get(f"{listed}add/").status_code == 403
        assert admin_client.post(f"{listed}{pk}/delete/", {"post": "yes"}).status_code == 403


# API keys


@pytest.fixture
def key(user: User) -> ApiKey:
    return api_keys.create(user, name="Export", scopes=[Scope.READ], days=30, by=user)[0]


def test_keys_are_shown_without_their_digest_and_not_edited(
    admin_client: Client, key: ApiKey
) -> None:
    row = f"{KEYS}{key.pk}/change/"

    pages = [admin_client.get(each).content.decode() for each in (KEYS, row)]

    for html in pages:
        assert "Export" in html
        assert key.digest not in html
    assert key.masked in pages[0]
    assert key.masked[4:-1] in pages[1]
    assert admin_client.post(row, {"name": "Other"}).status_code == 403
    assert admin_client.get(f"{KEYS}add/").status_code == 403
    assert admin_client.get(f"{KEYS}{key.pk}/delete/").status_code == 403


@pytest.mark.parametrize("asked", ["Exp", "ada", "{key.prefix}", "{key.masked}"])
def test_a_key_is_found_by_its_name_its_user_and_its_beginning(
    admin_client: Client, key: ApiKey, asked: str
) -> None:
    def found(term: str) -> bool:
        return key.masked in admin_client.get(KEYS, {"q": term}).content.decode()

    assert found(asked.format(key=key))
    assert not found("import")


def test_an_administrator_revokes_keys(admin_client: Client, key: ApiKey) -> None:
    act(admin_client, KEYS, "revoke", key)
    act(admin_client, KEYS, "revoke", key)

    key.refresh_from_db()
    assert key.revoked_at is not None
    boss = User.objects.get(username="admin")
    noted = AuditEntry.objects.filter(action=Action.KEY_REVOKED)
    assert [(each.actor, each.object_id) for each in noted] == [(boss.pk, str(key.pk))]


@pytest.mark.parametrize(("may", "revoked"), [("view_apikey", False), ("revoke_apikey", True)])
def test_staff_revoke_keys_by_permission(
    client: Client, user: User, key: ApiKey, *, may: str, revoked: bool
) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=True)
    names = {"view_apikey", may}
    user.user_permissions.set(Permission.objects.filter(codename__in=names))

    client.post(KEYS, {"action": "revoke", "_selected_action": [str(key.pk)]})

    key.refresh_from_db()
    assert (key.revoked_at is not None) == revoked


def test_an_account_is_deleted_with_all_that_is_its_own(
    admin_client: Client, user: User, key: ApiKey, make_store: MakeStore
) -> None:
    OneTimePassword.objects.create(user=user)
    AlertsRead.objects.create(user=user, until=timezone.now())
    Preferences.objects.create(user=user)
    expires_at = timezone.now() + timedelta(days=1)
    Upload.objects.create(
        user=user, name="a.mp4", size_bytes=1, store=make_store(), model="x", expires_at=expires_at
    )

    asked = admin_client.get(f"{USERS}{user.pk}/delete/").content.decode()
    admin_client.post(f"{USERS}{user.pk}/delete/", {"post": "yes"})

    assert "Export" in asked
    assert not User.objects.filter(pk=user.pk).exists()
    assert not ApiKey.objects.exists()


def test_a_camera_that_is_watched_live_is_shown_without_its_address(admin_client: Client) -> None:
    feed = make_feed(is_enabled=True)
    FeedHour.objects.create(camera=feed.camera, start=timezone.now())
    moments = dict.fromkeys(("started_at", "ended_at", "peak_at", "opened_at"), timezone.now())
    event = LiveEvent.objects.create(camera=feed.camera, score=0.876, threshold=0.5, **moments)
    WaitingClip.objects.create(live_event=event, place="one", size_bytes=5)
    kinds = {"feed": feed.pk, "feedhour": FeedHour.objects.get().pk}
    kinds |= {"liveevent": event.pk, "waitingclip": event.pk}

    for kind, pk in kinds.items():
        listed = f"/admin/video_classifier/{kind}/"
        shown = admin_client.get(listed).content + admin_client.get(f"{listed}{pk}/change/").content
        html = shown.decode()
        assert "Back door" in html
        assert feed.sealed_address not in html
        assert "sealed" not in html
        assert 'name="_save"' not in html
        assert admin_client.get(f"{listed}add/").status_code == 403
        assert admin_client.post(f"{listed}{pk}/delete/", {"post": "yes"}).status_code == 403
    assert "0.88" in admin_client.get("/admin/video_classifier/liveevent/").content.decode()


@pytest.mark.parametrize("chosen", ["\N{GRINNING FACE}", "9" * 40, "", "-1"])
def test_what_can_be_no_row_is_refused_where_rows_are_ticked(
    admin_client: Client, admin_user: User, chosen: str
) -> None:
    sent = {"action": "delete_selected", "_selected_action": ["1", chosen], "index": "0"}

    for name in ("auth_user", "video_classifier_membership"):
        answer = admin_client.post(reverse(f"admin:{name}_changelist"), sent)
        assert answer.status_code < 500, name
    assert User.objects.filter(pk=admin_user.pk).exists()
