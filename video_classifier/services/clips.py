"""The deletion of a clip with all that was made of it."""

from __future__ import annotations

from django.db import transaction

from video_classifier.models import Analysis, Clip


def delete(clip: Clip) -> None:
    """For good: the rows at once, the files after the commit. A run of it loses its lease.

    People go by services.trash.
    """
    with transaction.atomic():
        # Before the rows that go by cascade: a run locks its analysis before its segment, too.
        list(Analysis.objects.select_for_update().filter(clip=clip).only("pk"))
        # As it is now: a worker may have added files since `clip` was loaded.
        for current in Clip.objects.select_for_update().filter(pk=clip.pk):
            current.delete()
