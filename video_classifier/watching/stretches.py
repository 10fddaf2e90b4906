"""Puts a connection's pictures into the ring, and begins a new stretch where one has to begin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from video_classifier.states import Fault
from video_classifier.watching import connecting
from video_classifier.watching.health import Health, Trouble
from video_classifier.watching.limits import Limits
from video_classifier.watching.remuxing import RemuxError
from video_classifier.watching.ring import Ring, StreamPacket
from video_classifier.watching.sources import Picture, Source

JUMPED = Trouble(
    Fault.CLOCK, "The camera's clock jumped. Set it to take its time from the network (NTP)."
)
RESIZED = Trouble(Fault.SIZE, "The camera changed its resolution.")
TOO_LONG = Trouble(
    Fault.NO_KEYFRAME,
    "The pictures between two of the camera's keyframes don't fit into memory. Set its I-frame "
    "interval to 2 s.",
)


class Stretches:
    """Of one connection."""

    def __init__(self, source: Source, ring: Ring, health: Health, limits: Limits) -> None:
        self._source, self._ring, self._health, self._limits = source, ring, health, limits
        self._form: object = None
        self._is_wanted = True  # a new stretch, from the next keyframe on
        self._latest: int | None = None  # ticks
        self._arrived = 0.0
        self._zero: tuple[datetime, int] | None = None  # of the stretch: our clock's, and ticks
        self._late: tuple[float, float] | None = None  # since when keyframes are, by how much

    def take(self, picture: Picture) -> None:
        """Raises ConnectError if it is too large."""
        if self._has_jumped(picture):
            self._health.notes(JUMPED)
            self._is_wanted, self._latest = True, None
        if picture.is_key:
            self._begin_if_wanted(picture)
        is_kept = not self._is_wanted and self._keep(picture)
        self._health.arrives(is_key=picture.is_key, is_kept=is_kept)
        self._latest = picture.ticks if self._latest is None else max(picture.ticks, self._latest)
        self._arrived = picture.arrived

    def _has_jumped(self, picture: Picture) -> bool:
        if self._latest is None:
            return False
        ahead = float((picture.ticks - self._latest) * self._source.time_base)
        waited = picture.arrived - self._arrived
        return ahead - waited > self._limits.jump or ahead < -self._limits.back

    def _begin_if_wanted(self, key: Picture) -> None:
        form = connecting.form(self._source, key)
        is_off = self._has_drifted(key)
        if not self._is_wanted and not is_off and form in {None, self._form}:
            return
        try:
            facts = connecting.facts(self._source, key, self._limits)
        except RemuxError as error:
            self._is_wanted = True
            self._health.fails(Trouble(Fault.NO_VIDEO, f"{error} Restart the camera."))
            return
        before = self._health.facts
        if before and (before.width, before.height) != (facts.width, facts.height):
            self._health.notes(RESIZED)
        self._form, self._is_wanted = form, False
        began = datetime.now(UTC)
        self._zero, self._late = (began, key.ticks), None
        self._health.begins(facts, self._ring.begin(facts, began))

    def _has_drifted(self, key: Picture) -> bool:
        """Whether times of the stretch are wrong by now: it lasts for as long as the connection.

        Clocks of cameras are off by some seconds a day, and ours may be set. Pictures that a
        network held up come late, too, but not for long; none comes early.
        """
        if self._zero is None:
            return False
        began, first = self._zero
        shown = timedelta(seconds=float((key.ticks - first) * self._source.time_base))
        late = (datetime.now(UTC) - began - shown).total_seconds()
        since, least = self._late or (key.arrived, late)
        self._late = since, min(least, late)
        if late < -self._limits.drift:
            return True
        if key.arrived - since < self._limits.drifting:
            return False
        self._late = None
        return min(least, late) > self._limits.drift

    def _keep(self, picture: Picture) -> bool:
        packet = StreamPacket(
            data=picture.data,
            pts=picture.ticks,
            dts=picture.ticks,
            duration=0,
            is_key=picture.is_key,
            arrived=picture.arrived,
        )
        is_kept = self._ring.add(packet)
        if not is_kept:
            self._health.fails(TOO_LONG)
        return is_kept
