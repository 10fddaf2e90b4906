"""People's answers to events and clips: written once, withdrawn by another row, and added up.

Whatever writes here holds the clip's row first, then writes reviews, then events: so two people
who answer at once come one after the other, and the trash before or after.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Case, OuterRef, Q, Subquery, When

from video_classifier.models import Analysis, Clip, Event, Review
from video_classifier.models.reviews import MOST_NOTE
from video_classifier.querysets import AnalysisQuerySet, ReviewQuerySet
from video_classifier.services import audit, clips, event_changes, verdicts
from video_classifier.services.errors import Refused
from video_classifier.services.verdicts import Candidate, Given
from video_classifier.states import AT_THE_DESK, Action, Answer, Reason, Status, Verdict

UNKNOWN = "There is no such answer. Choose one of those on the page."
NOT_OF_AN_EVENT = "An event can't be missed: there is a hint of it. Confirm it instead."
NO_STRETCH = "Say from when to when something was missed: the end comes after the start."
OUTSIDE = "The stretch has to lie in the clip, which is {seconds:.1f} seconds long."
WHY_NOT = "A reason belongs to a false alarm. Choose “False alarm” first, or leave the reason out."
TOO_LONG = (
    "A note may have {most:,} characters, and this one has {count:,}. Shorten it; nothing is saved."
)
NOT_TEXT = "The note has characters that are no text. Type it anew; nothing is saved."
MEANWHILE = "{who} answered “{answer}” meanwhile. Save yours, too?"
NOT_YOURS = "Only who gave an answer can undo it. Give your own instead: both are kept."
UNDONE = "This answer is undone already."
SLACK = 1.0  # seconds by which a header may be wrong about a clip's length
SHORTEST = 0.001  # seconds of a stretch
_AT_ONCE = 500  # rows of one UPDATE


class AnsweredMeanwhileError(Refused):
    """Somebody else has answered the same since the page was made; nothing is saved."""

    def __init__(self, review: Review) -> None:
        who = review.by.get_username() if review.by else "Somebody"
        super().__init__(MEANWHILE.format(who=who, answer=review.get_answer_display()))
        self.review = review


@transaction.atomic
def answer(  # noqa: PLR0913
    event: Event | None,
    clip: Clip,
    by: User,
    *,
    answer: str,
    reason: str = "",
    note: str = "",
    start: float | None = None,
    end: float | None = None,
    seconds: float | None = None,
    is_blind: bool = False,
    seen: int | None = None,
) -> Review:
    """Notes what `by` says of an event, of a clip, or of a stretch of it from `start` to `end`.

    `seen` is the newest review that the person knew of, 0 for none: if somebody else has answered
    since, AnsweredMeanwhileError is raised. None asks for no such check. Who says the same again
    gets the answer that is there. Raises Refused.
    """
    said = _answer(answer, event)
    why = _reason(reason, said)
    text = _note(note)
    if event is not None:
        start, end = event.start, max(event.end, event.start + SHORTEST)
    else:
        _check_stretch(said, start, end, clip)
    clips.hold(clip)
    about = _about(event, clip, start, end)
    if seen is not None:
        _refuse_unseen(about.exclude(by=by), seen)
    before = about.filter(by=by).order_by("-pk").first()
    is_known = before and (before.is_blind or not is_blind)  # a blind answer is one more
    if before and is_known and _says(before) == (said, why, text):
        return before  # a key pressed twice, or another window of the same person
    analysis = event.analysis if event else _latest_result(clip)
    review = Review.objects.create(
        clip=clip,
        event=event,
        analysis=analysis,
        start=start,
        end=end,
        answer=said,
        reason=why,
        note=text,
        by=by,
        seconds=_seconds(seconds),
        is_blind=is_blind,
        score=event.score if event else analysis.score if analysis else None,
        threshold=analysis.threshold if analysis else None,
        model=analysis.model if analysis else "",
        model_sha256=analysis.model_sha256 if analysis else "",
    )
    _settle(clip)
    _record(review, by)
    return review


@transaction.atomic
def undo(review: Review, by: User) -> Review:
    """Withdraws an answer of one's own; what the person had said before counts again.

    Raises Refused.
    """
    if review.by_id != by.pk:
        raise Refused(NOT_YOURS)
    clips.hold(review.clip)
    if not Review.objects.standing().filter(pk=review.pk).exists():
        raise Refused(UNDONE)
    withdrawn = Review.objects.create(
        clip=review.clip,
        event=review.event,
        analysis=review.analysis,
        start=review.start,
        end=review.end,
        answer=Answer.WITHDRAWN,
        by=by,
        undoes=review,
        is_blind=review.is_blind,
        score=review.score,
        threshold=review.threshold,
        model=review.model,
        model_sha256=review.model_sha256,
    )
    _settle(review.clip)
    _record(withdrawn, by)
    return withdrawn


def history(clip: Clip) -> ReviewQuerySet:
    """All that was ever said of it, withdrawn or not; the newest first."""
    return Review.objects.filter(clip=clip).select_related("by", "event", "undone_by")


def explained(analyses: AnalysisQuerySet) -> AnalysisQuerySet:
    """Each with `why_false`, the latest reason of a clip that is a false alarm; None without one.

    Such a verdict is withheld from nobody: it waits for no second opinion.
    """
    said = Review.objects.standing().filter(clip=OuterRef("clip")).exclude(reason="")
    latest = said.order_by("-pk").values("reason")[:1]
    of_clip = Case(When(clip__verdict=Verdict.FALSE_ALARM, then=Subquery(latest)))
    return analyses.annotate(why_false=of_clip)


def last(by: User) -> Review | None:
    """Their last answer at the desk that they can still undo; None if there is none."""
    own = Review.objects.visible_to(by).standing().filter(by=by, clip__trashed_at=None)
    about = Q(event__isnull=False) | Q(is_blind=True, start__isnull=False)
    found = own.filter(about, answer__in=AT_THE_DESK).order_by("-at", "-pk")
    return found.select_related("clip__store", "clip__camera", "event__analysis__clip").first()


def newest(event: Event | None, clip: Clip) -> int:
    """The newest answer there is, for `answer` to find out what came after it; 0 if none."""
    about = _about(event, clip, None, None)
    return about.order_by("-pk").values_list("pk", flat=True).first() or 0


def answers_to(event: Event) -> dict[int | None, Answer]:
    """Of each person what counts for it, by their id; None stands for deleted accounts."""
    standing = Review.objects.standing().filter(clip=event.analysis.clip_id)
    return verdicts.answers_to(_candidate(event), map(_given, standing))


@transaction.atomic
def refresh(clip: Clip) -> None:
    """Adds up anew what people said of the clip and its events, and who is to be asked.

    To be called where its latest result or its being in the trash has changed, in the transaction
    that did so. A clip that is gone is no matter.
    """
    if Clip.objects.select_for_update(no_key=True).filter(pk=clip.pk).exists():
        _settle(clip)


def _settle(clip: Clip) -> None:
    """The clip's row is held."""
    given = [_given(each) for each in Review.objects.standing().filter(clip=clip)]
    events = list(Event.objects.filter(analysis__clip=clip))
    analysis = _current_analysis(clip)
    candidates = {event.pk: _candidate(event) for event in events}
    changed = []
    for event in events:
        before = _state(event)
        answers = list(verdicts.answers_to(candidates[event.pk], given).values())
        event.is_current = event.analysis_id == analysis
        event.verdict = verdicts.verdict(answers)
        event.waits_for = verdicts.turn(answers) if event.is_current else ""
        if _state(event) != before:
            changed.append(event)
    _write(changed)
    event_changes.note(clip.store_id, [each.happened_at for each in changed])
    found = {
        current: [(candidates[e.pk], e.verdict) for e in events if e.is_current == current]
        for current in (True, False)
    }
    verdict = verdicts.of_clip(found[True], found[False], given)
    Clip.objects.filter(pk=clip.pk).exclude(verdict=verdict).update(verdict=verdict)


def _write(events: Sequence[Event]) -> None:
    """Most of them come to the same, so that a few statements will do."""
    for (is_current, verdict, waits_for), group in groupby(sorted(events, key=_state), _state):
        keys = [event.pk for event in group]
        for first in range(0, len(keys), _AT_ONCE):
            Event.objects.filter(pk__in=keys[first : first + _AT_ONCE]).update(
                is_current=is_current, verdict=verdict, waits_for=waits_for
            )


def _state(event: Event) -> tuple[bool, str, str]:
    return event.is_current, str(event.verdict), str(event.waits_for)


def _current_analysis(clip: Clip) -> UUID | None:
    """Whose events are shown and asked about; none if the clip is in the trash."""
    if not Clip.objects.kept().filter(pk=clip.pk).exists():
        return None
    found = _latest_result(clip)
    return found.pk if found else None


def _latest_result(clip: Clip) -> Analysis | None:
    done = Analysis.objects.filter(clip=clip, status=Status.DONE)
    facts = ("score", "threshold", "model", "model_sha256")
    return done.order_by("-queued_at", "-pk").only(*facts).first()


def _given(review: Review) -> Given:
    return Given(
        id=review.pk,
        by=review.by_id,
        answer=Answer(review.answer),
        analysis=review.analysis_id,
        event=review.event_id,
        start=review.start,
        end=review.end,
    )


def _candidate(event: Event) -> Candidate:
    return Candidate(id=event.pk, analysis=event.analysis_id, start=event.start, end=event.end)


def _about(
    event: Event | None, clip: Clip, start: float | None, end: float | None
) -> ReviewQuerySet:
    """The answers to the same that stand."""
    standing = Review.objects.standing().filter(clip=clip, event=event)
    return standing if event else standing.filter(start=start, end=end)


def _refuse_unseen(others: ReviewQuerySet, seen: int) -> None:
    newer = others.filter(pk__gt=seen).select_related("by").order_by("-pk").first()
    if newer is not None:
        raise AnsweredMeanwhileError(newer)


def _says(review: Review) -> tuple[str, str, str]:
    return review.answer, review.reason, review.note


def _answer(answer: str, event: Event | None) -> Answer:
    if answer not in Answer.values or answer == Answer.WITHDRAWN:
        raise Refused(UNKNOWN)
    if answer == Answer.MISSED and event is not None:
        raise Refused(NOT_OF_AN_EVENT)
    return Answer(answer)


def _reason(reason: str, said: Answer) -> str:
    if reason and said != Answer.FALSE_ALARM:
        raise Refused(WHY_NOT)
    if reason and reason not in Reason.values:
        raise Refused(UNKNOWN)
    return reason


def _note(note: str) -> str:
    text = note.replace("\r\n", "\n").strip()  # as forms send it
    if len(text) > MOST_NOTE:
        raise Refused(TOO_LONG.format(most=MOST_NOTE, count=len(text)))
    if "\0" in text or any("\ud800" <= each <= "\udfff" for each in text):  # not to be stored
        raise Refused(NOT_TEXT)
    return text


def _check_stretch(said: Answer, start: float | None, end: float | None, clip: Clip) -> None:
    if start is None and end is None and said != Answer.MISSED:
        return
    if start is None or end is None or not start < end:  # also if one is no number
        raise Refused(NO_STRETCH)
    if start < 0 or end > clip.duration + SLACK:
        raise Refused(OUTSIDE.format(seconds=clip.duration))


def _seconds(seconds: float | None) -> float | None:
    """What a browser measured; nobody needs an impossible one."""
    is_plausible = seconds is not None and math.isfinite(seconds) and seconds >= 0
    return seconds if is_plausible else None


def _record(review: Review, by: User) -> None:
    audit.record(
        Action.REVIEWED,
        by,
        audit.CLIP,
        review.clip_id,
        store=review.clip.store_id,
        review=review.pk,
        answer=str(review.answer),
        event=review.event_id,
    )


@transaction.atomic
def explain(review: Review, by: User, reason: str) -> Review:
    """Gives a false alarm of one's own its reason, said afterwards: in place of the answer without.

    Raises Refused.
    """
    undo(review, by)
    return answer(
        review.event,
        review.clip,
        by,
        answer=review.answer,
        reason=reason,
        note=review.note,
        start=review.start,
        end=review.end,
        seconds=review.seconds,
        is_blind=review.is_blind,
    )
