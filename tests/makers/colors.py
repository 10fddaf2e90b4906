"""Clips that differ in color, for networks of a few weights that see nothing else."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

RED, BLUE = (150, 60, 60), (60, 60, 150)


def write(path: Path, color: tuple[int, int, int], *, seed: int, seconds: float = 2.0) -> Path:
    """Blocks that jump about at random on the color: no two seeds share any footage."""
    random = np.random.default_rng(seed)
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "18"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(round(seconds * 10)):
            blocks = random.integers(-40, 40, (6, 8, 1)).repeat(8, 0).repeat(8, 1)
            image = np.clip(np.array(color) + blocks, 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path
