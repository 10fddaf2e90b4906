"""What the search of the history finds: clips by name, place, tag, note and case; and models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from video_classifier.models import Camera, Case, CaseItem, Review, Store, Tag
from video_classifier.querysets import ClipQuerySet, ReviewQuerySet, Visitor
from video_classifier.services import second_opinions


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A text, as far as `user` may know of what it is looked for in.

    Stores and cameras are few: they are looked through once, and not clip by clip.
    """

    text: str
    user: Visitor
    stores: Sequence[int]
    cameras: Sequence[int]

    @classmethod
    def of(
        cls, text: str, user: Visitor, *, stores: Iterable[Store], cameras: Iterable[Camera]
    ) -> Search:
        """Of all stores and cameras that `user` sees."""
        return cls(text=text, user=user, stores=_named(stores, text), cameras=_named(cameras, text))

    def few(self, clips: ClipQuerySet, *, most: int) -> set[UUID] | None:
        """The keys of those that match; None of more than `most`.

        Each way by itself: a database that is asked for one or another reads all rows.
        """
        found: set[UUID] = set()
        for some in (clips.named(self.text), *(clips.filter(way) for way in self._ways())):
            found.update(some.order_by().values_list("pk", flat=True)[: most + 1])
            if len(found) > most:
                return None
        return found

    def narrow(self, clips: ClipQuerySet) -> ClipQuerySet:
        """The same clip by clip, for rows that are walked over in their order."""
        of_it = {"clip": OuterRef("pk")}
        return clips.filter(
            Q(name__icontains=self.text)
            | self._places()
            | Exists(self._tagged().filter(**of_it))
            | Exists(self._noted().filter(**of_it))
            | Exists(self._in_cases().filter(**of_it))
        )

    def _ways(self) -> list[Q]:
        rest = (self._tagged(), self._noted(), self._in_cases())
        places = [self._places()] if self.stores or self.cameras else []
        return [*places, *(Q(pk__in=each.values("clip")) for each in rest)]

    def _places(self) -> Q:
        return Q(store__in=self.stores) | Q(camera__in=self.cameras)

    def _tagged(self) -> QuerySet[Any]:
        tags = Tag.objects.visible_to(self.user).order_by().filter(name__icontains=self.text)
        return Tag.clips.through.objects.filter(tag__in=tags)

    def _noted(self) -> ReviewQuerySet:
        """Answers that were not withdrawn, and that `user` may know."""
        visible = Review.objects.visible_to(self.user).standing().order_by()
        found = visible.exclude(note="").filter(note__icontains=self.text)
        return second_opinions.shown(found, self.user)

    def _in_cases(self) -> QuerySet[CaseItem]:
        """Of cases that `user` works on: nobody else knows of them."""
        cases = Case.objects.open_to(self.user).order_by().filter(name__icontains=self.text)
        return CaseItem.objects.filter(case__in=cases).order_by()


def _named(places: Iterable[Store | Camera], text: str) -> list[int]:
    return [each.pk for each in places if text.lower() in each.name.lower()]
