"""What others said of an event is kept from those who are asked for a second opinion of it.

Pages, filters, counts and the API ask here what they may show. Sums over many clips, the audit log
and the export of a case have all answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce

from video_classifier.querysets import (
    AnalysisQuerySet,
    ClipQuerySet,
    EventQuerySet,
    ReviewQuerySet,
    Visitor,
)
from video_classifier.services import review_queue
from video_classifier.services.review_queue import Filters
from video_classifier.states import Turn


def owed(user: Visitor) -> EventQuerySet:
    """Events that somebody else has answered, and `user` may be asked about as the second."""
    return review_queue.waiting(user, Filters()).filter(waits_for=Turn.SECOND).order_by()


def withheld(user: Visitor, clips: Iterable[UUID]) -> frozenset[UUID | int]:
    """The keys of those clips, and of their events, whose verdicts `user` isn't shown."""
    found = owed(user).filter(analysis__clip__in=set(clips)).values_list("pk", "analysis__clip")
    return frozenset(chain.from_iterable(found))


def marked(analyses: AnalysisQuerySet, user: Visitor) -> AnalysisQuerySet:
    """Each with `verdict_is_withheld`, whether `user` isn't shown the verdict of its clip."""
    of_clip = owed(user).filter(analysis__clip=OuterRef("clip"))
    return analyses.annotate(verdict_is_withheld=Exists(of_clip))


def wanted_of(clips: ClipQuerySet, user: Visitor) -> ClipQuerySet:
    """Those whose verdict `user` isn't shown."""
    return clips.filter(pk__in=owed(user).values("analysis__clip"))


def without_wanted(clips: ClipQuerySet, user: Visitor) -> ClipQuerySet:
    """The others."""
    return clips.exclude(Exists(owed(user).filter(analysis__clip=OuterRef("pk"))))


def shown(reviews: ReviewQuerySet, user: Visitor) -> ReviewQuerySet:
    """Those answers that `user` may know; `owed` holds back others' to the same stretch."""
    since, until = Coalesce("undoes__start", "start"), Coalesce("undoes__end", "end")
    about = owed(user).filter(
        analysis__clip=OuterRef("clip"), start__lt=OuterRef("until"), end__gt=OuterRef("since")
    )
    found = reviews.annotate(since=since, until=until)
    return found.exclude(Exists(about), ~Q(by=user.pk) | Q(by=None))
