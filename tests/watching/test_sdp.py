"""The video is found in what cameras say, and what they say wrong is told."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from video_classifier.states import Fault
from video_classifier.watching import sdp
from video_classifier.watching.wire import ConnectError

CAMERA = """v=0
o=- 1 1 IN IP4 192.168.1.20
s=Media Presentation
c=IN IP4 0.0.0.0
t=0 0
a=control:*
m=audio 0 RTP/AVP 8
a=rtpmap:8 PCMA/8000
a=control:trackID=2
m=video 0 RTP/AVP 96
b=AS:5000
a=rtpmap:96 H264/90000
a=fmtp:96 profile-level-id=420029; packetization-mode=1; sprop-parameter-sets=Z2QAKq==,aO4xsg==
a=control:trackID=1
m=application 0 RTP/AVP 107
a=rtpmap:107 vnd.onvif.metadata/90000
"""
HEVC = """m=video 0 RTP/AVP 98
a=rtpmap:98 H265/90000
a=fmtp:98 sprop-vps=QAEM;sprop-sps=QgEB;sprop-pps=RAHA
a=control:rtsp://192.168.1.20/track1
"""


def test_finds_the_video_beside_sound_and_metadata() -> None:
    found = sdp.video(CAMERA)

    assert (found.codec, found.payload_type, found.clock) == ("h264", 96, 90_000)
    assert found.control == "trackID=1"
    assert found.parameter_sets == (b"\x67\x64\x00\x2a", b"\x68\xee\x31\xb2")


def test_reads_hevc_and_lines_that_end_as_they_should() -> None:
    found = sdp.video(HEVC.replace("\n", "\r\n"))

    assert (found.codec, found.control) == ("hevc", "rtsp://192.168.1.20/track1")
    assert found.parameter_sets == (b"\x40\x01\x0c", b"\x42\x01\x01", b"\x44\x01\xc0")


def test_does_without_parameter_sets() -> None:
    assert sdp.video(CAMERA.replace("sprop-parameter-sets", "x")).parameter_sets == ()
    assert len(sdp.video(CAMERA.replace("Z2QAKq==", "ä%")).parameter_sets) == 1


@pytest.mark.fuzz
def test_no_text_breaks_it(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  (no secret)
    for _ in range(200):
        text = list(CAMERA)
        for _ in range(chance.randrange(1, 30)):
            text[chance.randrange(len(text))] = chance.choice("0=:;/,² äm\n")
        with suppress(ConnectError):
            sdp.video("".join(text))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no video"),
        (CAMERA.partition("m=video")[0], "no video"),
        ("m=video 0 RTP/AVP 26\na=control:x\n", "codec"),
        (CAMERA.replace("H264/90000", "VP8/90000"), "codec"),
        (CAMERA.replace("H264/90000", "H264/0"), "codec"),
        (CAMERA.replace("H264/90000", "H264/999999999999"), "codec"),
        (CAMERA.replace("H264/90000", "H264/" + "9" * 5000), "codec"),
        (CAMERA.replace("H264/90000", "H264/²"), "codec"),
        ("m=video 0 RTP/AVP " + "9" * 5000, "no video"),
        ("m=video\nm=video 0\nm=video 0 RTP/AVP x\n", "no video"),
    ],
)
def test_says_what_there_is_not(text: str, says: str) -> None:
    with pytest.raises(ConnectError, match=says) as error:
        sdp.video(text)

    assert error.value.fault == Fault.NO_VIDEO
