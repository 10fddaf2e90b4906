"""The soak of live cameras: a minute of it, and that each thing that goes wrong is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from scripts import soak
from scripts._lib.live_site import Seen
from scripts._lib.simulator import footage
from scripts._lib.simulator.camera import Camera
from scripts._lib.simulator.footage import Planted, Shot
from scripts.soak import BROKEN, FAULTS, GROWTH, RECOVERY, SHOP, START, TAIL, Trial, Watched
from tests.makers import hours, models
from tests.makers.footage import ROOT
from video_classifier.ml.contracts import Image

BEGAN = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)
THEFT, HARMLESS = Path("theft.mp4"), Path("harmless.mp4")
LENGTH = 10.0  # seconds of each of them
MEGABYTE = 10**6


@pytest.fixture
def _shots(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clips aren't there."""
    monkeypatch.setattr(footage, "shot", lambda clip, _: Shot(pictures=(), seconds=LENGTH))


def watched(**changes: object) -> Watched:
    """Nothing went wrong, unless it is said otherwise."""
    sound: dict[str, object] = {
        "began": BEGAN,
        "trials": [Trial(name="stall", ended=BEGAN + timedelta(seconds=20), recovered=4.0)],
        "planted": [Planted(clip=THEFT, at=100.0), Planted(clip=HARMLESS, at=200.0)],
        "memory": [500 * MEGABYTE] * 30,
        "watchers": {7},
        "strides": [(1.0, 2.0), (2.0, 2.2)],
    }
    return Watched(**sound | changes)  # type: ignore[arg-type]


def event(second: float, camera: str = SHOP, **changes: object) -> Seen:
    """Opened so long after the start, closed, with its clip."""
    opened = BEGAN + timedelta(seconds=second)
    usual: dict[str, object] = {
        "started": opened - timedelta(seconds=5),
        "closed": opened + timedelta(seconds=15),
        "clip": "1f",
        "no_clip": "",
    }
    return Seen(camera=camera, opened=opened, **usual | changes)  # type: ignore[arg-type]


def judged(seen: Watched, *events: Seen) -> soak.Result:
    found = {THEFT: True, HARMLESS: False}
    return soak._judged(seen, events or (event(107),), found, LENGTH)


@pytest.mark.usefixtures("_shots")
def test_nothing_is_wrong_where_nothing_was() -> None:
    result = judged(watched())

    assert result.wrong == []
    assert [figure for _, _, figure in result.figures] == [
        "1 of 1, the slowest 4 s",
        "500 MB, 500 MB",
        "1 of 1",
        "0",
        "2.1",
    ]


@pytest.mark.usefixtures("_shots")
@pytest.mark.parametrize("recovered", [None, RECOVERY + 1])
def test_a_fault_that_is_not_over_is_wrong(recovered: float | None) -> None:
    result = judged(watched(trials=[Trial(name="clock", ended=BEGAN, recovered=recovered)]))

    assert result.wrong == ["The fault “clock” was not over after 30 s."]
    assert "0 of 1" in result.figures[0][2]


@pytest.mark.usefixtures("_shots")
def test_no_fault_at_all_is_wrong() -> None:
    assert judged(watched(trials=[])).wrong == ["No fault was tried: there was no time for one."]


@pytest.mark.usefixtures("_shots")
def test_memory_that_grows_is_wrong_and_what_is_taken_at_first_is_not() -> None:
    at_first, then = [100 * MEGABYTE] * 10, [500 * MEGABYTE] * 10
    more = [round(500 * MEGABYTE * GROWTH) + MEGABYTE] * 10

    assert judged(watched(memory=[*at_first, *then, *then])).wrong == []
    (wrong,) = judged(watched(memory=[*at_first, *then, *more])).wrong
    assert wrong == "The watcher's memory grew from 500 to 576 MB."


@pytest.mark.usefixtures("_shots")
def test_a_watcher_that_died_is_wrong_though_another_one_was_started() -> None:
    memory = [500 * MEGABYTE] * 28 + [0, 0]

    assert judged(watched(memory=memory, watchers={7, 8})).wrong == [
        "No watcher ran in 2 of 30 looks.",
        "The watcher was started 2 times.",
    ]


@pytest.mark.usefixtures("_shots")
@pytest.mark.parametrize(
    "elsewhere",
    [
        event(99),  # before it
        event(107, BROKEN),
        event(100 + LENGTH + LENGTH + soak.LATE + 1),
    ],
)
def test_a_planted_clip_that_is_found_only_in_an_upload_is_wrong(elsewhere: Seen) -> None:
    result = judged(watched(), elsewhere)

    assert result.wrong == [
        "theft.mp4, 100 s, was not found live. The camera was not scored at that time."
    ]
    assert [figure for _, _, figure in result.figures[2:4]] == ["0 of 1", "1"]


@pytest.mark.usefixtures("_shots")
def test_a_planted_clip_that_was_missed_has_how_late_the_camera_was_scored() -> None:
    strides = [(90.0, 20.0), (101.0, 2.0), (104.0, 11.6), (300.0, 20.0)]

    result = judged(watched(strides=strides), event(99))

    assert result.wrong == [
        "theft.mp4, 100 s, was not found live. At that time up to 11.6 s passed from one scoring "
        "to the next."
    ]


@pytest.mark.usefixtures("_shots")
def test_what_an_upload_does_not_find_need_not_be_found_live() -> None:
    result = judged(watched(planted=[Planted(clip=HARMLESS, at=200.0)]), event(205))

    assert result.wrong == []
    assert [figure for _, _, figure in result.figures[2:4]] == ["0 of 0", "0"]


@pytest.mark.usefixtures("_shots")
def test_an_event_without_its_clip_is_wrong() -> None:
    (wrong,) = judged(watched(), event(107, clip="", no_clip="The disk is full.")).wrong

    assert wrong == "The event of 14:01:42 has no clip: The disk is full."


def test_clips_are_spread_so_that_the_last_event_closes_in_time() -> None:
    spread = soak._spread([THEFT, HARMLESS], 600)

    assert [each.at for each in spread] == [START, START + (600 - START - TAIL) / 2]
    assert spread[-1].at < 600 - TAIL


def test_each_fault_is_set_and_ended_and_a_clock_jumps_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = hours.write(tmp_path / "clip.mp4", _room(40), {}, seconds=1)
    seen, set_back = Watched(), []
    monkeypatch.setattr(soak, "_pass", lambda *_, **__: iter([None]))
    with Camera([clip], only="http") as camera:
        steps = soak._steps(camera, seen, ["stall", "clock"], ends=float("inf"))
        for _ in range(12):
            next(steps)
            set_back.append((camera.faults.now.stall, camera.faults.now.clock))

    assert set_back[:4] == [(True, 0), (False, 0), (False, 0), (False, -30)]
    assert set_back[6:] == [(True, -30), (False, -30), (False, -30), (False, -60)] + 2 * [
        (False, -60)
    ]
    assert [each.name for each in seen.trials] == ["stall", "clock", "stall", "clock"]


def test_every_fault_of_the_simulator_is_tried() -> None:
    from scripts._lib.simulator import faults

    assert list(FAULTS) == list(faults.NAMES)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--ordinary", "gone.mp4"], "There is no clip gone.mp4."),
        (["--ordinary", str(ROOT / "README.md"), "--planted", "gone.mp4"], "no clip gone.mp4."),
        (["--ordinary", str(ROOT / "README.md"), "--model", "nothing"], "nothing"),
        (["--ordinary", str(ROOT / "README.md"), "--write", str(ROOT / "README.md")], "soak"),
    ],
)
def test_what_cannot_be_tried_is_a_sentence(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert soak.main(arguments) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("minutes", ["0.5", "-1", "inf", "nan", "a"])
def test_less_than_a_minute_is_refused(minutes: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        soak.main(["--ordinary", "clip.mp4", "--minutes", minutes])
    assert "--minutes" in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.keras
def test_a_minute_with_faults_goes_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By a network of two weights that sees how bright it is: lights go on."""
    models.write_light_meter(tmp_path / "models" / "light_meter")
    dark = hours.write(tmp_path / "dark.mp4", _room(40), {}, seconds=4)
    bright = hours.write(tmp_path / "bright.mp4", _room(40), {0.0: _lights()}, seconds=12)

    status = soak.main(
        [
            *("--ordinary", str(dark), "--planted", str(bright), "--minutes", "1"),
            *("--storage", str(tmp_path / "models"), "--model", "light_meter"),
            *("--detector", str(ROOT / "models_storage/person_detector")),
            *("--faults", "stall", "password", "clock"),
        ]
    )

    printed = capsys.readouterr()
    assert status == 0, printed.err
    assert "| 1 of 1 |" in printed.out


def _lights() -> Iterator[Image]:
    """In which something moves."""
    width, _ = hours.SIZE
    for number in range(12 * hours.RATE):
        image = _room(250)
        left = 4 * number % (width - 60)
        image[90:150, left : left + 60] = 200
        yield image


def _room(shade: int) -> Image:
    width, height = hours.SIZE
    return np.full((height, width, 3), shade, np.uint8)
