"""What is uploaded and watched: a network of two weights, and small videos that are all different.

Both are as cheap as can be, so that a fault costs seconds.
"""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path

MODEL = "light_meter"
HINTS = ("bright", "avi")  # of these the model makes hints
RATE = 10  # pictures a second
SIZE = (64, 48)
BRIGHT, DARK = 235, 30
LENGTHS = {"bright": 2, "dark": 2, "avi": 2, "recording": 190}  # seconds
FREE = b"free"  # a box of MP4 that readers skip
JUNK = b"JUNK"  # the same of AVI


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """That nobody has uploaded before."""

    kind: str
    name: str
    content: bytes
    sha256: str

    @property
    def is_hint(self) -> bool:
        return self.kind in HINTS


def make(folder: Path) -> Path:
    """The model and the videos, in that folder, which is new; Keras makes it take a while."""
    folder.mkdir()
    write_model(folder)
    write_videos(folder)
    return folder


def write_model(folder: Path) -> None:
    """A network that scores how bright the whole picture is."""
    import keras
    import numpy as np
    from keras import layers

    from video_classifier.ml.contracts import ClipSpec
    from video_classifier.ml.serving import bundle
    from video_classifier.ml.serving.card import Card
    from video_classifier.ml.training import export

    spec = ClipSpec(frames=8, height=32, width=32)
    clip = keras.Input(spec.shape, dtype="uint8")
    score = layers.Dense(1, activation="sigmoid")
    network = keras.Model(
        clip, score(layers.GlobalAveragePooling3D()(layers.Rescaling(1 / 255)(clip)))
    )
    score.set_weights([np.full((3, 1), 10.0), np.full(1, -15.0)])
    card = Card(
        name=MODEL,
        network="imported",
        summary="How bright it is.",
        spec=spec,
        threshold=0.5,
        created="2026-01-01",
    )
    bundle.save(folder / MODEL, network, card)
    export.export(folder / MODEL)


def write_videos(folder: Path) -> dict[str, Path]:
    """A file a kind."""
    made = videos(folder)
    for kind, path in made.items():
        _write(path, LENGTHS[kind], brightness=BRIGHT if kind in HINTS else DARK)
    return made


def videos(folder: Path) -> dict[str, Path]:
    """Where `write_videos` writes them."""
    return {kind: folder / f"{kind}.{'avi' if kind == 'avi' else 'mp4'}" for kind in LENGTHS}


def _write(path: Path, seconds: int, *, brightness: int) -> None:
    import av
    import numpy as np
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    codec, pixels = ("mjpeg", "yuvj420p") if path.suffix == ".avi" else ("libx264", "yuv420p")
    with av.open(path, "w") as file:
        stream = file.add_stream(codec, rate=RATE)
        assert isinstance(stream, VideoStream)  # noqa: S101
        stream.width, stream.height, stream.pix_fmt = *SIZE, pixels
        for number in range(seconds * RATE):
            picture = np.full((SIZE[1], SIZE[0], 3), brightness, np.uint8)
            picture[:, number % SIZE[0]] = 255 - brightness  # something moves
            file.mux(stream.encode(VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode())


class Files:
    """Makes as many as are wanted of few videos: what differs lies in a box that readers skip."""

    def __init__(self, videos: dict[str, Path]) -> None:
        self._templates = {kind: path.read_bytes() for kind, path in videos.items()}
        self._suffixes = {kind: path.suffix for kind, path in videos.items()}

    def make(self, kind: str) -> File:
        nonce = os.urandom(16)
        if self._suffixes[kind] == ".avi":
            box = JUNK + struct.pack("<I", len(nonce)) + nonce
        else:
            box = struct.pack(">I", 8 + len(nonce)) + FREE + nonce
        content = self._templates[kind] + box
        return File(
            kind=kind,
            name=f"{kind} {nonce.hex()[:8]}{self._suffixes[kind]}",
            content=content,
            sha256=hashlib.sha256(content).hexdigest(),
        )
