"""Measures our own person detectors on scenes that they were not trained on.

Against the boxes of YOLOX-nano, one of its teachers, against boxes that were checked one by one,
and for speed against YOLOX-nano in ONNX Runtime, which `requirements-dev.txt` brings.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from scripts._lib import baselines, console, markdown
from video_classifier.ml.contracts import ClipError, Image
from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.distillation import scenes, scoring
from video_classifier.ml.distillation.scenes import Pictures
from video_classifier.ml.distillation.scoring import Curve, Truth
from video_classifier.ml.distillation.teachers import Mirrored
from video_classifier.ml.networks.pretrained import WeightsError
from video_classifier.ml.persons import boxes, layouts, onnx
from video_classifier.ml.persons import detector_card as cards
from video_classifier.ml.persons import loading as detectors
from video_classifier.ml.persons.detector import Detector, DetectorError

EXAMPLE = """example:
  python -m scripts.measure_person_detector --manifest ../shared/data/manifest.csv \\
      --teacher ../shared/weights/yolox_nano.onnx \\
      --other models_storage/person_detector_nanodet \\
      --nanodet ../shared/weights/nanodet_plus_m.onnx --write docs/detector.md
"""

NAME = "figures"  # of the marks in the page
CHECKED = Path("tests/ml/persons/person_boxes.json")
PRECISION = 0.85
TURNS, PICTURES_A_TURN = 11, 20  # of each detector; the first turn warms up
SHOWN = 12
DISTANT = 0.5  # share of the picture's height: who is smaller


class Reference(NamedTuple):
    """Pictures, and the people in each."""

    images: Sequence[Image]
    truths: Sequence[Truth]


class Line(NamedTuple):
    """Of the table: one detector against one reference."""

    detector: str
    reference: str
    curve: Curve
    truths: Sequence[Truth]
    threshold: float


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        if arguments.write:
            markdown.check(arguments.write, NAME)
        own, teacher = detectors.load(arguments.detector), onnx.read(arguments.teacher)
        compared = _compared([arguments.detector, *arguments.other], arguments.nanodet)
        folder = arguments.manifest.parent
        held_out = _held_out(arguments.detector, scenes.clips_by_scene(arguments.manifest))
        tested = _tested(folder, held_out["test"])
        reference = Reference(
            images=[image for clip in tested for image in clip.images],
            truths=scoring.truths_by(teacher, tested),
        )
        unseen = {clip for clips in held_out.values() for clip in clips}
        references = {
            "YOLOX-nano": reference,
            "checked boxes": _checked(arguments.checked, folder, unseen),
            "those of the test": _checked(arguments.checked, folder, set(held_out["test"])),
        }
        drawn = _table(_lines(compared, teacher, references))
        if arguments.speed:
            drawn += "\n\n" + _speed(compared, arguments.teacher)
    except (
        ManifestError,
        DetectorError,
        WeightsError,
        ClipError,
        markdown.PageError,
        OSError,
    ) as error:
        console.complain(error)
        return 2
    console.out.print(drawn, markup=False, soft_wrap=True)
    if arguments.write:
        markdown.write(arguments.write, NAME, drawn)
    if arguments.sheet:
        _draw(own, reference.images, reference.truths, arguments.sheet)
    return 0


def _tested(folder: Path, clips: Sequence[str]) -> list[Pictures]:
    with console.progress("Decoding the clips of the test", len(clips)) as advance:
        return scenes.read(folder, clips, advance=advance)


def _compared(folders: Sequence[Path], nanodet: Path | None) -> dict[str, Detector]:
    """By the folder's name."""
    compared: dict[str, Detector] = {each.name: detectors.load(each) for each in folders}
    if nanodet:
        compared["NanoDet-Plus-m as published"] = baselines.nanodet(nanodet)
    return compared


def _lines(
    compared: Mapping[str, Detector], teacher: Detector, references: Mapping[str, Reference]
) -> list[Line]:
    # The teacher against itself would be right every time.
    as_teacher = {"YOLOX-nano": ("YOLOX-nano, mirrored", Mirrored(teacher))}
    lines = []
    for against, reference in references.items():
        name, other = as_teacher.get(against, ("YOLOX-nano", teacher))
        each_of = {**compared, name: other}
        lines += [_line(name, each, against, reference) for name, each in each_of.items()]
    return lines


def _held_out(detector: Path, by_scene: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """The clips of scenes that were not trained on, by split."""
    split = scenes.split_of(cards.read(detector))
    return {
        name: [clip for scene in part for clip in by_scene[scene]]
        for name, part in (("validation", split.validation), ("test", split.test))
    }


def _line(name: str, detector: Detector, against: str, reference: Reference) -> Line:
    detections = [detector.detect(image) for image in reference.images]
    curve = scoring.curve(detections, reference.truths)
    return Line(name, against, curve, reference.truths, detector.threshold)


def _checked(table: Path, folder: Path, held_out: set[str]) -> Reference:
    """The pictures of these clips whose boxes were checked."""
    frames = json.loads(table.read_text(encoding="utf-8"))["frames"]
    frames = [frame for frame in frames if frame["clip"] in held_out]
    return Reference(
        images=[_frame(folder / frame["clip"], frame["time"]) for frame in frames],
        truths=[
            Truth(
                boxes=np.array(frame["boxes"], np.float32).reshape(-1, 4),
                ignored=np.empty((0, 4), np.float32),
            )
            for frame in frames
        ],
    )


def _frame(clip: Path, second: float) -> Image:
    """The picture at that time, as those see it who look for persons in clips."""
    images, times = scenes.read_all(clip)
    return np.asarray(images[int(np.abs(times - second).argmin())])


def _table(lines: Iterable[Line]) -> str:
    recall = f"recall at precision {PRECISION}"
    heads = ["detector", "against", "pictures", "persons", "AP50", recall, "precision, recall"]
    rows = [
        [
            line.detector,
            line.reference,
            f"{len(line.truths)}",
            f"{sum(len(truth.boxes) for truth in line.truths)}",
            f"{line.curve.average_precision:.2f}",
            f"{line.curve.recall_at(PRECISION):.2f}",
            "{:.2f}, {:.2f} from {:.2f} on".format(*line.curve.at(line.threshold), line.threshold),
        ]
        for line in lines
    ]
    return markdown.table([heads, *rows], words=2)


def _speed(compared: Mapping[str, Detector], model: Path) -> str:
    """All in turn, on one picture, resize and non-maximum suppression included.

    A turn is as many pictures as a clip has, roughly: one comes after the other there, too.
    """
    picture: Image = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    calls: dict[str, Callable[[Image], object]] = {
        name: detector.detect for name, detector in compared.items()
    }
    calls["YOLOX-nano in ONNX Runtime"] = _in_onnx_runtime(model)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    with console.progress("Timing", TURNS) as advance:
        for _ in range(TURNS):
            for name, call in calls.items():
                seconds[name] += (_seconds(call, picture) for _ in range(PICTURES_A_TURN))
            advance()
    medians = {name: median(each[PICTURES_A_TURN:]) for name, each in seconds.items()}
    first, *others = medians
    ratios = ", ".join(
        f"{name} {medians[name] * 1000:.1f} ms (a ratio of {medians[first] / medians[name]:.2f})"
        for name in others
    )
    return (
        f"A 1080p picture takes {first} {medians[first] * 1000:.1f} ms, {ratios}: medians of "
        f"{TURNS - 1} turns of {PICTURES_A_TURN} pictures, resizing included."
    )


def _in_onnx_runtime(model: Path) -> Callable[[Image], object]:
    import onnxruntime  # type: ignore[import-untyped]

    session = onnxruntime.InferenceSession(model)
    name = session.get_inputs()[0].name

    def detect(image: Image) -> object:
        filled, (height, width) = boxes.letterbox(image, 416, 416)
        pixels = np.ascontiguousarray(filled[..., ::-1].transpose(2, 0, 1)[None], np.float32)
        found = layouts.YOLOX.decode(session.run(None, {name: pixels})[0][0], 416, 416)
        return boxes.detections(found.boxes, found.scores, height=height, width=width)

    return detect


def _seconds(call: Callable[[Image], object], picture: Image) -> float:
    start = time.perf_counter()
    call(picture)
    return time.perf_counter() - start


def _draw(own: Detector, images: Sequence[Image], truths: Sequence[Truth], target: Path) -> None:
    """Pictures of people at a distance, from all over the clips: no faces to be known by."""
    distant = [
        (image, truth)
        for image, truth in zip(images, truths, strict=True)
        if len(truth.boxes) and (truth.boxes[:, 3] - truth.boxes[:, 1]).max() < DISTANT
    ]
    chosen = np.linspace(0, len(distant) - 1, SHOWN).round().astype(int)
    tiles = [_tile(own, *distant[number]) for number in chosen]
    width, height = tiles[0].size
    sheet = Picture.new("RGB", (width * 4, height * -(-SHOWN // 4)), "white")
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % 4 * width, number // 4 * height))
    sheet.save(target, quality=80)


def _tile(own: Detector, image: Image, truth: Truth) -> Picture.Image:
    """The teacher's boxes in white, and what our detector believes in yellow."""
    found = own.detect(image)
    filled, (height, width) = boxes.letterbox(image, 240, 320)
    tile = Picture.fromarray(filled)
    sides = np.array([width, height] * 2)
    drawing = ImageDraw.Draw(tile)
    for box in truth.boxes:
        drawing.rectangle(tuple((box * sides).tolist()), outline="white")
    for box, score in zip(found.boxes, found.scores, strict=True):
        if score >= own.threshold:
            left, top, *_ = corners = (box * sides).tolist()
            drawing.rectangle(tuple(corners), outline="yellow", width=2)
            drawing.text((left + 3, top + 1), f"{score:.2f}", fill="yellow")
    return tile


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("measure_person_detector", __doc__, EXAMPLE)
    parser.add_argument("--manifest", type=Path, required=True, help="CSV: path, scene, take")
    parser.add_argument("--teacher", type=Path, required=True, help="YOLOX-nano in ONNX")
    parser.add_argument(
        "--other",
        type=Path,
        nargs="*",
        default=[],
        metavar="FOLDER",
        help="of detectors that know the same scenes, to compare with",
    )
    parser.add_argument("--nanodet", type=Path, help="its published weights, to compare with")
    parser.add_argument("--detector", type=Path, default=console.DETECTOR)
    parser.add_argument("--checked", type=Path, default=CHECKED, help="default: %(default)s")
    parser.add_argument("--speed", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument(
        "--write", type=console.file_to_write, metavar="PAGE", help="put the figures into it"
    )
    parser.add_argument("--sheet", type=Path, metavar="PICTURE", help="draw twelve pictures there")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
