"""The pages of channels: what managers may, what is refused, and what is never shown."""

from __future__ import annotations

import html
import re
from datetime import time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tests.conftest import MakeStore, MakeUser
from tests.makers.alerts import TARGETS, make_channel, make_delivery
from video_classifier.http.permissions import MAY_NOT_ALERT
from video_classifier.models import Camera, Channel, Delivery, Store
from video_classifier.services import channels, secrets
from video_classifier.states import AlertKind, ChannelKind, Role, Status, Suppression
from video_classifier.web.channels import (
    NOT_SENT_YET,
    WRONG_PAUSE,
    ChannelStatus,
    TestStatus,
    listed,
)

CHANNELS = "/alerts/channels/"
KEY = re.compile(r"whsec_[\w+/]+=*", re.ASCII)
FORM: dict[str, Any] = {
    "name": "Night shift",
    "target": TARGETS[ChannelKind.EMAIL],
    "tells": ["tells_live", "tells_faults"],
    "least_score": "0",
    "camera_pause": "60",
    "pause": "0",
}


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    return make_store()


@pytest.fixture
def manager(make_user: MakeUser) -> User:
    return make_user("grace", roles=[Role.MANAGER])


@pytest.fixture
def client(manager: User) -> Client:
    client = Client()
    client.force_login(manager)
    return client


@pytest.fixture
def channel(client: Client, store: Store) -> Channel:
    return make_channel(stores=[store])


def text_of(response: Any) -> str:
    return html.unescape(response.content.decode())


def page(client: Client, address: str = CHANNELS) -> str:
    return text_of(client.get(address))


def add(client: Client, kind: str = "email", **changes: object) -> Any:
    sent = {name: value for name, value in (FORM | changes).items() if value is not None}
    return client.post(f"{CHANNELS}new/{kind}/", sent)


def save(client: Client, channel: Channel, **changes: object) -> Any:
    return client.post(f"{CHANNELS}{channel.pk}/", FORM | {"target": ""} | changes)


def send_test(client: Client, channel: Channel, **headers: str) -> Any:
    return client.post(f"{CHANNELS}{channel.pk}/test/", headers=headers)


# Adding


def test_each_kind_is_offered_with_what_it_is_for(client: Client) -> None:
    found = page(client, f"{CHANNELS}new/")

    for kind in ChannelKind:
        assert f'href="{CHANNELS}new/{kind}/"' in found


@pytest.mark.parametrize("address", ["new/", "new/email/"])
def test_without_a_mail_server_the_pages_say_so(client: Client, address: str) -> None:
    assert "EMAIL_URL" in page(client, f"{CHANNELS}{address}")


def test_there_is_no_other_kind(client: Client) -> None:
    assert client.get(f"{CHANNELS}new/pigeon/").status_code == 404


def test_a_channel_is_added_for_the_only_store(client: Client, store: Store) -> None:
    answer = add(
        client, quiet_from="22:00", quiet_until="06:00", least_score="0.8", camera_pause="90"
    )

    channel = Channel.objects.get()
    assert answer["Location"] == f"{CHANNELS}{channel.pk}/"
    assert list(channel.stores.all()) == [store]
    assert (channel.quiet_from, channel.quiet_until) == (time(22), time(6))
    assert (channel.least_score, channel.camera_pause) == (0.8, 90)
    assert (channel.tells_live, channel.tells_recordings, channel.tells_faults) == (
        *(True, False, True),
    )
    assert "“Night shift” was added." in page(client, answer["Location"])


def test_the_key_of_a_webhook_is_shown_once(client: Client) -> None:
    answer = add(client, "webhook", target=TARGETS[ChannelKind.WEBHOOK])

    (key,) = set(KEY.findall(text_of(answer)))
    channel = Channel.objects.get()
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert secrets.unseal(channel.sealed_key) == key
    assert key not in page(client, f"{CHANNELS}{channel.pk}/")


def test_stores_are_asked_for_where_there_are_several(
    client: Client, manager: User, make_store: MakeStore
) -> None:
    north, south = make_store("North"), make_store("South")
    manager.memberships.create(store=north, role=Role.MANAGER)

    assert channels.NO_STORE in text_of(add(client))
    assert channels.NOT_YOUR_STORE in text_of(add(client, stores=[south.pk]))
    assert add(client, stores=[north.pk]).status_code == 302
    assert list(Channel.objects.get().stores.all()) == [north]


def test_only_administrators_are_offered_all_stores(
    client: Client, make_user: MakeUser, make_store: MakeStore
) -> None:
    make_store("North")
    assert "All stores" not in page(client, f"{CHANNELS}new/email/")
    assert add(client, all_stores="on").status_code == 302
    assert not Channel.objects.get().all_stores

    client.force_login(make_user("root", roles=[], is_superuser=True))
    assert "All stores" in page(client, f"{CHANNELS}new/email/")
    assert channels.NO_STORE in text_of(add(client, name="Site"))
    assert add(client, name="Site", all_stores="on").status_code == 302
    assert Channel.objects.get(name="Site").all_stores


def test_cameras_can_be_chosen(client: Client, store: Store, make_store: MakeStore) -> None:
    door = Camera.objects.create(store=store, name="Back door")
    other = Camera.objects.create(store=make_store("North"), name="Side door")

    found = page(client, f"{CHANNELS}new/email/")
    assert "Back door" in found
    assert "Side door" not in found
    assert channels.WRONG_CAMERA in text_of(add(client, cameras=[other.pk]))
    assert add(client, cameras=[door.pk]).status_code == 302
    assert list(Channel.objects.get().cameras.all()) == [door]
    assert "Main: only Back door" in page(client)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": None}, channels.NO_NAME),
        ({"name": "\u202e"}, channels.NO_NAME),
        ({"name": "x" * 101}, channels.LONG_NAME),
        ({"target": None}, "Type the e-mail addresses."),
        ({"tells": None}, channels.TELLS_NOTHING),
        ({"tells": ["all"]}, "Select a valid choice"),
        ({"least_score": "1.2"}, channels.WRONG_SCORE),
        ({"least_score": "nan"}, channels.WRONG_SCORE),
        ({"least_score": None}, channels.WRONG_SCORE),
        ({"quiet_from": "22:00"}, channels.HALF_QUIET),
        ({"quiet_from": "25:00", "quiet_until": "06:00"}, "Write the time as 08:30."),
        ({"quiet_from": "06:00", "quiet_until": "06:00"}, channels.NO_QUIET),
        ({"camera_pause": "-1"}, WRONG_PAUSE),
        ({"camera_pause": None}, WRONG_PAUSE),
        ({"pause": "86401"}, WRONG_PAUSE),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    client: Client, changes: dict[str, Any], sentence: str
) -> None:
    answer = add(client, **changes)

    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert not Channel.objects.exists()


@pytest.mark.parametrize("kind", list(ChannelKind))
def test_what_is_wrong_with_a_target_stands_at_its_field(client: Client, kind: str) -> None:
    answer = add(client, kind, target="gopher://pa55word")

    assert answer.status_code == 422
    assert re.search(r'name="target"[^>]*aria-invalid="true"', text_of(answer))
    assert "pa55word" not in text_of(answer)


def test_a_name_that_is_taken_is_refused(client: Client, channel: Channel) -> None:
    assert channels.NAME_TAKEN in text_of(add(client))


# Changing


def test_settings_are_shown_and_changed(client: Client, channel: Channel) -> None:
    Channel.objects.update(quiet_from=time(22), quiet_until=time(6), least_score=0.5)
    found = page(client, f"{CHANNELS}{channel.pk}/")
    assert 'value="22:00"' in found
    assert 'value="0.5"' in found

    answer = save(client, channel, name="Day shift", tells=["tells_recordings"])

    changed = Channel.objects.get()
    assert answer["Location"] == f"{CHANNELS}{channel.pk}/"
    assert (changed.name, changed.tells_live, changed.tells_recordings) == (
        *("Day shift", False, True),
    )
    assert changed.quiet_from is None
    assert changed.sealed_target == channel.sealed_target


def test_a_change_that_makes_no_sense_is_refused(client: Client, channel: Channel) -> None:
    answer = save(client, channel, least_score="2")

    assert answer.status_code == 422
    assert Channel.objects.get().least_score == 0


def test_a_channel_is_switched_off_and_on(client: Client, channel: Channel) -> None:
    switch = f"{CHANNELS}{channel.pk}/switch/"

    found = text_of(client.post(switch, {"on": "0"}, follow=True))
    assert "“Night shift” is off from now on." in found
    assert "Nothing is sent: the channel is switched off." in found
    assert not Channel.objects.get().is_enabled

    assert "Switch off" in text_of(client.post(switch, {"on": "1"}, follow=True))
    assert Channel.objects.get().is_enabled


def test_a_key_is_renewed_after_a_question(client: Client, store: Store) -> None:
    channel = make_channel(kind=ChannelKind.WEBHOOK, stores=[store])
    address = f"{CHANNELS}{channel.pk}/key/"
    assert "Make a new key?" in page(client, address)

    (key,) = set(KEY.findall(text_of(client.post(address))))

    assert secrets.unseal(Channel.objects.get().sealed_key) == key


def test_a_channel_without_a_key_gets_none(client: Client, channel: Channel) -> None:
    answer = client.post(f"{CHANNELS}{channel.pk}/key/", follow=True)

    assert channels.NO_KEY in text_of(answer)


def test_it_is_deleted_after_a_question(client: Client, channel: Channel) -> None:
    make_delivery(channel)
    address = f"{CHANNELS}{channel.pk}/delete/"
    assert "1 message waits to be sent there, and will not be." in page(client, address)

    answer = client.post(address, follow=True)

    assert not Channel.objects.exists()
    assert "“Night shift” was deleted." in text_of(answer)
    assert "No channels yet" in text_of(answer)


# Secrets


@pytest.mark.parametrize("kind", list(ChannelKind))
def test_a_target_is_never_shown(client: Client, store: Store, kind: ChannelKind) -> None:
    channel = make_channel(kind=kind, stores=[store])
    shown = page(client) + page(client, f"{CHANNELS}{channel.pk}/")
    shown += page(client, f"{CHANNELS}{channel.pk}/delete/") + page(client, "/alerts/")
    shown += text_of(save(client, channel, target=TARGETS[kind], name=""))

    assert "•••" in shown
    assert TARGETS[kind] not in shown
    assert "pa55word" not in shown
    assert channel.sealed_target not in shown


def test_with_a_lost_key_the_page_says_what_to_do(
    client: Client, channel: Channel, settings: Settings, manager: User
) -> None:
    settings.SECRET_KEY = "another one"
    client.force_login(manager)

    assert channels.UNREADABLE in page(client)
    assert save(client, channel, target=TARGETS[ChannelKind.EMAIL]).status_code == 302
    assert channels.UNREADABLE not in page(client)


# Testing


def test_without_scripts_a_test_leads_back_to_its_result(client: Client, channel: Channel) -> None:
    answer = send_test(client, channel)

    delivery = Delivery.objects.get()
    assert answer["Location"] == f"{CHANNELS}{channel.pk}/?test={delivery.pk}#test"
    found = page(client, answer["Location"])
    assert "The test is on its way." in found
    assert f'href="?test={delivery.pk}#test">Look again' in found


def test_a_test_asks_for_its_result_until_it_is_there(client: Client, channel: Channel) -> None:
    part = send_test(client, channel, HX_Request="true")
    delivery = Delivery.objects.get()
    address = f"{CHANNELS}{channel.pk}/?test={delivery.pk}"
    assert "HX-Request" in part["Vary"]
    assert f'hx-get="{address}"' in text_of(part)
    assert "<html" not in text_of(part)
    assert "hx-swap-oob" not in text_of(part)

    Delivery.objects.update(status=Status.DONE, sent_at=timezone.now())

    found = text_of(client.get(address, headers={"HX-Request": "true"}))
    assert "The test was sent. Check that it has arrived." in found
    assert "hx-get" not in found
    assert "Last sent" in found  # of the channel, in place of what stood there
    assert found.count("hx-swap-oob") == 2


@pytest.mark.parametrize(
    ("fields", "sentence", "tone", "is_under_way"),
    [
        ({}, "The test is on its way.", "info", True),
        ({"status": Status.RUNNING}, "The test is on its way.", "info", True),
        ({"created_at": timezone.now() - timedelta(minutes=2)}, NOT_SENT_YET, "warning", False),
        ({"status": Status.FAILED}, "The mailbox is full (452).", "error", False),
        (
            {"attempts": 1, "error": "Nobody answers."},
            "Nobody answers. It is tried again: the log says when.",
            *("error", False),
        ),
        (
            {"status": Status.CANCELLED, "suppression": Suppression.DELETED},
            "The test was not sent: The channel was deleted.",
            *("warning", False),
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_became_of_a_test_is_said(
    channel: Channel, fields: dict[str, Any], sentence: str, tone: str, *, is_under_way: bool
) -> None:
    delivery = make_delivery(channel, kind=AlertKind.TEST, **fields)

    status = TestStatus(delivery=delivery, now=timezone.now())

    assert (status.sentence, status.tone, status.is_under_way) == (sentence, tone, is_under_way)


@pytest.mark.parametrize("asked", ["", "x", "00000000-0000-0000-0000-000000000007"])
def test_a_test_that_is_none_is_not_shown(client: Client, channel: Channel, asked: str) -> None:
    assert "The test" not in page(client, f"{CHANNELS}{channel.pk}/?test={asked}")


def test_the_result_of_another_channel_is_not_shown(
    client: Client, channel: Channel, make_store: MakeStore
) -> None:
    other = make_channel("Other", stores=[make_store("North")])
    delivery = make_delivery(other, kind=AlertKind.TEST)

    assert "The test" not in page(client, f"{CHANNELS}{channel.pk}/?test={delivery.pk}")


# The list, and who sees what


@pytest.mark.parametrize(
    ("deliveries", "label"),
    [
        ([], "Nothing sent yet"),
        ([{"status": Status.DONE}], "Working"),
        ([{"status": Status.DONE}, {"status": Status.FAILED}], "Failing"),
        ([{"status": Status.FAILED}, {"status": Status.DONE}], "Working"),
        ([{"status": Status.DONE}, {"attempts": 1, "error": "No."}], "Trying again"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_how_a_channel_fares_shows_by_what_was_sent_last(
    manager: User, channel: Channel, deliveries: list[dict[str, Any]], label: str
) -> None:
    Channel.objects.update(kind=ChannelKind.WEBHOOK)  # nothing has to be set up for it
    for fields in deliveries:
        make_delivery(channel, **fields)

    status = ChannelStatus(channel=listed(manager).get())

    assert status.label == label
    assert status.sentence


def test_a_channel_that_can_not_work_says_so_whatever_was_sent(
    manager: User, channel: Channel
) -> None:
    make_delivery(channel, status=Status.DONE)
    assert ChannelStatus(channel=listed(manager).get()).label == "Not set up"

    Channel.objects.update(is_enabled=False)

    assert ChannelStatus(channel=listed(manager).get()).label == "Off"


def test_the_list_asks_no_more_the_more_channels_there_are(
    client: Client,
    channel: Channel,
    store: Store,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(5):
        make_delivery(make_channel(f"Shift {number}", stores=[store]), status=Status.DONE)

    # session, user, what they manage, the count, the channels, their stores, their cameras,
    # whether any camera is watched
    with django_assert_num_queries(8):
        found = page(client)

    assert found.count("Settings<span") == 6


def test_a_manager_sees_and_changes_no_channel_that_is_for_another_store_too(
    client: Client, store: Store, make_store: MakeStore
) -> None:
    both = make_channel("Both", stores=[store, make_store("North")])
    every = make_channel("Every", all_stores=True)

    found = page(client)
    assert "Both" not in found
    assert "Every" not in found
    for channel in (both, every):
        assert save(client, channel).status_code == 404
        assert send_test(client, channel).status_code == 404
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("role", [Role.ANALYST, Role.REVIEWER])
def test_members_who_are_no_managers_are_refused(
    channel: Channel, make_user: MakeUser, role: Role
) -> None:
    client = Client()
    client.force_login(make_user("other", roles=[role]))

    for address in (CHANNELS, f"{CHANNELS}new/", f"{CHANNELS}new/email/", "/alerts/"):
        answer = client.get(address)
        assert answer.status_code == 403
        assert MAY_NOT_ALERT in text_of(answer)
    assert client.get(f"{CHANNELS}{channel.pk}/").status_code == 404
    assert add(client, name="Mine").status_code == 403
    assert 'href="/alerts/"' not in page(client, "/")


def test_managers_find_alerts_in_their_menu(client: Client) -> None:
    assert 'href="/alerts/"' in page(client, "/")
    assert 'href="/alerts/channels/"' in page(client, "/alerts/")
