"""What candidates remember of footage that is deleted."""

from __future__ import annotations

from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from video_classifier.models import CandidateScore, Clip, Event, ScoredTime


def keep_answers(clip: Clip) -> None:
    """Has its candidates remember what people said, and of which file they are.

    To be called in the transaction that deletes it, before that: what was a false hint stays one,
    and what was confirmed is no ordinary footage, however soon clips are deleted. So is the same
    file known when it is uploaded again.
    """
    said = Event.objects.filter(pk=OuterRef("event")).values("verdict")
    of_events = CandidateScore.objects.filter(event__analysis__clip=clip)
    of_events.update(verdict=Coalesce(Subquery(said), Value("")))
    CandidateScore.objects.filter(live_event__clip=clip).update(verdict=clip.verdict)
    CandidateScore.objects.filter(clip=clip).update(file=clip.sha256)
    ScoredTime.objects.filter(clip=clip).update(file=clip.sha256)
