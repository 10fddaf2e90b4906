"""Who gets in, and by which methods."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from tests.conftest import MakeAnalysis, MakeModel
from video_classifier.models import Analysis
from video_classifier.web.urls import urlpatterns

SOME_ID = uuid.UUID(int=7)

PAGES: list[tuple[str, dict[str, object], set[str]]] = [
    ("upload", {}, {"GET", "POST"}),
    ("history", {}, {"GET", "HEAD"}),
    ("history-csv", {}, {"GET", "HEAD"}),
    ("result", {"pk": SOME_ID}, {"GET", "HEAD"}),
    ("live", {"rows": "history"}, {"GET", "HEAD"}),
    ("again", {"pk": SOME_ID}, {"POST"}),
    ("cancel", {"pk": SOME_ID}, {"POST"}),
    ("frame", {"pk": SOME_ID, "number": 0}, {"GET", "HEAD"}),
    ("crop", {"pk": SOME_ID, "person": 1, "number": 0}, {"GET", "HEAD"}),
    ("heat", {"pk": SOME_ID, "number": 0}, {"GET", "HEAD"}),
    ("heat-map", {"pk": SOME_ID}, {"GET", "HEAD", "POST"}),
    ("clip-file", {"pk": SOME_ID}, {"GET", "HEAD"}),
    ("player", {"pk": SOME_ID}, {"GET", "HEAD"}),
    ("ask-for-copy", {"pk": SOME_ID}, {"POST"}),
    ("delete-clip", {"pk": SOME_ID}, {"GET", "POST"}),
    ("restore-clip", {"pk": SOME_ID}, {"POST"}),
    ("purge-clip", {"pk": SOME_ID}, {"GET", "POST"}),
    ("trash", {}, {"GET", "HEAD"}),
]


def test_each_address_is_here() -> None:
    assert {name for name, *_ in PAGES} == {path.name for path in urlpatterns}


@pytest.mark.parametrize(("name", "arguments", "_methods"), PAGES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_stranger_is_sent_to_sign_in(
    stranger: Client, name: str, arguments: dict[str, object], _methods: set[str], method: str
) -> None:
    address = reverse(f"web:{name}", kwargs=arguments)

    response = stranger.generic(method, address)

    assert response["Location"].startswith(reverse("login"))


@pytest.mark.parametrize(("name", "arguments", "methods"), PAGES)
def test_other_methods_are_refused(
    client: Client, name: str, arguments: dict[str, object], methods: set[str]
) -> None:
    address = reverse(f"web:{name}", kwargs=arguments)

    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} - methods:
        assert client.generic(method, address).status_code == 405, method


@pytest.mark.parametrize("name", ["history", "history-csv", "trash"])
def test_what_can_be_read_can_be_asked_for_its_head(client: Client, name: str) -> None:
    assert client.head(reverse(f"web:{name}")).status_code == 200


@pytest.mark.parametrize(
    ("name", "arguments", "methods"), [page for page in PAGES if "pk" in page[1]]
)
def test_what_is_not_there_is_not_found(
    client: Client,
    make_model: MakeModel,
    name: str,
    arguments: dict[str, object],
    methods: set[str],
) -> None:
    make_model()
    address = reverse(f"web:{name}", kwargs=arguments)

    for method in methods:
        answer = client.generic(
            method, address, "model=standard", content_type="application/x-www-form-urlencoded"
        )
        assert answer.status_code == 404, method


def test_without_its_token_a_form_is_refused(client: Client, make_analysis: MakeAnalysis) -> None:
    client.handler.enforce_csrf_checks = True
    analysis = make_analysis()

    response = client.post(reverse("web:delete-clip", args=[analysis.clip_id]))

    assert response.status_code == 403
    assert b"too old" in response.content
    assert Analysis.objects.exists()
