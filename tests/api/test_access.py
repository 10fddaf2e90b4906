"""Who gets in: keys, sessions, scopes; and how often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone
from pytest_django import Settings

from tests.api.conftest import V1, Key, MakeKey, sentence
from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeTrack, MakeUser
from video_classifier.api import access, authentication
from video_classifier.api.urls import urlpatterns
from video_classifier.models import Analysis, ApiKey
from video_classifier.services import accounts, api_keys
from video_classifier.states import Role, Scope, Status

pytestmark = pytest.mark.postgresql

BACKEND = "django.contrib.auth.backends.ModelBackend"
LISTS = ("clips", "analyses", "events", "live-events", "stores", "cameras", "models")


@pytest.mark.parametrize("path", [*LISTS, "predict", "schema", "nothing"])
@pytest.mark.django_db
def test_a_stranger_gets_nothing(path: str) -> None:
    response = Client().get(f"{V1}/{path}")

    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert sentence(response)


def test_a_key_is_enough(api: Key) -> None:
    for path in LISTS:
        assert api.get(f"{V1}/{path}").status_code == 200, path


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer nonsense", "Basic YTpi", "slk_abc", "Bearer \xff"]
)
@pytest.mark.django_db
def test_a_wrong_header_is_refused(header: str) -> None:
    response = Client(headers={"Authorization": header}).get(f"{V1}/clips")

    assert response.status_code == 401
    assert sentence(response)


def test_a_revoked_or_expired_key_and_that_of_a_closed_account_end(
    api: Key, user: User, make_key: MakeKey
) -> None:
    expired, closed = make_key(user), make_key(user)
    (key,) = api_keys.find(api.text)
    api_keys.revoke(key, by=user)
    ApiKey.objects.filter(digest=api_keys.find(expired.text)[0].digest).update(
        created_at=timezone.now() - timedelta(days=3), expires_at=timezone.now()
    )
    said = [sentence(each.get(f"{V1}/clips")) for each in (api, expired)]
    User.objects.filter(pk=user.pk).update(is_active=False)
    said.append(sentence(closed.get(f"{V1}/clips")))

    assert said == [api_keys.REVOKED, api_keys.EXPIRED, api_keys.INACTIVE]


def test_a_key_ends_with_its_user(api: Key, user: User) -> None:
    user.delete()

    assert api.get(f"{V1}/clips").status_code == 401


def test_a_key_in_the_address_is_refused_even_beside_the_header(api: Key) -> None:
    response = api.get(f"{V1}/clips?key={api.text}")

    assert response.status_code == 400
    assert sentence(response) == authentication.IN_ADDRESS


def test_a_key_never_reads_cookies(client: Client, make_user: MakeUser, make_key: MakeKey) -> None:
    """The account that is signed in in the same browser plays no part."""
    nobody = make_user("nobody", roles=[])
    key = make_key(nobody)
    key.cookies = client.cookies

    assert key.json_of("/stores")["results"] == []
    assert client.get(f"{V1}/stores").json()["results"] != []
    wrong = client.get(f"{V1}/stores", headers={"Authorization": "Bearer wrong"})
    assert wrong.status_code == 401


def test_a_session_reads_and_needs_csrf_to_write(user: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user, backend=BACKEND)

    assert browser.get(f"{V1}/clips").status_code == 200
    response = browser.post(f"{V1}/analyses", {}, content_type="application/json")
    assert response.status_code == 403
    assert "CSRF" in sentence(response)


def test_a_session_by_a_one_time_password_gets_no_further(db: None) -> None:
    accounts.create_first_admin()
    browser = Client()
    browser.force_login(User.objects.get(), backend=BACKEND)

    response = browser.get(f"{V1}/clips")

    assert response.status_code == 403
    assert sentence(response) == access.OWES_PASSWORD


def test_a_key_does_what_its_scopes_say(
    user: User, make_key: MakeKey, make_analysis: MakeAnalysis
) -> None:
    analysis = make_analysis(requested_by=user)
    cancel = f"{V1}/analyses/{analysis.pk}/cancel"
    reads, writes = make_key(user, Scope.READ), make_key(user, Scope.WRITE)

    assert reads.get(f"{V1}/analyses").status_code == 200
    refused = reads.post(cancel)
    assert refused.status_code == 403
    assert "clips:write" in sentence(refused)
    assert writes.get(f"{V1}/analyses").status_code == 403
    assert writes.post(cancel).status_code == 200


def test_at_no_address_a_key_does_more(
    user: User, make_key: MakeKey, make_analysis: MakeAnalysis
) -> None:
    analysis = make_analysis(requested_by=user)
    reads, writes = make_key(user, Scope.READ), make_key(user, Scope.WRITE)
    asked = 0

    for pattern in urlpatterns:
        address = f"{V1}/{pattern.pattern}".replace("<uuid:pk>", str(analysis.pk))
        address = address.replace("<int:number>", "1").replace("<str:name>", "standard")
        if pattern.name == "docs":  # a page, for which a key is nobody's
            continue
        for method in ("get", "head"):
            assert getattr(writes, method)(address).status_code == 403, (method, address)
        for method in ("post", "put", "patch", "delete"):
            assert getattr(reads, method)(address).status_code == 403, (method, address)
        asked += 1

    assert asked > 15
    assert Analysis.objects.get().status == analysis.status


def test_nobody_sees_another_store(
    make_user: MakeUser,
    make_key: MakeKey,
    make_store: MakeStore,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    make_track: MakeTrack,
) -> None:
    """At any address that there is."""
    elsewhere = make_store("Elsewhere")
    analysis = make_analysis(clip=make_clip(store=elsewhere), status=Status.DONE, score=0.9)
    make_track(analysis=analysis, number=1)
    stranger = make_user("stranger", roles=[Role.MANAGER])
    key = make_key(stranger)

    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        address = str(pattern.pattern)
        pk = analysis.clip_id if address.startswith("clips") else analysis.pk
        address = address.replace("<uuid:pk>", str(pk)).replace("<int:number>", "1")
        if address in LISTS:
            assert str(pk) not in key.get(f"{V1}/{address}").content.decode()
        elif str(pk) in address:
            answers = {
                key.get(f"{V1}/{address}").status_code,
                key.post(f"{V1}/{address}").status_code,
            }
            assert answers <= {404, 405}, address


def test_a_reviewer_may_look_and_no_more(
    make_user: MakeUser, make_key: MakeKey, make_analysis: MakeAnalysis
) -> None:
    analysis = make_analysis()
    key = make_key(make_user("reviewer", roles=[Role.REVIEWER]))
    body = {"clip": str(analysis.clip_id)}

    assert key.json_of(f"/analyses/{analysis.pk}")["id"] == str(analysis.pk)
    for address, sent in (("analyses", body), (f"analyses/{analysis.pk}/cancel", {})):
        response = key.post(f"{V1}/{address}", sent, content_type="application/json")
        assert response.status_code == 403
        assert sentence(response)
    assert key.delete(f"{V1}/clips/{analysis.clip_id}").status_code == 403


def test_a_burst_is_slowed_down_for_that_user_alone(
    api: Key, make_user: MakeUser, make_key: MakeKey, settings: Settings
) -> None:
    settings.API_RATE = 20
    codes = [api.get(f"{V1}/models").status_code for _ in range(25)]

    assert codes == [200] * 20 + [429] * 5
    slowed = api.get(f"{V1}/models")
    assert 1 <= int(slowed["Retry-After"]) <= 60
    assert "Too many requests" in sentence(slowed)
    assert make_key(make_user("another")).get(f"{V1}/models").status_code == 200


def test_more_keys_or_a_session_beside_them_are_no_more_requests(
    client: Client, user: User, make_key: MakeKey, settings: Settings
) -> None:
    settings.API_RATE = 20
    askers = [client, *(make_key(user) for _ in range(3))]  # `client` is signed in as `user`

    codes = [askers[number % 4].get(f"{V1}/models").status_code for number in range(25)]

    assert codes == [200] * 20 + [429] * 5


def test_browsers_elsewhere_are_let_in_only_if_they_are_named(api: Key, settings: Settings) -> None:
    origin = {"Origin": "https://desk.example.org"}

    assert "Access-Control-Allow-Origin" not in api.get(f"{V1}/models", headers=origin)
    settings.CORS_ALLOWED_ORIGINS = ["https://desk.example.org"]  # what API_ORIGINS sets
    allowed = api.get(f"{V1}/models", headers=origin)
    assert allowed["Access-Control-Allow-Origin"] == "https://desk.example.org"
    assert "Access-Control-Allow-Credentials" not in allowed
    assert "Access-Control-Allow-Origin" not in api.get("/healthz", headers=origin)
    elsewhere = api.get(f"{V1}/models", headers={"Origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in elsewhere
