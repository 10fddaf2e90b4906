"""Runs a YOLO or NanoDet in ONNX, and knows by the shape of its output which it is.

By OpenCV; ONNX Runtime, if it is installed, reads some files that OpenCV can't.
"""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from video_classifier.ml.contracts import Floats32, Image
from video_classifier.ml.persons import boxes, layouts
from video_classifier.ml.persons.detector import Detections, DetectorError
from video_classifier.ml.persons.detector_card import weights_sha256
from video_classifier.ml.persons.layouts import Candidates, OutputLayout

THRESHOLD = 0.3  # what the demonstrations of these networks use
FREE_SIZE = 416, 416  # (height, width) for a network that takes any: NanoDet was trained with it
_INPUT = re.compile(r"<Input> CV_32F\w* \[1 x 3 x (\d+) x (\d+)\]")  # as OpenCV prints a network


def read(
    path: Path, *, in_onnx_runtime: bool = False, free_size: tuple[int, int] = FREE_SIZE
) -> OnnxDetector:
    """The detector in an ONNX file. Raises DetectorError if it is of no known family.

    `in_onnx_runtime` asks for ONNX Runtime, which takes half the time and need not be installed;
    there, `free_size` is the (height, width) of an input of any size.
    """
    network = _network(path, free_size, in_onnx_runtime=in_onnx_runtime)
    if network.size is None:
        msg = (
            f"The person detector {path} can't be used: it does not take one color picture of a "
            "fixed size. Export it with a fixed input such as 1 x 3 x 416 x 416."
        )
        raise DetectorError(msg)
    layout = layouts.by_shape(_trial(network, network.size, path).shape, *network.size)
    if layout is None:
        msg = (
            f"The person detector {path} can't be used: its output is that of no YOLOX, YOLOv5, "
            "YOLOv8, YOLO11 or NanoDet-Plus detector. Export one of these, without non-maximum "
            "suppression."
        )
        raise DetectorError(msg)
    return OnnxDetector(network, layout, size=network.size, sha256=weights_sha256(path))


class OnnxDetector:
    """Safe to call from several threads, one of which is served at a time."""

    threshold = THRESHOLD

    def __init__(
        self, network: _Network, layout: OutputLayout, *, size: tuple[int, int], sha256: str
    ) -> None:
        self.layout = layout
        self.input_size = layout.fitting(*size)
        self._size = size
        self.sha256 = sha256
        self._network = network
        self._running = threading.Lock()

    def detect(self, image: Image) -> Detections:
        filled, (height, width) = boxes.letterbox(
            image, *self._size, max_stretch=self.layout.max_stretch
        )
        found = self.candidates(filled)
        return boxes.detections(found.boxes, found.scores, height=height, width=width)

    def candidates(self, picture: Image) -> Candidates:
        """Of an RGB picture of its input's size, uint8; overlapping boxes are still in."""
        pixels = self.layout.pixels(picture)
        with self._running:
            output = layouts.joined(self._network.run(pixels))
        return self.layout.decode(output[0], *self._size)


class _Network(Protocol):
    """An ONNX file, read."""

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) of the one color picture that it takes; None if it takes others."""

    def run(self, pixels: Floats32) -> list[Floats32]:
        """All outputs for (1, 3, height, width)."""


class _OpenCV:
    """Raises cv2.error."""

    def __init__(self, path: Path) -> None:
        self._network = cv2.dnn.readNetFromONNX(str(path))
        self._outputs = self._network.getUnconnectedOutLayersNames()
        declared = _INPUT.search(self._network.dump())
        self.size = (int(declared[1]), int(declared[2])) if declared else None

    def run(self, pixels: Floats32) -> list[Floats32]:
        self._network.setInput(pixels)
        return [np.asarray(output, np.float32) for output in self._network.forward(self._outputs)]


class _OnnxRuntime:
    """Raises ImportError if it is not installed, and errors that have no class in common."""

    def __init__(self, path: Path, free_size: tuple[int, int]) -> None:
        from onnxruntime import (  # type: ignore[import-untyped]
            InferenceSession,
            SessionOptions,
        )

        options = SessionOptions()  # threads that wait must not keep cores busy
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = InferenceSession(path, options)
        (declared,) = self._session.get_inputs()
        self._name = declared.name
        is_free = all(isinstance(side, str) for side in declared.shape[2:])
        is_picture = len(declared.shape) == len("NCHW") and declared.shape[1] == len("RGB")
        if is_free:
            self.size = free_size if is_picture else None
        else:
            self.size = tuple(declared.shape[2:]) if is_picture else None

    def run(self, pixels: Floats32) -> list[Floats32]:
        return [np.asarray(output) for output in self._session.run(None, {self._name: pixels})]


def _network(path: Path, free_size: tuple[int, int], *, in_onnx_runtime: bool) -> _Network:
    if not in_onnx_runtime:
        with suppress(cv2.error):
            return _OpenCV(path)
    try:
        return _OnnxRuntime(path, free_size)
    except Exception as error:
        msg = (
            f"The person detector {path} can't be used: it is no ONNX file that OpenCV can "
            "read, or not all of it. Export or download it again. Installing onnxruntime helps "
            "if the file is whole and does not declare the shape of its output."
        )
        raise DetectorError(msg) from error


def _trial(network: _Network, size: tuple[int, int], path: Path) -> Floats32:
    """Its output for a black picture."""
    try:
        return layouts.joined(network.run(np.zeros((1, 3, *size), np.float32)))
    except Exception as error:  # those of ONNX Runtime have no class in common
        msg = f"The person detector {path} can't be used: it can't be run ({error})."
        raise DetectorError(msg) from error
