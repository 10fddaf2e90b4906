"""What is done to several clips of the history at once, and how it is undone."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core import signing
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from video_classifier.models import Analysis, Case, Clip
from video_classifier.querysets import ClipQuerySet
from video_classifier.services import bulk as service
from video_classifier.services import tags
from video_classifier.services.bulk import Done
from video_classifier.services.errors import Refused
from video_classifier.web.responses import SignedInRequest, asked_next, uuids

SALT = "bulk"
LONGEST_UNDO = 24 * 60 * 60  # seconds
TRASH, TAG, AGAIN, CASE = "trash", "tag", "again", "case"
NONE = "Choose at least one clip."
TOO_MANY = f"At most {service.MOST} clips at once, please."
NOTHING_TO_DO = "That is nothing that can be done to clips."
NO_CASE = "Choose one of the open cases."
TOO_LATE = "It is too late to undo this."
MESSAGES = {
    TRASH: ("{} moved to the trash.", "{} left, as you may not delete {}."),
    TAG: ("{} tagged.", ""),
    CASE: ("{} added to the case.", ""),
    AGAIN: ("{} will be analyzed again.", "{} left, as you may not analyze {}."),
}


@require_POST
def bulk(request: SignedInRequest) -> HttpResponse:
    keys = list(uuids(request.POST.getlist("clip")))
    what = request.POST.get("do", "")
    try:
        done = _done(request, what, keys)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        _say(request, what, done)
    return redirect(asked_next(request) or "web:history")


def _done(request: SignedInRequest, what: str, keys: list[UUID]) -> Done:
    if not keys:
        raise Refused(NONE)
    if len(keys) > service.MOST:
        raise Refused(TOO_MANY)
    clips = Clip.objects.visible_to(request.user).kept().filter(pk__in=keys)
    if what == TRASH:
        return service.put_in_trash(clips, by=request.user)
    if what == AGAIN:
        return service.analyze_again(clips, by=request.user)
    if what == TAG:
        return service.tag(clips, name=request.POST.get("tag", ""))
    if what == CASE:
        case = _case(request, request.POST.get("case", ""))
        return service.add_to_case(case, clips, by=request.user)
    raise Refused(NOTHING_TO_DO)


def _case(request: SignedInRequest, asked: str) -> Case:
    """One that is open to them; the service refuses a closed one. Raises Refused."""
    case = Case.objects.open_to(request.user).filter(pk__in=uuids([asked])).first()
    if case is None:
        raise Refused(NO_CASE)
    return case


def _say(request: SignedInRequest, what: str, done: Done) -> None:
    said, left = MESSAGES[what]
    if done.keys or not done.left:
        undo = _address(request, what, done) if done.keys else ""
        messages.success(request, said.format(_clips(len(done.keys))), extra_tags=undo)
    if done.left:
        them = "it" if done.left == 1 else "them"
        sentence = f"{_clips(done.left)} left. {done.why}" if done.why else ""
        messages.warning(request, sentence or left.format(_clips(done.left), them))


def _address(request: SignedInRequest, what: str, done: Done) -> str:
    """At which it is undone, by the same person. Their rights are looked at then."""
    to = request.POST.get("case" if what == CASE else "tag", "")
    said = [request.user.pk, what, to, [key.hex for key in done.keys]]
    return reverse("web:undo-bulk", args=[signing.dumps(said, salt=SALT, compress=True)])


@require_POST
def undo_bulk(request: SignedInRequest, token: str) -> HttpResponse:
    try:
        who, what, to, keys = signing.loads(token, salt=SALT, max_age=LONGEST_UNDO)
    except signing.BadSignature:
        who = what = to = keys = None
    if who != request.user.pk:
        messages.error(request, TOO_LATE)
    else:
        try:
            messages.success(request, _undone(request, what, to, [UUID(key) for key in keys]))
        except Refused as refusal:
            messages.error(request, str(refusal))
    return redirect(asked_next(request) or "web:history")


def _undone(request: SignedInRequest, what: str, to: str, keys: list[UUID]) -> str:
    clips: ClipQuerySet = Clip.objects.visible_to(request.user).filter(pk__in=keys)
    if what == TRASH:
        return f"{_clips(service.restore(clips, by=request.user))} restored."
    if what == TAG:
        tags.take(clips, to.strip())
        return "The tag was taken off again."
    if what == CASE:
        taken = service.take_from_case(_case(request, to), clips, by=request.user)
        return f"{_clips(taken)} taken out of the case again."
    own = Analysis.objects.visible_to(request.user).filter(requested_by=request.user, pk__in=keys)
    return f"{service.cancel(own)} of {len(keys)} analyses cancelled."


def _clips(count: int) -> str:
    return f"{count} clip{'' if count == 1 else 's'}"
