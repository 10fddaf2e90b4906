"""A camera's model, and versions that score along, where they are in a bucket."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from tests import buckets
from tests.buckets import Service
from tests.conftest import MakeModel, MakeStore
from tests.makers.feeds import make_feed
from tests.makers.versions import make_version
from video_classifier.integrations.bucket import Bucket
from video_classifier.services import catalog, model_copies, versions
from video_classifier.states import Fault
from video_classifier.watching import camera

pytestmark = pytest.mark.django_db

s3, bucket = buckets.s3, buckets.bucket


def test_a_watcher_fetches_what_scores_and_tries_again_what_it_could_not_fetch(
    bucket: Bucket,
    s3: Service,
    make_store: MakeStore,
    make_model: MakeModel,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_model()
    feed = make_feed(store=make_store())
    used, shadow = make_version(make_store()), make_version(make_store(), bias=1.0)
    settings.DATA_DIR = tmp_path  # the watcher's machine
    monkeypatch.setattr(camera, "RETRY_MODEL", 0.0)
    monkeypatch.setattr(model_copies, "PAUSE_SECONDS", 0.0)
    model = camera._Model()
    versions.activate(used, store=feed.camera.store_id, model="standard", by=None)
    versions.start_shadow(shadow, by=None)
    for name in (used.name, shadow.name):  # as deciding about them fetched them
        assert catalog.is_here(name)
    settings.DATA_DIR = tmp_path / "other"
    settings.DATA_DIR.mkdir()
    s3.fault, s3.only = "500", "GET"

    assert not model.ready(feed)
    assert model.fault == Fault.MODEL
    s3.fault = ""
    catalog.usable(used.name)
    s3.fault = "500"
    assert model.ready(feed)  # it scores without the shadow,
    without = model.predictor
    s3.fault = ""
    assert model.ready(feed)  # and then with it

    assert model.predictor is not without
    assert catalog.is_here(shadow.name)
    with_it = model.predictor
    assert model.ready(feed)
    assert model.predictor is with_it
