"""Presenters of live cameras: how they fare, in words, and what was seen last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Q, Subquery
from django.urls import reverse
from django.utils import dateformat, timezone

from video_classifier.models import Analysis, Feed, FeedHour, LiveEvent
from video_classifier.querysets import FeedQuerySet, Visitor
from video_classifier.services import feeds, live_pictures
from video_classifier.services.live_events import ON_ITS_WAY
from video_classifier.states import Fault, FeedState, Verdict
from video_classifier.web.results import ScoreReading, reading
from video_classifier.web.times import ClockTime, in_words

SILENT = timedelta(seconds=60)  # without a word of its watcher a camera isn't watched
USUAL_STRIDE = 2.0  # seconds
LONG_STRIDE = 3.0  # seconds: from here on it is said why
OLD_STRIDES = 3  # so many strides without a new picture, and …
OLD_SECONDS = 10.0  # … so many seconds: it isn't live
LATE = timedelta(hours=1)  # a clip that is still on its way

MEASURES_ONLY = (
    "This camera only measures: its hints are shown here, and nobody is told. A new camera does so "
    "until a manager of its store switches alerts on."
)
NOT_WATCHED = (
    "The program that watches cameras has not reported since {}. Tell your administrator: somebody "
    "has to start it again."
)
NO_NEW_PICTURES = (
    "The camera is connected, but its last picture is from {}. If it stays so for a minute, tell "
    "your administrator."
)
NO_PICTURE_YET = (
    "The camera is connected, but no picture has come yet. If it stays so for a minute, tell your "
    "administrator."
)

WAITS_LONG = (
    "It has waited there for more than an hour: tell your administrator, who can ask "
    "“manage.py doctor” on which machine it is."
)

# Where pictures come, and something else is wrong, a camera isn't offline.
_NOT_OFFLINE: dict[str, str] = {
    Fault.DISK: "Keeps no clips",
    Fault.MODEL: "Not scored",
    Fault.CLOCK: "Beginning anew",
    Fault.SIZE: "Beginning anew",
}

LIVE, WAITING, TROUBLE, OFF = "live", "waiting", "failed", "off"  # tones
_ICONS = {
    LIVE: "broadcast",
    WAITING: "hourglass-split",
    TROUBLE: "exclamation-triangle",
    OFF: "slash-circle",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a camera fares: never by its color alone."""

    tone: str
    label: str
    sentence: str
    since: str = ""  # by the clock of the store

    @property
    def icon(self) -> str:
        return _ICONS[self.tone]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """A live event in a list."""

    event: LiveEvent
    result: str  # the address of its clip's result; "" if there is none that can be shown
    time_zone: str
    verdict_is_withheld: bool = False  # from who looks

    @property
    def at(self) -> ClockTime:
        return ClockTime(at=self.event.started_at.astimezone(ZoneInfo(self.time_zone)))

    @property
    def length(self) -> str:
        return in_words(max(self.event.length, 1.0))

    @property
    def reading(self) -> ScoreReading | None:
        return reading(self.event.score, self.event.threshold, self.event.low)

    @property
    def verdict(self) -> Verdict | None:
        """What people say of its clip, if they have."""
        clip = self.event.clip
        return Verdict(clip.verdict) if clip and clip.verdict else None

    @property
    def remark(self) -> str:
        """Why there is no result to be opened."""
        if self.event.is_open:
            return "It goes on. Its clip is made when it ends."
        if self.result:
            return ""
        if self.event.no_clip:
            return f"{self.event.no_clip} {WAITS_LONG}" if self._waits_long else self.event.no_clip
        return (
            "Its clip was deleted." if self.event.clip_id is None else "Its clip is in the trash."
        )

    @property
    def _waits_long(self) -> bool:
        closed = self.event.closed_at
        is_late = closed is not None and timezone.now() - closed > LATE
        return is_late and self.event.no_clip == ON_ITS_WAY


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraView:
    """A camera that is watched live, as the wall and its own page show it."""

    feed: Feed  # with its camera and store
    now: datetime
    stamp: int | None  # of its newest picture
    last: EventRow | None = None
    going_on: Sequence[EventRow] = ()  # events, the newest first
    seconds_online: float | None = None  # of the last 24 hours; None if nothing is known of them

    @property
    def pk(self) -> int:
        return self.feed.camera_id

    @property
    def name(self) -> str:
        return self.feed.camera.name

    @property
    def time_zone(self) -> str:
        return self.feed.camera.store.time_zone

    @property
    def taken_at(self) -> datetime | None:
        return None if self.stamp is None else live_pictures.moment(self.stamp)

    @property
    def hints(self) -> list[EventRow]:
        """Of what goes on, without what is uncertain."""
        return [each for each in self.going_on if each.event.is_hint]

    @property
    def status(self) -> Status:
        feed = self.feed
        if feed.state != FeedState.OFF and self._is_silent:
            since = "it was started" if feed.heartbeat_at is None else self.clock(feed.heartbeat_at)
            return Status(tone=TROUBLE, label="Not watched", sentence=NOT_WATCHED.format(since))
        if feed.state == FeedState.ONLINE and self._is_old:
            sentence = NO_PICTURE_YET
            if self.taken_at is not None:
                sentence = NO_NEW_PICTURES.format(self.clock(self.taken_at))
            return Status(tone=TROUBLE, label="No new pictures", sentence=sentence)
        tones: dict[str, str] = {
            FeedState.ONLINE: LIVE,
            FeedState.CONNECTING: WAITING,
            FeedState.FAULTY: TROUBLE,
        }
        return Status(
            tone=tones.get(feed.state, OFF),
            label=_NOT_OFFLINE.get(feed.fault, str(feed.get_state_display())),
            sentence=feeds.words(feed, now=self.now),
            since=self.clock(feed.since),
        )

    @property
    def is_live(self) -> bool:
        """Whether its newest picture is of now, and not of earlier."""
        return self.stamp is not None and self.status.tone == LIVE

    @property
    def _is_silent(self) -> bool:
        heard = self.feed.heartbeat_at
        return heard is None or abs(self.now - heard) > SILENT  # a clock may be set back

    @property
    def _is_old(self) -> bool:
        if self.taken_at is None:
            return self.now - self.feed.since > SILENT
        allowed = max(OLD_SECONDS, OLD_STRIDES * (self.feed.stride or USUAL_STRIDE))
        return self.now - self.taken_at > timedelta(seconds=allowed)

    @property
    def picture_note(self) -> str:
        """Below a picture that isn't live."""
        if self.is_live or self.taken_at is None:
            return ""
        return f"Last picture: {self.clock(self.taken_at)}"

    @property
    def alternative(self) -> str:
        """To the picture, for who doesn't see it. Whether it is live is said beside it."""
        return f"Camera picture: {self.name}, {self.feed.camera.store}"

    @property
    def stride(self) -> str:
        """How often it is looked at; why, if that is seldom."""
        stride = self.feed.stride
        if stride is None or self.status.tone != LIVE:
            return ""
        often = f"Looks every {stride:.1f} s"
        if stride < LONG_STRIDE:
            return often
        return f"{often} instead of {USUAL_STRIDE:.0f} s: the server is busy"

    @property
    def stream(self) -> str:
        """What arrives: "10 pictures a second, 640 x 360, H264"; "" if nothing does."""
        feed = self.feed
        if self.status.tone != LIVE or not feed.width or not feed.height:
            return ""
        rate = f"{feed.frame_rate:.0f} pictures a second, " if feed.frame_rate else ""
        codec = f", {feed.codec.upper()}" if feed.codec else ""
        return f"{rate}{feed.width} x {feed.height}{codec}"

    @property
    def online(self) -> str:
        if self.seconds_online is None:
            return ""
        return f"{in_words(self.seconds_online)} online in the last 24 h"

    @property
    def announcement(self) -> str:
        """What a screen reader says when it changes."""
        if self.hints:
            since = self.clock(self.hints[0].event.started_at)
            return f"Possible shoplifting at {self.name} since {since}"
        return f"{self.name}: {self.status.label}"

    def clock(self, moment: datetime) -> str:
        """By the clock of the store; of today without the day."""
        zone = ZoneInfo(self.time_zone)
        local = moment.astimezone(zone)
        is_today = local.date() == self.now.astimezone(zone).date()
        return dateformat.format(local, "H:i:s T" if is_today else "j M Y, H:i:s T")


def visible_feeds(user: Visitor) -> FeedQuerySet:
    """With camera and store, and the key of the camera's newest hint as `last_event`."""
    newest = LiveEvent.objects.visible_to(user).hints().filter(camera=OuterRef("pk"))
    return (
        Feed.objects.visible_to(user)
        .select_related("camera__store")
        .annotate(last_event=Subquery(newest.order_by("-opened_at").values("pk")[:1]))
    )


def views(found: Sequence[Feed], user: Visitor, *, now: datetime) -> list[CameraView]:
    """Of some of `visible_feeds`, by three queries however many there are."""
    events = _shown_events(found, user)
    results = results_of(user, events)
    online = _online(user, [feed.pk for feed in found], now)
    made = []
    for feed in found:
        zone = feed.camera.store.time_zone
        rows = [row_of(each, results, zone) for each in events if each.camera_id == feed.pk]
        made.append(
            CameraView(
                feed=feed,
                now=now,
                stamp=live_pictures.stamp(feed.pk),
                last=next((row for row in rows if row.event.is_hint), None),
                going_on=[row for row in rows if row.event.is_open],
                seconds_online=online.get(feed.pk),
            )
        )
    return made


def _shown_events(found: Sequence[Feed], user: Visitor) -> list[LiveEvent]:
    """The newest hint of each camera and all that go on, the newest first."""
    newest = Q(pk__in=[each.last_event for each in found if each.last_event])  # type: ignore[attr-defined]
    going_on = Q(camera__in=[each.pk for each in found], closed_at=None)
    events = LiveEvent.objects.visible_to(user).filter(newest | going_on)
    return list(events.order_by("-opened_at"))


def row_of(event: LiveEvent, results: Mapping[UUID, str], time_zone: str) -> EventRow:
    result = results.get(event.clip_id, "") if event.clip_id else ""
    return EventRow(event=event, result=result, time_zone=time_zone)


def results_of(user: Visitor, events: Iterable[LiveEvent]) -> dict[UUID, str]:
    """The address of the latest result of each clip that isn't in the trash, by the clip's key."""
    clips = [event.clip_id for event in events if event.clip_id]
    if not clips:
        return {}
    kept = Analysis.objects.visible_to(user).kept().of_few(clips)
    found = kept.order_by("queued_at", "-pk").values_list("clip", "pk")
    return {clip: reverse("web:result", args=[pk]) for clip, pk in found}


def _online(user: Visitor, cameras: Sequence[int], now: datetime) -> dict[int, float]:
    since = now - timedelta(hours=24)
    hours = FeedHour.objects.visible_to(user).filter(camera__in=cameras, start__gte=since)
    seconds: dict[int, float] = {}
    for camera, online in hours.values_list("camera", "seconds_online"):
        seconds[camera] = seconds.get(camera, 0.0) + online
    return seconds
