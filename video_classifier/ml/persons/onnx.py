"""Runs a YOLOX or YOLO file in ONNX by OpenCV, and knows by the shape of its output which it is."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from video_classifier.ml.contracts import Floats32, Image
from video_classifier.ml.persons import boxes
from video_classifier.ml.persons.detector import Detections, DetectorError
from video_classifier.ml.persons.detector_card import weights_sha256

THRESHOLD = 0.3  # what the demonstrations of these networks use
_PERSON = 0  # the first of COCO's classes
_INPUT = re.compile(r"<Input> CV_32F\w* \[1 x 3 x (\d+) x (\d+)\]")  # as OpenCV prints a network


def read(path: Path) -> YoloDetector:
    """The detector in an ONNX file. Raises DetectorError if it is of no known family."""
    try:
        network = cv2.dnn.readNetFromONNX(str(path))
        declared = _INPUT.search(network.dump())
    except cv2.error as error:
        msg = (
            f"The person detector {path} can't be used: it is no ONNX file that OpenCV can read, "
            "or not all of it. Export or download it again."
        )
        raise DetectorError(msg) from error
    if declared is None:
        msg = (
            f"The person detector {path} can't be used: it does not take one color picture of a "
            "fixed size. Export it with a fixed input such as 1 x 3 x 416 x 416."
        )
        raise DetectorError(msg)
    height, width = int(declared[1]), int(declared[2])
    layout = _layout(
        _run(network, np.zeros((1, 3, height, width), np.float32), path), height, width
    )
    if layout is None:
        msg = (
            f"The person detector {path} can't be used: its output is that of no YOLOX, YOLOv5, "
            "YOLOv8 or YOLO11 detector. Export one of these, without non-maximum suppression."
        )
        raise DetectorError(msg)
    return YoloDetector(network, layout, height=height, width=width, sha256=weights_sha256(path))


class Candidates(NamedTuple):
    """A network's boxes before suppression."""

    boxes: Floats32  # (n, 4): left, top, right, bottom in pixels
    scores: Floats32  # (n,): of a person, 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputLayout:
    """Input and output format of a family of networks."""

    name: str
    is_bgr: bool  # blue first, else red first
    scale: float  # of the pixels, which are 0 to 255
    # Of the network's output, and the height and width of its input.
    decode: Callable[[Floats32, int, int], Candidates]


class YoloDetector:
    """Safe to call from several threads, one of which is served at a time."""

    threshold = THRESHOLD

    def __init__(
        self, network: cv2.dnn.Net, layout: OutputLayout, *, height: int, width: int, sha256: str
    ) -> None:
        self.layout = layout
        self.input_size = height, width
        self.sha256 = sha256
        self._network = network
        self._running = threading.Lock()

    def detect(self, image: Image) -> Detections:
        filled, scale = boxes.letterbox(image, *self.input_size)
        found = self.candidates(filled)
        height, width = (side * scale for side in image.shape[:2])
        return boxes.detections(found.boxes, found.scores, height=height, width=width)

    def candidates(self, picture: Image) -> Candidates:
        """Of an RGB picture of `input_size`, uint8; overlapping boxes are still in."""
        pixels = cv2.dnn.blobFromImage(
            picture, self.layout.scale, swapRB=self.layout.is_bgr, ddepth=cv2.CV_32F
        )
        with self._running:
            self._network.setInput(pixels)
            found = self._network.forward()
        return self.layout.decode(np.asarray(found[0], np.float32), *self.input_size)


def _yolox(output: Floats32, height: int, width: int) -> Candidates:
    return Candidates(
        boxes.from_yolox(output[:, :4], height, width), output[:, 4] * output[:, 5 + _PERSON]
    )


def _yolov5(output: Floats32, height: int, width: int) -> Candidates:
    return Candidates(boxes.from_centers(output[:, :4]), output[:, 4] * output[:, 5 + _PERSON])


def _yolov8(output: Floats32, height: int, width: int) -> Candidates:
    return Candidates(boxes.from_centers(output[:4].T), output[4 + _PERSON])


YOLOX = OutputLayout(name="YOLOX", is_bgr=True, scale=1, decode=_yolox)
YOLOV5 = OutputLayout(name="YOLOv5", is_bgr=False, scale=1 / 255, decode=_yolov5)
YOLOV8 = OutputLayout(name="YOLOv8", is_bgr=False, scale=1 / 255, decode=_yolov8)
_AXES = ("picture", "candidate", "value")  # the last two the other way round in YOLOv8
_ANCHORS = 3  # of YOLOv5, in each cell
_BEFORE_CLASSES = 5  # a box, and how sure it is of any object


def _layout(found: Floats32, height: int, width: int) -> OutputLayout | None:
    """The family that has such an output; None if there is none."""
    cells = len(boxes.cells(height, width)[0])
    _, rows, columns = found.shape if found.ndim == len(_AXES) else (0, 0, 0)
    if rows == cells and columns > _BEFORE_CLASSES:
        return YOLOX
    if rows == cells * _ANCHORS and columns > _BEFORE_CLASSES:
        return YOLOV5
    if columns == cells and rows >= _BEFORE_CLASSES:  # it has no objectness
        return YOLOV8
    return None


def _run(network: cv2.dnn.Net, pixels: Floats32, path: Path) -> Floats32:
    try:
        network.setInput(pixels)
        return np.asarray(network.forward(), np.float32)
    except cv2.error as error:
        msg = f"The person detector {path} can't be used: OpenCV can't run it ({error.err})."
        raise DetectorError(msg) from error
