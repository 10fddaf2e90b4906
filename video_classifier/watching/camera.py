"""One camera while it is watched: its readers, who is in view, its events, how it fares."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from django.db import DatabaseError, InterfaceError, OperationalError

from video_classifier.ml.contracts import LEAD, Predictor, Progress
from video_classifier.ml.serving.card import BundleError, Card
from video_classifier.models import Feed, LiveEvent
from video_classifier.services import (
    candidate_scores,
    catalog,
    live_events,
    live_pictures,
    live_samples,
    thresholds,
    versions,
)
from video_classifier.services.candidate_scores import LiveCandidate
from video_classifier.services.errors import Refused
from video_classifier.services.live_events import CameraGoneError, Told
from video_classifier.services.live_hints import Hint, Yardstick
from video_classifier.services.sandbox import ScorerDiedError
from video_classifier.services.thresholds import Thresholds
from video_classifier.services.watching import Report, Tally
from video_classifier.services.weights import Weights
from video_classifier.states import Fault, FeedState
from video_classifier.watching import cutting, pictures, remuxing, strides
from video_classifier.watching.cutting import Wanted
from video_classifier.watching.health import ReaderState
from video_classifier.watching.people import QUIET, Candidate, Happening, People
from video_classifier.watching.pictures import Shown, ShownTrack
from video_classifier.watching.remuxing import RemuxError
from video_classifier.watching.ring import Excerpt, Ring
from video_classifier.watching.strides import Scored

logger = logging.getLogger(__name__)

LEAST_STRIDE = 2.0  # seconds from scoring to scoring
LEAST_NEW = 1.0  # seconds of pictures that have come since, or it isn't worth it
SLOWEST = 45.0  # seconds that a scoring may take
RETRY_MODEL = 30.0  # seconds until a model that can't be used is tried again
DEATHS = 3  # of the scorer over one camera in a row, before it is left alone for a while
WAIT_FOR_POST_ROLL = 15.0  # seconds longer than it takes
MEASURE_EVERY = 10.0  # seconds from look to look whether the camera has another measure
MOST_SCORES = 1000  # of candidates that wait for the database
SAMPLES_EVERY = 5.0  # seconds from look to look whether an ordinary clip is due


class TooSlowError(Exception):
    """A scoring took too long and was ended."""

    def __init__(self) -> None:
        super().__init__(f"It took longer than {SLOWEST:.0f} s.")


class LeftError(Exception):
    """The camera is no longer watched, and a scoring of it was ended."""


class AnyReader(Protocol):
    """As `watching.reader.Reader`."""

    ring: Ring

    def start(self) -> None: ...

    def stop(self, timeout: float = 5.0) -> bool: ...

    @property
    def state(self) -> ReaderState: ...

    @property
    def is_stuck(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """What is read of a camera: where it has one stream, both are the same."""

    scored: AnyReader
    recorded: AnyReader  # of which clips are cut

    @property
    def has_one_stream(self) -> bool:
        return self.scored is self.recorded

    @property
    def all_of_them(self) -> tuple[AnyReader, ...]:
        return (self.scored,) if self.has_one_stream else (self.scored, self.recorded)


class _Model:
    """A camera's, or why it can't be used."""

    def __init__(self) -> None:
        self.name = ""  # of the version that the store uses, or the model
        self.beside: dict[str, str] = {}  # versions in the shadow, by the SHA-256 of their heads
        self.predictor: Predictor | None = None
        self.card: Card | None = None
        self.fault: Fault | None = None
        self._lacks_shadow = False  # it couldn't be fetched
        self._again = 0.0

    def ready(self, feed: Feed) -> bool:
        """Loads it, unless that failed just now; again, if a version in the shadow is missing."""
        wants = self.predictor is None or self._lacks_shadow
        if wants and time.monotonic() >= self._again:
            try:
                store = feed.camera.store_id
                self.name = versions.name_in_use(store, feed.model)
                self.beside = versions.beside(store, self.name)
                found = versions.predictor(store, self.name)
                lacks = not all(map(catalog.is_here, self.beside.values()))
            except Refused as refusal:
                self.fail(refusal, Fault.MODEL)
            except DatabaseError as error:
                self.fail(error, Fault.BROKEN)
            else:
                self.predictor, self.card, self.fault = found, found.card, None
                self._lacks_shadow, self._again = lacks, time.monotonic() + RETRY_MODEL
        return self.predictor is not None

    def fail(self, why: Exception, fault: Fault) -> None:
        logger.warning("a camera can't be scored: %s", why)
        self.predictor, self.fault = None, fault
        self._again = time.monotonic() + RETRY_MODEL


@dataclass(slots=True)
class _Known:
    """What the database has of an event."""

    event: LiveEvent
    hint: Hint
    until: float


class WatchedCamera:
    """One thread scores, one cuts clips, one keeps ordinary clips, one asks how it fares."""

    def __init__(self, feed: Feed, readers: Readers) -> None:
        self.feed, self._readers = feed, readers
        self.scored_at = float("-inf")  # monotonic seconds: when the last scoring began
        self.tally = Tally()
        self._model = _Model()
        self._deaths = 0
        self._stretch, self._since = 0, 0.0
        self._people: People | None = None
        self._yardstick: Yardstick | None = None
        self._thresholds: Thresholds | None = None  # None: not known yet
        self._thresholds_at = float("-inf")  # monotonic seconds: when they are due to be asked for
        self.weights: Weights | None = None  # that score; None: not known yet
        self.shadows: tuple[Weights, ...] = ()  # of the versions that score along
        self._scored_until = 0.0  # in seconds of the stretch
        self._scores: list[tuple[Candidate, datetime]] = []  # to be written; of which stretch
        self._began = datetime.now(UTC)  # the stretch
        self._known: dict[Happening, _Known] = {}
        self._unwritten: dict[Happening, tuple[int, datetime]] = {}  # and of which stretch
        self._stride: float | None = None
        self._score_now: float | None = None  # the highest of those in view
        self._wanted: list[Wanted] = []
        self._tried: set[datetime] = set()
        self._samples_at = 0.0
        self._reconnects = 0
        self._left = threading.Event()
        self._lock = threading.Lock()  # of what the thread that cuts takes
        self._scoring = threading.Lock()
        self.is_gone = False  # the camera was deleted

    @property
    def pk(self) -> int:
        return int(self.feed.pk)

    @property
    def is_stuck(self) -> bool:
        return any(each.is_stuck for each in self._readers.all_of_them)

    def start(self) -> None:
        for each in self._readers.all_of_them:
            each.start()

    def leave(self) -> None:
        """Begins to stop, without waiting for the readers."""
        self._left.set()
        for each in self._readers.all_of_them:
            each.stop(timeout=0.0)

    def stop(self) -> None:
        """Its open events are cut off; clips that are still wanted can be cut."""
        self.leave()
        for each in self._readers.all_of_them:
            each.stop()
        with self._scoring:
            self._end_stretch()
        pictures.forget(self.pk)

    # Scoring

    def is_due(self, now: float) -> bool:
        """Whether there are new pictures, and the last ones were scored long enough ago."""
        if now - self.scored_at < LEAST_STRIDE or self.is_gone:
            return False
        newest = self._readers.scored.ring.newest(0.0)
        if newest is None:
            return False
        if newest.stretch != self._stretch:
            return newest.end >= LEAD  # enough for a window
        return newest.end - self._since >= LEAST_NEW

    def look(self, *, alive: Callable[[], None] = lambda: None) -> bool:
        """Scores the newest pictures; whether that went well. `alive` is called meanwhile."""
        with self._scoring:
            if self._left.is_set():
                return False
            began, before = time.monotonic(), self.scored_at
            self.scored_at = began
            self._renew_if_another_stretch()
            if not self._model.ready(self.feed):
                return False
            scored = self._score(began, alive)
            if scored is None:
                return False
            self._take(scored)
            if before != float("-inf"):
                self._stride = began - before
                self.tally.longest_stride = max(self.tally.longest_stride, self._stride)
            self.tally.scorings += 1
            self._show(scored)
            return True

    def settle(self, now: float) -> None:
        """Events don't stay open where the pictures have stopped."""
        last = self._readers.scored.state.last_picture
        if self._people is not None and (last is None or now - last > QUIET):
            with self._scoring:
                self._end_stretch()

    def _renew_if_another_stretch(self) -> None:
        newest = self._readers.scored.ring.newest(0.0)
        if newest is None or newest.stretch == self._stretch:
            return
        self._end_stretch()
        self._stretch, self._began = newest.stretch, newest.started_at
        self._since = self._scored_until = 0.0

    def _end_stretch(self) -> None:
        people = self._people
        ended = people.end() if people is not None else []
        self._people = self._score_now = None
        self._write_events(ended)
        self._write_scores(people.take_over() if people is not None else [])

    def _score(self, began: float, alive: Callable[[], None]) -> Scored | None:
        card, predictor = self._model.card, self._model.predictor
        newest = self._readers.scored.ring.newest(0.0)
        if card is None or predictor is None or newest is None:
            return None
        lead = LEAD if self._has_anybody else 0.0
        reach = strides.reach(card.spec, since=self._since, newest=newest.end, lead=lead)
        excerpt = self._readers.scored.ring.newest(reach)
        if excerpt is None or excerpt.stretch != self._stretch:
            return None

        def check() -> None:
            alive()
            if self._left.is_set():
                raise LeftError
            if time.monotonic() - began > SLOWEST:
                raise TooSlowError

        try:
            return self._scored(excerpt, card, predictor, Progress(check=check))
        finally:  # what can't be scored is not tried again
            self._since = excerpt.end

    def _scored(
        self, excerpt: Excerpt, card: Card, predictor: Predictor, progress: Progress
    ) -> Scored | None:
        span = strides.span(card.spec, start=excerpt.start, end=excerpt.end, since=self._since)
        in_full = self._has_anybody or live_pictures.is_looked_at(self.pk)
        try:
            found = strides.score(
                excerpt,
                span,
                predictor,
                camera=self.pk,
                write=remuxing.write,
                width=strides.WIDTH if in_full else strides.SMALL,
                progress=progress,
            )
        except Refused as refusal:
            if isinstance(refusal.__cause__, BundleError):
                self._model.fail(refusal, Fault.MODEL)
            else:
                logger.info("camera %d: %s", self.pk, refusal)
        except LeftError:
            return None
        except RemuxError as error:
            logger.info("camera %d: %s", self.pk, error)
        except (ScorerDiedError, TooSlowError) as error:
            self._deaths += 1
            logger.warning("scoring camera %d ended: %s", self.pk, error)
            if self._deaths >= DEATHS:
                self._deaths = 0
                self._model.fail(error, Fault.BROKEN)
        else:
            self._deaths = 0
            return found
        return None

    @property
    def _has_anybody(self) -> bool:
        return self._people is not None and self._people.anybody

    def _take(self, scored: Scored) -> None:
        outcome, card = scored.outcome, self._model.card
        self._count(scored)
        if outcome.prediction is not None and card is not None:
            self._yardstick = Yardstick(
                model=self._model.name,
                model_sha256=outcome.model_sha256,
                detector_sha256=outcome.detector_sha256,
                threshold=outcome.prediction.threshold,
                view=outcome.view,
            )
        if self._people is None and card is not None:
            self._people = People(
                best=card.best_windows,
                thresholds=self._thresholds or thresholds.of_model(card),
                zones=self.feed.ignored_zones,
            )
        if self._people is not None:
            self._follow_measure(self._people)
            self._write_events(self._people.look(scored))
            self._write_scores(self._people.take_over())
            self._score_now = self._people.score

    def _count(self, scored: Scored) -> None:
        """How much of the stretch was scored for the first time."""
        begin = max(self._scored_until, scored.start + scored.span.start)
        self.tally.seconds_scored += max(0.0, scored.until - begin)
        self._scored_until = scored.until
        outcome, beside = scored.outcome, self._model.beside
        self.weights = Weights(
            model=self._model.name,
            model_sha256=outcome.model_sha256,
            detector_sha256=outcome.detector_sha256,
        )
        self.shadows = tuple(
            replace(self.weights, model=beside[head], model_sha256=head) for head in outcome.shadows
        )

    def _follow_measure(self, people: People) -> None:
        """Another measure of the camera holds for what opens from now on."""
        now, yardstick = time.monotonic(), self._yardstick
        if yardstick is None or now < self._thresholds_at:
            return
        try:
            found = thresholds.of_camera(
                self.pk,
                model_sha256=yardstick.model_sha256,
                detector_sha256=yardstick.detector_sha256,
                card_threshold=yardstick.threshold,
            )
        except DatabaseError:
            logger.warning("camera %d keeps the thresholds it has", self.pk, exc_info=True)
            return
        self._thresholds_at = now + MEASURE_EVERY
        self._thresholds = people.thresholds = found

    # Events

    def _write_events(self, happenings: Sequence[Happening]) -> None:
        """What can't be written just now is written next time, maybe in another stretch."""
        pending = dict.fromkeys(happenings, (self._stretch, self._began)) | self._unwritten
        self._unwritten = {}
        for each, (stretch, began) in pending.items():
            try:
                self._write_event(each, stretch, began)
            except CameraGoneError:
                self.is_gone = True
            except (DatabaseError, OSError):
                logger.warning("an event of camera %d waits", self.pk, exc_info=True)
                self._unwritten[each] = stretch, began

    def _write_event(self, happening: Happening, stretch: int, began: datetime) -> None:
        if self._yardstick is None:
            return
        told = Told(
            camera=self.pk,
            hint=happening.hint,
            until=happening.until,
            began=began,
            yardstick=self._yardstick,
            judged_by=happening.judged_by,
        )
        known = self._known.get(happening)
        was_hint = known is not None and known.event.is_hint
        if known is None:
            event = live_events.open_one(told)
            happening.row = event.pk
            known = self._known[happening] = _Known(event, happening.hint, happening.until)
        elif (known.hint, known.until) != (happening.hint, happening.until):
            is_better = known.hint.score != happening.hint.score
            live_events.update(known.event, told, is_better=is_better)
            known.hint, known.until = happening.hint, happening.until
        self.tally.events += told.is_hint and not was_hint  # not of what is uncertain
        if happening.closing is not None:
            live_events.close(known.event, told, happening.closing)
            del self._known[happening]
            self._want(known.event, told, stretch)

    def _write_scores(self, ended: Sequence[Candidate]) -> None:
        """Those of events once these are written; what can't be written waits."""
        pending = [*self._scores, *((each, self._began) for each in ended)][-MOST_SCORES:]
        waiting = [each for each in pending if each[0].happening in self._unwritten]
        ready = [each for each in pending if each not in waiting]
        self._scores = waiting
        if self._yardstick is None:
            return
        for began in dict.fromkeys(began for _, began in ready):
            of_stretch = [each for each, since in ready if since == began]
            found = [_as_kept(each, self.shadows) for each in of_stretch]
            try:
                candidate_scores.record_live(self.pk, self._yardstick, found, began=began)
            except DatabaseError:
                logger.warning("scores of camera %d wait", self.pk, exc_info=True)
                self._scores += [(each, began) for each in of_stretch]

    def _want(self, event: LiveEvent, told: Told, stretch: int) -> None:
        post_roll = timedelta(seconds=self.feed.post_roll)
        wanted = Wanted(
            event=event,
            told=told,
            begin=told.at(told.hint.candidate.start) - timedelta(seconds=self.feed.pre_roll),
            end=told.at(max(told.until, told.hint.candidate.end)) + post_roll,
            stretch=stretch if self._readers.has_one_stream else None,
            give_up_waiting=time.monotonic() + self.feed.post_roll + WAIT_FOR_POST_ROLL,
        )
        with self._lock:
            self._wanted.append(wanted)

    # Clips, in a thread of their own

    @property
    def wants_clips(self) -> bool:
        return bool(self._wanted)

    def cut_clips(self, *, at_once: bool = False) -> None:
        """Of events whose end is there; or of all, with what is there.

        Where the database is busy or away, which is raised, they are still wanted.
        """
        ring = self._readers.recorded.ring
        there = cutting.newest_of(ring)
        now = time.monotonic()
        with self._lock:
            due = [
                each
                for each in self._wanted
                if at_once
                or now > each.give_up_waiting
                or (there is not None and there[1] >= each.end)
            ]
            self._wanted = [each for each in self._wanted if each not in due]
        while due:
            each = due.pop(0)
            try:
                cutting.keep_event(ring, each, self.feed.camera)
            except BaseException as error:
                again = isinstance(error, OperationalError | InterfaceError)
                with self._lock:
                    self._wanted += [each] * again + due
                raise

    def keep_samples(self) -> None:
        """In the thread that sends to the storage, which may take its time."""
        now = time.monotonic()
        if now < self._samples_at:
            return
        self._samples_at = now + SAMPLES_EVERY
        ring = self._readers.recorded.ring
        there = cutting.newest_of(ring)
        for moment in live_samples.due(self.feed, *there) if there else ():
            if moment not in self._tried:
                self._tried.add(moment)
                cutting.keep_sample(ring, moment, self.feed.camera, model=self.feed.model)

    # How it fares

    def report(self, *, disk_is_low: bool) -> Report:
        read = self._readers.scored.state
        state, fault = read.state, read.fault
        if state == FeedState.ONLINE and self._model.fault is not None:
            state, fault = FeedState.FAULTY, self._model.fault
        if state == FeedState.ONLINE and disk_is_low:
            state, fault = FeedState.FAULTY, Fault.DISK
        is_scored = self._people is not None and read.state == FeedState.ONLINE
        score = self._score_now if is_scored else None
        ago = None if read.last_picture is None else time.monotonic() - read.last_picture
        return Report(
            state=state,
            fault=fault,
            codec=read.facts.codec if read.facts else "",
            width=read.facts.width if read.facts else None,
            height=read.facts.height if read.facts else None,
            frame_rate=None if read.frame_rate is None else float(round(read.frame_rate)),
            stride=round(self._stride, 1) if self._stride is not None and is_scored else None,
            score=None if score is None else round(score, 2),
            last_picture_at=None
            if ago is None
            else datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=int(ago)),
        )

    def account(self, report: Report, seconds: float) -> None:
        """Adds so many seconds of this state to the hour's figures.

        There are pictures, whatever keeps them from being scored or clips from being kept.
        """
        if self._readers.scored.state.state == FeedState.ONLINE:
            self.tally.seconds_online += seconds
        elif report.fault is not None:
            of_it = self.tally.seconds_faulty
            of_it[report.fault] = of_it.get(report.fault, 0.0) + seconds
        reconnects = self._readers.scored.state.reconnects
        self.tally.reconnects += reconnects - self._reconnects
        self._reconnects = reconnects

    def take_tally(self) -> Tally:
        """And begins another one."""
        taken, self.tally = self.tally, Tally()
        return taken

    def _show(self, scored: Scored) -> None:
        """Boxes are those of who was followed in this stride."""
        card, people, sample = self._model.card, self._people, scored.outcome.sample
        if card is None or people is None or not sample.previews:
            return
        moments = [time + scored.start for time in sample.times]
        pictures.show(
            self.pk,
            Shown(
                previews=sample.previews,
                times=tuple(self._began + timedelta(seconds=each) for each in moments),
                tracks=tuple(
                    ShownTrack(
                        boxes=tuple(view.track.at(each) for each in moments),
                        score=view.score,
                        is_hint=view.is_hint,
                    )
                    for view in people.views
                ),
                score=self._score_now,
                threshold=people.thresholds.high,
                is_hint=any(each.is_hint for each in self._known),
                store=self.feed.camera.store.name,
                camera=self.feed.camera.name,
                time_zone=self.feed.camera.store.time_zone,
                words="" if self._stride is None else f"Looks every {self._stride:.1f} s",
            ),
        )


def _as_kept(candidate: Candidate, shadows: Sequence[Weights]) -> LiveCandidate:
    return LiveCandidate(
        start=candidate.start,
        end=candidate.end,
        score=candidate.score,
        height=candidate.height,
        clothing=candidate.clothing,
        light=candidate.light,
        live_event=candidate.happening.row if candidate.happening else None,
        others=tuple(zip(shadows, candidate.others, strict=False)),  # where there are any
    )
