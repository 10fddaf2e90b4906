"""I3D computes what was published, of operations that every engine has, from its own weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.makers import footage
from tests.makers.weights import i3d_arrays, write_i3d
from video_classifier.ml.contracts import ClipSpec, Image

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.keras

Values = npt.NDArray[np.float64]
# Odd and even sizes, so that padding is uneven in some places and not in others.
SPEC = ClipSpec(frames=9, height=50, width=38)
BRANCHES = (  # of an Inception module: each a list of convolutions, behind a pool or not
    (False, ("Branch_0/Conv3d_0a_1x1",)),
    (False, ("Branch_1/Conv3d_0a_1x1", "Branch_1/Conv3d_0b_3x3")),
    (False, ("Branch_2/Conv3d_0a_1x1", "Branch_2/Conv3d_0b_3x3")),
    (True, ("Branch_3/Conv3d_0b_1x1",)),
)


class Reference:
    """I3D in NumPy and float64, as the paper's figure 3 draws it: slow, and without Keras."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self._arrays = arrays

    def features(self, window: Image) -> Values:
        """(frames, height, width, 3) uint8 to (5792,)."""
        x = window / 127.5 - 1
        x = max_pool(self._unit(x, "Conv3d_1a_7x7", stride=2), (1, 3, 3), (1, 2, 2))
        x = self._unit(self._unit(x, "Conv3d_2b_1x1"), "Conv3d_2c_3x3")
        x = max_pool(x, (1, 3, 3), (1, 2, 2))
        x = self._mixed(self._mixed(x, "Mixed_3b"), "Mixed_3c")
        x = max_pool(x, (3, 3, 3), (2, 2, 2))
        seen = []
        for name in ("Mixed_4b", "Mixed_4c", "Mixed_4d", "Mixed_4e", "Mixed_4f"):
            x = self._mixed(x, name)
            seen += [x.max((0, 1, 2)), x.mean((0, 1, 2))]
        return np.concatenate(seen)

    def _mixed(self, x: Values, name: str) -> Values:
        outputs = []
        for pooled, units in BRANCHES:
            branch = max_pool(x, (3, 3, 3), (1, 1, 1)) if pooled else x
            for unit in units:
                branch = self._unit(branch, f"{name}/{unit}")
            outputs.append(branch)
        return np.concatenate(outputs, axis=-1)

    def _unit(self, x: Values, name: str, *, stride: int = 1) -> Values:
        kernel, beta, mean, variance = (
            self._arrays[f"{name}/{what}"].astype(np.float64)
            for what in ("kernel", "beta", "mean", "variance")
        )
        boxes = patches(x, kernel.shape[:3], (stride,) * 3, fill=0)
        convolved = np.einsum("thwcijk,ijkco->thwo", boxes, kernel, optimize=True)
        normal = (convolved - mean) / np.sqrt(variance + 1e-3) + beta
        return np.asarray(np.maximum(normal, 0))


def patches(x: Values, size: Any, strides: Any, *, fill: float) -> Values:
    """(t, h, w, c) to (t', h', w', c, *size): the boxes under a kernel, padded "SAME"."""
    around = []
    for length, side, stride in zip(x.shape[:3], size, strides, strict=True):
        missing = max((-(-length // stride) - 1) * stride + side - length, 0)
        around.append((missing // 2, missing - missing // 2))
    padded = np.pad(x, [*around, (0, 0)], constant_values=fill)
    time, down, across = strides
    boxes = np.lib.stride_tricks.sliding_window_view(padded, size, axis=(0, 1, 2))
    return boxes[::time, ::down, ::across]


def max_pool(x: Values, size: Any, strides: Any) -> Values:
    return np.asarray(patches(x, size, strides, fill=-np.inf).max((-3, -2, -1)))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> keras.Model:
    """From a file of random weights."""
    from video_classifier.ml import networks

    path = write_i3d(tmp_path_factory.mktemp("weights") / "i3d.npz")
    return networks.build("i3d_person", SPEC, backbone_weights=path)


def test_it_computes_what_a_numpy_reference_does(network: keras.Model) -> None:
    assert_same(network, i3d_arrays())


def test_with_the_published_weights_too() -> None:
    from video_classifier.ml import networks

    footage.require(footage.I3D)

    network = networks.build("i3d_person", SPEC, backbone_weights=footage.I3D)

    assert_same(network, dict(np.load(footage.I3D)))


def assert_same(network: keras.Model, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    window = np.random.default_rng(3).integers(0, 256, SPEC.shape, np.uint8)

    features = network.get_layer("backbone")(window[None])

    expected = Reference(arrays).features(window)
    assert features.shape == (1, 5792)
    np.testing.assert_allclose(features[0], expected, rtol=1e-4, atol=1e-4 * expected.max())


@pytest.mark.parametrize(
    ("size", "strides"), [((1, 3), (1, 2)), ((3, 3), (2, 2)), ((2, 2), (2, 2)), ((3, 3), (1, 1))]
)
@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 8, 8), (5, 7, 9), (2, 3, 8), (16, 5, 2)])
def test_pooling_over_space_then_time_is_the_same(
    size: tuple[int, int], strides: tuple[int, int], shape: tuple[int, int, int]
) -> None:
    from keras import layers

    from video_classifier.ml.networks.i3d import MaxPool3D

    x = np.random.default_rng(1).normal(size=(2, *shape, 3)).astype(np.float32)
    both = [(time, side, side) for time, side in (size, strides)]

    pooled = np.asarray(MaxPool3D(size, strides)(x))

    np.testing.assert_array_equal(pooled, layers.MaxPooling3D(*both, padding="same")(x))


@pytest.mark.parametrize(
    "spec", [ClipSpec(frames=3), ClipSpec(height=31), ClipSpec(width=31, height=40)]
)
def test_windows_that_are_too_small_are_refused(spec: ClipSpec) -> None:
    from video_classifier.ml import networks

    with pytest.raises(networks.SpecError, match=r"I3D needs 4 frames of 32 x 32 pixels or more"):
        networks.build("i3d_person", spec)


def test_nothing_but_the_head_is_trained(network: keras.Model) -> None:
    names = [weight.path.split("/")[-1] for weight in network.trainable_weights]

    assert names == ["kernel", "bias"]
    assert network.get_layer("head").count_params() == 5792 + 1


def test_from_a_random_start_all_is_trained_but_scales() -> None:
    from video_classifier.ml import networks

    names = [weight.path for weight in networks.build("i3d_person", SPEC).trainable_weights]

    assert len(names) == 2 * (3 + 7 * 6) + 2
    assert not [name for name in names if name.endswith("scale")]


def test_pretrained_kernels_stay_numbers_of_16_bits(network: keras.Model) -> None:
    layer = network.get_layer("backbone").get_layer("Mixed_4f-Branch_0-Conv3d_0a_1x1")

    stored = i3d_arrays()["Mixed_4f/Branch_0/Conv3d_0a_1x1/kernel"]
    np.testing.assert_array_equal(layer.kernel, stored)
