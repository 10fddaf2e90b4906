"""`manage.py analyze_clip PATH`: what a model makes of a clip, without the site and database."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from video_classifier.management.output import without_stderr
from video_classifier.ml.contracts import Outcome, Region, ScoredTrack, WindowScore
from video_classifier.services import catalog, confidence, pieces, sandbox
from video_classifier.services.catalog import Card
from video_classifier.services.errors import Refused
from video_classifier.services.sandbox import ChildPredictor
from video_classifier.states import Prediction


class Command(BaseCommand):
    help = "Analyzes one clip and prints the prediction. Exit code 2: it can't be analyzed."

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
            with without_stderr():
                facts = sandbox.probe(path)[0]  # before the wait for a framework to load
                predictor = catalog.load(model or settings.DEFAULT_MODEL)
                outcome = pieces.analyze(path, facts, predictor)
        except Refused as refusal:
            line = " ".join(str(refusal).split())
            raise CommandError(line, returncode=2) from refusal
        report = _report(outcome, predictor)
        self.stdout.write(json.dumps(report, indent=2) if options["json"] else _text(report))


def _report(outcome: Outcome, predictor: ChildPredictor) -> dict[str, Any]:
    """The keys are promised in docs/json.md: none is taken away or changes its meaning."""
    decode, inference = outcome.seconds_reading, outcome.seconds_classifying
    finding = outcome.seconds_finding
    return {
        **_prediction(outcome, predictor.card),
        "model": predictor.name,
        "model_sha256": predictor.sha256,
        "detector_sha256": outcome.detector_sha256,
        "frames": [{"time_s": time} for time in outcome.sample.times],
        "view": outcome.view,
        "tracks": [_track(number, each) for number, each in enumerate(outcome.tracks, 1)],
        "windows": list(map(_window, outcome.windows)),
        "events": [asdict(event) for event in outcome.events],
        "tracks_found": outcome.tracks_found if outcome.view is Region.PERSON else None,
        "seconds": {
            "decode": decode,
            "finding": finding,
            "inference": inference,
            "total": decode + finding + inference,
        },
        "warnings": list(outcome.sample.warnings),
    }


def _prediction(outcome: Outcome, card: Card) -> dict[str, Any]:
    found = outcome.prediction
    if found is None:
        return {
            "prediction": Prediction.NO_RESULT.value,
            "reason": outcome.no_result,
            "score": None,
            "threshold": None,
            "confidence": None,
        }
    share = card.confidence and card.confidence.of(found.score, hint=found.is_hint)
    prediction = Prediction.HINT if found.is_hint else Prediction.NO_HINT
    return {
        "prediction": prediction.value,
        "reason": "",
        "score": found.score,
        "threshold": found.threshold,
        "confidence": share
        and share._asdict() | {"means": confidence.sentence(share, hint=found.is_hint)},
    }


def _track(number: int, scored: ScoredTrack) -> dict[str, Any]:
    times = scored.track.times
    return {
        "number": number,
        "score": scored.score,
        "from_s": times[0],
        "to_s": times[-1],
        "windows": list(map(_window, scored.windows)),
    }


def _window(scored: WindowScore) -> dict[str, float]:
    return {"from_s": scored.start, "to_s": scored.end, "score": scored.score}


def _text(report: dict[str, Any]) -> str:
    times = " ".join(f"{frame['time_s']:.2f}" for frame in report["frames"])
    seconds = report["seconds"]
    lines = [
        Prediction(report["prediction"]).label,
        *_explanation(report),
        *(
            f"Track {track['number']}, {track['from_s']:.1f} to {track['to_s']:.1f} s: "
            f"score {track['score']:.3f}"
            for track in report["tracks"]
        ),
        f"Frames looked at, in seconds: {times}",
        f"Reading took {seconds['decode']:.2f} s, finding people {seconds['finding']:.2f} s, "
        f"classifying {seconds['inference']:.2f} s.",
    ]
    return "\n".join(lines + report["warnings"])


def _explanation(report: dict[str, Any]) -> Iterator[str]:
    if report["reason"]:
        yield report["reason"]
        return
    if share := report["confidence"]:
        yield f"Confidence {share['value']:.0%}. {share['means']}"
    caution = " A hint for a person to check." if report["prediction"] == Prediction.HINT else ""
    yield (
        f"Score {report['score']:.3f}, threshold {report['threshold']:.3f}, "
        f"by {report['model']}.{caution}"
    )
