"""Filters under a name."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tests.conftest import MakeStore, MakeUser
from video_classifier.models import SavedView
from video_classifier.services import saved_views
from video_classifier.services.errors import Refused
from video_classifier.states import ListPage

HISTORY = ListPage.HISTORY


def test_a_view_keeps_its_filters(user: User) -> None:
    view = saved_views.save(user, HISTORY, name=" Late  shift \u202e🎥", query="hint=yes")

    assert (view.name, view.query) == ("Late shift \u202e🎥", "hint=yes")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (" ", saved_views.NO_NAME),
        ("\0", saved_views.NO_NAME),
        ("x" * 61, saved_views.TOO_LONG),
        ("there", saved_views.SAME_NAME),
    ],
)
def test_a_name_has_to_be_one(user: User, name: str, sentence: str) -> None:
    saved_views.save(user, HISTORY, name="there", query="")

    with pytest.raises(Refused, match=sentence.split(".", maxsplit=1)[0]):
        saved_views.save(user, HISTORY, name=name, query="")


def test_nobody_has_too_many(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MOST", 1)
    saved_views.save(user, HISTORY, name="first", query="")

    with pytest.raises(Refused):
        saved_views.save(user, HISTORY, name="second", query="")


def test_no_store_has_too_many_shared_ones(
    user: User, make_user: MakeUser, make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_views, "MOST_SHARED", 1)
    store = make_store()
    saved_views.save(make_user("dana"), ListPage.HISTORY, name="hers", query="", shared_in=store)

    with pytest.raises(Refused, match="shared views"):
        saved_views.save(user, ListPage.HISTORY, name="ours", query="", shared_in=store)

    assert saved_views.save(user, ListPage.HISTORY, name="ours", query="").shared_in is None


def test_a_shared_view_is_seen_in_its_store_and_a_private_one_by_its_owner(
    user: User, make_user: MakeUser, make_store: MakeStore
) -> None:
    saved_views.save(user, HISTORY, name="shared", query="", shared_in=make_store())
    saved_views.save(user, HISTORY, name="private", query="")
    colleague, stranger = make_user("bob"), make_user("eve", store=make_store("North"))

    def seen(who: User) -> list[str]:
        return [each.name for each in SavedView.objects.open_to(who)]

    assert (seen(user), seen(colleague), seen(stranger)) == (["private", "shared"], ["shared"], [])
