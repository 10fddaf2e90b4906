"""Stores, cameras, and who is a member of what."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError
from django.db.models import ProtectedError
from pytest_django import Settings

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeUser
from tests.databases import broken_rule
from video_classifier.models import Analysis, Camera, Clip, Membership, Store
from video_classifier.services import accounts, uploads
from video_classifier.services.errors import Refused
from video_classifier.states import Role


def test_a_store_keeps_the_time_of_the_site_unless_told(
    make_store: MakeStore, settings: Settings
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"

    assert make_store("North").time_zone == "Europe/Berlin"


@pytest.mark.parametrize("zone", ["", "Berlin", "Europe", "../etc/passwd", "europe/berlin"])
def test_a_time_zone_has_an_iana_name(make_store: MakeStore, zone: str) -> None:
    store = make_store("North", time_zone=zone)

    with pytest.raises(ValidationError) as refused:
        store.full_clean()

    assert list(refused.value.message_dict) == ["time_zone"]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
def test_an_iana_name_is_taken(make_store: MakeStore, zone: str) -> None:
    make_store("North", time_zone=zone).full_clean()


def test_a_camera_name_is_free_in_every_store(make_store: MakeStore) -> None:
    north, south = make_store("North"), make_store("South")
    for store in (north, south):
        Camera.objects.create(store=store, name="Till 1")

    with pytest.raises(IntegrityError) as refused:
        Camera.objects.create(store=north, name="Till 1")

    assert broken_rule(refused.value) == "camera_name_is_unique_in_its_store"


def test_a_user_has_each_role_once(make_store: MakeStore, make_user: MakeUser) -> None:
    user, store = make_user(), make_store()
    assert user.memberships.count() == 2

    with pytest.raises(IntegrityError) as refused:
        Membership.objects.create(user=user, store=store, role=Role.ANALYST)

    assert broken_rule(refused.value) == "membership_is_noted_once"


def test_nobody_has_a_role_that_there_is_not(make_store: MakeStore, make_user: MakeUser) -> None:
    user, store = make_user(), make_store()

    with pytest.raises(IntegrityError) as refused:
        Membership.objects.create(user=user, store=store, role="owner")

    assert broken_rule(refused.value) == "membership_role_is_known"


def test_a_store_and_a_camera_with_clips_stay(make_store: MakeStore, make_clip: MakeClip) -> None:
    store = make_store("North")
    camera = Camera.objects.create(store=store, name="Till 1")
    make_clip(store=store, camera=camera)

    for kept in (store, camera):
        with pytest.raises(ProtectedError):
            kept.delete()


def test_a_clip_is_of_a_camera_of_its_store(make_store: MakeStore, user: User) -> None:
    camera = Camera.objects.create(store=make_store("South"), name="Till 1")
    file = SimpleUploadedFile("till.mp4", b"video")

    choices = uploads.Choices(model="standard", store=make_store("North"), camera=camera)
    with pytest.raises(Refused, match="no camera “Till 1” in the store “North”"):
        uploads.accept(file=file, user=user, choices=choices)

    assert not Clip.objects.exists()


# Who sees what


def test_members_see_what_is_in_their_stores(
    make_store: MakeStore, make_user: MakeUser, make_clip: MakeClip, make_analysis: MakeAnalysis
) -> None:
    north, south = make_store("North"), make_store("South")
    in_north = make_analysis(clip=make_clip(store=north))
    in_south = make_analysis(clip=make_clip(store=south))
    anna = make_user("anna", store=north, roles=[Role.REVIEWER])
    root = make_user("root", roles=[], is_superuser=True)
    new = make_user("new", roles=[], is_staff=True)

    def visible(user: User) -> set[Analysis]:
        assert set(Clip.objects.visible_to(user)) == {
            each.clip for each in Analysis.objects.visible_to(user)
        }
        return set(Analysis.objects.visible_to(user))

    assert visible(anna) == {in_north}
    assert visible(root) == {in_north, in_south}
    assert visible(new) == set()


def test_several_roles_show_nothing_twice(
    make_store: MakeStore, make_user: MakeUser, make_clip: MakeClip
) -> None:
    boss = make_user(roles=Role)
    make_clip()

    assert Clip.objects.visible_to(boss).count() == 1
    assert Clip.objects.deletable_by(boss).count() == 1
    assert Store.objects.visible_to(boss).count() == 1


@pytest.mark.parametrize(
    ("role", "is_open"),
    [(Role.ANALYST, True), (Role.MANAGER, True), (Role.REVIEWER, False)],
)
def test_a_store_is_open_to_analysts_and_managers(
    make_store: MakeStore, make_user: MakeUser, role: Role, *, is_open: bool
) -> None:
    make_store("South")
    user = make_user(roles=[role])

    assert list(Store.objects.open_to(user)) == ([make_store()] if is_open else [])


def test_the_first_administrator_works_in_the_first_store(make_store: MakeStore) -> None:
    main = make_store()
    make_store("Another")

    accounts.create_first_admin()

    admin = User.objects.get()
    assert {each.store for each in admin.memberships.all()} == {main}
    assert {each.role for each in admin.memberships.all()} == set(Role)
