"""What managers choose of channels: how it is kept, refused, noted and shown."""

from __future__ import annotations

import base64
import logging
import time as time_
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from pytest_django import Settings

from tests.conftest import MakeStore, MakeUser
from tests.makers.alerts import TARGETS, make_channel
from tests.makers.deliveries import make_delivery
from video_classifier.models import AuditEntry, Camera, Channel, Delivery, Store
from video_classifier.services import channels, secrets
from video_classifier.services.channels import Choices
from video_classifier.services.errors import Refused
from video_classifier.states import Action, AlertKind, ChannelKind, Role, Status

NIGHT: dict[str, Any] = {"quiet_from": time(22), "quiet_until": time(6)}


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    return make_store("Harbour")


@pytest.fixture
def grace(make_user: MakeUser, store: Store) -> User:
    """Who manages that store, and no other."""
    return make_user("grace", store=store, roles=[Role.MANAGER])


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root")


def create(
    store: Store, by: User, kind: ChannelKind = ChannelKind.EMAIL, **changes: Any
) -> tuple[Channel, str]:
    name = changes.pop("name", "Night shift")
    choices = Choices(**{"target": TARGETS[kind], "stores": [store]} | changes)
    return channels.create(kind, name, choices, by=by)


def chosen(channel: Channel, **changes: Any) -> Choices:
    """As it is, but for these."""
    return replace(Choices(stores=list(channel.stores.all())), **changes)


def noted() -> list[tuple[str, int | None, str, Any]]:
    found = AuditEntry.objects.filter(object_type="channel").order_by("id")
    return list(found.values_list("action", "actor", "object_id", "details"))


# Creating


def test_a_new_channel_tells_of_live_hints_and_faults(store: Store, grace: User) -> None:
    channel, key = create(store, grace)

    assert (channel.name, channel.kind, channel.is_enabled) == ("Night shift", "email", True)
    assert list(channel.stores.all()) == [store]
    assert (channel.tells_live, channel.tells_recordings, channel.tells_faults) == (
        *(True, False, True),
    )
    assert (channel.camera_pause, channel.pause, channel.created_by) == (60, 0, grace)
    assert key == channel.sealed_key == ""
    details = {"kind": "email"}
    assert noted() == [(Action.CHANNEL_ADDED, grace.pk, str(channel.pk), details)]


@pytest.mark.parametrize("kind", [ChannelKind.EMAIL, ChannelKind.WEBHOOK])
def test_its_target_is_sealed_and_shown_masked(
    store: Store, grace: User, kind: ChannelKind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    create(store, grace, kind)

    channel = Channel.objects.get()
    kept = " ".join(str(value) for value in Channel.objects.values_list()[0])
    assert TARGETS[kind] not in kept
    assert "pa55word" not in kept + caplog.text + channels.masked(channel)
    assert secrets.unseal(channel.sealed_target) == TARGETS[kind]
    assert "pa55word" not in repr(Choices(target=TARGETS[kind]))


def test_a_webhook_gets_a_key_that_is_returned_once(store: Store, grace: User) -> None:
    channel, key = create(store, grace, ChannelKind.WEBHOOK)

    assert len(base64.b64decode(key.removeprefix("whsec_"), validate=True)) == 32
    assert key not in channel.sealed_key
    assert secrets.unseal(channel.sealed_key) == key


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, channels.NO_NAME),
        ({"name": " \u202e\n"}, channels.NO_NAME),
        ({"name": "x" * 101}, channels.LONG_NAME),
        ({"stores": []}, channels.NO_STORE),
        ({"all_stores": True}, channels.NOT_ALL_STORES),
        ({"least_score": 1.1}, channels.WRONG_SCORE),
        ({"least_score": float("nan")}, channels.WRONG_SCORE),
        ({"tells_live": False, "tells_faults": False}, channels.TELLS_NOTHING),
        ({"quiet_from": time(22)}, channels.HALF_QUIET),
        ({"quiet_until": time(6)}, channels.HALF_QUIET),
        ({"quiet_from": time(6), "quiet_until": time(6)}, channels.NO_QUIET),
        ({"camera_pause": -1}, channels.WRONG_PAUSE),
        ({"pause": 86_401}, channels.WRONG_PAUSE),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_makes_no_sense_is_refused(
    store: Store, grace: User, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Refused) as caught:
        create(store, grace, **changes)

    assert str(caught.value) == sentence
    assert not Channel.objects.exists()
    assert noted() == []


@pytest.mark.parametrize("kind", list(ChannelKind))
@pytest.mark.parametrize("target", ["", "  ", "file:///etc/passwd"])
def test_a_target_that_is_none_is_refused(
    store: Store, grace: User, kind: ChannelKind, target: str
) -> None:
    with pytest.raises(Refused):
        create(store, grace, kind, target=target)

    assert not Channel.objects.exists()


def test_a_name_is_there_once(store: Store, grace: User) -> None:
    create(store, grace)

    with pytest.raises(Refused, match=channels.NAME_TAKEN):
        create(store, grace)

    assert Channel.objects.count() == 1


def test_cameras_are_of_the_chosen_stores(store: Store, grace: User, make_store: MakeStore) -> None:
    inside = Camera.objects.create(store=store, name="Door")
    outside = Camera.objects.create(store=make_store("North"), name="Door")

    channel, _ = create(store, grace, cameras=[inside])
    assert list(channel.cameras.all()) == [inside]

    with pytest.raises(Refused, match=channels.WRONG_CAMERA):
        create(store, grace, name="Other", cameras=[inside, outside])


# Who may


def test_a_manager_has_alerts_of_no_other_store_sent(
    store: Store, grace: User, make_store: MakeStore
) -> None:
    other = make_store("North")
    grace.memberships.create(store=other, role=Role.REVIEWER)

    with pytest.raises(Refused) as caught:
        create(store, grace, stores=[store, other])

    assert str(caught.value) == channels.NOT_YOUR_STORE


def test_an_administrator_may_have_those_of_all_stores(store: Store, root: User) -> None:
    channel, _ = create(store, root, all_stores=True)

    assert channel.all_stores
    assert not channel.stores.exists()


def test_a_manager_changes_no_channel_that_was_taken_out_of_reach(
    store: Store, grace: User, root: User, make_store: MakeStore
) -> None:
    channel, _ = create(store, grace)
    both = chosen(channel, stores=[store, make_store("North")])
    channels.change(channel, channel.name, both, by=root)

    with pytest.raises(Refused, match=channels.GONE):
        channels.change(channel, "Mine", chosen(channel, stores=[store]), by=grace)

    assert Channel.objects.get().name == "Night shift"


# Changing


def test_what_is_changed_is_noted_by_name_alone(
    store: Store, grace: User, make_store: MakeStore
) -> None:
    north = make_store("North")
    grace.memberships.create(store=north, role=Role.MANAGER)
    channel, _ = create(store, grace)

    new = chosen(channel, target="day@shop.example", stores=[store, north], **NIGHT)
    channels.change(channel, "Day shift", new, by=grace)

    changed = Channel.objects.get()
    assert (changed.name, changed.quiet_from, changed.quiet_until) == (
        *("Day shift", time(22), time(6)),
    )
    assert secrets.unseal(changed.sealed_target) == "day@shop.example"
    assert set(changed.stores.all()) == {store, north}
    details = {"changed": "name, quiet_from, quiet_until, stores, target"}
    assert noted()[-1] == (Action.CHANNEL_CHANGED, grace.pk, str(channel.pk), details)


def test_a_target_that_is_not_typed_stays(store: Store, grace: User) -> None:
    channel, _ = create(store, grace)

    channels.change(channel, "Night shift", chosen(channel, least_score=0.8), by=grace)

    changed = Channel.objects.get()
    assert changed.sealed_target == channel.sealed_target
    assert changed.least_score == 0.8


def test_a_change_of_nothing_is_not_noted(store: Store, grace: User) -> None:
    channel, _ = create(store, grace)

    channels.change(channel, "Night shift", chosen(channel), by=grace)

    assert len(noted()) == 1


def test_a_name_that_another_one_has_is_refused(store: Store, grace: User) -> None:
    create(store, grace, name="Day shift")
    channel, _ = create(store, grace)

    with pytest.raises(Refused, match=channels.NAME_TAKEN):
        channels.change(channel, "Day shift", chosen(channel), by=grace)


def test_a_channel_that_is_gone_can_not_be_changed(store: Store, grace: User) -> None:
    channel, _ = create(store, grace)
    choices = chosen(channel)
    Channel.objects.all().delete()

    with pytest.raises(Refused, match=channels.GONE):
        channels.change(channel, "Night shift", choices, by=grace)


def test_a_key_is_renewed(store: Store, grace: User) -> None:
    channel, old = create(store, grace, ChannelKind.WEBHOOK)

    new = channels.renew_key(channel, by=grace)

    assert new != old
    assert secrets.unseal(Channel.objects.get().sealed_key) == new
    assert noted()[-1][3] == {"changed": "key"}


def test_only_webhooks_have_a_key(store: Store, grace: User) -> None:
    channel, _ = create(store, grace)

    with pytest.raises(Refused, match=channels.NO_KEY):
        channels.renew_key(channel, by=grace)


def test_it_is_switched_off_and_on(store: Store, grace: User) -> None:
    channel, _ = create(store, grace)

    assert channels.switch(channel, on=False, by=grace)
    assert not channels.switch(channel, on=False, by=grace)
    assert not Channel.objects.get().is_enabled
    assert channels.switch(channel, on=True, by=grace)

    assert Channel.objects.get().is_enabled
    assert [details for *_, details in noted()[1:]] == [{"changed": "off"}, {"changed": "on"}]


def test_it_is_deleted_and_the_log_stays(store: Store, grace: User) -> None:
    channel, _ = create(store, grace)
    channels.test(channel, by=grace)

    assert channels.remove(channel, by=grace)
    assert not channels.remove(channel, by=grace)

    assert not Channel.objects.exists()
    assert Delivery.objects.get().channel_name == "Night shift"
    assert noted()[-1] == (
        *(Action.CHANNEL_REMOVED, grace.pk, str(channel.pk)),
        {"kind": "email"},
    )


@pytest.mark.django_db(transaction=True)
def test_it_is_deleted_once_who_sends_there_lets_go_of_it() -> None:
    """All hold it first: no two wait for each other, and nothing is added meanwhile."""
    channel = make_channel()
    delivery = make_delivery(channel)
    root = User.objects.create_superuser("root")

    def remove() -> bool:
        try:
            return channels.remove(channel, by=root)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            assert Channel.objects.select_for_update(no_key=True).get() == channel
            removal = threads.submit(remove)
            time_.sleep(0.5)
            Delivery.objects.update(priority=1)
            make_delivery(channel)
        assert removal.result()

    delivery.refresh_from_db()
    assert (delivery.channel, delivery.priority) == (None, 1)
    assert set(Delivery.objects.values_list("channel", flat=True)) == {None}


# Testing


def test_a_test_that_is_on_its_way_is_sent_once(store: Store, grace: User) -> None:
    channel, _ = create(store, grace)

    first = channels.test(channel, by=grace)
    assert channels.test(channel, by=grace) == first

    assert first.alert is not None
    assert (first.channel, first.alert.kind) == (channel, AlertKind.TEST)
    Delivery.objects.update(attempts=1, error="It was refused.")
    assert channels.test(channel, by=grace) != first
    assert Delivery.objects.filter(status=Status.QUEUED).count() == 2


def test_a_channel_that_is_gone_can_not_be_tested(store: Store, grace: User) -> None:
    channel, _ = create(store, grace)
    Channel.objects.filter(pk=channel.pk).delete()

    with pytest.raises(Refused, match="no longer there"):
        channels.test(channel, by=grace)


# Secrets


@pytest.mark.django_db
def test_with_a_lost_key_a_page_says_what_to_do(settings: Settings) -> None:
    channel = make_channel()
    settings.SECRET_KEY = "another one"

    assert channels.masked(channel) == channels.UNREADABLE
