"""What is kept of an analysis for a person to look at: who was followed, and pictures."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import astuple

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from video_classifier.ml import contracts as ml
from video_classifier.models import Analysis, Person
from video_classifier.states import Prediction

FRAME_QUALITY = 80
CROP_QUALITY = 95  # a heat map is worked out from these
FOLDER = "frames"  # in storage, of the pictures of all analyses


def folder(analysis: Analysis) -> str:
    """The name in storage of the folder of all pictures."""
    return f"{FOLDER}/{analysis.pk}"


def frame_file(analysis: Analysis, number: int) -> str:
    """The name in storage of the picture of frame `number`, from 0."""
    return f"{folder(analysis)}/{number:02}.jpg"


def crop_file(analysis: Analysis, person: int, number: int) -> str:
    """Of what the model saw of track `person`, from 1, in crop `number`, from 0."""
    return f"{folder(analysis)}/person-{person:02}-{number:02}.jpg"


def heat_file(analysis: Analysis, number: int) -> str:
    """Of the heat map over picture `number`, from 0, of those that the score comes from."""
    return f"{folder(analysis)}/heat-{number:02}.jpg"


def moments(analysis: Analysis) -> list[float]:
    """When the pictures were on screen that the score comes from, in seconds."""
    persons = {person.number: person for person in analysis.persons.all()}
    decider = persons.get(analysis.decided_by or 0)
    found: list[float] = decider.crop_times if decider else analysis.frame_times
    return found


def prediction(outcome: ml.Outcome) -> dict[str, object]:
    """What an analysis says of the clip: a hint or none, with its score, or why neither."""
    found = outcome.prediction
    if found is None:
        return {"prediction": Prediction.NO_RESULT, "reason": outcome.no_result}
    return {
        "prediction": Prediction.HINT if found.is_hint else Prediction.NO_HINT,
        "score": found.score,
        "threshold": found.threshold,
    }


def persons(analysis: Analysis, outcome: ml.Outcome) -> list[Person]:
    """The rows to be written."""
    return [
        Person(
            analysis=analysis,
            number=number,
            score=person.score,
            times=[round(time, 3) for time in person.track.times],
            boxes=[[round(side, 4) for side in astuple(box)] for box in person.track.boxes],
            crop_times=[round(time, 3) for time in person.times],
        )
        for number, person in enumerate(outcome.tracks, start=1)
    ]


def pictures(analysis: Analysis, outcome: ml.Outcome) -> dict[str, bytes]:
    """The files to be written, by their names."""
    found = {
        frame_file(analysis, number): jpeg(image, FRAME_QUALITY)
        for number, image in enumerate(outcome.sample.previews)
    }
    for number, person in enumerate(outcome.tracks, start=1):
        for crop, image in enumerate(person.images):
            found[crop_file(analysis, number, crop)] = jpeg(image, CROP_QUALITY)
    return found


def jpeg(image: ml.Image, quality: int) -> bytes:
    from PIL import Image as Still

    buffer = io.BytesIO()
    Still.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def write(files: Mapping[str, bytes]) -> None:
    """Under these very names; storage would choose others for those that are taken."""
    for name, content in files.items():
        default_storage.delete(name)
        default_storage.save(name, ContentFile(content))


def read(names: Iterable[str]) -> ml.Image:
    """The pictures, all of one size, as (pictures, height, width, 3) RGB, uint8."""
    from PIL import Image as Still

    images = []
    for name in names:
        with default_storage.open(name) as file, Still.open(file) as picture:
            images.append(np.asarray(picture))
    return np.stack(images)
