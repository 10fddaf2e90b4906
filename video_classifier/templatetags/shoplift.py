"""Icons, and numbers in words, for the templates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from django import template
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import DatabaseError
from django.template.defaultfilters import filesizeformat
from django.utils import dateformat, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from video_classifier.http import permissions
from video_classifier.models import Analysis, Clip
from video_classifier.services import gauges, moments, password_links, second_factor
from video_classifier.services.catalog import Card
from video_classifier.states import Reason, Verdict
from video_classifier.web import batches, constants, tables, times, way
from video_classifier.web.curves import Row
from video_classifier.web.keeping import Keeping, keeping_of
from video_classifier.web.players import Player
from video_classifier.web.quality import ModelQuality
from video_classifier.web.results import ResultSummary
from video_classifier.web.stylesheet import address

register = template.Library()
register.filter(moments.minutes)
register.filter(batches.outcome)
register.filter(times.in_short, expects_localtime=True)

NOT_KNOWN = "-"
NOTICE_ICONS = {"success": "check-circle", "warning": "exclamation-triangle", "error": "x-octagon"}
VERDICT_ICONS = {
    Verdict.CONFIRMED: "check2",
    Verdict.MISSED: "flag",
    Verdict.FALSE_ALARM: "x-lg",
    Verdict.UNSURE: "question-lg",
    Verdict.DISPUTED: "people",
}


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """A Bootstrap icon, inline, in the color of the text beside it."""
    svg = files("js_lib_bootstrap_icons") / "static" / "bootstrap-icons" / f"{name}.svg"
    drawing = svg.read_text(encoding="utf-8").replace("<svg ", '<svg aria-hidden="true" ', 1)
    return mark_safe(drawing)  # nosec B308, B703  # noqa: S308  (the package's own file)


@register.simple_tag
def columns(name: str) -> Sequence[tables.Column]:
    """Those of a list in web.tables."""
    found: Sequence[tables.Column] = getattr(tables, name)
    return found


@register.simple_tag
def when(at: datetime, short: bool | str = False) -> SafeString:  # noqa: FBT001, FBT002
    """A moment by the clock of the page, for components/when.html.

    In one go: lists have many, and each look for the time zone is a wait for a lock.
    """
    here = timezone.localtime(at)
    words = times.in_short(here) if short else dateformat.format(here, "j M Y, H:i T")
    whole = dateformat.format(here, "l, j F Y, H:i:s T")
    return format_html('<time datetime="{}" title="{}">{}</time>', here.isoformat(), whole, words)


@register.filter
def notice_icon(tone: str) -> str:
    """The name of the icon of a notice."""
    return NOTICE_ICONS.get(tone, "info-circle")


@register.filter
def way_along(address: str) -> str:
    """What the address of a result has of the list at `address` that leads there."""
    return way.link(address)


@register.filter
def verdict_icon(verdict: str) -> str:
    """The name of the icon of what people said."""
    return VERDICT_ICONS[Verdict(verdict)]


@register.filter
def reason_label(reason: str) -> str:
    """Why it was a false alarm, in words."""
    return str(Reason(reason).label)


@register.simple_tag
def stylesheet() -> str:
    """The address of the site's own styles."""
    return address()


@register.simple_tag
def constant(name: str) -> float | str:
    """One of web.constants."""
    value: float | str = getattr(constants, name)
    return value


@register.filter
def keeping(analysis: Analysis) -> Keeping:
    """How long the clip of one of a list is kept."""
    return keeping_of(analysis)


class NameParts(NamedTuple):
    head: str  # may be cut; empty if the name is short
    ending: str


@register.filter
def name_parts(name: str) -> NameParts:
    """A clip's name, split if it is a long one."""
    ending = constants.CLIP_NAME_ENDING if len(name) > constants.CLIP_NAME_LONGEST else len(name)
    return NameParts(head=name[:-ending], ending=name[-ending:])


@register.simple_tag
def curve_rows(rows: Iterable[Row], moments_at: str) -> SafeString:
    """The table of a score curve. In a template hundreds of rows would take most of its time.

    `moments_at` is the address of a moment of the clip, but for its seconds; "" if it can't be
    played.
    """
    return format_html_join(
        "\n",
        '<tr><td>{}</td>{}{}<td class="number">{}</td></tr>',
        (
            (
                each.reason or each.name,
                *(_cell(time, moments_at) for time in each.times),
                each.digits,
            )
            for each in rows
        ),
    )


def _cell(seconds: float, moments_at: str) -> SafeString:
    if not moments_at:
        return format_html('<td class="number">{}</td>', clock(seconds))
    place = f"{seconds:.3f}"
    return format_html(
        '<td class="number"><a href="{}{}" data-seek="{}">{}</a></td>',
        moments_at,
        place,
        place,
        clock(seconds),
    )


@register.simple_tag
def upload_limit() -> str:
    """What one request may bring, in words."""
    size = filesizeformat(settings.CLIP_MAX_BYTES)
    return f"{settings.CLIPS_PER_UPLOAD} clips of at most {size} each"


@register.filter
def result(analysis: Analysis) -> ResultSummary:
    """For templates that get an analysis from a list."""
    return ResultSummary(analysis=analysis)


@register.filter
def player(clip: Clip) -> Player:
    return Player(clip=clip)


@register.filter
def quality(card: Card) -> ModelQuality:
    return ModelQuality(card=card)


@register.filter
def share(value: float) -> str:
    """Of the width of a drawing."""
    return f"{value:.1%}"


@register.filter
def clock(seconds: float | None) -> str:
    """A moment or a length in a clip, if there is one."""
    return NOT_KNOWN if seconds is None else moments.clock(seconds)


@register.simple_tag
def trash_days() -> int:
    """How long the trash keeps a clip."""
    return settings.TRASH_KEEP.days


@register.simple_tag
def sends_password_links() -> bool:
    """Whether who has forgotten a password gets a link by e-mail."""
    return password_links.are_sent()


@register.simple_tag
def offers_second_factor() -> bool:
    return second_factor.is_offered()


@register.filter
def administers(user: User | AnonymousUser) -> bool:
    """Whether the administration has anything to show them."""
    return user.is_staff and (user.is_superuser or bool(user.get_all_permissions()))


@register.simple_tag
def failed_alerts(user: User | AnonymousUser) -> str:
    """To superusers alone, as it counts those of all stores."""
    return gauges.failed_alerts() if user.is_superuser else ""


@register.filter
def manages_a_store(user: User | AnonymousUser) -> bool:
    """Also for pages that say that the database can't be asked."""
    try:
        return permissions.manages_a_store(user)
    except DatabaseError:
        return False


@register.filter
def works_on_cases(user: User | AnonymousUser) -> bool:
    """Also for pages that say that the database can't be asked."""
    try:
        return permissions.works_on_cases(user)
    except DatabaseError:
        return False


@register.filter
def deletable_by(clip: Clip, user: User | AnonymousUser) -> bool:
    return permissions.may_delete(user, clip)


@register.filter
def sees_live_cameras(user: User | AnonymousUser | str) -> bool:
    """Also for error pages: of nobody, and where the database can't be asked."""
    if isinstance(user, str):  # there is no such variable
        return False
    try:
        return permissions.sees_live_cameras(user)
    except DatabaseError:
        return False
