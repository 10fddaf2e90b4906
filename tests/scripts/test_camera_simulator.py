"""The simulated camera, as FFmpeg's own clients see it, and what its command line takes."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections import deque
from itertools import islice
from pathlib import Path

import av
import pytest

from scripts import camera_simulator
from scripts._lib.simulator import broadcast, faults, footage
from scripts._lib.simulator.broadcast import Broadcast, Client
from scripts._lib.simulator.camera import Camera
from scripts._lib.simulator.credentials import Credentials
from scripts._lib.simulator.faults import Control, Planned
from scripts._lib.simulator.footage import Form, Planted, played, shot
from tests.makers import videos
from tests.makers.footage import ROOT
from tests.makers.videos import number_of, rgb


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return videos.write(tmp_path_factory.mktemp("simulator") / "clip.mp4", 40, size=(320, 240))


def numbers(url: str, count: int = 8) -> list[int]:
    """Of the pictures that FFmpeg reads there."""
    options = {"rtsp_transport": "tcp"} if url.startswith("rtsp") else {}
    with av.open(url, "r", options=options, timeout=(60, 60)) as container:
        found: list[int] = []
        for frame in container.decode(video=0):
            found.append(number_of(rgb(frame)))
            if len(found) == count:
                break
    return found


def asked(camera: Camera, method: str, body: str | None = None) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", camera.http_port, timeout=60)
    try:
        connection.request(method, "/fault", body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
@pytest.mark.parametrize("speed", [4.0])
def test_ffmpeg_reads_it(clip: Path, scheme: str, speed: float) -> None:
    known = Credentials(user="me", password="secret", is_digest=scheme == "rtsp")
    with Camera([clip], credentials=known, speed=speed, only=scheme) as camera:
        found = numbers(camera.rtsp_url if scheme == "rtsp" else camera.http_url)

    assert found == [(found[0] + n) % 40 for n in range(8)]


class Clock:
    """The end of a stream, for which it waits from picture to picture: here no time passes."""

    def __init__(self, end: float) -> None:
        self.now, self._end = 0.0, end

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return self.now >= self._end


@pytest.mark.parametrize("speed", [1.0, 2.0])
def test_plays_in_real_time_or_faster_if_asked_to(
    clip: Path, monkeypatch: pytest.MonkeyPatch, speed: float
) -> None:
    clock = Clock(end=0.75 / speed)
    stream = Broadcast([clip], Form(codec="mjpeg"), Control(), speed=speed)
    shown = []
    monkeypatch.setattr(
        Client, "offer", lambda _, picture, **__: shown.append((picture.second, clock.now))
    )
    monkeypatch.setattr(broadcast, "time", clock)
    monkeypatch.setattr(stream, "_ended", clock)
    monkeypatch.setattr(stream, "_began", 0.0, raising=False)

    with stream.client():
        stream._play()

    tenths = [number / 10 for number in range(8)]
    assert [second for second, _ in shown] == pytest.approx(tenths)
    assert [at for _, at in shown] == pytest.approx([each / speed for each in tenths])


def test_a_planted_clip_comes_at_its_time(clip: Path, tmp_path: Path) -> None:
    other = videos.write(tmp_path / "other.mp4", 20)

    program = played([clip], Form(rate=10), [Planted(clip=other, at=6.0)])
    found = [(start, end, each.clip) for start, end, each in islice(program, 4)]

    assert found == [(0, 4, clip), (4, 6, clip), (6, 8, other), (8, 12, clip)]


def test_a_clip_that_is_asked_for_waits_for_the_end_of_what_is_on(
    clip: Path, tmp_path: Path
) -> None:
    other = videos.write(tmp_path / "other.mp4", 20)
    asked: deque[Path] = deque()

    program = played([clip], Form(rate=10), (), asked)
    found = [next(program)]
    asked.append(other)
    found += islice(program, 2)

    assert [(start, end, each.clip) for start, end, each in found] == [
        (0, 4, clip),
        (4, 6, other),
        (6, 10, clip),
    ]


def test_a_clip_is_planted_while_the_camera_runs(clip: Path, tmp_path: Path) -> None:
    other = videos.write(tmp_path / "other.mp4", 5, size=(64, 48))

    with Camera([clip], Form(codec="mjpeg"), speed=4, only="http") as camera:
        camera.plant(other)
        with camera.pictures.client() as client:
            until = time.monotonic() + 60
            small = footage.shot(other, camera.pictures.form).pictures[0].data
            while (picture := client.next(timeout=60)) and picture.data != small:
                assert time.monotonic() < until


def test_encodes_as_asked(clip: Path) -> None:
    made = shot(clip, Form(size=(64, 48), rate=5, keyframe_every=2.0, b_frames=2))

    assert (len(made.pictures), made.seconds) == (20, 4.0)
    assert len(shot(clip, Form(size=(64, 48), rate=20)).pictures) in {79, 80}
    assert [n for n, each in enumerate(made.pictures) if each.is_key] == [0, 10]
    assert made.pictures[0].sent == 0


def test_faults_are_set_and_read_by_http(clip: Path) -> None:
    with Camera([clip], only="http") as camera:
        assert asked(camera, "POST", '{"stall": true, "clock": -30}')[0] == 200
        assert asked(camera, "GET")[1]["stall"] is True
        assert asked(camera, "POST", '{"clear": true}')[1]["stall"] is False
        assert camera.faults.now.clock == -30
        status, told = asked(camera, "POST", '{"nonsense": 1}')

    assert status == 400
    assert "nonsense" in str(told["error"])


@pytest.mark.parametrize("body", ["[1]", "{", "3"])
def test_refuses_what_is_no_fault(clip: Path, body: str) -> None:
    with Camera([clip], only="http") as camera:
        assert asked(camera, "POST", body)[0] == 400


def test_follows_a_plan(clip: Path) -> None:
    plan = faults.planned_in(["# first", "stall@0.1+0.3", "clock=-30@0.2  # and on"])
    seen = []
    control = Control()
    control.changed = lambda now: seen.append((now.stall, now.clock))
    with Camera([clip], only="http") as camera:
        faults.follow(plan, control, camera.ended)

    assert seen == [(True, 0), (True, -30), (False, -30)]


def test_reads_plans() -> None:
    assert faults.planned("slow=2000@5+1.5") == Planned(
        name="slow", value=2000.0, at=5.0, seconds=1.5
    )
    assert faults.planned("redirect=rtsp://127.0.0.1/x").value == "rtsp://127.0.0.1/x"


@pytest.mark.parametrize("text", ["nonsense", "stall@", "clock", "stall+3", ""])
def test_says_which_faults_there_are(text: str) -> None:
    with pytest.raises(ValueError, match="fault"):
        faults.planned(text)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.mp4"], "There is no clip nowhere.mp4."),
        (["--fault", "nonsense", str(ROOT / "README.md")], "no fault"),
    ],
)
def test_refuses_in_a_sentence(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert camera_simulator.main(arguments) == 2
    assert says in capsys.readouterr().err


def test_a_clip_needs_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        camera_simulator.main(["--clip", "a.mp4"])
    assert "--at" in capsys.readouterr().err


def test_serves_from_the_command_line(clip: Path) -> None:
    command = [sys.executable, "-m", "scripts.camera_simulator", str(clip)]
    ports = ["--rtsp-port", "0", "--http-port", "0", "--speed", "4", "--only", "http"]
    with subprocess.Popen(
        [*command, *ports], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as running:
        assert running.stdout is not None
        try:
            url = running.stdout.readline().strip()
            assert len(numbers(url, 3)) == 3
        finally:
            running.terminate()
