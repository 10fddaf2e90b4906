"""Fine-tunes the second person detector from NanoDet-Plus-m, and writes its folder.

Nobody draws a box: NanoDet-Plus at two larger sizes and YOLOX-nano label the pictures together.
Scenes are split at random, or as those of an earlier detector: a fifth is never trained on and
stays for the test. Stopped and started again with the same --work, it resumes after the last epoch.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scripts._lib import baselines, console
from video_classifier.ml.contracts import ClipError
from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.networks.precision import NotFiniteError
from video_classifier.ml.networks.pretrained import WeightsError
from video_classifier.ml.persons.detector import DetectorError

if TYPE_CHECKING:
    import keras

    from video_classifier.ml.contracts import Floats32
    from video_classifier.ml.distillation.scenes import SceneSplit
    from video_classifier.ml.distillation.scoring import Curve
    from video_classifier.ml.distillation.teachers import Committee, Labelled
    from video_classifier.ml.distillation.trainer import DistillationSettings
    from video_classifier.ml.persons.detector_card import DetectorCard

EXAMPLE = """example:
  python -m scripts.train_person_detector --manifest ../shared/data/manifest.csv \\
      --nanodet ../shared/weights/nanodet_plus_m.onnx --yolox ../shared/weights/yolox_nano.onnx \\
      --split-of models_storage/person_detector

On a machine that does other work, too, set TF_NUM_INTRAOP_THREADS=1 and run it by `nice`.
"""

OUT = Path("models_storage/person_detector_nanodet")
PICTURES_A_CLIP, PICTURES_A_SCENE = 4, 400  # that are labelled: those of a clip are much alike
# Of what training changed; the best one is kept. Not 0: the published weights aren't ours to ship.
SHARES = (0.25, 0.5, 0.75, 1.0)


class _Sources(NamedTuple):
    """What there is to learn from."""

    manifest: Path
    nanodet: Path
    yolox: Path


class _Candidate(NamedTuple):
    """Of the detectors between the published one and the trained one."""

    content: bytes
    card: DetectorCard
    curve: Curve  # on the scenes for validation


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    from video_classifier.ml.distillation.trainer import DistillationSettings

    sources = _Sources(arguments.manifest, arguments.nanodet, arguments.yolox)
    settings = DistillationSettings(
        work=arguments.work,
        epochs=arguments.epochs,
        steps=arguments.steps,
        minutes=arguments.minutes,
        seed=arguments.seed,
    )
    try:
        _train(sources, settings, split_of=arguments.split_of, out=arguments.out)
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
        console.err.print(f"Stopped. No detector was written; {settings.work} keeps what is done.")
        return 130
    return 0


def _train(
    sources: _Sources, settings: DistillationSettings, *, split_of: Path | None, out: Path
) -> None:
    from video_classifier.ml.distillation import export, network, scenes, teachers, trainer

    committee = teachers.read(sources.nanodet, sources.yolox)
    by_scene = scenes.clips_by_scene(sources.manifest)
    split = _split(by_scene, split_of, seed=settings.seed)
    student = network.build(sources.nanodet, height=baselines.HEIGHT, width=baselines.WIDTH)
    start = student.get_weights()
    labelled = _labelled(
        sources.manifest.parent,
        {name: by_scene[name] for name in (*split.validation, *split.train)},
        committee,
        settings.work / "labels",
    )
    trainer.train(student, [labelled[name] for name in split.train], settings, watch=console.watch)
    validation = [clip for name in split.validation for clip in labelled[name]]
    facts = _facts(settings, split) | {"teachers": committee.sha256s}
    candidates = (_candidate(student, start, share, validation, facts) for share in SHARES)
    best = max(candidates, key=lambda candidate: candidate.curve.average_precision)
    export.write(out, best.content, best.card)
    precision, recall = best.curve.at(best.card.threshold)
    console.err.print(
        f"Wrote {out}. On the scenes for validation: AP50 "
        f"{best.curve.average_precision:.3f}; precision {precision:.2f} and recall {recall:.2f} "
        f"at the threshold {best.card.threshold}."
    )


def _split(
    by_scene: Mapping[str, Sequence[str]], split_of: Path | None, *, seed: int
) -> SceneSplit:
    from video_classifier.ml.distillation import scenes
    from video_classifier.ml.persons import detector_card

    if split_of is None:
        return scenes.split(by_scene, seed=seed)
    return scenes.split_of(detector_card.read(split_of))


def _labelled(
    folder: Path, by_scene: Mapping[str, Sequence[str]], committee: Committee, cache: Path
) -> dict[str, list[Labelled]]:
    """What the teachers see in each scene's clips."""
    from video_classifier.ml.distillation import scenes, teachers

    labelled = {}
    with console.progress("Labelling the clips", sum(map(len, by_scene.values()))) as advance:
        for name, clips in by_scene.items():
            most = max(1, min(PICTURES_A_CLIP, PICTURES_A_SCENE // len(clips)))
            pictures = scenes.read(folder, clips, at_most=most)
            labelled[name] = teachers.label(pictures, committee, cache, advance=advance)
    return labelled


def _candidate(
    student: keras.Model,
    start: Sequence[Floats32],
    share: float,
    validation: Sequence[Labelled],
    facts: Mapping[str, object],
) -> _Candidate:
    """A detector that keeps that share of what training changed, and the best threshold of it."""
    from video_classifier.ml.distillation import export, scoring, teachers
    from video_classifier.ml.persons import tflite
    from video_classifier.ml.persons.detector_card import DetectorCard

    trained = student.get_weights()
    student.set_weights(
        [before + share * (after - before) for before, after in zip(start, trained, strict=True)]
    )
    content = export.convert(student)
    student.set_weights(trained)
    card = DetectorCard(
        threshold=0.5,
        parameters=student.count_params(),
        created=datetime.now(UTC).date().isoformat(),
        training={**facts, "share_of_training": share},
    )
    detector = tflite.OwnDetector(content, card)
    detections = [detector.detect(image) for clip in validation for image in clip.pictures.images]
    curve = scoring.curve(detections, teachers.truths(validation))
    console.err.print(f"{share:.0%} of what training changed: AP50 {curve.average_precision:.3f}")
    threshold = round(curve.best_threshold, 3)
    return _Candidate(content, replace(card, threshold=threshold), curve)


def _facts(settings: DistillationSettings, split: SceneSplit) -> dict[str, object]:
    facts = asdict(settings)
    del facts["work"]
    return facts | {"scenes": asdict(split)}


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("train_person_detector", __doc__, EXAMPLE)
    parser.add_argument("--manifest", type=Path, required=True, help="CSV: path, scene, take")
    parser.add_argument("--nanodet", type=Path, required=True, help="NanoDet-Plus-m in ONNX")
    parser.add_argument("--yolox", type=Path, required=True, help="a YOLOX file in ONNX")
    parser.add_argument("--split-of", type=Path, help="a detector's folder, to split as it did")
    parser.add_argument("--out", type=Path, default=OUT, help="default: %(default)s")
    parser.add_argument("--work", type=Path, default=Path(".cache/person_detector"))
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--steps", type=int, default=10, help="batches of 16 views an epoch")
    parser.add_argument("--minutes", type=float, default=45, help="after which training ends")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
