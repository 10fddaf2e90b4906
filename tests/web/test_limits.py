"""What is costly can't be asked for without end: every address is limited, or cheap."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings

from tests.conftest import MakeUser
from video_classifier.api.access import PerUser
from video_classifier.http.limits import LIMITED_BY
from video_classifier.models import RequestCount
from video_classifier.services import limits
from video_classifier.services.limits import Limit

# Of these an answer takes little more than a query or two, or one is noted for all that follow:
# pieces of an upload, whose number and bytes have limits of their own, are in one that is counted.
CHEAP = {
    *("resumable-upload", "result", "cancel", "pause", "resume", "event", "event-still"),
    *("frame", "crop", "heat", "player", "delete-clip", "restore-clip", "purge-clip"),
    *("api-keys", "revoke-api-key", "preferences"),
    *("second-factor", "second-factor-picture"),
    *("sessions", "end-session", "end-other-sessions"),
    *("new-case", "case", "case-settings", "switch-case", "delete-case", "note-on-case"),
    *("remove-from-case", "delete-case-export", "event-to-case", "clip-to-case"),
    *("cameras", "new-camera", "camera-duties", "camera-settings", "switch-camera"),
    *("switch-alerts", "delete-camera", "camera", "camera-link", "camera-still", "wall", "live"),
    *("alert-snapshot", "news", "alert", "retry-delivery", "channels", "channel-kinds"),
    *("switch-channel", "renew-channel-key", "delete-channel"),
    *("retention-stores", "retention", "review", "reviews-left", "undo-review", "review-reason"),
    *("answers", "event-answers", "undo-bulk", "tag-clip", "save-view", "delete-view"),
    *("cancel-improvement", "roll-back-version", "version", "shadow-version", "activate-version"),
    *("delete-version", "end-measure", "plant-act", "remove-act", "restore-act"),
    *("logout", "password_change_done", "password_reset_done", "password_reset_complete"),
    *("predict", "healthz", "readyz", "metrics"),  # the first only says where it went
}


def patterns(found: list[URLPattern | URLResolver], space: str = "") -> Iterator[URLPattern]:
    """All but those of the administration, whose pages are few people's, and its sign-in."""
    for each in found:
        if isinstance(each, URLPattern):
            if space != "admin" or each.name == "login":
                yield each
        else:
            yield from patterns(each.url_patterns, each.namespace or space)


def is_limited(pattern: URLPattern) -> bool:
    kind = getattr(pattern.callback, "cls", None)
    return hasattr(pattern.callback, LIMITED_BY) or PerUser in getattr(kind, "throttle_classes", ())


def test_each_address_is_limited_or_cheap() -> None:
    every = list(patterns(get_resolver().url_patterns))

    unlimited = {str(each.name) for each in every if not is_limited(each)}

    assert unlimited == CHEAP
    assert len(every) > len(CHEAP) + 20


@pytest.fixture
def one_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything may be asked for once."""
    monkeypatch.setattr(
        limits, "scaled", lambda limit: Limit(name=limit.name, times=1, seconds=limit.seconds)
    )


@pytest.mark.usefixtures("one_each")
def test_who_asks_too_often_reads_when_to_try_again(client: Client) -> None:
    assert client.get("/history.csv").status_code == 200

    refused = client.get("/history.csv")

    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= limits.EXPORTS.seconds
    assert f"Wait {refused['Retry-After']} second" in refused.content.decode()
    assert "no-store" in refused["Cache-Control"]


@pytest.mark.usefixtures("one_each")
def test_what_is_alike_counts_together_and_each_person_alone(
    client: Client, make_user: MakeUser
) -> None:
    other = Client()
    other.force_login(make_user("bob"))

    assert client.get("/history.csv").status_code == 200
    assert client.get("/events.csv").status_code == 429
    assert other.get("/events.csv").status_code == 200


@pytest.mark.usefixtures("one_each")
def test_a_list_is_limited_only_where_it_is_searched(client: Client) -> None:
    for _ in range(3):
        assert client.get("/history/").status_code == 200

    assert client.get("/history/?q=door").status_code == 200
    assert client.get("/history/?q=window").status_code == 429


@pytest.mark.usefixtures("one_each")
@pytest.mark.parametrize("page", ["/events.csv", "/dashboard/", "/history/?q=door"])
def test_who_asks_for_the_head_alone_counts_too(client: Client, page: str) -> None:
    assert [client.head(page).status_code, client.head(page).status_code] == [200, 429]
    assert client.get(page).status_code == 429


@pytest.mark.usefixtures("one_each")
@pytest.mark.parametrize("page", ["/accounts/login/", "/admin/login/"])
def test_strangers_count_by_their_address(stranger: Client, user: User, page: str) -> None:
    def attempt(address: str) -> int:
        form = {"username": "ada", "password": "wrong"}
        return stranger.post(page, form, REMOTE_ADDR=address).status_code

    assert stranger.get(page).status_code == 200
    assert [attempt("192.0.2.1"), attempt("192.0.2.1")] == [200, 429]
    assert attempt("192.0.2.2") == 200


def test_without_limits_nothing_is_counted(client: Client, settings: Settings) -> None:
    settings.RATE_LIMITS = 0
    client.get("/history.csv")

    assert not RequestCount.objects.exists()
