"""What managers choose of channels: where alerts go, and which. Targets and keys are sealed."""

from __future__ import annotations

import base64
import math
import secrets as randomness
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import time

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Model

from video_classifier.models import Alert, Camera, Channel, Delivery, Store
from video_classifier.models.alerts import LONGEST_PAUSE
from video_classifier.services import alerts, audit, secrets, targets
from video_classifier.services.errors import Refused
from video_classifier.states import Action, AlertKind, ChannelKind

NAME_LENGTH = 100
KEY_PREFIX = "whsec_"  # of Standard Webhooks, before the key in base64
KEY_BYTES = 32

NO_NAME = "Give the channel a name, such as “Night shift”."
LONG_NAME = f"The channel's name is too long: there may be {NAME_LENGTH} characters."
NAME_TAKEN = "There is a channel of that name. Choose another name."
NO_STORE = "Choose at least one store whose alerts it is for."
NOT_YOUR_STORE = "You don't manage all of these stores. Choose of those that are offered."
NOT_ALL_STORES = "Only administrators may have the alerts of all stores sent somewhere."
WRONG_CAMERA = "One of the cameras is in none of the chosen stores. Choose its store, too."
WRONG_SCORE = "The least score has to be a number from 0 to 1, such as 0.8."
TELLS_NOTHING = "Choose at least one thing that the channel is told of."
HALF_QUIET = "Give both times, when quiet hours begin and when they end, or neither for none."
NO_QUIET = "Quiet hours begin and end at the same time. Leave both empty for none."
WRONG_PAUSE = f"A cool-down may be 0 to {LONGEST_PAUSE} seconds long, which is a day."
NO_KEY = "Only the messages of a webhook are signed with a key."
GONE = "This channel is no longer there: somebody has deleted it meanwhile."
UNREADABLE = "Can't be read: type it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a manager chooses of a channel."""

    # As typed, with what may be secret, so in no repr; "" keeps the one that is there.
    target: str = field(default="", repr=False)
    all_stores: bool = False  # those to come, too
    stores: Collection[Store] = ()
    cameras: Collection[Camera] = ()  # none: all of its stores
    least_score: float = 0.0
    tells_live: bool = True
    tells_recordings: bool = False
    tells_faults: bool = True
    quiet_from: time | None = None  # by the clocks of the store; both None: never quiet
    quiet_until: time | None = None
    faults_break_quiet: bool = False
    camera_pause: int = 60  # seconds
    pause: int = 0


def create(kind: ChannelKind, name: str, choices: Choices, *, by: User) -> tuple[Channel, str]:
    """And the key of a webhook, which can't be had again; "" of others. Raises Refused."""
    name, chosen = _clean_name(name), _checked(choices, by)
    sealed_target = _seal(kind, choices.target)
    key = _new_key() if kind == ChannelKind.WEBHOOK else ""
    with transaction.atomic():
        try:
            with transaction.atomic():
                channel = Channel.objects.create(
                    name=name,
                    kind=kind,
                    sealed_target=sealed_target,
                    sealed_key=secrets.seal(key) if key else "",
                    created_by=by,
                    **chosen,
                )
        except IntegrityError:
            raise Refused(NAME_TAKEN) from None
        channel.stores.set(_stores(choices))
        channel.cameras.set(choices.cameras)
        audit.record(Action.CHANNEL_ADDED, by, audit.CHANNEL, channel.pk, kind=kind.value)
    return channel, key


def change(channel: Channel, name: str, choices: Choices, *, by: User) -> None:
    """The target is replaced only if another one is typed. Raises Refused."""
    wanted = {"name": _clean_name(name), **_checked(choices, by)}
    if choices.target.strip():
        wanted["sealed_target"] = _seal(ChannelKind(channel.kind), choices.target)
    with transaction.atomic():
        found = _locked(channel, by)
        fields = [each for each, value in wanted.items() if getattr(found, each) != value]
        for name_of, rows in (("stores", _stores(choices)), ("cameras", choices.cameras)):
            fields += [name_of] * _replaced(found, name_of, rows)
        if not fields:
            return
        _update(channel, wanted)
        changed = ", ".join(sorted(each.removeprefix("sealed_") for each in fields))
        audit.record(Action.CHANNEL_CHANGED, by, audit.CHANNEL, channel.pk, changed=changed)


def renew_key(channel: Channel, *, by: User) -> str:
    """Signs a webhook's messages with another key from now on, which is returned this once.

    Raises Refused.
    """
    if channel.kind != ChannelKind.WEBHOOK:
        raise Refused(NO_KEY)
    key = _new_key()
    with transaction.atomic():
        _locked(channel, by)
        _update(channel, {"sealed_key": secrets.seal(key)})
        audit.record(Action.CHANNEL_CHANGED, by, audit.CHANNEL, channel.pk, changed="key")
    return key


def test(channel: Channel, *, by: User) -> Delivery:
    """A message that says that it is a test; the one that is on its way, if there is one.

    Raises Refused.
    """
    with transaction.atomic():
        found = _locked(channel, by)
        waiting = Delivery.objects.unfinished().filter(
            channel=found, alert__kind=AlertKind.TEST, error=""
        )
        return waiting.first() or alerts.test(found, by=by)


def switch(channel: Channel, *, on: bool, by: User) -> bool:
    """Whether anything is sent there; False if that is so already."""
    with transaction.atomic():
        if not Channel.objects.filter(pk=channel.pk, is_enabled=not on).update(is_enabled=on):
            return False
        changed = "on" if on else "off"
        audit.record(Action.CHANNEL_CHANGED, by, audit.CHANNEL, channel.pk, changed=changed)
    return True


def remove(channel: Channel, *, by: User) -> bool:
    """What waits to be sent there isn't sent; the log stays. False if it is gone already."""
    with transaction.atomic():
        # Held before its deliveries are, as by whoever makes or claims those: no deadlocks.
        row = Channel.objects.select_for_update().filter(pk=channel.pk).first()
        if row is None:
            return False
        row.delete()
        audit.record(Action.CHANNEL_REMOVED, by, audit.CHANNEL, channel.pk, kind=str(channel.kind))
    return True


def leave_alone(camera: Camera, *, by: User) -> None:
    """Switches off what tells of this camera alone, which is being deleted: it would tell of all
    cameras then, as one that names none does.
    """
    naming = Channel.objects.filter(cameras=camera)
    others = Channel.cameras.through.objects.exclude(camera=camera).values("channel")
    for channel in naming.exclude(pk__in=others):
        switch(channel, on=False, by=by)


def masked(channel: Channel) -> str:
    """What pages may show of where it leads."""
    try:
        return targets.masked(ChannelKind(channel.kind), secrets.unseal(channel.sealed_target))
    except Refused:
        return UNREADABLE


def hear_of(camera: Camera) -> bool:
    """Whether any channel is told of the camera's hints, of the strongest at least."""
    hint = Alert(kind=AlertKind.LIVE, camera=camera, store=camera.store, score=1.0)
    return Channel.objects.wanting(hint).exists()


def _new_key() -> str:
    return KEY_PREFIX + base64.b64encode(randomness.token_bytes(KEY_BYTES)).decode()


def _seal(kind: ChannelKind, text: str) -> str:
    return secrets.seal(targets.parse(kind, text))


def _locked(channel: Channel, by: User) -> Channel:
    """As it is now: somebody may have deleted it, or put it out of the reach of `by`."""
    found = Channel.objects.managed_by(by).filter(pk=channel.pk)
    row = found.select_for_update(of=("self",)).first()
    if row is None:
        raise Refused(GONE)
    return row


def _update(channel: Channel, wanted: dict[str, object]) -> None:
    try:
        with transaction.atomic():
            Channel.objects.filter(pk=channel.pk).update(**wanted)
    except IntegrityError:
        raise Refused(NAME_TAKEN) from None


def _replaced(channel: Channel, name: str, rows: Collection[Model]) -> bool:
    """Whether it had others."""
    related = getattr(channel, name)
    if {each.pk for each in rows} == set(related.order_by().values_list("pk", flat=True)):
        return False
    related.set(rows)
    return True


def _stores(choices: Choices) -> Collection[Store]:
    return () if choices.all_stores else choices.stores


def _clean_name(name: str) -> str:
    """Without control characters and those that turn the reading direction."""
    shown = "".join(sign for sign in name if unicodedata.category(sign)[0] != "C").strip()
    if not shown:
        raise Refused(NO_NAME)
    if len(shown) > NAME_LENGTH:
        raise Refused(LONG_NAME)
    return shown


def _checked(choices: Choices, by: User) -> dict[str, object]:
    """All but target, stores and cameras, as a row has it."""
    _check_places(choices, by)
    _check_times(choices)
    if not (math.isfinite(choices.least_score) and 0 <= choices.least_score <= 1):
        raise Refused(WRONG_SCORE)
    if not (choices.tells_live or choices.tells_recordings or choices.tells_faults):
        raise Refused(TELLS_NOTHING)
    return {
        name: getattr(choices, name)
        for name in (
            *("all_stores", "least_score", "tells_live", "tells_recordings", "tells_faults"),
            *("quiet_from", "quiet_until", "faults_break_quiet", "camera_pause", "pause"),
        )
    }


def _check_places(choices: Choices, by: User) -> None:
    if choices.all_stores:
        if not by.is_superuser:
            raise Refused(NOT_ALL_STORES)
        return
    if not choices.stores:
        raise Refused(NO_STORE)
    chosen = {store.pk for store in choices.stores}
    if Store.objects.managed_by(by).filter(pk__in=chosen).count() < len(chosen):
        raise Refused(NOT_YOUR_STORE)
    if any(camera.store_id not in chosen for camera in choices.cameras):
        raise Refused(WRONG_CAMERA)


def _check_times(choices: Choices) -> None:
    if (choices.quiet_from is None) != (choices.quiet_until is None):
        raise Refused(HALF_QUIET)
    if choices.quiet_from is not None and choices.quiet_from == choices.quiet_until:
        raise Refused(NO_QUIET)
    if not all(0 <= pause <= LONGEST_PAUSE for pause in (choices.camera_pause, choices.pause)):
        raise Refused(WRONG_PAUSE)
