"""Runs networks by OpenVINO, which is quick at convolutions over time.

A network is one file, a zip of OpenVINO's two: `network.xml`, its graph, and `network.bin`, its
weights. They are stored, not compressed: a card can hash them as one, and weights are mapped.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import threading
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np

from video_classifier.ml.contracts import Floats32

GRAPH, WEIGHTS = "network.xml", "network.bin"
_NO_NETWORK = "It is not a network for OpenVINO."

_NO_LINEAR_HEAD = "It doesn't end in a linear layer and a sigmoid."

threads = os.cpu_count() or 1  # that each network is run by, from when it is made


class NoLinearHeadError(ValueError):
    """The network ends in something else than one linear layer and a sigmoid."""


class Network:
    """A network of one input and one output. Safe to call from several threads.

    One thread is served at a time.
    """

    def __init__(self, file: Path, *, with_features: bool = False) -> None:
        """`file` holds what `pack` gave; it stays mapped, so replace it and don't write into it.

        With `with_features` it also gives what goes into its last layer. Raises OSError, and
        ValueError and RuntimeError if OpenVINO can't read it, and NoLinearHeadError.
        """
        graph, weights = _parts(file)
        library = _library()
        core = library.Core()
        settings = {
            # By itself it computes in bfloat16 where it can, which moved scores by up to 0.03.
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        network = core.read_model(graph, library.Tensor(weights.values, shared_memory=True))
        self.head: tuple[Floats32, float] | None = None  # kernel (features,) and bias
        if with_features:
            features, self.head = _features(network)
            network.add_outputs([features])
        compiled = core.compile_model(network, "CPU", settings)
        weights.forget()
        self._input, self._outputs = compiled.input(0), compiled.outputs
        self._request = compiled.create_infer_request()
        self._running = threading.Lock()
        self._weights = weights  # last: they are read as long as there is a request

    @property
    def input_shape(self) -> tuple[int, ...]:
        return tuple(self._input.shape)

    @property
    def input_dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(self._input.element_type.to_dtype())
        return dtype

    @property
    def output_shape(self) -> tuple[int, ...]:
        return tuple(self._outputs[0].shape)

    @property
    def features(self) -> int:
        """How many there are, if it is `with_features`; else 0."""
        return int(self._outputs[1].shape[1]) if len(self._outputs) > 1 else 0

    def run(self, values: np.ndarray[Any, Any]) -> Floats32:
        """Its output, of `output_shape`, for `values` of the input's shape and dtype."""
        return self.run_all(values)[0]

    def run_all(self, values: np.ndarray[Any, Any]) -> tuple[Floats32, ...]:
        """The same, and the features, if it is `with_features`: (1, features)."""
        with self._running:
            found = self._request.infer([np.ascontiguousarray(values)])
            return tuple(np.array(found[each], np.float32) for each in self._outputs)


def _features(network: Any) -> tuple[Any, tuple[Floats32, float]]:
    """What the last layer's weights are multiplied with, and these. Raises NoLinearHeadError."""
    node, passed, bias = network.get_results()[0], [], None
    while node.get_type_name() in {"Result", "Sigmoid", "Add"}:
        passed.append(node.get_type_name())
        source = _only_input(node)
        bias = _weights(node) if passed[-1] == "Add" else None
        node = source.get_node()
    if passed != ["Result", "Sigmoid", "Add"] or node.get_type_name() != "MatMul":
        raise NoLinearHeadError(_NO_LINEAR_HEAD)
    if tuple(source.get_shape()) != (1, 1):
        raise NoLinearHeadError(_NO_LINEAR_HEAD)
    kernel = _weights(node)
    if kernel is None or bias is None or bias.size != 1:
        raise NoLinearHeadError(_NO_LINEAR_HEAD)
    return _only_input(node), (kernel, float(bias[0]))


def _weights(node: Any) -> Floats32 | None:
    """A copy, flat, of what doesn't depend on what is scored."""
    for each in node.inputs():
        source = each.get_source_output().get_node()
        if _is_weights(source):
            while source.get_type_name() == "Convert":
                source = source.input(0).get_source_output().get_node()
            return np.array(source.get_data(), np.float32).reshape(-1)
    return None


def _only_input(node: Any) -> Any:
    """The one that depends on what is scored; the others are weights."""
    found = [each.get_source_output() for each in node.inputs()]
    varying = [each for each in found if not _is_weights(each.get_node())]
    if len(varying) != 1:
        raise NoLinearHeadError(_NO_LINEAR_HEAD)
    return varying[0]


def _is_weights(node: Any) -> bool:
    """Constant, or a constant of 16 bits that is converted."""
    if node.get_type_name() == "Convert":
        return _is_weights(node.input(0).get_source_output().get_node())
    return bool(node.get_type_name() == "Constant")


class _Mapped:
    """A stretch of a file, as memory of which only what is used is resident."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        # A copy on write, as OpenVINO takes no memory that can't be written. It doesn't write.
        self._memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self.values = np.frombuffer(self._memory, np.uint8, size, start)

    def forget(self) -> None:
        """Gives back what is resident; what is used again is read again."""
        if sys.platform != "win32":
            self._memory.madvise(mmap.MADV_DONTNEED)


def _parts(file: Path) -> tuple[bytes, _Mapped]:
    """The graph and the weights of a packed network. Raises OSError and ValueError."""
    with file.open("rb") as opened:
        try:
            with ZipFile(opened) as parts:
                graph, weights = parts.read(GRAPH), parts.getinfo(WEIGHTS)
        except (BadZipFile, KeyError) as error:
            raise ValueError(_NO_NETWORK) from error
        if weights.compress_type != ZIP_STORED:
            raise ValueError(_NO_NETWORK)
        return graph, _Mapped(opened, _start(opened, weights), weights.file_size)


def _start(file: BinaryIO, part: ZipInfo) -> int:
    """Where a part of a zip begins: after its header, which ends with two fields of these lengths.

    APPNOTE.TXT of the ZIP format, 4.3.7.
    """
    file.seek(part.header_offset + 26)
    name, extra = struct.unpack("<HH", file.read(4))
    return int(part.header_offset + 30 + name + extra)


def pack(saved_model: Path, input_shape: tuple[int, ...], *, half: bool) -> bytes:
    """The network of a SavedModel of TensorFlow, as a file for `Network`.

    `half` stores weights in 16 bits; they are computed with in 32. Raises RuntimeError if OpenVINO
    can't express it.
    """
    library = _library()
    from openvino._offline_transformations import apply_moc_transformations

    network = library.Core().read_model(saved_model)
    network.reshape(list(input_shape))
    # What normalizes a batch becomes part of the weights before it. Left to the start, that makes
    # a copy of all weights, which stays in memory.
    apply_moc_transformations(network, cf=True)
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
