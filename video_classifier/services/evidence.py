"""What is kept of an analysis for a person to look at: who was followed, and pictures."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from itertools import islice

import numpy as np
from django.core.files.storage import default_storage

from video_classifier.ml import contracts as ml
from video_classifier.models import Analysis, Event, Segment, Track
from video_classifier.states import View

FRAME_QUALITY = 80
CROP_QUALITY = 95  # a heat map is worked out from these
FOLDER = "frames"  # in storage, of the pictures of all analyses


def folder(analysis: Analysis) -> str:
    """The name in storage of the folder of all pictures."""
    return f"{FOLDER}/{analysis.pk}"


def frame_file(segment: Segment, number: int) -> str:
    """The name in storage of the picture of frame `number` of the segment, from 0."""
    return f"{_prefix(segment)}{number:02}.jpg"


def crop_file(track: Track, number: int) -> str:
    """The name in storage of crop `number` of the track, from 0."""
    return f"{_prefix(track.segment)}person-{track.number_in_segment:02}-{number:02}.jpg"


def still_file(track: Track) -> str:
    """The name in storage of the whole picture at the middle of the track's best window."""
    return f"{_prefix(track.segment)}person-{track.number_in_segment:02}-still.jpg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """A whole picture of the clip that is kept."""

    name: str  # in storage
    time: float  # seconds since the clip's first picture


def event_still(event: Event) -> str:
    """The name in storage of the picture that shows an event; "" if there is none."""
    still = still_of(event)
    return still.name if still else ""


def still_of(event: Event) -> Still | None:
    """The picture that shows an event.

    Of whole pictures, of tracks without one, and of tracks whose one is of another moment, it is
    the frame nearest to the peak.
    """
    own = _own_still(event)
    if own is not None and default_storage.exists(own.name):
        return own
    times = event.segment.frame_times
    if not times:
        return None
    nearest = min(range(len(times)), key=lambda number: abs(times[number] - event.peak))
    return Still(name=frame_file(event.segment, nearest), time=times[nearest])


def _own_still(event: Event) -> Still | None:
    """That of the track, in the middle of the window that decided in its segment."""
    track = event.track
    if track is None or not track.crop_times:
        return None
    time = (track.crop_times[0] + track.crop_times[-1]) / 2
    within = event.start <= time <= event.end
    return Still(name=still_file(track), time=time) if within else None


def _prefix(segment: Segment) -> str:
    """Pictures of the first segment have the names from before there were segments."""
    start = f"{FOLDER}/{segment.analysis_id}/"
    return start if segment.number == 1 else f"{start}segment-{segment.number:04}-"


def heat_file(analysis: Analysis, number: int) -> str:
    """The name in storage of the heat map over picture `number`, from 0, of the scored ones."""
    return f"{folder(analysis)}/heat-{number:02}.jpg"


def frame_files(analysis: Analysis) -> list[str]:
    """The pictures of its frames, in the order of `frame_times`: those of one of its segments."""
    segments = analysis.segments.only("analysis_id", "number", "frame_times")
    chosen = (each for each in segments if each.frame_times == analysis.frame_times)
    return [
        frame_file(segment, number)
        for segment in islice(chosen, 1)
        for number in range(len(segment.frame_times))
    ]


def crop_files(track: Track) -> list[str]:
    """The names of all crops of the track, in the order of `crop_times`."""
    return [crop_file(track, number) for number in range(len(track.crop_times))]


def motion_of(track: Track, *, only: Sequence[int] | None = None) -> ml.Track:
    """The track as the library knows it, which says where somebody is at any moment.

    With `only` it has the boxes with these numbers, from 0.
    """
    chosen = range(len(track.times)) if only is None else only
    boxes = (track.boxes[at] for at in chosen)
    return ml.Track(
        times=tuple(track.times[at] for at in chosen),
        boxes=tuple(
            ml.Box(left=left, top=top, right=right, bottom=bottom)
            for left, top, right, bottom in boxes
        ),
    )


def result(outcome: ml.Outcome) -> dict[str, object]:
    """What a segment's row keeps of its outcome."""
    sample, found = outcome.sample, outcome.prediction
    return {
        "score": found and found.score,
        "threshold": found and found.threshold,
        "reason": outcome.no_result,
        "model_sha256": outcome.model_sha256,
        "detector_sha256": outcome.detector_sha256,
        "view": View(outcome.view),
        "tracks_found": outcome.tracks_found,
        "decided_by": outcome.decided_by,
        "frame_times": list(sample.times),
        "windows": _windows(outcome.windows),
        "shadows": _shadows(outcome),
        "appearance": _appearance(outcome),
        "warnings": list(sample.warnings),
        "seconds_reading": outcome.seconds_reading,
        "seconds_finding": outcome.seconds_finding,
        "seconds_classifying": outcome.seconds_classifying,
    }


def tracks(segment: Segment, outcome: ml.Outcome) -> list[Track]:
    """The rows to be written. Until the analysis closes, numbers are the segment's own."""
    return [
        Track(
            analysis_id=segment.analysis_id,
            segment=segment,
            number=number,
            number_in_segment=number,
            score=person.score,
            times=_seconds(person.track.times),
            boxes=[[round(side, 4) for side in astuple(box)] for box in person.track.boxes],
            crop_times=_seconds(person.times),
            windows=_windows(person.windows),
        )
        for number, person in enumerate(outcome.tracks, start=1)
    ]


def _seconds(times: Iterable[float]) -> list[float]:
    return [round(time, 3) for time in times]


def _windows(scored: Iterable[ml.WindowScore]) -> list[list[float]]:
    """Rounded, unlike the score that a segment has from them."""
    return [[*_seconds((each.start, each.end)), round(each.score, 4)] for each in scored]


def _shadows(outcome: ml.Outcome) -> dict[str, dict[int, list[float]]]:
    """By the SHA-256 of their heads: the scores of a track's windows, 0 for whole pictures."""
    return {
        head: {
            number: [round(each.others[at], 4) for each in windows]
            for number, windows in _by_number(outcome).items()
        }
        for at, head in enumerate(outcome.shadows)
    }


def _appearance(outcome: ml.Outcome) -> dict[int, list[list[float | None]]]:
    """How bright the clothes and the picture are in each window; empty if neither is known."""
    found = {
        number: [[_rounded(each.clothing), _rounded(each.light)] for each in windows]
        for number, windows in _by_number(outcome).items()
    }
    is_known = any(look != [None, None] for looks in found.values() for look in looks)
    return found if is_known else {}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _by_number(outcome: ml.Outcome) -> dict[int, tuple[ml.WindowScore, ...]]:
    """The windows of each track; those of whole pictures have the number 0."""
    of_tracks = {number: each.windows for number, each in enumerate(outcome.tracks, start=1)}
    return of_tracks or {0: outcome.windows}


def pictures(segment: Segment, outcome: ml.Outcome) -> dict[str, bytes]:
    """The files to be written, by their names."""
    found = {
        frame_file(segment, number): jpeg(image, FRAME_QUALITY)
        for number, image in enumerate(outcome.sample.previews)
    }
    for track, person in zip(tracks(segment, outcome), outcome.tracks, strict=True):
        for number, image in enumerate(person.images):
            found[crop_file(track, number)] = jpeg(image, CROP_QUALITY)
        if person.preview is not None:
            found[still_file(track)] = jpeg(person.preview, FRAME_QUALITY)
    return found


def jpeg(image: ml.Image, quality: int) -> bytes:
    from PIL import Image as Still

    buffer = io.BytesIO()
    Still.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def read(names: Iterable[str]) -> ml.Image:
    """The pictures, all of one size, as (pictures, height, width, 3) RGB, uint8."""
    from PIL import Image as Still

    images = []
    for name in names:
        with default_storage.open(name) as file, Still.open(file) as picture:
            images.append(np.asarray(picture))
    return np.stack(images)
