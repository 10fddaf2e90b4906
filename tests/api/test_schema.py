"""The schema: current, true, and what it says of every answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, settings
from pytest_django import Settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.api.conftest import Key
from tests.conftest import MakeAnalysis, MakeModel, MakeTrack
from tests.makers.footage import ROOT
from video_classifier.models import Event
from video_classifier.states import Status, View

COMMITTED = ROOT / "docs/openapi.json"
EXAMPLES = 10  # of each operation that are generated, besides those of the boundaries
# Not whether each valid request is accepted: no store may have that number.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]


def generated() -> dict[str, Any]:
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


def test_the_committed_schema_is_current() -> None:
    """`python manage.py spectacular --format openapi-json --file docs/openapi.json` renews it."""
    assert json.loads(COMMITTED.read_text()) == json.loads(json.dumps(generated()))


def test_it_is_of_version_3_1_and_has_no_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    assert generated()["openapi"].startswith("3.1")
    assert "warning" not in capsys.readouterr().err.lower()


def test_each_operation_says_what_it_is_and_how_it_fails() -> None:
    for path, operations in generated()["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert {"400", "401", "403", "429"} <= set(operation["responses"]), where
            assert {"key": []} in operation["security"], where


@pytest.fixture
def _connected() -> Iterator[None]:
    """Requests end without closing the database, as those of Django's own test client do."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def _a_little_of_everything(
    _connected: None,
    user: User,
    make_model: MakeModel,
    make_analysis: MakeAnalysis,
    make_track: MakeTrack,
    settings: Settings,
) -> None:
    settings.API_RATE = 1_000_000
    settings.WAITING_PER_USER = 1_000_000
    settings.RUNNER = "none"
    make_model()
    analysis = make_analysis(
        status=Status.DONE, score=0.8, view=View.PERSON, decided_by=1, requested_by=user
    )
    track = make_track(analysis=analysis, number=1, score=0.8)
    Event.objects.create(
        analysis=analysis,
        number=1,
        segment=track.segment,
        track=track,
        start=0,
        end=1,
        peak=0.5,
        score=0.8,
    )
    make_analysis(requested_by=user)


schema = schemathesis.openapi.from_path(COMMITTED)
schema.app = get_wsgi_application()


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@pytest.mark.usefixtures("_a_little_of_everything")
def test_every_answer_is_as_documented(case: schemathesis.Case[Any], api: Key) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {api.text}"}, checks=CHECKS)
