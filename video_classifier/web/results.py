"""Presenters of an analysis: the texts and states that templates lay out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from video_classifier.models import Analysis, HeatMap
from video_classifier.services import confidence as confidences
from video_classifier.services.catalog import Card
from video_classifier.services.progress import Progress
from video_classifier.states import Prediction, Stage, Status, ThresholdOrigin

MOST_DIGITS = 4
JUST = 0.25  # of the way from the threshold to the end of its side
CLEARLY = 0.75
LEANING = 0.5  # a score from here on is nearer to shoplifting
MINUTE = 60.0  # seconds
MATTERS = 0.1  # so much a score has to fall for a part of a picture to have mattered

CHECK_THE_CLIP = "This is only a hint. Watch the clip before you act on it."
LEANS = (
    "Not enough for a hint: the score leans towards shoplifting, but stays below the threshold, "
    "which keeps false alarms rare."
)
BETWEEN = (
    "Not enough for a hint, and too much for none: by this camera's own thresholds the score is "
    "between both. Nobody was alerted. Watch the clip."
)
LOOK = "a person should look"
TOO_LOW = "The score is too low for a hint."

_ICONS: dict[str, str] = {
    Prediction.HINT: "eye",
    Prediction.UNCERTAIN: "question-diamond",
    Prediction.NO_RESULT: "slash-circle",
    Status.FAILED: "x-octagon",
    Status.CANCELLED: "slash-circle",
    Status.RUNNING: "hourglass-split",
    Status.QUEUED: "hourglass",
    Status.PAUSED: "pause-circle",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreReading:
    """A score, and the threshold from which on it is a hint."""

    score: float
    threshold: float
    low: float | None = None  # from here to the threshold: uncertain

    @property
    def tone(self) -> Prediction:
        if self.is_hint:
            return Prediction.HINT
        is_uncertain = self.low is not None and self.score >= self.low
        return Prediction.UNCERTAIN if is_uncertain else Prediction.NO_HINT

    @property
    def is_hint(self) -> bool:
        return self.score >= self.threshold

    @property
    def digits(self) -> str:
        """As many as show on which side of the threshold the score is."""
        enough = (
            digits
            for digits in range(2, MOST_DIGITS)
            if f"{self.score:.{digits}f}" != f"{self.threshold:.{digits}f}"
            or self.score == self.threshold
        )
        return f"{self.score:.{next(enough, MOST_DIGITS)}f}"

    @property
    def distance(self) -> str:
        """How far the score is from the threshold, on the way to the end of its side."""
        side = "above" if self.is_hint else "below"
        room = 1 - self.threshold if self.is_hint else self.threshold
        way = abs(self.score - self.threshold) / room if room else 1
        adverb = "Just " if way < JUST else "Clearly " if way >= CLEARLY else ""
        words = f"{adverb}{side} the threshold for a hint.".capitalize()
        return f"Uncertain. {words}" if self.tone == Prediction.UNCERTAIN else words


def reading(
    score: float | None, threshold: float | None, low: float | None = None
) -> ScoreReading | None:
    if score is None or threshold is None:
        return None
    return ScoreReading(score=score, threshold=threshold, low=low)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceText:
    """How often a prediction like this was right; `value` and `ends` are empty if nobody knows."""

    value: str  # "70%"
    ends: str  # of its interval: "41 to 79"
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSummary:
    """What an analysis came to, or how far it has got."""

    analysis: Analysis

    @property
    def state(self) -> str:
        """The prediction; without one, the status."""
        return self.analysis.prediction or self.analysis.status

    @property
    def label(self) -> str:
        analysis = self.analysis
        if analysis.prediction:
            return analysis.get_prediction_display()
        stage = analysis.get_stage_display() if analysis.status == Status.RUNNING else ""
        return stage or analysis.get_status_display()

    @property
    def icon(self) -> str:
        """The icon's name, or "" for an ordinary state, which has none."""
        return _ICONS.get(self.state, "")

    @property
    def request(self) -> str:
        """What is asked of people beside the label; "" where it says that itself."""
        return LOOK if self.analysis.prediction == Prediction.UNCERTAIN else ""

    @property
    def heading(self) -> str:
        return f"{self.label}: {self.request}" if self.request else self.label

    @property
    def reading(self) -> ScoreReading | None:
        return reading(self.analysis.score, self.analysis.threshold, self.analysis.low)

    @property
    def meaning(self) -> str:
        """What a prediction with a score means, in a sentence."""
        if self.analysis.prediction == Prediction.HINT:
            return CHECK_THE_CLIP
        if self.analysis.prediction == Prediction.UNCERTAIN:
            return BETWEEN
        return LEANS if (self.analysis.score or 0) >= LEANING else TOO_LOW

    @property
    def confidence(self) -> ConfidenceText:
        share = confidences.of(self.analysis)
        if share is None:
            return ConfidenceText(value="", ends="", sentence=self._why_no_confidence())
        hint = self.analysis.prediction == Prediction.HINT
        return ConfidenceText(
            value=f"{share.value:.0%}",
            ends=f"{100 * share.low:.0f} to {100 * share.high:.0f}",
            sentence=confidences.sentence(share, hint=hint),
        )

    def _why_no_confidence(self) -> str:
        if self.analysis.score is None:
            return "There is no result."
        if confidences.is_live(self.analysis):
            return (
                "Not known: it was measured on clips as a whole, and this is the score of the best "
                "moment of what a camera saw."
            )
        if self.analysis.threshold_origin == ThresholdOrigin.CAMERA:
            return (
                "Not known: it was measured with the model's own threshold, and here those of the "
                "camera decided."
            )
        if confidences.card_of(self.analysis) is None:
            return "Not known: the model that gave this score is no longer here."
        return "Not known: it was not measured for this model."

    @property
    def time_taken(self) -> str:
        """Of each stage that there was: "1.20 s reading, 0.40 s classifying"."""
        analysis = self.analysis
        stages = {
            "reading": analysis.seconds_reading,
            "looking for people": analysis.seconds_finding or None,
            "classifying": analysis.seconds_classifying,
        }
        return ", ".join(
            f"{seconds:.2f} s {words}" for words, seconds in stages.items() if seconds is not None
        )

    @property
    def film_title(self) -> str:
        """The heading of the frames; a model of people looked at parts of them only."""
        of_people = self.analysis.decided_by or self.analysis.prediction == Prediction.NO_RESULT
        return "The whole picture" if of_people else "What the model looked at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One of the steps to a result."""

    label: str
    is_passed: bool = False
    is_current: bool = False
    note: str = ""  # beside the label
    announcement: str = ""  # once it has become the current one


def steps(analysis: Analysis, *, place: int, finds_people: bool) -> list[Step]:
    """All of an unfinished analysis; `place` is the one in the queue, 1 is next."""
    queued = analysis.status == Status.QUEUED
    now = Status.QUEUED if queued else analysis.stage or Stage.READING
    labels: dict[str, str] = {Status.QUEUED: "Waiting", Stage.READING: "Reading the clip"}
    if finds_people or now == Stage.FINDING:
        labels[Stage.FINDING] = "Looking for people"
    labels[Stage.CLASSIFYING] = "Classifying"
    return [*_steps(labels, now, place), Step(label="Done")]


def _steps(labels: dict[str, str], now: str, place: int) -> Iterator[Step]:
    at = list(labels).index(now)
    for number, (state, label) in enumerate(labels.items()):
        is_current = number == at
        waits = is_current and state == Status.QUEUED
        where = f"place {place} in the queue" if waits else ""
        yield Step(
            label=label,
            is_passed=number < at,
            is_current=is_current,
            note="next in the queue" if waits and place <= 1 else where,
            announcement=f"{label}, {where}" if waits else label if is_current else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressPanel:
    """How far an unfinished analysis has got, and what can be done with it."""

    analysis: Analysis
    progress: Progress
    place: int  # in the queue, 1 is next; 0: it doesn't wait

    @property
    def is_long(self) -> bool:
        """Whether it is of several segments, each of which goes through all steps."""
        return self.progress.segments > 1

    @property
    def is_paused(self) -> bool:
        return self.analysis.status == Status.PAUSED

    @property
    def can_be_paused(self) -> bool:
        return not self.is_paused and self.progress.waiting > 0

    @property
    def goes_on(self) -> bool:
        """Whether, though it is paused, a run of it has not come to its end yet."""
        left = self.progress.segments - self.progress.segments_done
        return self.is_paused and self.progress.paused < left

    @property
    def share(self) -> float:
        whole = self.progress.whole_seconds
        return self.progress.done_seconds / whole if whole else 0.0

    @property
    def minutes(self) -> str:
        """ "12 of 60 minutes"."""
        whole = max(round(self.progress.whole_seconds / MINUTE), 1)
        done = min(int(self.progress.done_seconds / MINUTE), whole)
        return f"{done} of {whole} minute{'' if whole == 1 else 's'}"

    @property
    def time_left(self) -> str:
        """In words; "" while nobody can know."""
        seconds = self.progress.seconds_left
        if seconds is None:
            return ""
        if seconds < MINUTE:
            return "less than a minute left"
        hours, minutes = divmod(round(seconds / MINUTE), 60)
        if hours:
            return f"about {hours} h {minutes} min left"
        return f"about {minutes} minute{'' if minutes == 1 else 's'} left"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMapPanel:
    """Which part of the pictures mattered: a button to ask, the way there, or the answer."""

    analysis: Analysis
    moments: Sequence[float]  # of the pictures that the score comes from, in seconds
    can_be_asked: bool  # whether the model that gave the score is still there

    @property
    def heat_map(self) -> HeatMap | None:
        return getattr(self.analysis, "heat_map", None)

    @property
    def has_something(self) -> bool:
        """Whether there is something to show, or to ask for."""
        return self.heat_map is not None or self.can_be_asked

    @property
    def is_awaited(self) -> bool:
        return self.heat_map is not None and not self.heat_map.is_finished

    @property
    def is_drawn(self) -> bool:
        return self.heat_map is not None and self.heat_map.status == Status.DONE

    @property
    def something_mattered(self) -> bool:
        return self.is_drawn and self.largest_drop >= MATTERS

    @property
    def largest_drop(self) -> float:
        """How far the score falls with the part hidden that matters most."""
        return largest_drop(self.heat_map.drops) if self.heat_map else 0.0

    @property
    def strongest_region(self) -> str:
        return strongest_region(self.heat_map.drops) if self.heat_map else ""

    @property
    def error(self) -> str:
        return self.heat_map.error if self.heat_map else ""

    @property
    def pictures_show(self) -> str:
        """For those who can't see them: a track, or frames."""
        number = self.analysis.decided_by
        return f"Track {number}" if number else "Frame"


def largest_drop(drops: Sequence[Sequence[float]]) -> float:
    return max(max(row) for row in drops)


def strongest_region(drops: Sequence[Sequence[float]]) -> str:
    """Where hiding a part lowers the score most, in words: "top left", "middle"."""
    most = largest_drop(drops)
    row = next(number for number, row in enumerate(drops) if most in row)
    high = ("top", "middle", "bottom")[3 * row // len(drops)]
    side = ("left", "", "right")[3 * list(drops[row]).index(most) // len(drops[row])]
    return f"{high} {side}".strip()


def model_problem(analysis: Analysis, *, card: Card | None, measured: Card | None) -> str:
    """Why the figures of the model that scored can't be shown, in a sentence; "" if they can."""
    if card is None:
        return (
            f"The model “{analysis.model}” is no longer here, so its figures "
            "can\N{RIGHT SINGLE QUOTATION MARK}t be shown."
        )
    if measured is None:
        return (
            f"The model “{analysis.model}” has been replaced since. Analyze the clip again to see "
            "what the new one makes of it."
        )
    return ""
