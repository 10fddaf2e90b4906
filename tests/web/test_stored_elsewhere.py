"""Players and downloads get what is in a bucket by signed addresses; Django asks who they are."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests import buckets
from tests.buckets import Service
from tests.conftest import MakeAnalysis, MakeClip, segment_of
from video_classifier.integrations.bucket import Bucket
from video_classifier.models import AuditEntry, Clip
from video_classifier.services import evidence, files
from video_classifier.states import Action, Status

s3, bucket = buckets.s3, buckets.bucket

CONTENT = bytes(range(100))


@pytest.fixture
def clip(bucket: Bucket, make_clip: MakeClip) -> Clip:
    return make_clip(name="Kasse 1, früh.mp4", content=CONTENT)


def address(clip: Clip) -> str:
    return reverse("web:clip-file", args=[clip.pk])


def test_a_player_gets_ranges_from_where_the_clip_is(client: Client, clip: Clip) -> None:
    response = client.get(address(clip), headers={"Range": "bytes=0-"})

    sent = requests.get(response["Location"], headers={"Range": "bytes=10-19"}, timeout=60)
    assert response.status_code == 302
    assert "no-store" in response["Cache-Control"]
    assert (sent.status_code, sent.content) == (206, CONTENT[10:20])
    assert sent.headers["Content-Type"] == "video/mp4"
    assert sent.headers["Cache-Control"] == "private, no-store"


def test_a_download_has_its_name_and_is_noted(client: Client, clip: Clip) -> None:
    response = client.get(address(clip), {"download": "1"})

    sent = requests.get(response["Location"], timeout=60)
    assert sent.content == CONTENT
    assert sent.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''Kasse%201")
    assert AuditEntry.objects.filter(action=Action.DOWNLOADED, object_id=clip.pk).count() == 1


def test_the_head_is_answered_here(client: Client, clip: Clip) -> None:
    response = client.head(address(clip))

    assert (response.status_code, response["Content-Length"]) == (200, "100")


def test_an_address_is_good_for_one_file_and_an_hour(client: Client, clip: Clip) -> None:
    signed = urlsplit(client.get(address(clip))["Location"])

    assert signed.path.endswith(str(clip.file.name))
    said = parse_qs(signed.query)
    assert said["X-Amz-Expires"] == ["3600"]
    # Of all that is in the query, and of the path: a service refuses what was changed.
    assert said["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert said["response-content-type"] == ["video/mp4"]
    assert said["response-content-disposition"][0].startswith("inline; filename*=utf-8''Kasse")
    assert "cret" not in signed.query


def test_who_may_not_see_a_clip_gets_no_address(
    stranger: Client, clip: Clip, s3: Service, make_clip: MakeClip
) -> None:
    other = Client()
    other.force_login(User.objects.create_user("nobody"))

    for who in (stranger, other):
        response = who.get(address(clip))
        assert s3.address not in response.get("Location", "")
        assert response.status_code in {302, 404}


def test_what_is_gone_is_missed_in_a_sentence(client: Client, clip: Clip, bucket: Bucket) -> None:
    bucket.delete(str(clip.file.name))

    assert client.get(address(clip)).status_code == 404


def test_pictures_come_from_there_too(
    client: Client, clip: Clip, make_analysis: MakeAnalysis
) -> None:
    analysis = make_analysis(clip=clip, status=Status.DONE)
    segment = segment_of(analysis)
    segment.frame_times = analysis.frame_times = [0.5]
    segment.save()
    analysis.save()
    files.write({evidence.frame_file(segment, 0): b"frame"})

    response = client.get(reverse("web:frame", args=[analysis.pk, 0]))

    sent = requests.get(response["Location"], timeout=60)
    assert (sent.content, sent.headers["Content-Type"]) == (b"frame", "image/jpeg")


def test_pages_may_show_what_is_stored_there_and_nothing_else(client: Client, s3: Service) -> None:
    configured.STORAGE_ORIGIN = s3.address
    try:
        policy = client.get(reverse("web:upload"))["Content-Security-Policy"]
    finally:
        configured.STORAGE_ORIGIN = ""

    allowed = [each for each in policy.split("; ") if s3.address in each]
    assert allowed == [
        f"img-src 'self' data: blob: {s3.address}",
        f"media-src 'self' blob: {s3.address}",
    ]


def test_a_page_says_so_if_the_storage_does_not_answer(
    client: Client, clip: Clip, s3: Service
) -> None:
    client.raise_request_exception = False
    s3.fault = "500"

    response = client.get(address(clip))

    assert response.status_code == 503
    assert "does not answer" in response.content.decode()
