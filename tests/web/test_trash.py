"""The trash: what is in it shows nowhere else, and who may get it out or rid of it."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from tests.conftest import (
    MakeAnalysis,
    MakeClip,
    MakeModel,
    MakeStore,
    MakeTrack,
    MakeUser,
    make_deleter,
    segment_of,
)
from tests.makers import videos
from tests.web.test_access import FORM, PAGES, undone
from video_classifier.models import Analysis, AuditEntry, Clip, Event, HeatMap, SegmentCopy
from video_classifier.services import evidence, files, trash
from video_classifier.states import Action, Role, Status
from video_classifier.web.urls import urlpatterns

pytestmark = pytest.mark.postgresql

MANAGERS_ALONE = (
    "cameras",
    "new-camera",
    "alerts",
    "channels",
    "channel-kinds",
    "retention-stores",
    "audit",
    "audit-csv",
)  # who else asks is turned away
ADMINISTRATORS_ALONE = ("personal-data", "requested-footage", "export-requested-footage")
SECOND_FACTOR = (
    "check-second-factor",
    "second-factor-picture",
    "new-recovery-codes",
    "turn-off-second-factor",
)  # who has none is sent on
_NO_LISTS = (*MANAGERS_ALONE, *ADMINISTRATORS_ALONE, *SECOND_FACTOR)
LISTS = [
    name
    for name, arguments, methods in PAGES
    if not arguments and "GET" in methods and name not in _NO_LISTS
]
OF_A_CLIP = {path.name for path in urlpatterns if str(path.pattern).startswith("clips/")}
OPEN = ("restore-clip", "purge-clip")  # to what is in the trash
OF_OTHERS = {
    path.name
    for path in urlpatterns
    if str(path.pattern).startswith(("cameras/", "cases/", "alerts/", "stores/"))
}
NUMBERED = ("end-session", "delete-view", "undo-review", "review-reason")
NO_CLIP = ("resumable-upload", "revoke-api-key", "video", *NUMBERED, *OF_OTHERS)


@pytest.fixture
def analysis(
    make_clip: MakeClip, make_analysis: MakeAnalysis, make_track: MakeTrack, user: User
) -> Analysis:
    """Of ada's, with every kind of file, in the trash."""
    clip = make_clip(name="till.mp4", uploaded_by=user)
    analysis = make_analysis(clip=clip, status=Status.DONE, frame_times=[0.5], requested_by=user)
    track = make_track(analysis=analysis)
    facts = {"start": 0.0, "end": 1.0, "peak": 0.5, "score": 0.9}
    Event.objects.create(
        analysis=analysis, number=1, segment=segment_of(analysis), track=track, **facts
    )
    HeatMap.objects.create(analysis=analysis, status=Status.DONE, drops=[[0.1]])
    names = (evidence.frame_file(segment_of(analysis), 0), evidence.crop_file(track, 0))
    files.write(dict.fromkeys((*names, evidence.heat_file(analysis, 0)), b"picture"))
    copy = {"status": Status.DONE, "file": clip.file.name}
    SegmentCopy.objects.create(clip=clip, number=1, start=0.0, end=60.0, **copy)
    trash.put(clip, by=user)
    return analysis


@pytest.fixture
def boss(make_user: MakeUser) -> Client:
    """May delete and restore everything."""
    client = Client()
    client.force_login(make_deleter(make_user))
    return client


@pytest.fixture
def eve(make_user: MakeUser) -> Client:
    """Signed in, and has nothing to do with it; being staff does not help."""
    client = Client()
    client.force_login(make_user("eve", is_staff=True))
    return client


def address(name: str, arguments: dict[str, object], analysis: Analysis) -> str:
    pk: UUID = analysis.clip_id if name in OF_A_CLIP else analysis.pk
    return reverse(f"web:{name}", kwargs=arguments | {"pk": pk})


# Hidden


def test_every_address_of_it_answers_gone(
    client: Client, analysis: Analysis, make_model: MakeModel
) -> None:
    make_model()
    of_it = {
        name: (address(name, arguments, analysis), methods)
        for name, arguments, methods in PAGES
        if "pk" in arguments and name not in (*OPEN, *NO_CLIP)
    }

    for url, methods in of_it.values():
        for method in methods:
            with undone():
                response = client.generic(method, url, "model=standard", content_type=FORM)
            assert response.status_code == 410, (method, url)
            assert "no-store" in response["Cache-Control"], (method, url)

    trash.restore(analysis.clip, by=User.objects.get())
    for name, (url, methods) in of_it.items():
        if "GET" in methods and name != "event-download":  # which reads the clip: tested elsewhere
            response = client.get(url)
            response.getvalue()  # to the end, where a file is closed
            assert response.status_code == 200, url


def test_no_list_shows_it_to_others(eve: Client, analysis: Analysis) -> None:
    for name in LISTS:
        response = eve.get(reverse(f"web:{name}"))

        assert response.status_code == 200, name
        assert b"till.mp4" not in response.getvalue(), name


@pytest.mark.parametrize("url", ["/", "/history/?text=till", "/history.csv"])
def test_the_trash_alone_shows_it_to_the_uploader(
    client: Client, analysis: Analysis, url: str
) -> None:
    assert b"till.mp4" not in client.get(url).getvalue()
    assert b"till.mp4" in client.get("/trash/").content


def test_the_history_does_not_count_it_nor_offer_what_only_it_has(
    client: Client, analysis: Analysis
) -> None:
    html = client.get("/history/").content.decode()

    assert 'data-announce="0 found"' in html
    assert '<option value="standard">' not in html
    uploaders = html.partition('name="uploader"')[2].partition("</select>")[0]
    assert f'<option value="{analysis.clip.uploaded_by_id}">' not in uploaders


def test_its_page_says_until_when_and_offers_to_restore(client: Client, analysis: Analysis) -> None:
    html = client.get(analysis.get_absolute_url()).content.decode()

    until = Clip.objects.get().trashed_until
    assert "This clip is in the trash" in html
    assert until is not None
    assert f"{until:%-d %b %Y}" in html
    assert f'action="/clips/{analysis.clip_id}/restore/"' in html


def test_its_page_tells_others_neither_its_name_nor_how_to_restore(
    eve: Client, analysis: Analysis
) -> None:
    html = eve.get(analysis.get_absolute_url()).content.decode()

    assert "This clip is in the trash" in html
    assert "till.mp4" not in html
    assert "/restore/" not in html


# Restoring


def test_the_uploader_restores_and_sees_the_result_again(
    client: Client, analysis: Analysis
) -> None:
    response = client.post(f"/clips/{analysis.clip_id}/restore/")

    assert response["Location"] == analysis.get_absolute_url()
    html = client.get(response["Location"]).content.decode()
    assert "“till.mp4” was restored." in html
    assert "Possible shoplifting" in html


def test_who_has_the_permission_restores(boss: Client, analysis: Analysis) -> None:
    assert b"till.mp4" in boss.get("/trash/").content

    boss.post(f"/clips/{analysis.clip_id}/restore/", {"next": "/trash/"})

    assert Clip.objects.kept().exists()


def test_nobody_else_restores(eve: Client, analysis: Analysis) -> None:
    response = eve.post(f"/clips/{analysis.clip_id}/restore/")

    assert response.status_code == 403
    assert Clip.objects.in_trash().exists()


def test_restoring_twice_is_no_error(client: Client, analysis: Analysis) -> None:
    for _ in range(2):
        assert client.post(f"/clips/{analysis.clip_id}/restore/").status_code == 302

    assert AuditEntry.objects.filter(action=Action.RESTORED).count() == 1


@pytest.mark.parametrize("asked", ["https://example.com/", "//example.com/", "\\\\example.com"])
def test_restoring_leads_to_this_site_only(client: Client, analysis: Analysis, asked: str) -> None:
    response = client.post(f"/clips/{analysis.clip_id}/restore/", {"next": asked})

    assert response["Location"] == analysis.get_absolute_url()


# The list


def test_an_empty_trash_says_so(client: Client) -> None:
    assert "The trash is empty" in client.get("/trash/").content.decode()


def test_what_one_permission_holder_sees_and_each_may_do_agree(
    make_clip: MakeClip, make_user: MakeUser, make_store: MakeStore, user: User
) -> None:
    from video_classifier.http.permissions import may_delete

    north = make_store("North")
    everybody = [user, make_user("eve", is_staff=True), make_deleter(make_user)]
    everybody += [make_user("root", is_superuser=True), make_user("off", is_active=False)]
    everybody += [make_user("once an analyst", roles=[Role.REVIEWER]), make_user("gone", roles=[])]
    everybody += [make_user("manager", roles=[Role.MANAGER], store=north)]
    everybody += [make_deleter(make_user, "deleter in the north", store=north)]
    everybody += [make_deleter(make_user, "deleter of nothing", roles=[])]
    for owner in (*everybody, None):
        for store in (make_store(), north):
            make_clip(uploaded_by=owner, store=store)

    for who in everybody:
        listed = set(Clip.objects.deletable_by(who))
        assert listed == {clip for clip in Clip.objects.all() if may_delete(who, clip)}


def test_who_may_delete_what(
    make_clip: MakeClip, make_user: MakeUser, make_store: MakeStore
) -> None:
    north = make_store("North")
    analyst = make_user("analyst", roles=[Role.ANALYST])
    reviewer = make_user("reviewer", roles=[Role.REVIEWER])  # who once was an analyst
    manager = make_user("manager", roles=[Role.MANAGER])
    deleter = make_deleter(make_user, roles=[Role.REVIEWER])
    for number, owner in enumerate([analyst, reviewer, None]):
        make_clip(name=f"main {number}", uploaded_by=owner)
    make_clip(name="north", uploaded_by=analyst, store=north)

    def deletable(who: User) -> list[str]:
        found = Clip.objects.deletable_by(who).order_by("name")
        return [clip.name.removeprefix("main ") for clip in found]

    assert deletable(analyst) == ["0"]
    assert deletable(reviewer) == []
    assert deletable(manager) == ["0", "1", "2"]
    assert deletable(deleter) == ["0", "1", "2"]
    assert deletable(make_deleter(make_user, "guest", roles=[])) == []


def test_the_list_has_pages(
    client: Client, make_clip: MakeClip, user: User, settings: Settings
) -> None:
    settings.HISTORY_PAGE_SIZE = 2
    for number in range(3):
        trash.put(make_clip(name=f"{number}.mp4", uploaded_by=user), by=user)

    shown = re.findall(r"(\d\.mp4) <span", client.get("/trash/?page=2").content.decode())

    assert shown == ["0.mp4"]  # the last deleted comes first


def test_queries_do_not_grow_with_the_rows(
    client: Client,
    make_clip: MakeClip,
    user: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(10):
        trash.put(make_clip(uploaded_by=user), by=user)

    # session, user, permissions (2), memberships, count, rows, whether cameras are watched
    with django_assert_num_queries(8):
        client.get("/trash/")


# For good


def test_who_has_the_permission_deletes_for_good(
    boss: Client,
    analysis: Analysis,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    url = f"/clips/{analysis.clip_id}/purge/"
    assert "Nobody can bring them back" in boss.get(url).content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        response = boss.post(url)

    assert response["Location"] == "/trash/"
    assert "“till.mp4” was deleted for good." in boss.get("/trash/").content.decode()
    assert not Clip.objects.exists()
    assert boss.get(analysis.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_uploader_and_staff_do_not(
    client: Client, eve: Client, analysis: Analysis, method: str
) -> None:
    for who in (client, eve):
        assert who.generic(method, f"/clips/{analysis.clip_id}/purge/").status_code == 403

    assert "Delete for good" not in client.get("/trash/").content.decode()
    assert Clip.objects.exists()


def test_what_is_not_in_the_trash_is_not_deleted_for_good(boss: Client, analysis: Analysis) -> None:
    trash.restore(analysis.clip, by=User.objects.get(username="ada"))

    assert boss.post(f"/clips/{analysis.clip_id}/purge/").status_code == 404
    assert Clip.objects.exists()


# The same bytes again


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return videos.write(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()


def send(client: Client, video: bytes, name: str = "again.mp4") -> tuple[int, str]:
    clip = SimpleUploadedFile(name, video, content_type="video/mp4")
    response = client.post("/", {"model": "standard", "clips": clip})
    return response.status_code, response.content.decode()


def test_the_same_bytes_offer_to_restore(
    client: Client, user: User, make_clip: MakeClip, make_model: MakeModel, video: bytes
) -> None:
    make_model()
    clip = make_clip(name="till.mp4", content=video, uploaded_by=user)
    trash.put(clip, by=user)

    status, html = send(client, video)

    assert status == 422
    assert "In the trash." in html
    assert "“till.mp4”" in html
    assert f'action="/clips/{clip.pk}/restore/"' in html
    assert "csrfmiddlewaretoken" in html
    assert Clip.objects.get() == clip


def test_who_may_not_restore_gets_a_clip_of_their_own(
    eve: Client, user: User, make_clip: MakeClip, make_model: MakeModel, video: bytes
) -> None:
    make_model()
    trash.put(make_clip(name="till.mp4", content=video, uploaded_by=user), by=user)

    status, html = send(eve, video)

    assert status == 200
    assert "till.mp4" not in html
    assert Clip.objects.kept().get().name == "again.mp4"


def test_another_copy_that_is_kept_makes_the_offer_pointless(
    client: Client, user: User, make_clip: MakeClip, make_model: MakeModel, video: bytes
) -> None:
    make_model()
    make_clip(content=video)
    trash.put(make_clip(content=video, uploaded_by=user), by=user)

    status, _ = send(client, video)

    assert status == 200
