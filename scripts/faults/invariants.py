"""What has to be true of a site after any fault, once its parts are there again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scripts.faults.flow import Sent
from scripts.faults.setups import LEASE, Setup

SETTLED = 100.0  # seconds in which all work has to be done: what waits for storage rests for 60
ALERTS = 150.0  # … and all alerts are sent: an attempt that was cut off is given up after 60 s
FLOOD = 11  # minutes after which many alerts in a short time are sent as one
AGAIN = 3.0  # seconds until something odd is looked at once more: it may have been on its way
JOBS = ("segment", "heatmap", "browsercopy", "segmentcopy", "caseexport")
WAITING = "('queued', 'running')"


@dataclass(slots=True, kw_only=True)
class Found:
    """What was looked at, and each thing that was wrong, in a sentence."""

    wrong: list[str] = field(default_factory=list)
    orphans: int = 0  # files without a row, which the sweep removes
    seconds: float = 0.0  # until all work was done


def settle(site: Setup, *, within: float = SETTLED, rests: bool = True) -> Found:
    """Waits until nothing is left to do; with `rests` also for what rests for a minute."""
    began, found = time.monotonic(), Found()
    while left := _unfinished(site):
        if not rests:
            _let_rest_pass(site)
        if time.monotonic() - began > within:
            fallen = "; ".join(each.fallen for each in site.services if each.fallen)
            what = f"After {within:.0f} s there is still to do: {', '.join(left)}"
            found.wrong.append(f"{what}. {fallen}".rstrip(". ") + ".")
            break
        time.sleep(0.25)
    found.seconds = time.monotonic() - began
    return found


def is_busy(site: Setup) -> bool:
    """Whether anything is left to do."""
    return bool(_unfinished(site))


def _let_rest_pass(site: Setup) -> None:
    """As if the minute were over that a job waits for its storage."""
    for job in JOBS:
        site.change(
            f"UPDATE video_classifier_{job} SET not_before = waiting_since "  # noqa: S608
            "WHERE status = 'queued' AND not_before > waiting_since"
        )


def _unfinished(site: Setup) -> list[str]:
    """Jobs, and uploads and clips of live events that are all there but not in storage yet."""
    parts = [
        f"SELECT '{job}', status, count(*) FROM video_classifier_{job} "  # noqa: S608
        f"WHERE status IN {WAITING} GROUP BY status"
        for job in JOBS
    ]
    parts.append(
        "SELECT 'upload', status, count(*) FROM video_classifier_upload "
        "WHERE status = 'checking' GROUP BY status"
    )
    parts.append(
        "SELECT 'clip of a live event', 'waits', count(*) FROM video_classifier_waitingclip "
        "HAVING count(*) > 0"
    )
    return [f"{n} {kind} {status}" for kind, status, n in site.rows(" UNION ALL ".join(parts))]


def check(site: Setup, sent: Sequence[Sent], found: Found) -> None:
    """Of files and rows, when nothing is on its way."""
    for look in (_uploads, _analyses, _stuck, _rows_without_files, _live_events):
        found.wrong += _twice(lambda look=look: list(look(site, sent)))  # type: ignore[misc]
    found.orphans = len(files_without_rows(site))
    if not site.is_sound():
        found.wrong.append("The database's own check of its integrity fails.")


def _twice(look: Callable[[], list[str]]) -> list[str]:
    """What is wrong both times."""
    first = look()
    if not first:
        return []
    time.sleep(AGAIN)
    second = look()
    return [each for each in first if each in second]


def _uploads(site: Setup, sent: Sequence[Sent]) -> Iterator[str]:
    """Each file is there once, if that was said, and at most once if nobody knows."""
    clips = Counter(sha for (sha,) in site.rows("SELECT sha256 FROM video_classifier_clip"))
    refused = dict(site.rows("SELECT name, problem FROM video_classifier_upload"))
    for each in sent:
        count = clips[each.file.sha256]
        if each.is_confirmed and count == 0:
            why = refused.get(each.file.name, "")
            yield f"“{each.file.name}” was confirmed ({each.way}) and is not there. {why}".rstrip()
        if count > 1:
            yield f"“{each.file.name}” is there {count} times ({each.way}, {dict(each.answers)})."


def _analyses(site: Setup, _: Sequence[Sent]) -> Iterator[str]:
    """Each clip has one, which has ended well."""
    counts = site.rows(
        "SELECT clip.name, count(analysis.id) FROM video_classifier_clip AS clip LEFT JOIN "
        "video_classifier_analysis AS analysis ON analysis.clip_id = clip.id "
        "GROUP BY clip.id, clip.name HAVING count(analysis.id) <> 1"
    )
    for name, count in counts:
        yield f"“{name}” has {count} analyses."
    for name, error in site.rows(
        "SELECT clip.name, analysis.error FROM video_classifier_analysis AS analysis "
        "JOIN video_classifier_clip AS clip ON clip.id = clip_id WHERE status = 'failed'"
    ):
        yield f"The analysis of “{name}” failed: {error}"
    for status, segments, ended in site.rows(
        "SELECT a.status, count(*), sum(CASE WHEN s.status = 'done' THEN 1 ELSE 0 END) "
        "FROM video_classifier_analysis AS a JOIN video_classifier_segment AS s "
        "ON s.analysis_id = a.id GROUP BY a.id, a.status"
    ):
        if (status == "done") != (segments == ended):
            yield f"An analysis is {status}, and {ended} of its {segments} segments are done."


def _stuck(site: Setup, _: Sequence[Sent]) -> Iterator[str]:
    """Nothing runs that shows no life, by the clock that the site has."""
    for job in JOBS:
        for worker, late in site.rows(
            f"SELECT worker, {site.seconds_since('heartbeat_at')} "  # noqa: S608
            f"FROM video_classifier_{job} WHERE status = 'running'"
        ):
            if late > LEASE + 5:
                yield f"A {job} of {worker} has shown no life for longer than its lease."


def names(site: Setup) -> set[str]:
    """Of the files that rows have."""
    found = site.rows(
        "SELECT file FROM video_classifier_clip UNION SELECT playable FROM video_classifier_clip "
        "UNION SELECT file FROM video_classifier_segmentcopy UNION SELECT still FROM "
        "video_classifier_liveevent UNION SELECT file FROM video_classifier_caseexport"
    )
    return {name for (name,) in found if name}


def _rows_without_files(site: Setup, _: Sequence[Sent]) -> Iterator[str]:
    known = names(site)
    for name in sorted(known - site.stored()):
        yield f"A row has the file {name}, which is not there."


def files_without_rows(site: Setup) -> set[str]:
    stored = site.stored()
    pictures = "frames/"  # of analyses, by folder: the sweep's own business
    return {name for name in stored - names(site) if not name.startswith(pictures)}


def _live_events(site: Setup, _: Sequence[Sent]) -> Iterator[str]:
    """An event that ended has a clip or says why not; none stays open without a watcher."""
    for pk, clip, why in site.rows(
        "SELECT id, clip_id, no_clip FROM video_classifier_liveevent WHERE closed_at IS NOT NULL"
    ):
        if clip is None and not why:
            yield f"The live event {pk} ended without a clip, and doesn't say why."


def let_flood_pass(site: Setup) -> None:
    """As if its ten minutes were over: what was gathered is sent, and the next alerts singly."""
    earlier = ", ".join(
        f"{each} = {site.before(each, FLOOD)}"
        for each in ("created_at", "waiting_since", "not_before")
    )
    site.change(
        f"UPDATE video_classifier_delivery SET {earlier} "  # noqa: S608
        "WHERE attempts = 0 OR status IN ('done', 'failed', 'cancelled')"
    )


def alerts(site: Setup, counts: Mapping[str, int], sent: Sequence[Sent]) -> list[str]:
    """Every alert came once, or is marked; waits for those that are tried again."""
    let_flood_pass(site)
    until = time.monotonic() + ALERTS
    waiting = f"SELECT count(*) FROM video_classifier_delivery WHERE status IN {WAITING}"  # noqa: S608
    while site.rows(waiting)[0][0] and time.monotonic() < until:
        time.sleep(0.5)
    return _twice(lambda: list(_alerts(site, counts, sent)))


def _alerts(site: Setup, counts: Mapping[str, int], sent: Sequence[Sent]) -> Iterator[str]:
    rows = site.rows(
        "SELECT d.id, d.status, d.time_outs, d.suppression, d.error, a.kind "
        "FROM video_classifier_delivery AS d "
        "LEFT JOIN video_classifier_alert AS a ON a.id = d.alert_id"
    )
    for key, status, time_outs, suppression, error, kind in rows:
        came = counts.get(site.key_of(key), 0)
        wrong = {
            f"still waits: {error}": status in ("queued", "running"),
            f"came {came} times, and {time_outs} time-outs are noted": came > 1 + time_outs,
            "counts as sent, and never came": status == "done" and not came,
            f"failed: {error}": status == "failed" and not time_outs,
            "was cancelled without a reason": status == "cancelled" and not suppression,
        }
        yield from (f"The alert {key} ({kind}) {what}." for what, is_so in wrong.items() if is_so)
    yield from _hints_without_alerts(site, sent)


def _hints_without_alerts(site: Setup, sent: Sequence[Sent]) -> Iterator[str]:
    missing = site.rows(
        "SELECT c.sha256 FROM video_classifier_clip AS c "
        "JOIN video_classifier_analysis AS n ON n.clip_id = c.id "
        "LEFT JOIN video_classifier_alert AS a ON a.analysis_id = n.id "
        "WHERE n.prediction = 'hint' AND c.origin = 'upload' AND a.id IS NULL"
    )
    for (sha,) in missing:
        yield f"The hint of the clip {sha[:8]} has no alert."
    hints = {each.file.sha256 for each in sent if each.is_confirmed and each.file.is_hint}
    told = {
        sha
        for (sha,) in site.rows(
            "SELECT c.sha256 FROM video_classifier_clip AS c JOIN video_classifier_analysis AS n "
            "ON n.clip_id = c.id WHERE n.prediction = 'hint'"
        )
    }
    if lacking := hints - told:
        yield f"{len(lacking)} bright clips have no hint."
