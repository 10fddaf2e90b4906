"""A click on a picture of the filmstrip shows that picture, whatever zero of time its file has."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from django.core.files import File
from playwright.sync_api import Page, expect

from tests.browser.waiting import becomes
from tests.conftest import MakeAnalysis, MakeClip, MakeTrack, segment_of
from tests.makers import videos
from tests.makers.videos import Maker
from video_classifier.ml.contracts import ClipSpec
from video_classifier.ml.video import browser_copy, probe, sampling
from video_classifier.services import evidence, files
from video_classifier.states import Playback, Status, View

pytestmark = pytest.mark.browser

SPEC = ClipSpec(frames=6, height=48, width=64)
RATE, FRAMES = 30, 120

PICTURES = ".filmstrip__frame:has([alt^=Frame])"

CLICK = "picture => picture.click()"

SHOWN = """() => {
  const video = document.querySelector("[data-player]");
  const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0, 64, 48);
  const line = document.querySelector("[data-picture] .box[display=inline] .box__line");
  return [
    btoa(String.fromCharCode(...context.getImageData(0, 0, 64, 48).data)),
    parseFloat(line?.getAttribute("x") ?? -1),
  ];
}"""

READY = """() => document.querySelector("[data-player]").readyState >= 2"""

LEFTS = np.linspace(0, 0.75, SPEC.frames).tolist()  # of a person's box in each picture


def at(start: float, *, frames: int = FRAMES) -> list[int]:
    """Milliseconds of a steady rate, from second `start` on."""
    return [round(1000 * (start + number / RATE)) for number in range(frames)]


def recorded(name: str, **options: object) -> Maker:
    usual = {"rate": RATE, "gop": 30}
    return lambda folder: videos.write(folder / name, FRAMES, **usual | options)  # type: ignore[arg-type]


def cut_in_a_group(folder: Path) -> Path:
    whole = videos.write(folder / "whole.ts", FRAMES, rate=RATE, gop=40, size=(320, 240))
    content = whole.read_bytes()
    (folder / "mid_gop.ts").write_bytes(content[len(content) // 5 // 188 * 188 :])
    return folder / "mid_gop.ts"


def broken_at_first(folder: Path) -> Path:
    options = {"movflags": "faststart"}
    clip = videos.write(folder / "broken.mp4", FRAMES, rate=RATE, gop=30, muxing=options)
    return videos.zeroed(clip, 0, 0.2)


def with_over_long_messages(folder: Path) -> Path:
    """Beside every tenth picture."""
    note = b"\0\0\0\6\x06\x76\xc8\x01\x02\x03"
    return videos.rewritten(
        recorded("steady.mp4")(folder),
        folder / "noted.mp4",
        lambda number, content: note * (number % 10 == 0) + content,
    )


FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
CLIPS: dict[str, Maker] = {
    "at 0": recorded("control.mp4"),
    "at 0, several pictures a tick": recorded("control.webm", codec="libvpx"),
    "transport stream, at 1.4 s": recorded("plain.ts"),
    "transport stream, at an hour": recorded("hour.ts", shown_at=at(3600)),
    "stamps that wrap": recorded("wrap.ts", shown_at=at(95_442.9)),
    "cut within a group": cut_in_a_group,
    "sound first": recorded("late.mp4", shown_at=at(2), sound=6.0),
    "MP4 at an hour": recorded("hour.mp4", shown_at=at(3600)),
    "fragments": recorded("fragments.mp4", muxing=FRAGMENTED),
    "fragments at an hour": recorded("hours.mp4", shown_at=at(3600), muxing=FRAGMENTED),
    "negative": recorded("negative.mp4", shown_at=at(-1)),
    "WebM at 2 s": recorded("late.webm", codec="libvpx", shown_at=at(2), sound=0.0),
    "beginning that does not decode": broken_at_first,
    "encoded anew": recorded("mpeg4.mkv", codec="mpeg4", shown_at=at(2)),
    "clock that is set": lambda folder: videos.paused(
        recorded("steady.mp4")(folder), folder / "set.mkv", keyframe=1, seconds=1.7e9
    ),
    "over-long messages": with_over_long_messages,
    "pause": lambda folder: videos.paused(
        recorded("steady.mp4")(folder), folder / "pause.mp4", keyframe=1, seconds=60
    ),
}


class Film(NamedTuple):
    address: str  # of the result
    numbers: list[int]  # of the pictures in its filmstrip


@pytest.fixture
def films(
    make_clip: MakeClip, make_analysis: MakeAnalysis, make_track: MakeTrack, tmp_path: Path
) -> dict[str, Film]:
    """The result of each kind of clip; a box moves from picture to picture of its filmstrip."""

    def made(path: Path) -> Film:
        facts = probe.facts(path)
        sample = sampling.sample(path, SPEC, preview_width=64)
        clip = make_clip(
            content=path.read_bytes(),
            container=facts.container,
            codec=facts.codec,
            width=facts.width,
            height=facts.height,
            duration=facts.duration,
        )
        if not browser_copy.is_playable(facts):
            copy = path.with_name("copy.mp4")
            browser_copy.make(path, copy)
            with copy.open("rb") as file:
                clip.playable.save("copy.mp4", File(file), save=False)
            clip.playback = Playback.COPY
            clip.save()
        analysis = make_analysis(
            clip=clip,
            status=Status.DONE,
            view=View.PERSON,
            decided_by=1,
            frame_times=list(sample.times),
        )
        make_track(
            analysis=analysis,
            times=list(sample.times),
            boxes=[[left, 0.25, left + 0.25, 0.75] for left in LEFTS],
            crop_times=[],
        )
        files.write(
            {
                evidence.frame_file(segment_of(analysis), number): evidence.jpeg(preview, 80)
                for number, preview in enumerate(sample.previews)
            }
        )
        numbers = [videos.number_of(image) for image in sample.images]
        return Film(analysis.get_absolute_url(), numbers)

    found = {}
    for kind, maker in CLIPS.items():
        folder = tmp_path / kind
        folder.mkdir()
        found[kind] = made(maker(folder))
    return found


def number_of(pixels: str) -> int:
    rgba = np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(48, 64, 4)
    return videos.number_of(rgba[..., :3])


def shown(page: Page) -> tuple[int, float]:
    """The number of the picture that the player has, and where its box begins."""
    pixels, left = page.evaluate(SHOWN)
    return number_of(pixels), left / 100


@pytest.mark.long
def test_player_filmstrip_and_boxes_agree(films: dict[str, Film], page: Page) -> None:
    for kind, film in films.items():
        page.goto(film.address)
        page.wait_for_function(READY)
        pictures = page.locator(PICTURES)
        expect(pictures).to_have_count(SPEC.frames)

        for place, (number, left) in enumerate(zip(film.numbers, LEFTS, strict=True)):
            pictures.nth(place).evaluate(CLICK)

            expected = (kind, place, number, pytest.approx(left, abs=0.005))
            becomes(page, lambda: (kind, place, *shown(page)), expected)  # noqa: B023
