"""The pages of live cameras: what managers may, what is refused, and what is never shown."""

from __future__ import annotations

import html
import logging
from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from tests.conftest import MEASURED, MakeModel, MakeStore, MakeUser
from tests.makers.alerts import make_channel
from tests.makers.feeds import ADDRESS, make_feed
from video_classifier.ml.serving.card import Interval
from video_classifier.models import Camera, Channel, Feed, Store
from video_classifier.services import addresses, camera_tests, feeds, live_pictures, zones
from video_classifier.services.camera_tests import CameraFaultError, Tried
from video_classifier.states import Fault, FeedState, Role

SECRETS = ("pa55word", "stream1", "ada:")
FORM: dict[str, Any] = {
    "name": "Back door",
    "address": ADDRESS,
    "model": "standard",
    "pre_roll": "5",
    "post_roll": "5",
}


@pytest.fixture
def manager(make_user: MakeUser, make_model: MakeModel) -> User:
    make_model()
    return make_user("grace", roles=[Role.MANAGER])


@pytest.fixture
def client(manager: User) -> Client:
    client = Client()
    client.force_login(manager)
    return client


@pytest.fixture
def feed(client: Client) -> Feed:
    return make_feed()


def text_of(response: Any) -> str:
    return html.unescape(response.content.decode())


def page(client: Client, address: str = "/cameras/") -> str:
    return text_of(client.get(address))


def add(client: Client, **changes: object) -> Any:
    sent = {name: value for name, value in (FORM | changes).items() if value is not None}
    return client.post("/cameras/new/", sent)


def save(client: Client, feed: Feed, **changes: object) -> Any:
    sent = FORM | {"address": ""} | changes
    return client.post(f"/cameras/{feed.pk}/settings/", sent)


# Adding


def test_a_camera_is_added_and_has_to_be_tested_and_enabled(client: Client) -> None:
    answer = add(client, opens_at="22:00", closes_at="06:00", ignored_zones="0,0 25,0 25,40")

    feed = Feed.objects.get()
    assert answer["Location"] == f"/cameras/{feed.pk}/settings/"
    assert (feed.camera.name, feed.is_enabled, feed.alerts) == ("Back door", False, False)
    assert (feed.opens_at, feed.closes_at) == (time(22), time(6))
    assert feed.ignored_zones == [[[0, 0], [0.25, 0], [0.25, 0.4]]]
    assert feeds.address_of(feed) == addresses.parse(ADDRESS)
    assert "“Back door” was added." in page(client, answer["Location"])


def test_the_store_is_asked_for_where_there_are_several(
    client: Client, manager: User, make_store: MakeStore
) -> None:
    north, south = make_store("North"), make_store("South")
    manager.memberships.create(store=north, role=Role.MANAGER)

    assert "Choose the store" in text_of(add(client))
    assert "You don't manage this store." in text_of(add(client, store=south.pk))
    assert add(client, store=north.pk).status_code == 302
    assert Feed.objects.get().camera.store == north


RING = " ".join(f"{number % 100},{number % 97}" for number in range(5000))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": None}, feeds.NO_NAME),
        ({"name": "\u202e"}, feeds.NO_NAME),
        ({"name": "x" * 101}, feeds.LONG_NAME),
        ({"address": None}, addresses.NO_ADDRESS),
        ({"address": "file:///etc/passwd"}, addresses.WRONG_SCHEME),
        ({"address": "http://10.0.0.1/a.m3u8"}, addresses.PLAYLIST),
        ({"address": "rtsp://ada:pa55word@127.0.0.1/"}, addresses.NOT_ALLOWED),
        ({"address": "rtsp://ada:pa55word@169.254.169.254/"}, addresses.NOT_ALLOWED),
        ({"address": "rtsp://ada:pa55/word@10.0.0.1/"}, addresses.UNQUOTED),
        ({"address": "v4l2:/dev/video0"}, addresses.WRONG_DEVICE),
        ({"sub_address": "rtsp://10.0.0.1:0/"}, addresses.WRONG_PORT),
        ({"sub_address": "rtsp://127.0.0.1/"}, addresses.NOT_ALLOWED),
        ({"model": None}, "Choose a model."),
        ({"model": "gone"}, "This model can't be used just now."),
        ({"opens_at": "08:00"}, feeds.HALF_HOURS),
        ({"opens_at": "25:00", "closes_at": "08:00"}, "Write the time as 08:30."),
        ({"opens_at": "08:00", "closes_at": "08:00"}, feeds.NO_HOURS),
        ({"pre_roll": "31"}, "whole seconds from 0 to 30"),
        ({"pre_roll": "-1"}, "whole seconds from 0 to 30"),
        ({"pre_roll": None}, "whole seconds from 0 to 30"),
        ({"post_roll": "many"}, "whole seconds from 0 to 30"),
        ({"ignored_zones": "50,50"}, zones.TOO_FEW_POINTS.format(number=1)),
        ({"ignored_zones": RING}, zones.TOO_MANY_POINTS.format(number=1)),
        ({"ignored_zones": "0,0 1,1 nan,2"}, zones.NO_NUMBERS.format(number=1)),
        ({"ignored_zones": "0,0 1,1 2,2"}, zones.NO_AREA.format(number=1)),
        ({"ignored_zones": "0,0 1,0 1,1\n" * 21}, zones.TOO_MANY),
        ({"ignored_zones": "1" * 60_001}, zones.TOO_MANY),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    client: Client, changes: dict[str, object], sentence: str
) -> None:
    answer = add(client, **changes)

    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert "pa55" not in text_of(answer)
    assert not Feed.objects.exists()


def test_without_a_model_nothing_can_be_added(client: Client, settings: Settings) -> None:
    settings.MODELS_STORAGE = settings.DATA_DIR / "none"

    assert "No model can be used just now." in page(client, "/cameras/new/")


@pytest.mark.parametrize("address", ["/cameras/new/", "/cameras/duties/"])
def test_pages_say_what_an_operator_owes(client: Client, address: str) -> None:
    found = page(client, address)

    assert "forbidden" in found
    assert all(word in found.lower() for word in ("purpose", "signs", "false alarms"))


# Changing


def test_settings_are_changed(client: Client, feed: Feed) -> None:
    answer = save(client, feed, name="Front door", pre_roll="9", sub_address="rtsp://10.0.0.1/s")

    changed = Feed.objects.get()
    assert answer["Location"] == f"/cameras/{feed.pk}/settings/"
    assert (changed.camera.name, changed.pre_roll, changed.revision) == ("Front door", 9, 2)
    assert changed.sealed_address == feed.sealed_address
    assert "Smaller stream" in page(client, answer["Location"])


def test_a_smaller_stream_can_be_dropped(client: Client, feed: Feed) -> None:
    assert "no longer" not in page(client, f"/cameras/{feed.pk}/settings/")
    save(client, feed, sub_address="rtsp://10.0.0.1/s")
    assert "Use the smaller stream no longer" in page(client, f"/cameras/{feed.pk}/settings/")

    save(client, feed, drop_sub_address="on")

    assert Feed.objects.get().sealed_sub_address == ""


def test_a_change_that_makes_no_sense_is_refused(client: Client, feed: Feed) -> None:
    answer = save(client, feed, ignored_zones="50,50")

    assert answer.status_code == 422
    assert zones.TOO_FEW_POINTS.format(number=1) in text_of(answer)
    assert Feed.objects.get().revision == 1


def test_zones_are_shown_as_they_are_typed(client: Client, feed: Feed) -> None:
    save(client, feed, ignored_zones="0,0 25,0 25,40.5")
    live_pictures.write_plain(feed.pk, b"picture")

    found = page(client, f"/cameras/{feed.pk}/settings/")

    assert "0,0 25,0 25,40.5</textarea>" in found
    assert '<polygon class="camera-zones__zone" points="0,0 25,0 25,40.5"/>' in found
    assert "data:image/jpeg;base64,cGljdHVyZQ==" in found


def test_a_camera_whose_model_is_gone_can_get_another(
    client: Client, feed: Feed, make_model: MakeModel
) -> None:
    Feed.objects.update(model="gone")
    assert "can't be used just now, so nothing is known" in page(
        client, f"/cameras/{feed.pk}/settings/"
    )

    assert save(client, feed).status_code == 302
    assert Feed.objects.get().model == "standard"


# Secrets


def test_an_address_is_never_shown(
    client: Client, feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = page(client) + page(client, f"/cameras/{feed.pk}/settings/")
    shown += page(client, f"/cameras/{feed.pk}/delete/")
    shown += text_of(save(client, feed, address=f"{ADDRESS}#", name=""))
    shown += text_of(add(client, name=""))

    assert "rtsp://•••@192.168.1.20/•••" in shown
    assert [secret for secret in SECRETS if secret in shown.replace(addresses.EXAMPLE, "")] == []
    assert [secret for secret in SECRETS if secret in caplog.text] == []
    assert feed.sealed_address not in shown


def test_with_a_lost_key_the_page_says_what_to_do(
    client: Client, feed: Feed, settings: Settings, manager: User
) -> None:
    settings.SECRET_KEY = "another one"
    client.force_login(manager)

    assert feeds.UNREADABLE in page(client)
    assert feeds.UNREADABLE in page(client, f"/cameras/{feed.pk}/settings/")
    assert save(client, feed, address=ADDRESS).status_code == 302
    assert "rtsp://•••@192.168.1.20/•••" in page(client)


# Switching


def test_it_is_watched_and_watched_no_longer(client: Client, feed: Feed) -> None:
    switch = f"/cameras/{feed.pk}/switch/"

    answer = client.post(switch, {"on": "1"}, follow=True)
    assert Feed.objects.get().is_enabled
    assert "“Back door” is being watched from now on." in text_of(answer)
    assert "Stop watching" in text_of(answer)

    answer = client.post(switch, {"on": "0"}, follow=True)
    assert not Feed.objects.get().is_enabled
    assert "Start watching" in text_of(answer)


def test_what_can_not_be_enabled_says_why(client: Client, feed: Feed) -> None:
    Feed.objects.update(model="gone")

    answer = client.post(f"/cameras/{feed.pk}/switch/", {"on": "1"}, follow=True)

    assert "There is no model “gone”." in text_of(answer)
    assert not Feed.objects.get().is_enabled


def test_alerts_are_switched_on_below_what_is_known_of_the_model(
    client: Client, feed: Feed, make_model: MakeModel
) -> None:
    elsewhere = {"false_alarms_elsewhere": Interval(value=0.03, low=0.0, high=0.09)}
    make_model("measured", metrics=MEASURED | elsewhere, limits=("Expect worse in shops.",))
    Feed.objects.update(model="measured")

    found = page(client, f"/cameras/{feed.pk}/settings/")
    known = found.index("Of ordinary clips from other cameras, about 3 of 100 (0 to 9) got a hint")
    assert found.index("Expect worse in shops.") > known
    assert found.index("Switch alerts on all the same") > known

    answer = client.post(f"/cameras/{feed.pk}/alerts/", {"on": "1"}, follow=True)
    assert Feed.objects.get().alerts
    assert "Alerts of “Back door” are on from now on." in text_of(answer)
    client.post(f"/cameras/{feed.pk}/alerts/", {"on": "0"})
    assert not Feed.objects.get().alerts


def test_alerts_that_no_channel_hears_of_are_told_of(client: Client, feed: Feed) -> None:
    nobody = "No channel hears of this camera"
    settings = f"/cameras/{feed.pk}/settings/"
    assert nobody not in page(client, settings)

    Feed.objects.update(alerts=True)
    assert nobody in page(client, settings)

    make_channel(stores=[feed.camera.store], least_score=0.9)
    assert nobody not in page(client, settings)
    Channel.objects.update(is_enabled=False)
    assert nobody in page(client, settings)


def test_a_model_that_was_never_measured_elsewhere_says_so(client: Client, feed: Feed) -> None:
    found = page(client, f"/cameras/{feed.pk}/settings/")

    assert "How often it errs on other cameras was never measured." in found


def test_a_fault_says_what_to_do(client: Client, feed: Feed) -> None:
    Feed.objects.update(is_enabled=True, state=FeedState.FAULTY, fault=Fault.PASSWORD)

    assert "The password is wrong" in page(client)
    assert feeds.words_for(Fault.PASSWORD) in page(client, f"/cameras/{feed.pk}/settings/")


# Testing


Try = Callable[[Feed], Tried]


def tried(monkeypatch: pytest.MonkeyPatch, result: Tried | Exception) -> None:
    def answer(_: Feed) -> Tried:
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(camera_tests, "try_out", answer)


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "part"])
def test_a_test_shows_the_picture(
    client: Client, feed: Feed, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    tried(monkeypatch, Tried(picture=b"picture", codec="h264", width=640, height=360))

    answer = client.post(f"/cameras/{feed.pk}/test/", headers=headers)

    assert answer.status_code == 200
    assert "HX-Request" in answer["Vary"]
    assert "data:image/jpeg;base64,cGljdHVyZQ==" in text_of(answer)
    assert "h264, 640 \N{MULTIPLICATION SIGN} 360 pixels" in text_of(answer)
    assert ("<html" in text_of(answer)) == (not headers)


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "part"])
def test_a_test_that_fails_shows_the_reason(
    client: Client, feed: Feed, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    tried(monkeypatch, CameraFaultError(Fault.PASSWORD))

    answer = client.post(f"/cameras/{feed.pk}/test/", headers=headers)

    assert answer.status_code == 200
    assert feeds.words_for(Fault.PASSWORD) in text_of(answer)


# Removing


def test_it_is_removed_after_a_question(client: Client, feed: Feed) -> None:
    assert "Remove this camera?" in page(client, f"/cameras/{feed.pk}/delete/")

    answer = client.post(f"/cameras/{feed.pk}/delete/", follow=True)

    assert not Feed.objects.exists()
    assert "“Back door” was removed from the live cameras." in text_of(answer)
    assert "No cameras yet" in text_of(answer)


# The list, and who sees what


def test_the_list_asks_no_more_the_more_cameras_there_are(
    client: Client, feed: Feed, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        make_feed(f"Till {number}")

    # session, user, what they manage, the count, the cameras, measures, those without a stream,
    # whether any is watched
    with django_assert_num_queries(8):
        found = page(client)

    assert found.count("Settings<span") == 6


def test_cameras_without_a_stream_lead_to_their_measure(
    client: Client, feed: Feed, make_store: MakeStore
) -> None:
    own = Camera.objects.create(store=feed.camera.store, name="Recorder 3")
    foreign = Camera.objects.create(store=make_store("Elsewhere"), name="Vault")

    found = page(client)

    assert f'<a href="/cameras/{own.pk}/measure/">' in found
    assert found.count(f"/cameras/{feed.pk}/measure/") == 1
    assert str(foreign) not in found


def test_a_manager_sees_and_changes_no_camera_of_another_store(
    client: Client, make_store: MakeStore
) -> None:
    other = make_feed("Side door", store=make_store("North"))

    assert "Side door" not in page(client)
    assert save(client, other).status_code == 404
    assert Feed.objects.get().revision == 1


@pytest.mark.parametrize("role", [Role.ANALYST, Role.REVIEWER])
def test_members_who_are_no_managers_are_refused(
    feed: Feed, make_user: MakeUser, role: Role
) -> None:
    client = Client()
    client.force_login(make_user("other", roles=[role]))

    for address in ("new/", f"{feed.pk}/settings/", f"{feed.pk}/delete/"):
        answer = client.get(f"/cameras/{address}")
        assert answer.status_code == 403
        assert "Only managers of a store" in text_of(answer)
    assert save(client, feed, pre_roll="9").status_code == 403
    assert add(client, name="Mine").status_code == 403
    assert Feed.objects.get().pre_roll == 5
    assert 'href="/cameras/"' not in page(client, "/")


def test_a_manager_of_one_store_is_no_manager_of_another(
    client: Client, manager: User, make_store: MakeStore
) -> None:
    north: Store = make_store("North")
    manager.memberships.create(store=north, role=Role.REVIEWER)
    other = make_feed("Side door", store=north)

    assert "Side door" not in page(client)
    assert save(client, other).status_code == 403
    assert add(client, store=north.pk).status_code == 302  # not asked: their own
    assert Feed.objects.get(camera__name="Back door").camera.store != north


def test_managers_find_the_cameras_in_their_menu(client: Client) -> None:
    assert 'href="/cameras/"' in page(client, "/")
