"""Heat maps: asked for, made when nothing better is to be done, and never for ever."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests.conftest import FakePredictor, MakeAnalysis, MakeClip, claimed, followed
from tests.makers import videos
from video_classifier.ml.contracts import ClipSpec, Image
from video_classifier.ml.serving import occlusion
from video_classifier.models import Analysis, HeatMap
from video_classifier.querysets import HeatMapQuerySet
from video_classifier.services import (
    catalog,
    clips,
    evidence,
    files,
    heat_maps,
    queue,
    sandbox,
    segments,
    trash,
)
from video_classifier.services.errors import Refused
from video_classifier.states import Status


class Attentive(FakePredictor):
    """Looks at the brightness of the corner above on the left, and at nothing else."""

    def score(self, images: Image) -> float:
        return float(images[:, :2, :2].mean() / 200 * self._score)


@pytest.fixture
def predictor(monkeypatch: pytest.MonkeyPatch) -> FakePredictor:
    fake = Attentive(tracks=(followed(0.2), followed(0.8)))
    monkeypatch.setattr(catalog, "load", lambda _: fake)
    return fake


@pytest.fixture
def analysis(make_analysis: MakeAnalysis, predictor: FakePredictor) -> Analysis:
    """The highest score is of track 2."""
    make_analysis()
    segment = segments.claim_next(worker="one")
    assert segment is not None
    segments.run(segment, predictor=predictor)
    return Analysis.objects.get()


def test_of_a_clip_that_was_deleted_meanwhile_none_is_queued(
    analysis: Analysis, user: User
) -> None:
    trash.put(analysis.clip, by=user)

    with pytest.raises(Refused, match="was deleted meanwhile"):
        heat_maps.ask(analysis, user=user)

    assert not HeatMap.objects.exists()


def drawn(analysis: Analysis) -> Image:
    return evidence.read(evidence.heat_file(analysis, number) for number in range(2))


def patience() -> Iterator[None]:
    """Many looks, for a minute at most."""
    pause = threading.Event()
    for _ in range(6000):
        yield
        pause.wait(0.01)


def test_shows_what_of_the_deciding_person_mattered(analysis: Analysis) -> None:
    heat_maps.ask(analysis, user=None)

    assert heat_maps.make_next(worker="one")

    made = HeatMap.objects.get()
    assert made.status == Status.DONE
    drops = np.array(made.drops)
    assert drops.shape == (8, 8)
    assert drops[0, 0] == drops.max() > 0
    assert np.count_nonzero(drops > 0.01) == 1
    assert drawn(analysis)[0, 0, 0].mean() > drawn(analysis)[0, 12, 12].mean() + 100


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_takes_no_pictures_is_waited_for(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, "not now")

    monkeypatch.setattr(files, "write", refuse)
    heat_maps.ask(analysis, user=None)

    assert heat_maps.make_next(worker="one")

    made = HeatMap.objects.get()
    assert (made.status, made.attempts) == (Status.QUEUED, 0)


@pytest.mark.django_db(transaction=True)  # its lease is looked at from another connection
def test_of_the_whole_picture_it_is_worked_out_from_the_clip(
    make_clip: MakeClip,
    make_analysis: MakeAnalysis,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    video = videos.write(tmp_path / "clip.mp4", 20)
    make_analysis(clip=make_clip(content=video.read_bytes()))
    segment = segments.claim_next(worker="one")
    assert segment is not None
    segments.run(segment, predictor=FakePredictor(0.7))
    analysis = Analysis.objects.get()
    seen: list[tuple[int, ...]] = []

    class Witness(FakePredictor):
        def score(self, images: Image) -> float:
            seen.append(images.shape)
            return self._score

    monkeypatch.setattr(catalog, "load", lambda _: Witness(0.7))
    heat_maps.ask(analysis, user=None)
    heat_maps.make_next(worker="one")

    assert HeatMap.objects.get().status == Status.DONE
    assert set(seen) == {ClipSpec(height=16, width=16).shape}
    assert drawn(analysis).shape[1:] == (18, 240, 3)  # over the film's own pictures


@pytest.mark.parametrize(
    ("windows", "decided"),
    [
        ([], (0.0, None, 0.6)),  # of a result from before there were any
        ([[0.0, 12.0, 0.7]], (0.0, None, 0.6)),
        ([[0.0, 10.0, 0.2], [10.0, 20.0, 0.7], [20.0, 33.0, 0.1]], (10.0, 20.0, 0.7)),
        ([[0.0, 10.0, 0.2], [10.0, 20.0, 0.3], [20.0, 33.0, 0.7]], (20.0, None, 0.7)),
    ],
)
def test_of_a_long_clip_it_is_of_the_window_that_decided(
    make_analysis: MakeAnalysis,
    windows: list[list[float]],
    decided: tuple[float, float | None, float],
) -> None:
    analysis = make_analysis(windows=windows)
    analysis.score = 0.6

    assert heat_maps._deciding_window(analysis, 1) == decided


def test_of_a_score_that_is_the_mean_of_windows_it_explains_the_one_that_is_shown(
    analysis: Analysis,
) -> None:
    """A model of movement scores a person by the mean of several windows, and one is shown."""
    windows = [[0.0, 1.0, 0.8], [1.0, 2.0, 0.3], [2.0, 3.0, 0.4]]
    analysis.tracks.filter(number=2).update(windows=windows, score=0.5)
    Analysis.objects.update(score=0.5)
    heat_maps.ask(analysis, user=None)

    heat_maps.make_next(worker="one")

    made = HeatMap.objects.get()
    assert (made.status, made.error) == (Status.DONE, "")
    assert np.array(made.drops).max() == pytest.approx(0.8 * (1 - 128 / 200), abs=0.01)


def test_a_result_from_before_windows_were_kept_is_compared_with_its_score(
    analysis: Analysis,
) -> None:
    analysis.tracks.update(windows=[])
    heat_maps.ask(analysis, user=None)

    heat_maps.make_next(worker="one")

    assert HeatMap.objects.get().status == Status.DONE


def test_asked_twice_it_is_made_once(analysis: Analysis) -> None:
    heat_maps.ask(analysis, user=None)
    heat_maps.ask(analysis, user=None)

    assert heat_maps.make_next(worker="one")
    heat_maps.ask(analysis, user=None)
    assert not heat_maps.make_next(worker="one")


def test_asking_wakes_workers_once_it_is_committed(
    analysis: Analysis,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    woken: list[bool] = []
    monkeypatch.setattr(queue, "_listeners", [lambda _: woken.append(True)])

    with django_capture_on_commit_callbacks(execute=True):
        heat_maps.ask(analysis, user=None)
        assert not woken

    assert woken


def test_the_loser_of_a_race_finds_nothing(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    heat_maps.ask(analysis, user=None)
    look = HeatMapQuerySet.first

    def look_while_a_rival_claims(queue: HeatMapQuerySet) -> HeatMap | None:
        seen = look(queue)
        HeatMap.objects.filter(status=Status.QUEUED).update(
            status=Status.RUNNING, **claimed(timezone.now()) | {"worker": "rival"}
        )
        return seen

    monkeypatch.setattr(HeatMapQuerySet, "first", look_while_a_rival_claims)

    assert not heat_maps.make_next(worker="one")
    assert HeatMap.objects.get().worker == "rival"


def test_one_that_gives_way_keeps_its_place(analysis: Analysis) -> None:
    heat_maps.ask(analysis, user=None)
    answers = iter([True, True, False])

    assert heat_maps.make_next(worker="one", proceed=lambda: next(answers))

    waiting = HeatMap.objects.get()
    assert (waiting.status, waiting.attempts) == (Status.QUEUED, 0)
    assert heat_maps.make_next(worker="one")
    assert HeatMap.objects.get().status == Status.DONE


@pytest.mark.django_db(transaction=True)
def test_shows_life_while_it_lasts(analysis: Analysis, settings: Settings) -> None:
    settings.ANALYSIS_HEARTBEAT = timedelta(milliseconds=10)
    heat_maps.ask(analysis, user=None)
    long_ago = timezone.now() - timedelta(hours=1)
    beats: list[bool] = []

    def wait_for_a_beat() -> bool:
        if not beats:
            HeatMap.objects.update(heartbeat_at=long_ago)
            seen = (HeatMap.objects.filter(heartbeat_at__gt=long_ago).exists() for _ in patience())
            beats.append(any(seen))
        return True

    heat_maps.make_next(worker="one", proceed=wait_for_a_beat)

    assert beats == [True]


def test_what_a_dead_worker_left_is_made_by_another(analysis: Analysis) -> None:
    heat_maps.ask(analysis, user=None)
    HeatMap.objects.update(status=Status.RUNNING, **claimed(timezone.now() - timedelta(hours=1)))

    assert heat_maps.make_next(worker="two")

    assert HeatMap.objects.get().status == Status.DONE


@pytest.mark.parametrize("error", [sandbox.ScorerDiedError(), OperationalError("cut off")])
def test_one_that_is_interrupted_is_tried_again_but_not_for_ever(
    analysis: Analysis, settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    heat_maps.ask(analysis, user=None)

    def die(*_: object, **__: object) -> float:
        raise error

    monkeypatch.setattr(occlusion, "heat_map", die)
    left = []
    for _ in range(settings.ANALYSIS_ATTEMPTS):
        assert heat_maps.make_next(worker="one")
        left.append(HeatMap.objects.get().status)

    assert left == [*[Status.QUEUED] * (settings.ANALYSIS_ATTEMPTS - 1), Status.FAILED]


def test_what_kills_its_workers_is_given_up(analysis: Analysis, settings: Settings) -> None:
    heat_maps.ask(analysis, user=None)
    HeatMap.objects.update(
        status=Status.RUNNING,
        **claimed(timezone.now() - timedelta(hours=1)) | {"attempts": settings.ANALYSIS_ATTEMPTS},
    )

    assert not heat_maps.make_next(worker="two")

    given_up = HeatMap.objects.get()
    assert (given_up.status, given_up.error) == (Status.FAILED, heat_maps.BROKE)


def vanish(analysis: Analysis) -> None:
    default_storage.delete(evidence.crop_file(analysis.tracks.get(number=2), 0))


def forget(analysis: Analysis) -> None:
    analysis.tracks.update(windows=[[0.0, 1.0, 0.3]])


@pytest.mark.parametrize(
    ("spoil", "sentence"), [(vanish, heat_maps.BROKE), (forget, "0.80 instead of 0.30")]
)
def test_a_failure_is_a_sentence_and_can_be_asked_for_again(
    analysis: Analysis, spoil: Callable[[Analysis], None], sentence: str
) -> None:
    heat_maps.ask(analysis, user=None)
    spoil(analysis)

    assert heat_maps.make_next(worker="one")

    failed = HeatMap.objects.get()
    assert failed.status == Status.FAILED
    assert sentence in failed.error
    assert not heat_maps.make_next(worker="one")
    heat_maps.ask(analysis, user=None)
    assert HeatMap.objects.get().status == Status.QUEUED


@pytest.mark.parametrize("moment", ["heat_map", "drawn"])
def test_one_whose_clip_is_deleted_meanwhile_leaves_nothing(
    analysis: Analysis,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    moment: str,
) -> None:
    heat_maps.ask(analysis, user=None)
    go_on = getattr(occlusion, moment)

    def delete_and_go_on(*args: object, **options: object) -> object:
        clips.delete(analysis.clip)
        return go_on(*args, **options)

    monkeypatch.setattr(occlusion, moment, delete_and_go_on)

    with django_capture_on_commit_callbacks(execute=True):
        heat_maps.make_next(worker="one")

    assert not HeatMap.objects.exists()
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
