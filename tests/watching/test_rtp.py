"""Pictures come out of RTP packets as they went in, and damaged ones don't come out."""

from __future__ import annotations

import random
import struct

import pytest

from scripts._lib.simulator.rtp import Packetizer
from tests.makers import videos
from tests.makers.streams import packets_of
from video_classifier.states import Fault
from video_classifier.watching.rtp import Depacketizer
from video_classifier.watching.sources import Picture, units
from video_classifier.watching.wire import ConnectError

TYPE = 96


@pytest.fixture(scope="module", params=["h264", "hevc"])
def codec(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def sent(codec: str, tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    """Some pictures of several packets each."""
    path = videos.write(
        tmp_path_factory.mktemp("rtp") / "source.mp4",
        12,
        codec={"h264": "libx264", "hevc": "libx265"}[codec],
        size=(640, 480),
        gop=4,
        options=videos.QUIET_X265 if codec == "hevc" else {},
    )
    return [
        Picture(data=each.data, ticks=each.pts, is_key=each.is_key, arrived=0.0)
        for each in packets_of(path)
    ]


def depacketizer(codec: str, most_bytes: int = 10**6) -> Depacketizer:
    return Depacketizer(codec, TYPE, most_bytes)


def packets(codec: str, sent: list[Picture]) -> list[list[bytes]]:
    """Those of each picture."""
    packetizer = Packetizer(codec)
    return [list(packetizer.packets(each.data, each.ticks + 2**32 - 9000)) for each in sent]


def received(found: Depacketizer, packets: list[list[bytes]]) -> list[Picture]:
    pictures = [found.add(packet, 0.0) for each in packets for packet in each]
    return [picture for picture in pictures if picture is not None]


def content(codec: str, pictures: list[Picture]) -> list[list[bytes]]:
    return [units(codec, each.data) for each in pictures]


def test_gives_back_what_was_sent(codec: str, sent: list[Picture]) -> None:
    ours = received(depacketizer(codec), packets(codec, sent))

    assert content(codec, ours) == content(codec, sent[:-1])  # the last one may go on
    assert [each.is_key for each in ours] == [each.is_key for each in sent[:-1]]
    assert [each.ticks - ours[0].ticks for each in ours] == [
        each.ticks - sent[0].ticks for each in sent[:-1]
    ]


def test_leaves_out_a_picture_of_which_a_packet_is_missing(codec: str, sent: list[Picture]) -> None:
    made = packets(codec, sent)
    assert len(made[0]) > 2
    del made[0][1]

    ours = received(depacketizer(codec), made)

    assert content(codec, ours) == content(codec, sent[1:-1])


def test_reads_past_padding_extensions_and_other_streams(codec: str, sent: list[Picture]) -> None:
    made = packets(codec, sent)
    dressed = [
        [_dressed(packet) for packet in each] + [struct.pack(">BBHII", 0x80, 0, 7, 1, 2) + b"sound"]
        for each in made
    ]

    assert content(codec, received(depacketizer(codec), dressed)) == content(codec, sent[:-1])


def _dressed(packet: bytes) -> bytes:
    """With a contributing source, an extension of a word and padding."""
    head = bytes([packet[0] | 0x20 | 0x10 | 1]) + packet[1:12] + b"from"
    return head + struct.pack(">HH4s", 1, 1, b"more") + packet[12:] + b"\0\0\3"


def test_refuses_a_picture_without_end(codec: str, sent: list[Picture]) -> None:
    with pytest.raises(ConnectError) as error:
        received(depacketizer(codec, most_bytes=200), packets(codec, sent))

    assert error.value.fault == Fault.TOO_LARGE


@pytest.mark.fuzz
def test_no_bytes_break_it(codec: str, sent: list[Picture], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  (no secret)
    found = depacketizer(codec)
    for each in packets(codec, sent):
        for packet in each:
            damaged = bytearray(packet[: chance.randrange(len(packet) + 1)])
            for _ in range(chance.randrange(4)):
                if damaged:
                    damaged[chance.randrange(min(40, len(damaged)))] = chance.randrange(256)
            found.add(bytes(damaged), 0.0)


@pytest.mark.parametrize("packet", [b"", b"\x80", bytes(12), b"\x8f" + bytes(11), b"\xff" * 12])
def test_what_is_no_packet_is_left_out(packet: bytes) -> None:
    assert depacketizer("h264").add(packet, 0.0) is None


def test_pictures_to_begin_with_are_told_by_their_messages_too() -> None:
    found = depacketizer("h264")
    recovery, slice_ = b"\x06\x06\x01\xc4\x80", b"\x41\x9a\x00"
    for number, unit in enumerate((recovery, slice_)):
        found.add(struct.pack(">BBHII", 0x80, TYPE, number, 0, 1) + unit, 0.0)

    picture = found.add(struct.pack(">BBHII", 0x80, TYPE, 2, 9000, 1) + slice_, 0.0)

    assert picture is not None
    assert picture.is_key


def test_a_picture_arrived_when_its_own_last_packet_did() -> None:
    found = depacketizer("h264")
    packet = struct.pack(">BBHII", 0x80, TYPE, 0, 0, 1) + b"\x65\x88"
    found.add(packet, 3.0)

    picture = found.add(struct.pack(">BBHII", 0x80, TYPE, 1, 9000, 1) + b"\x41\x88", 20.0)

    assert picture is not None
    assert picture.arrived == 3.0


def test_a_flood_of_tiny_parts_is_no_picture(codec: str) -> None:
    found = depacketizer(codec)
    unit = b"\x01\x01\x01"

    def flood() -> None:
        for number in range(5000):
            head = struct.pack(">BBHII", 0x80, TYPE, number, 9000, 1)
            found.add(head + unit, 0.0)

    with pytest.raises(ConnectError, match="thousands of parts") as caught:
        flood()
    assert caught.value.fault == Fault.TOO_LARGE
