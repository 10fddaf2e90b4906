"""The reviewer's desk: the queue of what waits for an answer, one item at a time."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from video_classifier.http import paging
from video_classifier.http.filters import PERIODS
from video_classifier.http.permissions import sees_several_stores, why_empty
from video_classifier.http.review_filters import ReviewFilter
from video_classifier.models import Review, Store
from video_classifier.services import (
    audit,
    audit_views,
    openings,
    review_items,
    review_queue,
    reviews,
    shifts,
)
from video_classifier.services.errors import Refused
from video_classifier.services.review_items import Item
from video_classifier.services.review_queue import Filters
from video_classifier.states import AT_THE_DESK, Answer, ListPage, Reason
from video_classifier.web import listed_views
from video_classifier.web import review as presenters
from video_classifier.web import waiting as listed
from video_classifier.web.responses import SignedInRequest, asked_next, is_part, page_or_part
from video_classifier.web.review import AFTER, AT, BEFORE, EVENT, Answered, Card, Nothing, Told

PAGE = "video_classifier/review/page.html"
ITEM = "video_classifier/review/_item.html"
ANSWERED = "video_classifier/review/_answered.html"
TOLD = "video_classifier/review/_told.html"
REFUSED = "components/notice.html"
WAITING = "video_classifier/review/waiting.html"
WAITING_PART = "video_classifier/review/_waiting.html"
NOT_YOURS = "That event doesn't wait for your answer, or no more. Here is what comes next instead."
LONGEST_SECONDS = 3600.0  # of which it is still taken to be how long somebody looked


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: SignedInRequest) -> HttpResponse:
    """What is to be answered next; an answer, which leads on."""
    chosen = ReviewFilter(request.GET, user=request.user)
    if request.method == "POST":
        return _answer(request, chosen)
    return _shown(request, chosen)


def _shown(
    request: SignedInRequest, chosen: ReviewFilter, *, status: int = 200, **more: Any
) -> HttpResponse:
    card = _card(request, chosen) if chosen.is_valid() else None
    if card is not None:
        _note_view(request, card.item)
    return page_or_part(
        request,
        page=PAGE,
        part=ITEM,
        context={
            "card": card,
            "filter": chosen,
            "why_empty": why_empty(request.user),
            "shift_is": PERIODS["shift"].about,
            "waiting": presenters.waiting_address(chosen.query),
            "has_keys": presenters.has_keys(request.user),
            "sent": request.POST,
            "nothing": _nothing(request, chosen) if card is None else None,
            **_instead(request, card),
            **({} if is_part(request) else _views(request, chosen)),
            **more,
        },
        status=status,
    )


def _nothing(request: SignedInRequest, chosen: ReviewFilter) -> Nothing | None:
    """None where the filter makes no sense."""
    if not chosen.is_valid():
        return None
    return Nothing(
        coming=review_queue.coming(request.user, chosen.filters),
        shift=shifts.of(request.user, since=PERIODS["shift"].start(timezone.now())),
        query=chosen.query,
        is_narrowed=chosen.is_narrowed,
        may_upload=Store.objects.open_to(request.user).exists(),
    )


def _instead(request: SignedInRequest, card: Card | None) -> dict[str, Any]:
    """The line above what is shown where the list of what waits led to something else."""
    asked = request.GET.get(EVENT, "")
    if not asked or card is None or is_part(request):
        return {}
    event = None if card.item.is_blind else card.item.event
    if event is not None and str(event.pk) == asked:
        return {}
    return {"line": REFUSED, "text": NOT_YOURS, "tone": "info"}


def _note_view(request: SignedInRequest, item: Item) -> None:
    """For the audit log: what a browser gets to show, but for the same again, as while it waits.

    Of a blind look no event is named: managers review, too.
    """
    if request.method != "GET" or (is_part(request) and AT in request.GET):
        return
    store = item.clip.store_id
    if item.event is None or item.is_blind:
        audit_views.note(request.user, audit.CLIP, item.clip.pk, store=store)
        return
    event = item.event
    audit_views.note(request.user, audit.EVENT, event.analysis_id, store=store, number=event.number)


def _views(request: SignedInRequest, chosen: ReviewFilter) -> dict[str, Any]:
    return {
        "views": listed_views.links(
            request.user, ListPage.REVIEW, shown=request.GET.urlencode(), now=timezone.now()
        ),
        "stores": chosen.stores,
        "earlier": _earlier(request, chosen),
    }


def _earlier(request: SignedInRequest, chosen: ReviewFilter) -> Answered | None:
    """The last answer, to be undone; None where something else stands in its place."""
    if request.method == "POST" or len(messages.get_messages(request)):
        return None
    found = reviews.last(request.user)
    if found is None:
        return None
    token = review_items.of_review(found, request.user).token
    query = chosen.query if chosen.is_valid() else ""
    return Answered(review=found, token=token, query=query, now=timezone.now())


def _card(request: SignedInRequest, chosen: ReviewFilter) -> Card | None:
    item = _item(request, chosen.filters)
    if item is None:
        return None
    if item.event is not None:
        review_queue.visit(item.event, request.user)
    left = presenters.left_in_words(review_queue.left(request.user, chosen.filters))
    return presenters.card_of(item, query=chosen.query, left=left)


def _item(request: SignedInRequest, filters: Filters) -> Item | None:
    """The one that the address names, the one beside it, or the first; none that is gone."""
    user, params = request.user, request.GET
    try:
        if token := params.get(AT, "") or request.POST.get("token", ""):
            return review_items.read(token, user)
        if token := params.get(BEFORE, ""):
            shown = review_items.read(token, user)
            return review_queue.previous(user, filters, shown) or shown
        if token := params.get(AFTER, ""):
            return _following(user, filters, review_items.read(token, user))
    except Refused:
        pass
    number = params.get(EVENT, "")
    found = review_queue.one(user, int(number[:18])) if number.isdecimal() else None
    return found or review_queue.next_one(user, filters)


def _following(user: User, filters: Filters, item: Item) -> Item | None:
    """After the last one comes the first, unless that is the only one."""
    found = review_queue.next_one(user, filters, after=item)
    if found is not None:
        return found
    found = review_queue.next_one(user, filters)
    return None if found is None or presenters.are_the_same(found, item) else found


def _answer(request: SignedInRequest, chosen: ReviewFilter) -> HttpResponse:
    try:
        found = _saved(request, review_items.read(request.POST.get("token", ""), request.user))
    except reviews.AnsweredMeanwhileError as meanwhile:
        told = Told(
            review=meanwhile.review, now=timezone.now(), sent=request.POST, query=chosen.query
        )
        return _line(request, chosen, TOLD, {"told": told}, status=409)
    except Refused as refusal:
        context = {"text": str(refusal), "tone": "error"}
        return _line(request, chosen, REFUSED, context, status=422)
    return _done(request, chosen, found)


def _done(request: SignedInRequest, chosen: ReviewFilter, found: Review) -> HttpResponse:
    """Without scripts the next page says what the line above the pictures says."""
    token = request.POST.get("token", "")
    count = review_queue.left(request.user, chosen.filters) if chosen.is_valid() else 0
    left = presenters.left_in_words(count)
    answered = Answered(review=found, token=token, query=chosen.query, left=left)
    if is_part(request):
        return _line(request, chosen, ANSWERED, {"answered": answered})
    messages.success(request, answered.sentence, extra_tags=answered.undo)
    return redirect(presenters.address(chosen.query, after=token))


def _saved(request: SignedInRequest, item: Item) -> Review:
    """Raises Refused, and AnsweredMeanwhileError unless the person was told."""
    sent = request.POST
    if sent.get("answer") not in AT_THE_DESK:
        msg = "There is no such answer."
        raise BadRequest(msg)
    openings.note(item.clip, request.user)  # who has answered has seen it
    return reviews.answer(
        item.event,
        item.clip,
        request.user,
        answer=Answer(sent["answer"]),
        note=sent.get("note", ""),
        start=item.start,
        end=item.end,
        seconds=_seconds(sent.get("seconds", "")),
        is_blind=item.is_blind,
        seen=None if "anyway" in sent else item.seen,
    )


def _seconds(text: str) -> float | None:
    """How long somebody looked; what can't be that is left out."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= LONGEST_SECONDS else None


def _line(
    request: SignedInRequest,
    chosen: ReviewFilter,
    part: str,
    context: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    """The line above the player; without scripts the page, which shows the item again."""
    if not is_part(request):
        return _shown(request, chosen, status=status, line=part, **context)
    response = render(request, part, context | {"filter": chosen}, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


@never_cache
@require_POST
def undo_review(request: SignedInRequest, pk: int) -> HttpResponse:
    """Withdraws an answer of one's own, and leads back to what it was about."""
    found = get_object_or_404(Review.objects.visible_to(request.user), pk=pk)
    try:
        reviews.undo(found, request.user)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(asked_next(request) or "web:review")
    if is_part(request):
        chosen = ReviewFilter(request.GET, user=request.user)
        return _shown(request, chosen, note=found.note)  # to be sent once more, or changed
    messages.success(request, f"Withdrawn: {presenters.label_of(found)}.")
    return redirect(asked_next(request) or "web:review")


@never_cache
@require_POST
def review_reason(request: SignedInRequest, pk: int) -> HttpResponse:
    """Why a false alarm was one, said after the answer."""
    found = get_object_or_404(Review.objects.visible_to(request.user), pk=pk)
    chosen = ReviewFilter(request.GET, user=request.user)
    if request.POST.get("reason") not in Reason.values:
        msg = "There is no such reason."
        raise BadRequest(msg)
    try:
        explained = reviews.explain(found, request.user, Reason(request.POST["reason"]))
    except Refused as refusal:
        context = {"text": str(refusal), "tone": "error"}
        return _line(request, chosen, REFUSED, context, status=422)
    return _done(request, chosen, explained)


@never_cache
@require_safe
def waiting(request: SignedInRequest) -> HttpResponse:
    """All that waits for the person's answer, in the order of the desk, which a row leads to.

    Blind looks are none of it: what is listed waits for an answer, they are drawn from the rest.
    """
    chosen = ReviewFilter(request.GET, user=request.user)
    context: dict[str, Any] = {
        "filter": chosen,
        "why_empty": why_empty(request.user),
        "desk": presenters.address(chosen.query),
    }
    if chosen.is_valid():
        rows = review_queue.waiting(request.user, chosen.filters)
        order = paging.Order(fields=review_queue.keys(chosen.filters), descending=True)
        page = paging.page(
            rows,
            order,
            request.GET,
            listed=listed.events(request.user),
            size=settings.HISTORY_PAGE_SIZE,
        )
        context |= {
            "page": page,
            "rows": [listed.Row(event=each, query=chosen.query) for each in page.rows],
            "count": paging.count(rows.order_by()),
            "show_store": sees_several_stores(request.user),
            "nothing": None if page.rows else _nothing(request, chosen),
        }
    return page_or_part(request, page=WAITING, part=WAITING_PART, context=context)


@never_cache
@require_safe
def reviews_left(request: SignedInRequest) -> HttpResponse:
    """How many wait, for the navigation of every page."""
    number = review_queue.left(request.user, Filters())
    return render(request, "video_classifier/review/_left.html", {"left": number})
