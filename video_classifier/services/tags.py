"""Words that members of a store put on its clips."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from video_classifier.models import Clip, Tag
from video_classifier.services.errors import Refused

LONGEST = 30
MOST = 200  # of a store
NO_NAME = "A tag needs a word."
TOO_LONG = f"A tag has at most {LONGEST} characters."
TOO_MANY = f"This store has {MOST} tags, which is as many as it may have. Use one that is there."


@transaction.atomic
def put(clips: Iterable[Clip], name: str) -> list[UUID]:
    """Tags the clips, each with its store's tag; gives the keys of those that had it not.

    Raises Refused.
    """
    name = _clean(name)
    keys = [each.pk for each in clips]
    # Held, before the tags: none is deleted for good meanwhile.
    held = Clip.objects.select_for_update(no_key=True).filter(pk__in=keys)
    found = list(held.order_by("pk").only("pk", "store"))
    tagged: list[UUID] = []
    for store in sorted({each.store_id for each in found}):
        tag = _tag(store, name)
        own = {each.pk: each for each in found if each.store_id == store}
        new = own.keys() - set(tag.clips.filter(pk__in=own).values_list("pk", flat=True))
        tag.clips.add(*(own[key] for key in new))
        tagged += new
    return tagged


@transaction.atomic
def take(clips: Iterable[Clip], name: str) -> None:
    """Takes the tag off the clips; one that is on none any more goes."""
    of_store: dict[int, list[Clip]] = {}
    for clip in clips:
        of_store.setdefault(clip.store_id, []).append(clip)
    for store, own in sorted(of_store.items()):
        # Locked: somebody may put it on another clip just now.
        tags = Tag.objects.select_for_update(no_key=True).filter(store=store)
        for tag in tags.filter(name__iexact=_written(name)):
            tag.clips.remove(*own)
            if not tag.clips.exists():
                tag.delete()


def _written(name: str) -> str:
    return " ".join(name.replace("\0", "").split())


def _clean(name: str) -> str:
    name = _written(name)
    if not name:
        raise Refused(NO_NAME)
    if len(name) > LONGEST:
        raise Refused(TOO_LONG)
    return name


def _tag(store: int, name: str) -> Tag:
    """Written as somebody has written it before; its row is held."""
    of_store = Tag.objects.filter(store=store)
    locked = of_store.select_for_update(no_key=True)
    if found := locked.filter(name__iexact=name).first():
        return found
    if of_store.count() >= MOST:
        raise Refused(TOO_MANY)
    return Tag.objects.get_or_create(store_id=store, name=name)[0]
