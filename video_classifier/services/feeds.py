"""What managers choose of live cameras, and what is said of how they fare."""

from __future__ import annotations

import unicodedata
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError
from django.utils import timezone

from video_classifier.models import Camera, Feed, FeedHour, Store
from video_classifier.models.live import MOST_ROLL
from video_classifier.services import addresses, audit, catalog, channels, hours, secrets, versions
from video_classifier.services.addresses import Address, AddressError
from video_classifier.services.errors import Refused
from video_classifier.services.zones import Zone
from video_classifier.states import Action, Fault, FeedState

NAME_LENGTH = 100

NO_NAME = "Give the camera a name, such as “Back door”."
LONG_NAME = f"The camera's name is too long: there may be {NAME_LENGTH} characters."
NAME_TAKEN = "There is a camera of that name in this store. Choose another name."
HALF_HOURS = "Give both times, when watching begins and when it ends, or neither for all day."
NO_HOURS = "The hours begin and end at the same time. Leave both empty to watch all day."
WRONG_ROLL = f"A clip may have 0 to {MOST_ROLL} seconds before and after an event."
GONE = "This camera is no longer among the live ones: somebody has removed it meanwhile."
UNREADABLE = "Can't be read: type it again"

_WHAT_TO_DO: dict[str, str] = {
    Fault.ADDRESS: "The address is not allowed, or can't be read. Type it again; an administrator "
    "of the site may have to add its network to CAMERA_NETWORKS.",
    Fault.NAME: "The name in the address is not found. Check how it is spelled, or use the "
    "camera's IP address.",
    Fault.REFUSED: "Nothing answers at the address. Check that the camera is on and connected, and "
    "that address and port are right.",
    Fault.PASSWORD: "The camera refuses the user name or the password. Type the address again with "
    "the right ones; many tries may have locked the account on the camera.",
    Fault.NO_DATA: "The camera answers, but sends nothing. Restart it, and check how many "
    "others are connected to it: many cameras serve only a few.",
    Fault.STALLED: "The pictures stopped. Check the camera's network; the site goes on trying.",
    Fault.NO_VIDEO: "There is no video in what the camera sends. Check the path in the address, "
    "and that the stream is H.264, H.265 or MJPEG.",
    Fault.NO_KEYFRAME: "No keyframe came for 10 seconds, so the pictures can't be decoded. Set the "
    "camera's keyframe interval (“I-frame interval”) to 2 seconds.",
    Fault.CLOCK: "The camera's clock jumps. Set its time server (NTP); watching has begun anew.",
    Fault.SIZE: "The resolution changed, and watching has begun anew. If that goes on, give the "
    "camera a fixed resolution.",
    Fault.TOO_LARGE: "The pictures are too large to be watched. Set the camera to 4K or less, or "
    "give the address of a smaller stream.",
    Fault.REDIRECT: "The camera sends us to another address, which is not followed. Type that "
    "address, if it is a camera's.",
    Fault.MODEL: "The model can't be used just now. Choose another one.",
    Fault.DISK: "The disk is nearly full, so no clips are kept. Delete clips for good, or ask an "
    "administrator of the site to make room.",
    Fault.BROKEN: "Something broke on our side; the server's log has it. The site goes on trying. "
    "Tell an administrator of the site if it stays so.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a manager chooses of a camera."""

    model: str
    # As typed, with a password, so in no repr; "" keeps the one that is there.
    address: str = field(default="", repr=False)
    sub_address: str = field(default="", repr=False)
    drop_sub_address: bool = False  # whether there is none from now on
    opens_at: time | None = None  # by the clocks of the store; both None: all day
    closes_at: time | None = None
    ignored_zones: Sequence[Zone] = ()  # as zones.read gives them
    pre_roll: int = 5  # seconds
    post_roll: int = 5


def create(store: Store, name: str, choices: Choices, *, by: User) -> Feed:
    """Has the store's camera of that name watched live, once it is enabled. Raises Refused."""
    name = _clean_name(name)
    sealed = {"sealed_address": "", **_sealed(choices)}
    if not sealed["sealed_address"]:
        raise AddressError(addresses.NO_ADDRESS)
    chosen = _checked(choices)
    with transaction.atomic():
        camera = Camera.objects.select_for_update().get_or_create(store=store, name=name)[0]
        if Feed.objects.filter(camera=camera).exists():
            raise Refused(NAME_TAKEN)
        feed = Feed.objects.create(camera=camera, **chosen, **sealed)
        audit.record(Action.FEED_ADDED, by, audit.CAMERA, camera.pk, store=store.pk)
    return feed


def change(feed: Feed, name: str, choices: Choices, *, by: User) -> None:
    """An address is replaced only if another one is typed. Raises Refused."""
    name = _clean_name(name)
    wanted = _checked(choices) | _sealed(choices)
    with transaction.atomic():
        before = Feed.objects.select_for_update(of=("self",)).filter(pk=feed.pk)
        found = before.values(*wanted, "camera__name").first()
        if found is None:
            raise Refused(GONE)
        changed = {each: value for each, value in wanted.items() if found[each] != value}
        renamed = name != found["camera__name"]
        if not changed and not renamed:
            return
        if renamed:
            _rename(feed, name)
        # The state is the watcher's: nothing else of the row is written.
        Feed.objects.filter(pk=feed.pk).update(revision=F("revision") + 1, **changed)
        fields = sorted({*(each.removeprefix("sealed_") for each in changed), *["name"] * renamed})
        _note(Action.FEED_CHANGED, feed, by, changed=", ".join(fields))


def remove(feed: Feed, *, by: User) -> bool:
    """What is kept of how it fared goes with it, and the camera, unless there are clips or events
    of it. False if it is gone already.
    """
    with transaction.atomic():
        if not Feed.objects.filter(pk=feed.pk).delete()[0]:
            return False
        FeedHour.objects.filter(camera=feed.pk).delete()
        _note(Action.FEED_REMOVED, feed, by)
        _remove_camera(feed.pk, by)
    return True


def enable(feed: Feed, *, by: User) -> bool:
    """Has it watched from now on; False if it is already. Raises Refused."""
    versions.check(feed.camera.store_id, feed.model)
    return _set(feed, Action.FEED_ENABLED, by=by, is_enabled=True)


def disable(feed: Feed, *, by: User) -> bool:
    """Has it watched no longer; False if it isn't."""
    return _set(feed, Action.FEED_DISABLED, by=by, is_enabled=False)


def switch_alerts(feed: Feed, *, on: bool, by: User) -> bool:
    """Whether its events are told to anybody; False if that is so already."""
    return _set(feed, Action.ALERTS_ON if on else Action.ALERTS_OFF, by=by, alerts=on)


def address_of(feed: Feed) -> Address:
    """Raises AddressError if it can't be read any more, or isn't allowed any more."""
    return _unsealed(feed.sealed_address)


def sub_address_of(feed: Feed) -> Address | None:
    """As `address_of`, of the smaller stream, if there is one."""
    return _unsealed(feed.sealed_sub_address) if feed.sealed_sub_address else None


def masked(feed: Feed) -> str:
    """What pages may show of the address."""
    try:
        return address_of(feed).masked
    except AddressError:
        return UNREADABLE


def is_open_at(feed: Feed, moment: datetime) -> bool:
    """Whether `moment` is within its hours, by the clocks of its store."""
    opens, closes = feed.opens_at, feed.closes_at
    if opens is None or closes is None:
        return True
    zone = zoneinfo.ZoneInfo(feed.camera.store.time_zone)
    return hours.end(moment, opens, closes, zone) is not None


def words(feed: Feed, *, now: datetime | None = None) -> str:
    """How it fares and, where something is wrong, what to do: sentences."""
    if feed.state == FeedState.FAULTY:
        return _WHAT_TO_DO.get(feed.fault, _WHAT_TO_DO[Fault.BROKEN])
    if feed.state == FeedState.ONLINE:
        return "It is being watched."
    if feed.state == FeedState.CONNECTING:
        return "The site is connecting to the camera."
    return _why_off(feed, now or timezone.now())


def words_for(fault: str) -> str:
    """What to do about a fault."""
    return _WHAT_TO_DO[fault]


def _why_off(feed: Feed, now: datetime) -> str:
    if not feed.is_enabled:
        return "It is not watched."
    if not is_open_at(feed, now):
        return "It is outside its hours, and not watched just now."
    return (
        "It waits for a watcher. If it stays so, none is running, or each watches as many cameras "
        "as it may: an administrator of the site starts one."
    )


def _clean_name(name: str) -> str:
    """Without control characters and those that turn the reading direction."""
    shown = "".join(sign for sign in name if unicodedata.category(sign)[0] != "C").strip()
    if not shown:
        raise Refused(NO_NAME)
    if len(shown) > NAME_LENGTH:
        raise Refused(LONG_NAME)
    return shown


def _checked(choices: Choices) -> dict[str, object]:
    """All but the addresses, as a row has it."""
    if (choices.opens_at is None) != (choices.closes_at is None):
        raise Refused(HALF_HOURS)
    if choices.opens_at is not None and choices.opens_at == choices.closes_at:
        raise Refused(NO_HOURS)
    if not all(0 <= roll <= MOST_ROLL for roll in (choices.pre_roll, choices.post_roll)):
        raise Refused(WRONG_ROLL)
    catalog.usable(choices.model)
    return {
        "model": choices.model,
        "opens_at": choices.opens_at,
        "closes_at": choices.closes_at,
        "ignored_zones": [list(zone) for zone in choices.ignored_zones],
        "pre_roll": choices.pre_roll,
        "post_roll": choices.post_roll,
    }


def _sealed(choices: Choices) -> dict[str, str]:
    """Those that were typed, if they lead to where cameras may be. Asks the resolver."""
    found = {}
    if choices.address.strip():
        found["sealed_address"] = _seal(choices.address)
    if choices.drop_sub_address:
        found["sealed_sub_address"] = ""
    elif choices.sub_address.strip():
        found["sealed_sub_address"] = _seal(choices.sub_address)
    return found


def _seal(text: str) -> str:
    addresses.checked(addresses.parse(text))
    return secrets.seal(text.strip())


def _unsealed(sealed: str) -> Address:
    try:
        text = secrets.unseal(sealed)
    except secrets.LostKeyError as error:
        raise AddressError(str(error)) from error
    return addresses.parse(text)


def _rename(feed: Feed, name: str) -> None:
    try:
        with transaction.atomic():
            Camera.objects.filter(pk=feed.pk).update(name=name)
    except IntegrityError:
        raise Refused(NAME_TAKEN) from None


def _remove_camera(pk: int, by: User) -> None:
    camera = Camera.objects.select_for_update().get(pk=pk)  # before channels, as of who tells of it
    try:
        with transaction.atomic():
            channels.leave_alone(camera, by=by)
            camera.delete()
    except ProtectedError:  # footage stays with where it came from
        return


def _set(feed: Feed, action: Action, *, by: User, **wanted: bool) -> bool:
    with transaction.atomic():
        row = Feed.objects.filter(pk=feed.pk).exclude(**wanted)
        if not row.update(**wanted, revision=F("revision") + int("is_enabled" in wanted)):
            return False
        _note(action, feed, by)
    return True


def _note(action: Action, feed: Feed, by: User, **details: str) -> None:
    audit.record(action, by, audit.CAMERA, feed.pk, store=feed.camera.store_id, **details)
