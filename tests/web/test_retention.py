"""The page on which managers choose how long footage is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeClip, MakeStore, MakeUser
from video_classifier.models import Clip, Store
from video_classifier.services import accounts, retention
from video_classifier.services.retention import Days
from video_classifier.states import Role


@pytest.fixture
def manager(make_user: MakeUser) -> User:
    return make_user("grace", roles=[Role.MANAGER])


@pytest.fixture
def client(manager: User) -> Client:
    client = Client()
    client.force_login(manager)
    return client


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    return make_store()


def send(client: Client, store: Store, **fields: Any) -> Any:
    return client.post(f"/stores/{store.pk}/retention/", fields)


def test_days_are_saved_and_shown(client: Client, store: Store) -> None:
    response = send(client, store, ordinary="30", confirmed="90")

    assert response.status_code == 302
    assert retention.of(store) == Days(ordinary=30, confirmed=90)
    page = client.get(f"/stores/{store.pk}/retention/").content.decode()
    assert 'value="30"' in page
    assert "How long footage is kept was saved." in page


@pytest.mark.parametrize("typed", ["0", "-1", "3651", "1.5", "soon", "9" * 30])
def test_nonsense_is_refused_with_a_sentence(client: Client, store: Store, typed: str) -> None:
    response = send(client, store, ordinary=typed)

    assert response.status_code == 422
    assert "Write whole days from 1 to 3650" in response.content.decode()
    assert retention.of(store) == Days()


def test_what_would_be_deleted_at_once_is_said_first(
    client: Client, store: Store, make_clip: MakeClip
) -> None:
    for _ in range(2):
        make_clip(uploaded_at=timezone.now() - timedelta(days=40))

    asked = send(client, store, ordinary="30")

    assert asked.status_code == 409
    assert "Save, and delete 2 clips" in asked.content.decode()
    assert retention.of(store) == Days()
    assert send(client, store, ordinary="30", sure="2").status_code == 302
    assert retention.of(store) == Days(ordinary=30)
    assert Clip.objects.count() == 2  # they go within the hour


@pytest.mark.parametrize("sure", ["1", "", "x", "9" * 40])
def test_who_knows_of_fewer_is_asked_again(
    client: Client, store: Store, make_clip: MakeClip, sure: str
) -> None:
    for _ in range(2):
        make_clip(uploaded_at=timezone.now() - timedelta(days=40))

    assert send(client, store, ordinary="30", sure=sure).status_code == 409


def test_the_menu_leads_to_the_only_store(client: Client, store: Store) -> None:
    assert "/stores/retention/" in client.get("/history/").content.decode()
    assert client.get("/stores/retention/")["Location"] == f"/stores/{store.pk}/retention/"


def test_several_stores_are_listed(
    client: Client,
    manager: User,
    store: Store,
    make_store: MakeStore,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    north = make_store("North")
    accounts.join(manager, north, Role.MANAGER)
    retention.change(north, Days(ordinary=1, waiting=14), by=manager)

    with django_assert_num_queries(5):
        page = client.get("/stores/retention/").content.decode()

    assert "1 day<" in page
    assert "14 days<" in page
    assert f"/stores/{store.pk}/retention/" in page
