"""Makers of what the tests need, and a site of its own for each test."""

from __future__ import annotations

import gc
import hashlib
import itertools
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import psutil
import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.db import connections
from django.test import Client, TransactionTestCase
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings
from whitenoise.middleware import WhiteNoiseMiddleware

from tests import databases, servers
from tests.makers import migrated as migrated_database
from tests.makers.past import Past
from video_classifier.ml.contracts import (
    UNWATCHED,
    WHOLE,
    Box,
    ClipSpec,
    EventCandidate,
    Image,
    Outcome,
    Prediction,
    Progress,
    Region,
    Sample,
    ScoredTrack,
    Span,
    Stage,
    WindowScore,
)
from video_classifier.ml.contracts import Track as Motion
from video_classifier.ml.serving import bundle, events
from video_classifier.ml.serving.card import Card, Interval
from video_classifier.ml.serving.confidence import Confidence
from video_classifier.models import Analysis, Clip, Segment, Store, Track
from video_classifier.models.analyses import Result
from video_classifier.models.cameras import MAIN
from video_classifier.services import accounts, copies, sandbox
from video_classifier.states import Playback, Role, Status
from video_classifier.states import Prediction as Predicted

PASSWORD = "correct horse battery"
WORKER = "PYTEST_XDIST_WORKER"  # in the environment of each of several processes
# Files that take a minute or more, if only because of tests marked `long`.
FIRST = (
    *("test_looks.py", "test_hours.py", "test_live_camera.py", "test_alerts_arrive.py"),
    *("test_notebooks.py", "test_soak.py", "test_trainer.py", "test_upgrade.py"),
)
# Pages and the API ask by services, whose tests PostgreSQL has.
OF_INTERFACES = ("api", "web")

MEASURED = {
    "recall": Interval(value=0.46, low=0.27, high=0.8),
    "specificity": Interval(value=0.97, low=0.8, high=1.0),
    "auc": Interval(value=0.89, low=0.79, high=0.96),
}

# Scores that mean what they say: of clips with a score of 0.75, 75 of 100 were thefts.
EVEN = Confidence(
    intercept=0.0,
    slope=1.0,
    scores=(0.05, 0.25, 0.75, 0.95),
    low=(0.01, 0.1, 0.5, 0.8),
    high=(0.2, 0.4, 0.9, 0.99),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--seeds", type=int, default=3, help="for each test that is marked fuzz (default: 3)"
    )


def pytest_report_header(config: pytest.Config) -> str:
    return f"fuzz: {config.getoption('seeds')} seeds a test; `make fuzz` tries many"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: tests of cameras and clocks hardly use theirs."""
    return (psutil.cpu_count(logical=True) or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """To look for garbage among all modules and tests took a third of it, and some of each test."""
    gc.disable()
    found = yield
    gc.freeze()
    gc.enable()
    return found


@pytest.hookimpl(tryfirst=True)  # before -m looks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _asks_the_database(item) and _may_differ(item):
            item.add_marker("db")
        if "CI" in os.environ and item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))  # the summary names those that needed it


class Order:
    """Of files among several processes: a long one at the end keeps one busy, the others not."""

    @pytest.hookimpl(trylast=True)  # pytest-django puts last what empties the database
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    if item.path.name in FIRST:
        return 0
    return 1 if item.get_closest_marker("browser") is None else 2


class AtOnce:
    """Prints what fails while others still run, so that a run which is ended has named it, too."""

    def __init__(self, plugins: pytest.PytestPluginManager) -> None:
        self._plugins = plugins

    @pytest.hookimpl(trylast=True)  # after its letter
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        terminal = self._plugins.get_plugin("terminalreporter")  # xdist's processes have none
        if terminal is not None and report.outcome in {"failed", "rerun"}:
            terminal.write_line(f"\n{report.outcome.upper()} {report.nodeid} ({report.when})")
            terminal.write_line(report.longreprtext)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Order())
    if "CI" in os.environ:
        config.pluginmanager.register(AtOnce(config.pluginmanager))


def _asks_the_database(item: pytest.Item) -> bool:
    """Keras and a browser have nothing to ask it that others don't."""
    if any(map(item.get_closest_marker, ("keras", "browser"))):
        return False
    fixtures = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None


def _may_differ(item: pytest.Item) -> bool:
    """On PostgreSQL; of an interface, what asks by itself, counts or sorts says so by its mark."""
    if item.path.parent.name not in OF_INTERFACES:
        return True
    marks = item.iter_markers("django_db")
    transactional = any(mark.kwargs.get("transaction") for mark in marks)
    return transactional or item.get_closest_marker("postgresql") is not None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("fuzz"):
        metafunc.parametrize("seed", range(metafunc.config.getoption("seeds")))


def followed(score: float, *, since: float = 0.0) -> ScoredTrack:
    """Somebody who walks from left to right for a second."""
    return ScoredTrack(
        track=Motion(
            times=(since, since + 1),
            boxes=tuple(
                Box(left=left, top=0.25, right=left + 0.25, bottom=0.75) for left in (0.0, 0.5)
            ),
        ),
        score=score,
        images=np.full((2, 16, 16, 3), 200, np.uint8),
        times=(since + 0.25, since + 0.75),
        windows=(WindowScore(start=since, end=since + 1, score=score),),
    )


def later(scored: ScoredTrack, *, by: float) -> ScoredTrack:
    """The same so many seconds later in the clip."""
    return replace(
        scored,
        track=replace(scored.track, times=tuple(by + time for time in scored.track.times)),
        times=tuple(by + time for time in scored.times),
        windows=tuple(
            replace(each, start=by + each.start, end=by + each.end) for each in scored.windows
        ),
    )


def as_candidate(window: WindowScore, track: int | None = None) -> EventCandidate:
    """The candidate that is a single window."""
    return EventCandidate(
        start=window.start,
        end=window.end,
        peak=(window.start + window.end) / 2,
        score=window.score,
        track=track,
    )


class FakePredictor:
    """Gives the score it was made with, or no result, or raises the error.

    `during` each stage it calls back.

    With `tracks` the score is the highest of theirs. The times it was made with are those of a
    whole clip, and later by the span's start where one is asked for.
    """

    name = "fake"
    sha256 = "f" * 64
    card = Card(
        name=name,
        network="conv3d",
        summary="For tests.",
        spec=ClipSpec(height=16, width=16),
        threshold=0.5,
        created="2025-01-01",
    )

    def __init__(
        self,
        score: float = 0.5,
        *,
        threshold: float = 0.5,
        error: Exception | None = None,
        warnings: tuple[str, ...] = (),
        no_result: str = "",
        tracks: tuple[ScoredTrack, ...] = (),
        during: Callable[[Stage], object] = lambda _: None,
    ) -> None:
        self._score = max((track.score for track in tracks), default=score)
        self._threshold = threshold
        self._tracks = tracks
        self._error = error
        self._warnings = warnings
        self._no_result = no_result
        self._during = during

    def analyze(
        self,
        video: Path,
        *,
        span: Span = WHOLE,
        preview_width: int | None = None,
        progress: Progress = UNWATCHED,
    ) -> Outcome:
        assert video.is_file()
        for stage in Stage:
            progress.on_stage(stage)
            self._during(stage)
            progress.check()
        if self._error is not None:
            raise self._error
        preview = np.full((18, preview_width or 24, 3), 128, np.uint8)
        predicted = Prediction(score=self._score, threshold=self._threshold)
        tracks, windows = self._scored(span.start)
        return Outcome(
            prediction=None if self._no_result else predicted,
            no_result=self._no_result,
            sample=Sample(
                images=np.zeros((2, 8, 8, 3), np.uint8),
                times=(span.start + 0.5, span.start + 1.5),
                length=2.0,
                warnings=self._warnings,
                previews=(preview, preview),
            ),
            seconds_reading=0.2,
            seconds_classifying=0.1,
            seconds_finding=0.3 if self._tracks else 0.0,
            view=Region.PERSON if self._tracks else Region.FRAME,
            candidates=(
                *events.candidates(windows, best=1),
                *itertools.chain.from_iterable(
                    events.candidates(each.windows, best=1, track=number)
                    for number, each in enumerate(tracks, 1)
                ),
            ),
            windows=windows,
            tracks=tracks,
            tracks_found=len(self._tracks),
            detector_sha256="d" * 64 if self._tracks else "",
            model_sha256=self.sha256,
        )

    def _scored(self, start: float) -> tuple[tuple[ScoredTrack, ...], tuple[WindowScore, ...]]:
        """Tracks, or windows of whole frames."""
        if self._no_result:
            return (), ()
        if self._tracks:
            return tuple(later(each, by=start) for each in self._tracks), ()
        return (), (WindowScore(start=start, end=start + 2, score=self._score),)

    def load(self) -> None:
        """It needs none."""

    def score(self, _: Image) -> float:
        return self._score


Migrated = Callable[[Path], Path]


class MakeUser(Protocol):
    def __call__(self, name: str = ..., **fields: Any) -> User: ...


class MakeStore(Protocol):
    def __call__(self, name: str = ..., **fields: object) -> Store: ...


class MakeClip(Protocol):
    def __call__(self, *, name: str = ..., content: bytes = ..., **fields: object) -> Clip: ...


class MakeAnalysis(Protocol):
    def __call__(
        self, *, name: str = ..., clip: Clip | None = ..., **fields: object
    ) -> Analysis: ...


class MakeTrack(Protocol):
    def __call__(self, *, analysis: Analysis | None = ..., **fields: object) -> Track: ...


class MakeModel(Protocol):
    def __call__(self, name: str = ..., **card: object) -> Path: ...


@pytest.fixture(scope="session")
def kept_databases(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all processes, and of later runs unless pytest is to keep nothing."""
    if pytestconfig.pluginmanager.has_plugin("cacheprovider"):
        return pytestconfig.cache.mkdir("migrated")
    own = tmp_path_factory.getbasetemp()
    return own.parent if WORKER in os.environ else own


@pytest.fixture(scope="session")
def migrated(kept_databases: Path) -> Migrated:
    """Makes the folder for the data of a site, with the tables in it: to migrate takes long."""

    def make(data: Path) -> Path:
        data.mkdir(parents=True, exist_ok=True)
        migrated_database.copy(kept_databases, data / "db.sqlite3")
        return data

    return make


@pytest.fixture(scope="session")
def past(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[Past]:
    """Databases as they were after earlier migrations."""
    made = Past(tmp_path_factory.mktemp("past"), django_db_blocker)
    yield made
    made.forget()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    tmp_path_factory: pytest.TempPathFactory,
    kept_databases: Path,
    django_db_modify_db_settings_parallel_suffix: None,
    *,
    django_db_keepdb: bool,
) -> None:
    """SQLite in a file, as in production: in memory, it locks otherwise and threads don't race."""
    database = connections["default"]
    if database.vendor == "sqlite":
        file = tmp_path_factory.mktemp("database") / "db.sqlite3"
        database.settings_dict["TEST"]["NAME"] = str(file)
        if django_db_keepdb:
            migrated_database.copy(kept_databases, file)


@pytest.fixture(scope="session")
def django_db_keepdb(*, django_db_keepdb: bool, django_db_use_migrations: bool) -> bool:
    """SQLite's is a copy of one that is migrated already."""
    is_copied = connections["default"].vendor == "sqlite" and django_db_use_migrations
    return is_copied or django_db_keepdb


@pytest.fixture(scope="session", autouse=True)
def _same_reach(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A child that reads clips takes a moment to start, and so may read those of all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "STRIDES", tmp_path_factory.getbasetemp())
        yield


@pytest.fixture(scope="session", autouse=True)
def _static_files() -> Iterator[None]:
    """Each new client of Django's loads the middleware, of which one looks for all static files."""
    find = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[str, Any] = {}

    def find_once(self: WhiteNoiseMiddleware) -> None:
        if not found:
            find(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", find_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _emptied() -> Iterator[None]:
    """After each test that has transactions of its own, or a site that runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: databases.empty())
        yield


@pytest.fixture(scope="session")
def _folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders for one test each; pytest would look through all of them for the next number."""
    folder = tmp_path_factory.mktemp("sites")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_site(settings: Settings, _folders: Iterator[Path]) -> None:
    data = next(_folders)
    data.mkdir()
    settings.DATA_DIR = data
    settings.MEDIA_ROOT = data / "media"
    settings.FILE_UPLOAD_TEMP_DIR = data / "uploads"
    settings.MODELS_STORAGE = data / "models_storage"
    settings.PERSON_DETECTOR = settings.MODELS_STORAGE / "person_detector"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    settings.RUNNER = settings.WATCHER = "none"
    settings.EMAIL_URL = settings.SITE_URL = ""
    settings.ALERT_NETWORKS = []
    settings.DISK_FLOOR_BYTES = 0  # the disk of who tests is no matter
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick


@pytest.fixture
def make_store(db: None) -> MakeStore:
    """The one of that name. A test that empties the database takes “Main” away, too."""

    def make(name: str = MAIN, **fields: object) -> Store:
        return Store.objects.get_or_create(name=name, defaults=fields)[0]

    return make


@pytest.fixture(scope="session")
def installed() -> None:
    """The programs of real servers; without them a test is skipped, but not in CI."""
    try:
        servers.find()
    except servers.MissingError as missing:
        if "CI" in os.environ:
            raise
        pytest.skip(str(missing))


@pytest.fixture
def make_user(make_store: MakeStore) -> MakeUser:
    """Who works in the main store, unless it is said otherwise."""

    def make(
        name: str = "ada",
        *,
        roles: Iterable[Role] = (Role.ANALYST, Role.REVIEWER),
        store: Store | None = None,
        **fields: Any,
    ) -> User:
        user = User.objects.create_user(name, password=PASSWORD, **fields)
        accounts.join(user, store or make_store(), *roles)
        return user

    return make


def make_deleter(make_user: MakeUser, name: str = "boss", **fields: object) -> User:
    """Somebody who may delete and restore every clip."""
    found = make_user(name, **fields)
    found.user_permissions.add(Permission.objects.get(codename="delete_clip"))
    return found


@pytest.fixture
def user(make_user: MakeUser) -> User:
    return make_user()


@pytest.fixture
def client(user: User) -> Client:
    """Signed in as `user`."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def stranger(db: None) -> Client:
    """Not signed in."""
    return Client()


@pytest.fixture
def make_clip(make_store: MakeStore) -> MakeClip:
    def make(*, name: str = "door.mp4", content: bytes = b"video", **fields: object) -> Clip:
        facts = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_bytes": len(content),
            "container": "mp4",
            "codec": "h264",
            "width": 640,
            "height": 480,
            "frame_rate": 30.0,
            "duration": 2.0,
        }
        fields.setdefault("store", make_store())
        file = ContentFile(content, name="clip.mp4")
        clip = Clip.objects.create(name=name, file=file, **facts | fields)
        if clip.playback == Playback.WANTED:
            copies.want(clip)
        return clip

    return make


def claimed(now: datetime) -> dict[str, object]:
    """What a job has that a worker took up at that moment."""
    deadline = now + timedelta(minutes=30)
    return {
        "worker": "one",
        "attempts": 1,
        "claimed_at": now,
        "heartbeat_at": now,
        "deadline": deadline,
    }


def _plausible(status: Status) -> dict[str, object]:
    """What a row in that status has to have."""
    now = timezone.now()
    running = {"started_at": now, **claimed(now)}
    closed = running | {"finished_at": now}
    predicted: dict[str, object] = {"prediction": Predicted.HINT, "score": 0.9, "threshold": 0.5}
    return {
        Status.QUEUED: {},
        Status.PAUSED: {},
        Status.CANCELLED: {},
        Status.RUNNING: running,
        Status.DONE: closed | predicted,
        Status.FAILED: closed | {"error": "It can't be read."},
    }[status]


@pytest.fixture
def make_analysis(make_clip: MakeClip) -> MakeAnalysis:
    def make(*, name: str = "door.mp4", clip: Clip | None = None, **fields: object) -> Analysis:
        status = Status(str(fields.get("status", Status.QUEUED)))
        fields = {"model": "standard"} | _plausible(status) | fields
        if "queued_at" in fields:
            fields.setdefault("waiting_since", fields["queued_at"])
        job = {field: fields.pop(field) for field in JOB if field in fields}
        analysis = Analysis.objects.create(clip=clip or make_clip(name=name), **fields)
        make_segment(analysis, **job)
        return analysis

    return make


# What of an analysis that a test asks for belongs to its segment.
JOB = (
    *("worker", "attempts", "claimed_at", "heartbeat_at", "deadline"),
    *("waiting_since", "priority", "version"),
)


def make_segment(analysis: Analysis, **fields: object) -> Segment:
    """One that came to the same as its analysis."""
    same = {field.name: getattr(analysis, field.name) for field in Result._meta.fields}
    same |= {name: getattr(analysis, name) for name in ("status", "requested_by", "error")}
    return Segment.objects.create(analysis=analysis, **{"number": 1} | same | fields)


def segment_of(analysis: Analysis) -> Segment:
    """Its only one, as a worker gets it."""
    return Segment.objects.select_related("analysis__clip").get(analysis=analysis)


@pytest.fixture
def make_track(make_analysis: MakeAnalysis) -> MakeTrack:
    """Who walks from left to right in the first second."""

    def make(*, analysis: Analysis | None = None, **fields: object) -> Track:
        analysis = analysis or make_analysis()
        facts: dict[str, object] = {
            "number": 1,
            "score": 0.9,
            "times": [0.0, 1.0],
            "boxes": [[0.0, 0.25, 0.25, 0.75], [0.5, 0.25, 0.75, 0.75]],
            "crop_times": [0.25, 0.75],
        }
        facts |= fields
        if "segment" not in facts:
            facts["segment"] = analysis.segments.get()
        return Track.objects.create(
            analysis=analysis, **{"number_in_segment": facts["number"]} | facts
        )

    return make


@pytest.fixture
def make_model(settings: Settings) -> MakeModel:
    """A model as far as the catalog looks: its card, and a file that matches it."""

    def make(name: str = "standard", **card: object) -> Path:
        folder = Path(settings.MODELS_STORAGE) / name
        folder.mkdir(parents=True)
        (folder / bundle.NETWORK_FILE).write_bytes(b"weights")
        facts: dict[str, object] = {
            "name": name,
            "network": "conv3d",
            "summary": "For tests.",
            "spec": ClipSpec(),
            "threshold": 0.5,
            "sha256": hashlib.sha256(b"weights").hexdigest(),
            "parameters": 1,
            "created": "2025-01-01",
        }
        bundle.write_card(folder, Card(**facts | card))  # type: ignore[arg-type]
        return folder

    return make
