"""Who has opened which clip's page: lists show such rows differently."""

from __future__ import annotations

from contextlib import suppress

from django.contrib.auth.models import User
from django.db import IntegrityError
from django.db.models import Count, Exists, OuterRef, Subquery

from video_classifier.models import Analysis, Clip, Opened
from video_classifier.querysets import AnalysisQuerySet, Visitor
from video_classifier.services import database
from video_classifier.states import Prediction

PATIENCE = 1.0  # seconds that a page waits for others who write
NEWEST = 200  # hints that are looked at: of all there may be thousands


def note(clip: Clip, by: User) -> None:
    """The first time counts. Nobody is kept from the page where others write all the time."""
    if Opened.objects.filter(clip=clip, by=by).exists():
        return  # needs no lock
    new = [Opened(clip=clip, by=by)]
    with suppress(IntegrityError):  # the clip was deleted meanwhile
        database.unless_busy(
            lambda: Opened.objects.bulk_create(new, ignore_conflicts=True), patience=PATIENCE
        )


def marked(analyses: AnalysisQuerySet, by: Visitor) -> AnalysisQuerySet:
    """Each with `is_opened`, whether `by` has seen its clip's page, its tags, and `runs`."""
    opened = Opened.objects.filter(by=by.pk, clip=OuterRef("clip"))
    of_clip = Analysis.objects.filter(clip=OuterRef("clip")).order_by().values("clip")
    runs = Subquery(of_clip.annotate(runs=Count("pk")).values("runs"))
    return analyses.annotate(is_opened=Exists(opened), runs=runs).prefetch_related("clip__tags")


def has_unread_hints(analyses: AnalysisQuerySet, by: Visitor) -> bool:
    """Whether among the newest hints is one that nobody has answered and `by` hasn't opened."""
    opened = Exists(Opened.objects.filter(by=by.pk, clip=OuterRef("clip")))
    hints = analyses.filter(prediction=Prediction.HINT).order_by("-queued_at", "-pk")
    # To filter them by it would have SQLite begin with all clips without an answer, however many.
    newest = hints.annotate(opened=opened).values_list("clip__verdict", "opened")[:NEWEST]
    return any(not verdict and not is_opened for verdict, is_opened in newest)
