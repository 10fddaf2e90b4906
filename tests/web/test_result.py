"""The result page: on its way, decided, failed, and again."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tests.conftest import EVEN, MEASURED, MakeAnalysis, MakeClip, MakeModel
from video_classifier.ml.contracts import ClipSpec, Region
from video_classifier.ml.serving.card import Interval
from video_classifier.models import Analysis, Clip, Store
from video_classifier.services import catalog
from video_classifier.states import Playback, Prediction, RecordedFrom, Stage, Status
from video_classifier.web.results import CHECK_THE_CLIP, LEANS, TOO_LOW

HTMX = {"HX-Request": "true"}


TOKEN = re.compile(r'value="\w{64}"')  # another one in each answer


def page(client: Client, analysis: Analysis, **headers: str) -> str:
    return client.get(analysis.get_absolute_url(), headers=headers).content.decode()


def outcome_of(html: str) -> str:
    """The card with the prediction."""
    found = re.search(r'<section class="card card--pad outcome".*?</section>', html, re.DOTALL)
    assert found is not None
    return found[0]


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def step(html: str) -> str:
    """The stage that the page says it is at."""
    marked = re.search(r'<li aria-current="step"[^>]*>(.*?)</li>', html, re.DOTALL)
    assert marked is not None
    return re.sub(r"<[^>]*>", "", marked[1])


def test_a_hint_is_worded_as_a_hint(client: Client, make_analysis: MakeAnalysis) -> None:
    html = page(client, make_analysis(status=Status.DONE, score=0.93, threshold=0.4))

    assert "Possible shoplifting" in html
    assert CHECK_THE_CLIP in html
    assert 'value="0.930"' in html
    assert "A hint from 0.40 on." in html
    assert "93%" not in html  # the score is no share of anything


def test_no_hint_promises_nothing(
    client: Client, make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    make_model(metrics=MEASURED)
    analysis = make_analysis(
        status=Status.DONE,
        prediction=Prediction.NO_HINT,
        score=0.2,
        model_sha256=_hash_of("standard"),
    )

    outcome = outcome_of(page(client, analysis))

    assert "No hint" in outcome
    assert "The model misses more than half of thefts." in outcome
    assert "Not watched by a person yet." in outcome
    assert "bi-check" not in outcome  # no tick


def test_no_result_says_why_and_gives_no_numbers(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    analysis = make_analysis(
        status=Status.DONE,
        prediction=Prediction.NO_RESULT,
        reason="Nobody could be <seen>.",
        score=None,
        threshold=None,
        frame_times=[0.5],
    )

    html = page(client, analysis)

    outcome = outcome_of(html)
    assert "No result" in outcome
    assert "Nobody could be &lt;seen&gt;." in outcome
    assert "<meter" not in outcome
    assert f'src="/results/{analysis.pk}/frames/0.jpg"' in html
    assert "Which part mattered" not in html
    assert "hx-trigger" not in outcome


@pytest.mark.parametrize(
    ("prediction", "score", "words"),
    [
        (
            Prediction.HINT,
            0.75,
            "75 of 100 such hints were thefts (50 to 90); in a shop far fewer.",
        ),
        (
            Prediction.NO_HINT,
            0.25,
            "75 of 100 such clips without a hint were ordinary (60 to 90); in a shop far more.",
        ),
    ],
)
def test_confidence_says_how_often_such_predictions_were_right(
    client: Client,
    make_analysis: MakeAnalysis,
    make_model: MakeModel,
    prediction: Prediction,
    score: float,
    words: str,
) -> None:
    make_model(confidence=EVEN)
    analysis = make_analysis(
        status=Status.DONE, prediction=prediction, score=score, model_sha256=_hash_of("standard")
    )

    assert f"Confidence 75% In an equal mix, {words}" in text_of(outcome_of(page(client, analysis)))


def test_confidence_of_weights_that_are_gone_is_not_known(
    client: Client, make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    make_model(confidence=EVEN)
    analysis = make_analysis(status=Status.DONE, score=0.75, model_sha256="0" * 64)

    outcome = text_of(outcome_of(page(client, analysis)))

    assert "Confidence \N{EN DASH} Not known: the model that gave this score" in outcome
    assert "75%" not in outcome


def test_a_clip_of_the_training_is_said_to_be_one(
    client: Client, make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    seen, unseen = (
        make_analysis(status=Status.DONE, name=f"{name}.mp4", clip=None, model="standard")
        for name in ("seen", "unseen")
    )
    Clip.objects.filter(pk=seen.clip_id).update(sha256="5" * 64)
    make_model(training={"clips_sha256": ["5" * 64]})
    Analysis.objects.update(model_sha256=_hash_of("standard"))

    assert "was trained on this very clip" in page(client, seen)
    assert "was trained on this very clip" not in page(client, unseen)


@pytest.mark.parametrize(
    ("score", "threshold", "words"),
    [
        (0.52, 0.5, "Just above the threshold for a hint."),
        (0.48, 0.5, "Just below the threshold for a hint."),
        (0.75, 0.5, "Above the threshold for a hint."),
        (0.97, 0.5, "Clearly above the threshold for a hint."),
        (0.97, 0.95, "Above the threshold for a hint."),
        (0.9, 0.95, "Just below the threshold for a hint."),
        (0.1, 0.95, "Clearly below the threshold for a hint."),
        (1.0, 1.0, "Clearly above the threshold for a hint."),
    ],
)
def test_says_how_far_the_score_is_from_the_threshold(
    client: Client, make_analysis: MakeAnalysis, score: float, threshold: float, words: str
) -> None:
    prediction = Prediction.HINT if score >= threshold else Prediction.NO_HINT
    analysis = make_analysis(
        status=Status.DONE, prediction=prediction, score=score, threshold=threshold
    )

    assert words in page(client, analysis)


def test_a_high_score_below_a_higher_threshold_is_not_called_nothing(
    client: Client, make_analysis: MakeAnalysis
) -> None:
    below = partial(make_analysis, status=Status.DONE, prediction=Prediction.NO_HINT, threshold=0.9)

    leaning, clear = page(client, below(score=0.8)), page(client, below(score=0.2))

    assert LEANS in leaning
    assert TOO_LOW not in leaning
    assert TOO_LOW in clear


@pytest.mark.parametrize(
    ("score", "shown"), [(0.91, "0.91"), (0.5, "0.50"), (0.4981, "0.498"), (0.49999, "0.5000")]
)
def test_shows_on_which_side_of_the_threshold_a_score_is(
    client: Client, make_analysis: MakeAnalysis, score: float, shown: str
) -> None:
    html = page(client, make_analysis(status=Status.DONE, score=score, threshold=0.5))

    assert f'<span class="score-meter__number">{shown}</span>' in html


def test_shows_the_frames_with_their_times(client: Client, make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(status=Status.DONE, frame_times=[0.25, 61.5])

    html = page(client, analysis)

    assert f'src="/results/{analysis.pk}/frames/0.jpg"' in html
    assert f'src="/results/{analysis.pk}/frames/1.jpg"' in html
    assert 'data-seek="61.500"' in html
    assert "1:01.5" in html


def test_shows_warnings(client: Client, make_analysis: MakeAnalysis) -> None:
    warning = "Only the first 6.2 s of 14.0 s could be read."

    assert warning in page(client, make_analysis(status=Status.DONE, warnings=[warning]))


def test_a_waiting_one_says_its_place(client: Client, make_analysis: MakeAnalysis) -> None:
    now = timezone.now()
    first = make_analysis(queued_at=now - timedelta(hours=1))
    second = make_analysis(queued_at=now)

    assert "next in the queue" in step(page(client, first))
    assert "place 2 in the queue" in step(page(client, second))


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("", "Reading"),
        (Stage.READING, "Reading"),
        (Stage.FINDING, "Looking for people"),
        (Stage.CLASSIFYING, "Classifying"),
    ],
)
def test_a_running_one_says_its_stage(
    client: Client, make_analysis: MakeAnalysis, stage: str, words: str
) -> None:
    assert words in step(page(client, make_analysis(status=Status.RUNNING, stage=stage)))


@pytest.mark.parametrize(("view", "listed"), [(Region.FRAME, False), (Region.PERSON, True)])
def test_only_a_model_of_persons_looks_for_them(
    client: Client,
    make_analysis: MakeAnalysis,
    make_model: MakeModel,
    settings: Settings,
    tmp_path: Path,
    *,
    view: Region,
    listed: bool,
) -> None:
    settings.PERSON_DETECTOR = tmp_path / "detector.onnx"
    settings.PERSON_DETECTOR.write_bytes(b"weights")
    make_model(spec=ClipSpec(view=view))

    assert ("Looking for people" in page(client, make_analysis())) is listed


@pytest.mark.parametrize("status", Status)
def test_asks_for_itself_only_until_it_is_finished(
    client: Client, make_analysis: MakeAnalysis, status: Status
) -> None:
    analysis = make_analysis(status=status)
    finished = status in {Status.DONE, Status.FAILED, Status.CANCELLED}

    part = page(client, analysis, **HTMX)
    row = client.get("/live/runs/", {"live": f"{analysis.pk}.earlier"}).content.decode()

    assert (f'hx-get="{analysis.get_absolute_url()}"' in part) is not finished
    assert ('name="live"' in row) is not finished


@pytest.mark.parametrize("status", Status)
def test_htmx_gets_the_moving_part_alone(
    client: Client, make_analysis: MakeAnalysis, status: Status
) -> None:
    analysis = make_analysis(status=status)
    without_token = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')

    part = client.get(analysis.get_absolute_url(), headers=HTMX)
    whole = client.get(analysis.get_absolute_url())

    assert part.content.lstrip().startswith(b'<div id="analysis"')
    stripped = without_token.sub("", part.content.decode().strip())
    assert stripped in without_token.sub("", whole.content.decode())
    assert "HX-Request" in part["Vary"]
    assert "no-store" in part["Cache-Control"]


def test_what_people_say_comes_with_the_result(client: Client, make_analysis: MakeAnalysis) -> None:
    """It may be looked at while it runs."""
    done, running = make_analysis(status=Status.DONE), make_analysis(status=Status.RUNNING)

    assert page(client, done, **HTMX).count(f'hx-get="{done.get_absolute_url()}answers/"') == 1
    assert "answers" not in page(client, running, **HTMX)


def test_a_failed_one_says_why_and_offers_another_try(
    client: Client, make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    make_model()
    analysis = make_analysis(status=Status.FAILED, error="It can't be <read>.")

    html = page(client, analysis)

    assert "It can&#x27;t be &lt;read&gt;." in html
    assert "Analyze again" in html
    assert "export" not in html  # what to do is the error's to say: the clip may be all right
    assert "Possible shoplifting" not in html
    assert "No hint" not in html
    assert "No result" not in html
    assert html.count(f'action="/results/{analysis.pk}/again/"') == 1


def test_says_how_good_the_model_is(
    client: Client, make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    metrics = MEASURED | {
        "auc": Interval(value=0.55, low=0.42, high=0.68),
        "f1": Interval(value=None),
    }
    make_model(metrics=metrics, limits=("Learned from one room.",))
    analysis = make_analysis(status=Status.DONE, model_sha256=_hash_of("standard"))

    html = page(client, analysis)

    assert (
        "Notices about 46 of 100 clips with a theft (27 to 80); "
        "3 of 100 ordinary clips get a hint (0 to 20)."
    ) in html
    assert "no better than guessing" in html
    assert "0.42 to 0.68" in html
    assert "Learned from one room." in html


def test_figures_by_recording_are_in_the_table(
    client: Client, make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    make_model(
        metrics=MEASURED | {"recall_by_recording": Interval(value=0.43, low=0.24, high=0.72)}
    )
    analysis = make_analysis(status=Status.DONE, model_sha256=_hash_of("standard"))

    html = page(client, analysis)

    assert "Notices about 43 of 100 recordings with a theft (24 to 72)" in html
    assert "0.24 to 0.72" in html
    assert "0.27 to 0.80" in html


def test_a_model_that_was_not_measured_shows_no_table_of_dashes(
    client: Client, make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    make_model(limits=("The threshold 0.5 is a guess.",))
    analysis = make_analysis(status=Status.DONE, model_sha256=_hash_of("standard"))

    html = page(client, analysis)

    assert "Not measured: how well it does on people it has never seen is not known." in html
    assert "The threshold 0.5 is a guess." in html
    assert "All figures" not in html


def test_a_model_that_can_tell_is_not_called_a_guess(
    client: Client, make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    make_model(metrics=MEASURED)
    analysis = make_analysis(status=Status.DONE, model_sha256=_hash_of("standard"))

    assert "no better than guessing" not in page(client, analysis)


def test_a_model_that_may_hint_as_often_at_ordinary_clips_is_called_a_guess(
    client: Client, make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    make_model(metrics=MEASURED | {"recall": Interval(value=0.1, low=0.0, high=0.31)})
    analysis = make_analysis(status=Status.DONE, model_sha256=_hash_of("standard"))

    assert "no better than guessing" in page(client, analysis)


def test_figures_of_another_version_are_not_shown(
    client: Client, make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    make_model(metrics=MEASURED)
    analysis = make_analysis(status=Status.DONE, model_sha256="0" * 64)

    html = page(client, analysis)

    assert "has been replaced since" in html
    assert "46 of 100" not in html


def test_says_so_when_the_model_is_gone(client: Client, make_analysis: MakeAnalysis) -> None:
    assert "is no longer here" in page(client, make_analysis(status=Status.DONE))


def test_again_keeps_the_earlier_result_and_shows_both(
    client: Client, user: User, make_analysis: MakeAnalysis, make_model: MakeModel
) -> None:
    make_model("other")
    earlier = make_analysis(status=Status.DONE)

    response = client.post(f"/results/{earlier.pk}/again/", {"model": "other"})

    later = Analysis.objects.exclude(pk=earlier.pk).get()
    assert response["Location"] == later.get_absolute_url()
    assert (later.clip, later.model, later.requested_by) == (earlier.clip, "other", user)
    assert f'href="{earlier.get_absolute_url()}"' in page(client, later)
    assert f'href="{later.get_absolute_url()}"' in page(client, earlier)


def test_lists_what_came_of_the_same_bytes_under_another_name(
    client: Client, make_analysis: MakeAnalysis, make_clip: MakeClip
) -> None:
    one, two = (
        make_analysis(clip=make_clip(name=name, content=b"same"), status=Status.DONE)
        for name in ("monday.mp4", "copy.mp4")
    )
    other = make_analysis(clip=make_clip(content=b"other"))

    html = page(client, two)

    assert f'href="{one.get_absolute_url()}"' in html
    assert "the same bytes, uploaded as “monday.mp4”" in html
    assert other.get_absolute_url() not in html


@pytest.mark.parametrize("model", ["", "unknown", "../standard"])
def test_again_with_an_unknown_model_says_so(
    client: Client, make_analysis: MakeAnalysis, make_model: MakeModel, model: str
) -> None:
    make_model()
    analysis = make_analysis(status=Status.DONE)

    response = client.post(f"/results/{analysis.pk}/again/", {"model": model})

    assert response.status_code == 400
    assert "Choose" in response.content.decode()
    assert Analysis.objects.count() == 1


@pytest.mark.parametrize(
    ("playback", "words"),
    [
        (Playback.ORIGINAL, "<video"),
        (Playback.WANTED, "is being made"),
        (Playback.NONE, "be played here"),
    ],
)
def test_the_player_shows_the_clip_or_says_why_not(
    client: Client, make_analysis: MakeAnalysis, make_clip: MakeClip, playback: str, words: str
) -> None:
    clip = make_clip(playback=playback)
    player = client.get(f"/clips/{clip.pk}/player/").content.decode()

    assert words in player
    assert ("hx-trigger" in player) is (playback == Playback.WANTED)
    whole = page(client, make_analysis(clip=clip))
    assert TOKEN.sub("", player.strip()) in TOKEN.sub("", whole)


def test_the_player_shows_the_copy(client: Client, make_clip: MakeClip) -> None:
    clip = make_clip(playback=Playback.COPY, playable="copy.mp4", container="avi")

    assert "data-player" in client.get(f"/clips/{clip.pk}/player/").content.decode()


def test_a_name_is_text_and_never_markup(client: Client, make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(name='"><script>alert(1)</script>.mp4', status=Status.DONE)

    assert "<script>alert" not in page(client, analysis)


def test_queries_do_not_grow_with_the_results_of_the_clip(
    client: Client,
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    clip = make_clip()
    for _ in range(10):
        analysis = make_analysis(clip=clip)

    # session, user, permissions (2), memberships, the trash, the analysis, its place, its progress,
    # that the page was opened (5), tags (2), the clip's other results, whether cameras are watched
    with django_assert_num_queries(18):
        page(client, analysis)
    # session, user, permissions (2), memberships, the trash, the analysis, its place, its progress
    with django_assert_num_queries(9):
        page(client, analysis, **HTMX)


def _hash_of(name: str) -> str:
    return catalog.usable(name).sha256


def test_again_without_end_is_refused_with_a_sentence(
    client: Client,
    user: User,
    make_analysis: MakeAnalysis,
    make_model: MakeModel,
    settings: Settings,
) -> None:
    make_model()
    settings.WAITING_PER_USER = 1
    earlier = make_analysis(status=Status.DONE)
    again = f"/results/{earlier.pk}/again/"
    client.post(again, {"model": "standard"})

    response = client.post(again, {"model": "standard"})

    assert response.status_code == 429
    assert "as one user may have: 1" in response.content.decode()
    assert Analysis.objects.count() == 2


def test_a_copy_that_failed_can_be_asked_for(
    client: Client, make_analysis: MakeAnalysis, make_clip: MakeClip
) -> None:
    analysis = make_analysis(clip=make_clip(playback=Playback.NONE))
    address = f"/clips/{analysis.clip.pk}/copy/"
    page = client.get(f"/results/{analysis.pk}/").content.decode()
    assert f'action="{address}"' in page
    assert page.count("csrfmiddlewaretoken") == page.count('method="post"')

    response = client.post(address)

    assert response["Location"] == f"/results/{analysis.pk}/"
    assert "is being made" in client.get(f"/results/{analysis.pk}/").content.decode()


def test_a_copy_that_is_asked_for_replaces_the_player(client: Client, make_clip: MakeClip) -> None:
    clip = make_clip(playback=Playback.NONE)

    response = client.post(f"/clips/{clip.pk}/copy/", headers={"HX-Request": "true"})

    assert "is being made" in response.content.decode()
    assert "<html" not in response.content.decode()


def test_a_copy_is_asked_for_by_post_alone(client: Client, make_clip: MakeClip) -> None:
    assert client.get(f"/clips/{make_clip().pk}/copy/").status_code == 405


def test_a_recording_time_is_shown_by_the_clocks_of_the_store_with_its_origin(
    client: Client, make_analysis: MakeAnalysis, make_clip: MakeClip
) -> None:
    Store.objects.update(time_zone="Europe/Berlin")
    at = datetime(2026, 11, 26, 13, 30, tzinfo=UTC)
    analysis = make_analysis(clip=make_clip(recorded_at=at, recorded_from=RecordedFrom.FILE))

    assert "26 Nov 2026, 14:30 CET" in page(client, analysis)
    assert "Thursday, 26 November 2026, 14:30:00 CET" in client.get("/history/").content.decode()
    assert "from the file itself, whose clock may be off" in page(client, analysis)


def test_what_stood_in_the_way_of_a_recording_time_is_told(
    client: Client, make_analysis: MakeAnalysis, make_clip: MakeClip
) -> None:
    analysis = make_analysis(clip=make_clip(recorded_note="02:30 happened twice."))

    assert "not known. 02:30 happened twice." in page(client, analysis)
