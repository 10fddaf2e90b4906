"""Finds out when a clip was recorded: from the uploader, the file's name or its metadata."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from video_classifier.services.errors import Refused
from video_classifier.states import RecordedFrom

PATTERN_LENGTH = 100
_STARS = 3  # that a pattern may have: each multiplies what a search may take

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # clocks that were never set show 1904 or 1970
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_CLOCKS_DIFFER = timedelta(days=1)  # so far in the future a recorder's clock may be

# Of a pattern: what each stands for, as in strptime.
_DIRECTIVES = {
    "%Y": r"(?P<year>\d{4})",
    "%y": r"(?P<short_year>\d{2})",
    "%m": r"(?P<month>\d{2})",
    "%d": r"(?P<day>\d{2})",
    "%H": r"(?P<hour>\d{2})",
    "%M": r"(?P<minute>\d{2})",
    "%S": r"(?P<second>\d{2})",
    "%z": r"(?P<offset>Z|[+-]\d{2}:?\d{2})",
    "%%": "%",
    "*": ".*?",
}
_TOKEN = re.compile(r"%.|\*|[^%*]+|%")

_DAY = r"(?P<year>20\d{2})(?P<dash>[-_.]?)(?P<month>\d{2})(?P=dash)(?P<day>\d{2})"
_CLOCK = r"(?P<hour>\d{2})(?P<colon>[-_.:]?)(?P<minute>\d{2})(?P=colon)(?P<second>\d{2})"
# "20261126_143000", "2026-11-26 14-30-00", "2026-11-26T14:30:00+01:00", "ch1_20261126143000123".
# A bare "-0500" behind it is more often the end of the recording than an offset.
_NAME = re.compile(
    rf"(?<!\d){_DAY}[-_T .]{{0,3}}{_CLOCK}(?:\d{{3}})?(?!\d)"
    r"(?P<offset>Z|[+]\d{2}:?\d{2}|-\d{2}:\d{2})?"
)
# A folder a day: "2026-11-26/camera 1/14.30.00-14.35.00.mp4".
_FOLDER = re.compile(rf"(?<!\d){_DAY}(?!\d)[^/]*/(?:[^/]*/){{0,3}}[^/\d]*{_CLOCK}(?!\d)[^/]*")

TWICE = (
    "{time} happened twice in {zone}, as clocks were set back. Write the time with its offset from "
    "UTC, such as {first} or {second}."
)
NEVER = (
    "{time} did not happen in {zone}, as clocks were set forward. Correct the time, or the clock "
    "of the recorder."
)
NO_FIT = "The file's name doesn't fit the pattern “{pattern}”."
NO_DAY = "The time in the file's name can't be right: there is no such day or hour."
PATTERN = (
    "The pattern “{pattern}” doesn't say when. It needs at least %Y, %m, %d and %H, each once, as "
    "in camera*%Y%m%d_%H%M%S, and at most three *."
)


class ClockChangeError(Refused):
    """A local time that happened twice, or never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What is known; `note` says what stood in the way of knowing more."""

    at: datetime | None = None  # aware
    origin: RecordedFrom | None = None  # None without a time
    note: str = ""


def find(  # noqa: PLR0913  (all that may say it)
    path: str,
    *,
    zone: str,
    now: datetime,
    given: datetime | None = None,
    pattern: str = "",
    created: float | None = None,
) -> Recorded:
    """Of a file that was recorded in the time zone `zone`: the best that is known.

    What is given comes first, then what the name says, by `pattern` if there is one, then what
    the file says was its creation (Unix time). Raises Refused if the pattern makes no sense.
    """
    if given is not None:
        return Recorded(at=given, origin=RecordedFrom.GIVEN)
    try:
        named = from_name(path, zone=zone, pattern=pattern)
    except ClockChangeError as refusal:
        return Recorded(note=f"The file's name doesn't say enough: {refusal}")
    except ValueError:
        return Recorded(note=NO_DAY)
    if named is not None:
        return Recorded(at=named, origin=RecordedFrom.NAME)
    note = NO_FIT.format(pattern=pattern) if pattern else ""
    moment = _plausible(created, now)
    return Recorded(at=moment, origin=RecordedFrom.FILE if moment else None, note=note)


def from_name(path: str, *, zone: str, pattern: str = "") -> datetime | None:
    """What a name says, or its folders; None if nothing in it looks like a time.

    Raises ClockChangeError if that time happened twice or never in `zone`, ValueError for a
    time that no calendar has, and Refused if the pattern makes no sense.
    """
    name = path.rpartition("/")[2]
    searched = [(compiled(pattern), path)] if pattern else [(_NAME, name), (_FOLDER, path)]
    found = next((match for each, text in searched if (match := each.search(text))), None)
    if found is None:
        return None
    parts = found.groupdict()
    year = int(parts["year"]) if parts.get("year") else 2000 + int(parts["short_year"])
    month, day, hour, minute, second = (
        int(parts.get(each) or 0) for each in ("month", "day", "hour", "minute", "second")
    )
    shown = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
    return _aware(shown, parts.get("offset"), zone)


def compiled(pattern: str) -> re.Pattern[str]:
    """What finds a time in a name. Raises Refused if the pattern can't."""
    tokens = _TOKEN.findall(pattern)
    parts = [_DIRECTIVES.get(each, re.escape(each)) for each in tokens]
    unknown = any(each.startswith("%") and each not in _DIRECTIVES for each in tokens)
    wanted = [{"%Y", "%y"}, {"%m"}, {"%d"}, {"%H"}]
    lacking = any(sum(map(tokens.count, each)) != 1 for each in wanted)
    twice = any(tokens.count(each) > 1 for each in ("%M", "%S", "%z"))
    too_much = tokens.count("*") > _STARS or len(pattern) > PATTERN_LENGTH
    if unknown or lacking or twice or too_much:
        raise Refused(PATTERN.format(pattern=pattern))
    return re.compile("".join(parts))


def read(text: str, *, zone: str) -> datetime:
    """A time that somebody wrote: ISO 8601, local in `zone` unless it has an offset.

    Raises ClockChangeError, and ValueError for what is no time.
    """
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else local(moment, zone)


def is_possible(moment: datetime) -> bool:
    """Whether somebody may say so: days are counted from it, after which footage is deleted.

    A recorder's clock may be ahead, as in files' names; but sums with it have to stay dates.
    """
    return _EARLIEST <= moment < _LATEST


def local(naive: datetime, zone: str) -> datetime:
    """The moment at which clocks in `zone` showed `naive`.

    Raises ClockChangeError where they showed it twice or never (PEP 495).
    """
    first, second = (naive.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    time = f"{naive.day} {naive:%b %Y, %H:%M}"
    if first.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != naive:
        raise ClockChangeError(NEVER.format(time=time, zone=zone))
    ways = (each.isoformat(sep=" ", timespec="minutes") for each in (first, second))
    raise ClockChangeError(
        TWICE.format(time=time, zone=zone, **dict(zip(("first", "second"), ways, strict=True)))
    )


def _aware(naive: datetime, offset: str | None, zone: str) -> datetime:
    if not offset:
        return local(naive, zone)
    if offset == "Z":
        return naive.replace(tzinfo=UTC)
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    behind = timedelta(hours=hours, minutes=minutes) * (-1 if offset[0] == "-" else 1)
    return naive.replace(tzinfo=timezone(behind))  # ValueError from 24 hours on


def _plausible(created: float | None, now: datetime) -> datetime | None:
    """What a file says, unless it is what clocks show that were never set."""
    if created is None or not _EARLIEST.timestamp() <= created:
        return None
    try:
        moment = datetime.fromtimestamp(created, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return moment if moment <= now + _CLOCKS_DIFFER else None
