"""`manage.py analyze_clip PATH`: the verdict on one clip, without the site and its database."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from video_classifier.management.hush import hushed
from video_classifier.ml.bundle import BundleError
from video_classifier.ml.clip import ClipError, Outcome, Person, Predictor
from video_classifier.services import analyses, catalog, sandbox
from video_classifier.states import Verdict


class Command(BaseCommand):
    help = "Analyzes one clip and prints the verdict. Exit code 2: it can't be analyzed."

    requires_system_checks = ()  # its output is for programs, too

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="of the clip")
        parser.add_argument("--model", help="a folder in models_storage")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        path, model = options["path"], options["model"] or catalog.default_name()
        if not path.is_file():
            msg = f"There is no file {path}."
            raise CommandError(msg, returncode=2)
        try:
            with hushed():
                facts = sandbox.probe(path)[0]  # before the wait for a framework to load
                predictor = catalog.load(model or settings.DEFAULT_MODEL)
                outcome = predictor.analyze(path, proceed=analyses.deadline(facts.duration))
        except (BundleError, ClipError) as error:
            line = " ".join(str(error).split())
            raise CommandError(line, returncode=2) from error
        report = _report(outcome, predictor)
        self.stdout.write(json.dumps(report, indent=2) if options["json"] else _text(report))


def _report(outcome: Outcome, predictor: Predictor) -> dict[str, Any]:
    prediction = outcome.prediction
    decode, inference = outcome.seconds_reading, outcome.seconds_classifying
    finding = outcome.seconds_finding
    return {
        "label": prediction.label,
        "score": prediction.score,
        "confidence": prediction.confidence,
        "threshold": prediction.threshold,
        "model": predictor.name,
        "model_sha256": predictor.sha256,
        "frames": [{"time_s": time} for time in outcome.sample.times],
        "view": outcome.view,
        "persons": [_person(person) for person in outcome.persons],
        "persons_found": outcome.persons_found,
        "seconds": {
            "decode": decode,
            "finding": finding,
            "inference": inference,
            "total": decode + finding + inference,
        },
        "warnings": list(outcome.sample.warnings),
    }


def _person(person: Person) -> dict[str, float]:
    times = person.track.times
    return {"score": person.score, "from_s": times[0], "to_s": times[-1]}


def _text(report: dict[str, Any]) -> str:
    times = " ".join(f"{frame['time_s']:.2f}" for frame in report["frames"])
    seconds = report["seconds"]
    lines = [
        f"{Verdict(report['label']).label} (confidence {report['confidence']:.0%})",
        f"Score {report['score']:.3f}, threshold {report['threshold']:.3f}, "
        f"by {report['model']}. A hint for a person to check.",
        *(
            f"Person {number}, {person['from_s']:.1f} to {person['to_s']:.1f} s: "
            f"score {person['score']:.3f}"
            for number, person in enumerate(report["persons"], 1)
        ),
        f"Frames looked at, in seconds: {times}",
        f"Reading took {seconds['decode']:.2f} s, finding persons {seconds['finding']:.2f} s, "
        f"classifying {seconds['inference']:.2f} s.",
    ]
    return "\n".join(lines + report["warnings"])
