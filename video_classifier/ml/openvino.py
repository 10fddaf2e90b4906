"""Runs networks by OpenVINO, which is quick at convolutions over time.

A network is one file, a zip of OpenVINO's two: `network.xml`, its graph, and `network.bin`, its
weights. They are stored, not compressed, and a card can hash them as one.
"""

from __future__ import annotations

import os
import sys
import threading
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np

from video_classifier.ml.contracts import Floats32

GRAPH, WEIGHTS = "network.xml", "network.bin"

threads = os.cpu_count() or 1  # that each network is run by, from when it is made


class Network:
    """A network of one input and one output. Safe to call from several threads.

    One thread is served at a time.
    """

    def __init__(self, content: bytes) -> None:
        """`content` is as `pack` gives it.

        Raises ValueError and RuntimeError if OpenVINO can't read it.
        """
        try:
            with ZipFile(BytesIO(content)) as parts:
                graph, weights = parts.read(GRAPH), parts.read(WEIGHTS)
        except (BadZipFile, KeyError) as error:
            msg = "It is not a network for OpenVINO."
            raise ValueError(msg) from error
        core = _library().Core()
        settings = {
            # By itself it computes in bfloat16 where it can, which moved scores by up to 0.03.
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        compiled = core.compile_model(core.read_model(graph, weights), "CPU", settings)
        self._input, self._output = compiled.input(0), compiled.output(0)
        self._request = compiled.create_infer_request()
        self._running = threading.Lock()

    @property
    def input_shape(self) -> tuple[int, ...]:
        return tuple(self._input.shape)

    @property
    def input_dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(self._input.element_type.to_dtype())
        return dtype

    @property
    def output_shape(self) -> tuple[int, ...]:
        return tuple(self._output.shape)

    def run(self, values: np.ndarray[Any, Any]) -> Floats32:
        """Its output, of `output_shape`, for `values` of the input's shape and dtype."""
        with self._running:
            found = self._request.infer([np.ascontiguousarray(values)])
            return np.array(found[self._output], np.float32)


def pack(saved_model: Path, input_shape: tuple[int, ...], *, half: bool) -> bytes:
    """The network of a SavedModel of TensorFlow, as a file for `Network`.

    `half` stores weights in 16 bits; they are computed with in 32. Raises RuntimeError if OpenVINO
    can't express it.
    """
    library = _library()
    network = library.Core().read_model(saved_model)
    network.reshape(list(input_shape))
    content = BytesIO()
    with TemporaryDirectory() as aside, ZipFile(content, "w") as parts:
        library.save_model(network, Path(aside, GRAPH), compress_to_fp16=half)
        for name in (GRAPH, WEIGHTS):
            # Without a date: the same network gives the same file.
            parts.writestr(ZipInfo(name), Path(aside, name).read_bytes())
    return content.getvalue()


def _library() -> Any:
    """OpenVINO without its tools, which report to their maker that they were imported."""
    sys.modules.setdefault("openvino.tools", None)  # type: ignore[arg-type]  # can't be imported
    import openvino

    return openvino
