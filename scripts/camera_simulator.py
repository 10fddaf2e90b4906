"""A camera that isn't there: plays clips as a live stream, by RTSP and as MJPEG, with faults.

Serves on 127.0.0.1 only, until Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from scripts._lib import console
from scripts._lib.simulator import faults
from scripts._lib.simulator.camera import Camera
from scripts._lib.simulator.credentials import Credentials
from scripts._lib.simulator.faults import Planned
from scripts._lib.simulator.footage import ENCODERS, Form, Planted

FOOTAGE = Path("../shared/data/mnnit/non_shoplifters")
FEW = 5

EXAMPLE = f"""examples:
  python -m scripts.camera_simulator
  python -m scripts.camera_simulator shop/*.mp4 --clip theft.mp4 --at 30 --size 640x360 --rate 10
  python -m scripts.camera_simulator shop/*.mp4 --user me --password secret --fault stall@60+15
  curl --data '{{"clock": -30}}' http://127.0.0.1:8081/fault

Faults, as NAME[=VALUE][@SECONDS[+SECONDS]], “at” and “for how long”: {", ".join(faults.NAMES)}.
slow=20000 is in bytes a second, clock=-30 in seconds, redirect=ADDRESS sends everybody there.
A file for --schedule has one of these a line.
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        planted = [
            Planted(clip=clip, at=at) for clip, at in zip(arguments.clip, arguments.at, strict=True)
        ]
        plan = [faults.planned(each) for each in arguments.fault]
        if arguments.schedule:
            plan += faults.planned_in(arguments.schedule.read_text().splitlines())
        clips = arguments.clips or sorted(FOOTAGE.glob("*.mp4"))[:FEW]
        _refuse_missing([*clips, *arguments.clip])
    except (OSError, ValueError) as error:
        console.complain(error)
        return 2
    form = Form(
        codec=arguments.codec,
        size=arguments.size,
        rate=arguments.rate,
        keyframe_every=arguments.keyframe_every,
        b_frames=arguments.b_frames,
        copy=arguments.copy,
    )
    known = Credentials(
        user=arguments.user, password=arguments.password, is_digest=not arguments.basic
    )
    with ExitStack() as stack:
        for number in range(arguments.cameras):
            camera = Camera(
                [*clips[number % len(clips) :], *clips[: number % len(clips)]],
                form,
                planted=planted if number == 0 else (),
                plan=_of(plan, number),
                credentials=known,
                speed=arguments.speed,
                rtsp_port=arguments.rtsp_port and arguments.rtsp_port + 2 * number,
                http_port=arguments.http_port and arguments.http_port + 2 * number,
                only=arguments.only,
            )
            _print(stack.enter_context(camera), arguments.only)
        return _wait()


def _of(plan: list[Planned], camera: int) -> Sequence[Planned]:
    """The first camera breaks, the others don't."""
    return plan if camera == 0 else ()


def _refuse_missing(clips: Sequence[Path]) -> None:
    if not clips:
        msg = f"There are no clips in {FOOTAGE}. Name some that the camera is to play."
        raise ValueError(msg)
    for clip in clips:
        if not clip.is_file():
            msg = f"There is no clip {clip}."
            raise ValueError(msg)


def _print(camera: Camera, only: str) -> None:
    if only != "http":
        console.out.print(camera.rtsp_url, soft_wrap=True)
    if only != "rtsp":
        console.out.print(camera.http_url, soft_wrap=True)
    console.out.print(f"faults: http://127.0.0.1:{camera.http_port}/fault", soft_wrap=True)


def _wait() -> int:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    return 0


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("camera_simulator", __doc__, EXAMPLE)
    add = parser.add_argument
    add("clips", type=Path, nargs="*", help=f"played round and round (default: {FOOTAGE})")
    add("--clip", type=Path, action="append", default=[], help="played once; may be repeated")
    add("--at", type=float, action="append", default=[], metavar="SECONDS", help="when --clip is")
    add("--cameras", type=int, default=1, metavar="N", help="so many, at ports 2 apart")
    add("--codec", choices=sorted(set(ENCODERS) - {"mjpeg"}), default="h264", help="of RTSP")
    add("--size", type=_size, metavar="WIDTHxHEIGHT", help="of the pictures (default: the clip's)")
    add("--rate", type=int, metavar="N", help="pictures a second (default: the clip's)")
    add("--keyframe-every", type=float, default=1.0, metavar="SECONDS")
    add("--b-frames", type=int, default=0, metavar="N")
    add("--copy", action="store_true", help="send the packets of the files as they are by RTSP")
    add("--speed", type=float, default=1.0, help="times real time (default: %(default)s)")
    add("--user", default="")
    add("--password", default="", help="of a camera that isn't there: it shows in ps")
    add("--basic", action="store_true", help="Basic instead of Digest authentication")
    add("--only", choices=["rtsp", "http"], default="", help="saves the encoding of the other")
    add("--rtsp-port", type=int, default=8554, metavar="PORT", help="0: any (default: %(default)s)")
    add("--http-port", type=int, default=8081, metavar="PORT", help="0: any (default: %(default)s)")
    add("--fault", action="append", default=[], metavar="FAULT", help="may be repeated; see below")
    add("--schedule", type=Path, metavar="FILE", help="of faults, one a line")
    parsed = parser.parse_args(argv)
    if len(parsed.clip) != len(parsed.at):
        parser.error("Each --clip needs an --at.")
    return parsed


if __name__ == "__main__":
    sys.exit(main())
