"""The bytes of a clip: whole, in stretches, and never more than that."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http.response import ResponseHeaders
from django.test import Client
from django.urls import reverse

from tests.conftest import MakeAnalysis, MakeClip, segment_of
from video_classifier.models import AuditEntry, Clip
from video_classifier.services import evidence
from video_classifier.states import Action
from video_classifier.web import ranges

CONTENT = bytes(range(100))


@pytest.fixture
def clip(make_clip: MakeClip) -> Clip:
    return make_clip(name="till.mp4", content=CONTENT)


def address(clip: Clip) -> str:
    return reverse("web:clip-file", args=[clip.pk])


def headers_of(client: Client, clip: Clip, query: dict[str, str] | None = None) -> ResponseHeaders:
    response = client.get(address(clip), query)
    response.getvalue()  # to the end, where the file is closed
    return response.headers


def test_gives_the_whole_file(client: Client, clip: Clip) -> None:
    response = client.get(address(clip))

    assert response.status_code == 200
    assert response.getvalue() == CONTENT
    assert response["Content-Length"] == "100"
    assert response["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=90-", 90, 99),
        ("bytes=0-999", 0, 99),
        ("bytes=-5", 95, 99),
        ("bytes=-999", 0, 99),
    ],
)
def test_gives_a_stretch(client: Client, clip: Clip, asked: str, first: int, last: int) -> None:
    response = client.get(address(clip), headers={"Range": asked})

    assert response.status_code == 206
    assert response.getvalue() == CONTENT[first : last + 1]
    assert response["Content-Range"] == f"bytes {first}-{last}/100"
    assert response["Content-Length"] == str(last + 1 - first)
    assert response["Content-Type"] == "video/mp4"


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_says_so_if_a_stretch_is_beyond_the_end(client: Client, clip: Clip, asked: str) -> None:
    response = client.get(address(clip), headers={"Range": asked})

    assert response.status_code == 416
    assert response["Content-Range"] == "bytes */100"


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,5-6", "bytes=9-5", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=" + "9" * 400 + "-"],
)
def test_gives_the_whole_file_for_what_is_no_single_range(
    client: Client, clip: Clip, asked: str
) -> None:
    response = client.get(address(clip), headers={"Range": asked})

    assert response.status_code == 200
    assert response.getvalue() == CONTENT


def test_gives_a_stretch_only_of_the_version_asked_for(client: Client, clip: Clip) -> None:
    tag = headers_of(client, clip)["ETag"]

    same = client.get(address(clip), headers={"Range": "bytes=0-4", "If-Range": tag})
    other = client.get(address(clip), headers={"Range": "bytes=0-4", "If-Range": '"other"'})

    assert (same.status_code, other.status_code) == (206, 200)
    assert (same.getvalue(), other.getvalue()) == (CONTENT[:5], CONTENT)


def test_sends_nothing_to_who_has_it(client: Client, clip: Clip) -> None:
    tag = headers_of(client, clip)["ETag"]

    response = client.get(address(clip), headers={"If-None-Match": tag})

    assert response.status_code == 304
    assert response["ETag"] == tag


def test_reads_no_more_than_asked_for(client: Client, make_clip: MakeClip) -> None:
    clip = make_clip(content=b"x" * 500_000)

    response = client.get(address(clip), headers={"Range": "bytes=0-199999"})

    pieces = [len(piece) for piece in response]
    assert sum(pieces) == 200_000
    assert max(pieces) <= 64 * 1024


def test_a_player_that_asks_for_all_the_rest_gets_the_next_stretch(
    client: Client, make_clip: MakeClip
) -> None:
    clip = make_clip(content=b"x" * (ranges.STRETCH + 500))

    first = client.get(address(clip), headers={"Range": "bytes=100-"})
    rest = client.get(address(clip), headers={"Range": f"bytes={100 + ranges.STRETCH}-"})

    whole = ranges.STRETCH + 500
    assert first["Content-Range"] == f"bytes 100-{99 + ranges.STRETCH}/{whole}"
    assert rest["Content-Range"] == f"bytes {100 + ranges.STRETCH}-{whole - 1}/{whole}"
    assert (len(first.getvalue()), len(rest.getvalue())) == (ranges.STRETCH, 400)


def test_a_download_that_is_resumed_gets_all_the_rest(client: Client, make_clip: MakeClip) -> None:
    clip = make_clip(content=b"x" * (ranges.STRETCH + 500))

    rest = client.get(address(clip), {"download": "1"}, headers={"Range": "bytes=100-"})

    assert len(rest.getvalue()) == ranges.STRETCH + 400


def test_head_tells_without_sending(client: Client, clip: Clip) -> None:
    response = client.head(address(clip))

    assert response.status_code == 200
    assert response["Content-Length"] == "100"
    assert response.getvalue() == b""


@pytest.mark.parametrize("container", ["mkv", "ts", "mpg", "flv", "asf", "h264", "hevc"])
def test_every_container_has_its_type(client: Client, make_clip: MakeClip, container: str) -> None:
    headers = headers_of(client, make_clip(container=container))

    assert headers["Content-Type"].startswith("video/")


def test_is_what_it_was_found_to_be_and_nothing_that_runs(
    client: Client, make_clip: MakeClip
) -> None:
    clip = make_clip(name="page.html", content=b"<script>alert(1)</script>", container="webm")

    headers = headers_of(client, clip)

    assert headers["Content-Type"] == "video/webm"
    assert headers["Content-Disposition"] == 'inline; filename="page.html"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith(
        "sandbox allow-same-origin; default-src 'none'"
    )
    assert headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("till.mp4", 'attachment; filename="till.mp4"'),
        ('a"; x="b.mp4', r'attachment; filename="a\"; x=\"b.mp4"'),
        ("a\r\nSet-Cookie: x=1.mp4", 'attachment; filename="aSet-Cookie: x=1.mp4"'),
        ("каса.mp4", "attachment; filename*=utf-8''%D0%BA%D0%B0%D1%81%D0%B0.mp4"),
        ("\r\n", 'attachment; filename="clip"'),
    ],
)
def test_a_download_has_the_uploaders_name_and_no_other_header(
    client: Client, make_clip: MakeClip, name: str, header: str
) -> None:
    clip = make_clip(name=name)

    headers = headers_of(client, clip, {"download": "1"})

    assert headers["Content-Disposition"] == header
    assert "Set-Cookie" not in headers


def test_a_player_gets_the_copy_and_a_download_the_original(client: Client, clip: Clip) -> None:
    clip.playable.save("copy.mp4", ContentFile(b"copy"))
    clip.container = "avi"
    clip.save()

    shown = client.get(address(clip))
    kept = client.get(address(clip), {"download": "1"})

    assert (shown.getvalue(), shown["Content-Type"]) == (b"copy", "video/mp4")
    assert (kept.getvalue(), kept["Content-Type"]) == (CONTENT, "video/x-msvideo")
    assert shown["ETag"] != kept["ETag"]


def test_a_file_that_is_gone_is_not_found(client: Client, clip: Clip) -> None:
    clip.file.delete(save=False)

    assert client.get(address(clip)).status_code == 404


def test_a_frame_is_a_picture(client: Client, make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(frame_times=[0.0, 0.5, 1.0, 1.5])
    default_storage.save(evidence.frame_file(segment_of(analysis), 3), ContentFile(b"jpeg"))

    response = client.get(reverse("web:frame", args=[analysis.pk, 3]))

    assert response["Content-Type"] == "image/jpeg"
    assert response["Cache-Control"] == "private, no-store"
    assert response.getvalue() == b"jpeg"


@pytest.mark.parametrize("number", [1, 3, pytest.param(10**300, id="too-long")])
def test_a_frame_that_is_not_there_is_not_found(
    client: Client, make_analysis: MakeAnalysis, number: int
) -> None:
    analysis = make_analysis(frame_times=[0.0, 0.5])
    default_storage.save(evidence.frame_file(segment_of(analysis), 0), ContentFile(b"jpeg"))
    address = reverse("web:frame", args=[analysis.pk, number])

    assert client.get(address).status_code == 404


# What the audit log notes of it


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-"}, {"Range": "bytes=50-"}])
def test_a_download_is_noted(
    client: Client, clip: Clip, user: User, headers: dict[str, str]
) -> None:
    client.get(address(clip), {"download": "1"}, headers=headers).getvalue()

    entry = AuditEntry.objects.get(action=Action.DOWNLOADED)
    assert (entry.actor, entry.object_type, entry.object_id) == (user.pk, "clip", str(clip.pk))


def test_nothing_that_is_less_is_noted_as_a_download(client: Client, clip: Clip) -> None:
    client.get(address(clip)).getvalue()
    client.head(address(clip), {"download": "1"}).getvalue()
    etag = headers_of(client, clip)["ETag"]
    client.get(address(clip), {"download": "1"}, headers={"If-None-Match": etag})

    assert not AuditEntry.objects.filter(action=Action.DOWNLOADED).exists()
