"""What is said of live cameras that were watched: acts, delays, and the row of the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts._lib.simulator import footage
from scripts._lib.simulator.footage import Planted, Shot
from scripts.benchmark import __main__ as benchmark
from scripts.benchmark import live
from scripts.benchmark.live import LATE, PAUSE, SETTLING, Measured, Plan
from tests.makers.footage import ROOT

LENGTH = 10.0  # seconds of each act
ACTS = [Path("one.mp4"), Path("two.mp4")]


@pytest.fixture
def _shots(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clips aren't there."""
    monkeypatch.setattr(footage, "shot", lambda clip, _: Shot(pictures=(), seconds=LENGTH))


def measured(**changes: object) -> Measured:
    plan = Plan(empty=Path("empty.mp4"), acts=ACTS, cameras=10, minutes=5)
    return Measured(plan=plan, model="i3d_person", **changes)  # type: ignore[arg-type]


def cells(each: Measured) -> list[str]:
    return live.table([each]).splitlines()[2].strip("| ").split(" | ")


@pytest.mark.usefixtures("_shots")
def test_acts_come_one_after_another_and_in_another_order_on_each_camera() -> None:
    first, second = (live._planted(measured().plan, camera) for camera in (0, 1))

    assert [each.clip for each in first[:3]] == [ACTS[0], ACTS[1], ACTS[0]]
    assert second[0].clip == ACTS[1]
    assert [each.at for each in first[:2]] == [SETTLING, SETTLING + LENGTH + PAUSE]
    assert first[-1].at + LENGTH + LATE <= 5 * 60 < first[-1].at + LENGTH + PAUSE + LENGTH + LATE


@pytest.mark.usefixtures("_shots")
@pytest.mark.parametrize(
    ("opened", "delays"),
    [
        ([104.0], [0.0]),  # while it happened
        ([113.0], [3.0]),
        ([116.0, 113.0], [3.0]),  # the first of them
        ([99.0], []),  # before it
        ([110.0 + LATE + 1], []),
        ([], []),
    ],
)
def test_a_delay_counts_from_the_end_of_the_act(opened: list[float], delays: list[float]) -> None:
    found = measured()

    live._judge(found, Planted(clip=ACTS[0], at=100.0), opened)

    assert (found.delays, found.acts) == (delays, 1)


def test_a_row_has_all_that_was_measured() -> None:
    strides = [2.0] * 18 + [3.0, 9.0]

    found = cells(
        measured(strides=strides, memory=900_000_000, processor=1.5, delays=[0.0, 4.0], acts=3)
    )

    assert found == [
        "10, 3",
        "`i3d_person`",
        "5",
        "2.0 s",
        "3.0 s",
        "9.0 s",
        "1.50 cores",
        "900 MB",
        "2 of 3",
        "2.0 s",
        "4.0 s",
    ]
    assert len(found) == len(live.COLUMNS)


def test_what_was_not_seen_is_a_dash() -> None:
    assert cells(measured())[3:6] == ["-", "-", "-"]


@pytest.mark.parametrize(
    ("clips", "says"),
    [
        ([str(ROOT / "README.md")], "Name at least two clips"),
        ([str(ROOT / "README.md"), "gone.mp4"], "There is no clip gone.mp4."),
    ],
)
def test_what_cannot_be_measured_is_a_sentence(
    clips: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert benchmark.main([*clips, "--live", "--minutes", "1"]) == 2
    assert says in capsys.readouterr().err
