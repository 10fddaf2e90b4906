"""The review queue: what is shown, what is saved, who is told of what."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from tests.conftest import MakeAnalysis, MakeClip, MakeStore, MakeUser
from tests.makers.events import make_result_event
from video_classifier.models import (
    Camera,
    Clip,
    Event,
    Opened,
    Preferences,
    Review,
    SegmentCopy,
    Visit,
)
from video_classifier.services import reviews, trash
from video_classifier.states import (
    Answer,
    Playback,
    Prediction,
    Reason,
    Role,
    Status,
    Verdict,
)

pytestmark = pytest.mark.postgresql

PART = {"HX-Request": "true", "HX-Target": "answered"}
ADDRESS = "/review/"


@pytest.fixture(autouse=True)
def _nothing_blind(settings: Settings) -> None:
    settings.REVIEW_BLIND = 0.0


@pytest.fixture
def event(make_analysis: MakeAnalysis) -> Event:
    return make_result_event(make_analysis(status=Status.DONE))


def page(client: Client, address: str = ADDRESS) -> str:
    return client.get(address).content.decode()


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None
    return found[1]


def form(html: str, answer: str, **more: str) -> dict[str, str]:
    """What a press of a button sends."""
    return {"token": hidden(html, "token"), "answer": answer, **more}


def answered_line(html: str) -> str:
    return html.partition('<div id="answered"')[2].partition('<div id="current"')[0]


def test_an_event_is_shown_with_its_answers(client: Client, event: Event) -> None:
    html = page(client)

    assert "<strong data-left-shown>1 left</strong>" in html
    assert re.findall(r'name="answer" value="(\w+)"', html) == list(Answer.values[:3])
    assert f'src="{reverse("web:clip-file", args=[event.analysis.clip_id])}#t=0.000"' in html
    assert 'data-loops-from="0.000" data-loops-until="2.000"' in html
    assert Visit.objects.get().event == event


def test_playing_starts_two_seconds_before_the_peak(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    analysis = make_analysis(status=Status.DONE)
    type(analysis.clip).objects.update(duration=60.0)
    make_result_event(analysis, start=10.0, end=20.0, peak=17.5)

    html = page(client)

    assert 'data-plays-from="15.500"' in html
    assert 'data-loops-from="10.000" data-loops-until="20.000"' in html


def test_an_answer_is_saved_and_the_next_is_shown(client: Client, event: Event) -> None:
    sent = form(page(client), Answer.CONFIRMED, note="He waited.", seconds="3.25")

    response = client.post(ADDRESS, sent)

    review = Review.objects.get()
    assert (review.event, review.answer, review.note) == (event, Answer.CONFIRMED, "He waited.")
    assert review.seconds == 3.25
    assert Opened.objects.get().clip == event.analysis.clip  # lists show it as seen
    shown = client.get(response["Location"]).content.decode()
    assert "Saved: Confirmed. 0 left." in shown
    assert f'action="{reverse("web:undo-review", args=[review.pk])}"' in shown
    assert "Nothing left to review" in shown


def test_a_script_gets_a_line_with_the_way_back(client: Client, event: Event) -> None:
    sent = form(page(client), Answer.FALSE_ALARM)

    response = client.post(ADDRESS, sent, headers=PART)

    html = response.content.decode()
    assert response["Vary"].startswith("HX-Request")
    assert 'data-announce="Saved: False alarm. 0 left."' in html
    assert re.findall(r'name="reason" value="(\w+)" data-press="(\d)"', html) == [
        (reason, str(key)) for key, reason in enumerate(Reason.values, 4)
    ]


def test_a_reason_takes_the_place_of_the_answer_without_one(client: Client, event: Event) -> None:
    sent = form(page(client), Answer.FALSE_ALARM, note="Own bag.")
    client.post(ADDRESS, sent, headers=PART)
    (review,) = Review.objects.all()
    way = reverse("web:review-reason", args=[review.pk])

    html = client.post(way, {"reason": Reason.STAFF, "token": sent["token"]}, headers=PART)

    (standing,) = Review.objects.standing()
    assert (standing.reason, standing.note) == (Reason.STAFF, "Own bag.")
    assert "False alarm, staff" in html.content.decode()
    assert "Why?" not in html.content.decode()


def test_undo_shows_the_item_again(client: Client, event: Event) -> None:
    sent = form(page(client), Answer.UNSURE)
    client.post(ADDRESS, sent, headers=PART)
    way = reverse("web:undo-review", args=[Review.objects.get().pk])

    html = client.post(way, {"token": sent["token"]}, headers=PART).content.decode()

    assert not Review.objects.standing().exists()
    assert 'data-left="1 left"' in html
    assert hidden(html, "token")


def test_undo_brings_the_note_back(client: Client, event: Event) -> None:
    sent = form(page(client), Answer.CONFIRMED, note="Jacket & bag")
    client.post(ADDRESS, sent)
    way = reverse("web:undo-review", args=[Review.objects.get().pk])

    html = client.post(way, {"token": sent["token"]}, headers=PART).content.decode()

    assert "Jacket &amp; bag</textarea>" in html
    assert "Jacket" not in page(client)


def test_a_page_that_was_loaded_again_undoes_the_last_answer(client: Client, event: Event) -> None:
    client.post(ADDRESS, form(page(client), Answer.FALSE_ALARM, note="Own bag."), headers=PART)

    line = answered_line(page(client, f"{ADDRESS}?event={event.pk}"))

    assert "Your last answer: <strong>False alarm</strong>" in line
    assert "Why?" not in line
    way = reverse("web:undo-review", args=[Review.objects.get().pk])
    assert f'hx-post="{way}"' in line
    html = client.post(way, {"token": hidden(line, "token")}, headers=PART).content.decode()
    assert not Review.objects.standing().exists()
    assert "Own bag.</textarea>" in html
    assert "Your last answer" not in page(client)


def test_a_blind_look_is_undone_as_one_and_tells_nothing(
    client: Client, user: User, event: Event
) -> None:
    given = reviews.answer(event, event.analysis.clip, user, answer=Answer.CONFIRMED, is_blind=True)
    line = answered_line(page(client))

    assert "<strong>Yes, possibly</strong>" in line
    way = reverse("web:undo-review", args=[given.pk])
    html = client.post(way, {"token": hidden(line, "token")}, headers=PART).content.decode()
    assert "Does anything here look like shoplifting?" in html
    assert "score-meter" not in html


@pytest.mark.parametrize("why", ["another's", "in the trash", "of a clip", "a missed stretch"])
def test_what_cant_be_undone_here_is_not_offered(
    client: Client, user: User, make_user: MakeUser, event: Event, why: str
) -> None:
    clip = event.analysis.clip
    if why == "of a clip":
        reviews.answer(None, clip, user, answer=Answer.CONFIRMED)
    elif why == "a missed stretch":
        reviews.answer(None, clip, user, answer=Answer.MISSED, start=0.5, end=1.0)
    else:
        by = make_user("Dana") if why == "another's" else user
        reviews.answer(event, clip, by, answer=Answer.UNSURE)
    if why == "in the trash":
        trash.put(clip, by=make_user("boss", roles=[Role.MANAGER]))

    assert "Your last answer" not in page(client)


def test_the_second_person_is_told_before_saving(
    client: Client, make_user: MakeUser, event: Event
) -> None:
    sent = form(page(client), Answer.FALSE_ALARM, note="A phone.")
    dana = make_user("Dana")
    reviews.answer(event, event.analysis.clip, dana, answer=Answer.CONFIRMED)

    told = client.post(ADDRESS, sent, headers=PART)

    assert told.status_code == 409
    html = told.content.decode()
    assert "Dana answered “Confirmed” just now. Save yours, too?" in html
    assert Review.objects.count() == 1
    kept = {name: hidden(html, name) for name in ("token", "answer", "note")}
    assert client.post(ADDRESS, kept | {"anyway": "yes"}, headers=PART).status_code == 200
    assert Review.objects.filter(by__username="ada").get().note == "A phone."
    event.refresh_from_db()
    assert event.verdict == Verdict.DISPUTED


def test_without_scripts_the_page_says_so(
    client: Client, make_user: MakeUser, event: Event
) -> None:
    sent = form(page(client), Answer.FALSE_ALARM)
    reviews.answer(event, event.analysis.clip, make_user("Dana"), answer=Answer.CONFIRMED)

    told = client.post(ADDRESS, sent)

    assert told.status_code == 409
    assert "Save mine, too" in told.content.decode()
    assert "<h1" in told.content.decode()


def test_two_sessions_of_one_reviewer_save_two_answers_and_the_last_counts(
    client: Client, event: Event
) -> None:
    one, other = form(page(client), Answer.CONFIRMED), form(page(client), Answer.FALSE_ALARM)

    assert client.post(ADDRESS, one, headers=PART).status_code == 200
    assert client.post(ADDRESS, other, headers=PART).status_code == 200

    event.refresh_from_db()
    assert event.verdict == Verdict.FALSE_ALARM


def test_a_clip_that_is_trashed_meanwhile_takes_no_answer(
    client: Client, make_user: MakeUser, event: Event
) -> None:
    sent = form(page(client), Answer.CONFIRMED)
    trash.put(event.analysis.clip, by=make_user("boss", roles=[Role.MANAGER]))

    response = client.post(ADDRESS, sent, headers=PART)

    assert response.status_code == 422
    assert "so nothing more is done with it" in response.content.decode()
    assert not Review.objects.exists()


def test_a_note_of_ten_thousand_characters_is_refused_and_nothing_is_saved(
    client: Client, event: Event
) -> None:
    sent = form(page(client), Answer.CONFIRMED, note="x" * 10_000)

    part, whole = client.post(ADDRESS, sent, headers=PART), client.post(ADDRESS, sent)

    assert (part.status_code, whole.status_code) == (422, 422)
    assert "2,000 characters" in part.content.decode()
    assert "x" * 10_000 in whole.content.decode()  # to be shortened
    assert not Review.objects.exists()


@pytest.mark.parametrize("note", ["רשום: תיק", "\N{RIGHT-TO-LEFT OVERRIDE}evil", "🛍️👜", "a\nb"])
def test_a_note_is_kept_as_it_was_written(client: Client, event: Event, note: str) -> None:
    client.post(ADDRESS, form(page(client), Answer.CONFIRMED, note=note), headers=PART)

    assert Review.objects.get().note == note
    way = reverse("web:event-answers", args=[event.analysis_id, event.number])
    assert 'dir="auto"' in client.get(way).content.decode()


@pytest.mark.parametrize(
    "change",
    [
        {"token": "nonsense"},
        {"token": ""},
    ],
)
def test_what_is_no_item_takes_no_answer(
    client: Client, event: Event, change: dict[str, str]
) -> None:
    sent = form(page(client), Answer.CONFIRMED) | change

    assert client.post(ADDRESS, sent, headers=PART).status_code == 422
    assert not Review.objects.exists()


@pytest.mark.parametrize("answer", ["withdrawn", "missed", "guilty", ""])
def test_what_is_no_answer_is_a_bad_request(client: Client, event: Event, answer: str) -> None:
    sent = form(page(client), answer)

    assert client.post(ADDRESS, sent, headers=PART).status_code == 400


@pytest.mark.parametrize("seconds", ["nan", "-1", "soon", "1e99"])
def test_seconds_that_cant_be_are_left_out(client: Client, event: Event, seconds: str) -> None:
    client.post(ADDRESS, form(page(client), Answer.UNSURE, seconds=seconds))

    assert Review.objects.get().seconds is None


def test_nobody_undoes_or_explains_what_another_said(
    client: Client, make_user: MakeUser, event: Event
) -> None:
    theirs = reviews.answer(
        event, event.analysis.clip, make_user("Dana"), answer=Answer.FALSE_ALARM
    )

    client.post(reverse("web:undo-review", args=[theirs.pk]))
    way = reverse("web:review-reason", args=[theirs.pk])
    explained = client.post(way, {"reason": Reason.STAFF}, headers=PART)

    assert explained.status_code == 422
    assert Review.objects.get().reason == ""


def test_skip_and_back(client: Client, make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(status=Status.DONE)
    for score in (0.7, 0.9, 0.8):
        make_result_event(analysis, score=score)
    first = page(client)
    token = hidden(first, "token")

    second = page(client, f"{ADDRESS}?after={token}")
    again = page(client, f"{ADDRESS}?before={hidden(second, 'token')}")

    assert "0.90" in first
    assert "0.80" in second
    assert "0.90" in again


def test_after_the_last_comes_the_first_unless_it_is_the_only_one(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    analysis = make_analysis(status=Status.DONE)
    make_result_event(analysis)
    only = hidden(page(client), "token")

    assert "data-item" not in page(client, f"{ADDRESS}?after={only}")

    make_result_event(analysis, score=0.95)
    assert "0.95" in page(client, f"{ADDRESS}?after={only}")


def test_filters_narrow_the_queue_and_stay_in_its_addresses(
    client: Client, event: Event, make_store: MakeStore
) -> None:
    camera = Camera.objects.create(store=make_store(), name="Back door")

    html = page(client, f"{ADDRESS}?camera={camera.pk}&order=newest")

    assert "Nothing left here" in html
    type(event.analysis.clip).objects.update(camera=camera)
    html = page(client, f"{ADDRESS}?camera={camera.pk}&order=newest")
    assert f'action="/review/?camera={camera.pk}&amp;order=newest"' in html


@pytest.mark.parametrize("query", ["store=x", "camera=999999", "order=oldest"])
def test_a_filter_that_makes_no_sense_shows_nothing(
    client: Client, event: Event, query: str
) -> None:
    html = page(client, f"{ADDRESS}?{query}")

    assert "This filter is not valid" in html
    assert "data-item" not in html


def test_keys_can_be_switched_off(client: Client, user: User, event: Event) -> None:
    assert " data-by-keys " in page(client)

    Preferences.objects.create(user=user, has_keys=False)

    assert "data-by-keys" not in page(client)


def make_segment_copies(clip: Clip, *statuses: Status) -> None:
    for number, status in enumerate(statuses, 1):
        SegmentCopy.objects.create(
            clip=clip,
            number=number,
            start=60.0 * (number - 1),
            end=60.0 * number,
            status=status,
            file="copy.mp4" if status == Status.DONE else "",
        )


def test_a_long_recording_plays_the_copy_that_has_the_peak(client: Client, event: Event) -> None:
    clip = event.analysis.clip
    type(clip).objects.filter(pk=clip.pk).update(playback=Playback.SEGMENTS, duration=120.0)
    Event.objects.filter(pk=event.pk).update(start=70.0, end=75.0, peak=73.0)
    make_segment_copies(clip, Status.DONE, Status.DONE)

    html = page(client)

    assert f'src="{reverse("web:segment-copy", args=[clip.pk, 2])}#t=11.000"' in html
    assert 'data-segment="2"' in html
    assert 'data-loops-from="70.000" data-loops-until="75.000"' in html
    assert "[[0.0, 60.0, true], [60.0, 120.0, true]]" in unescape(html)
    assert 'hx-select="[data-segments]"' not in html


def test_a_copy_beyond_the_border_is_waited_for_while_the_first_one_plays(
    client: Client, event: Event
) -> None:
    clip = event.analysis.clip
    type(clip).objects.filter(pk=clip.pk).update(playback=Playback.SEGMENTS, duration=120.0)
    Event.objects.filter(pk=event.pk).update(start=55.0, end=65.0, peak=58.0)
    make_segment_copies(clip, Status.DONE, Status.QUEUED)

    html = page(client)

    assert f'src="{reverse("web:segment-copy", args=[clip.pk, 1])}#t=56.000"' in html
    assert 'data-loops-from="55.000" data-loops-until="65.000"' in html
    assert 'hx-select="[data-segments]"' in html
    assert "1:00 to 2:00 is being prepared for playing" in html


def test_a_recording_in_segments_without_any_copy_says_so_in_the_place_of_a_player(
    client: Client, event: Event
) -> None:
    clip = event.analysis.clip
    type(clip).objects.filter(pk=clip.pk).update(playback=Playback.SEGMENTS, duration=120.0)

    html = page(client)

    assert "<video" not in html
    assert "t be played here. <a" in html
    assert 'name="answer" value="confirmed"' in html


def test_a_copy_that_is_still_to_be_made_is_waited_for(client: Client, event: Event) -> None:
    clip = event.analysis.clip
    type(clip).objects.filter(pk=clip.pk).update(playback=Playback.WANTED)

    html = page(client)

    assert "It appears here by itself." in html
    assert re.search(r'hx-get="/review/\?at=[^"]+" hx-trigger="every 2s"', html)


def test_a_blind_look_tells_nothing_of_what_is_known(
    client: Client,
    settings: Settings,
    event: Event,
    make_analysis: MakeAnalysis,
    make_clip: MakeClip,
) -> None:
    settings.REVIEW_BLIND = 1.0
    make_analysis(
        clip=make_clip(name="sample_of_till.mp4", duration=60.0),
        status=Status.DONE,
        prediction=Prediction.NO_HINT,
        score=0.1,
    )

    html = page(client)

    assert "Does anything here look like shoplifting?" in html
    assert "Nothing of the kind" in html
    main = html.partition("<article")[2].partition("</article>")[0]
    for tell in ("score-meter", "sample_of_till", "/results/", "/events/", 'class="box"'):
        assert tell not in main
    answered = client.post(ADDRESS, form(html, Answer.FALSE_ALARM), headers=PART)
    assert "Saved: <strong>Nothing of the kind</strong>" in answered.content.decode()
    assert "Why?" not in answered.content.decode()
    assert Review.objects.get().is_blind


def test_who_belongs_to_no_store_reads_why(make_user: MakeUser) -> None:
    stranger = Client()
    stranger.force_login(make_user("nobody", roles=[]))

    assert "belongs to no store yet" in page(stranger)


def test_the_navigation_says_how_many_wait(client: Client, event: Event) -> None:
    assert 'hx-get="/review/left/" hx-trigger="load"' in page(client, "/history/")
    assert " 1 waiting" in page(client, "/review/left/")


def test_a_signed_in_newcomer_sees_no_number(make_user: MakeUser) -> None:
    newcomer = Client()
    newcomer.force_login(make_user("nobody", roles=[]))

    assert "waiting" not in page(newcomer, "/review/left/")


def test_an_empty_desk_says_what_is_still_to_come_and_where_to_go(
    client: Client, make_analysis: MakeAnalysis, make_store: MakeStore
) -> None:
    for status in (Status.RUNNING, Status.QUEUED, Status.QUEUED, Status.PAUSED):
        make_analysis(status=status)

    html = page(client)

    assert "Nothing to review yet" in html
    assert "1 clip is being analyzed. 2 clips are waiting to be analyzed. 1 clip is paused" in html
    assert "New hints appear here by themselves." in html
    assert 'class="nothing" data-nothing' in html
    assert 'hx-get="/review/" hx-trigger="every 10s"' in html
    for way in ("/history/", "/dashboard/", "/"):
        assert re.search(rf'id="to-\w+" class="btn [^"]*" href="{way}"', html)
    assert "All hints are answered" not in html
    elsewhere = page(client, f"{ADDRESS}?store={make_store('Other').pk}")
    assert "analyzed" not in elsewhere.partition("<main")[2]


@pytest.mark.usefixtures("event")
def test_what_others_stores_analyze_is_not_told(
    make_user: MakeUser, make_store: MakeStore, make_analysis: MakeAnalysis
) -> None:
    make_analysis(status=Status.QUEUED)
    eve = Client()
    eve.force_login(make_user("eve", roles=[Role.REVIEWER], store=make_store("Elsewhere")))

    html = page(eve)

    assert "All hints are answered" in html
    assert "Upload clips" not in html
    assert "Your shift so far" not in html


def test_an_empty_desk_sums_up_the_own_answers_of_the_shift_alone(
    client: Client, user: User, make_user: MakeUser, make_analysis: MakeAnalysis
) -> None:
    made = [make_result_event(make_analysis(status=Status.DONE)) for _ in range(3)]
    dana = make_user("Dana")
    reviews.answer(made[0], made[0].analysis.clip, dana, answer=Answer.UNSURE)
    answers = (Answer.FALSE_ALARM, Answer.FALSE_ALARM, Answer.CONFIRMED)
    for each, answer in zip(made, answers, strict=True):
        reviews.answer(each, each.analysis.clip, user, answer=answer, seconds=5.0)

    shift = page(client).partition("Your shift so far")[2].partition("</section>")[0]

    facts = re.findall(r"<dt>([^<]*)</dt><dd>(\d+(?: s)?)", shift)
    assert facts == [
        ("Answered", "3"),
        ("Confirmed", "1"),
        ("False alarm", "2"),
        ("An answer took", "5 s"),
    ]
    assert "the last 8 hours" in shift
