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

from scripts.benchmark_pages.filling import People
from video_classifier.models import Analysis
from video_classifier.querysets import UNFINISHED
from video_classifier.states import Prediction, Status

WARMING = 1  # requests before those that count


class WrongAnswerError(Exception):
    """A page answers with something else than itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is asked for."""

    name: str
    address: str
    who: User
    part: bool = False  # by htmx


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Of one page: milliseconds, and how often it asked the database."""

    page: Page
    queries: int
    median: float
    p95: float


def pages(people: People) -> list[Page]:
    """All that are measured: the lists, and pages with a list in them."""
    return [*_history(people.member), *_history(people.root), *_others(people), *_admin(people)]


def measure(page: Page, *, times: int) -> Timing:
    """Warm. Raises WrongAnswerError."""
    client = Client(SERVER_NAME="127.0.0.1", headers={"HX-Request": "true"} if page.part else {})
    client.force_login(page.who)
    for _ in range(WARMING):
        _answered(client, page)
    with CaptureQueriesContext(connection) as asked:
        _answered(client, page)
        queries = len(asked)
    taken = sorted(_milliseconds(client, page) for _ in range(times))
    cuts = quantiles(taken, n=20, method="inclusive")
    return Timing(page=page, queries=queries, median=cuts[9], p95=cuts[18])


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


def _others(people: People) -> Iterator[Page]:
    member = people.member
    visible = Analysis.objects.visible_to(member).for_listing()
    hint = visible.filter(prediction=Prediction.HINT)[0]
    waiting = visible.filter(status__in=UNFINISHED)[0]
    shown = visible[:40]
    marks = [("live", f"{each.pk}.x") for each in shown]
    live = reverse("web:live", args=["history"])
    yield Page(name="upload", address=reverse("web:upload"), who=member)
    yield Page(name="a result with events", address=hint.get_absolute_url(), who=member)
    yield Page(name="a result that waits", address=waiting.get_absolute_url(), who=member)
    yield Page(
        name="its part that moves", address=waiting.get_absolute_url(), who=member, part=True
    )
    yield Page(name="40 rows that changed", address=f"{live}?{urlencode(marks)}", who=member)
    yield Page(name="trash", address=reverse("web:trash"), who=member)
    yield Page(name="trash of all stores", address=reverse("web:trash"), who=people.root)


ADMIN: Sequence[tuple[str, dict[str, object]]] = (
    ("clip", {}),
    ("clip", {"q": "camera"}),
    ("clip", {"q": "099990"}),
    ("clip", {"o": "1"}),
    ("clip", {"trash": "yes"}),
    ("analysis", {}),
    ("analysis", {"q": "099990"}),
    ("analysis", {"status__exact": "failed"}),
    ("segment", {}),
    ("segment", {"q": "099990"}),
    ("track", {}),
    ("track", {"q": "099990"}),
    ("event", {}),
    ("event", {"q": "099990"}),
    ("event", {"p": "2"}),
    ("heatmap", {}),
    ("browsercopy", {}),
    ("auditentry", {}),
    ("camera", {}),
)


def _admin(people: People) -> Iterator[Page]:
    for model, query in ADMIN:
        address = reverse(f"admin:video_classifier_{model}_changelist")
        asked = urlencode(query)
        name = f"admin: {model}" + (f" ({asked})" if asked else "")
        yield Page(name=name, address=f"{address}?{asked}" if asked else address, who=people.root)
