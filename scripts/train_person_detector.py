"""Trains our own person detector on what a larger one says of the footage, and writes its folder.

Scenes are split by lot: a fifth is never trained on and stays for the test. Stopped and started
again with the same --work, it goes on after the last epoch.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from scripts._lib import console
from video_classifier.ml.contracts import ClipError
from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.networks.precision import NotFiniteError
from video_classifier.ml.networks.pretrained import WeightsError
from video_classifier.ml.persons.detector import DetectorError

if TYPE_CHECKING:
    import keras

    from video_classifier.ml.distillation.scenes import Parts, Pictures
    from video_classifier.ml.distillation.trainer import Settings
    from video_classifier.ml.persons.onnx import YoloDetector

EXAMPLE = """example:
  python -m scripts.train_person_detector --manifest ../shared/data/manifest.csv \\
      --teacher ../shared/weights/yolox_nano.onnx \\
      --backbone-weights ../shared/weights/mobilenet_v2_imagenet_no_top.h5
"""

HEIGHT, WIDTH = 256, 320  # of what the network looks at: it holds both 16:9 and 4:3


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        _train(arguments)
    except (
        ManifestError,
        DetectorError,
        WeightsError,
        NotFiniteError,
        ClipError,
        OSError,
    ) as error:
        console.complain(error)
        return 2
    except KeyboardInterrupt:
        console.err.print(f"Stopped. No detector was written; {arguments.work} keeps what is done.")
        return 130
    return 0


def _train(arguments: argparse.Namespace) -> None:
    from video_classifier.ml.distillation import network, scenes, trainer
    from video_classifier.ml.distillation.batches import Scene
    from video_classifier.ml.persons import onnx

    settings = trainer.Settings(work=arguments.work, seed=arguments.seed, steps=arguments.steps)
    teacher = onnx.read(arguments.teacher)
    by_scene = scenes.clips_by_scene(arguments.manifest)
    parts = scenes.parts(by_scene, seed=settings.seed)
    student = network.build(arguments.backbone_weights)
    with console.progress("Decoding the clips", sum(map(len, by_scene.values()))) as tick:
        seen = {
            name: scenes.read(arguments.manifest.parent, by_scene[name], after_each=tick)
            for name in (*parts.train, *parts.validation)
        }
    lessons = [
        Scene(name=name, pictures=[image for clip in seen[name] for image in clip.images])
        for name in parts.train
    ]
    arguments.work.mkdir(parents=True, exist_ok=True)
    epochs = sum(stage.epochs * stage.runs for stage in settings.stages)
    with console.progress("Training", epochs) as tick:

        def after_epoch(epoch: int, loss: float) -> None:
            tick()
            console.err.print(f"epoch {epoch + 1}: loss {loss:.3f}")

        trainer.train(student, lessons, teacher, settings, after_epoch=after_epoch)
    validation = [clip for name in parts.validation for clip in seen[name]]
    _save(arguments, student, teacher, validation, _facts(settings, parts))


def _facts(settings: Settings, parts: Parts) -> dict[str, object]:
    facts = asdict(settings)
    del facts["work"]
    return facts | {"scenes": asdict(parts)}


def _save(
    arguments: argparse.Namespace,
    student: keras.Model,
    teacher: YoloDetector,
    validation: Sequence[Pictures],
    facts: dict[str, object],
) -> None:
    """Chooses the threshold, and writes the folder."""
    from video_classifier.ml.distillation import export, scoring
    from video_classifier.ml.persons import tflite
    from video_classifier.ml.persons.detector_card import DetectorCard

    content = export.convert(student, height=HEIGHT, width=WIDTH)
    card = DetectorCard(
        threshold=0.5,
        parameters=student.count_params(),
        created=datetime.now(UTC).date().isoformat(),
        training=facts | {"teacher": teacher.sha256},
    )
    detector = tflite.OwnDetector(content, card)
    found = [detector.detect(image) for clip in validation for image in clip.images]
    curve = scoring.curve(found, scoring.truths_by(teacher, validation))
    card = replace(card, threshold=round(curve.best_threshold, 3))
    export.write(arguments.out, content, card)
    precision, recall = curve.at(card.threshold)
    console.err.print(
        f"Wrote {arguments.out}. On the scenes for validation: AP50 "
        f"{curve.average_precision:.3f}; precision {precision:.2f} and recall {recall:.2f} "
        f"at the threshold {card.threshold}."
    )


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("train_person_detector", __doc__, EXAMPLE)
    parser.add_argument("--manifest", type=Path, required=True, help="CSV: path, scene, take")
    parser.add_argument("--teacher", type=Path, required=True, help="a YOLOX file in ONNX")
    parser.add_argument("--backbone-weights", required=True, help="ImageNet weights without top")
    parser.add_argument("--out", type=Path, default=console.DETECTOR)
    parser.add_argument("--work", type=Path, default=Path(".cache/person_detector"))
    parser.add_argument("--steps", type=int, default=200, help="batches of 16 views an epoch")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
