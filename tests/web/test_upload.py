"""Clips coming in, several at once, good and bad."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tests.conftest import MEASURED, MakeAnalysis, MakeClip, MakeModel, MakeStore, MakeUser
from tests.makers import videos
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import Interval
from video_classifier.models import Analysis, Clip
from video_classifier.services import catalog
from video_classifier.states import Prediction, RecordedFrom, Role, Status

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _a_model(make_model: MakeModel) -> None:
    make_model()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return videos.write(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()


def sent(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="video/mp4")


def test_a_clip_is_kept_queued_and_linked(client: Client, user: User, video: bytes) -> None:
    response = client.post("/", {"model": "standard", "clips": sent("till.mp4", video)})

    analysis = Analysis.objects.get()
    assert response.status_code == 200
    assert f'href="/results/{analysis.pk}/"' in response.content.decode()
    assert (analysis.clip.name, analysis.model) == ("till.mp4", "standard")
    assert analysis.requested_by == user


def test_a_name_without_end_keeps_its_ending(client: Client, video: bytes) -> None:
    clip = BytesIO(video)
    clip.name = "ü" * 400 + ".mp4"

    client.post("/", {"model": "standard", "clips": clip})

    kept = Clip.objects.get()
    download = client.get(f"/clips/{kept.pk}/file", {"download": "1"})
    assert download.getvalue() == video
    assert kept.name == "ü" * 251 + ".mp4"
    assert download["Content-Disposition"].endswith(".mp4")


def test_the_rest_goes_on_when_one_is_refused(client: Client, video: bytes) -> None:
    clips = [
        sent("one.mp4", video),
        sent("text.mp4", b"only words"),
        sent("two.mp4", video),
    ]

    html = client.post("/", {"model": "standard", "clips": clips}).content.decode()

    assert sorted(Clip.objects.values_list("name", flat=True)) == ["one.mp4", "two.mp4"]
    assert html.count("Not taken.") == 1
    assert "text.mp4" in html


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("notes.mp4", b"only words", "not a video"),
        ("empty.mp4", b"", "empty"),
        ("large.mp4", b"x" * 2001, "larger than 2.0 KB"),
    ],
)
def test_a_refusal_says_why(
    client: Client, settings: Settings, name: str, content: bytes, complaint: str
) -> None:
    settings.CLIP_MAX_BYTES = 2000

    response = client.post("/", {"model": "standard", "clips": sent(name, content)})

    assert response.status_code == 422
    assert complaint in response.content.decode()
    assert name in response.content.decode()
    assert not Clip.objects.exists()


@pytest.mark.parametrize("model", ["", "../standard", "unknown"])
def test_a_model_that_is_not_offered_is_refused(client: Client, video: bytes, model: str) -> None:
    response = client.post("/", {"model": model, "clips": sent("till.mp4", video)})

    assert response.status_code == 422
    assert "Choose" in response.content.decode()
    assert not Clip.objects.exists()


def test_nothing_sent_is_said(client: Client) -> None:
    response = client.post("/", {"model": "standard"})

    assert response.status_code == 422
    assert "Choose at least one clip." in response.content.decode()


def test_clips_beyond_the_limit_of_one_request_are_named_and_the_others_taken(
    client: Client, settings: Settings, video: bytes
) -> None:
    settings.CLIPS_PER_UPLOAD = 2
    clips = [sent(f"{number}.mp4", video) for number in range(4)]

    html = client.post("/", {"model": "standard", "clips": clips}).content.decode()

    assert sorted(Clip.objects.values_list("name", flat=True)) == ["0.mp4", "1.mp4"]
    assert html.count("One upload takes at most 2 clips. Send this one again.</span>") == 2
    assert all(f"{number}.mp4 was refused" in html for number in (2, 3))


def test_what_is_more_than_all_clips_together_gets_a_page_that_names_the_limit(
    client: Client, settings: Settings
) -> None:
    settings.CLIPS_PER_UPLOAD = 2
    settings.CLIP_MAX_BYTES = 1000

    response = client.post("/", {"model": "standard", "clips": sent("x.mp4", bytes(2_000_000))})

    assert response.status_code == 400
    assert "2 clips of at most 1000\xa0bytes each" in response.content.decode()
    assert "send fewer at once" in response.content.decode()


def test_the_form_says_when_its_clips_were_recorded(client: Client, video: bytes) -> None:
    form = {
        "model": "standard",
        "clips": sent("till.mp4", video),
        "recorded_at": "2026-11-26T14:30",
    }

    client.post("/", form)

    clip = Clip.objects.get()
    assert clip.recorded_at == datetime(2026, 11, 26, 14, 30, tzinfo=UTC)
    assert clip.recorded_from == RecordedFrom.GIVEN


def test_the_page_says_both_limits(client: Client, settings: Settings) -> None:
    settings.CLIP_MAX_BYTES, settings.RECORDING_MAX_BYTES = 2 * 1024**2, 3 * 1024**3

    html = client.get("/").content.decode()

    assert "up to 3.0\xa0GB each" in html
    assert "files of up to 2.0\xa0MB at once" in html


def test_the_script_gets_the_receipts_alone(client: Client, video: bytes) -> None:
    form = {"model": "standard", "clips": sent("till.mp4", video)}

    html = client.post("/", form, headers=HTMX).content.decode()

    assert html.lstrip().startswith('<ul class="receipts">')
    assert f'name="live" value="{Analysis.objects.get().pk}.queued-"' in html


def test_the_script_refuses_as_the_server_does(client: Client) -> None:
    page = client.get("/").content.decode()
    form = {"model": "standard", "clips": sent("NAME", b"only words")}
    receipts = client.post("/", form, headers=HTMX).content.decode()

    blank = re.search(r"<template data-refused-row>(.*?)</template>", page, re.DOTALL)
    refused = re.search(r"<li.*</li>", receipts, re.DOTALL)

    assert blank is not None
    assert refused is not None
    assert "Not taken." in blank[1]
    assert _markup(blank[1]) == _markup(refused[0])


def _markup(html: str) -> list[str]:
    return re.findall(r"<[^>]*>", re.sub(r'="[^"]*was refused[^"]*"', "", html))


def test_a_name_is_text_and_never_markup(client: Client, video: bytes) -> None:
    for content in (video, b"no video"):
        form = {"model": "standard", "clips": sent("<img src=x onerror=alert(1)>.mp4", content)}
        assert "<img" not in client.post("/", form).content.decode()


def test_the_page_offers_each_model_with_its_figure(client: Client, make_model: MakeModel) -> None:
    make_model("better", metrics=MEASURED)

    html = client.get("/").content.decode()

    assert "Notices about 46 of 100 clips with a theft (27 to 80)" in html
    assert "3 of 100 ordinary clips get a hint (0 to 20)." in html
    assert "Not measured: how well it does on people it has never seen is not known." in html


COIN = Interval(value=0.53, low=0.41, high=0.88)
NO_HINTS = {"recall": Interval(value=0.1, low=0.0), "specificity": Interval(value=0.97, low=0.78)}


@pytest.mark.parametrize(
    ("metrics", "warned"),
    [
        ({"auc": COIN}, True),
        ({"auc": Interval(value=0.73, low=0.57), **NO_HINTS}, True),
        ({"auc": Interval(value=0.89, low=0.79)}, False),
        ({}, False),
    ],
)
def test_a_model_that_may_guess_says_so_where_it_is_chosen_and_where_it_judged(
    client: Client,
    make_model: MakeModel,
    make_analysis: MakeAnalysis,
    metrics: dict[str, Interval],
    *,
    warned: bool,
) -> None:
    make_model("other", metrics=metrics)
    analysis = make_analysis(
        model="other", status=Status.DONE, model_sha256=catalog.usable("other").sha256
    )

    for address in ("/", analysis.get_absolute_url()):
        assert (
            "That may be no better than guessing" in client.get(address).content.decode()
        ) is warned


def test_only_the_default_model_stands_open(
    client: Client, make_model: MakeModel, settings: Settings
) -> None:
    settings.DEFAULT_MODEL = "standard"
    make_model("other")

    html = client.get("/").content.decode()
    open_, _, folded = html.partition("<summary>Other models, for comparison</summary>")

    assert 'value="standard" required checked' in open_
    assert 'value="other"' not in open_
    assert 'value="other" required>' in folded


def test_a_model_that_is_broken_says_so_and_cannot_be_chosen(
    client: Client, make_model: MakeModel
) -> None:
    (make_model("broken") / bundle.NETWORK_FILE).write_bytes(b"other weights")

    html = client.get("/").content.decode()

    assert 'value="broken" required disabled' in html
    assert "network.keras is not the one" in html


def test_without_any_model_the_page_says_what_to_do(client: Client, settings: Settings) -> None:
    settings.MODELS_STORAGE = Path(settings.MODELS_STORAGE) / "elsewhere"

    html = client.get("/").content.decode()

    assert "No model can be used" in html
    assert '<input type="file"' not in html
    assert 'data-module="upload"' not in html


def test_shows_ones_own_latest_clips(
    client: Client, user: User, make_user: MakeUser, make_analysis: MakeAnalysis
) -> None:
    make_analysis(name="mine.mp4", requested_by=user)
    make_analysis(name="hers.mp4", requested_by=make_user("eve"))

    html = client.get("/").content.decode()

    assert "mine.mp4" in html
    assert "hers.mp4" not in html


# What became of a batch


def line(html: str) -> str:
    """The line of the batch, without what is hidden."""
    found = re.search(r'<p class="batch__line"[^>]*>(.*?)</p>', html, re.DOTALL)
    assert found is not None
    shown = re.findall(r'<span class="batch__count" data[^>]*>(.*?)</span>', found[1])
    return " · ".join(re.sub("<[^>]*>", "", part) for part in shown)


def test_a_batch_has_a_line_and_its_hints_come_first(
    client: Client, user: User, make_analysis: MakeAnalysis
) -> None:
    done = Status.DONE
    for name, prediction in (("hint", Prediction.HINT), ("fine", Prediction.NO_HINT)):
        make_analysis(
            name=f"{name}.mp4", requested_by=user, status=done, prediction=prediction, score=0.9
        )
    make_analysis(name="bad.mp4", requested_by=user, status=Status.FAILED, error="Broken.")
    make_analysis(name="new.mp4", requested_by=user)

    html = client.get("/").content.decode()

    assert line(html) == "4 sent · 2 done · 1 possible shoplifting · 1 failed"
    assert html.index("hint.mp4") < html.index("new.mp4") < html.index("fine.mp4")


def test_what_was_uploaded_before_a_break_is_another_batch(
    client: Client, user: User, make_analysis: MakeAnalysis
) -> None:
    now = timezone.now()
    for minutes in (0, 9, 18, 29):
        queued = now - timedelta(minutes=minutes)
        make_analysis(name=f"{minutes}.mp4", requested_by=user, queued_at=queued)

    html = client.get("/").content.decode()

    assert line(html) == "3 sent"
    assert "29.mp4" not in html


def test_without_a_clip_there_is_no_line(client: Client) -> None:
    assert re.search(r'<div class="batch"[^>]* hidden', client.get("/").content.decode())


RETRY = "/uploads/retry/"


@pytest.fixture
def failed(make_analysis: MakeAnalysis, user: User) -> Analysis:
    return make_analysis(name="bad.mp4", requested_by=user, status=Status.FAILED, error="Broken.")


def test_what_failed_is_tried_again_and_its_row_replaced(client: Client, failed: Analysis) -> None:
    page = client.get("/").content.decode()
    html = client.post(RETRY, {"analysis": [failed.pk]}, headers=HTMX).content.decode()

    again = Analysis.objects.get(status=Status.QUEUED)
    assert f'name="analysis" value="{failed.pk}" form="retry"' in page
    assert f'id="row-{again.pk}"' in html
    assert f'hx-swap-oob="outerHTML:#row-{failed.pk}"' in html
    assert line(client.get("/").content.decode()) == "1 sent"  # of a clip its newest


def test_without_scripts_the_page_comes_again(client: Client, failed: Analysis) -> None:
    html = client.post(RETRY, {"analysis": [failed.pk]}, follow=True).content.decode()

    assert "1 clip will be analyzed again." in html


@pytest.mark.parametrize("sent_", [[], ["x", "\0"], ["{done}", "{hers}"]])
def test_nothing_else_is_tried_again(
    client: Client,
    make_analysis: MakeAnalysis,
    make_clip: MakeClip,
    make_store: MakeStore,
    sent_: list[str],
) -> None:
    done = make_analysis(status=Status.DONE)
    hers = make_analysis(clip=make_clip(store=make_store("North")), status=Status.FAILED)
    keys = [each.format(done=done.pk, hers=hers.pk) for each in sent_]

    client.post(RETRY, {"analysis": keys})

    assert Analysis.objects.count() == 2


def test_who_may_only_review_retries_nothing(
    client: Client, make_user: MakeUser, failed: Analysis
) -> None:
    client.force_login(make_user("rita", roles=[Role.REVIEWER]))

    html = client.post(RETRY, {"analysis": [failed.pk]}, follow=True).content.decode()

    assert "1 clip left. Only what failed is tried again" in html
    assert Analysis.objects.count() == 1


def test_a_refusal_is_told(client: Client, failed: Analysis, settings: Settings) -> None:
    settings.MODELS_STORAGE = Path(settings.MODELS_STORAGE) / "elsewhere"

    html = client.post(RETRY, {"analysis": [failed.pk]}, headers=HTMX).content.decode()

    assert "1 clip left." in html
    assert "row-" not in html


def test_bytes_that_were_uploaded_before_are_taken_and_lead_to_their_results(
    client: Client, make_analysis: MakeAnalysis, make_clip: MakeClip, user: User, video: bytes
) -> None:
    earlier = make_analysis(clip=make_clip(name="monday.mp4", content=video), status=Status.DONE)

    page = client.post("/", {"model": "standard", "clips": sent("copy.mp4", video)})
    later = Analysis.objects.get(clip__name="copy.mp4")
    row = client.get("/live/receipts/", {"live": f"{later.pk}.earlier"})

    for html in (page.content.decode(), row.content.decode(), client.get("/").content.decode()):
        assert "as “monday.mp4”" in html
        assert f'href="{earlier.get_absolute_url()}">see its results' in html
    assert "These bytes" not in client.get(earlier.get_absolute_url()).content.decode()


def test_one_batch_can_hold_the_same_bytes_twice(client: Client, video: bytes) -> None:
    clips = [sent("one.mp4", video), sent("two.mp4", video)]

    html = client.post("/", {"model": "standard", "clips": clips}).content.decode()

    assert html.count("These bytes were here before") == 1
    assert "as “one.mp4”" in html


def test_tells_a_newcomer_what_to_do(client: Client) -> None:
    assert "No clips yet" in client.get("/").content.decode()


def test_the_page_asks_the_database_no_more_the_more_there_is(
    client: Client,
    user: User,
    make_analysis: MakeAnalysis,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(5):
        make_analysis(requested_by=user, status=Status.DONE)

    # session, user, memberships, stores, cameras, unfinished, the latest, those of the same bytes,
    # whether cameras are watched
    with django_assert_num_queries(9):
        client.get("/")


def test_who_has_too_many_waiting_uploads_no_more(
    client: Client, video: bytes, settings: Settings
) -> None:
    settings.WAITING_PER_USER = 1
    clips = [sent("one.mp4", video), sent("two.mp4", video)]

    html = client.post("/", {"model": "standard", "clips": clips}).content.decode()

    assert list(Clip.objects.values_list("name", flat=True)) == ["one.mp4"]
    assert "Try again when some of them are done." in html
