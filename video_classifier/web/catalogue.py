"""The components in templates/components, each in its states: examples for /components/.

Nothing here is in the database, and nothing that is shown sends or asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.paginator import Paginator
from django.http import HttpRequest, QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from video_classifier.http.list_filters import Chip
from video_classifier.http.paging import Page
from video_classifier.ml.contracts import ClipSpec, EventCandidate, Region, WindowScore
from video_classifier.models import (
    Alert,
    Analysis,
    Camera,
    Clip,
    Feed,
    LiveEvent,
    Store,
    Track,
)
from video_classifier.services.catalog import Card, Choice, Interval
from video_classifier.services.gaps import Gap
from video_classifier.states import (
    AlertKind,
    Fault,
    FeedState,
    Prediction,
    Reason,
    RecordedFrom,
    Stage,
    Status,
    Verdict,
)
from video_classifier.web import tables
from video_classifier.web.curves import Curve, Scored, drawn
from video_classifier.web.events import Marked
from video_classifier.web.live_cameras import LIVE, OFF, TROUBLE, WAITING, CameraView, EventRow
from video_classifier.web.live_cameras import Status as LiveStatus
from video_classifier.web.news import MOST, Hint, News
from video_classifier.web.overlays import Drawn
from video_classifier.web.overview import Overview, overview
from video_classifier.web.results import ConfidenceText, ResultSummary, ScoreReading
from video_classifier.web.zoom import Zoom, asked

FOLDER = "components"
THEMES = ("light", "dark")
TOKEN = "0" * 64  # no form here is to be sent
SHORT, LONG = "till 3.mp4", "NVR-07_main-street_camera-12-entrance_2026-11-24_21-58-03.mp4"
WHEN = datetime(2026, 11, 24, 21, 58, tzinfo=UTC)

_COMMENT = re.compile(r"{%\s*comment\s*%}(.*?){%\s*endcomment\s*%}|{#(.*?)#}", re.DOTALL)
_ASKING = re.compile(r' hx-[\w:-]+="[^"]*"')
_NAMES = re.compile(
    r' (id|for|name|aria-labelledby|aria-describedby|aria-controls|popovertarget)="([^"]+)"'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A component as it looks in the theme `name`."""

    name: str
    html: SafeString


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A component in one of its states; `around` is the markup that it has to stand in."""

    component: str
    state: str
    context: dict[str, Any]
    around: str = "{}"

    @property
    def is_on_screen(self) -> bool:
        """Whether it lies over a picture."""
        return self.component in {"box", "boxes"}

    def in_themes(self) -> list[Drawing]:
        return [Drawing(name=theme, html=self._drawn(theme)) for theme in THEMES]

    def _drawn(self, theme: str) -> SafeString:
        """As a page would show it; its ids are its own, and htmx has nothing to do."""
        html: str = render_to_string(f"{FOLDER}/{self.component}.html", self.context)
        apart = re.sub(r"\W+", "-", f"{self.component}-{self.state}-{theme}")
        html = _NAMES.sub(rf' \1="\2-{apart}"', _ASKING.sub("", html))
        html = re.sub(
            r'(<(?:nav|form|section)[^>]* aria-label="[^"]+)', rf"\1 ({self.state}, {theme})", html
        )
        html = html.replace("<dialog ", "<dialog open ")
        return mark_safe(self.around.replace("{}", html))  # nosec B308, B703  # noqa: S308  (a template's)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A template, what it says of itself, and how it looks."""

    name: str
    about: str
    examples: tuple[Example, ...]


def names() -> list[str]:
    return sorted(path.stem for path in _folder().glob("*.html"))


def about(name: str) -> str:
    """The comment that a component opens with: what it is, and its variables."""
    found = _COMMENT.match((_folder() / f"{name}.html").read_text(encoding="utf-8"))
    lines = (found[1] or found[2] if found else "").strip("\n").splitlines()
    return "\n".join(line.removeprefix("  ").rstrip() for line in lines).strip()


def components() -> list[Component]:
    found = list(_examples())
    return [
        Component(
            name=name,
            about=about(name),
            examples=tuple(each for each in found if each.component == name),
        )
        for name in names()
    ]


def _folder() -> Path:
    return Path(settings.BASE_DIR) / "templates" / FOLDER


def _examples() -> Iterator[Example]:
    for component, states in STATES.items():
        for state, context in states().items():
            around = AROUND.get(component, "{}")
            yield Example(component=component, state=state, context=context, around=around)


def _card(**metrics: Interval) -> Card:
    return Card(
        name="person_ensemble",
        network="mobilenetv2_pool",
        summary="Pretrained MobileNetV2 on each frame, then a mean over time.",
        spec=ClipSpec(view=Region.PERSON),
        threshold=0.5,
        created="2026-01-01",
        metrics=metrics,
        limits=("Trained on acted scenes.", "Says nothing about who somebody is."),
    )


def _measured() -> Card:
    return _card(
        recall=Interval(value=0.46, low=0.27, high=0.8),
        specificity=Interval(value=0.97, low=0.8, high=1.0),
        auc=Interval(value=0.89, low=0.79, high=0.96),
    )


def _measured_by_recording() -> Card:
    return _card(
        **_measured().metrics,
        recall_by_recording=Interval(value=0.43, low=0.24, high=0.72),
        specificity_by_recording=Interval(value=0.92, low=0.65, high=1.0),
        auc_by_recording=Interval(value=0.8, low=0.59, high=0.93),
    )


def _guessing() -> Card:
    return _card(
        recall=Interval(value=0.3, low=0.1, high=0.5),
        specificity=Interval(value=0.7, low=0.5, high=0.9),
        auc=Interval(value=0.5, low=0.4, high=0.6),
    )


def _choices() -> list[Choice]:
    return [
        Choice(name="person_ensemble", card=_measured(), problem=""),
        Choice(name="conv3d", card=_guessing(), problem=""),
        Choice(name="broken", card=None, problem="Its card can't be read. Train it again."),
    ]


def _clip(name: str = SHORT) -> Clip:
    return Clip(name=name, duration=6.2, size_bytes=1_200_000, container="mp4", codec="h264")


def _analysis(status: Status, prediction: str = "", **facts: Any) -> Analysis:
    return Analysis(
        clip=_clip(), model="person_ensemble", status=status, prediction=prediction, **facts
    )


def _analyses() -> dict[str, Analysis]:
    return {
        "hint": _analysis(Status.DONE, Prediction.HINT, score=0.93, threshold=0.89),
        "no hint": _analysis(Status.DONE, Prediction.NO_HINT, score=0.12, threshold=0.89),
        "uncertain": _analysis(
            Status.DONE, Prediction.UNCERTAIN, score=0.7, threshold=0.89, low=0.6
        ),
        "no result": _analysis(Status.DONE, Prediction.NO_RESULT, reason="Nobody was found."),
        "waiting": _analysis(Status.QUEUED),
        "running": _analysis(Status.RUNNING, stage=Stage.FINDING),
        "paused": _analysis(Status.PAUSED),
        "failed": _analysis(Status.FAILED, error="No pictures could be read."),
        "cancelled": _analysis(Status.CANCELLED),
    }


def _request(address: str = "") -> HttpRequest:
    request = HttpRequest()
    request.GET = QueryDict(address)
    return request


def _box(number: int, tone: Prediction, *, top: float) -> Drawn:
    left = 0.1 * number
    return Drawn(number=number, tone=tone, left=left, top=top, width=0.2, height=0.5)


def _curve(scores: dict[int | None, tuple[float, ...]]) -> Curve | None:
    """Windows of 2 s, one a second; each track begins a second later than the one before."""
    scored = [
        Scored(
            number=number,
            windows=tuple(
                WindowScore(start=at + since, end=at + since + 2, score=score)
                for at, score in enumerate(several)
            ),
        )
        for since, (number, several) in enumerate(scores.items())
    ]
    found = [
        EventCandidate(
            start=each.windows[0].start,
            end=each.windows[-1].end,
            peak=max(each.windows, key=lambda window: window.score).start + 1,
            score=max(window.score for window in each.windows),
            track=each.number,
        )
        for each in scored
    ]
    decider = next(iter(scores))
    return drawn(scored, found, threshold=0.62, duration=12.0, decided_by=decider)


def _zoom(address: str) -> Zoom:
    return asked(QueryDict(address), 3 * 3600.0)


def _overview() -> Overview:
    """Of three hours with an event in each."""
    peaks = (1800, 5400, 9000)
    windows = tuple(
        WindowScore(start=at, end=at + 20, score=0.9 if at in peaks else 0.05)
        for at in range(0, 3 * 3600 - 600, 40)
    )
    events = [
        Marked(number=number, start=at, end=at + 20, peak=at + 10, score=0.9, track=4)
        for number, at in enumerate(peaks, 1)
    ]
    gaps = [Gap(start=7200, end=8100, reason="Nothing was recorded.")]
    return overview([(4, windows)], _zoom(""), events, gaps, threshold=0.62)


def _form() -> forms.Form:
    class Example(forms.Form):
        username = forms.CharField(help_text="As it stands on your badge.")
        password = forms.CharField(widget=forms.PasswordInput)
        days = forms.MultipleChoiceField(
            choices=[("sat", "Saturday"), ("sun", "Sunday")], widget=forms.CheckboxSelectMultiple
        )

    form = Example({"username": "ada", "days": ["sun"]})
    form.is_valid()
    return form


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A store or a camera, as the form that offers them has it."""

    pk: int
    name: str
    cameras: SimpleNamespace = field(default_factory=SimpleNamespace)

    def __str__(self) -> str:
        return self.name


def _recorded_clip() -> Clip:
    store = Store(name="Main", time_zone="Europe/Berlin")
    return Clip(name=SHORT, store=store, recorded_at=WHEN, recorded_from=RecordedFrom.NAME)


def _store_form() -> SimpleNamespace:
    cameras = [_Place(pk=number, name=f"Till {number}") for number in (1, 2)]
    unknown = SimpleNamespace(initial=None)
    return SimpleNamespace(
        stores=[
            _Place(pk=1, name="Main", cameras=SimpleNamespace(all=cameras)),
            _Place(pk=2, name="Station"),
        ],
        has_cameras=True,
        fields={"store": unknown, "camera": unknown, "pattern": SimpleNamespace(max_length=100)},
    )


AROUND = {
    "box": '<svg class="boxes" aria-hidden="true">{}</svg>',
    "column_head": '<table class="table history"><thead><tr>{}</tr></thead></table>',
    "figure_row": '<table class="table table-sm figures"><tbody>{}</tbody></table>',
}


def _camera(stamp: int | None = None) -> CameraView:
    store = Store(name="Main", time_zone="Europe/Berlin")
    feed = Feed(
        camera=Camera(pk=1, name="Till 2", store=store),
        state=FeedState.FAULTY,
        fault=Fault.STALLED,
        heartbeat_at=WHEN,
        since=WHEN,
    )
    return CameraView(feed=feed, now=WHEN, stamp=stamp)


def _live_events() -> list[EventRow]:
    """One with a clip, and one whose clip was deleted."""
    event = LiveEvent(
        started_at=WHEN, ended_at=WHEN, opened_at=WHEN, closed_at=WHEN, score=0.93, threshold=0.89
    )
    return [EventRow(event=event, result=result, time_zone="Europe/Berlin") for result in ("#", "")]


def _news(count: int, *, has_more: bool = False) -> News:
    store = Store(name="Main", time_zone="Europe/Berlin")
    alert = Alert(
        kind=AlertKind.LIVE,
        happened_at=WHEN,
        created_at=WHEN,
        store=store,
        camera=Camera(name="Till 2", store=store),
    )
    return News(hints=[Hint(alert=alert, now=WHEN)] * count, has_more=has_more)


STATES: dict[str, Callable[[], dict[str, dict[str, Any]]]] = {
    "beyond": lambda: {
        "the first page": {
            "part": "#history",
            "page": Page(rows=(), after=UUID(int=7)),
            "request": _request("text=till"),
        },
        "in between": {
            "part": "#history",
            "page": Page(rows=(), after=UUID(int=7), before=UUID(int=6)),
            "request": _request("text=till"),
        },
    },
    "box": lambda: {
        "as a picture has it": {
            "number": 1,
            "is_hint": True,
            "room_above": True,
            **dict.fromkeys(("x", "y"), "30%"),
            **dict.fromkeys(("width", "height"), "50%"),
        },
        "uncertain": {
            "number": 2,
            "is_uncertain": True,
            "room_above": True,
            **dict.fromkeys(("x", "y"), "30%"),
            **dict.fromkeys(("width", "height"), "50%"),
        },
        "for the player": {
            "number": 12,
            "track": Track(number=12, times=[0.0], boxes=[[0.1, 0.2, 0.3, 0.9]]),
        },
    },
    "boxes": lambda: {
        "over a picture": {
            "boxes": [
                _box(1, Prediction.HINT, top=0.3),
                _box(3, Prediction.UNCERTAIN, top=0.3),
                _box(5, Prediction.NO_HINT, top=0.05),
            ]
        },
        "over the player": {},
    },
    "chips": lambda: {
        "two": {
            "chips": [
                Chip(label="Status", value="Done", address_without="?"),
                Chip(label="Clip name", value=LONG, address_without="?status=done"),
            ],
            "clear": "/history/",
        },
    },
    "clip_name": lambda: {"short": {"name": SHORT}, "long": {"name": LONG}},
    "column_head": lambda: {
        name: {"column": column, "request": _request(), "sort": sort}
        for name, column, sort in (
            ("sorted by it", tables.HISTORY[1], ["clip"]),
            ("sorted by another", tables.HISTORY[3], ["clip"]),
            ("not to be sorted by", tables.HISTORY[4], []),
            ("to be heard alone", tables.HISTORY[0], []),
        )
    },
    "confidence": lambda: {
        "known": {
            "confidence": ConfidenceText(value="70%", ends="41 to 79", sentence="How often.")
        },
        "not known": {"confidence": ConfidenceText(value="", ends="", sentence="Not known.")},
    },
    "delete_dialog": lambda: {"open": {"csrf_token": TOKEN}},
    "delete_link": lambda: {
        "large": {"clip": _clip(), "next": "/history/"},
        "small": {"clip": _clip(), "next": "/history/", "small": True, "id": 7},
    },
    "empty": lambda: {
        "with a way on": {
            "title": "Nothing matches",
            "text": "No result matches these filters.",
            "address": "#",
            "action": "Clear all filters",
        },
        "without": {"title": "No clips yet", "text": "Drop a recorded clip above."},
    },
    "fields": lambda: {"with help and an error": {"form": _form()}},
    "figure_row": lambda: {
        "measured": {"label": "Recall", "figure": Interval(value=0.46, low=0.27, high=0.8)},
        "not measured": {"label": "Accuracy", "figure": None},
    },
    "hash": lambda: {
        "a fingerprint": {"hash": "a583d43088b0fb59" * 4},
        "a key": {"hash": "slk_" + "a583d43088b0fb59" * 2, "what": "key"},
    },
    "live_picture": lambda: {
        "no picture": {"camera": _camera(), "stream": False},
        "the last one, of a camera that is offline": {
            "camera": _camera(stamp=int(WHEN.timestamp()) * 10**9),
            "stream": False,
        },
    },
    "live_prediction": lambda: {
        state: {"analysis": analysis} for state, analysis in _analyses().items()
    },
    "list_table": lambda: {
        "of live events": {
            "rows": _live_events(),
            "row": "video_classifier/camera/_event.html",
            "columns": tables.LIVE_EVENTS,
            "part": "",
            "request": _request(),
            "sort": [],
            "picture": False,
        },
    },
    "live_rows": lambda: {"not to be seen": {"list": "history", "next": "/history/?sort=hint"}},
    "live_status": lambda: {
        label: {"status": LiveStatus(tone=tone, label=label, sentence="")}
        for tone, label in (
            (LIVE, "Live"),
            (WAITING, "Connecting"),
            (TROUBLE, "Offline"),
            (OFF, "Off"),
        )
    },
    "message_state": lambda: {
        "sent": {"label": "Sent", "tone": "success", "icon": "check-circle"},
        "tried again": {"label": "Trying again", "tone": "warning", "icon": "arrow-repeat"},
        "failed": {"label": "Failed", "tone": "error", "icon": "x-octagon"},
        "waiting": {"label": "Waiting", "tone": "info", "icon": "hourglass-split"},
    },
    "model_choice": lambda: {
        "several": {"choices": _choices(), "chosen": "person_ensemble"},
    },
    "model_option": lambda: {
        "chosen": {"choice": _choices()[0], "checked": True},
        "may be guessing": {"choice": _choices()[1]},
        "can't be used": {"choice": _choices()[2]},
    },
    "model_quality": lambda: {
        "measured": {"card": _measured()},
        "by recording, too": {"card": _measured_by_recording()},
        "may be guessing": {"card": _guessing()},
        "not measured": {"card": _card()},
    },
    "model_select": lambda: {"any": {"choices": _choices(), "chosen": "conv3d"}},
    "news_bar": lambda: {
        "one": {"news": _news(1), "csrf_token": TOKEN},
        "too many to count": {"news": _news(MOST, has_more=True), "csrf_token": TOKEN},
        "none, after they were dismissed": {
            "news": News(hints=()),
            "said": "The new hints are marked as seen.",
            "csrf_token": TOKEN,
        },
    },
    "notice": lambda: {
        "info": {"text": "Nothing was sent."},
        "success": {
            "text": "The clip was moved to the trash.",
            "tone": "success",
            "undo": "#",
            "next": "/history/",
            "csrf_token": TOKEN,
        },
        "warning": {"text": "That may be no better than guessing.", "tone": "warning"},
        "error": {"text": "This model can't be used just now.", "tone": "error"},
    },
    "pagination": lambda: {
        "the second of three": {
            "part": "#history",
            "page": Paginator(range(9), 3).get_page(2),
            "request": _request("page=2&text=till"),
        },
    },
    "place": lambda: {
        "of several stores": {
            "clip": Clip(store=Store(name="Main"), camera=Camera(name="Till 2")),
            "show_store": True,
        },
        "of one store": {"clip": Clip(camera=Camera(name="Till 2"))},
    },
    "prediction_badge": lambda: {
        state: {"result": ResultSummary(analysis=analysis)}
        for state, analysis in _analyses().items()
    },
    "recorded": lambda: {
        "by the name": {"clip": _recorded_clip()},
        "in a row": {"clip": _recorded_clip(), "short": True},
    },
    "recording_time": lambda: {"several stores": {"form": _store_form()}},
    "restore_form": lambda: {
        "beside others": {"clip": _clip(), "next": "/trash/", "csrf_token": TOKEN},
        "alone": {"clip": _clip(), "primary": True, "csrf_token": TOKEN},
    },
    "score_curve": lambda: {
        "several tracks, a hint": {
            "curve": _curve(
                {
                    1: (0.12, 0.2, 0.31, 0.58, 0.81, 0.86, 0.74, 0.4, 0.22),
                    2: (0.05, 0.08, 0.3, 0.42, 0.35, 0.2),
                    3: (0.2, 0.17, 0.1),
                }
            ),
            "moments": "#t=",
        },
        "the whole picture, no hint, no file": {
            "curve": _curve({None: (0.12, 0.3, 0.41, 0.2, 0.05, 0.0, 0.1, 0.08)}),
            "moments": "",
        },
        "hours, with gaps": {"curve": _overview(), "moments": "#t=", "home": "#"},
    },
    "score_meter": lambda: {
        "hint": {"reading": ScoreReading(score=0.93, threshold=0.89), "tone": Prediction.HINT},
        "no hint": {
            "reading": ScoreReading(score=0.8899, threshold=0.89),
            "tone": Prediction.NO_HINT,
        },
        "uncertain": {
            "reading": ScoreReading(score=0.7, threshold=0.89, low=0.6),
            "tone": Prediction.UNCERTAIN,
        },
    },
    "shortcuts_dialog": lambda: {"open": {}, "single keys are off": {"are_off": True}},
    "site_header": lambda: {
        "signed in": {
            "user": User(username="ada"),
            "path": "/history/",
            "left": "",
            "csrf_token": TOKEN,
        },
        "cameras are watched": {
            "user": User(username="ada"),
            "path": "/live/",
            "csrf_token": TOKEN,
            "watches": True,
        },
        "a stranger": {"user": AnonymousUser()},
    },
    "store_choice": lambda: {"several stores, with cameras": {"form": _store_form()}},
    "verdict_badge": lambda: (
        {verdict.label: {"verdict": verdict.value, "label": verdict.label} for verdict in Verdict}
        | {
            "with its reason": {
                "verdict": Verdict.FALSE_ALARM.value,
                "label": Verdict.FALSE_ALARM.label,
                "reason": Reason.PUT_BACK.value,
            }
        }
        | {"not to be known yet": {"verdict": "", "label": "", "is_withheld": True}}
    ),
    "when": lambda: {"any": {"at": WHEN}, "in a row": {"at": WHEN, "short": True}},
    "zoom": lambda: {
        "all": {"zoom": _zoom("")},
        "a minute": {"zoom": _zoom("from=3000&to=3060&sort=time")},
        "not understood": {"zoom": _zoom("from=noon")},
    },
}
