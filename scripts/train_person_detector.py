"""Trains our own person detector by distillation from a larger one, and writes its folder.

Scenes are split at random: a fifth is never trained on and stays for the test. Stopped and started
again with the same --work, it resumes after the last epoch.
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

    from video_classifier.ml.distillation.scenes import Pictures, SceneSplit
    from video_classifier.ml.distillation.trainer import DistillationSettings
    from video_classifier.ml.persons.onnx import OnnxDetector

EXAMPLE = """example:
  python -m scripts.train_person_detector --manifest ../shared/data/manifest.csv \\
      --teacher ../shared/weights/yolox_nano.onnx \\
      --backbone-weights ../shared/weights/mobilenet_v2_imagenet_no_top.h5
"""

HEIGHT, WIDTH = 256, 320  # of what the network looks at: it holds both 16:9 and 4:3


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        _train(
            arguments.manifest,
            arguments.teacher,
            arguments.backbone_weights,
            arguments.out,
            _settings(arguments.work, steps=arguments.steps, seed=arguments.seed),
        )
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


def _settings(work: Path, *, steps: int, seed: int) -> DistillationSettings:
    from video_classifier.ml.distillation.trainer import DistillationSettings

    return DistillationSettings(work=work, steps=steps, seed=seed)


def _train(
    manifest: Path,
    teacher_file: Path,
    backbone_weights: str,
    out: Path,
    settings: DistillationSettings,
) -> None:
    from video_classifier.ml.distillation import network, scenes, trainer
    from video_classifier.ml.distillation.batches import Scene
    from video_classifier.ml.persons import onnx

    teacher = onnx.read(teacher_file)
    by_scene = scenes.clips_by_scene(manifest)
    split = scenes.split(by_scene, seed=settings.seed)
    student = network.build(backbone_weights)
    with console.progress("Decoding the clips", sum(map(len, by_scene.values()))) as advance:
        pictures = {
            name: scenes.read(manifest.parent, by_scene[name], advance=advance)
            for name in (*split.train, *split.validation)
        }
    training = [
        Scene(name=name, pictures=[image for clip in pictures[name] for image in clip.images])
        for name in split.train
    ]
    settings.work.mkdir(parents=True, exist_ok=True)
    trainer.train(student, training, teacher, settings, watch=console.watch)
    validation = [clip for name in split.validation for clip in pictures[name]]
    _save(out, student, teacher, validation, _facts(settings, split))


def _facts(settings: DistillationSettings, split: SceneSplit) -> dict[str, object]:
    facts = asdict(settings)
    del facts["work"]
    return facts | {"scenes": asdict(split)}


def _save(
    out: Path,
    student: keras.Model,
    teacher: OnnxDetector,
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
    detections = [detector.detect(image) for clip in validation for image in clip.images]
    curve = scoring.curve(detections, scoring.truths_by(teacher, validation))
    card = replace(card, threshold=round(curve.best_threshold, 3))
    export.write(out, content, card)
    precision, recall = curve.at(card.threshold)
    console.err.print(
        f"Wrote {out}. On the scenes for validation: AP50 {curve.average_precision:.3f}; "
        f"precision {precision:.2f} and recall {recall:.2f} at the threshold {card.threshold}."
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
