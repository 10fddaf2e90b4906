"""What concerns a clip as a whole: that it stays while jobs are queued, and its deletion."""

from __future__ import annotations

from django.db import transaction

from video_classifier.models import Analysis, Clip
from video_classifier.services import deleted_footage, event_changes
from video_classifier.services.errors import Refused

GONE = "The clip was deleted meanwhile, so nothing more is done with it."


def hold(clip: Clip) -> None:
    """Keeps the clip out of the trash until the transaction ends.

    Without this a job could be queued just after the trash has cancelled all there were.
    Raises Refused if the clip is in the trash, or gone.
    """
    kept = Clip.objects.kept().select_for_update(no_key=True)
    if not kept.filter(pk=clip.pk).exists():
        raise Refused(GONE)


def delete(clip: Clip) -> None:
    """For good: the rows at once, the files after the commit. A run of it loses its lease.

    People go by services.trash.
    """
    with transaction.atomic():
        # In the order of everybody: the clip, then its analyses, then the rows that go by cascade,
        # as a run locks its analysis before its segment.
        list(Clip.objects.select_for_update().filter(pk=clip.pk).only("pk"))
        list(Analysis.objects.select_for_update().filter(clip=clip).only("pk"))
        # As it is now: a worker may have added files since `clip` was loaded.
        for current in Clip.objects.select_for_update().filter(pk=clip.pk):
            deleted_footage.keep_answers(current)
            event_changes.note_deletion(current)
            current.delete()
