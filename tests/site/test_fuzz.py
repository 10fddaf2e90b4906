"""Every form of the site, filled at random: nothing breaks, now or on the pages that show it later.

`make test` tries a few ways, `make fuzz` many.
"""

from __future__ import annotations

import random

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests.conftest import MakeAnalysis, MakeClip, MakeModel, MakeStore, MakeTrack
from tests.makers import forms
from tests.makers.alerts import make_channel, make_delivery
from tests.makers.events import make_result_event
from tests.makers.forms import MARK, Walk
from tests.makers.hints import make_hint
from tests.makers.live_cameras import make_feed
from video_classifier.models import Membership
from video_classifier.services import cases, trash
from video_classifier.states import Prediction, Role, Status

# What these do isn't done by this process: a child connects to a camera, or the session ends.
APART = ("test/", "accounts/logout/", "admin/logout/")
LEAST_FORMS, LEAST_PAGES = 60, 100  # or the walk has lost its way
OTHERS = (*Role.values, "staff", "stranger")  # names: of each role, of an administrator's helper
PARTS = 3  # each seed fills another part of the forms, so that three fill all


@pytest.fixture
def client(
    user: User,
    make_store: MakeStore,
    make_model: MakeModel,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    make_track: MakeTrack,
    settings: Settings,
) -> Client:
    """Of a superuser, on a site with a little of everything, and somebody of each role."""
    settings.WAITING_PER_USER = 1_000_000
    make_model()
    make_model(settings.DEFAULT_MODEL)
    store = make_store()
    analysis = make_analysis(
        status=Status.DONE, prediction=Prediction.HINT, score=0.8, requested_by=user
    )
    make_result_event(analysis)
    make_track(analysis=make_analysis(name="other.mp4", requested_by=user))
    feed = make_feed(store)
    make_hint(feed)
    make_delivery(make_channel(stores=[store]))
    case = cases.create(store, cases.Subject(name="Bicycles"), by=user)
    cases.add_clip(case, make_clip(name="held.mp4"), by=user)
    trash.put(make_clip(name="gone.mp4"), by=user)
    for name in OTHERS:
        other = User.objects.create_user(name, is_staff=name == "staff")
        if name in Role.values:
            Membership.objects.create(user=other, store=store, role=name)
    root = User.objects.create_superuser("root", password="correct horse battery")
    Membership.objects.create(user=root, store=store, role=Role.MANAGER)
    signed_in = Client()
    signed_in.force_login(root)
    return signed_in


@pytest.mark.fuzz
def test_no_form_breaks_the_site_whatever_is_typed(client: Client, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    walk = Walk(client, "/", "/history/", "/admin/", "/trash/", "/audit/", "/review/", "/live/")
    assert len(walk.forms) >= LEAST_FORMS, sorted(walk.forms, key=repr)
    assert len(walk.pages) >= LEAST_PAGES

    for form in forms.part_of(walk.forms.values(), seed, PARTS, chance):
        if form.route.endswith(APART) or form.route.startswith(APART):
            continue
        values = form.filled(chance)
        for name in (chance.choice(OTHERS), "root"):  # most others see no such form
            client.force_login(User.objects.get(username=name))  # anew: a password may have changed
            status = forms.send(client, form, values)
            assert status < 500, (name, form.method, form.action, values)
    client.force_login(User.objects.get(username="root"))

    for page in walk.pages:
        text = forms.read(client, page)
        assert text is None or f"<{MARK}" not in text, page
