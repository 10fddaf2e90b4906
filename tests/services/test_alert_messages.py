"""What messages say, and what they never say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import EVEN, MakeAnalysis, MakeClip, MakeModel, MakeTrack
from tests.makers.live_cameras import make_event, make_feed
from tests.makers.receivers import JPEG
from tests.makers.told import AT, make_alert, make_channel, make_delivery
from video_classifier.integrations.messages import Message
from video_classifier.models import Alert, Analysis, Clip, Delivery, Event, LiveEvent, Store
from video_classifier.services import (
    alert_digests,
    alert_messages,
    alert_words,
    alerts,
    catalog,
    evidence,
)
from video_classifier.states import AlertKind, Fault, Gathering, Status, Suppression

pytestmark = pytest.mark.django_db
SITE = "https://clips.example.org"


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    settings.SITE_URL = SITE


def told(alert: Alert | None, **fields: Any) -> Message:
    return alert_messages.compose(make_delivery(alert, make_channel(), **fields))


@pytest.fixture
def live() -> LiveEvent:
    """Somebody in the lower left corner."""
    store = Store.objects.get_or_create(name="Main")[0]
    name = default_storage.save("live/still.jpg", ContentFile(JPEG))
    return make_event(
        make_feed(store, "Back door"),
        still=name,
        box=[0.1, 0.6, 0.3, 0.95],
        score=0.934,
        threshold=0.891,
    )


def alert_of(event: LiveEvent, **fields: Any) -> Alert:
    facts: dict[str, Any] = {
        "live_event": event,
        "score": event.score,
        "threshold": event.threshold,
    }
    return make_alert(**facts | fields)


# Hints


def test_a_hint_says_what_is_known(live: LiveEvent) -> None:
    alert = alert_of(live)

    message = told(alert)

    assert message.subject == "Possible shoplifting \N{EN DASH} Back door, 2026-11-26 14:03"
    assert message.text.splitlines()[:8] == [
        f"Possible shoplifting. {alert_words.A_REASON_TO_LOOK}",
        "",
        "Camera: Back door (Main)",
        "When: 2026-11-26 14:03:12 Europe/Berlin (UTC+01:00)",
        "Where in the picture: lower left",
        "Score: 0.93; from 0.89 on there is a hint.",
        alert_messages.NO_CONFIDENCE,
        "",
    ]
    assert f"Look at it, after signing in: {SITE}/alerts/{alert.pk}/" in message.text
    assert message.link == f"{SITE}/alerts/{alert.pk}/"
    assert message.snapshot == JPEG
    assert message.snapshot_url.startswith(f"{SITE}/alerts/snapshots/")
    assert message.snapshot_url in message.text
    assert message.at == AT


def test_programs_read_the_same(live: LiveEvent) -> None:
    alert = alert_of(live)

    message = told(alert)

    data = json.loads(json.dumps(message.data))
    assert (message.kind, data["kind"], data["alert"]) == ("live", "live", str(alert.pk))
    assert data["camera"] == {"id": alert.camera_id, "name": "Back door"}
    assert (data["time_zone"], data["happened_at"]) == ("Europe/Berlin", AT.isoformat())
    assert (data["score"], data["box"], data["place"]) == (0.934, live.box, "lower left")
    assert (data["link"], data["snapshot"]) == (message.link, message.snapshot_url)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "02:30:00 Europe/Berlin (UTC+02:00)"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "02:30:00 Europe/Berlin (UTC+01:00)"),
    ],
)
def test_of_the_hour_that_comes_twice_it_says_which(
    live: LiveEvent, at: datetime, words: str
) -> None:
    assert words in told(alert_of(live, happened_at=at)).text


def test_a_picture_that_is_not_there_yet_is_missed_and_found_later(live: LiveEvent) -> None:
    LiveEvent.objects.update(still="live/later.jpg")
    delivery = make_delivery(alert_of(live), make_channel())

    before = alert_messages.compose(delivery)
    default_storage.save("live/later.jpg", ContentFile(JPEG))
    after = alert_messages.compose(delivery)

    assert (before.snapshot, before.snapshot_url) == (None, "")
    assert alert_messages.NO_PICTURE in before.text
    assert after.snapshot == JPEG
    assert alert_messages.NO_PICTURE not in after.text


def test_a_site_that_does_not_know_its_address_gives_no_links(
    live: LiveEvent, settings: Settings
) -> None:
    settings.SITE_URL = ""

    message = told(alert_of(live))

    assert (message.link, message.snapshot_url) == ("", "")
    assert alert_words.NO_LINK in message.text
    assert "http" not in message.text


@pytest.mark.parametrize(
    ("box", "place"),
    [
        ([0.0, 0.0, 0.2, 0.2], "upper left"),
        ([0.4, 0.0, 0.6, 0.2], "top"),
        ([0.8, 0.0, 1.0, 0.2], "upper right"),
        ([0.0, 0.4, 0.2, 0.6], "left"),
        ([0.4, 0.4, 0.6, 0.6], "middle"),
        ([0.8, 0.4, 1.0, 0.6], "right"),
        ([0.4, 0.8, 0.6, 1.0], "bottom"),
        ([1.0, 1.0, 1.0, 1.0], "lower right"),
    ],
)
def test_where_somebody_is_is_said_by_thirds(box: list[float], place: str) -> None:
    assert alert_messages.place_of(box) == place


def test_a_name_of_a_camera_can_not_add_lines_or_turn_them(live: LiveEvent) -> None:
    alert = make_alert("Till\r\nBcc: x\N{RIGHT-TO-LEFT OVERRIDE}2", live_event=live)

    message = told(alert)

    assert message.subject.startswith("Possible shoplifting \N{EN DASH} Till Bcc: x 2, ")
    assert "Camera: Till Bcc: x 2 (Main)" in message.text.splitlines()


@pytest.mark.parametrize("kind", AlertKind)
def test_a_subject_says_when_however_long_a_name_is(live: LiveEvent, kind: AlertKind) -> None:
    live.camera.name = "x" * 100

    subject = alert_words.subject(Alert(kind=kind, camera=live.camera, happened_at=AT))

    assert subject.endswith("x, 2026-11-26 13:03")
    assert len(subject) <= alert_words.LONGEST_LINE


def test_nobody_is_called_anything(live: LiveEvent) -> None:
    message = told(alert_of(live))

    words = f"{message.subject} {message.text}".lower()
    assert [word for word in ("thief", "theft", "suspect", "stole") if word in words] == []


# Recordings


@pytest.fixture
def recorded(make_clip: MakeClip, make_analysis: MakeAnalysis, make_track: MakeTrack) -> Event:
    analysis = make_analysis(clip=make_clip(name="Ada Lovelace.mp4"), status=Status.DONE)
    track = make_track(analysis=analysis)
    name = evidence.still_file(track)
    default_storage.save(name, ContentFile(JPEG))
    facts = {"analysis": analysis, "segment": track.segment, "track": track}
    return Event.objects.create(number=1, start=0.0, end=1.0, peak=0.5, score=0.9, **facts)


def alert_of_recording(event: Event) -> Alert:
    analysis = event.analysis
    return make_alert(
        kind=AlertKind.RECORDING, analysis=analysis, camera=None, store=analysis.store, score=0.9
    )


def test_a_recording_is_told_with_its_strongest_picture(recorded: Event) -> None:
    message = told(alert_of_recording(recorded))

    assert message.subject == (
        "Possible shoplifting in a recording \N{EN DASH} Main, 2026-11-26 14:03"
    )
    assert message.snapshot == JPEG
    assert message.data["place"] == "middle"
    assert "Store: Main" in message.text


def test_of_a_recording_it_says_how_often_such_hints_are_right(
    recorded: Event, make_model: MakeModel
) -> None:
    make_model(confidence=EVEN)
    sha256 = catalog.usable("standard").sha256
    Analysis.objects.update(score=0.75, model_sha256=sha256)

    message = told(alert_of_recording(recorded))

    assert "In an equal mix, 75 of 100 such hints were thefts (50 to 90)" in message.text


def test_the_name_of_a_file_is_not_told(recorded: Event) -> None:
    message = told(alert_of_recording(recorded))

    assert "Ada" not in f"{message.subject} {message.text} {message.data}"


def test_what_went_into_the_trash_is_not_shown(recorded: Event) -> None:
    Clip.objects.update(trashed_at=timezone.now())

    assert told(alert_of_recording(recorded)).snapshot is None


# Faults and tests


@pytest.mark.parametrize(
    ("kind", "details", "subject", "words"),
    [
        (
            AlertKind.OFFLINE,
            {"fault": Fault.PASSWORD},
            "Camera offline \N{EN DASH} Back door, 2026-11-26 14:03",
            "The camera has given no pictures for five minutes: The password is wrong.",
        ),
        (
            AlertKind.OFFLINE,
            {},
            "Camera offline \N{EN DASH} Back door, 2026-11-26 14:03",
            "The camera has given no pictures for five minutes.",
        ),
        (
            AlertKind.BACK,
            {},
            "Camera back \N{EN DASH} Back door, 2026-11-26 14:03",
            "The camera gives pictures again.",
        ),
    ],
)
def test_faults_of_cameras_are_told(
    kind: AlertKind, details: dict[str, Any], subject: str, words: str
) -> None:
    message = told(make_alert(kind=kind, details=details))

    assert (message.subject, message.kind) == (subject, kind)
    assert message.text.splitlines()[0] == words
    assert message.snapshot is None
    assert alert_messages.NO_PICTURE not in message.text


@pytest.mark.parametrize(
    ("floor", "words"), [(500, "Uploads are refused"), (300, "Live cameras keep no clips")]
)
def test_a_full_disk_is_of_the_whole_site(settings: Settings, floor: int, words: str) -> None:
    settings.TIME_ZONE, settings.DISK_FLOOR_BYTES = "Asia/Tokyo", floor * 1024 * 1024
    alert = alerts.of_disk(400 * 1024 * 1024)
    assert alert is not None
    alert.happened_at = AT

    message = told(alert)

    assert message.subject == "Disk nearly full \N{EN DASH} 2026-11-26 22:03"
    left = "400.0\N{NO-BREAK SPACE}MB are left"
    assert f"nearly full: {left}. {words} until there is room." in message.text
    assert "When: 2026-11-26 22:03:12 Asia/Tokyo (UTC+09:00)" in message.text


def test_a_test_says_that_it_is_one() -> None:
    alert = Alert.objects.create(kind=AlertKind.TEST, happened_at=AT)

    message = told(alert)

    assert message.subject == "Test \N{EN DASH} 2026-11-26 13:03"
    assert "a test of the channel “Desk”" in message.text
    assert message.text.endswith("When: 2026-11-26 13:03:12 UTC")


# What was left out, and what is gathered


def test_the_next_message_says_how_many_were_left_out(live: LiveEvent) -> None:
    channel, now = make_channel(), timezone.now()
    left_out = {"status": Status.CANCELLED, "suppression": Suppression.CAMERA}
    for minutes in (50, 20, 10):
        at = now - timedelta(minutes=minutes)
        make_delivery(make_alert(), channel, created_at=at, **left_out)
    sent = now - timedelta(minutes=30)
    make_delivery(make_alert(), channel, created_at=sent, status=Status.DONE, sent_at=sent)

    tested = Alert.objects.create(kind=AlertKind.TEST, happened_at=now)
    make_delivery(tested, channel, status=Status.DONE, sent_at=now)  # which doesn't say it

    message = alert_messages.compose(make_delivery(alert_of(live), channel))

    assert alert_words.unsaid_words(2) in message.text
    assert message.data["suppressed"] == 2


def digest(gathers: Gathering = Gathering.QUIET) -> Delivery:
    return make_delivery(None, make_channel(), gathers=gathers)


def gather(into: Delivery, *alerts: Alert) -> None:
    for alert in alerts:
        make_delivery(
            alert,
            into.channel,
            status=Status.CANCELLED,
            suppression=Suppression.DIGEST,
            digest=into,
        )


def test_a_digest_counts_by_camera_and_lists_the_newest() -> None:
    gathered = digest()
    later = AT + timedelta(minutes=30)
    gather(gathered, make_alert(), make_alert(happened_at=later), make_alert("Till"))

    message = alert_messages.compose(gathered)

    title = "3 hints of possible shoplifting \N{EN DASH} held back in quiet hours"
    dash = "\N{EN DASH}"
    assert (message.subject, message.kind) == (title, alert_digests.KIND)
    lines = message.text.splitlines()
    assert lines[0] == f"{title}."
    assert (
        f"Possible shoplifting {dash} Back door (Main): 2, 2026-11-26 14:03 to 2026-11-26 14:33 "
        "Europe/Berlin"
    ) in lines
    assert f"Possible shoplifting {dash} Till (Main): 1, 2026-11-26 14:03 Europe/Berlin" in lines
    assert lines[lines.index("One by one:") + 1].startswith(
        f"Possible shoplifting {dash} Back door, 2026-11-26 14:33 {SITE}/alerts/"
    )
    assert (message.link, message.data["count"]) == (f"{SITE}/alerts/?digest={gathered.pk}", 3)


def test_others_than_hints_are_counted_as_alerts() -> None:
    gathered = digest(Gathering.FLOOD)
    gather(gathered, make_alert(), make_alert(kind=AlertKind.OFFLINE))

    message = alert_messages.compose(gathered)

    assert message.subject == "2 alerts \N{EN DASH} many in a short time"


def test_a_digest_of_a_flood_stays_short(django_assert_max_num_queries: Any) -> None:
    gathered = digest(Gathering.FLOOD)
    gather(gathered, *(make_alert(f"Camera {n % 3}") for n in range(60)))

    with django_assert_max_num_queries(6):
        message = alert_messages.compose(gathered)

    assert message.subject.startswith("60 hints")
    assert len(message.text.splitlines()) < 40
    assert len(message.data["newest"]) == alert_digests.LISTED  # type: ignore[arg-type]


def test_what_is_in_the_trash_meanwhile_is_left_out_of_a_digest(
    live: LiveEvent, make_clip: MakeClip
) -> None:
    gathered = digest()
    clip = make_clip(trashed_at=timezone.now())
    LiveEvent.objects.update(clip=clip)
    gather(gathered, alert_of(live), make_alert("Till"))

    assert alert_messages.compose(gathered).data["count"] == 1
