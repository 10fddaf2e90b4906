"""Copies of the segments of a recording: their bytes, the player that shows them, and links."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tests.conftest import MakeAnalysis, MakeClip, MakeUser, claimed, make_deleter
from tests.makers import recordings
from video_classifier.models import Analysis, AuditEntry, Clip, SegmentCopy
from video_classifier.services import segment_copies, trash
from video_classifier.states import Action, Playback, Status
from video_classifier.web import ranges

pytestmark = pytest.mark.postgresql

SPANS = [[0.0, 60.0], [60.0, 120.0], [120.0, 180.0]]
CONTENT = bytes(range(100))
PART = {"HX-Request": "true", "HX-Target": "segment-copies"}


@pytest.fixture
def clip(make_clip: MakeClip) -> Clip:
    """Of three minutes; the copy of the second one is there."""
    clip = make_clip(
        codec="hevc",
        container="mkv",
        duration=180.0,
        segment_spans=SPANS,
        playback=Playback.WANTED,
    )
    put(clip, 2)
    return clip


def put(clip: Clip, number: int) -> None:
    """The copy of that segment is there."""
    row = clip.segment_copies.get(number=number)
    row.status, row.seconds_making = Status.DONE, 20.0
    row.file.save("copy.mp4", ContentFile(CONTENT), save=True)


def address(clip: Clip, number: int) -> str:
    return reverse("web:segment-copy", args=[clip.pk, number])


def player(client: Client, clip: Clip, at: float = 0, **headers: str) -> str:
    found = client.get(reverse("web:player", args=[clip.pk]), {"at": str(at)}, headers=headers)
    return unescape(found.content.decode())


def made(html: str) -> list[int]:
    """The numbers of those that a page has."""
    found = re.search(r'data-segments="([^"]*)"', html)
    assert found
    return [number for number, (*_, is_made) in enumerate(json.loads(found[1]), 1) if is_made]


# Their bytes


def test_a_copy_is_sent_whole_and_in_stretches(client: Client, clip: Clip) -> None:
    whole = client.get(address(clip, 2))
    stretch = client.get(address(clip, 2), headers={"Range": "bytes=10-19"})

    assert (whole.status_code, whole.getvalue()) == (200, CONTENT)
    assert (stretch.status_code, stretch.getvalue()) == (206, CONTENT[10:20])
    assert whole["Content-Type"] == "video/mp4"
    assert whole["Cache-Control"] == "private, no-store"
    assert whole["Content-Security-Policy"].startswith("sandbox")


def test_a_player_gets_no_more_than_the_next_stretch(
    client: Client, clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "STRETCH", 30)

    rest = client.get(address(clip, 2), headers={"Range": "bytes=50-"})

    assert rest.getvalue() == CONTENT[50:80]


def test_what_is_not_made_is_not_found(client: Client, clip: Clip) -> None:
    assert client.get(address(clip, 1)).status_code == 404
    assert client.get(address(clip, 4)).status_code == 404


def test_one_whose_file_is_gone_is_not_found(client: Client, clip: Clip) -> None:
    clip.segment_copies.get(number=2).file.storage.delete(
        str(clip.segment_copies.get(number=2).file.name)
    )

    assert client.get(address(clip, 2)).status_code == 404


def test_looking_is_no_download(client: Client, clip: Clip) -> None:
    client.get(address(clip, 2)).getvalue()

    assert not AuditEntry.objects.filter(action=Action.DOWNLOADED).exists()


def test_in_the_trash_it_is_gone(client: Client, clip: Clip, make_user: MakeUser) -> None:
    trash.put(clip, by=make_deleter(make_user))

    assert client.get(address(clip, 2)).status_code == 410


def test_a_download_is_the_original(client: Client, clip: Clip) -> None:
    found = client.get(reverse("web:clip-file", args=[clip.pk]), {"download": "1", "at": "70"})

    assert found.getvalue() == b"video"


# The player


def test_it_says_which_are_there(client: Client, clip: Clip) -> None:
    html = player(client, clip, 70)

    assert made(html) == [2]
    assert "<video" in html
    assert "hx-trigger" in html
    assert "data-waits" not in html


def test_one_that_is_made_is_waited_for_with_about_how_long(client: Client, clip: Clip) -> None:
    html = player(client, clip, 150)

    assert "2:00 to 3:00 is being prepared for playing; that takes about 20 s." in html
    assert 'data-announce="2:00 to 3:00 is being prepared for playing."' in html


def test_what_runs_already_takes_less_long(client: Client, clip: Clip) -> None:
    since = timezone.now() - timedelta(seconds=11)
    clip.segment_copies.filter(number=3).update(status=Status.RUNNING, **claimed(since))

    assert "that takes about 10 s." in player(client, clip, 150)


def test_analyses_that_wait_go_first_and_it_says_so(
    client: Client, clip: Clip, make_analysis: MakeAnalysis
) -> None:
    make_analysis(clip=clip)

    assert "2:00 to 3:00 is prepared for playing once no analysis waits" in player(
        client, clip, 150
    )


def test_a_full_disk_is_told(client: Client, clip: Clip, settings: Settings) -> None:
    settings.DISK_FLOOR_BYTES = 2**60

    assert "The server's disk is full, so 2:00 to 3:00 can't be prepared" in player(
        client, clip, 150
    )


def test_one_that_was_given_up_says_why_and_can_be_asked_for_again(
    client: Client, clip: Clip, user: User
) -> None:
    clip.segment_copies.filter(number=3).update(status=Status.FAILED, error="It is damaged.")
    assert "Try again" not in player(client, clip, 70)
    html = player(client, clip, 150)
    assert "2:00 to 3:00 can't be played here. It is damaged." in html
    assert made(html) == [2]

    client.post(reverse("web:ask-for-copy", args=[clip.pk]))

    asked = clip.segment_copies.get(number=3)
    assert (asked.status, asked.requested_by) == (Status.QUEUED, user)
    assert clip.segment_copies.get(number=2).status == Status.DONE


@pytest.mark.parametrize("spans", [SPANS, []])
def test_where_there_is_none_at_all_it_says_so_and_they_can_be_asked_for(
    client: Client, clip: Clip, make_analysis: MakeAnalysis, spans: list[list[float]]
) -> None:
    SegmentCopy.objects.all().delete()
    Clip.objects.update(segment_spans=spans)
    result = make_analysis(clip=clip, status=Status.DONE).get_absolute_url()

    html = player(client, clip, 70, **PART)

    assert "t be played here." in html
    assert "data-segments" not in html
    assert "t be played here." in client.get(result).content.decode()
    moment = client.get(reverse("web:clip-file", args=[clip.pk]), {"at": "70"})
    assert moment["Location"] == f"{result}?at=70.000"
    client.post(reverse("web:ask-for-copy", args=[clip.pk]))
    assert SegmentCopy.objects.waiting().filter(clip=clip).count() == (len(spans) or 1)


def test_nobody_asks_any_more_once_all_are_there(client: Client, clip: Clip) -> None:
    put(clip, 1)
    put(clip, 3)

    assert "hx-trigger" not in player(client, clip)


def test_the_part_alone_can_be_asked_for(client: Client, clip: Clip) -> None:
    html = player(client, clip, 150, **PART)

    assert html.lstrip().startswith('<div id="segment-copies"')
    assert "<video" not in html


def test_where_somebody_looks_is_made_first(client: Client, clip: Clip) -> None:
    player(client, clip, 150, **PART)
    assert [each.number for each in SegmentCopy.objects.looked_at()] == [3]

    player(client, clip, 3, **PART)
    assert {each.number for each in SegmentCopy.objects.looked_at()} == {1, 3}


@pytest.mark.parametrize("at", ["nan", "inf", "-5", "soon", "1e999", ""])
def test_what_is_no_second_is_the_first(client: Client, clip: Clip, at: str) -> None:
    found = client.get(reverse("web:player", args=[clip.pk]), {"at": at}, headers=PART)

    assert "0:00 to 1:00 is being prepared" in found.content.decode()


# Pages


@pytest.fixture
def recording(clip: Clip) -> Analysis:
    """With an event from the first into the second minute."""
    return recordings.analyzed(clip, minutes=3, events={55.0: 0.9})


def page_of(client: Client, where: str) -> str:
    return unescape(client.get(where).content.decode())


def test_the_page_of_an_event_has_its_segments_made_first(
    client: Client, recording: Analysis
) -> None:
    SegmentCopy.objects.update(priority=0)

    page_of(client, reverse("web:event", args=[recording.pk, 1]))

    assert [each.number for each in SegmentCopy.objects.waiting().looked_at()] == [1, 3]


def test_without_scripts_there_are_links_to_what_is_there(
    client: Client, recording: Analysis
) -> None:
    html = page_of(client, recording.get_absolute_url())

    assert "0:00 to 1:00 is being prepared" in html
    assert f'<a href="{address(recording.clip, 2)}">1:00 to 2:00</a>' in html


def test_without_scripts_an_event_plays_its_seconds_in_each_segment(
    client: Client, recording: Analysis
) -> None:
    put(recording.clip, 1)

    html = page_of(client, reverse("web:event", args=[recording.pk, 1]))

    assert f'src="{address(recording.clip, 1)}#t=55.000,60.000"' in html
    assert f'<a href="{address(recording.clip, 2)}#t=0.000,7.000">1:00 to 2:00</a>' in html
    assert address(recording.clip, 3) not in html


def test_a_moment_in_the_table_leads_to_its_segment(client: Client, recording: Analysis) -> None:
    html = page_of(client, recording.get_absolute_url())
    file = reverse("web:clip-file", args=[recording.clip_id])
    assert f'href="{file}?at=65.000" data-seek="65.000"' in html

    there = client.get(f"{file}?at=65.000")
    missing = client.get(f"{file}?at=125.000")

    assert there["Location"] == f"{address(recording.clip, 2)}#t=5.000"
    assert missing["Location"] == f"{recording.get_absolute_url()}?at=125.000"
    assert "2:00 to 3:00 is being prepared" in page_of(client, missing["Location"])


def test_queries_do_not_grow_with_the_segments(
    client: Client, make_clip: MakeClip, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    spans = [[60.0 * n, 60.0 * (n + 1)] for n in range(360)]
    clip = make_clip(codec="hevc", segment_spans=spans, playback=Playback.WANTED)
    where = reverse("web:player", args=[clip.pk])

    # session, user, the trash, the clip, its copies, which go first, whether analyses wait, how
    # long other copies took; on PostgreSQL it is one more
    rest = int(connection.vendor == "postgresql")
    with django_assert_num_queries(8 + rest):
        client.get(where, {"at": "3000"}, headers=PART)
    with django_assert_num_queries(7 + rest):
        client.get(where, {"at": "3010"}, headers=PART)


def test_a_clip_that_plays_as_a_whole_knows_nothing_of_segments(
    client: Client, make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_copies, "of", pytest.fail)

    html = page_of(client, make_analysis().get_absolute_url())

    assert "data-segments" not in html
