"""Clients of the API: each with a key of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from video_classifier.services import api_keys
from video_classifier.states import Scope

V1 = "/api/v1"


class Key(Client):
    """Sends a key with each request, and checks CSRF as a browser's requests are checked."""

    def __init__(self, text: str) -> None:
        super().__init__(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {text}"})
        self.text = text

    def json_of(self, path: str, **query: Any) -> Any:
        response = self.get(f"{V1}{path}", query)
        assert response.status_code == 200, response.content
        return response.json()


class MakeKey(Protocol):
    def __call__(self, user: User, *scopes: Scope) -> Key: ...


@pytest.fixture(autouse=True)
def _nobody_is_throttled() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def make_key() -> MakeKey:
    def make(user: User, *scopes: Scope) -> Key:
        wanted = [scope.value for scope in scopes or tuple(Scope)]
        return Key(api_keys.create(user, name="test", scopes=wanted, days=1, by=user)[1])

    return make


@pytest.fixture
def api(user: User, make_key: MakeKey) -> Key:
    """Of the analyst `user`."""
    return make_key(user)


def sentence(response: Any) -> str:
    """Of a problem, whose form is checked."""
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail"} <= set(body)
    assert body["status"] == response.status_code
    return str(body["detail"])
