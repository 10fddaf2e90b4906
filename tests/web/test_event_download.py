"""An event as a file to take away."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from tests.conftest import MakeAnalysis, MakeClip, MakeTrack
from tests.makers import videos
from video_classifier.models import AuditEntry, Event
from video_classifier.services import evidence, files, sandbox, trash
from video_classifier.services.errors import Refused
from video_classifier.states import Action, Status, View


@pytest.fixture
def event(
    make_clip: MakeClip, make_analysis: MakeAnalysis, make_track: MakeTrack, tmp_path: Path
) -> Event:
    """From second 2.5 to 3.5 of six, ten pictures a second and a keyframe each twelve."""
    content = videos.write(tmp_path / "clip.mp4", 60).read_bytes()
    clip = make_clip(name="till.mp4", content=content, duration=6.0)
    analysis = make_analysis(
        clip=clip,
        status=Status.DONE,
        score=0.8,
        view=View.PERSON,
        decided_by=2,
        model_sha256="a" * 64,
    )
    track = make_track(analysis=analysis, number=2, crop_times=[2.0, 3.0])
    still = evidence.still_file(track)
    files.write({still: still.encode()})
    return Event.objects.create(
        analysis=analysis,
        number=3,
        segment=track.segment,
        track=track,
        start=2.5,
        end=3.5,
        peak=3.1,
        score=0.8,
    )


def address(event: Event) -> str:
    return reverse("web:event-download", args=[event.analysis_id, event.number])


def unpacked(client: Client, event: Event) -> dict[str, bytes]:
    response = client.get(address(event))
    assert response.status_code == 200
    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as found:
        assert {each.compress_type for each in found.infolist()} == {zipfile.ZIP_STORED}
        return {name: found.read(name) for name in found.namelist()}


def test_an_event_comes_with_its_seconds_its_still_and_a_manifest(
    client: Client, event: Event
) -> None:
    found = unpacked(client, event)
    manifest: dict[str, Any] = json.loads(found["manifest.json"])

    assert list(found) == ["event.mp4", "still.jpg", "manifest.json"]
    assert found["still.jpg"].endswith(b"person-02-still.jpg")
    assert manifest["event"]["start_s"] == 2.5
    assert manifest["video"]["start_s"] == pytest.approx(2.4)
    assert manifest["video"]["end_s"] == pytest.approx(3.8, abs=0.21)
    assert manifest["clip"]["sha256"] == event.analysis.clip.sha256
    assert (manifest["analysis"]["model_sha256"], manifest["event"]["track"]) == ("a" * 64, 2)
    assert manifest["event"]["link"].endswith(f"/results/{event.analysis_id}/events/3/")
    assert "no proof" in manifest["note"]


def test_the_manifest_has_the_sums_of_all_files(client: Client, event: Event) -> None:
    found = unpacked(client, event)
    manifest = json.loads(found.pop("manifest.json"))

    assert manifest["files"] == [
        {
            "name": name,
            "size_bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for name, content in found.items()
    ]


def test_without_a_still_the_rest_comes(client: Client, event: Event) -> None:
    default_storage.delete(evidence.event_still(event))

    assert list(unpacked(client, event)) == ["event.mp4", "manifest.json"]


def test_nothing_is_left_on_the_server(client: Client, event: Event, settings: Settings) -> None:
    unpacked(client, event)

    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []


def test_a_download_is_noted(client: Client, event: Event, user: User) -> None:
    client.head(address(event))
    unpacked(client, event)

    (entry,) = AuditEntry.objects.filter(action=Action.DOWNLOADED)
    assert (entry.actor, entry.object_type) == (user.pk, "event")
    assert (entry.object_id, entry.details) == (str(event.analysis_id), {"number": 3})


@pytest.mark.parametrize("number", [1, 10**18])
def test_there_is_no_other_event(client: Client, event: Event, number: int) -> None:
    event.number = number

    assert client.get(address(event)).status_code == 404


def test_in_the_trash_it_is_gone(client: Client, event: Event, user: User) -> None:
    trash.put(event.analysis.clip, by=user)

    assert client.get(address(event)).status_code == 410


def test_where_nothing_can_be_cut_the_result_says_so(
    client: Client, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Refused(sandbox.CUT_TOO_LONG)

    monkeypatch.setattr(sandbox, "cut", refuse)

    response = client.get(address(event), follow=True)

    assert response.redirect_chain == [(event.analysis.get_absolute_url(), 302)]
    assert sandbox.CUT_TOO_LONG in response.content.decode()
    assert not AuditEntry.objects.filter(action=Action.DOWNLOADED).exists()


def test_a_file_that_is_gone_is_said_to_be(client: Client, event: Event) -> None:
    Path(event.analysis.clip.file.path).unlink()

    html = client.get(address(event), follow=True).content.decode()

    assert "no longer there" in html


def test_without_room_nothing_is_begun(client: Client, event: Event, settings: Settings) -> None:
    settings.DISK_FLOOR_BYTES = 2**62

    response = client.get(address(event))

    assert response.status_code == 507
    assert b"Download the whole clip" in response.content


def test_the_page_on_exports_has_each_key(client: Client, event: Event) -> None:
    manifest = json.loads(unpacked(client, event)["manifest.json"])
    text = (Path(__file__).parents[2] / "docs/exports.md").read_text(encoding="utf-8")

    section = text.split("## An event")[1]
    assert sorted(keys for keys in paths(manifest) if f"`{keys}`" not in section) == []


def paths(value: Any, way: str = "") -> set[str]:
    """As the page writes them: a key of each object in a list as `list[].key`."""
    if isinstance(value, dict):
        dot = "." if way else ""
        return {path for key, each in value.items() for path in paths(each, f"{way}{dot}{key}")}
    if isinstance(value, list):
        return {path for each in value for path in paths(each, f"{way}[]")}
    return {way}
