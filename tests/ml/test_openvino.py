"""OpenVINO runs a network from a file, and nothing reports that it was loaded."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import psutil
import pytest

from video_classifier.ml import openvino

ROOT = Path(__file__).parents[2]
FILE = ROOT / "models_storage" / "conv3d" / "network.openvino"
REPORTERS = """
import sys
from pathlib import Path
from video_classifier.ml import openvino
openvino.Network(Path(sys.argv[1]))
print([name for name, it in sys.modules.items() if it and ("telemetry" in name or "ovc" in name)])
"""

pytestmark = pytest.mark.keras


@pytest.fixture(scope="module")
def network() -> openvino.Network:
    return openvino.Network(FILE)


def test_threads_that_share_a_network_get_their_own_outputs(network: openvino.Network) -> None:
    inputs = [np.full(network.input_shape, level, network.input_dtype) for level in (0, 90, 250)]
    alone = [network.run(each) for each in inputs]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(network.run, inputs * 3))

    assert alone[0].shape == network.output_shape
    assert not np.allclose(alone[0], alone[2])
    for found, expected in zip(together, alone * 3, strict=True):
        assert np.array_equal(found, expected)


def test_memory_does_not_grow_with_what_is_scored(network: openvino.Network) -> None:
    images = np.zeros(network.input_shape, network.input_dtype)
    for _ in range(5):
        network.run(images)
    before = psutil.Process().memory_info().rss

    for _ in range(40):
        network.run(images)

    assert psutil.Process().memory_info().rss - before < 40 * images.nbytes / 4


def test_weights_are_read_again_after_they_left_memory(network: openvino.Network) -> None:
    images = np.full(network.input_shape, 90, network.input_dtype)
    before = network.run(images)

    network._weights.forget()

    assert np.array_equal(network.run(images), before)


def test_weights_stay_out_of_memory(tmp_path: Path) -> None:
    file = tmp_path / "network.openvino"
    file.write_bytes(FILE.read_bytes())
    network = openvino.Network(file)
    with ZipFile(file) as parts:
        size = parts.getinfo(openvino.WEIGHTS).file_size

    (mapped,) = (each for each in psutil.Process().memory_maps() if each.path == str(file))

    assert network.output_shape == (1, 1)
    assert mapped.private_dirty == 0
    assert mapped.rss < size / 4


def test_nothing_that_reports_to_its_maker_is_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", REPORTERS, str(FILE)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    assert done.stdout == "[]\n"


def packed(**parts: str) -> bytes:
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        for ending, text in parts.items():
            archive.writestr(f"network.{ending}", text)
    return content.getvalue()


@pytest.mark.parametrize(
    "content", [b"", b"weights", packed(xml="<net/>"), packed(xml="<net/>", bin="")]
)
def test_what_is_no_network_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "network.openvino"
    file.write_bytes(content)

    with pytest.raises((ValueError, RuntimeError)):
        openvino.Network(file)


def test_features_are_what_the_linear_head_takes() -> None:
    """They are the same as Keras' own, on noise and on a gradient."""
    import keras

    import video_classifier.ml.networks.i3d_person  # its layers  # noqa: F401

    folder = ROOT / "models_storage" / "i3d_person"
    network = openvino.Network(folder / "network.openvino", with_features=True)
    whole = keras.models.load_model(folder / "network.keras", compile=False)
    backbone = whole.get_layer("backbone")
    shape = network.input_shape[1:]
    noise = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    gradient = np.broadcast_to(np.arange(shape[2], dtype=np.uint8)[:, np.newaxis], shape)

    for window in (noise, gradient):
        _, found = network.run_all(window[np.newaxis])

        assert found.shape == (1, network.features)
        assert np.allclose(found, backbone.predict_on_batch(window[np.newaxis]), atol=1e-4)


def test_a_network_without_a_linear_head_has_no_features() -> None:
    with pytest.raises(ValueError, match="linear layer"):
        openvino.Network(FILE, with_features=True)
