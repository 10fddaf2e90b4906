"""How often somebody may ask for what is costly. The database counts, for all web processes."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, connection

from video_classifier.models import RequestCount
from video_classifier.services import database

logger = logging.getLogger(__name__)

# One statement, so that two requests at once are both counted. A window that ends later than one
# that began now was opened by a clock that was ahead.
_COUNT = """
INSERT INTO video_classifier_requestcount AS found (key, ends, count) VALUES (%(key)s, %(ends)s, 1)
ON CONFLICT (key) DO UPDATE SET
    count = CASE
        WHEN found.ends <= %(now)s OR found.ends > %(ends)s THEN 1 ELSE found.count + 1 END,
    ends = CASE
        WHEN found.ends <= %(now)s OR found.ends > %(ends)s THEN %(ends)s ELSE found.ends END
RETURNING count, ends
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many requests of one kind within so many seconds."""

    name: str
    times: int
    seconds: int


EXPORTS = Limit(name="exports", times=30, seconds=600)
DOWNLOADS = Limit(name="downloads", times=120, seconds=600)
UPLOADS = Limit(name="uploads", times=600, seconds=600)
JOBS = Limit(name="jobs", times=120, seconds=600)  # analyses, heat maps, copies, measures
TRIALS = Limit(name="trials", times=10, seconds=60)  # of cameras and channels
SEARCHES = Limit(name="searches", times=120, seconds=60)
FIGURES = Limit(name="figures", times=60, seconds=60)
VIDEOS = Limit(name="videos", times=600, seconds=60)  # players ask for many ranges
SIGN_INS = Limit(name="sign-ins", times=60, seconds=60)
EVERY = (EXPORTS, DOWNLOADS, UPLOADS, JOBS, TRIALS, SEARCHES, FIGURES, VIDEOS, SIGN_INS)


def scaled(limit: Limit) -> Limit | None:
    """As this site has it: settings.RATE_LIMITS times as many; None if it has no limits."""
    if not settings.RATE_LIMITS:
        return None
    times = limit.times * settings.RATE_LIMITS
    return Limit(name=limit.name, times=times, seconds=limit.seconds)


def wait(limit: Limit, who: str) -> int:
    """Counts a request of `who`: how many seconds they have to wait before it is heard; 0: none.

    Where the database is busy or its disk full, nobody is kept out.
    """
    now = int(time.time())
    asked: dict[str, str | int] = {"key": _key(limit, who), "now": now, "ends": now + limit.seconds}
    try:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, asked)
            count, ends = cursor.fetchone()
    except DatabaseError as error:
        if not (database.is_busy(error) or database.is_full(error)):
            raise
        logger.warning("a request was not counted for the limit of %s", limit.name)
        return 0
    return max(1, ends - now) if count > limit.times else 0


def purge() -> None:
    """What counts nothing any more: of who asks once nothing is kept."""
    RequestCount.objects.filter(ends__lt=int(time.time())).delete()


def _key(limit: Limit, who: str) -> str:
    """`who` may be an address, which is nobody's business once it has been counted."""
    return f"{limit.name}:{hashlib.sha256(who.encode()).hexdigest()[:32]}"
