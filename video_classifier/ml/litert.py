"""Runs networks by LiteRT, which was TensorFlow Lite: starts in a tenth of a second."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np

from video_classifier.ml.contracts import Floats32

threads = os.cpu_count() or 1  # that each network is run by, from when it is made


class Network:
    """A network of one input and one output. Safe to call from several threads.

    One thread is served at a time.
    """

    def __init__(self, content: bytes) -> None:
        """`content` is that of a .tflite file.

        Raises ValueError and RuntimeError if LiteRT can't read it.
        """
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_content=content, num_threads=threads)
        self._interpreter.allocate_tensors()
        (self._input,) = self._interpreter.get_input_details()
        (self._output,) = self._interpreter.get_output_details()
        self._running = threading.Lock()

    @property
    def input_shape(self) -> tuple[int, ...]:
        return tuple(self._input["shape"].tolist())

    @property
    def input_dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(self._input["dtype"])
        return dtype

    @property
    def output_shape(self) -> tuple[int, ...]:
        return tuple(self._output["shape"].tolist())

    def run(self, values: np.ndarray[Any, Any]) -> Floats32:
        """Its output, of `output_shape`, for `values` of the input's shape and dtype."""
        with self._running:
            self._interpreter.set_tensor(self._input["index"], values)
            self._interpreter.invoke()
            return np.asarray(self._interpreter.get_tensor(self._output["index"]), np.float32)
