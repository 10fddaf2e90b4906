"""Stores are made of people apart; on made-up features it shows what a quiet day and reviews do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scripts.simulate_store import heads, learner, real_shops, simulation, tables
from scripts.simulate_store.features import ClipFeatures
from scripts.simulate_store.simulation import Plan, Row, Scenario
from tests.makers.old_footage import make_old_footage
from video_classifier.ml.data.manifest import Entry
from video_classifier.ml.training.adaptation import AdaptationSettings

SIZE = 10
SETTINGS = AdaptationSettings(rank=SIZE, penalty=10.0)
PLAN = Plan(seeds=2, reviews=(20,), wrong=((20, 0.2),), settings=SETTINGS)
HERE = Scenario(name="here")
# Whatever it sees scores low there, and thefts look different.
ELSEWHERE = Scenario(name="elsewhere", before="room 1", after="room 1")
LOW = -1.5 * np.eye(SIZE)[0]
OTHER = 2 * np.eye(SIZE)[1]


def clip(person: int, target: int, number: int) -> ClipFeatures:
    random = np.random.default_rng((person, target, number))
    act = np.eye(SIZE)[0] * 2 * target
    seen = random.normal(0, 0.6, (4, SIZE)) + act
    label = "shoplifter" if target else "non_shoplifter"
    entry = Entry(
        path=Path(f"{person}_{target}_{number}.mp4"),
        name=f"{person}_{target}_{number}.mp4",
        label=label,
        group=f"person {person}",
        take=f"take {person} {target} {number // 2}",
        source="shop",
    )
    other = seen + LOW + target * (OTHER - act)
    variants = {"served": seen, "mirrored": seen + 0.1, "room 1": other}
    return ClipFeatures(
        entry=entry, variants={name: found.astype(np.float32) for name, found in variants.items()}
    )


@pytest.fixture(scope="module")
def clips() -> list[ClipFeatures]:
    return [
        clip(person, target, number)
        for person in range(8)
        for target in (0, 1)
        for number in range(8)
    ]


@pytest.fixture(scope="module")
def rows(clips: list[ClipFeatures]) -> list[Row]:
    return simulation.simulate(clips, [HERE, ELSEWHERE], PLAN)


def mean(rows: list[Row], scenario: str, condition: str, name: str) -> float:
    found = [row for row in rows if (row.scenario, row.condition) == (scenario, condition)]
    assert len(found) == PLAN.seeds * simulation.STORES
    return float(np.mean([getattr(row, name) for row in found]))


def test_a_store_is_of_people_whom_its_model_has_not_seen(clips: list[ClipFeatures]) -> None:
    for store in simulation.stores_of(clips, 0):
        parts = [store.old, store.before, store.after]
        people = [{clip.entry.group for clip in part} for part in parts]

        assert sum(map(len, people)) == 8
        assert len(set.union(*people)) == 8
        assert all({clip.entry.target for clip in part} == {0, 1} for part in parts)


def test_regulars_come_again_in_other_recordings(clips: list[ClipFeatures]) -> None:
    store = next(simulation.stores_of(clips, 0))

    found = simulation.with_regulars(store, 0)

    takes = [{clip.entry.take for clip in part} for part in (found.before, found.after)]
    people = [{clip.entry.group for clip in part} for part in (found.before, found.after)]
    assert not takes[0] & takes[1]
    assert people[0] == people[1]


def test_a_quiet_day_keeps_the_budget_where_the_models_threshold_misses(rows: list[Row]) -> None:
    before = mean(rows, "elsewhere", "none", "recall")

    assert mean(rows, "elsewhere", "quiet day", "recall") > before
    assert mean(rows, "elsewhere", "quiet day", "false_hints") < 2 * (PLAN.budget + PLAN.hidden)


def test_reviews_show_thefts_that_look_different_there(rows: list[Row]) -> None:
    day, after = (
        mean(rows, "elsewhere", f"quiet day{more}", "recall_at_budget")
        for more in ("", " + 20 reviews")
    )

    assert after >= 2 * day
    assert mean(rows, "here", "quiet day + 20 reviews", "recall_at_budget") > 0.8


def test_wrong_reviews_do_not_end_below_the_start(rows: list[Row]) -> None:
    for scenario in ("here", "elsewhere"):
        start, after = (
            mean(rows, scenario, condition, "auc")
            for condition in ("none", "quiet day + 20 reviews, 20% wrong")
        )

        assert after >= start - 0.02


def test_a_moved_camera_is_measured_again(clips: list[ClipFeatures]) -> None:
    moved = Scenario(name="moved", before="served", after="room 1")
    plan = replace(PLAN, seeds=1, reviews=(), wrong=((20, 0.0),))

    rows = simulation.simulate(clips, [moved], plan)

    found = {row.condition: row for row in rows if row.store == 0}
    assert "moved, measured again" in found
    assert found["quiet day"].false_hints == 0  # everything scores lower from there
    assert found["moved, measured again"].recall > found["quiet day"].recall


def test_tables_and_plot_show_every_condition(rows: list[Row], tmp_path: Path) -> None:
    table = tables.stores(rows)
    tables.plot(rows, tmp_path / "plot.png")

    assert len(table.splitlines()) == 2 + 2 * 6
    assert "| elsewhere | quiet day + 20 reviews, 20% wrong, unchecked |" in table
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_segments_of_a_camera_teach_what_its_incident_looks_like(
    clips: list[ClipFeatures],
) -> None:
    base = simulation.base_of(clips, SETTINGS)
    segments = [
        replace(
            clip(90, target, number),
            entry=replace(clip(90, target, number).entry, group="cam01"),
            variants={"served": clip(90, target, number).variants["room 1"]},
        )
        for target in (0, 1)
        for number in range(4)
    ]

    old = make_old_footage(features=SIZE)
    own = real_shops.Shipped(kernel=np.eye(SIZE)[0], bias=0.0, old=old)
    rows = real_shops.measure(segments, base, SETTINGS, seed=0, shipped=own)

    areas = {
        (way, count): np.mean([row.auc for row in rows if (row.way, row.segments) == (way, count)])
        for way, count in {(row.way, row.segments) for row in rows}
    }
    assert areas["nearest neighbours", 4] > 0.8
    assert areas["head", 4] > areas["head", 0]
    assert ("head", 8) not in areas  # it would leave nothing to test on
    assert "| cam01 | head |" in tables.shops(rows)
    first, *others = found = real_shops.forgotten(segments, own, best=10)
    assert (first.thefts, first.ordinary) == (5, 0)
    assert {row.way for row in others} == {real_shops.NEAR, real_shops.TOGETHER, real_shops.FAR}
    assert "| none | the shipped head |" in tables.forgotten(found)


def test_each_way_to_fit_a_head_says_what_it_learned_and_what_it_forgot(
    clips: list[ClipFeatures],
) -> None:
    rows = heads.measure(clips, replace(PLAN, seeds=1))

    assert {row.scenario for row in rows} == {"other people later", "the same people later"}
    own = [row for row in rows if row.way == heads.NONE]
    assert len(rows) == len(own) * (2 + 2 * len(heads.REACHES))
    assert len({(row.scenario, row.old_auc) for row in own}) <= 2 * simulation.STORES
    for row in rows:
        assert min(row.auc, row.recall_at_budget, row.old_auc, row.old_recall) >= 0
    assert f"| {heads.ANEW} |" in tables.heads(rows)


def test_what_the_site_makes_of_reviews_is_measured_likewise(clips: list[ClipFeatures]) -> None:
    rows = learner.measure(clips, [HERE, ELSEWHERE], PLAN)

    names = {row.condition for row in rows}
    assert names == {row.condition for row in simulation.simulate(clips, [HERE], PLAN)}
    day, after = (
        mean(rows, "elsewhere", f"quiet day{more}", "auc")
        for more in ("", " + 20 reviews, unchecked")
    )
    assert after > day
    assert mean(rows, "here", "quiet day", "recall") > 0.8


def test_by_the_rule_a_version_that_learned_nonsense_stays_out(clips: list[ClipFeatures]) -> None:
    plan = replace(PLAN, seeds=1, reviews=(), wrong=((40, 1.0),))

    rows = learner.measure(clips, [HERE], plan)

    by_name = {row.condition: row for row in rows if row.store == 0}
    checked = by_name["quiet day + 40 reviews, 100% wrong"]
    assert not checked.is_kept
    assert (checked.auc, checked.recall) == (by_name["quiet day"].auc, by_name["quiet day"].recall)
    assert by_name["quiet day + 40 reviews, 100% wrong, unchecked"].auc < checked.auc
