"""Who gets in, by which methods, and to what: every address, for everybody."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from tests.conftest import (
    MakeAnalysis,
    MakeClip,
    MakeModel,
    MakeStore,
    MakeTrack,
    MakeUser,
    segment_of,
)
from tests.makers.alerts import make_channel, make_digest
from tests.makers.feeds import make_feed
from video_classifier import web
from video_classifier.http.permissions import MAY_NOT_UPLOAD, NO_STORE
from video_classifier.models import (
    Alert,
    Analysis,
    ApiKey,
    Camera,
    Case,
    CaseExport,
    Channel,
    Clip,
    Delivery,
    Event,
    Feed,
    HeatMap,
    ModelVersion,
    PlantedAct,
    Review,
    SavedView,
    SegmentCopy,
    Store,
    Upload,
)
from video_classifier.services import (
    api_keys,
    evidence,
    files,
    live_pictures,
    resumable,
    reviews,
    trash,
)
from video_classifier.states import AlertKind, Answer, ChannelKind, ListPage, Role, Scope, Status
from video_classifier.web.urls import urlpatterns

SOME_ID = uuid.UUID(int=7)
SOME_NUMBER = 7_000_000  # where rows are numbered
TUS = {"Tus-Resumable": "1.0.0"}  # what else speaks that protocol says so

PAGES: list[tuple[str, dict[str, object], set[str]]] = [
    ("upload", {}, {"GET", "POST"}),
    ("resumable-uploads", {}, {"OPTIONS", "POST"}),
    ("resumable-upload", {"pk": SOME_ID}, {"OPTIONS", "GET", "HEAD", "PATCH", "DELETE"}),
    ("history", {}, {"GET", "HEAD"}),
    ("save-view", {}, {"POST"}),
    ("retry", {}, {"POST"}),
    ("bulk", {}, {"POST"}),
    ("undo-bulk", {"token": "signed"}, {"POST"}),
    ("tag-clip", {"pk": SOME_ID}, {"POST"}),
    ("view-counts", {}, {"GET", "HEAD"}),
    ("delete-view", {"pk": SOME_NUMBER}, {"POST"}),
    ("dashboard", {}, {"GET", "HEAD"}),
    ("dashboard-csv", {}, {"GET", "HEAD"}),
    ("history-csv", {}, {"GET", "HEAD"}),
    ("history-xlsx", {}, {"GET", "HEAD"}),
    ("events-csv", {}, {"GET", "HEAD"}),
    ("events-xlsx", {}, {"GET", "HEAD"}),
    ("event-download", {"pk": SOME_ID, "number": 1}, {"GET", "HEAD"}),
    ("result", {"pk": SOME_ID}, {"GET", "HEAD"}),
    ("live", {"rows": "history"}, {"GET", "HEAD"}),
    ("wall", {}, {"GET", "HEAD"}),
    ("camera", {"pk": 7}, {"GET", "HEAD"}),
    ("camera-still", {"pk": 7}, {"GET", "HEAD"}),
    ("camera-link", {"pk": 7}, {"GET", "HEAD"}),
    ("versions", {"pk": SOME_NUMBER}, {"GET", "HEAD", "POST"}),
    ("cancel-improvement", {"pk": SOME_NUMBER}, {"POST"}),
    ("roll-back-version", {"pk": SOME_NUMBER}, {"POST"}),
    ("version", {"pk": SOME_NUMBER, "number": 7}, {"GET", "HEAD"}),
    ("shadow-version", {"pk": SOME_NUMBER, "number": 7}, {"POST"}),
    ("activate-version", {"pk": SOME_NUMBER, "number": 7}, {"POST"}),
    ("delete-version", {"pk": SOME_NUMBER, "number": 7}, {"GET", "POST"}),
    ("measure", {"pk": SOME_NUMBER}, {"GET", "HEAD", "POST"}),
    ("end-measure", {"pk": SOME_NUMBER}, {"POST"}),
    ("plant-act", {"pk": SOME_NUMBER}, {"POST"}),
    ("remove-act", {"pk": SOME_NUMBER, "act": 7}, {"POST"}),
    ("restore-act", {"pk": SOME_NUMBER, "token": "signed"}, {"POST"}),
    ("video", {"pk": 7}, {"GET", "HEAD"}),
    ("again", {"pk": SOME_ID}, {"POST"}),
    ("cancel", {"pk": SOME_ID}, {"POST"}),
    ("pause", {"pk": SOME_ID}, {"POST"}),
    ("resume", {"pk": SOME_ID}, {"POST"}),
    ("event", {"pk": SOME_ID, "number": 1}, {"GET", "HEAD"}),
    ("event-still", {"pk": SOME_ID, "number": 1}, {"GET", "HEAD"}),
    ("frame", {"pk": SOME_ID, "number": 0}, {"GET", "HEAD"}),
    ("crop", {"pk": SOME_ID, "track": 1, "number": 0}, {"GET", "HEAD"}),
    ("heat", {"pk": SOME_ID, "number": 0}, {"GET", "HEAD"}),
    ("heat-map", {"pk": SOME_ID}, {"GET", "HEAD", "POST"}),
    ("clip-file", {"pk": SOME_ID}, {"GET", "HEAD"}),
    ("segment-copy", {"pk": SOME_ID, "number": 1}, {"GET", "HEAD"}),
    ("player", {"pk": SOME_ID}, {"GET", "HEAD"}),
    ("ask-for-copy", {"pk": SOME_ID}, {"POST"}),
    ("delete-clip", {"pk": SOME_ID}, {"GET", "POST"}),
    ("restore-clip", {"pk": SOME_ID}, {"POST"}),
    ("purge-clip", {"pk": SOME_ID}, {"GET", "POST"}),
    ("trash", {}, {"GET", "HEAD"}),
    ("cases", {}, {"GET", "HEAD"}),
    ("new-case", {}, {"GET", "POST"}),
    ("case", {"pk": SOME_ID}, {"GET", "HEAD"}),
    ("case-settings", {"pk": SOME_ID}, {"GET", "POST"}),
    ("switch-case", {"pk": SOME_ID}, {"POST"}),
    ("delete-case", {"pk": SOME_ID}, {"GET", "POST"}),
    ("note-on-case", {"pk": SOME_ID}, {"POST"}),
    ("remove-from-case", {"pk": SOME_ID, "item": 7}, {"POST"}),
    ("export-case", {"pk": SOME_ID}, {"POST"}),
    ("case-export", {"pk": SOME_ID}, {"GET", "HEAD"}),
    ("delete-case-export", {"pk": SOME_ID}, {"POST"}),
    ("event-to-case", {"pk": SOME_ID, "number": 1}, {"GET", "POST"}),
    ("clip-to-case", {"pk": SOME_ID}, {"GET", "POST"}),
    ("audit", {}, {"GET", "HEAD"}),
    ("audit-csv", {}, {"GET", "HEAD"}),
    ("personal-data", {}, {"GET", "HEAD"}),
    ("requested-footage", {}, {"GET", "HEAD"}),
    ("export-requested-footage", {}, {"GET", "HEAD"}),
    ("erase-requested-footage", {}, {"POST"}),
    ("retention-stores", {}, {"GET", "HEAD"}),
    ("retention", {"pk": SOME_NUMBER}, {"GET", "POST"}),
    ("cameras", {}, {"GET", "HEAD"}),
    ("new-camera", {}, {"GET", "POST"}),
    ("camera-duties", {}, {"GET", "HEAD"}),
    ("camera-settings", {"pk": SOME_NUMBER}, {"GET", "POST"}),
    ("test-camera", {"pk": SOME_NUMBER}, {"POST"}),
    ("switch-camera", {"pk": SOME_NUMBER}, {"POST"}),
    ("switch-alerts", {"pk": SOME_NUMBER}, {"POST"}),
    ("delete-camera", {"pk": SOME_NUMBER}, {"GET", "POST"}),
    ("alert-snapshot", {"token": "signed"}, {"GET", "HEAD"}),
    ("news", {}, {"GET", "HEAD", "POST"}),
    ("alert", {"pk": SOME_ID}, {"GET", "HEAD"}),
    ("review", {}, {"GET", "HEAD", "POST"}),
    ("waiting", {}, {"GET", "HEAD"}),
    ("reviews-left", {}, {"GET", "HEAD"}),
    ("undo-review", {"pk": SOME_NUMBER}, {"POST"}),
    ("review-reason", {"pk": SOME_NUMBER}, {"POST"}),
    ("answers", {"pk": SOME_ID}, {"GET", "HEAD", "POST"}),
    ("event-answers", {"pk": SOME_ID, "number": 1}, {"GET", "HEAD", "POST"}),
    ("alerts", {}, {"GET", "HEAD"}),
    ("retry-delivery", {"pk": SOME_ID}, {"POST"}),
    ("channels", {}, {"GET", "HEAD"}),
    ("channel-kinds", {}, {"GET", "HEAD"}),
    ("new-channel", {"kind": "email"}, {"GET", "POST"}),
    ("channel-settings", {"pk": SOME_NUMBER}, {"GET", "POST"}),
    ("test-channel", {"pk": SOME_NUMBER}, {"POST"}),
    ("switch-channel", {"pk": SOME_NUMBER}, {"POST"}),
    ("renew-channel-key", {"pk": SOME_NUMBER}, {"GET", "POST"}),
    ("delete-channel", {"pk": SOME_NUMBER}, {"GET", "POST"}),
    ("preferences", {}, {"GET", "HEAD", "POST"}),
    ("second-factor", {}, {"GET", "HEAD"}),
    ("check-second-factor", {}, {"GET", "POST"}),
    ("set-up-second-factor", {}, {"GET", "POST"}),
    ("second-factor-picture", {}, {"GET", "HEAD"}),
    ("new-recovery-codes", {}, {"GET", "POST"}),
    ("turn-off-second-factor", {}, {"GET", "POST"}),
    ("sessions", {}, {"GET", "HEAD"}),
    ("end-session", {"pk": SOME_NUMBER}, {"POST"}),
    ("end-other-sessions", {}, {"POST"}),
    ("api-keys", {}, {"GET", "HEAD", "POST"}),
    ("revoke-api-key", {"pk": SOME_ID}, {"GET", "POST"}),
]


def test_each_address_is_here() -> None:
    assert {name for name, *_ in PAGES} == {path.name for path in urlpatterns}


OPEN = {"alert-snapshot"}  # by its signature


@contextmanager
def undone() -> Iterator[None]:
    """What happens in it, for the next address: to sign in anew for each takes long."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_stranger_is_sent_to_sign_in(stranger: Client, method: str) -> None:
    closed = [page for page in PAGES if page[0] not in OPEN]
    sent_to = {}
    for name, arguments, _ in closed:
        with undone():
            answer = stranger.generic(method, reverse(f"web:{name}", kwargs=arguments))
        sent_to[name] = answer.get("Location", "").partition("?")[0]

    assert sent_to == {name: reverse("login") for name, *_ in closed}


def test_other_methods_are_refused(client: Client) -> None:
    every = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
    others = [
        (method, name, reverse(f"web:{name}", kwargs=arguments))
        for name, arguments, methods in PAGES
        for method in sorted(every - methods)
    ]
    found = {}
    for method, name, address in others:
        with undone():
            found[method, name] = client.generic(method, address).status_code

    assert found == {(method, name): 405 for method, name, _ in others}


def test_what_can_be_read_can_be_asked_for_its_head(client: Client) -> None:
    names = [
        *("history", "history-csv", "history-xlsx", "events-csv", "events-xlsx"),
        *("dashboard", "dashboard-csv", "trash", "api-keys", "preferences", "wall", "news"),
    ]

    found = {name: client.head(reverse(f"web:{name}")).status_code for name in names}

    assert found == dict.fromkeys(names, 200)


def test_what_is_not_there_is_not_found(client: Client, make_model: MakeModel) -> None:
    make_model()
    missing = [
        (method, name, reverse(f"web:{name}", kwargs=arguments))
        for name, arguments, methods in PAGES
        if "pk" in arguments
        for method in sorted(methods - {"OPTIONS"})  # which asks what the server can do
    ]
    found = {}
    for method, name, address in missing:
        with undone():
            answer = client.generic(
                method, address, "model=standard", content_type=FORM, headers=TUS
            )
        found[method, name] = answer.status_code

    assert found == {(method, name): 404 for method, name, _ in missing}


def test_without_its_token_a_form_is_refused(client: Client, make_analysis: MakeAnalysis) -> None:
    client.handler.enforce_csrf_checks = True
    analysis = make_analysis()

    response = client.post(reverse("web:delete-clip", args=[analysis.clip_id]))

    assert response.status_code == 403
    assert b"too old" in response.content
    assert Analysis.objects.exists()


# Every address of the site, for everybody


WHO = (
    *("stranger", "nobody", "staff", "elsewhere"),
    *("reviewer", "analyst", "uploader", "manager", "root"),
)

# “in” is sent to sign in (also after signing out); 422 is an upload of nothing or a key without a
# name, which was let in, and 400 a resumable upload of no length, or no moment up to which hints
# were seen, or no reason of a false alarm, and 422 of reviews no answer; 404 of password resets
# says that the site sends no e-mail; 302 of an event's download says that nothing can be cut out
# of this clip, which is no video. Of the API 415 is a form of the wrong type, which was let in,
# and 409 an analysis that is finished.
TABLE = """
                                         stran- no-  staff else- re-    an-    up-    mana- root
                                         ger    body       where viewer alyst  loader ger

GET  web:upload                          in     200  200   200   200    200    200    200   200
POST web:upload                          in     403  403   422   403    422    422    422   422
GET  web:history                         in     200  200   200   200    200    200    200   200
GET  web:view-counts                     in     200  200   200   200    200    200    200   200
POST web:retry                           in     302  302   302   302    302    302    302   302
POST web:bulk                            in     302  302   302   302    302    302    302   302
POST web:undo-bulk                       in     302  302   302   302    302    302    302   302
POST web:save-view                       in     302  302   302   302    302    302    302   302
POST web:delete-view                     in     404  404   404   404    404    302    404   404
GET  web:dashboard                       in     200  200   200   200    200    200    200   200
GET  web:dashboard-csv                   in     200  200   200   200    200    200    200   200
GET  web:history-csv                     in     200  200   200   200    200    200    200   200
GET  web:history-xlsx                    in     200  200   200   200    200    200    200   200
GET  web:events-csv                      in     200  200   200   200    200    200    200   200
GET  web:events-xlsx                     in     200  200   200   200    200    200    200   200
GET  web:live                            in     200  200   200   200    200    200    200   200
GET  web:wall                            in     200  200   200   200    200    200    200   200
GET  web:camera                          in     404  404   404   200    200    200    200   200
GET  web:camera-link                     in     404  404   404   200    200    200    200   200
GET  web:versions                        in     404  404   404   403    403    403    200   200
POST web:versions                        in     404  404   404   403    403    403    302   302
POST web:cancel-improvement              in     404  404   404   403    403    403    302   302
POST web:roll-back-version               in     404  404   404   403    403    403    302   302
GET  web:version                         in     404  404   404   403    403    403    200   200
POST web:shadow-version                  in     404  404   404   403    403    403    302   302
POST web:activate-version                in     404  404   404   403    403    403    409   409
GET  web:delete-version                  in     404  404   404   403    403    403    200   200
POST web:delete-version                  in     404  404   404   403    403    403    302   302
GET  web:measure                         in     404  404   404   200    200    200    200   200
POST web:measure                         in     404  404   404   403    403    403    422   422
POST web:end-measure                     in     404  404   404   403    403    403    302   302
POST web:plant-act                       in     404  404   404   403    403    403    422   422
POST web:remove-act                      in     404  404   404   403    403    403    302   302
POST web:restore-act                     in     404  404   404   403    403    403    302   302
GET  web:camera-still                    in     404  404   404   200    200    200    200   200
HEAD web:video                           in     404  404   404   200    200    200    200   200
GET  web:trash                           in     200  200   200   200    200    200    200   200
GET  web:api-keys                        in     200  200   200   200    200    200    200   200
POST web:api-keys                        in     422  422   422   422    422    422    422   422
GET  web:second-factor                   in     200  200   200   200    200    200    200   200
GET  web:check-second-factor             in     302  302   302   302    302    302    302   302
POST web:check-second-factor             in     302  302   302   302    302    302    302   302
GET  web:set-up-second-factor            in     200  200   200   200    200    200    200   200
POST web:set-up-second-factor            in     302  302   302   302    302    302    302   302
GET  web:second-factor-picture           in     404  404   404   404    404    404    404   404
GET  web:new-recovery-codes              in     302  302   302   302    302    302    302   302
POST web:new-recovery-codes              in     302  302   302   302    302    302    302   302
GET  web:turn-off-second-factor          in     302  302   302   302    302    302    302   302
POST web:turn-off-second-factor          in     302  302   302   302    302    302    302   302
GET  web:sessions                        in     200  200   200   200    200    200    200   200
POST web:end-session                     in     404  404   404   404    404    404    404   404
POST web:end-other-sessions              in     302  302   302   302    302    302    302   302
GET  web:preferences                     in     200  200   200   200    200    200    200   200
POST web:preferences                     in     422  422   422   422    422    422    422   422
GET  web:revoke-api-key                  in     404  404   404   404    404    200    404   404
POST web:revoke-api-key                  in     404  404   404   404    404    302    404   404

GET  web:news                            in     200  200   200   200    200    200    200   200
POST web:news                            in     400  400   400   400    400    400    400   400
GET  web:alert                           in     404  404   404   302    302    302    302   302
GET  web:alert              (in trash)   in     404  404   404   410    410    410    410   410

GET  web:cases                           in     403  403   403   200    403    403    200   200
GET  web:new-case                        in     403  403   403   200    403    403    200   200
POST web:new-case                        in     403  403   403   422    403    403    422   422
GET  web:case                            in     404  404   404   200    404    404    200   200
GET  web:case-settings                   in     404  404   404   200    404    404    200   200
POST web:case-settings                   in     404  404   404   422    404    404    422   422
POST web:switch-case                     in     404  404   404   302    404    404    302   302
GET  web:delete-case                     in     404  404   404   403    404    404    200   200
POST web:delete-case                     in     404  404   404   403    404    404    302   302
POST web:note-on-case                    in     404  404   404   422    404    404    422   422
POST web:remove-from-case                in     404  404   404   302    404    404    302   302
POST web:export-case                     in     404  404   404   302    404    404    302   302
GET  web:case-export                     in     404  404   404   200    404    404    200   200
POST web:delete-case-export              in     404  404   404   302    404    404    302   302
GET  web:event-to-case                   in     404  404   404   200    403    403    200   200
POST web:event-to-case                   in     404  404   404   422    403    403    422   422
GET  web:clip-to-case                    in     404  404   404   200    403    403    200   200
POST web:clip-to-case                    in     404  404   404   422    403    403    422   422
GET  web:event-to-case      (in trash)   in     404  404   404   410    410    410    410   410
POST web:event-to-case      (in trash)   in     404  404   404   410    410    410    410   410
GET  web:clip-to-case       (in trash)   in     404  404   404   410    410    410    410   410
POST web:clip-to-case       (in trash)   in     404  404   404   410    410    410    410   410
GET  web:review                          in     200  200   200   200    200    200    200   200
POST web:review                          in     422  422   422   422    422    422    422   422
GET  web:waiting                         in     200  200   200   200    200    200    200   200
GET  web:reviews-left                    in     200  200   200   200    200    200    200   200
POST web:undo-review                     in     404  404   404   302    302    302    302   302
POST web:review-reason                   in     404  404   404   400    400    400    400   400
GET  web:answers                         in     404  404   404   200    200    200    200   200
POST web:answers                         in     404  404   404   422    422    422    422   422
GET  web:event-answers                   in     404  404   404   200    200    200    200   200
POST web:event-answers                   in     404  404   404   422    422    422    422   422
GET  web:answers            (in trash)   in     404  404   404   410    410    410    410   410
POST web:answers            (in trash)   in     404  404   404   410    410    410    410   410
GET  web:event-answers      (in trash)   in     404  404   404   410    410    410    410   410
POST web:event-answers      (in trash)   in     404  404   404   410    410    410    410   410

GET  web:cameras                         in     403  403   403   403    403    403    200   200
GET  web:camera-duties                   in     200  200   200   200    200    200    200   200
GET  web:new-camera                      in     403  403   403   403    403    403    200   200
POST web:new-camera                      in     403  403   403   403    403    403    422   422
GET  web:camera-settings                 in     404  404   404   403    403    403    200   200
POST web:camera-settings                 in     404  404   404   403    403    403    422   422
POST web:test-camera                     in     404  404   404   403    403    403    200   200
POST web:switch-camera                   in     404  404   404   403    403    403    302   302
POST web:switch-alerts                   in     404  404   404   403    403    403    302   302
GET  web:delete-camera                   in     404  404   404   403    403    403    200   200
POST web:delete-camera                   in     404  404   404   403    403    403    302   302

GET  web:audit                           in     403  403   403   403    403    403    200   200
GET  web:audit-csv                       in     403  403   403   403    403    403    200   200
GET  web:personal-data                   in     403  403   403   403    403    403    403   200
GET  web:requested-footage               in     403  403   403   403    403    403    403   200
GET  web:export-requested-footage        in     403  403   403   403    403    403    403   422
POST web:erase-requested-footage         in     403  403   403   403    403    403    403   422
GET  web:retention-stores                in     403  403   403   403    403    403    302   200
GET  web:retention                       in     404  404   404   403    403    403    200   200
POST web:retention                       in     404  404   404   403    403    403    302   302

GET  web:alert-snapshot                  404    404  404   404   404    404    404    404   404
GET  web:alerts                          in     403  403   403   403    403    403    200   200
POST web:retry-delivery                  in     404  404   404   404    404    404    302   302
GET  web:channels                        in     403  403   403   403    403    403    200   200
GET  web:channel-kinds                   in     403  403   403   403    403    403    200   200
GET  web:new-channel                     in     403  403   403   403    403    403    200   200
POST web:new-channel                     in     403  403   403   403    403    403    422   422
GET  web:channel-settings                in     404  404   404   404    404    404    200   200
POST web:channel-settings                in     404  404   404   404    404    404    422   422
POST web:test-channel                    in     404  404   404   404    404    404    302   302
POST web:switch-channel                  in     404  404   404   404    404    404    302   302
GET  web:renew-channel-key               in     404  404   404   404    404    404    200   200
POST web:renew-channel-key               in     404  404   404   404    404    404    200   200
GET  web:delete-channel                  in     404  404   404   404    404    404    200   200
POST web:delete-channel                  in     404  404   404   404    404    404    302   302

POST web:resumable-uploads               in     400  400   400   400    400    400    400   400
GET  web:resumable-upload                in     404  404   404   404    404    200    404   404
HEAD web:resumable-upload                in     404  404   404   404    404    200    404   404
PATCH web:resumable-upload               in     404  404   404   404    404    415    404   404
DELETE web:resumable-upload              in     404  404   404   404    404    204    404   404

GET  web:result                          in     404  404   404   200    200    200    200   200
POST web:again                           in     404  404   404   403    302    302    302   302
POST web:cancel                          in     404  404   404   403    403    302    302   302
POST web:pause                           in     404  404   404   403    403    302    302   302
POST web:resume                          in     404  404   404   403    403    302    302   302
GET  web:event                           in     404  404   404   200    200    200    200   200
GET  web:event-still                     in     404  404   404   200    200    200    200   200
GET  web:frame                           in     404  404   404   200    200    200    200   200
GET  web:crop                            in     404  404   404   200    200    200    200   200
GET  web:heat                            in     404  404   404   200    200    200    200   200
GET  web:heat-map                        in     404  404   404   200    200    200    200   200
POST web:heat-map                        in     404  404   404   302    302    302    302   302
GET  web:clip-file                       in     404  404   404   200    200    200    200   200
GET  web:event-download                  in     404  404   404   302    302    302    302   302
GET  web:segment-copy                    in     404  404   404   200    200    200    200   200
POST web:tag-clip                        in     404  404   404   302    302    302    302   302
GET  web:player                          in     404  404   404   200    200    200    200   200
POST web:ask-for-copy                    in     404  404   404   302    302    302    302   302
GET  web:delete-clip                     in     404  404   404   403    403    200    200   200
POST web:delete-clip                     in     404  404   404   403    403    302    302   302
POST web:restore-clip                    in     404  404   404   403    403    302    302   302
GET  web:purge-clip                      in     404  404   404   404    404    404    404   404
POST web:purge-clip                      in     404  404   404   404    404    404    404   404

GET  web:result             (in trash)   in     404  404   404   410    410    410    410   410
POST web:again              (in trash)   in     404  404   404   410    410    410    410   410
POST web:cancel             (in trash)   in     404  404   404   410    410    410    410   410
POST web:pause              (in trash)   in     404  404   404   410    410    410    410   410
POST web:resume             (in trash)   in     404  404   404   410    410    410    410   410
GET  web:event              (in trash)   in     404  404   404   410    410    410    410   410
GET  web:event-still        (in trash)   in     404  404   404   410    410    410    410   410
GET  web:frame              (in trash)   in     404  404   404   410    410    410    410   410
GET  web:crop               (in trash)   in     404  404   404   410    410    410    410   410
GET  web:heat               (in trash)   in     404  404   404   410    410    410    410   410
GET  web:heat-map           (in trash)   in     404  404   404   410    410    410    410   410
POST web:heat-map           (in trash)   in     404  404   404   410    410    410    410   410
GET  web:clip-file          (in trash)   in     404  404   404   410    410    410    410   410
GET  web:event-download     (in trash)   in     404  404   404   410    410    410    410   410
GET  web:segment-copy       (in trash)   in     404  404   404   410    410    410    410   410
POST web:tag-clip           (in trash)   in     404  404   404   410    410    410    410   410
GET  web:player             (in trash)   in     404  404   404   410    410    410    410   410
POST web:ask-for-copy       (in trash)   in     404  404   404   410    410    410    410   410
GET  web:delete-clip        (in trash)   in     404  404   404   410    410    410    410   410
POST web:delete-clip        (in trash)   in     404  404   404   410    410    410    410   410
POST web:restore-clip       (in trash)   in     404  404   404   403    403    302    302   302
GET  web:purge-clip         (in trash)   in     404  404   404   403    403    403    403   200
POST web:purge-clip         (in trash)   in     404  404   404   403    403    403    403   302

GET  login                               200    200  200   200   200    200    200    200   200
POST login                               200    200  200   200   200    200    200    200   200
POST logout                              in     in   in    in    in     in     in     in    in
GET  password_change                     in     200  200   200   200    200    200    200   200
POST password_change                     in     200  200   200   200    200    200    200   200
GET  password_change_done                in     200  200   200   200    200    200    200   200
GET  password_reset                      404    404  404   404   404    404    404    404   404
POST password_reset                      404    404  404   404   404    404    404    404   404
GET  password_reset_done                 404    404  404   404   404    404    404    404   404
GET  password_reset_confirm              404    404  404   404   404    404    404    404   404
GET  password_reset_complete             404    404  404   404   404    404    404    404   404
GET  healthz                             200    200  200   200   200    200    200    200   200
GET  readyz                              503    503  503   503   503    503    503    503   503
GET  metrics                             200    200  200   200   200    200    200    200   200

GET  api:clips                           401   200   200   200   200   200   200   200   200
GET  api:analyses                        401   200   200   200   200   200   200   200   200
GET  api:events                          401   200   200   200   200   200   200   200   200
GET  api:live-events                     401   200   200   200   200   200   200   200   200
GET  api:stores                          401   200   200   200   200   200   200   200   200
GET  api:cameras                         401   200   200   200   200   200   200   200   200
GET  api:models                          401   200   200   200   200   200   200   200   200
GET  api:model                           401   200   200   200   200   200   200   200   200
GET  api:schema                          401   200   200   200   200   200   200   200   200
GET  api:docs                            in    200   200   200   200   200   200   200   200
GET  api:nowhere                         401   404   404   404   404   404   404   404   404
GET  api:clip                            401   404   404   404   200   200   200   200   200
GET  api:clip-reviews                    401   404   404   404   200   200   200   200   200
GET  api:clip   (in trash)               401   404   404   404   410   410   410   410   410
GET  api:analysis                        401   404   404   404   200   200   200   200   200
GET  api:analysis   (in trash)           401   404   404   404   410   410   410   410   410
GET  api:analysis-tracks                 401   404   404   404   200   200   200   200   200
GET  api:analysis-tracks   (in trash)    401   404   404   404   410   410   410   410   410
GET  api:analysis-events                 401   404   404   404   200   200   200   200   200
GET  api:analysis-events   (in trash)    401   404   404   404   410   410   410   410   410
GET  api:event                           401   404   404   404   200   200   200   200   200
GET  api:event   (in trash)              401   404   404   404   410   410   410   410   410
DELETE api:clip                          401   404   404   404   403   403   204   204   204
DELETE api:clip   (in trash)             401   404   404   404   410   410   410   410   410
POST api:clips                           401   403   403   415   403   415   415   415   415
POST api:predict                         401   403   403   415   403   415   415   415   415
POST api:analyses                        401   415   415   415   415   415   415   415   415
POST api:cancel                          401   404   404   404   403   403   409   409   409
POST api:pause                           401   404   404   404   403   403   409   409   409
POST api:resume                          401   404   404   404   403   403   409   409   409
POST predict                             308   308   308   308   308   308   308   308   308

GET  admin:index                         in     in   200   in    in     in     in     in    200
GET  admin:login                         200    200  302   200   200    200    200    200   302
POST admin:logout                        in     302  in    302   302    302    302    302   in
GET  admin:password_change               in     in   200   in    in     in     in     in    200
GET  admin:password_change_done          in     in   200   in    in     in     in     in    200
GET  admin:autocomplete                  in     in   403   in    in     in     in     in    403
GET  admin:jsi18n                        in     in   200   in    in     in     in     in    200
GET  admin:view_on_site                  in     in   404   in    in     in     in     in    404
GET  admin:app_list                      in     in   404   in    in     in     in     in    200
GET  admin:auth_group_changelist         in     in   403   in    in     in     in     in    200
GET  admin:auth_user_changelist          in     in   403   in    in     in     in     in    200
GET  admin:axes_accessattempt_changelist in     in   403   in    in     in     in     in    200
GET  admin:video_classifier_alert_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_alertsread_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_analysis_changelist   in in 403 in   in     in     in     in    200
GET  admin:video_classifier_apikey_changelist     in in 403 in   in     in     in     in    200
GET  admin:video_classifier_auditentry_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_browsercopy_changelist in in 403 in  in     in     in     in    200
GET  admin:video_classifier_camera_changelist     in in 403 in   in     in     in     in    200
GET  admin:video_classifier_channel_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_clip_changelist       in in 403 in   in     in     in     in    200
GET  admin:video_classifier_delivery_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_event_changelist      in in 403 in   in     in     in     in    200
GET  admin:video_classifier_feed_changelist       in in 403 in   in     in     in     in    200
GET  admin:video_classifier_feedhour_changelist   in in 403 in   in     in     in     in    200
GET  admin:video_classifier_liveevent_changelist  in in 403 in   in     in     in     in    200
GET  admin:video_classifier_waitingclip_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_candidatescore_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_activation_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_improvement_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_modelversion_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_givennumber_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_storedmodel_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_measure_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_plantedact_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_scoredtime_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_heatmap_changelist    in in 403 in   in     in     in     in    200
GET  admin:video_classifier_membership_changelist in in 403 in   in     in     in     in    200
GET  admin:video_classifier_onetimepassword_changelist in in 403 in in  in     in     in    200
GET  admin:video_classifier_preferences_changelist in in 403 in in    in     in     in    200
GET  admin:video_classifier_repeatablerequest_changelist in in 403 in in in in  in    200
GET  admin:video_classifier_requestcount_changelist in in 403 in in in in in 200
GET  admin:video_classifier_eventcount_changelist in in 403 in in in in in 200
GET  admin:video_classifier_changedevents_changelist in in 403 in in in in in 200
GET  admin:video_classifier_countedstore_changelist in in 403 in in in in in 200
GET  admin:video_classifier_segment_changelist    in in 403 in   in     in     in     in    200
GET  admin:video_classifier_segmentcopy_changelist in in 403 in  in     in     in     in    200
GET  admin:video_classifier_signedin_changelist in in 403 in in in in in 200
GET  admin:video_classifier_store_changelist      in in 403 in   in     in     in     in    200
GET  admin:video_classifier_track_changelist      in in 403 in   in     in     in     in    200
GET  admin:video_classifier_upload_changelist     in in 403 in   in     in     in     in    200
GET  admin:video_classifier_auditseal_changelist in in 403 in in in in in 200
GET  admin:video_classifier_case_changelist in in 403 in in in in in 200
GET  admin:video_classifier_caseexport_changelist in in 403 in in in in in 200
GET  admin:video_classifier_caseitem_changelist in in 403 in in in in in 200
GET  admin:video_classifier_casenote_changelist in in 403 in in in in in 200
GET  admin:video_classifier_opened_changelist in in 403 in in in in in 200
GET  admin:video_classifier_retention_changelist in in 403 in in in in in 200
GET  admin:video_classifier_review_changelist in in 403 in in in in in 200
GET  admin:video_classifier_savedview_changelist in in 403 in in in in in 200
GET  admin:video_classifier_tag_changelist in in 403 in in in in in 200
GET  admin:video_classifier_visit_changelist in in 403 in in in in in 200
"""

ROW = re.compile(r"(GET|HEAD|POST|PATCH|DELETE) +(\S+)( +\(in trash\))? +(.*)")
ROWS = [row.groups(default="") for row in map(ROW.fullmatch, TABLE.splitlines()) if row]
KEPT, IN_TRASH = [row for row in ROWS if not row[2]], [row for row in ROWS if row[2]]
OTHER_ARGUMENTS: dict[str, dict[str, object]] = {
    "admin:app_list": {"app_label": "video_classifier"},
    "api:model": {"name": "standard"},
    "api:nowhere": {},
    "password_reset_confirm": {"uidb64": "MQ", "token": "set-password"},
    "admin:view_on_site": {"content_type_id": 1, "object_id": 1},
}
OF_A_CASE = {
    *("web:case", "web:case-settings", "web:switch-case", "web:delete-case"),
    *("web:note-on-case", "web:remove-from-case", "web:export-case"),
}
OF_A_USER: dict[str, type[Model]] = {
    **dict.fromkeys(OF_A_CASE, Case),
    "web:case-export": CaseExport,
    "web:delete-case-export": CaseExport,
    "web:delete-view": SavedView,
    "web:undo-review": Review,
    "web:review-reason": Review,
    "web:alert": Alert,
    "web:resumable-upload": Upload,
    "web:revoke-api-key": ApiKey,
    "web:retry-delivery": Delivery,
}
OF_THE_API: dict[str, dict[str, object]] = {
    **{
        f"api:{name}": {}
        for name in (
            *("clip", "clip-reviews", "analysis", "analysis-tracks", "analysis-events"),
            *("cancel", "pause", "resume"),
        )
    },
    "api:event": {"number": 1},
}
OF_A_CHANNEL = re.compile(r"web:[\w-]+-channel(-\w+)?|web:channel-settings")
OF_A_CAMERA = {"web:camera", "web:camera-link", "web:camera-still", "web:video"}
SignIn = Callable[[str], Client]
FORM = "application/x-www-form-urlencoded"


def addresses(patterns: list[URLPattern | URLResolver], spaces: str = "") -> Iterator[str]:
    """The names of all that can be asked for; of one model's administration, that of its list."""
    for each in patterns:
        if isinstance(each, URLResolver):
            space = f"{spaces}{each.namespace}:" if each.namespace else spaces
            yield from addresses(each.url_patterns, space)
        elif spaces != "admin:":
            yield f"{spaces}{each.name}"
        elif each.name and not re.search(r"_(add|change|delete|history)$", each.name):
            yield f"admin:{each.name}"


def test_each_address_is_in_the_table() -> None:
    closed_with_their_list = {"admin:auth_user_password_change"}
    found = set(addresses(get_resolver().url_patterns)) - closed_with_their_list

    assert found | {"admin:password_change"} == {name for _, name, *_ in ROWS}


@pytest.fixture
def shown(
    make_store: MakeStore,
    make_user: MakeUser,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    make_track: MakeTrack,
) -> Analysis:
    """Of the uploader's, with every kind of file, in the main store."""
    store = make_store()
    uploader = make_user("uploader", roles=[Role.ANALYST])
    camera = Camera.objects.create(store=store, name="Back door")
    clip = make_clip(name="secret.mp4", uploaded_by=uploader, camera=camera)
    make_feed(
        "Back door", store=store, address="v4l2:/dev/video0", model="special", is_enabled=True
    )
    began = timezone.now() - timedelta(hours=1)
    PlantedAct.objects.create(pk=7, camera=camera, started_at=began, ended_at=timezone.now())
    ModelVersion.objects.create(pk=7, store=store, model="special", number=1)
    live_pictures.write(camera.pk, b"picture", taken_at=timezone.now())
    channel = make_channel("Secret channel", kind=ChannelKind.WEBHOOK, stores=[store])
    make_digest(channel, status=Status.FAILED)
    found = make_analysis(
        clip=clip, model="special", status=Status.DONE, frame_times=[0.5], requested_by=uploader
    )
    track = make_track(analysis=found)
    facts = {"start": 0.0, "end": 1.0, "peak": 0.5, "score": 0.9}
    event = Event.objects.create(
        analysis=found, number=1, segment=segment_of(found), track=track, **facts
    )
    reviews.answer(event, clip, uploader, answer=Answer.FALSE_ALARM)
    Alert.objects.create(
        kind=AlertKind.RECORDING, analysis=found, store=store, happened_at=timezone.now()
    )
    HeatMap.objects.create(analysis=found, status=Status.DONE, drops=[[0.1]])
    copy = {"status": Status.DONE, "file": clip.file.name}
    SegmentCopy.objects.create(clip=clip, number=1, start=0.0, end=60.0, **copy)
    names = (*evidence.frame_files(found), evidence.crop_file(track, 0))
    files.write(dict.fromkeys((*names, evidence.heat_file(found, 0)), b"picture"))
    Upload.objects.create(
        user=uploader,
        name="secret.mp4",
        size_bytes=10,
        store=store,
        model="special",
        expires_at=timezone.now() + timedelta(days=1),
    )
    case = Case.objects.create(store=store, name="Secret case")
    CaseExport.objects.create(
        case=case, status=Status.DONE, file=clip.file.name, finished_at=timezone.now()
    )
    SavedView.objects.create(owner=uploader, page=ListPage.HISTORY, name="secret view")
    api_keys.create(uploader, name="secret key", scopes=[Scope.READ], days=1, by=uploader)
    resumable.path_of(Upload.objects.get()).parent.mkdir()
    resumable.path_of(Upload.objects.get()).touch()
    return found


@pytest.fixture
def sign_in(make_user: MakeUser, make_store: MakeStore) -> SignIn:
    """Makes who is named at the head of the table."""
    north = make_store("North")
    facts: dict[str, dict[str, object]] = {
        "nobody": {"roles": []},
        "staff": {"roles": [], "is_staff": True},
        "elsewhere": {"roles": [Role.ANALYST], "store": north},
        "reviewer": {"roles": [Role.REVIEWER]},
        "analyst": {"roles": [Role.ANALYST]},
        "manager": {"roles": [Role.MANAGER]},
        "root": {"roles": [], "is_staff": True, "is_superuser": True},
    }

    client = Client()  # one for all, as each reads all middleware anew

    def sign_in(who: str) -> Client:
        client.cookies.clear()
        if who == "uploader":
            client.force_login(User.objects.get(username=who))
        elif who != "stranger":
            client.force_login(make_user(who, **facts[who]))
        return client

    return sign_in


OF_A_STORE = {
    *("web:retention", "web:versions", "web:cancel-improvement", "web:roll-back-version"),
    *("web:version", "web:shadow-version", "web:activate-version", "web:delete-version"),
}


OF_NOBODY = {"web:end-session"}  # each person has others, and of that number nobody has one


def address_of(name: str, analysis: Analysis) -> str:
    if name in OF_THE_API:
        of_clip = name in {"api:clip", "api:clip-reviews"}
        found = {"pk": analysis.clip_id if of_clip else analysis.pk} | OF_THE_API[name]
        return reverse(name, kwargs=found)
    if not name.startswith("web:"):
        return reverse(name, kwargs=OTHER_ARGUMENTS.get(name))
    (arguments,) = (found for called, found, _ in PAGES if f"web:{called}" == name)
    if name in OF_A_USER:
        arguments = arguments | {"pk": OF_A_USER[name]._default_manager.get().pk}
    elif name in OF_A_CAMERA:
        arguments = {"pk": analysis.clip.camera_id}
    elif name in OF_A_STORE:
        arguments = arguments | {"pk": analysis.clip.store_id}
    elif arguments.get("pk") == SOME_NUMBER and name not in OF_NOBODY:
        of_channel = OF_A_CHANNEL.fullmatch(name)
        arguments = arguments | {"pk": (Channel if of_channel else Feed).objects.get().pk}
    elif "pk" in arguments and name not in OF_NOBODY:
        (path,) = (path for path in urlpatterns if f"web:{path.name}" == name)
        of_clip = str(path.pattern).startswith("clips/")
        arguments = arguments | {"pk": analysis.clip_id if of_clip else analysis.pk}
    return reverse(name, kwargs=arguments)


@pytest.mark.postgresql
@pytest.mark.parametrize("who", WHO)
def test_each_address_answers_each_role(
    sign_in: SignIn, shown: Analysis, make_model: MakeModel, who: str
) -> None:
    make_model()
    client = sign_in(who)
    found = {row[:3]: answer(client, row[0], address_of(row[1], shown)) for row in KEPT}
    trash.put(shown.clip, by=User.objects.get(username="uploader"))
    found |= {row[:3]: answer(client, row[0], address_of(row[1], shown)) for row in IN_TRASH}

    column = WHO.index(who)
    assert found == {row[:3]: row[3].split()[column] for row in ROWS}


def answer(client: Client, method: str, address: str) -> str:
    """As the table has it; what was done is undone for the next address."""
    cookies = deepcopy(client.cookies)
    with undone():
        response = client.generic(method, address, "model=standard", content_type=FORM, headers=TUS)
        response.getvalue()  # or the files that are sent stay open
    client.cookies = cookies
    sent_to = response.get("Location", "").partition("?")[0]
    is_sent_to_sign_in = sent_to in {reverse("login"), reverse("admin:login")}
    return "in" if is_sent_to_sign_in else str(response.status_code)


@pytest.mark.parametrize("who", ["stranger", "manager"])
def test_the_administration_is_closed_to_everybody_but_staff(
    sign_in: SignIn, shown: Analysis, who: str
) -> None:
    client = sign_in(who)
    of_models = re.findall(r"admin:\w+_changelist", TABLE)
    kinds = ("changelist", "add", "change", "delete", "history")

    for name, kind in product(of_models, kinds):
        pk: dict[str, str] = {} if kind in {"changelist", "add"} else {"object_id": "1"}
        address = reverse(name.replace("changelist", kind), kwargs=pk)
        sent_to = client.get(address)["Location"].partition("?")[0]
        assert sent_to in {reverse("login"), reverse("admin:login")}, address


# What is in a list


@pytest.fixture
def twin(shown: Analysis, make_store: MakeStore, make_clip: MakeClip) -> Analysis:
    """The same bytes as what is shown to others, uploaded later by who is elsewhere."""
    clip = make_clip(name="twin.mp4", store=make_store("North"))
    return Analysis.objects.create(clip=clip, model="standard")


SECRETS = ("secret.mp4", "special", "uploader</", "Harbour", "Back door")


LISTS = (
    "/",
    "/history/",
    "/history.csv",
    "/events.csv",
    "/dashboard/",
    "/dashboard.csv",
    "/trash/",
    "/live/",
    "/live/history/?live={}.x",
    "{result}",
)


@pytest.mark.parametrize("trashed", [False, True], ids=["kept", "in the trash"])
def test_nothing_shows_what_is_in_another_store(
    sign_in: SignIn,
    shown: Analysis,
    twin: Analysis,
    make_model: MakeModel,
    *,
    trashed: bool,
) -> None:
    make_model()
    Store.objects.filter(pk=shown.clip.store_id).update(name="Harbour")
    client = sign_in("elsewhere")
    me = User.objects.get(username="elsewhere")
    Clip.objects.filter(pk=twin.clip_id).update(uploaded_by=me)
    Analysis.objects.filter(pk=twin.pk).update(requested_by=me)
    if trashed:
        trash.put(shown.clip, by=User.objects.get(username="uploader"))

    for address in LISTS:
        response = client.get(address.format(shown.pk, result=twin.get_absolute_url()))

        html = response.getvalue().decode()
        assert response.status_code == 200, address
        assert [secret for secret in SECRETS if secret in html] == [], address
        assert str(shown.clip_id) not in html, address


def test_where_it_may_be_seen_it_is_shown(sign_in: SignIn, shown: Analysis) -> None:
    """Or the test above would pass for want of anything to show."""
    Store.objects.filter(pk=shown.clip.store_id).update(name="Harbour")
    client = sign_in("root")

    html = "".join(client.get(each).getvalue().decode() for each in ("/history/", "/history.csv"))
    assert [secret for secret in SECRETS if secret not in html] == []


def test_rows_of_another_store_are_as_gone_as_those_that_never_were(
    sign_in: SignIn, shown: Analysis
) -> None:
    marks = {"live": [f"{shown.pk}.x", f"{SOME_ID}.x"]}

    html = sign_in("elsewhere").get("/live/history/", marks).content.decode()

    for pk in (shown.pk, SOME_ID):
        assert f'id="row-{pk}" hx-swap-oob="delete"' in html


def test_pages_ask_for_nothing_but_what_is_visible() -> None:
    """The rule is in one place, and everybody goes by it."""
    rules = "visible_to|managed_by|open_to|with_cases_of|of|of_few"
    of_stores = (
        "Analysis|Camera|Channel|Clip|Delivery|Event|Feed|FeedHour|HeatMap|LiveEvent|"
        "SegmentCopy|Store|Track"
    )
    asks = re.compile(rf"(?:{of_stores})\.objects(?!\.(?:{rules}|none)\()")
    shortcuts = re.compile(rf"get_(?:object|list)_or_404\((?:{of_stores}),")
    pages = [*Path(web.__file__).parent.rglob("*.py")]

    found = [
        f"{page.name}: {line.strip()}"
        for page in pages
        for line in page.read_text(encoding="utf-8").splitlines()
        if asks.search(line) or shortcuts.search(line)
    ]

    assert len(pages) > 10
    assert found == []


# Uploads


def upload(client: Client, **choices: object) -> tuple[int, str]:
    clip = SimpleUploadedFile("new.mp4", b"no video", content_type="video/mp4")
    response = client.post("/", {"model": "standard", "clips": clip} | choices)
    return response.status_code, response.content.decode()


@pytest.mark.parametrize(("who", "why"), [("reviewer", MAY_NOT_UPLOAD), ("nobody", NO_STORE)])
def test_who_may_not_upload_reads_why_and_whom_to_ask(
    sign_in: SignIn, shown: Analysis, make_model: MakeModel, who: str, why: str
) -> None:
    make_model()
    client = sign_in(who)

    page = client.get("/").content.decode()
    status, refusal = upload(client)

    assert why in page
    assert "data-upload " not in page
    assert status == 403
    assert f"<p data-problem>{why}</p>" in refusal


@pytest.mark.parametrize("address", ["/", "/history/", "/trash/"])
def test_who_belongs_to_no_store_is_told_whom_to_ask(sign_in: SignIn, address: str) -> None:
    assert NO_STORE in sign_in("nobody").get(address).content.decode()


def test_a_reviewer_is_not_offered_another_analysis(
    sign_in: SignIn, shown: Analysis, make_model: MakeModel
) -> None:
    make_model()
    address = shown.get_absolute_url()

    assert "Analyze again" not in sign_in("reviewer").get(address).content.decode()
    assert "Analyze again" in sign_in("analyst").get(address).content.decode()


@pytest.mark.parametrize("who", ["elsewhere", "analyst"])
def test_nobody_uploads_to_a_store_that_is_not_theirs(
    sign_in: SignIn, make_store: MakeStore, make_model: MakeModel, who: str
) -> None:
    make_model()
    client = sign_in(who)
    other = make_store("South")

    status, html = upload(client, store=other.pk)

    assert status == 422
    assert "You can&#x27;t upload to this store." in html
    assert "South" not in html
    assert not Clip.objects.exists()
