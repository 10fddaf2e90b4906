"""What the page of a camera's measure asks and says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import dateformat

from video_classifier.models import Camera, Measure, PlantedAct
from video_classifier.querysets import Visitor
from video_classifier.services import false_hints, measure_words, measures, planted_acts
from video_classifier.services.false_hints import Found
from video_classifier.services.measure_words import Words
from video_classifier.services.measures import Preview
from video_classifier.services.weights import Weights
from video_classifier.web.dashboard import percent
from video_classifier.web.tails import Tail, tail
from video_classifier.web.times import ClockTime, in_words

MOST_ACTS = 20  # that are listed
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(9000, 1, 1)  # beyond, clocks of stores don't count
WRONG_DAY = "Write the day as 2026-11-27."
WRONG_TIME = "Write day and time, such as 2026-11-27 14:03:20, by the clock of the store."

NOT_COMPARED = "Its scores are compared with those of a week once it is a week old."
COMPARED = "Compared with the scores of the week before {date}: {found}"
DRIFTED = (
    "The scores of the last week differ from those that were measured: something about the camera, "
    "the light or the shop has changed. Measure it anew, with footage from then on."
)
OTHER_SCENE = (
    "The camera's stream or its ignored zones were changed since it was measured. Measure it anew, "
    "with footage from then on."
)
WAITS = (
    "A measure of {date} waits: it is for “{model}”, by other weights than those that score this "
    "camera now. It holds again when they do."
)


def _number(label: str, help_text: str, problem: str, initial: float) -> forms.FloatField:
    return forms.FloatField(
        label=label,
        help_text=help_text,
        initial=initial,
        error_messages=dict.fromkeys(("required", "invalid"), problem),
        widget=forms.NumberInput({"step": "any", "min": "0", "inputmode": "decimal"}),
    )


def _day(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        error_messages={"invalid": WRONG_DAY},
        validators=[
            MinValueValidator(FIRST_DAY, WRONG_DAY),
            MaxValueValidator(LAST_DAY, WRONG_DAY),
        ],
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )


class BudgetForm(forms.Form):
    """What somebody finds bearable; services.measures has the last word."""

    budget = _number(
        "False hints a day that are bearable",
        "On average. 0.5 is one in two days.",
        measures.WRONG_BUDGET,
        measures.USUAL_BUDGET,
    )
    thefts = _number(
        "Cases of shoplifting a day",
        "That may be hidden in the footage: so many of the highest scores a day don't count as "
        "false. If in doubt: 1.",
        measures.WRONG_THEFTS,
        measures.USUAL_THEFTS,
    )
    first = _day("Footage from (optional)")
    last = _day("… to (optional)")

    def wish(self, zone: ZoneInfo) -> dict[str, Any]:
        """Of a form that is valid; days are by the clock of the store, the last one included."""
        sent = self.cleaned_data
        days = measures.between(sent["first"], sent["last"], zone)
        return {"budget": sent["budget"], "thefts": sent["thefts"]} | days


class ActForm(forms.Form):
    """An act for a test; services.planted_acts has the last word."""

    at = forms.DateTimeField(
        label="When it began",
        help_text="By the clock of the store.",
        error_messages=dict.fromkeys(("required", "invalid"), WRONG_TIME),
        widget=forms.DateTimeInput(
            {"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"
        ),
    )
    seconds = forms.FloatField(
        label="Seconds it took",
        initial=planted_acts.USUAL,
        error_messages=dict.fromkeys(("required", "invalid"), planted_acts.WRONG_LENGTH),
        widget=forms.NumberInput({"step": "any", "min": "1", "inputmode": "decimal"}),
    )
    note = forms.CharField(
        label="What was acted (optional)",
        required=False,
        help_text="No names.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewView:
    """What a budget would come to."""

    preview: Preview
    words: Words | None

    @classmethod
    def of(cls, preview: Preview) -> PreviewView:
        return cls(preview=preview, words=measure_words.of_preview(preview))

    @property
    def basis(self) -> str:
        """Where nothing can be promised."""
        return "" if self.words else measure_words.basis_of(self.preview)

    @property
    def tail(self) -> Tail | None:
        footage, found = self.preview.footage, self.preview.thresholds
        if footage is None or found is None:
            return None
        return tail(footage.scores, footage.days, low=found.low, high=found.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """A measure in the list of all."""

    measure: Measure
    zone: ZoneInfo

    @property
    def made(self) -> str:
        return _when(self.measure.made_at, self.zone)

    @property
    def thresholds(self) -> str:
        measure = self.measure
        high = measure_words.score(measure.high)
        if measure.low == measure.high:
            return f"Hint from {high}"
        return f"Hint from {high}, uncertain from {measure_words.score(measure.low)}"

    @property
    def rests_on(self) -> str:
        return f"{measures.in_hours(self.measure.seconds)}, {self.measure.recordings:,} recordings"

    @property
    def end(self) -> str:
        measure = self.measure
        if measure.ended_at is None:
            return "In force"
        who = f" ({measure.ended_by.get_username()})" if measure.ended_by else ""
        return f"{measure.get_end_display()}, {_when(measure.ended_at, self.zone)}{who}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRow:
    act: PlantedAct
    zone: ZoneInfo

    @property
    def at(self) -> ClockTime:
        return ClockTime(at=self.act.started_at.astimezone(self.zone))

    @property
    def length(self) -> str:
        return in_words((self.act.ended_at - self.act.started_at).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What holds for a camera just now."""

    measure: Measure | None
    words: Words | None
    weights: Weights | None  # that score the camera now
    again: Sequence[str]  # why it should be measured anew
    made: str = ""
    by: str = ""
    compared: str = ""  # what the weekly look at its scores found, or that it can't say

    @property
    def short(self) -> str:
        """For other pages."""
        if self.measure is None:
            return measure_words.UNTIL_MEASURED
        return f"Measured {self.made}. {self.words.promise if self.words else ''}".rstrip()


def standing(camera: Camera) -> Standing:
    """Asks for what is in force, and for what waits."""
    held, zone = measures.held(camera), ZoneInfo(camera.store.time_zone)
    measure = held.in_force
    again = [
        WAITS.format(date=_when(each.made_at, zone), model=each.model) for each in held.waiting
    ]
    if measure is None:
        return Standing(measure=None, words=None, weights=held.weights, again=again)
    if measures.has_other_scene(measure):
        again.insert(0, OTHER_SCENE)
    if measure.drift.get("has_drifted"):
        again.insert(0, DRIFTED)
    return Standing(
        measure=measure,
        words=measure_words.of_measure(measure),
        weights=held.weights,
        again=again,
        made=_when(measure.made_at, zone),
        by=measure.made_by.get_username() if measure.made_by else "",
        compared=_compared(measure, zone),
    )


def _compared(measure: Measure, zone: ZoneInfo) -> str:
    """That nothing was found says something only if enough was looked at."""
    if measure.checked_at is None:
        return NOT_COMPARED
    found = measure_words.drift_of(measure)
    return COMPARED.format(date=_when(measure.checked_at, zone), found=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """False hints and acts for a test, in words; "" of what isn't known."""

    found: Found | None

    @classmethod
    def of(cls, camera: Camera, weights: Weights | None, *, now: datetime) -> Seen:
        if weights is None:
            return cls(found=None)
        return cls(found=false_hints.of_camera(camera, weights, now=now))

    @property
    def days(self) -> int:
        return false_hints.LOOKED_BACK.days

    @property
    def rate(self) -> str:
        """From those that people call false to all that may be."""
        hints = self.found.hints if self.found else None
        if hints is None or hints.rate is None or hints.most_rate is None:
            return ""
        return hints.rate.up_to(hints.most_rate) if hints.open else hints.rate.sentence

    @property
    def basis(self) -> str:
        if self.found is None:
            return ""
        hints = self.found.hints
        of = measure_words.of_recordings(hints.recordings)
        return f"{measures.in_hours(hints.seconds)} in {of}"

    @property
    def most(self) -> str:
        """Why the rate isn't known better."""
        if self.found is None or not self.found.hints.open:
            return ""
        waiting = self.found.hints.open
        hints = "1 hint has" if waiting == 1 else f"{waiting:,} hints have"
        them = "it" if waiting == 1 else "them"
        return f"{hints} no clear answer yet: the higher figures take {them} for false"

    @property
    def recall(self) -> str:
        recall = self.found.planted.recall if self.found else None
        return f"{recall.count:,} of {recall.of:,}: {percent(recall)}" if recall else ""

    @property
    def recall_more(self) -> str:
        if self.found is None:
            return ""
        planted, parts = self.found.planted, []
        if planted.as_uncertain:
            parts.append(f"{planted.as_uncertain:,} more were uncertain")
        if planted.not_scored:
            parts.append(f"{planted.not_scored:,} lie in time that was not scored")
        return "; ".join(parts)

    @property
    def most_recall(self) -> str:
        """What people declared missed, as an upper bound."""
        bound = self.found.most_recall if self.found else None
        if self.found is None or bound is None:
            return ""
        stretches = "1 stretch" if self.found.misses == 1 else f"{self.found.misses:,} stretches"
        return (
            f"People marked {stretches} as missed, beside {bound.count:,} confirmed hints: at most "
            f"{100 * bound.value:.0f} % were noticed, and fewer if nobody saw the others."
        )


def history(camera: Camera) -> list[HistoryRow]:
    zone = ZoneInfo(camera.store.time_zone)
    found = camera.measures.select_related("ended_by")
    return [HistoryRow(measure=each, zone=zone) for each in found[:50]]


def acts(camera: Camera) -> list[ActRow]:
    zone = ZoneInfo(camera.store.time_zone)
    return [ActRow(act=each, zone=zone) for each in camera.planted_acts.all()[:MOST_ACTS]]


def measured_at(cameras: Sequence[int], user: Visitor) -> dict[tuple[int, str], datetime]:
    """When those in force were made, by camera and model."""
    found = Measure.objects.visible_to(user).in_force().filter(camera__in=cameras)
    return {
        (camera, model): at
        for camera, model, at in found.order_by("made_at").values_list("camera", "model", "made_at")
    }


def _when(moment: datetime, zone: ZoneInfo) -> str:
    return dateformat.format(moment.astimezone(zone), "j M Y, H:i")
