"""What somebody asks for by keys of another store is answered as if there were no such rows."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection, models, transaction
from django.db.models import ForeignKey, Model, Q
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import MakeAnalysis, MakeClip, MakeModel, MakeStore, MakeTrack, MakeUser
from tests.makers.alerts import make_channel, make_delivery
from tests.makers.events import make_result_event
from tests.makers.feeds import make_feed
from tests.makers.forms import FoundForm, Walk
from tests.makers.hints import make_hint, make_recording_hint
from tests.makers.measures import make_measure
from tests.makers.versions import make_version
from video_classifier.models import (
    AuditEntry,
    Camera,
    Case,
    CaseExport,
    PlantedAct,
    RequestCount,
    SavedView,
    SignedIn,
    Store,
    Upload,
)
from video_classifier.services import api_keys, cases, resumable, reviews, tags, trash
from video_classifier.states import Answer, ListPage, Prediction, Role, Scope, Status

Furnish = Callable[[Store], User]

OTHER = "Zebra"  # in the name of all that the other store has
# Keys of its first rows, whatever they are of, and keys that no row has.
THEIRS = (9_001, uuid.UUID(int=9_001))
NOBODYS = (8_001, uuid.UUID(int=8_001))
HOUR = timedelta(hours=1)
STARTS = ("/", "/history/", "/trash/", "/review/", "/live/", "/alerts/", "/cases/", "/cameras/")
APART = ("test/", "accounts/")  # a child connects to a camera; what is nobody else's
LEAST_FORMS, MOST_REFUSED = 30, 6
LOOKS = (re.compile(r"\d+"), re.compile(r"[0-9a-f-]{36}"))
WRITING = re.compile(r'(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"')
CHANGES = re.compile(r"[\w-]{20,}(:[\w-]+)*|\d+(\.\d+)?")  # tokens, numbers, times


@pytest.fixture
def furnish(
    make_model: MakeModel,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    make_track: MakeTrack,
    make_user: MakeUser,
    settings: Settings,
) -> Furnish:
    settings.WAITING_PER_USER = 1_000_000
    settings.RATE_LIMITS = 0
    settings.MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
    make_model()
    make_model(settings.DEFAULT_MODEL)

    def make(store: Store) -> User:
        """A little of everything, and who works there."""
        name, now = store.name, timezone.now()
        person = make_user(f"{name} worker", roles=list(Role), store=store)
        feed = make_feed(f"{name} till", store=store)
        camera = feed.camera
        clips = [
            make_clip(name=f"{name} {kind}.mp4", store=store, camera=camera, uploaded_by=person)
            for kind in range(4)
        ]
        done = make_analysis(
            clip=clips[0],
            status=Status.DONE,
            prediction=Prediction.HINT,
            score=0.8,
            requested_by=person,
        )
        event = make_result_event(done)
        make_result_event(done, start=4.0, number=2)
        make_track(analysis=done)
        make_analysis(clip=clips[1], requested_by=person)
        make_hint(feed)
        make_recording_hint(done)
        make_delivery(make_channel(f"{name} night", stores=[store]), status=Status.FAILED)
        reviews.answer(event, clips[0], person, answer=Answer.FALSE_ALARM, note=f"{name} note")
        tags.put([clips[0]], f"{name} tag")
        make_version(store)
        make_measure(camera)
        PlantedAct.objects.create(camera=camera, started_at=now - HOUR, ended_at=now)
        case = cases.create(store, cases.Subject(name=f"{name} bicycles"), by=person)
        item = cases.add_clip(case, clips[2], by=person)
        cases.note(case, f"{name} note", by=person, item=item)
        CaseExport.objects.create(case=case, status=Status.DONE, file="x.zip", finished_at=now)
        SavedView.objects.create(
            owner=person, page=ListPage.HISTORY, name=f"{name} view", shared_in=store
        )
        api_keys.create(person, name=f"{name} key", scopes=[Scope.READ], days=1, by=person)
        upload = Upload.objects.create(
            user=person,
            name="a.mp4",
            size_bytes=9,
            store=store,
            model="standard",
            expires_at=now + HOUR,
        )
        resumable.path_of(upload).parent.mkdir(exist_ok=True)
        resumable.path_of(upload).touch()
        trash.put(clips[3], by=person)
        return person

    return make


@dataclass(frozen=True, slots=True)
class Other:
    """The rows of another store."""

    keys: dict[type[Model], list[Any]]
    before: dict[type[Model], list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.before.update((model, list(self._of(model))) for model in self.keys)

    def reached(self, tables: Container[str]) -> list[str]:
        """The models, of these tables, in which they, or what refers to them, have changed."""
        return [
            model.__name__
            for model in self.keys
            if model._meta.db_table in tables and list(self._of(model)) != self.before[model]
        ]

    def _of(self, model: type[Model]) -> models.QuerySet[Model, Any]:
        wanted = Q(pk__in=self.keys[model])
        for each in model._meta.concrete_fields:
            if isinstance(each, ForeignKey) and (keys := self.keys.get(each.related_model)):
                wanted |= Q(**{f"{each.name}__in": keys})
        return model._default_manager.filter(wanted).order_by("pk").values_list()


@pytest.fixture
def other(furnish: Furnish, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> Other:
    """Beside the main store, which has as much."""
    furnish(make_store())
    before = {model: set(_keys(model)) for model in _models()}
    for model in _models():
        key = model._meta.pk
        if isinstance(key, models.UUIDField):
            first = itertools.chain([THEIRS[1]], iter(uuid.uuid4, None))
            monkeypatch.setitem(key.__dict__, "_get_default", partial(next, first))
        elif isinstance(key, models.AutoField):
            _count_from(THEIRS[0], model)
    furnish(make_store(OTHER))
    return Other(
        keys={model: [key for key in _keys(model) if key not in before[model]] for model in before}
    )


def _models() -> list[type[Model]]:
    """Of all that belongs to a store, with the tables between two models."""
    own = apps.get_app_config("video_classifier").get_models(include_auto_created=True)
    return [model for model in own if model not in {AuditEntry, RequestCount, SignedIn}]


def _keys(model: type[Model]) -> list[Any]:
    return list(model._default_manager.values_list("pk", flat=True))


def _count_from(number: int, model: type[Model]) -> None:
    table, column = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
            cursor.execute("INSERT INTO sqlite_sequence VALUES (%s, %s)", [table, number - 1])
        else:
            sequence = "SELECT setval(pg_get_serial_sequence(%s, %s), %s)"
            cursor.execute(sequence, [f'"{table}"', column, number - 1])


@pytest.fixture
def mallory(other: Other, make_user: MakeUser) -> Client:
    """Who may do everything in the main store, and sees nothing of the other."""
    client = Client()
    client.force_login(make_user("mallory", roles=list(Role)))
    return client


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """But for what is another each time: keys, tokens, times."""

    status: int
    to: str
    text: str
    messages: str
    reached: list[str]  # models of the other store


def _send(
    client: Client, other: Other, address: str, values: dict[str, Any], *, key: object = ""
) -> Answered:
    """What comes of it, which is undone."""
    parts, written = urlsplit(address), set[str]()

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        if found := WRITING.match(sql):
            written.add(found[1])
        return execute(sql, *rest)

    with transaction.atomic():
        with connection.execute_wrapper(note):
            answer = client.post(parts.path, values, query_params=dict(parse_qsl(parts.query)))
        told = (answer.get("Location", ""), answer.getvalue().decode(errors="replace"))
        messages = str(client.session.get("_messages", ""))
        reached = other.reached(written)
        transaction.set_rollback(True)
    assert OTHER not in messages + told[1], (address, values)
    to, text, messages = (
        CHANGES.sub("*", each.replace(str(key) or "*", "*")) for each in (*told, messages)
    )
    return Answered(status=answer.status_code, to=to, text=text, messages=messages, reached=reached)


def test_no_form_reaches_what_another_store_has(other: Other, mallory: Client) -> None:
    """Each is filled in well, but for one field, which names a row."""
    every = [form for form in Walk(mallory, *STARTS).forms.values() if _is_one(form)]
    refused = []

    for form in every:
        values = form.filled_well()
        if _send(mallory, other, form.action, values).status >= 400:
            refused.append(form.action)
        for name in sorted(form.fields.keys() - form.typed.keys()):
            for theirs, nobodys in _fitting(form.fields[name]):
                found, none = (
                    _send(
                        mallory,
                        other,
                        form.action,
                        values | {name: [values[name], str(key)]},
                        key=key,
                    )
                    for key in (theirs, nobodys)
                )
                assert found.status < 500, (form.action, name)
                assert found.reached == [], (form.action, name)
                assert found == none, (form.action, name)

    assert len(every) >= LEAST_FORMS, every  # or the walk has lost its way
    assert len(refused) <= MOST_REFUSED, refused  # or what is typed isn't what is meant


def _is_one(form: FoundForm) -> bool:
    return form.method == "post" and not any(each in form.route for each in APART)


def _fitting(offered: list[str]) -> list[tuple[object, object]]:
    """Of the keys above those that look like what a field offers; all if it offers nothing."""
    known = [each for each in offered if each]
    return [
        keys
        for keys, looks in zip(zip(THEIRS, NOBODYS, strict=True), LOOKS, strict=True)
        if all(map(looks.fullmatch, known))
    ]


@pytest.mark.parametrize(
    ("name", "within"),
    [
        ("remove-from-case", Case),
        ("remove-act", Camera),
        ("shadow-version", Store),
        ("activate-version", Store),
    ],
)
def test_nor_does_an_address_of_ones_own_that_ends_with_another_stores_key(
    other: Other, mallory: Client, name: str, within: type[Model]
) -> None:
    own = within._default_manager.exclude(pk__in=other.keys[within]).get()

    found, none = (
        _send(mallory, other, reverse(f"web:{name}", args=[own.pk, key]), {"why": "x"}, key=key)
        for key in (THEIRS[0], NOBODYS[0])
    )

    assert found.reached == []
    assert found == none
