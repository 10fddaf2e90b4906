"""An analysis on its way can be cancelled, by the person who asked for it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.conftest import MakeAnalysis, MakeUser, segment_of
from video_classifier.models import Analysis, Segment
from video_classifier.services import analyses, trash
from video_classifier.states import Status

BUTTON = "Cancel this analysis"


def cancel(client: Client, analysis: Analysis) -> int:
    return client.post(reverse("web:cancel", args=[analysis.pk])).status_code


def page(client: Client, analysis: Analysis) -> str:
    return client.get(analysis.get_absolute_url()).content.decode()


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
def test_what_is_on_its_way_is_cancelled(
    client: Client, make_analysis: MakeAnalysis, user: User, status: Status
) -> None:
    analysis = make_analysis(status=status, requested_by=user)
    running = segment_of(analysis)
    assert BUTTON in page(client, analysis)

    assert cancel(client, analysis) == 302

    assert not Segment.objects.unfinished().exists()
    assert not Segment.objects.held(running).exists()  # a run of it ends
    assert not Analysis.objects.unfinished().exists()
    shown = page(client, analysis)
    assert analyses.CANCELLED in shown
    assert "Analyze again" in shown
    assert BUTTON not in shown


@pytest.mark.parametrize("status", [Status.DONE, Status.FAILED])
def test_what_is_finished_stays_as_it_is(
    client: Client, make_analysis: MakeAnalysis, user: User, status: Status
) -> None:
    analysis = make_analysis(status=status, requested_by=user)

    assert cancel(client, analysis) == 302

    assert Analysis.objects.get().status == status


def test_nobody_else_can_cancel_it(
    client: Client, make_analysis: MakeAnalysis, make_user: MakeUser
) -> None:
    analysis = make_analysis(requested_by=make_user("grace"))
    assert BUTTON not in page(client, analysis)

    assert cancel(client, analysis) == 403

    assert Analysis.objects.get().status == Status.QUEUED


def test_the_uploader_can_cancel_what_others_asked_for(
    client: Client, make_analysis: MakeAnalysis, make_user: MakeUser, user: User
) -> None:
    analysis = make_analysis(requested_by=make_user("grace"))
    analysis.clip.uploaded_by = user
    analysis.clip.save()

    assert cancel(client, analysis) == 302

    assert Analysis.objects.get().status == Status.CANCELLED


def test_a_restored_clip_goes_on_only_with_what_the_trash_has_cancelled(
    make_analysis: MakeAnalysis, user: User
) -> None:
    unwanted = make_analysis()
    wanted = make_analysis(clip=unwanted.clip)
    analyses.cancel(unwanted)

    trash.put(unwanted.clip, by=user)
    trash.restore(unwanted.clip, by=user)

    unwanted.refresh_from_db()
    wanted.refresh_from_db()
    assert (unwanted.status, wanted.status) == (Status.CANCELLED, Status.QUEUED)
