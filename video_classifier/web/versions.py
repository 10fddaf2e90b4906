"""What the pages of a store's versions of a model say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from video_classifier.models import Activation, Improvement, ModelVersion, Store
from video_classifier.models.versions import MOST_WHY
from video_classifier.services import catalog, comparisons, improvements, versions
from video_classifier.services.comparisons import Comparison, Paired
from video_classifier.services.errors import Refused
from video_classifier.services.improvements import Material
from video_classifier.states import Status, VersionState

MOST = 50  # rows of each list
ONE_PERSON = "All of it was answered by one person: nobody knows if others would agree."
NO_KAPPA = (
    "How far people agree isn't known: no two of them answered an event, or all said the same."
)

# What an interval takes for independent.
_DAYS = ("day of a camera or recording", "days of cameras or recordings")
_PEOPLE = ("person or camera", "people or cameras")


class WhyForm(forms.Form):
    """Of who activates a version."""

    why = forms.CharField(
        label="Why",
        required=False,
        max_length=MOST_WHY,
        help_text=(
            "Needed where the rule doesn't let it take over. Don't name anybody who was seen."
        ),
        error_messages={"max_length": versions.LONG_WHY},
        widget=forms.Textarea({"rows": 2}),
    )


class BackForm(forms.Form):
    """Of who goes back, which takes no reason: one click is enough."""

    why = forms.CharField(
        label="Why, if you like",
        required=False,
        max_length=MOST_WHY,
        help_text="It is kept with the decision. Don't name anybody who was seen.",
        widget=forms.Textarea({"rows": 2}),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What the store uses of a model, and the decision that says so."""

    model: str
    name: str
    seen: int  # the key of the newest decision; 0 for none
    before: str  # what going back leads to; "" where the model is in use as it ships
    back_form: BackForm


def learning_models() -> list[str]:
    """Those whose heads can be changed, the usual one first."""
    found = []
    for name in catalog.names():
        try:
            improvements.refuse_if_it_can_not_learn(name)
        except Refused:
            continue
        found.append(name)
    usual = catalog.default_name()
    return sorted(found, key=lambda name: (name != usual, name))


def used(store: Store) -> list[Used]:
    """Of each model with versions."""
    models = ModelVersion.objects.filter(store=store).order_by("model").values_list("model")
    return [_used(store, model) for (model,) in models.distinct()]


def _used(store: Store, model: str) -> Used:
    newest = versions.history(store.pk, model).first()
    way = versions.way_back(store.pk, model)
    return Used(
        model=model,
        name=versions.name_in_use(store.pk, model),
        seen=newest.pk if newest else 0,
        before=(way[0].name if way[0] else model) if way else "",
        back_form=BackForm(auto_id=f"id_%s_{model}"),
    )


def newest_decision(version: ModelVersion) -> int:
    return _used(version.store, version.model).seen


def newest_improvement(store: Store) -> Improvement | None:
    return Improvement.objects.filter(store=store).select_related("made").first()


def is_under_way(improvement: Improvement | None) -> bool:
    return improvement is not None and improvement.status in {Status.QUEUED, Status.RUNNING}


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"


def material_in_words(material: Material) -> list[str]:
    """Sentences, the last ones on what isn't known."""
    found = [
        f"{material.thefts} confirmed events and {material.false_alarms} false alarms that people "
        f"agree on, of {_many(material.cameras, 'camera')}, answered by "
        f"{_many(material.reviewers, 'person', 'people')}."
    ]
    if material.first and material.last:
        found.append(f"From {material.first:%Y-%m-%d} to {material.last:%Y-%m-%d}.")
    if material.reviewers == 1:
        found.append(ONE_PERSON)
    elif material.kappa is None:
        found.append(NO_KAPPA)
    else:
        kappa = material.kappa
        found.append(
            f"They agree with a kappa of {kappa.value:.2f} ({kappa.low:.2f} to {kappa.high:.2f}); "
            "1 is perfect, 0 is chance."
        )
    return found


def rows(store: Store) -> Sequence[ModelVersion]:
    return list(ModelVersion.objects.filter(store=store).select_related("store")[:MOST])


def history(store: Store) -> Sequence[Activation]:
    every = Activation.objects.filter(store=store).select_related("version", "by")
    return list(every[:MOST])


def basis(version: ModelVersion) -> Iterator[tuple[str, str]]:
    """What it learned from and how it was tested, as its row keeps it."""
    card: dict[str, Any] = version.card
    if train := card.get("train"):
        yield "Learned from", _counts(train)
    if test := card.get("test"):
        also = f", and the camera “{test['camera']}”" if test.get("camera") else ""
        yield "Tested on", f"{_counts(test)}: the last {test['days']} days{also}"
    if cameras := card.get("cameras"):
        yield "Cameras", ", ".join(cameras)
    if days := card.get("days"):
        yield "Days", " to ".join(days)
    if "reviewers" in card:
        yield "People who answered", str(card["reviewers"])
        kappa = card.get("kappa")
        shown = "not known" if kappa is None else _interval(*kappa)
        yield "Kappa", shown
    yield from _chosen(card)
    for reason, count in card.get("left_out", {}).items():
        yield "Left out", f"{count}: {reason}"


def _chosen(card: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Of its scores; nothing of versions from before that was chosen for each."""
    if threshold := card.get("threshold"):
        value, why = threshold
        yield "Threshold", f"{value:.3f}. {why}"
    if confidence := card.get("confidence"):
        yield "Confidence", confidence


def _counts(counts: dict[str, int]) -> str:
    return f"{counts['thefts']} confirmed events, {counts['false_alarms']} false alarms"


def _interval(value: float, low: float, high: float) -> str:
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    what: str
    before: str
    after: str
    change: str


def figure_rows(found: Comparison) -> Iterator[FigureRow]:
    """Paired, each with its interval."""
    if pair := found.false_hints:
        yield FigureRow(
            what=f"Hints that may be false, in {found.days_in_words} camera-days",
            before=str(pair.before),
            after=str(pair.after),
            change=pair.change.sentence,
        )
    if pair := found.acts:
        yield _of_cases("Planted acts that were noticed", pair)
    for name, what, clusters in (
        ("thefts", "Confirmed events of its test that it notices", _DAYS),
        ("false_alarms", "False alarms of its test that it repeats", _DAYS),
        ("old_thefts", "Thefts that the model learned from, each without its person", _PEOPLE),
        ("old_false_alarms", "Ordinary clips that get a hint, each without its person", _PEOPLE),
    ):
        figure = found.version.card.get("figures", {}).get(name)
        if figure and found.version.card.get("in_use") == found.used:
            yield FigureRow(
                what=what,
                before=f"{figure['before']} of {figure['events']}",
                after=f"{figure['after']} of {figure['events']}",
                change=_share(figure["change"], _many(figure["recordings"], *clusters)),
            )


def _of_cases(what: str, pair: Paired) -> FigureRow:
    ends = pair.change
    return FigureRow(
        what=what,
        before=f"{pair.before} of {pair.of}",
        after=f"{pair.after} of {pair.of}",
        change=_share((ends.value, ends.low, ends.high), _many(ends.recordings, "act")),
    )


def _share(change: Sequence[float], of: str) -> str:
    """The change of a share, with the ends of its interval, and of how many that is."""
    value, low, high = change[0], max(change[1], -1.0), min(change[2], 1.0)
    return f"{value:+.0%} (95 %: {low:+.0%} to {high:+.0%}; {of})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """What may be done with a version just now."""

    shadow: str  # "start", "end", or "" for neither
    may_activate: bool
    stays: str  # why it can't be deleted, a sentence; "" if it can


def actions(version: ModelVersion) -> Actions:
    state = version.state
    starts = state in {VersionState.CANDIDATE, VersionState.RETIRED}
    ends = state == VersionState.SHADOW
    return Actions(
        shadow="start" if starts else "end" if ends else "",
        may_activate=state != VersionState.ACTIVE,
        stays=versions.why_it_stays(version),
    )


compare = comparisons.compare
