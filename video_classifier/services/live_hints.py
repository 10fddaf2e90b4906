"""What is known of a live event while it happens, and the result that its clip gets of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from video_classifier.ml.contracts import (
    Box,
    EventCandidate,
    Image,
    Outcome,
    Prediction,
    Region,
    Sample,
    ScoredTrack,
    Track,
    WindowScore,
)

OTHERS = (
    "These are the scores of when it happened, of the person whom the camera's watcher saw do it. "
    "“Analyze again” looks at everybody in the clip."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The pictures of the best window of a candidate. Times are seconds of the stretch."""

    score: float  # of that window
    images: Image  # (frames, height, width, 3) RGB, uint8: what the network saw
    times: tuple[float, ...]  # one an image
    preview: Image | None  # the whole picture in its middle
    strip: tuple[Image, ...]  # whole pictures, small, of the stride that it is of
    strip_times: tuple[float, ...]

    @property
    def middle(self) -> float:
        return (self.times[0] + self.times[-1]) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """Which weights gave the scores, and from where on they are a hint."""

    model: str  # a folder
    model_sha256: str
    detector_sha256: str
    threshold: float
    view: Region


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """An event candidate as of its best moment. Times are seconds of the stretch.

    Its score is by the rule of clips, of its `windows` and no others.
    """

    candidate: EventCandidate
    windows: tuple[WindowScore, ...]  # in order of time
    track: Track | None  # None: whole frames were scored
    shown: Shown

    @property
    def score(self) -> float:
        return self.candidate.score

    @property
    def box(self) -> Box | None:
        """Where the person is in the preview."""
        return self.track.at(self.shown.middle) if self.track else None


def outcome(hint: Hint, yardstick: Yardstick, *, start: float, length: float) -> Outcome:
    """The result of a clip that begins `start` seconds after the stretch and has that length.

    As an analysis of the clip would have it, whose only candidate this is.
    """
    shown = hint.shown
    strip = [
        (time - start, image)
        for time, image in zip(shown.strip_times, shown.strip, strict=True)
        if 0 <= time - start <= length
    ]
    sample = Sample(
        images=shown.images,
        times=tuple(time for time, _ in strip),
        length=length,
        previews=tuple(image for _, image in strip),
        warnings=(OTHERS,) if hint.track else (),
    )
    number = 1 if hint.track else None
    windows = tuple(_later(each, by=-start) for each in hint.windows)
    track = hint.track and _within(hint.track, start=start, length=length)
    tracks = (_scored(hint, track, windows, by=-start),) if track else ()
    return Outcome(
        prediction=Prediction(score=hint.score, threshold=yardstick.threshold),
        sample=sample,
        seconds_reading=0.0,
        seconds_classifying=0.0,
        view=yardstick.view,
        candidates=(
            replace(
                hint.candidate,
                start=windows[0].start,
                end=max(each.end for each in windows),
                peak=hint.candidate.peak - start,
                track=number,
            ),
        ),
        windows=() if hint.track else windows,
        tracks=tracks,
        tracks_found=len(tracks),
        detector_sha256=yardstick.detector_sha256,
        model_sha256=yardstick.model_sha256,
    )


def _scored(
    hint: Hint, track: Track, windows: tuple[WindowScore, ...], *, by: float
) -> ScoredTrack:
    return ScoredTrack(
        track=track,
        score=hint.score,
        images=hint.shown.images,
        times=tuple(time + by for time in hint.shown.times),
        windows=windows,
        preview=hint.shown.preview,
    )


def _within(track: Track, *, start: float, length: float) -> Track:
    """What of it is in the clip, in seconds of the clip."""
    seen = [
        (time - start, box)
        for time, box in zip(track.times, track.boxes, strict=True)
        if 0 <= time - start <= length
    ]
    if not seen:
        msg = f"nobody is in a clip from {start} s on"
        raise ValueError(msg)
    return Track(times=tuple(time for time, _ in seen), boxes=tuple(box for _, box in seen))


def _later(window: WindowScore, *, by: float) -> WindowScore:
    """The same in the clip, whose first picture nothing comes before."""
    start = max(0.0, window.start + by)
    return replace(window, start=start, end=max(start, window.end + by), others=())
