"""The log of alerts: what is listed and to whom, what it says of each message, another try."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import MakeStore, MakeUser
from tests.makers.alerts import make_channel, make_delivery, make_digest
from tests.makers.live_cameras import make_feed
from video_classifier.http.list_filters import BACKWARDS
from video_classifier.models import Alert, Camera, Channel, Delivery, Store
from video_classifier.services import deliveries
from video_classifier.states import AlertKind, Gathering, Role, Status, Suppression
from video_classifier.web.alert_log import PERHAPS, DeliveryRow, failed_of, listed

pytestmark = pytest.mark.postgresql

LOG = "/alerts/"
HOUR = timedelta(hours=1)


@pytest.fixture
def manager(make_user: MakeUser) -> User:
    return make_user("grace", roles=[Role.MANAGER])


@pytest.fixture
def client(manager: User) -> Client:
    client = Client()
    client.force_login(manager)
    return client


@pytest.fixture
def camera(make_store: MakeStore) -> Camera:
    return Camera.objects.create(store=make_store(), name="Back door")


@pytest.fixture
def channel(client: Client, camera: Camera) -> Channel:
    return make_channel(stores=[camera.store])


def text_of(response: Any) -> str:
    return html.unescape(response.content.decode())


def page(client: Client, **filters: Any) -> str:
    return text_of(client.get(LOG, filters))


def found(client: Client, **filters: Any) -> set[Delivery]:
    rows = client.get(LOG, filters).context["rows"]
    return {row.delivery for row in rows}


def retry(client: Client, delivery: Delivery, **sent: str) -> Any:
    return client.post(f"{LOG}deliveries/{delivery.pk}/retry/", sent, follow=True)


def row_of(delivery: Delivery, user: User, *, now: datetime | None = None) -> DeliveryRow:
    return DeliveryRow(delivery=listed(user).get(pk=delivery.pk), now=now or timezone.now())


# What it says of each


@pytest.mark.parametrize(
    ("fields", "label", "remarks"),
    [
        ({}, "Waiting", []),
        ({"status": Status.RUNNING}, "Being sent", []),
        ({"status": Status.DONE}, "Sent", []),
        (
            {"status": Status.DONE, "lacks_snapshot": True},
            *("Sent", ["Without the picture, which wasn't there in time."]),
        ),
        ({"status": Status.DONE, "time_outs": 1}, "Sent", [PERHAPS]),
        ({"status": Status.FAILED}, "Failed", ["The mailbox is full (452)."]),
        ({"attempts": 1, "error": "Nobody answers."}, "Trying again", ["Nobody answers."]),
        (
            {"attempts": 1, "error": "It took too long.", "time_outs": 1},
            *("Trying again", ["It took too long.", PERHAPS]),
        ),
        *(
            (
                {"status": Status.CANCELLED, "suppression": reason},
                *("Not sent by itself", [f"{reason.label}."]),
            )
            for reason in Suppression
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_became_of_a_message_is_said(
    manager: User, channel: Channel, fields: dict[str, Any], label: str, remarks: list[str]
) -> None:
    row = row_of(make_delivery(channel, **fields), manager)

    assert (row.label, row.remarks) == (label, remarks)


def test_when_a_message_went_or_goes_is_said(manager: User, channel: Channel) -> None:
    now = timezone.now()
    sent = make_delivery(channel, status=Status.DONE, sent_at=now - HOUR)
    later = make_delivery(channel, attempts=1, error="No.", not_before=now + HOUR)
    soon = make_delivery(channel, not_before=now - HOUR)

    assert row_of(sent, manager).moment == now - HOUR
    assert row_of(later, manager).moment == now + HOUR
    assert row_of(soon, manager).moment is None


def test_a_digest_says_why_and_leads_to_what_is_in_it(client: Client, channel: Channel) -> None:
    digest = make_digest(channel, gathers=Gathering.QUIET, not_before=timezone.now() + HOUR)
    held: dict[str, Any] = {
        "status": Status.CANCELLED,
        "suppression": Suppression.DIGEST,
        "digest": digest,
    }
    members = {make_delivery(channel, **held) for _ in range(2)}
    make_delivery(channel)

    shown = page(client)

    assert "Digest of 2 alerts" in shown
    assert "Held back in quiet hours" in shown
    assert "Gathering" in shown
    assert f'href="/alerts/?digest={digest.pk}"' in shown
    assert found(client, digest=digest.pk) == {digest, *members}


def test_a_row_leads_to_what_it_tells_of(client: Client, channel: Channel, camera: Camera) -> None:
    alert = make_delivery(channel, camera=camera).alert
    make_delivery(channel, kind=AlertKind.TEST)

    shown = page(client)

    assert alert is not None
    assert f'<a href="/alerts/{alert.pk}/">Possible shoplifting</a>' in shown
    assert '<th class="history__name" scope="row">Test</th>' in shown


def test_to_a_channel_that_was_deleted_the_log_stays(
    client: Client, channel: Channel, make_user: MakeUser
) -> None:
    make_delivery(channel, status=Status.FAILED)
    channel.delete()
    assert "Night shift" not in page(client)

    client.force_login(make_user("root", roles=[], is_superuser=True))

    assert "Night shift" in page(client)
    assert "deleted" in page(client)
    assert "Try again" not in page(client)


# Filters


@pytest.fixture
def several(channel: Channel, camera: Camera) -> dict[str, Delivery]:
    other = make_channel("Day shift", stores=[camera.store])
    made = {
        "live": make_delivery(channel, camera=camera),
        "failed": make_delivery(other, kind=AlertKind.OFFLINE, status=Status.FAILED),
        "digest": make_digest(channel),
        "old": make_delivery(other, created_at=datetime(2026, 1, 5, 12, tzinfo=UTC)),
    }
    Alert.objects.filter(deliveries=made["old"]).update(store=camera.store)
    return made


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, {"live", "failed", "digest", "old"}),
        ({"channel": "Night shift"}, {"live", "digest"}),
        ({"state": "queued"}, {"live", "digest", "old"}),
        ({"state": "failed"}, {"failed"}),
        ({"kind": "live"}, {"live", "old"}),
        ({"kind": "offline"}, {"failed"}),
        ({"kind": "digest"}, {"digest"}),
        ({"store": "Main"}, {"live", "old"}),
        ({"camera": "Back door"}, {"live"}),
        ({"until": "2026-01-05"}, {"old"}),
        ({"until": "2026-01-04"}, set()),
        ({"since": "2026-01-05", "until": "9999-12-31"}, {"live", "failed", "digest", "old"}),
        ({"since": "2026-01-06"}, {"live", "failed", "digest"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else " ".join(sorted(value)),
)
def test_shows_what_the_filters_ask(
    client: Client, several: dict[str, Delivery], filters: dict[str, Any], names: set[str]
) -> None:
    rows: dict[str, Any] = {"channel": Channel, "store": Store, "camera": Camera}
    asked = {
        name: rows[name].objects.get(name=value).pk if name in rows else value
        for name, value in filters.items()
    }

    assert found(client, **asked) == {several[name] for name in names}


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("name", ["channel", "state", "kind", "store", "since", "digest"])
def test_an_invalid_filter_finds_nothing_and_says_so(client: Client, name: str) -> None:
    shown = page(client, **{name: "nonsense"})

    assert "This filter is not valid" in shown
    assert "to see all messages" in shown


@pytest.mark.usefixtures("several")
def test_days_that_end_before_they_begin_are_told(client: Client) -> None:
    assert BACKWARDS in page(client, since="2026-02-02", until="2026-02-01")


@pytest.mark.usefixtures("several")
def test_filters_in_force_can_be_cleared(client: Client) -> None:
    shown = page(client, state="done")

    assert "No message matches these filters." in shown
    assert "State: Sent" in shown
    assert "Clear all" in shown


def test_channels_of_others_can_not_be_asked_for(
    client: Client, channel: Channel, make_store: MakeStore
) -> None:
    other = make_channel("Other", stores=[make_store("North")])
    make_delivery(other)

    assert "This filter is not valid: Channel." in page(client, channel=other.pk)
    assert "Other" not in page(client)


# The list


def test_pages_hold_each_row_once_the_newest_first(
    client: Client, channel: Channel, settings: Settings
) -> None:
    settings.HISTORY_PAGE_SIZE = 2
    now = timezone.now()
    made = [make_delivery(channel, created_at=now - number * HOUR) for number in range(5)]

    seen: list[Delivery] = []
    filters: dict[str, Any] = {}
    for _ in range(3):
        shown = client.get(LOG, filters).context
        seen += [row.delivery for row in shown["rows"]]
        filters = {"after": shown["page"].after}

    assert seen == made
    assert filters == {"after": None}


def test_queries_do_not_grow_with_the_rows(client: Client, channel: Channel) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page(client)
        return len(captured)

    make_delivery(channel)
    before = queries()
    digest = make_digest(channel)
    for _ in range(5):
        make_delivery(
            channel, status=Status.CANCELLED, suppression=Suppression.DIGEST, digest=digest
        )

    # session, user, what they manage, the keys, the rows, how many; the channels to
    # filter by, whether any camera is watched
    assert before == queries() == 8


def test_htmx_gets_the_log_alone(client: Client, channel: Channel) -> None:
    make_delivery(channel)

    answer = client.get(LOG, headers={"HX-Request": "true"})

    assert text_of(answer).lstrip().startswith('<section id="alerts"')
    assert "HX-Request" in answer["Vary"]


def test_says_what_to_do_when_there_is_nothing(client: Client, camera: Camera) -> None:
    assert "Nobody is alerted. Add a channel" in page(client)

    make_channel(stores=[camera.store])

    assert "Send a test to see whether it arrives" in page(client)


def test_a_name_is_text_and_never_markup(client: Client, channel: Channel) -> None:
    make_delivery(channel, channel_name="<b>Night</b>")

    assert "<b>Night" not in client.get(LOG).content.decode()


# Another try


def test_what_failed_is_tried_again_from_the_page_as_it_was(
    client: Client, channel: Channel
) -> None:
    delivery = make_delivery(channel, kind=AlertKind.OFFLINE, status=Status.FAILED)
    assert "Try again" in page(client)

    answer = retry(client, delivery, next="/alerts/?state=failed")

    assert answer.redirect_chain[-1][0] == "/alerts/?state=failed"
    assert "Another try is made to reach “Night shift”." in text_of(answer)
    assert Delivery.objects.get().status == Status.QUEUED


def test_nobody_is_sent_to_another_site(client: Client, channel: Channel) -> None:
    delivery = make_delivery(channel, status=Status.FAILED)

    answer = retry(client, delivery, next="https://elsewhere.example/")

    assert answer.redirect_chain[-1][0] == LOG


def test_what_was_sent_is_not_sent_again(client: Client, channel: Channel) -> None:
    delivery = make_delivery(channel, status=Status.DONE)

    assert deliveries.SENT in text_of(retry(client, delivery))
    assert Delivery.objects.get().status == Status.DONE


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"status": Status.FAILED}, "Try again"),
        ({"status": Status.CANCELLED, "suppression": Suppression.CAMERA}, "Send"),
        ({"status": Status.CANCELLED, "suppression": Suppression.OFF}, "Send"),
        ({"status": Status.CANCELLED, "suppression": Suppression.TRASHED}, "Send"),
        ({"status": Status.CANCELLED, "suppression": Suppression.GONE}, ""),
        ({"status": Status.DONE}, ""),
        ({}, ""),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_only_what_can_be_sent_is_offered(
    manager: User, channel: Channel, fields: dict[str, Any], label: str
) -> None:
    row = row_of(make_delivery(channel, **fields), manager)

    assert (row.retry_label if row.may_be_retried else "") == label


def test_of_a_channel_that_had_other_stores_before_theirs_are_not_seen(
    client: Client, manager: User, channel: Channel, make_store: MakeStore
) -> None:
    """An administrator has narrowed it; digests and what is of no store stay."""
    camera = Camera.objects.create(store=make_store("North"), name="Vault")
    theirs = make_delivery(channel, camera=camera, status=Status.FAILED)
    seen = {make_delivery(channel), make_digest(channel)}

    assert found(client) == seen
    assert "Vault" not in page(client)
    assert retry(client, theirs).status_code == 404


def test_what_goes_to_others_is_not_found(
    client: Client, channel: Channel, make_store: MakeStore
) -> None:
    other = make_channel("Other", stores=[make_store("North")])
    delivery = make_delivery(other, status=Status.FAILED)

    assert retry(client, delivery).status_code == 404
    assert Delivery.objects.get().status == Status.FAILED


# On the page of a camera


def test_the_page_of_a_camera_says_what_could_not_be_delivered(
    client: Client, make_user: MakeUser, make_store: MakeStore
) -> None:
    feed = make_feed(make_store())
    channel = make_channel(stores=[feed.camera.store])
    digest = make_digest(channel, status=Status.FAILED)
    held: dict[str, Any] = {
        "status": Status.CANCELLED,
        "suppression": Suppression.DIGEST,
        "digest": digest,
    }
    make_delivery(channel, camera=feed.camera, **held)
    make_delivery(channel, camera=feed.camera, status=Status.FAILED)
    make_delivery(channel, camera=feed.camera, status=Status.DONE)
    make_delivery(channel, status=Status.FAILED)

    shown = text_of(client.get(f"/cameras/{feed.pk}/"))
    assert "2 messages about this camera could not be delivered in the last 24 hours." in shown
    assert f'href="/alerts/?camera={feed.pk}"' in shown

    client.force_login(make_user("ada"))
    shown = text_of(client.get(f"/cameras/{feed.pk}/"))
    assert "could not be delivered" in shown
    assert f'href="/alerts/?camera={feed.pk}"' not in shown


def test_what_failed_long_ago_is_not_brought_up(
    manager: User, channel: Channel, camera: Camera
) -> None:
    make_delivery(channel, camera=camera, status=Status.FAILED)

    assert failed_of(camera.pk, manager, now=timezone.now())
    assert not failed_of(camera.pk, manager, now=timezone.now() + timedelta(days=2))
