"""A camera that sends a made clip at any speed, and a model that reads who is in its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np

from tests.makers import streams, videos
from video_classifier.ml.contracts import (
    LEAD,
    UNWATCHED,
    WHOLE,
    Box,
    Image,
    Outcome,
    Prediction,
    Progress,
    Region,
    Sample,
    ScoredTrack,
    Span,
    Stage,
    Track,
    WindowScore,
)
from video_classifier.ml.serving import events
from video_classifier.ml.serving.card import Card
from video_classifier.states import Fault, FeedState
from video_classifier.watching.health import ReaderState
from video_classifier.watching.ring import Ring

RATE = 5  # pictures a second, numbered from 0


class ClipReader:
    """As `watching.reader.Reader`; sends its clip when it is asked to."""

    def __init__(self, path: Path, *, began: datetime, ring: Ring | None = None) -> None:
        self.ring = ring or Ring(300.0, 100_000_000)
        self._packets = streams.packets_of(path)
        self._facts = streams.facts_of(path, self._packets)
        self._began = began
        self._sent = 0
        self.last_picture: float | None = None
        self.fault: Fault | None = None
        self.is_stuck = False
        self.running = False

    def start(self) -> None:
        self.running = True

    def stop(self, timeout: float = 5.0) -> bool:
        self.running = False
        return True

    def send(self, until: float) -> None:
        """The pictures up to that second of the clip."""
        if not self._sent:
            self.ring.begin(self._facts, self._began)
        first = self._packets[0].pts
        while self._sent < len(self._packets):
            packet = self._packets[self._sent]
            if float((packet.pts - first) * self._facts.time_base) > until + 0.3:
                break
            self.ring.add(packet)
            self._sent += 1

    def begin_anew(self) -> None:
        """Another stretch, from the beginning of the clip."""
        self._sent = 0

    @property
    def state(self) -> ReaderState:
        return ReaderState(
            state=FeedState.FAULTY if self.fault else FeedState.ONLINE,
            fault=self.fault,
            detail="",
            since=datetime.now(UTC),
            last_picture=self.last_picture,
            frame_rate=float(RATE),
            reconnects=0,
            facts=self._facts,
            stretch=self.ring.stretch,
        )


class NumberReader:
    """Sees somebody in the pictures with these numbers, and scores each window with `score`."""

    name, sha256 = "standard", "f" * 64

    def __init__(self, card: Card, present: range, *, score: float = 0.9) -> None:
        self.card, self.present, self.scored_as = card, present, score
        self.error: Exception | None = None
        self.seen: list[tuple[int, int]] = []  # first and last picture of each file

    def analyze(
        self,
        video: Path,
        *,
        span: Span = WHOLE,
        preview_width: int | None = None,
        progress: Progress = UNWATCHED,
    ) -> Outcome:
        progress.on_stage(Stage.READING)
        progress.check()
        if self.error is not None:
            raise self.error
        shown = _pictures(video)
        self.seen.append((shown[0][1], shown[-1][1]))
        looked_at = [each for each in shown if each[0] >= max(0.0, span.start - LEAD) - 1e-3]
        times = [time for time, number, _ in looked_at if number in self.present]
        windows = _windows(times, self.scored_as)
        candidates = events.candidates(windows, best=self.card.best_windows, track=1)
        score = max((each.score for each in candidates), default=0.0)
        tracks = (_track(times, windows, score, looked_at[0][2]),) if windows else ()
        strip = [each for each in looked_at if each[0] >= span.start][:: RATE // 2]
        return Outcome(
            prediction=Prediction(score=score, threshold=self.card.threshold) if tracks else None,
            no_result="" if tracks else "Nobody is there.",
            sample=Sample(
                images=np.stack([image for *_, image in strip]),
                times=tuple(time for time, *_ in strip),
                length=shown[-1][0],
                previews=tuple(image for *_, image in strip),
            ),
            seconds_reading=0.0,
            seconds_classifying=0.0,
            view=Region.PERSON,
            candidates=candidates,
            tracks=tracks,
            tracks_found=len(tracks),
            detector_sha256="d" * 64,
            model_sha256=self.card.served_sha256,
        )

    def score(self, images: Image) -> float:
        return self.scored_as


def _pictures(video: Path) -> list[tuple[float, int, Image]]:
    with av.open(str(video)) as container:
        found = [(float(frame.time or 0), videos.rgb(frame)) for frame in container.decode(video=0)]
    return [(time, videos.number_of(image), image) for time, image in found]


def _windows(times: Sequence[float], score: float) -> tuple[WindowScore, ...]:
    """Of two seconds, one every second."""
    if not times:
        return ()
    count = 1 + int(times[-1] - times[0] - 2 + 1e-3) if times[-1] - times[0] > 2 - 1e-3 else 0
    starts = [times[0] + number for number in range(count)]
    return tuple(WindowScore(start=each, end=each + 2, score=score) for each in starts)


def _track(
    times: Sequence[float], windows: tuple[WindowScore, ...], score: float, picture: Image
) -> ScoredTrack:
    box = Box(left=0.25, top=0.25, right=0.5, bottom=0.75)
    return ScoredTrack(
        track=Track(times=tuple(times), boxes=(box,) * len(times)),
        score=score,
        images=np.full((2, 16, 16, 3), 200, np.uint8),
        times=(windows[0].start, windows[0].end),
        windows=windows,
        preview=picture,
    )
