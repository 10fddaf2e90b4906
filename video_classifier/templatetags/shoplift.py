"""Icons, and numbers in words, for the templates."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

from django import template
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString, mark_safe

from video_classifier.ml.contracts import View
from video_classifier.ml.serving.card import Card, Interval
from video_classifier.ml.serving.confidence import Share
from video_classifier.models import Analysis, Clip
from video_classifier.services import confidence as confidences
from video_classifier.states import Prediction
from video_classifier.web import constants, permissions
from video_classifier.web.stylesheet import address

register = template.Library()

NOT_KNOWN = "-"
MOST_DIGITS = 4
JUST = 0.25  # of the way from the threshold to the end of its side
CLEARLY = 0.75


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """A Bootstrap icon, inline, in the color of the text beside it."""
    svg = files("js_lib_bootstrap_icons") / "static" / "bootstrap-icons" / f"{name}.svg"
    drawing = svg.read_text(encoding="utf-8").replace("<svg ", '<svg aria-hidden="true" ', 1)
    return mark_safe(drawing)  # noqa: S308  (the package's own file)


@register.simple_tag
def stylesheet() -> str:
    """The address of the site's own styles."""
    return address()


@register.simple_tag
def constant(name: str) -> float | str:
    """One of web.constants."""
    value: float | str = getattr(constants, name)
    return value


class NameParts(NamedTuple):
    head: str  # may be cut; empty if the name is short
    ending: str


@register.filter
def name_parts(name: str) -> NameParts:
    """A clip's name, split if it is a long one."""
    ending = constants.CLIP_NAME_ENDING if len(name) > constants.CLIP_NAME_LONGEST else len(name)
    return NameParts(head=name[:-ending], ending=name[-ending:])


@register.simple_tag
def upload_limit() -> str:
    """What one request may bring, in words."""
    size = filesizeformat(settings.CLIP_MAX_BYTES)
    return f"{settings.CLIPS_PER_UPLOAD} clips of at most {size} each"


@register.filter
def percent(share: float | None) -> str:
    return NOT_KNOWN if share is None else f"{share:.0%}"


@register.filter
def beside(score: float, threshold: float) -> str:
    """A score in as many digits as show on which side of the threshold it is."""
    digits = range(2, MOST_DIGITS)
    plain = (d for d in digits if f"{score:.{d}f}" != f"{threshold:.{d}f}" or score == threshold)
    return f"{score:.{next(plain, MOST_DIGITS)}f}"


@register.filter
def unseen(card: Card) -> str:
    """How well a model does on people it has never seen, in a sentence."""
    recall, alarms = card.metrics.get("recall"), _false_alarms(card)
    if recall is None or recall.value is None or alarms is None:
        return "Not measured: how well it does on people it has never seen is not known."
    return (
        f"Notices about {_of_hundred(recall)} thefts{_from_to(recall)}; "
        f"{_of_hundred(alarms)} ordinary clips get a hint{_from_to(alarms)}."
    )


@register.filter
def looks_at(card: Card) -> str:
    """What a model looks at, in words."""
    return "Looks at each person" if card.spec.view is View.PERSON else "Looks at the whole picture"


@register.filter
def may_be_guessing(card: Card) -> bool:
    """Whether hints may be as frequent on ordinary clips as on thefts, or scores mean nothing."""
    recall, alarms, auc = card.metrics.get("recall"), _false_alarms(card), card.metrics.get("auc")
    overlaps = bool(
        recall
        and alarms
        and recall.low is not None
        and alarms.high is not None
        and recall.low <= alarms.high
    )
    return overlaps or bool(auc and auc.low is not None and auc.low <= 0.5)  # noqa: PLR2004


@register.filter
def misses(card: Card | None) -> str:
    """What a clip without a hint does not mean, in a sentence."""
    recall = card.metrics.get("recall") if card else None
    if recall is None or recall.value is None:
        return "The model can miss thefts."
    if recall.value < 0.5:  # noqa: PLR2004
        return "The model misses more than half of thefts."
    return f"The model misses about {100 * (1 - recall.value):.0f} of 100 thefts."


def _false_alarms(card: Card) -> Interval | None:
    """The share of ordinary clips that get a hint."""
    left_alone = card.metrics.get("specificity")
    if left_alone is None or left_alone.value is None:
        return None
    low, high = left_alone.low, left_alone.high
    return Interval(
        value=1 - left_alone.value,
        low=None if high is None else 1 - high,
        high=None if low is None else 1 - low,
    )


def _of_hundred(interval: Interval) -> str:
    return f"{100 * (interval.value or 0):.0f} of 100"


def _from_to(interval: Interval) -> str:
    if interval.low is None or interval.high is None:
        return ""
    return f" ({interval.low * 100:.0f} to {interval.high * 100:.0f})"


@register.filter
def confidence(analysis: Analysis) -> Share | None:
    """How often a prediction like this was right."""
    return confidences.of(analysis)


@register.filter
def ends(share: Share) -> str:
    """Of a share's interval: "41 to 79"."""
    return f"{100 * share.low:.0f} to {100 * share.high:.0f}"


@register.filter
def in_words(share: Share, analysis: Analysis) -> str:
    return confidences.sentence(share, hint=analysis.prediction == Prediction.HINT)


@register.filter
def why_no_confidence(analysis: Analysis) -> str:
    if analysis.score is None:
        return "There is no result."
    if confidences.card_of(analysis) is None:
        return "Not known: the model that gave this score is no longer here."
    return "Not known: it was not measured for this model."


@register.filter
def share(value: float) -> str:
    """Of the width of a drawing."""
    return f"{value:.1%}"


@register.filter
def clock(seconds: float | None) -> str:
    """A moment or a length in a clip: "0:06.2", "1:02:03.0"."""
    if seconds is None:
        return NOT_KNOWN
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


@register.filter
def distance(analysis: Analysis) -> str:
    """How far the score is from the threshold, on the way to the end of its side."""
    score, threshold = analysis.score, analysis.threshold
    if score is None or threshold is None:
        return ""
    side, room = ("above", 1 - threshold) if score >= threshold else ("below", threshold)
    way = abs(score - threshold) / room if room else 1
    adverb = "Just " if way < JUST else "Clearly " if way >= CLEARLY else ""
    return f"{adverb}{side} the threshold for a hint.".capitalize()


@register.filter
def steepest(drops: list[list[float]]) -> float:
    """How far the score falls with the part hidden that matters most."""
    return max(max(row) for row in drops)


@register.filter
def whereabouts(drops: list[list[float]]) -> str:
    """Which part of the picture matters most, in words: "top left", "middle"."""
    most = steepest(drops)
    row = next(number for number, row in enumerate(drops) if most in row)
    high = ("top", "middle", "bottom")[3 * row // len(drops)]
    side = ("left", "", "right")[3 * drops[row].index(most) // len(drops[row])]
    return f"{high} {side}".strip()


@register.simple_tag
def trash_days() -> int:
    """How long the trash keeps a clip."""
    return settings.TRASH_KEEP.days


@register.filter
def administers(user: User | AnonymousUser) -> bool:
    """Whether the administration has anything to show them."""
    return user.is_staff and (user.is_superuser or bool(user.get_all_permissions()))


@register.filter
def deletable_by(clip: Clip, user: User | AnonymousUser) -> bool:
    return permissions.may_delete(user, clip)
