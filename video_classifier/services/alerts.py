"""Makes alerts, and of each the rows that say what goes to which channel and what doesn't, and why.

Whoever makes rows of a channel holds its row: what came before is counted, and then written. Who
holds rows of a channel for another reason, too, takes that of the channel first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, models, transaction

from video_classifier.models import Alert, Analysis, Camera, Channel, Delivery, Feed, LiveEvent
from video_classifier.querysets import HINTS, DeliveryQuerySet
from video_classifier.services import audit, database, quiet
from video_classifier.states import Action, AlertKind, Gathering, Origin, Status, Suppression

logger = logging.getLogger(__name__)

FLOOD = 5  # alerts of a channel within FLOOD_WITHIN that are sent one by one
FLOOD_WITHIN = timedelta(minutes=10)
GATHERED_FOR = timedelta(minutes=10)  # from the beginning of a flood's digest until it is sent
DISK_AGAIN = timedelta(days=1)
KEEP = timedelta(days=90)

_TOLD = ("", Suppression.DIGEST)  # of what is sent, by itself or with others
_URGENT = 1  # the priority of a test: somebody waits for it
_BATCH = 500  # rows that are deleted at once: others want to write, too

Row = TypeVar("Row", bound=models.Model)


def beside(make: Callable[[Row], Alert | None], row: Row) -> None:
    """Makes the alert of what this transaction writes, which is kept if the alert can't be made.

    Then nobody is told, and the server's log says so. Raises what ends the transaction all the
    same, and where the database is busy: who writes the row tries again, and so is told of it.
    """
    try:
        with transaction.atomic():
            make(row)
    except Exception as error:
        is_lost = transaction.get_rollback() or connection.closed_in_transaction
        if is_lost or database.is_busy(error):
            raise
        kind = row._meta.verbose_name  # noqa: SLF001
        logger.exception("%s %s is kept, but no alert of it could be made", kind, row.pk)


def of_live_event(event: LiveEvent) -> Alert | None:
    """To be called in the transaction in which it opens, or becomes a hint.

    None while its camera only measures, and of what is uncertain.
    """
    if not event.is_hint:
        return None
    camera = Camera.objects.select_related("store").filter(feed__alerts=True)
    found = camera.filter(pk=event.camera_id).first()
    if found is None:
        return None
    return _make(
        Alert(
            kind=AlertKind.LIVE,
            happened_at=event.started_at,
            store=found.store,
            camera=found,
            live_event=event,
            score=event.score,
            threshold=event.threshold,
        )
    )


def of_analysis(analysis: Analysis) -> Alert | None:
    """To be called in the transaction that closes it.

    None without a hint, as nobody is told of what is uncertain, if no channel wants to hear of it,
    and for clips of live cameras: their events were told when they happened.
    """
    strongest = analysis.events.hints().order_by("-score", "number").first()
    clip = analysis.clip
    if strongest is None or clip.origin != Origin.UPLOAD:
        return None
    began = clip.recorded_at
    alert = Alert(
        kind=AlertKind.RECORDING,
        happened_at=began + timedelta(seconds=strongest.start) if began else database.now(),
        store=clip.store,
        camera=clip.camera,
        analysis=analysis,
        score=strongest.score,
        threshold=analysis.threshold,
    )
    return _make(alert) if Channel.objects.wanting(alert).exists() else None


def of_camera(
    feed: Feed, kind: AlertKind, at: datetime, *, details: Mapping[str, object] | None = None
) -> Alert | None:
    """That it went offline, or is back. None if that was told already, or isn't to be."""
    told = Alert.objects.filter(camera=feed.pk, kind__in=(AlertKind.OFFLINE, AlertKind.BACK))
    with transaction.atomic():
        held = Feed.objects.select_for_update(no_key=True).filter(pk=feed.pk, alerts=True)
        if held.first() is None:
            return None
        last = told.order_by("-created_at").values_list("kind", flat=True).first()
        if last == kind or (last is None and kind == AlertKind.BACK):
            return None
        camera = feed.camera
        alert = Alert(kind=kind, happened_at=at, store=camera.store, camera=camera)
        alert.details = dict(details or {})
        return _make(alert)


def of_disk(free: int) -> Alert | None:
    """That so many bytes are left. None if that was told within a day."""
    with transaction.atomic():
        # Of two processes that see it at the same moment, one waits for the other here.
        list(Channel.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))
        now = database.now()
        of_late = Alert.objects.filter(kind=AlertKind.DISK, created_at__gt=now - DISK_AGAIN)
        if of_late.exists():
            return None
        return _make(Alert(kind=AlertKind.DISK, happened_at=now, details={"free_bytes": free}))


def test(channel: Channel, by: User) -> Delivery:
    """A message that tries the channel out: at once, even if it is off or quiet."""
    with transaction.atomic():
        now = database.now()
        alert = Alert.objects.create(kind=AlertKind.TEST, happened_at=now, created_at=now)
        delivery = _delivery(channel, now, alert=alert, requested_by=by, priority=_URGENT)
        delivery.save(force_insert=True)
        audit.record(Action.CHANNEL_TESTED, by, audit.CHANNEL, channel.pk)
    return delivery


def quiet_until(channel: Channel, alert: Alert, at: datetime) -> datetime | None:
    """When the quiet hours end in which the channel holds it back; None: it may be sent at `at`."""
    is_let_through = alert.kind not in HINTS and channel.faults_break_quiet
    if is_let_through or alert.kind == AlertKind.TEST:
        return None
    zone = alert.store.time_zone if alert.store else settings.TIME_ZONE
    return quiet.ends(channel, at, ZoneInfo(zone))


def purge() -> int:
    """Deletes alerts that are too long ago, with their deliveries; says how many."""
    before = database.now() - KEEP
    deleted = _delete_by_and_by(Alert.objects.filter(created_at__lt=before))
    _delete_by_and_by(Delivery.objects.digests().filter(created_at__lt=before))
    return deleted


def _make(alert: Alert) -> Alert:
    with transaction.atomic(savepoint=False):
        wanting = Channel.objects.wanting(alert).order_by("pk")  # in one order: no deadlocks
        channels = list(wanting.select_for_update(no_key=True))
        alert.created_at = database.now()
        alert.save(force_insert=True)
        for channel in channels:
            _place(channel, alert)
    return alert


def _place(channel: Channel, alert: Alert) -> None:
    """Adds what becomes of the alert on a channel, which is held."""
    now: datetime = alert.created_at
    delivery = _delivery(channel, now, alert=alert)
    if paused := _pause(channel, alert):
        delivery.status, delivery.suppression = Status.CANCELLED, paused
    elif digest := _digest(channel, alert):
        delivery.status, delivery.suppression = Status.CANCELLED, Suppression.DIGEST
        delivery.digest = digest
    delivery.save(force_insert=True)


def _delivery(channel: Channel, now: datetime, **fields: object) -> Delivery:
    return Delivery(
        channel=channel,
        channel_name=channel.name,
        channel_kind=channel.kind,
        **{"created_at": now, "waiting_since": now, "not_before": now} | fields,
    )


def _pause(channel: Channel, alert: Alert) -> Suppression | None:
    """The pause that a hint falls into, which one of the same kind began that was told."""
    if alert.kind not in HINTS:
        return None
    if channel.camera_pause and alert.camera_id:
        told = _alike(channel, alert, channel.camera_pause)
        if told.filter(alert__camera=alert.camera_id).exists():
            return Suppression.CAMERA
    if channel.pause and _alike(channel, alert, channel.pause).exists():
        return Suppression.CHANNEL
    return None


def _alike(channel: Channel, alert: Alert, seconds: int) -> DeliveryQuerySet:
    return _told(channel, alert, within=timedelta(seconds=seconds)).filter(alert__kind=alert.kind)


def _told(channel: Channel, alert: Alert, *, within: timedelta) -> DeliveryQuerySet:
    """Of the alerts before it. None is later: that would be of before the clock was set back."""
    now: datetime = alert.created_at
    recent = Delivery.objects.filter(channel=channel, alert__isnull=False, suppression__in=_TOLD)
    return recent.filter(created_at__gt=now - within, created_at__lte=now).order_by()


def _digest(channel: Channel, alert: Alert) -> Delivery | None:
    """The one that it becomes a part of; None: it is sent by itself."""
    now: datetime = alert.created_at
    if until := quiet_until(channel, alert, now):
        return _gathering(channel, Gathering.QUIET, now, earliest=until, latest=until)
    # What the quiet hours held back came as one message.
    told = _told(channel, alert, within=FLOOD_WITHIN).exclude(digest__gathers=Gathering.QUIET)
    if len(told.exclude(alert__kind=AlertKind.TEST).values("pk")[:FLOOD]) < FLOOD:
        return None
    at = now + GATHERED_FOR
    latest = quiet_until(channel, alert, at) or at
    return _gathering(channel, Gathering.FLOOD, now, earliest=now, latest=latest)


def _gathering(
    channel: Channel, why: Gathering, now: datetime, *, earliest: datetime, latest: datetime
) -> Delivery:
    """The digest that is being gathered and sent between these moments, or a new one.

    Nobody claims it meanwhile: who does holds the channel, too.
    """
    # In the order of the index of what waits: in a flood a channel has thousands of rows.
    waiting = Delivery.objects.waiting().filter(requested_by=None, priority=0)
    begun = waiting.filter(channel=channel, gathers=why, attempts=0).order_by("waiting_since")
    found = begun.filter(not_before__gte=earliest, not_before__lte=latest).first()
    if found is None:
        found = _delivery(channel, now, gathers=why, not_before=latest)
        found.save(force_insert=True)
    return found


def _delete_by_and_by(rows: models.QuerySet[Row]) -> int:
    deleted = 0
    while keys := list(rows.order_by().values_list("pk", flat=True)[:_BATCH]):
        rows.model._default_manager.filter(pk__in=keys).delete()  # noqa: SLF001
        deleted += len(keys)
    return deleted
