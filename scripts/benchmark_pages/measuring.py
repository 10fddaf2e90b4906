"""Asks for pages as a browser that is signed in does, and notes how long they take."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import quantiles
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db import connection
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from scripts.benchmark_pages.filling import RECORDING, People
from video_classifier.http.filters import NOBODY
from video_classifier.http.review_filters import NEWEST
from video_classifier.models import Analysis, AuditEntry
from video_classifier.querysets import UNFINISHED
from video_classifier.states import Prediction, Reason, Status, Verdict
from video_classifier.web.dashboard import SPANS

WARMING = 1  # requests before those that count


class WrongAnswerError(Exception):
    """A page answers with something else than itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is asked for."""

    name: str
    address: str
    who: User
    part: str | None = None  # by htmx; "" is the one that moves by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Of one page: milliseconds, and how often it asked the database."""

    page: Page
    queries: int
    median: float
    p95: float


def pages(people: People) -> list[Page]:
    """All that are measured: the lists, and pages with a list in them."""
    return [
        *_history(people.member),
        *_history(people.root),
        *_few(people.newcomer),
        *_desk(people),
        *_others(people),
        *_recording(people.member),
        *_admin(people),
    ]


def measure(page: Page, times: int) -> Timing:
    """Warm. Raises WrongAnswerError."""
    client = client_of(page.who, part=page.part)
    for _ in range(WARMING):
        _answered(client, page)
    with CaptureQueriesContext(connection) as asked:
        _answered(client, page)
        queries = len(asked)
    # There are no quantiles of a single one.
    taken = sorted(_milliseconds(client, page) for _ in range(max(times, 2)))
    cuts = quantiles(taken, n=20, method="inclusive")
    return Timing(page=page, queries=queries, median=cuts[9], p95=cuts[18])


def client_of(who: User, *, part: str | None = None) -> Client:
    """A browser that is signed in."""
    htmx = {} if part is None else {"HX-Request": "true", "HX-Target": part}
    client = Client(SERVER_NAME="127.0.0.1", headers=htmx)
    client.force_login(who)
    return client


def _milliseconds(client: Client, page: Page) -> float:
    begun = time.perf_counter()
    _answered(client, page)
    return (time.perf_counter() - begun) * 1000


def _answered(client: Client, page: Page) -> None:
    answer: HttpResponseBase = client.get(page.address)
    if answer.status_code != 200:  # noqa: PLR2004
        msg = f"{page.name} ({page.address}) answers {answer.status_code}."
        raise WrongAnswerError(msg)


def _history(who: User) -> Iterator[Page]:
    visible = Analysis.objects.visible_to(who).for_listing()
    there = visible.count()
    one, middle, deep = visible[0], visible[there // 2], visible[min(50_000, there - 26)]
    half = f"{middle.queued_at:%Y-%m-%d}"
    asked: dict[str, dict[str, object]] = {
        "history": {},
        "history, the next page": {"after": visible[24].pk},
        "history, page 2,000 or the last": {"after": deep.pk},
        "history, the one before it": {"before": deep.pk},
        "a clip by its number": {"text": one.clip.name[-10:]},
        "a word of each name": {"text": "camera"},
        "a word of no name": {"text": "aisle"},
        "hints": {"hint": "yes"},
        "no hints": {"hint": "no"},
        "no results": {"hint": "none"},
        "not answered": {"verdict": NOBODY},
        "confirmed": {"verdict": Verdict.CONFIRMED},
        "false alarms by staff": {"reason": Reason.STAFF},
        "failed": {"status": Status.FAILED},
        "waiting": {"status": Status.QUEUED},
        "running (there are none)": {"status": Status.RUNNING},
        "one model": {"model": one.model},
        "one store": {"store": one.clip.store_id},
        "one camera": {"camera": one.clip.camera_id},
        "one uploader": {"uploader": one.clip.uploaded_by_id},
        "since a day": {"since": half},
        "until a day": {"until": half},
        "one day": {"since": half, "until": half},
        "hints of a camera, by score": {
            "hint": "yes",
            "camera": one.clip.camera_id,
            "sort": "-score",
        },
        **{
            f"sorted by {name}, {way}": {"sort": f"{sign}{name}"}
            for name in ("added", "clip", "hint", "score", "model", "uploader")
            for sign, way in (("", "up"), ("-", "down"))
        },
    }
    for name, query in asked.items():
        address = f"{reverse('web:history')}?{urlencode(query)}"
        yield Page(name=name, address=address, who=who)


def _few(who: User) -> Iterator[Page]:
    """The history of somebody whose few clips lie among very many others'."""
    asked: dict[str, dict[str, object]] = {
        "history of a new store": {},
        "its hints": {"hint": "yes"},
        "its failed ones": {"status": Status.FAILED},
        "a word of each name in it": {"text": "door"},
        "sorted by score in it": {"sort": "-score"},
        "sorted by clip in it": {"sort": "clip"},
    }
    for name, query in asked.items():
        yield Page(name=name, address=f"{reverse('web:history')}?{urlencode(query)}", who=who)


def _desk(people: People) -> Iterator[Page]:
    """The queue, the dashboard and the audit log, of a million events that nobody has answered."""
    review, dashboard = reverse("web:review"), reverse("web:dashboard")
    asked = (
        ("review", review),
        ("review, the newest first", f"{review}?order={NEWEST}"),
        ("what waits", reverse("web:waiting")),
        ("how many wait", reverse("web:reviews-left")),
        ("cases", reverse("web:cases")),
        *((f"dashboard, {span}", f"{dashboard}?span={span}") for span in SPANS),
    )
    for who in (people.member, people.root):
        for name, address in asked:
            yield Page(name=name, address=address, who=who)
    audit = reverse("web:audit")
    one = AuditEntry.objects.order_by("-pk")[0]
    asked_log: dict[str, dict[str, object]] = {
        "audit log": {},
        "audit log of a person": {"person": one.actor},
        "audit log of an action": {"action": one.action},
        "audit log of a store": {"store": people.member.memberships.all()[0].store_id},
    }
    for name, query in asked_log.items():
        yield Page(name=name, address=f"{audit}?{urlencode(query)}", who=people.root)


def _others(people: People) -> Iterator[Page]:
    member = people.member
    visible = Analysis.objects.visible_to(member).for_listing()
    hint = visible.filter(prediction=Prediction.HINT).exclude(clip__name=RECORDING)[0]
    waiting = visible.filter(status__in=UNFINISHED)[0]
    shown = visible[:40]
    marks = [("live", f"{each.pk}.x") for each in shown]
    live = reverse("web:live", args=["history"])
    yield Page(name="upload", address=reverse("web:upload"), who=member)
    yield Page(name="a result with events", address=hint.get_absolute_url(), who=member)
    yield Page(name="a result that waits", address=waiting.get_absolute_url(), who=member)
    yield Page(name="its part that moves", address=waiting.get_absolute_url(), who=member, part="")
    yield Page(name="40 rows that changed", address=f"{live}?{urlencode(marks)}", who=member)
    yield Page(name="trash", address=reverse("web:trash"), who=member)
    yield Page(name="trash of all stores", address=reverse("web:trash"), who=people.root)
    deep = f"{reverse('web:trash')}?page=20"
    yield Page(name="trash of all stores, page 20", address=deep, who=people.root)


def _recording(who: User) -> Iterator[Page]:
    """Of six hours, with an event in each segment."""
    analysis = Analysis.objects.get(clip__name=RECORDING)
    home = analysis.get_absolute_url()
    event = reverse("web:event", args=[analysis.pk, analysis.events.count() // 2])
    asked = (
        ("six hours", home, None),
        ("an hour of them", f"{home}?from=7200&to=10800", None),
        ("a minute of them", f"{home}?from=7200&to=7260", None),
        ("the curve of an hour alone", f"{home}?from=7200&to=10800", "curve"),
        ("their events in time, page 5", f"{home}?sort=time&page=5", None),
        ("their strongest events alone", home, "events"),
        ("one of their events", event, None),
    )
    for name, address, part in asked:
        yield Page(name=name, address=address, who=who, part=part)


ADMIN: Sequence[tuple[str, dict[str, object]]] = (
    ("clip", {}),
    ("clip", {"p": "10"}),
    ("clip", {"q": "camera"}),
    ("clip", {"q": "099990"}),
    ("clip", {"o": "1"}),
    ("clip", {"o": "-6"}),
    ("clip", {"trash": "yes"}),
    ("clip", {"store__id__exact": "1"}),
    ("analysis", {}),
    ("analysis", {"p": "10"}),
    ("analysis", {"q": "099990"}),
    ("analysis", {"status__exact": "failed"}),
    ("analysis", {"prediction__exact": "hint", "o": "-4"}),
    ("segment", {}),
    ("segment", {"q": "099990"}),
    ("segment", {"status__exact": "running"}),
    ("track", {}),
    ("track", {"q": "099990"}),
    ("event", {}),
    ("event", {"q": "099990"}),
    ("event", {"p": "2"}),
    ("event", {"o": "-5"}),
    ("heatmap", {}),
    ("browsercopy", {}),
    ("auditentry", {}),
    ("auditentry", {"action__exact": "exported"}),
    ("camera", {}),
    ("upload", {}),
)


def _admin(people: People) -> Iterator[Page]:
    for model, query in ADMIN:
        address = reverse(f"admin:video_classifier_{model}_changelist")
        asked = urlencode(query)
        name = f"admin: {model}" + (f" ({asked})" if asked else "")
        yield Page(name=name, address=f"{address}?{asked}" if asked else address, who=people.root)
