"""Filters of a list under a name: one's own, or shared with a store."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from video_classifier.models import SavedView, Store
from video_classifier.services.errors import Refused
from video_classifier.states import ListPage

MOST = 20  # of one user and list
MOST_SHARED = 30  # of a store and list: everybody there sees them, and has them counted
LONGEST_NAME = 60
TOO_MANY = f"You have {MOST} views, which is as many as one may have. Delete one first."
TOO_MANY_SHARED = (
    f"{{store}} has {MOST_SHARED} shared views, which is as many as it may have. Save this one for "
    "yourself, or have somebody delete theirs."
)
NO_NAME = "A view needs a name."
TOO_LONG = f"The name of a view has at most {LONGEST_NAME} characters."
SAME_NAME = "You have a view of that name. Choose another one, or delete it first."


@transaction.atomic
def save(
    owner: User, page: ListPage, *, name: str, query: str, shared_in: Store | None = None
) -> SavedView:
    """Raises Refused."""
    name = " ".join(name.replace("\0", "").split())
    if not name:
        raise Refused(NO_NAME)
    if len(name) > LONGEST_NAME:
        raise Refused(TOO_LONG)
    User.objects.select_for_update(no_key=True).filter(pk=owner.pk).first()  # two tabs at once
    own = SavedView.objects.filter(owner=owner, page=page)
    if own.filter(name=name).exists():
        raise Refused(SAME_NAME)
    if own.count() >= MOST:
        raise Refused(TOO_MANY)
    if shared_in is not None:
        Store.objects.select_for_update(no_key=True).filter(pk=shared_in.pk).first()
        shared = SavedView.objects.filter(shared_in=shared_in, page=page)
        if shared.count() >= MOST_SHARED:
            raise Refused(TOO_MANY_SHARED.format(store=shared_in))
    return own.create(owner=owner, page=page, name=name, query=query, shared_in=shared_in)
