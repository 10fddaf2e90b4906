"""Icons, and numbers in words, for the templates."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from django import template
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString, mark_safe

from video_classifier.ml.bundle import Card, Interval
from video_classifier.ml.clip import View
from video_classifier.models import Analysis, Clip
from video_classifier.web import permissions

register = template.Library()

NOT_KNOWN = "-"
MOST_DIGITS = 4
UNSURE = 0.25  # of the way from the threshold to certainty
CLEAR = 0.75


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """A Bootstrap icon, inline, in the color of the text beside it."""
    svg = files("js_lib_bootstrap_icons") / "static" / "bootstrap-icons" / f"{name}.svg"
    drawing = svg.read_text(encoding="utf-8").replace("<svg ", '<svg aria-hidden="true" ', 1)
    return mark_safe(drawing)  # noqa: S308  (the package's own file)


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
    accuracy = card.metrics.get("accuracy")
    if accuracy is None or accuracy.value is None:
        return "How well it does on people it has never seen was not measured."
    return f"On people it has never seen: right about {_of_hundred(accuracy, accuracy.value)}."


@register.filter
def looks_at(card: Card) -> str:
    """What a model looks at, in words."""
    return "Looks at each person" if card.spec.view is View.PERSON else "Looks at the whole picture"


@register.filter
def may_be_guessing(card: Card) -> bool:
    """Whether hints may be as frequent on ordinary clips as on thefts, or scores mean nothing."""
    recall, specificity, auc = map(card.metrics.get, ("recall", "specificity", "auc"))
    if auc and auc.low is not None and auc.low <= 0.5:  # noqa: PLR2004
        return True
    if not (recall and specificity) or recall.low is None or specificity.low is None:
        return False
    return recall.low <= 1 - specificity.low


def _of_hundred(interval: Interval, value: float) -> str:
    """A share as a count that can be pictured: "61 of 100 clips (between 50 and 71)"."""
    text = f"{value * 100:.0f} of 100 clips"
    if interval.low is None or interval.high is None:
        return text
    return f"{text} (between {interval.low * 100:.0f} and {interval.high * 100:.0f})"


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
def certainty(analysis: Analysis) -> str:
    """How far the score is from the threshold, on the way to the end of its side."""
    score, threshold = analysis.score, analysis.threshold
    if score is None or threshold is None:
        return ""
    room = 1 - threshold if score >= threshold else threshold
    distance = abs(score - threshold) / room if room else 1
    if distance < UNSURE:
        return "The model is unsure: the score is close to the threshold."
    if distance < CLEAR:
        return "The model leans this way, but not strongly."
    return "The score is far from the threshold."


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
def deletable_by(clip: Clip, user: AbstractBaseUser | AnonymousUser) -> bool:
    return permissions.may_delete(user, clip)
