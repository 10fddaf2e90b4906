"""Which store and camera a clip is of: asked, remembered, shown and filtered."""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeAnalysis, MakeClip, MakeModel, MakeStore
from tests.makers import videos
from video_classifier.models import Analysis, AuditEntry, Camera, Clip, Store
from video_classifier.services import accounts
from video_classifier.states import Action, Role


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return videos.write(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()


@pytest.fixture(autouse=True)
def _model(make_model: MakeModel) -> None:
    make_model()


@pytest.fixture
def north(make_store: MakeStore, user: User) -> Store:
    """A second store of the user's."""
    store = make_store("North")
    accounts.join(user, store, Role.ANALYST)
    return store


@pytest.fixture
def till(north: Store) -> Camera:
    return Camera.objects.create(store=north, name="Till 1")


def send(client: Client, video: bytes, **choices: object) -> tuple[int, str]:
    clip = SimpleUploadedFile("new.mp4", video, content_type="video/mp4")
    response = client.post("/", {"model": "standard", "clips": clip} | choices)
    return response.status_code, response.content.decode()


def chosen(html: str) -> list[str]:
    """What is selected on the page to upload, of stores and cameras."""
    (form,) = re.findall(r"<form class=\"upload\".*?</form>", html, re.DOTALL)
    return re.findall(r" selected>([^<]*)<", form)


# Uploading


def test_with_one_store_nobody_is_asked(
    client: Client, video: bytes, make_store: MakeStore
) -> None:
    make_store("Not mine")
    assert 'name="store"' not in client.get("/").content.decode()

    status, html = send(client, video)

    assert status == 200
    assert Clip.objects.get().store == make_store()
    assert "Main" not in re.sub(r'aria-label="Main"', "", html)


def test_with_one_store_its_cameras_are_offered(
    client: Client, video: bytes, make_store: MakeStore
) -> None:
    camera = Camera.objects.create(store=make_store(), name="Till 1")
    html = client.get("/").content.decode()
    assert 'name="store"' not in html
    assert 'name="camera"' in html

    send(client, video, camera=camera.pk)

    assert Clip.objects.get().camera == camera


def test_a_clip_goes_to_the_store_and_the_camera_that_are_chosen(
    client: Client, video: bytes, till: Camera
) -> None:
    status, html = send(client, video, store=till.store_id, camera=till.pk)

    clip = Clip.objects.get()
    assert status == 200
    assert (clip.store, clip.camera) == (till.store, till)
    assert "North · Till 1" in html


def test_the_choice_is_remembered(client: Client, video: bytes, till: Camera) -> None:
    assert chosen(client.get("/").content.decode()) == []

    send(client, video, store=till.store_id, camera=till.pk)

    assert chosen(client.get("/").content.decode()) == ["North", "Till 1"]


def test_of_several_stores_one_has_to_be_chosen(client: Client, video: bytes, north: Store) -> None:
    status, html = send(client, video)

    assert status == 422
    assert "Choose the store that the clip is of." in html
    assert not Clip.objects.exists()


def test_a_camera_of_another_store_is_refused(
    client: Client, video: bytes, till: Camera, make_store: MakeStore
) -> None:
    status, html = send(client, video, store=make_store().pk, camera=till.pk)

    assert status == 422
    assert "There is no camera “Till 1” in the store “Main”." in html


def test_a_camera_that_nobody_here_sees_is_refused_without_its_name(
    client: Client, video: bytes, make_store: MakeStore
) -> None:
    camera = Camera.objects.create(store=make_store("Not mine"), name="Secret door")

    status, html = send(client, video, camera=camera.pk)

    assert status == 422
    assert "There is no such camera." in html
    assert "Secret door" not in html


def test_the_same_bytes_in_the_trash_of_another_store_are_uploaded(
    client: Client, user: User, video: bytes, north: Store, make_clip: MakeClip
) -> None:
    from video_classifier.services import trash

    trash.put(make_clip(content=video, uploaded_by=user, store=north), by=user)

    status, _ = send(client, video, store=Store.objects.get(name="Main").pk)

    assert status == 200


# Showing


def names(client: Client, query: dict[str, int]) -> list[str]:
    html = client.get("/history/", query).content.decode()
    return re.findall(r"data-row-link>([^<]*)<", html)


@pytest.fixture
def three(make_analysis: MakeAnalysis, make_clip: MakeClip, till: Camera) -> None:
    make_analysis(clip=make_clip(name="main.mp4"))
    make_analysis(clip=make_clip(name="north.mp4", store=till.store))
    make_analysis(clip=make_clip(name="till.mp4", store=till.store, camera=till))


@pytest.mark.usefixtures("three")
def test_the_history_is_filtered_by_store_and_camera(client: Client, till: Camera) -> None:
    assert names(client, {"store": till.store_id}) == ["till.mp4", "north.mp4"]
    assert names(client, {"camera": till.pk}) == ["till.mp4"]
    assert names(client, {}) == ["till.mp4", "north.mp4", "main.mp4"]


@pytest.mark.usefixtures("three")
def test_the_history_says_where_each_clip_is_from(client: Client) -> None:
    html = client.get("/history/").content.decode()

    assert re.findall(r'<span class="place">([^<]*)<', html) == [
        "North · Till 1",
        "North",
        "Main",
    ]
    assert ">Till 1 (North)</option>" in html


def test_with_one_store_and_no_camera_there_is_nothing_to_filter_or_show(
    client: Client, make_analysis: MakeAnalysis, make_store: MakeStore
) -> None:
    Camera.objects.create(store=make_store("Not mine"), name="Secret door")
    analysis = make_analysis()

    history = client.get("/history/").content.decode()
    result = client.get(analysis.get_absolute_url()).content.decode()

    assert 'name="store"' not in history
    assert 'name="camera"' not in history
    assert 'class="place' not in history
    assert "<dt>Store</dt>" not in result
    assert "<dt>Camera</dt>" not in result


@pytest.mark.parametrize("field", ["store", "camera"])
def test_a_filter_for_what_is_not_visible_finds_nothing(
    client: Client, make_analysis: MakeAnalysis, make_store: MakeStore, field: str
) -> None:
    other = make_store("Not mine")
    camera = Camera.objects.create(store=other, name="Secret door")
    make_analysis()

    assert names(client, {field: {"store": other, "camera": camera}[field].pk}) == []


@pytest.mark.usefixtures("three")
def test_no_filter_names_a_store_that_is_not_visible(client: Client, make_store: MakeStore) -> None:
    Camera.objects.create(store=make_store("Not mine"), name="Secret door")

    for address in ("/history/", "/"):
        html = client.get(address).content.decode()
        assert ">North</option>" in html
        assert "Not mine" not in html
        assert "Secret door" not in html


@pytest.mark.usefixtures("three")
def test_who_leaves_a_store_sees_none_of_their_clips_there(client: Client, user: User) -> None:
    Analysis.objects.update(requested_by=user)
    assert "till.mp4" in client.get("/").content.decode()

    user.memberships.filter(store__name="North").delete()

    html = client.get("/").content.decode()
    assert "till.mp4" not in html
    assert "main.mp4" in html


@pytest.mark.usefixtures("three")
def test_a_result_says_where_its_clip_is_from(client: Client) -> None:
    analysis = Analysis.objects.get(clip__name="till.mp4")

    html = client.get(analysis.get_absolute_url()).content.decode()

    assert "<dt>Store</dt><dd>North</dd>" in html
    assert "<dt>Camera</dt><dd>Till 1 <" in html


@pytest.mark.usefixtures("three")
def test_a_result_of_the_same_bytes_in_another_store_says_which(client: Client) -> None:
    Clip.objects.update(sha256="a" * 64)
    analysis = Analysis.objects.get(clip__name="main.mp4")

    html = client.get(analysis.get_absolute_url()).content.decode()

    assert "the same bytes, uploaded to North as “till.mp4”" in html


@pytest.mark.usefixtures("three")
def test_the_export_says_where_each_clip_is_from(client: Client, till: Camera) -> None:
    text = client.get("/history.csv", {"store": till.store_id}).getvalue().decode("utf-8-sig")

    lines = csv.DictReader(io.StringIO(text))
    assert [(line["clip"], line["store"], line["camera"]) for line in lines] == [
        ("till.mp4", "North", "Till 1"),
        ("north.mp4", "North", ""),
    ]
    exported = AuditEntry.objects.get(action=Action.EXPORTED)
    assert exported.details["filters"] == {"store": str(till.store_id)}


def test_queries_do_not_grow_with_stores_and_cameras(
    client: Client,
    user: User,
    make_store: MakeStore,
    make_analysis: MakeAnalysis,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(5):
        store = make_store(f"Store {number}")
        accounts.join(user, store, Role.ANALYST)
        camera = Camera.objects.create(store=store, name="Till 1")
        clip = make_analysis(requested_by=user).clip
        Clip.objects.filter(pk=clip.pk).update(store=store, camera=camera)

    # As with one store, and the two choices of stores and of cameras.
    with django_assert_num_queries(18):
        client.get("/history/")
    with django_assert_num_queries(9):
        client.get("/")
