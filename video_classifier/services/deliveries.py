"""Sends alerts to channels: claims a row, sends its message, and tries again what didn't arrive.

An attempt is short, so there are no heartbeats: a run that is not over after LEASE was cut off.
After that, as after a time-out, nobody knows whether the message arrived.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, When

from video_classifier.integrations.messages import Message, NotSentError, PerhapsSentError
from video_classifier.models import Alert, Channel, Delivery
from video_classifier.models.jobs import JOB_VERSION
from video_classifier.querysets import HINTS, DeliveryQuerySet
from video_classifier.services import alert_messages, alerts, audit, carriers, database, jobs
from video_classifier.services.errors import Refused
from video_classifier.services.jobs import LeaseLostError
from video_classifier.states import Action, AlertKind, Status, Suppression

logger = logging.getLogger(__name__)

RETRIES = tuple(timedelta(seconds=each) for each in (30, 120, 600, 3600))
LEASE = timedelta(seconds=60)  # an attempt takes 35 s at most: Apprise has to be loaded
SNAPSHOT_SECONDS = 3.0  # that a message waits for its picture
LOOK_SECONDS = 0.25  # from look to look whether it is there
NOTE_SECONDS = 20.0  # that a database is waited for which is away, or busy, after an attempt
NOTE_AGAIN_SECONDS = 1.0

BROKE = "Something broke on our side; the server's log says what."
PERHAPS = "{reason} The message may have arrived all the same."
DIED = "The site was stopped, or broke, while the message was being sent."

GONE = "This delivery is no longer there: alerts are kept for {days} days."
ON_ITS_WAY = "It is on its way already."
SENT = "It was sent already."
IN_DIGEST = "It is part of a digest. Send the digest again instead."
NO_CHANNEL = "Its channel was deleted, so it can't be sent any more."
CHANNEL_OFF = "Its channel is switched off. Switch it on, then send this again."
IN_TRASH = "Its clip is in the trash. Restore the clip, then send this again."
NOTHING_LEFT = "What it tells of was deleted, so there is nothing to send any more."

_RELATED = (
    *("channel", "alert__store", "alert__camera"),
    *("alert__live_event__clip", "alert__analysis__clip"),
)
_NOT_AGAIN = {
    Status.DONE: SENT,
    Status.QUEUED: ON_ITS_WAY,
    Status.RUNNING: ON_ITS_WAY,
}
_WHY_NOT = {
    Suppression.DELETED: NO_CHANNEL,
    Suppression.OFF: CHANNEL_OFF,
    Suppression.TRASHED: IN_TRASH,
    Suppression.GONE: NOTHING_LEFT,
}


def run_next(*, worker: str) -> bool:
    """Sends the next one; returns whether there was one."""
    requeue_stalled()
    delivery = claim_next(worker=worker)
    if delivery is None:
        return False
    deliver(delivery)
    return True


def claim_next(*, worker: str) -> Delivery | None:
    """The next one of a channel on which none is running, now running for `worker`; or None."""
    busy = Delivery.objects.filter(status=Status.RUNNING, channel=OuterRef("channel"))
    free = jobs.ready(Delivery.objects.all()).exclude(Exists(busy))
    is_tried_again = Case(When(attempts=0, then=0), default=1)  # may hang once more: others first
    in_turn = free.order_by("-priority", is_tried_again, "waiting_since", "pk")
    while waiting := in_turn.first():
        if _claim(waiting, worker):
            return _loaded(waiting)
    return None


def deliver(delivery: Delivery) -> None:
    """Makes the attempt that was claimed, and notes what came of it."""
    try:
        if unwanted := _unwanted(delivery):
            jobs.change(delivery, status=Status.CANCELLED, suppression=unwanted, error="")
        elif until := _quiet_until(delivery):
            jobs.give_way(delivery, pause=until - database.now())
        else:
            _write(_attempt(delivery))
    except LeaseLostError as lost:
        logger.warning("%s", lost)


def requeue_stalled() -> int:
    """Queues once more what was cut off in the middle; says how many. See `put_back`."""
    running = Delivery.objects.known_to(JOB_VERSION)
    return _give_back(running.stalled(now=database.now(), lease=LEASE))


def put_back(*, worker: str) -> int:
    """Releases what `worker` runs, which shuts down: each attempt counts as a time-out."""
    return _give_back(Delivery.objects.filter(status=Status.RUNNING, worker=worker))


def retry(delivery: Delivery, by: User) -> None:
    """Sends again what failed or was suppressed. Raises Refused."""
    with transaction.atomic():
        rows = Delivery.objects.filter(pk=delivery.pk).select_related("channel", "alert")
        found = rows.select_for_update(no_key=True, of=("self",)).first()
        if found is None:
            raise Refused(GONE.format(days=alerts.KEEP.days))
        _refuse_again(found)
        queued = {"status": Status.QUEUED, "suppression": "", "digest": None, "time_outs": 0}
        Delivery.objects.filter(pk=found.pk).update(**jobs.again(by) | queued)
        audit.record(Action.DELIVERY_RETRIED, by, audit.DELIVERY, found.pk)


def _refuse_again(delivery: Delivery) -> None:
    status, suppression = Status(delivery.status), delivery.suppression
    if reason := _NOT_AGAIN.get(status):
        raise Refused(reason)
    if suppression == Suppression.DIGEST and delivery.digest_id:
        raise Refused(IN_DIGEST)
    if unwanted := _unwanted(delivery):
        raise Refused(_WHY_NOT[unwanted])


def _claim(waiting: Delivery, worker: str) -> bool:
    with transaction.atomic():
        if waiting.channel_id is not None and _is_busy(waiting.channel_id):
            return False
        return jobs.claim(Delivery.objects.all(), waiting, worker=worker, allowed=LEASE)


def _is_busy(channel: int) -> bool:
    """Holds it first, as who makes alerts does: a digest that is claimed has all its members."""
    list(Channel.objects.select_for_update(no_key=True).filter(pk=channel))
    return Delivery.objects.filter(status=Status.RUNNING, channel=channel).exists()


def _loaded(delivery: Delivery) -> Delivery:
    """As it is now, with what a message says."""
    return Delivery.objects.select_related(*_RELATED).get(pk=delivery.pk)


def _unwanted(delivery: Delivery) -> Suppression | None:
    """Why it isn't to be sent after all."""
    if delivery.channel is None:
        return Suppression.DELETED
    is_test = delivery.alert is not None and delivery.alert.kind == AlertKind.TEST
    if not (delivery.channel.is_enabled or is_test):
        return Suppression.OFF
    return _lost(delivery.alert) if delivery.alert else _thinned(delivery)


def _quiet_until(delivery: Delivery) -> datetime | None:
    """When the quiet hours end that it came into, as where no sender ran before; else None.

    A digest waits for their end already, and who asks for an attempt gets it at once.
    """
    if delivery.channel is None or delivery.alert is None or delivery.requested_by_id is not None:
        return None
    return alerts.quiet_until(delivery.channel, delivery.alert, database.now())


def _lost(alert: Alert) -> Suppression | None:
    """Whether what it tells of isn't to be seen any more."""
    row = Alert.objects.filter(pk=alert.pk)
    if row.trashed().exists():
        return Suppression.TRASHED
    return Suppression.GONE if row.gone().exists() else None


def _thinned(digest: Delivery) -> Suppression | None:
    """Takes what isn't to be told any more out of a digest; says why if nothing is left."""
    members = Delivery.objects.filter(digest=digest)
    out = {"digest": None}
    trashed = members.filter(alert__in=Alert.objects.trashed())
    gone = members.filter(alert__in=Alert.objects.gone())
    is_trashed = bool(trashed.update(**out, suppression=Suppression.TRASHED))
    gone.update(**out, suppression=Suppression.GONE)
    if members.exists():
        return None
    return Suppression.TRASHED if is_trashed else Suppression.GONE


def _write(note: Callable[[], None]) -> None:
    """What isn't noted counts as a time-out, and a message that arrived would be sent again."""
    until = time.monotonic() + NOTE_SECONDS
    while True:
        try:
            note()
        except (InterfaceError, OperationalError):
            if time.monotonic() > until:
                raise
            logger.warning("what came of a delivery is noted later", exc_info=True)
            database.release()
            time.sleep(NOTE_AGAIN_SECONDS)
        else:
            return


def _attempt(delivery: Delivery) -> Callable[[], None]:
    """What is to be noted of it."""
    lacks_snapshot = False
    try:
        message = _message(delivery)
        lacks_snapshot = message.snapshot is None and _has_snapshot(delivery)
        database.release()
        carriers.send(_channel(delivery), message)
    except PerhapsSentError as error:
        return partial(_note, delivery, str(error), is_cut_off=True)
    except NotSentError as error:
        return partial(_note, delivery, str(error), is_final=error.is_final)
    except Refused as refusal:
        return partial(_note, delivery, str(refusal), is_final=True)
    except Exception:
        logger.exception("delivery %s could not be sent", delivery.pk)
        return partial(_note, delivery, BROKE)
    return partial(_note_sent, delivery, lacks_snapshot=lacks_snapshot)


def _note_sent(delivery: Delivery, *, lacks_snapshot: bool) -> None:
    sent = {"sent_at": database.now(), "lacks_snapshot": lacks_snapshot, "error": ""}
    jobs.change(delivery, status=Status.DONE, **sent)


def _channel(delivery: Delivery) -> Channel:
    channel: Channel | None = delivery.channel
    if channel is None:
        raise Refused(NO_CHANNEL)
    return channel


def _message(delivery: Delivery) -> Message:
    """With its picture, if that comes in time."""
    message = alert_messages.compose(delivery)
    until = time.monotonic() + SNAPSHOT_SECONDS
    while message.snapshot is None and _has_snapshot(delivery) and time.monotonic() < until:
        database.release()
        time.sleep(LOOK_SECONDS)
        message = alert_messages.compose(_loaded(delivery))
    return message


def _has_snapshot(delivery: Delivery) -> bool:
    """Or should have: all that tells of one event."""
    return delivery.alert is not None and delivery.alert.kind in HINTS


def _note(
    delivery: Delivery, reason: str, *, is_final: bool = False, is_cut_off: bool = False
) -> None:
    """What didn't arrive is tried again, once at most after an attempt that was cut off."""
    time_outs = delivery.time_outs + is_cut_off
    is_last = bool(delivery.time_outs) or is_final or delivery.attempts > len(RETRIES)
    if not is_last:
        pause = _pause(delivery)
        jobs.try_later(delivery, pause=pause, error=reason, time_outs=time_outs)
        return
    error = PERHAPS.format(reason=reason) if time_outs else reason
    jobs.change(delivery, status=Status.FAILED, error=error, time_outs=time_outs)


def _pause(delivery: Delivery) -> timedelta:
    """Until the next attempt, which isn't in quiet hours."""
    pause = RETRIES[delivery.attempts - 1]
    told = delivery.alert or _newest(delivery)
    if delivery.channel is None or told is None:
        return pause
    at = database.now() + pause
    until = alerts.quiet_until(delivery.channel, told, at)
    return pause + (until - at) if until else pause


def _newest(digest: Delivery) -> Alert | None:
    members = Delivery.objects.filter(digest=digest).select_related("alert__store")
    newest = members.order_by("-created_at").first()
    return newest.alert if newest else None


def _give_back(running: DeliveryQuerySet) -> int:
    """Each was cut off: it is tried once more, if it may be."""
    if not running.exists():  # the usual case writes nothing
        return 0
    time_outs = F("time_outs") + 1
    tried = running.filter(Q(time_outs__gt=0) | Q(attempts__gt=len(RETRIES)))
    died = PERHAPS.format(reason=DIED)
    failed = tried.update(status=Status.FAILED, error=died, time_outs=time_outs)
    now = database.now()
    return failed + jobs.requeue(running, error=DIED, time_outs=time_outs, not_before=now)
