"""The history: what it shows, hides, sorts, and exports."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tests.conftest import EVEN, MakeAnalysis, MakeClip, MakeModel, MakeUser
from video_classifier.http import filters, paging
from video_classifier.http.list_filters import BACKWARDS, NO_MATCH
from video_classifier.models import (
    Analysis,
    AuditEntry,
    Camera,
    Case,
    CaseItem,
    Clip,
    Opened,
    Review,
    Tag,
)
from video_classifier.services import accounts, catalog, openings, reviews
from video_classifier.states import Action, Answer, Prediction, Reason, Role, Status, Verdict

pytestmark = pytest.mark.postgresql

URL = "/history/"
CSV = "/history.csv"


def names(client: Client, query: dict[str, str], *, url: str = URL) -> list[str]:
    """The clips shown, in their order."""
    html = client.get(url, query).content.decode()
    return re.findall(r"data-row-link>([^<]*)<", html)


def rows(client: Client) -> list[str]:
    """The words of each row."""
    html = client.get(URL).content.decode()
    found = re.findall(r"<tr id=.*?</tr>", html, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in found]


@pytest.fixture
def three(
    make_analysis: MakeAnalysis, make_clip: MakeClip, make_user: MakeUser, user: User
) -> User:
    """A possible one of ada's, an unsuspicious one of bob's, and one still waiting."""
    bob = make_user("bob")
    now = timezone.now()
    make_analysis(
        clip=make_clip(name="till.mp4", uploaded_by=user),
        status=Status.DONE,
        score=0.9,
        model="large",
        queued_at=now - timedelta(days=20),
    )
    make_analysis(
        clip=make_clip(name="door.mp4", uploaded_by=bob),
        status=Status.DONE,
        prediction=Prediction.NO_HINT,
        score=0.1,
        queued_at=now - timedelta(days=10),
    )
    make_analysis(clip=make_clip(name="aisle.mp4"), queued_at=now)
    return bob


def day(ago: int) -> str:
    return (timezone.localdate() - timedelta(days=ago)).isoformat()


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["till.mp4", "aisle.mp4", "door.mp4"]),  # an unread hint is on top
        ({"sort": "-added"}, ["aisle.mp4", "door.mp4", "till.mp4"]),
        ({"text": "OO"}, ["door.mp4"]),
        ({"hint": "yes"}, ["till.mp4"]),
        ({"hint": "no"}, ["door.mp4"]),
        ({"hint": "none"}, []),
        ({"status": "queued"}, ["aisle.mp4"]),
        ({"model": "large"}, ["till.mp4"]),
        ({"text": "o", "hint": "no"}, ["door.mp4"]),
        ({"since": day(10)}, ["aisle.mp4", "door.mp4"]),
        ({"until": day(10)}, ["till.mp4", "door.mp4"]),
        ({"since": day(15), "until": day(5), "hint": "no"}, ["door.mp4"]),
        ({"hint": "yes", "status": "queued"}, []),
    ],
)
def test_shows_what_the_filters_ask(
    client: Client, query: dict[str, str], found: list[str]
) -> None:
    assert names(client, query) == found


def test_filters_by_uploader(client: Client, three: User) -> None:
    query = {"uploader": str(three.pk)}

    assert names(client, query) == ["door.mp4"]
    assert "Uploader: bob" in client.get(URL, query).content.decode()


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("clip", ["aisle.mp4", "door.mp4", "till.mp4"]),
        ("-clip", ["till.mp4", "door.mp4", "aisle.mp4"]),
        ("added", ["till.mp4", "door.mp4", "aisle.mp4"]),
        ("score", ["door.mp4", "till.mp4", "aisle.mp4"]),
        ("-score", ["till.mp4", "door.mp4", "aisle.mp4"]),
        ("uploader", ["till.mp4", "door.mp4", "aisle.mp4"]),
        ("-uploader", ["door.mp4", "till.mp4", "aisle.mp4"]),
    ],
)
def test_sorts_by_a_column(client: Client, sort: str, order: list[str]) -> None:
    assert names(client, {"sort": sort}) == order


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ({"hint": "maybe"}, "Result"),
        ({"verdict": "shoplifter"}, "Verdict"),  # of an old bookmark
        ({"status": "\x00"}, "Status"),
        ({"model": "gone"}, "Model"),
        ({"model": "../.."}, "Model"),
        ({"uploader": "99999"}, "Uploader"),
        ({"uploader": "9" * 400}, "Uploader"),
        ({"uploader": "x"}, "Uploader"),
        ({"since": "yesterday"}, "From"),
        ({"since": "2026-02-30"}, "From"),
        ({"until": "31.31.2020"}, "To"),
        ({"text": "x" * 10_000}, "Search"),
        ({"text": "\x00"}, "Search"),
        ({"model": "gone", "hint": "maybe", "status": "queued"}, "Result, Model"),
    ],
)
def test_an_invalid_filter_finds_nothing_and_says_so(
    client: Client, make_analysis: MakeAnalysis, query: dict[str, str], label: str
) -> None:
    make_analysis(name="till.mp4")

    html = client.get(URL, query).content.decode()

    assert "data-row-link" not in html
    assert f"not valid: {label}." in html
    assert "Clear all filters" in html
    assert len(client.get(CSV, query).getvalue().splitlines()) == 1


def test_an_invalid_filter_can_be_removed_alone(client: Client) -> None:
    html = client.get(URL, {"model": "gone", "status": "queued"}).content.decode()

    assert 'href="?status=queued" title="Remove this filter">Model: not valid' in html
    assert 'href="?model=gone" title="Remove this filter">Status: Waiting' in html


@pytest.mark.parametrize(
    "query",
    [
        {"since": "0001-01-01"},
        {"until": "9999-12-31"},
        {"sort": "clip__file"},
        {"sort": "password,,-"},
        {"sort": ",,"},
        {"page": "3"},  # of an old bookmark
        {"after": "9" * 5000},
        {"after": "\x00"},
        {"before": str(uuid.UUID(int=7))},
        {"nonsense": "1"},
    ],
)
def test_what_hides_nothing_is_harmless(
    client: Client, make_analysis: MakeAnalysis, query: dict[str, str]
) -> None:
    make_analysis(name="till.mp4")

    assert names(client, query) == ["till.mp4"]
    assert b"till.mp4" in client.get(CSV, query).getvalue()


def test_clips_without_a_result_can_be_found(client: Client, make_analysis: MakeAnalysis) -> None:
    make_analysis(name="till.mp4", status=Status.DONE)
    make_analysis(
        name="black.mp4",
        status=Status.DONE,
        prediction=Prediction.NO_RESULT,
        reason="It is black.",
        score=None,
    )

    assert names(client, {"hint": "none"}) == ["black.mp4"]


# One row a clip


def analyzed_twice(make_analysis: MakeAnalysis) -> tuple[Analysis, Analysis]:
    first = make_analysis(name="till.mp4", status=Status.DONE, is_latest=False)
    return first, make_analysis(clip=first.clip, status=Status.DONE, score=0.6)


def test_a_clip_has_one_row_with_its_latest_result(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    _, latest = analyzed_twice(make_analysis)

    html = client.get(URL).content.decode()

    assert keys(html) == [str(latest.pk)]
    address = f"/results/{latest.pk}/?list=sort%3Dhint#runs-title"
    assert f'href="{address}" aria-label="2 results of till.mp4"' in html
    assert len(client.get(CSV).getvalue().splitlines()) == 2


def test_all_results_of_each_clip_are_shown_on_demand(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    first, latest = analyzed_twice(make_analysis)

    html = client.get(URL, {"results": "all"}).content.decode()

    assert keys(html) == [str(first.pk), str(latest.pk)]  # by score


def test_hints_come_first_and_the_newest_of_each_kind(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    now = timezone.now()
    for ago, (name, prediction) in enumerate(
        [("none", Prediction.NO_HINT), ("new", Prediction.HINT), ("old", Prediction.HINT)]
    ):
        queued_at = now - timedelta(hours=ago)
        make_analysis(name=name, prediction=prediction, status=Status.DONE, queued_at=queued_at)
    make_analysis(name="waits", queued_at=now - timedelta(hours=9))

    assert names(client, {"sort": "hint"}) == ["new", "old", "waits", "none"]
    assert names(client, {"sort": "-hint"}) == ["none", "waits", "old", "new"]


def test_unread_hints_are_on_top_until_they_are_opened_or_answered(
    client: Client, make_analysis: MakeAnalysis, user: User
) -> None:
    now = timezone.now()
    hints = [
        make_analysis(name=name, status=Status.DONE, queued_at=now - timedelta(hours=ago))
        for name, ago in (("opened", 2), ("answered", 3))
    ]
    plain = Prediction.NO_HINT
    make_analysis(name="new", status=Status.DONE, prediction=plain, queued_at=now)

    assert names(client, {}) == ["opened", "answered", "new"]

    openings.note(hints[0].clip, user)
    assert names(client, {}) == ["opened", "answered", "new"]
    Clip.objects.filter(pk=hints[1].clip_id).update(verdict=Verdict.FALSE_ALARM)
    assert names(client, {}) == ["new", "opened", "answered"]


@pytest.mark.parametrize("sort", ["hint", "-hint"])
def test_hints_are_in_the_order_of_their_scores_and_false_alarms_stand_below_the_others(
    client: Client, make_analysis: MakeAnalysis, settings: Settings, sort: str
) -> None:
    settings.HISTORY_PAGE_SIZE = 1  # so that each page begins where another one ends
    now = timezone.now()
    for hours, (name, prediction, score, verdict) in enumerate(
        (
            ("false alarm", Prediction.HINT, 0.99, Verdict.FALSE_ALARM),
            ("hint", Prediction.HINT, 0.7, ""),
            ("older hint", Prediction.HINT, 0.7, ""),
            ("confirmed", Prediction.HINT, 0.9, Verdict.CONFIRMED),
            ("no hint", Prediction.NO_HINT, 0.1, ""),
            ("older, no hint", Prediction.NO_HINT, 0.2, ""),
        )
    ):
        at = now - timedelta(hours=hours)
        made = make_analysis(
            name=name, status=Status.DONE, prediction=prediction, score=score, queued_at=at
        )
        Clip.objects.filter(pk=made.clip_id).update(verdict=verdict)
    for hours in (7, 6):
        at = now - timedelta(hours=hours)
        make_analysis(name=f"{hours}h", queued_at=at)  # without a score yet

    found, query = [], {"sort": sort}
    while query:
        page = client.get(URL, query).context["page"]
        found += [each.clip.name for each in page.rows]
        query = {"sort": sort, "after": str(page.after)} if page.after else {}

    hints, rest = ["confirmed", "hint", "older hint"], ["no hint", "older, no hint"]
    order = [*hints, "6h", "7h", "false alarm", *rest]
    assert found == (order if sort == "hint" else order[::-1])


def test_the_order_with_hints_on_top_stands_in_all_that_leads_on(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    make_analysis(name="till.mp4", status=Status.DONE)

    html = client.get(URL, {"text": "till"}).content.decode()

    assert 'data-shown-as="/history/?text=till&amp;sort=hint"' in html
    assert "?list=text%3Dtill%26sort%3Dhint" in html
    assert 'href="/history.csv?text=till&amp;sort=hint"' in html
    assert '<th scope="col" class="history__hint" aria-sort="ascending">' in html
    assert "data-shown-as" not in client.get(URL, {"sort": "-added"}).content.decode()


@pytest.fixture
def _all_over(make_analysis: MakeAnalysis, user: User) -> None:
    """A clip for each place in which a text is looked for."""
    made = {
        name: make_analysis(name=name, status=Status.DONE, model=model)
        for name, model in dict.fromkeys(("camera", "note", "case", "tag"), "large").items()
    }
    make_analysis(name="model", status=Status.DONE, model="i3d_person")
    store = made["camera"].clip.store
    accounts.join(user, store, Role.REVIEWER)
    camera = Camera.objects.create(store=store, name="Backdoor")
    Clip.objects.filter(pk=made["camera"].clip_id).update(camera=camera)
    Review.objects.create(
        clip=made["note"].clip, answer=Answer.UNSURE, note="Red umbrella", by=user
    )
    case = Case.objects.create(store=store, name="Perfume, third shelf")
    CaseItem.objects.create(case=case, clip=made["case"].clip)
    Tag.objects.create(store=store, name="holidays").clips.add(made["tag"].clip)


@pytest.mark.usefixtures("_all_over")
@pytest.mark.parametrize("most", [filters.A_FEW, 0])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("backdoor", "camera"),
        ("UMBRELLA", "note"),
        ("perfume", "case"),
        ("holi", "tag"),
        ("i3d", "model"),
    ],
)
def test_a_text_is_looked_for_wherever_people_know_it_from(
    client: Client, monkeypatch: pytest.MonkeyPatch, text: str, found: str, most: int
) -> None:
    """Whether few match, or so many that rows are walked over."""
    monkeypatch.setattr(filters, "A_FEW", most)

    assert names(client, {"text": text}) == [found]


@pytest.mark.usefixtures("_all_over")
def test_who_does_not_work_on_cases_finds_nothing_by_their_names(
    client: Client, user: User
) -> None:
    user.memberships.exclude(role=Role.ANALYST).delete()

    assert names(client, {"text": "perfume"}) == []
    assert names(client, {"text": "umbrella"}) == ["note"]


@pytest.mark.parametrize(
    ("verdict", "found"),
    [
        *(("none", ["open.mp4"]), ("confirmed", ["seen.mp4"]), ("disputed", [])),
        ("missed", ["marked.mp4"]),
    ],
)
def test_filters_by_what_people_said(
    client: Client, user: User, make_analysis: MakeAnalysis, verdict: str, found: list[str]
) -> None:
    answered = make_analysis(name="seen.mp4", status=Status.DONE)
    make_analysis(name="open.mp4", status=Status.DONE)
    Clip.objects.filter(pk=answered.clip_id).update(verdict=Verdict.CONFIRMED)
    marked = make_analysis(name="marked.mp4", status=Status.DONE).clip
    reviews.answer(None, marked, user, answer=Answer.MISSED, start=0.5, end=1.5)

    assert names(client, {"verdict": verdict}) == found


def test_false_alarms_are_found_by_their_reason_which_stands_with_the_verdict(
    client: Client, user: User, make_analysis: MakeAnalysis
) -> None:
    for reason in (Reason.STAFF, Reason.PUT_BACK, ""):
        clip = make_analysis(name=f"{reason or 'none'}.mp4", status=Status.DONE).clip
        reviews.answer(None, clip, user, answer=Answer.FALSE_ALARM, reason=reason)
    withdrawn = make_analysis(name="withdrawn.mp4", status=Status.DONE).clip
    said = reviews.answer(None, withdrawn, user, answer=Answer.FALSE_ALARM, reason=Reason.STAFF)
    reviews.undo(said, user)

    html = client.get(URL, {"reason": Reason.STAFF}).content.decode()

    assert names(client, {"reason": Reason.STAFF}) == ["staff.mp4"]
    assert names(client, {"reason": "guilty"}) == []
    assert '<span class="verdict-badge__reason">Staff</span>' in html
    assert client.get(URL).content.decode().count("verdict-badge__reason") == 2


def test_rows_that_were_answered_or_not_opened_yet_look_different(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    analysis = make_analysis(status=Status.DONE)
    before = client.get(URL).content.decode()

    client.get(analysis.get_absolute_url())
    client.get(analysis.get_absolute_url())
    Clip.objects.update(verdict=Verdict.FALSE_ALARM)
    after = client.get(URL).content.decode()

    assert (" data-new" in before, "not opened yet" in before) == (True, True)
    assert " data-new" not in after
    assert "data-answered" in after
    assert "False alarm</span>" in after
    assert Opened.objects.count() == 1


def test_a_page_that_asks_for_its_parts_is_not_opened_by_that(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    client.get(make_analysis().get_absolute_url(), headers={"HX-Request": "true"})

    assert not Opened.objects.exists()


def test_a_row_shows_prediction_score_and_confidence(
    client: Client, make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    make_model(confidence=EVEN)
    known = catalog.usable("standard").sha256
    make_analysis(status=Status.DONE, score=0.75, model_sha256=known)

    (row,) = rows(client)

    assert "Possible shoplifting 0.75 Confidence 75% (50 to 90)" in row


def test_without_a_known_confidence_a_row_shows_a_dash(
    client: Client, make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    make_model(confidence=EVEN)
    make_analysis(status=Status.DONE, score=0.75, model_sha256="0" * 64)

    (row,) = rows(client)

    assert "0.75 Confidence \N{EN DASH}" in row


def test_no_address_of_the_history_calls_anybody_a_shoplifter(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    make_analysis(status=Status.DONE)

    assert "shoplifter" not in client.get(URL, {"hint": "yes"}).content.decode()


SORTS = ("added", "clip", "hint", "score", "model", "uploader")


def scored(number: int) -> dict[str, Any]:
    return {"score": 0.5 + number % 5 / 10} if number % 4 else {}


@pytest.fixture
def alike(
    make_analysis: MakeAnalysis, make_clip: MakeClip, make_user: MakeUser, user: User
) -> list[Analysis]:
    """Rows of which several have the same in each column, or nothing."""
    uploaders, now = (user, make_user("bob"), None), timezone.now()
    return [
        make_analysis(
            clip=make_clip(name=f"{number % 4}.mp4", uploaded_by=uploaders[number % 3]),
            queued_at=now - timedelta(minutes=number // 2),
            model=f"model {number % 2}",
            status=Status.DONE if number % 4 else Status.FAILED,
            **scored(number),
        )
        for number in range(17)
    ]


@pytest.mark.parametrize("sort", [each for name in SORTS for each in (name, f"-{name}")])
def test_pages_hold_each_row_once_in_the_order_of_the_export(
    client: Client, alike: list[Analysis], settings: Settings, sort: str
) -> None:
    settings.HISTORY_PAGE_SIZE = 5
    lines = client.get(CSV, {"sort": sort}).getvalue().decode("utf-8-sig").splitlines()[1:]
    wanted = [line.split(",")[0] for line in lines]

    pages, address = [], f"{URL}?sort={sort}"
    while address:
        pages.append(client.get(address).content.decode())
        address = link_of(pages[-1], "next")
    back: list[str] = []
    while address := link_of(pages[-1] if not back else back[-1], "prev"):
        back.append(client.get(address).content.decode())

    assert [key for page in pages for key in keys(page)] == wanted
    assert len(pages) == 4
    assert [keys(page) for page in reversed(back)] == [keys(page) for page in pages[:3]]


def keys(html: str) -> list[str]:
    return re.findall(r'<tr id="row-([0-9a-f-]+)"', html)


def link_of(html: str, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', html)
    return URL + found[1].replace("&amp;", "&") if found else ""


def test_rows_that_come_in_push_none_to_the_next_page(
    client: Client, make_analysis: MakeAnalysis, settings: Settings
) -> None:
    settings.HISTORY_PAGE_SIZE = 2
    for number in range(4):
        make_analysis(name=f"{number}.mp4")
    first = client.get(URL).content.decode()
    make_analysis(name="new.mp4")

    following = client.get(link_of(first, "next")).content.decode()

    assert re.findall(r"data-row-link>([^<]*)<", following) == ["1.mp4", "0.mp4"]


def test_nobody_counts_more_than_they_need_to_know(
    client: Client, make_analysis: MakeAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST_COUNTED", 2)
    for _ in range(2):
        make_analysis()
    exactly = client.get(URL).content.decode()
    make_analysis()

    more = client.get(URL).content.decode()

    assert 'data-announce="2 found"' in exactly
    assert 'data-announce="More than 2 found"' in more


@pytest.mark.parametrize(("few", "many"), [(1000, 10_000), (1, 10_000), (1, 2)])
def test_filters_of_clips_find_the_same_whichever_way_is_taken(
    client: Client, alike: list[Analysis], monkeypatch: pytest.MonkeyPatch, few: int, many: int
) -> None:
    monkeypatch.setattr(filters, "A_FEW", few)
    monkeypatch.setattr(filters, "MANY", many)

    found = names(client, {"text": "2.MP4", "status": "done", "sort": "added"})

    assert found == ["2.mp4"] * 4


def test_a_filter_in_force_can_be_taken_away_alone(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    make_analysis(name="till.mp4")

    html = client.get(URL, {"text": "till", "status": "queued", "after": "3"}).content.decode()

    assert 'href="?status=queued" title="Remove this filter">Search: till' in html
    assert 'href="?text=till" title="Remove this filter">Status: Waiting' in html


def test_says_what_to_do_when_there_is_nothing(client: Client) -> None:
    assert "Upload clips" in client.get(URL).content.decode()
    assert "Clear all filters" in client.get(URL, {"text": "x"}).content.decode()


def test_days_that_end_before_they_begin_are_told(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    make_analysis()

    backwards = client.get(URL, {"since": day(1), "until": day(2)}).content.decode()
    none = client.get(URL, {"since": day(9), "until": day(9)}).content.decode()

    assert BACKWARDS in backwards
    assert BACKWARDS not in none
    assert NO_MATCH.format("result") in none


def test_htmx_gets_the_table_alone(client: Client, make_analysis: MakeAnalysis) -> None:
    make_analysis()

    part = client.get(URL, headers={"HX-Request": "true"})
    whole = client.get(URL)

    assert part.content.lstrip().startswith(b'<section id="history"')
    assert part.content.strip() in whole.content
    assert "HX-Request" in part["Vary"]
    assert "HX-Request" in whole["Vary"]


def test_a_name_is_text_and_never_markup(client: Client, make_analysis: MakeAnalysis) -> None:
    make_analysis(name="<script>alert('1')</script>.mp4")

    for headers in ({}, {"HX-Request": "true"}):
        html = client.get(URL, {"text": "<script>"}, headers=headers).content.decode()
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert" in html


def test_offers_to_delete_only_what_one_may_delete(
    client: Client, make_analysis: MakeAnalysis, make_clip: MakeClip, user: User
) -> None:
    own = make_analysis(clip=make_clip(uploaded_by=user))
    other = make_analysis()

    html = client.get(URL).content.decode()

    assert f"/clips/{own.clip_id}/delete/" in html
    assert f"/clips/{other.clip_id}/delete/" not in html


def test_queries_do_not_grow_with_the_rows(
    client: Client,
    make_analysis: MakeAnalysis,
    make_clip: MakeClip,
    make_user: MakeUser,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(10):
        uploader = make_user(f"user{number}")
        make_analysis(clip=make_clip(uploaded_by=uploader), requested_by=uploader)

    # Each row says whether it was opened and how many results its clip has without another query.
    # session, user, permissions (2) and memberships, which rows, the rows and the count, the
    # choices of models, cameras and uploaders, whether there are cameras that are watched;
    # saved views, and stores to share one in;
    # tags to choose from, and those of the rows; cases to add to; whether a hint is unread
    with django_assert_num_queries(19):
        client.get(URL)


@pytest.mark.usefixtures("three")
def test_exports_exactly_what_is_filtered_in_its_order(client: Client) -> None:
    response = client.get(CSV, {"status": "done", "sort": "clip", "after": "7"})

    rows = response.getvalue().decode("utf-8-sig").splitlines()
    assert [re.findall(r"\w+\.mp4", row) for row in rows[1:]] == [["door.mp4"], ["till.mp4"]]
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        r'attachment; filename="analyses-\d{4}-\d\d-\d\d.csv"', response["Content-Disposition"]
    )


def test_exports_with_semicolons_on_demand(client: Client, make_analysis: MakeAnalysis) -> None:
    make_analysis(name="till.mp4")

    response = client.get(CSV, {"text": "till", "separator": "semicolon"})

    header, row = response.getvalue().decode("utf-8-sig").splitlines()
    assert header.startswith("analysis;clip;store;camera;sha256;")
    assert ";till.mp4;" in row


def test_the_page_links_the_export_of_what_it_shows(client: Client) -> None:
    html = client.get(URL, {"text": "till", "after": "2"}).content.decode()

    for name in ("history", "events"):
        assert f'href="/{name}.csv?text=till"' in html
        assert f'href="/{name}.csv?text=till&amp;separator=semicolon"' in html
        assert f'href="/{name}.xlsx?text=till"' in html


# What the audit log notes of an export


def test_an_export_is_noted_with_its_rows_and_filters(
    client: Client, three: User, user: User
) -> None:
    query = {"status": "done", "uploader": str(three.pk), "since": day(15), "text": "door"}

    client.get(CSV, query | {"sort": "-score"}).getvalue()

    entry = AuditEntry.objects.get(action=Action.EXPORTED)
    assert (entry.actor, entry.object_type) == (user.pk, "analyses")
    assert entry.details == {
        "rows": 1,
        "filters": {
            "status": "done",
            "uploader": str(three.pk),
            "since": day(15),
            "text": "typed",
            "sort": "-score",
        },
    }


def test_looking_and_asking_for_the_head_are_no_exports(client: Client) -> None:
    client.get(URL)
    client.head(CSV)

    assert not AuditEntry.objects.filter(action=Action.EXPORTED).exists()
