"""Several clips of the history at once, and tags."""

from __future__ import annotations

import re
from html import unescape
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import MakeAnalysis, MakeClip, MakeModel, MakeStore, MakeUser
from tests.databases import together
from video_classifier.models import Analysis, Case, Clip, Tag
from video_classifier.services import bulk, cases, tags
from video_classifier.services.errors import Refused
from video_classifier.states import Role, Status
from video_classifier.web.views.bulk import NO_CASE, NONE, TOO_LATE, TOO_MANY

BULK = "/history/bulk/"


@pytest.fixture
def clips(make_analysis: MakeAnalysis, make_clip: MakeClip, user: User) -> list[Clip]:
    """Two of the user's and one of somebody else's."""
    made = [make_clip(name=f"{n}.mp4", uploaded_by=user if n < 2 else None) for n in range(3)]
    for clip in made:
        make_analysis(clip=clip, status=Status.DONE, model="standard")
    return made


def do(client: Client, what: str, clips: list[Clip], **more: str) -> str:
    query = {"do": what, "clip": [str(each.pk) for each in clips], **more}
    return client.post(BULK, query, follow=True).content.decode()


def undo(client: Client, html: str) -> str:
    found = re.search(r'action="(/history/bulk/undo/[^"]+)"', html)
    assert found is not None
    return client.post(found[1], follow=True).content.decode()


def test_what_may_be_deleted_goes_to_the_trash_and_comes_back(
    client: Client, clips: list[Clip]
) -> None:
    html = do(client, "trash", clips)

    assert "2 clips moved to the trash." in html
    assert "1 clip left, as you may not delete it." in html
    assert set(Clip.objects.kept()) == {clips[2]}
    assert "2 clips restored." in undo(client, html)
    assert Clip.objects.kept().count() == 3


def test_clips_are_tagged_and_tags_taken_off_where_they_are_new(
    client: Client, clips: list[Clip]
) -> None:
    tags.put(clips[:1], "Bags")

    html = do(client, "tag", clips, tag=" bags ")
    tagged = Tag.objects.get().clips.count()
    undo(client, html)

    assert tagged == 3
    assert list(Tag.objects.get().clips.all()) == clips[:1]


def test_clips_are_analyzed_again_and_the_analyses_cancelled(
    client: Client, clips: list[Clip], make_model: MakeModel
) -> None:
    make_model()

    html = do(client, "again", clips)
    queued = Analysis.objects.filter(status=Status.QUEUED).count()

    assert "3 clips will be analyzed again." in html
    assert queued == 3
    assert "3 of 3 analyses cancelled." in undo(client, html)
    assert Analysis.objects.filter(status=Status.CANCELLED).count() == 3


def test_a_refusal_leaves_the_others_as_they_are(client: Client, clips: list[Clip]) -> None:
    html = do(client, "again", clips)  # there is no model

    assert "3 clips left." in html
    assert "Undo" not in html


@pytest.fixture
def case(make_store: MakeStore, user: User) -> Case:
    return Case.objects.create(store=make_store(), name="Perfume", opened_by=user)


def test_clips_are_added_to_a_case_and_taken_out_where_they_are_new(
    client: Client, clips: list[Clip], case: Case, user: User
) -> None:
    cases.add_clip(case, clips[0], by=user)

    page = client.get("/history/").content.decode()
    html = do(client, "case", clips, case=str(case.pk))
    held = do(client, "trash", clips[1:2])
    taken = undo(client, html)

    assert f'<option value="{case.pk}">Perfume</option>' in page
    assert "2 clips added to the case." in html
    assert "1 clip left. It is in “Perfume” already." in unescape(html)
    assert "because it is in a case: “Perfume”" in unescape(held)
    assert "2 clips taken out of the case again." in taken
    assert [item.clip for item in case.items.all()] == clips[:1]


def test_clips_of_another_store_are_not_added(
    client: Client, clips: list[Clip], make_clip: MakeClip, make_store: MakeStore, user: User
) -> None:
    north = make_store("North")
    user.memberships.create(store=north, role=Role.REVIEWER)
    case = Case.objects.create(store=north, name="Perfume")

    html = do(client, "case", [clips[0], make_clip(store=north)], case=str(case.pk))

    assert "1 clip added to the case." in html
    assert "1 clip left. “0.mp4” is of another store than “Perfume”." in unescape(html)


def test_a_case_that_was_closed_meanwhile_keeps_its_clips(
    client: Client, clips: list[Clip], case: Case, user: User
) -> None:
    html = do(client, "case", clips[:1], case=str(case.pk))
    cases.close(case, by=user)

    assert "“Perfume” is closed. Reopen it first." in unescape(undo(client, html))
    assert "1 clip left. “Perfume” is closed." in unescape(
        do(client, "case", clips[1:2], case=str(case.pk))
    )
    assert str(case.pk) not in client.get("/history/").content.decode()
    assert case.items.count() == 1


@pytest.mark.parametrize("asked", ["", "x", "\0", str(UUID(int=7))])
def test_a_case_that_is_not_there_takes_nothing(
    client: Client, clips: list[Clip], asked: str
) -> None:
    assert NO_CASE in do(client, "case", clips, case=asked)


def test_nobody_adds_to_cases_that_they_do_not_work_on(
    client: Client, clips: list[Clip], case: Case, user: User
) -> None:
    user.memberships.exclude(role=Role.ANALYST).delete()

    assert NO_CASE in do(client, "case", clips, case=str(case.pk))
    assert "bulk-case" not in client.get("/history/").content.decode()
    assert not case.items.exists()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"do": "trash"}, NONE),
        ({"do": "trash", "clip": ["x", ""]}, NONE),
        ({"do": "tag", "clip": [str(uuid4())], "tag": ""}, tags.NO_NAME),
        ({"do": "trash", "clip": [str(uuid4()) for _ in range(bulk.MOST + 1)]}, TOO_MANY),
    ],
)
def test_what_makes_no_sense_is_told(
    client: Client, query: dict[str, object], sentence: str
) -> None:
    assert sentence in client.post(BULK, query, follow=True).content.decode()


def test_clips_of_other_stores_stay_as_they_are(
    client: Client, make_clip: MakeClip, make_store: MakeStore
) -> None:
    other = make_clip(store=make_store("North"))

    do(client, "trash", [other])
    do(client, "tag", [other], tag="x")

    assert Clip.objects.kept().filter(pk=other.pk).exists()
    assert not Tag.objects.exists()


def test_nobody_undoes_what_somebody_else_did(
    client: Client, clips: list[Clip], make_user: MakeUser
) -> None:
    html = do(client, "trash", clips[:2])
    client.force_login(make_user("bob", roles=[Role.MANAGER]))

    assert TOO_LATE in undo(client, html)
    assert TOO_LATE in client.post(f"{BULK}undo/forged/", follow=True).content.decode()
    assert Clip.objects.in_trash().count() == 2


# Tags


def test_a_tag_is_put_on_and_taken_off_on_the_page_of_a_result(
    client: Client, clips: list[Clip]
) -> None:
    address = clips[0].analyses.get().get_absolute_url()

    client.post(f"/clips/{clips[0].pk}/tags/", {"put": "<b>🎒 \u202etag", "next": address})
    html = client.get(address).content.decode()
    client.post(f"/clips/{clips[0].pk}/tags/", {"take": "<b>🎒 \u202etag"})

    assert "&lt;b&gt;🎒" in html
    assert "<b>🎒" not in html
    assert not Tag.objects.exists()


def test_the_history_filters_by_tag(client: Client, clips: list[Clip]) -> None:
    tags.put(clips[:2], "bags")

    html = client.get("/history/", {"tag": "bags"}).content.decode()

    assert set(re.findall(r"data-row-link>([^<]*)<", html)) == {"0.mp4", "1.mp4"}
    assert "not valid: Tag." in client.get("/history/", {"tag": "gone"}).content.decode()


def test_tags_are_of_their_store(make_clip: MakeClip, make_store: MakeStore) -> None:
    both = [make_clip(), make_clip(store=make_store("North"))]

    assert len(tags.put(both, "bags")) == 2
    assert tags.put(both, "BAGS") == []
    assert Tag.objects.count() == 2


@pytest.mark.parametrize(("name", "sentence"), [(" \0", tags.NO_NAME), ("x" * 31, tags.TOO_LONG)])
def test_a_tag_has_to_be_a_word(make_clip: MakeClip, name: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence[:12]):
        tags.put([make_clip()], name)


def test_what_was_written_with_spaces_is_taken_off_again(client: Client, clips: list[Clip]) -> None:
    html = do(client, "tag", clips, tag=" blue \0  bags")
    assert Tag.objects.get().name == "blue bags"

    undo(client, html)

    assert not Tag.objects.exists()


def test_a_tag_with_a_null_byte_is_on_nothing(client: Client, clips: list[Clip]) -> None:
    tags.put(clips, "bags")

    assert client.post(f"/clips/{clips[0].pk}/tags/", {"take": "b\0x"}).status_code == 302

    assert Tag.objects.get().clips.count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_tag_is_put_on_while_it_is_taken_off(make_clip: MakeClip) -> None:
    first, second = make_clip(), make_clip()
    for _ in range(10):
        tags.put([first], "bags")
        turns = iter((lambda: tags.take([first], "bags"), lambda: tags.put([second], "BAGS")))

        together(lambda turns=turns: next(turns)(), times=2)  # type: ignore[misc]

        assert list(Tag.objects.get().clips.all()) == [second]
        tags.take([second], "bags")


@pytest.mark.django_db(transaction=True)
def test_a_clip_that_goes_meanwhile_is_not_tagged(make_clip: MakeClip) -> None:
    clip, other = make_clip(), make_clip()
    Clip.objects.filter(pk=clip.pk).delete()

    assert tags.put([clip, other], "bags") == [other.pk]


def test_a_store_has_so_many_tags(make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "MOST", 1)
    clip = make_clip()
    tags.put([clip], "first")

    with pytest.raises(Refused):
        tags.put([clip], "second")
