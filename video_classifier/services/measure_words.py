"""What a measure promises and rests on, in sentences for pages and commands."""

from __future__ import annotations

from dataclasses import dataclass

from video_classifier.ml.measures.camera import CameraThresholds
from video_classifier.ml.measures.drift import Drift
from video_classifier.models import Measure
from video_classifier.services import measures
from video_classifier.services.measures import Preview, in_hours
from video_classifier.services.scored_footage import DAY

UNTIL_MEASURED = (
    "Until it is measured, the promise is the model's: it was tested on other cameras, and scores "
    "of different cameras can't be compared."
)
FEW_RECORDINGS = 10  # below which the days to come may be quite other ones: docs/adaptation.md
OF_FEW = "So few recordings say little of other days: there may be far more hints, or none."
NO_SCORES = "There were none, so that nobody knows whether they have changed."
ON_OTHERS = (  # docs/adaptation.md: a camera that training hasn't seen
    "It was filmed by other cameras, which the model knew from its training: expect fewer here."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Sentences; "" of what there is nothing to say of."""

    thresholds: str
    promise: str
    measured: str
    basis: str
    noticed: str
    uncertain: str

    @property
    def all(self) -> list[str]:
        found = (self.thresholds, self.promise, self.measured, self.basis)
        return [each for each in (*found, self.noticed, self.uncertain) if each]


def of_measure(measure: Measure) -> Words:
    figures = measure.figures
    return _words(
        measures.thresholds_of(measure),
        thefts=measure.thefts,
        card_threshold=figures.get("card_threshold"),
        basis=_basis(
            measure.seconds,
            measure.day_seconds,
            measure.recordings,
            measure.candidates,
            (figures.get("confirmed", 0), figures.get("planted", 0)),
        ),
    )


def of_preview(preview: Preview) -> Words | None:
    """None if nothing can be promised: `preview.problem` says why."""
    footage = preview.footage
    if preview.thresholds is None or footage is None:
        return None
    return _words(
        preview.thresholds,
        thefts=preview.thefts,
        card_threshold=preview.card_threshold,
        basis=basis_of(preview),
    )


def basis_of(preview: Preview) -> str:
    """How much was scored; "" of nothing."""
    footage = preview.footage
    if footage is None or not footage.seconds:
        return ""
    return _basis(
        footage.seconds,
        footage.day_seconds,
        footage.recordings,
        len(footage.scores),
        (footage.confirmed, footage.planted),
    )


def drift_of(measure: Measure) -> str:
    """What the last look at the scores of a week found."""
    return Drift(**measure.drift).sentence if measure.drift else NO_SCORES


def of_recordings(number: int) -> str:
    if number == 1:
        return "1 recording or live hour"
    return f"{number:,} recordings and live hours"


def score(value: float) -> str:
    """Two digits; more where that would be 1.00."""
    return f"{value:.2f}" if value < 0.995 else f"{value:.4f}"  # noqa: PLR2004


def _words(
    found: CameraThresholds, *, thefts: float, card_threshold: float | None, basis: str
) -> Words:
    return Words(
        thresholds=_thresholds(found, card_threshold),
        promise=_promise(found, thefts),
        measured=f"Hints there would have been in this footage: {found.rate.sentence}.",
        basis=basis,
        noticed=_noticed(found),
        uncertain=_uncertain(found),
    )


def _promise(found: CameraThresholds, thefts: float) -> str:
    budget, most = found.promised
    promise = f"On average at most {budget:g} false {_hints(budget)} a day"
    if not thefts:
        return f"{promise}."
    # What a theft doesn't take of the highest scores is left to false hints.
    cases, verb = ("1 case", "is") if thefts == 1 else (f"{thefts:g} cases", "are")
    return (
        f"{promise} if {cases} of shoplifting a day {verb} among the highest scores of this "
        f"footage, and at most {most:g} if none is."
    )


def _thresholds(found: CameraThresholds, card_threshold: float | None) -> str:
    low, high = found.high_interval
    lines = [f"A hint from {score(found.high)} on (95 %: {score(low)} to {score(high)})"]
    if found.low < found.high:
        lines.append(f"uncertain from {score(found.low)} on")
    if card_threshold is not None:
        lines.append(f"the model's own threshold is {score(card_threshold)}")
    return "; ".join(lines) + "."


def _basis(
    seconds: float, day: float, recordings: int, candidates: int, left_out: tuple[int, int]
) -> str:
    of = "24 h" if day == DAY else in_hours(day)
    text = (
        f"This rests on {in_hours(seconds)} of this camera in {of_recordings(recordings)} "
        f"({_days(seconds / day)} of {of}), with {candidates:,} candidates."
    )
    if recordings < FEW_RECORDINGS:
        text += f" {OF_FEW}"
    confirmed, planted = left_out
    if confirmed:
        text += f" Left out, as people confirmed them: {confirmed:,}."
    if planted:
        text += f" Left out, as staff acted them for a test: {planted:,}."
    return text


def _noticed(found: CameraThresholds) -> str:
    share = found.noticed
    if share.value is None:
        return (
            "Which share of shoplifting it would notice isn't known: the model came without scores "
            "of people whom it had never seen."
        )
    return (
        "Of shoplifting in the model's test, by people whom it had never seen, it would notice "
        f"{share.sentence}. {ON_OTHERS}"
    )


def _uncertain(found: CameraThresholds) -> str:
    if found.low >= found.high:
        return "Nothing is called uncertain."
    text = (
        f"About {found.uncertain_a_day:.1f} candidates a day are uncertain: they go to the review "
        "queue, and nobody is alerted."
    )
    if found.uncertain_noticed.value is not None:
        text += f" In the model's test they were {found.uncertain_noticed.sentence}."
    return text


def _days(days: float) -> str:
    return f"{days:,.1f} days" if days >= 0.1 else f"{days:.2g} days"  # noqa: PLR2004


def _hints(number: float) -> str:
    return "hint" if number == 1 else "hints"
