"""Whoever looks for persons gets a detector, or a sentence that says why not."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from tests.makers.footage import FOOTAGE, NANODET, ROOT, YOLOX, require
from video_classifier.ml.contracts import Image
from video_classifier.ml.persons import boxes, layouts, loading, onnx
from video_classifier.ml.persons.detector import Detections, Detector, DetectorError
from video_classifier.ml.persons.detector_card import CARD_FILE, NETWORK_FILE
from video_classifier.ml.serving import bundle
from video_classifier.ml.video import sampling

OWN = ROOT / "models_storage" / "person_detector"
SECOND = ROOT / "models_storage" / "person_detector_nanodet"
SIDE = 64  # of the input of the files that are made here
CELLS = 8 * 8 + 4 * 4 + 2 * 2
NANODET_CELLS = CELLS + 1
SHOPPER = np.array([[0.22, 0.31, 0.465, 0.98]], np.float32)  # in the frame below


def write_onnx(path: Path, said: npt.NDArray[np.float32], *, size: int | str = SIDE) -> Path:
    """A network that says the same of every picture."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    tensor = TensorProto.FLOAT
    zero = numpy_helper.from_array(np.zeros(1, np.float32), "zero")
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["pictures"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Add", ["said", "nothing"], ["output"]),
        ],
        "network",
        [helper.make_tensor_value_info("pictures", tensor, (1, 3, size, size))],
        [helper.make_tensor_value_info("output", tensor, said.shape)],
        [zero, numpy_helper.from_array(said, "said")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def nobody(rows: int, columns: int) -> npt.NDArray[np.float32]:
    return np.zeros((1, rows, columns), np.float32)


def refusal(path: Path) -> str:
    with pytest.raises(DetectorError) as raised:
        loading.load(path)
    return str(raised.value)


def real_frame(clip: str) -> Image:
    require(FOOTAGE / clip)
    images, _ = sampling.read_all(FOOTAGE / clip, fps=0.5, height=480, width=640)
    image: Image = images[1]
    return image


@pytest.fixture
def shopper() -> Image:
    """Somebody in the laboratory, from head to knee."""
    return real_frame("mnnit/shoplifters/shoplifting_014.mp4")


@pytest.fixture(params=[OWN, SECOND, YOLOX, NANODET], ids=["own", "second", "yolox", "nanodet"])
def detector(request: pytest.FixtureRequest) -> Detector:
    if request.param not in (OWN, SECOND):
        require(request.param)
    return loading.load(request.param)


def believed(found: Detections, detector: Detector) -> int:
    return int((found.scores >= detector.threshold).sum())


# What all detectors do.


@pytest.mark.footage
@pytest.mark.keras
def test_finds_the_person_of_a_real_clip(detector: Detector, shopper: Image) -> None:
    found = detector.detect(shopper)

    assert found.scores[0] >= detector.threshold
    assert boxes.pairwise_iou(found.boxes[:1], SHOPPER)[0, 0] > 0.7


@pytest.mark.keras
@pytest.mark.parametrize("size", [(64, 64), (2160, 4096), (1, 500), (500, 1)])
def test_takes_pictures_of_any_size(detector: Detector, size: tuple[int, int]) -> None:
    found = detector.detect(np.full((*size, 3), 128, np.uint8))

    assert believed(found, detector) == 0
    assert found.boxes.shape == (len(found.scores), 4)


@pytest.mark.footage
@pytest.mark.keras
def test_a_larger_copy_shows_the_same_person(detector: Detector, shopper: Image) -> None:
    small = detector.detect(shopper)
    large = detector.detect(cv2.resize(shopper, (4096, 3072)).astype(np.uint8))

    assert boxes.pairwise_iou(small.boxes[:1], large.boxes[:1])[0, 0] > 0.8


@pytest.mark.footage
@pytest.mark.keras
def test_colors_are_not_needed(detector: Detector, shopper: Image) -> None:
    gray = np.repeat(shopper.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)

    assert believed(detector.detect(gray), detector) >= 1


@pytest.mark.footage
@pytest.mark.keras
def test_twenty_people_are_found_apart(detector: Detector, shopper: Image) -> None:
    best = detector.detect(shopper).boxes[0] * (640, 480, 640, 480)
    left, top, right, bottom = best.astype(int)
    cut = cv2.resize(shopper[top:bottom, left:right], (80, 200))
    crowd = np.full((4 * 260, 5 * 360, 3), 150, np.uint8)
    for row in range(4):
        for column in range(5):
            crowd[row * 260 + 30 :][:200, column * 360 + 140 :][:, :80] = cut

    found = detector.detect(crowd)

    sure = found.boxes[found.scores >= detector.threshold]
    middles = (sure[:, :2] + sure[:, 2:]) / 2 * (5, 4)
    assert len({tuple(place) for place in middles.astype(int).tolist()}) == 20


@pytest.mark.keras
def test_boxes_lie_in_the_picture_and_the_surest_comes_first(detector: Detector) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)

    found = detector.detect(noise)

    assert ((found.boxes >= 0) & (found.boxes <= 1)).all()
    assert (np.diff(found.scores) <= 0).all()


# Our own.


@pytest.mark.keras
def test_is_loaded_once() -> None:
    assert loading.load(OWN) is loading.load(OWN)


@pytest.mark.parametrize("folder", [OWN, SECOND], ids=["own", "second"])
def test_is_small(folder: Path) -> None:
    assert (folder / NETWORK_FILE).stat().st_size < 4_000_000


def test_no_folder_is_a_sentence(tmp_path: Path) -> None:
    assert "can't be read" in refusal(tmp_path / "nowhere")


def test_detectors_are_not_offered_as_models() -> None:
    offered = bundle.names(OWN.parent)

    assert "i3d_person" in offered
    assert not {OWN.name, SECOND.name} & set(offered)


@pytest.mark.parametrize("text", ["", "{", '{"parameters": 1}'])
def test_a_damaged_card_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / NETWORK_FILE).write_bytes(b"weights")
    (tmp_path / CARD_FILE).write_text(text)

    assert CARD_FILE in refusal(tmp_path)


def test_other_weights_than_the_card_describes_are_a_sentence(tmp_path: Path) -> None:
    (tmp_path / NETWORK_FILE).write_bytes(b"weights")
    (tmp_path / CARD_FILE).write_bytes((OWN / CARD_FILE).read_bytes())

    assert "Restore the folder" in refusal(tmp_path)


# Files of others.


def test_a_file_that_is_no_onnx_is_a_sentence(tmp_path: Path) -> None:
    text = tmp_path / "notes.onnx"
    text.write_text("buy milk")

    assert "no ONNX file" in refusal(text)


def test_an_empty_file_is_a_sentence(tmp_path: Path) -> None:
    empty = tmp_path / "empty.onnx"
    empty.touch()

    assert "no ONNX file" in refusal(empty)


@pytest.mark.footage
@pytest.mark.parametrize("share", [0.2, 0.9, 0.999])
def test_a_truncated_file_is_a_sentence(tmp_path: Path, share: float) -> None:
    require(YOLOX)
    content = YOLOX.read_bytes()
    half = tmp_path / "half.onnx"
    half.write_bytes(content[: int(len(content) * share)])

    assert "no ONNX file" in refusal(half)


def test_an_onnx_file_of_another_kind_is_a_sentence(tmp_path: Path) -> None:
    classifier = write_onnx(tmp_path / "classifier.onnx", np.zeros((1, 1000), np.float32))

    assert "no YOLOX, YOLOv5" in refusal(classifier)


def test_a_file_without_a_fixed_size_is_a_sentence(tmp_path: Path) -> None:
    free = write_onnx(tmp_path / "free.onnx", nobody(CELLS, 6), size="any")

    assert "fixed size" in refusal(free)


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((CELLS, 6), "YOLOX"),
        ((CELLS, 85), "YOLOX"),
        ((3 * CELLS, 85), "YOLOv5"),
        ((5, CELLS), "YOLOv8"),
        ((40, CELLS), "YOLOv8"),
        ((NANODET_CELLS, 33), "NanoDet-Plus"),
        ((NANODET_CELLS, 112), "NanoDet-Plus"),
    ],
)
def test_the_layout_shows_in_the_shape(tmp_path: Path, shape: tuple[int, int], layout: str) -> None:
    path = write_onnx(tmp_path / "any.onnx", nobody(*shape))

    assert onnx.read(path).layout.name == layout


def said_by(layout: str) -> npt.NDArray[np.float32]:
    """A person of 16 by 32 pixels about (24, 32), in the layout's own words."""
    if layout == "YOLOX":
        said = nobody(CELLS, 7)
        said[0, 4 * 8 + 3] = 0, 0, np.log(2), np.log(4), 0.9, 1, 0  # row 4, column 3 of stride 8
        return said
    if layout == "YOLOv5":
        said = nobody(3 * CELLS, 7)
        said[0, 5] = 24, 32, 16, 32, 0.9, 1, 0
        return said
    if layout == "NanoDet-Plus":
        said = nobody(NANODET_CELLS, 4 * 8 + 2)
        at = said[0, 4 * 8 + 3]  # its corner is that person's middle
        at[0] = 0.9
        for side, distance in enumerate((1, 2, 1, 2)):  # strides to the left, top, right, bottom
            at[2 + side * 8 + distance] = 50
        return said
    said = nobody(6, CELLS)
    said[0, :, 5] = 24, 32, 16, 32, 0.9, 0
    return said


@pytest.mark.parametrize("layout", ["YOLOX", "YOLOv5", "YOLOv8", "NanoDet-Plus"])
def test_the_box_comes_out_in_shares_of_the_picture(tmp_path: Path, layout: str) -> None:
    path = write_onnx(tmp_path / "one.onnx", said_by(layout))

    detector = onnx.read(path)
    height = 32 * detector.layout.max_stretch  # within the input

    found = detector.detect(np.zeros((32, 64, 3), np.uint8))

    assert found.scores.tolist() == pytest.approx([0.9])
    assert found.boxes[0].tolist() == pytest.approx([0.25, 16 / height, 0.5, 1.0])


@pytest.mark.parametrize("layout", ["YOLOX", "YOLOv5", "YOLOv8", "NanoDet-Plus"])
def test_other_things_than_people_do_not_count(tmp_path: Path, layout: str) -> None:
    said = said_by(layout)
    values = said[0] if layout != "YOLOv8" else said[0].T
    classes = [0, 1] if layout == "NanoDet-Plus" else [-2, -1]
    values[:, classes] = values[:, classes[::-1]]  # the second of the two classes
    path = write_onnx(tmp_path / "dog.onnx", said)

    assert len(onnx.read(path).detect(np.zeros((64, 64, 3), np.uint8)).boxes) == 0


@pytest.mark.footage
def test_opencv_says_what_onnx_runtime_says(shopper: Image) -> None:
    import onnxruntime  # type: ignore[import-untyped]

    require(YOLOX)
    picture, _ = boxes.letterbox(shopper, 416, 416)
    pixels = np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1)[None], np.float32)

    (said,) = onnxruntime.InferenceSession(YOLOX).run(None, {"images": pixels})

    expected = layouts.YOLOX.decode(said[0], 416, 416)
    for in_onnx_runtime in (False, True):
        found = onnx.read(YOLOX, in_onnx_runtime=in_onnx_runtime).candidates(picture)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.1)


@pytest.mark.footage
def test_an_input_of_any_size_may_be_larger(shopper: Image) -> None:
    require(NANODET)

    detector = onnx.read(NANODET, in_onnx_runtime=True, free_size=(512, 640))

    assert detector.input_size == (768, 960)
    assert detector.detect(shopper).scores[0] > 0.5


def test_onnx_runtime_says_in_a_sentence_what_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "detector.onnx").write_text("buy milk")

    with pytest.raises(DetectorError, match="no ONNX file"):
        onnx.read(tmp_path / "detector.onnx", in_onnx_runtime=True)


def test_grids_of_logits_are_one_output_of_scores() -> None:
    grids = [np.full((1, 34, side, side), side, np.float32) for side in (1, 8, 4, 2)]

    output = layouts.joined(grids)

    assert output.shape == (1, NANODET_CELLS, 34)
    assert output[0, 0].tolist() == pytest.approx([1 / (1 + np.exp(-8))] * 2 + [8] * 32)
    assert output[0, -1, :2].tolist() == pytest.approx([1 / (1 + np.exp(-1))] * 2)


@pytest.mark.parametrize(
    "shapes", [[(1, 34, 8, 8)] * 3, [(1, 34, 8, 8)] * 3 + [(1, 30, 1, 1)], [(1, 5), (1, 6)]]
)
def test_several_outputs_of_another_kind_are_no_detector(shapes: list[tuple[int, ...]]) -> None:
    outputs = [np.zeros(shape, np.float32) for shape in shapes]

    assert layouts.by_shape(layouts.joined(outputs).shape, SIDE, SIDE) is None


@pytest.mark.footage
def test_a_file_that_only_onnx_runtime_reads_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require(NANODET)
    monkeypatch.setattr(loading, "_loaded", {})
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    assert "onnxruntime" in refusal(NANODET)
