"""From reviewed clips to a head, by a network of a few weights: red is theft, and blue isn't."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.makers import colors, crowd
from tests.makers.models import write_light_meter
from tests.makers.old_footage import make_old_footage
from tests.ml.conftest import OF_MOVEMENT, write_bundle
from video_classifier.improving import learning, reading, splitting
from video_classifier.improving.errors import ImproveError
from video_classifier.ml.cache import Cache
from video_classifier.ml.files import sha256
from video_classifier.ml.isolation.children import Child, ChildDiedError, Meanwhile
from video_classifier.ml.measures import thefts
from video_classifier.ml.serving import bundle
from video_classifier.ml.serving.card import BundleError
from video_classifier.ml.training import old_footage

pytestmark = pytest.mark.keras

LAST = date(2026, 11, 26)
DETECTOR = Path("nowhere")  # a network of whole pictures needs none


@dataclass(frozen=True)
class Row:
    is_theft: bool
    day: int = 10  # days before the last
    camera: str = "Till"
    like: int | None = None  # the number of another row, whose footage it has
    reviewer: str = "1 2"


def rows_of(*counts: tuple[bool, int, int], camera: str = "Till") -> list[Row]:
    """Of (is_theft, day, how many)."""
    return [Row(is_theft, day, camera) for is_theft, day, count in counts for _ in range(count)]


ENOUGH = rows_of(
    (True, 20, 4), (False, 20, 4), (True, 9, 3), (False, 9, 3), (True, 0, 3), (False, 0, 4)
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_light_meter(tmp_path_factory.mktemp("models") / "meter", exported=False)


def export(folder: Path, rows: Sequence[Row]) -> Path:
    (folder / "clips").mkdir(parents=True)
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(
            [
                *("path", "label", "group", "take", "source", "note"),
                *("camera", "day", "reviewer", "event", "score", "model"),
            ]
        )
        for number, row in enumerate(rows):
            name = f"clips/{number}.mp4"
            if row.like is None:
                color = colors.RED if row.is_theft else colors.BLUE
                colors.write(folder / name, color, seed=number)
            else:
                shutil.copy(folder / f"clips/{row.like}.mp4", folder / name)
            day = (LAST - timedelta(days=row.day)).isoformat()
            label = "shoplifter" if row.is_theft else "non_shoplifter"
            table.writerow(
                [
                    *(name, label, f"camera {row.camera}, {day}", f"take {number}"),
                    *(row.camera, "", row.camera, day, row.reviewer, number, 0.5, "meter"),
                ]
            )
    return folder


def improve(folder: Path, model: Path, rows: Sequence[Row] | None = None) -> dict[str, object]:
    learning.improve(
        folder if rows is None else export(folder / "in", rows),
        model,
        folder / "out",
        detector=DETECTOR,
    )
    found: dict[str, object] = json.loads((folder / "out" / "report.json").read_text())
    return found


def test_it_finds_what_the_model_does_not(model: Path, tmp_path: Path) -> None:
    report = improve(tmp_path, model, ENOUGH)

    card, head = bundle.read_version(tmp_path / "out", model)
    red, blue = (np.array([color], float) / 255 for color in (colors.RED, colors.BLUE))
    assert head.score(red)[0] > head.score(blue)[0]
    assert (card.metrics, card.confidence, card.threshold) == ({}, None, 0.5)
    assert "it takes 10 of each" in str(report["confidence"])
    assert "didn't come with it" in str(report["threshold"])
    assert report["figures"].keys() == {"thefts", "false_alarms"}  # type: ignore[attr-defined]
    assert not (tmp_path / "out" / thefts.FILE).exists()
    assert card.head is not None
    assert card.head.network_sha256 == bundle.read_card(model).sha256
    assert report["train"] == {"thefts": 7, "false_alarms": 7}
    assert report["test"] == {"thefts": 3, "false_alarms": 4, "days": 7, "camera": ""}
    assert (report["in_use"], report["reviewers"]) == ("meter", 2)
    tested = report["figures"]["thefts"]  # type: ignore[index]
    assert (tested["events"], tested["recordings"]) == (3, 1)
    assert tested["change"][1] <= tested["change"][0] <= tested["change"][2]
    assert {each["event"] for each in report["events"]} == set(range(14, 21))  # type: ignore[attr-defined]


def test_it_says_what_becomes_of_the_old_footage(model: Path, tmp_path: Path) -> None:
    """Also beside a version."""
    own, old = shutil.copytree(model, tmp_path / "meter"), make_old_footage(count=40)
    old_footage.keep(own, bundle.read_card(own), old)

    report = improve(tmp_path / "first", own, ENOUGH)
    used = (tmp_path / "first" / "out").rename(tmp_path / "1")
    learning.improve(
        tmp_path / "first" / "in", own, tmp_path / "out", detector=DETECTOR, in_use=used
    )

    figures = report["figures"]
    assert isinstance(figures, dict)
    assert (figures["old_thefts"]["events"], figures["old_thefts"]["recordings"]) == (10, 10)
    assert figures["old_false_alarms"]["events"] == 30
    table = thefts.read(used)
    assert (len(table.thefts), len(table.ordinary)) == (10, 30)
    again = json.loads((tmp_path / "out" / "report.json").read_text())["figures"]
    assert again["old_thefts"]["before"] == figures["old_thefts"]["after"]
    assert "Its page says how it does with the footage" in bundle.read_card(used).limits[0]


def test_old_footage_that_is_damaged_is_refused(model: Path, tmp_path: Path) -> None:
    own = shutil.copytree(model, tmp_path / "meter")
    old_footage.keep(own, bundle.read_card(own), make_old_footage())
    (own / old_footage.FILE).write_bytes(b"")

    with pytest.raises(BundleError, match="is not the one that its card describes"):
        improve(tmp_path, own, ENOUGH[:1])


def test_it_tests_on_what_it_did_not_learn_from(model: Path, tmp_path: Path) -> None:
    """The last week, and a camera."""
    other = rows_of((True, 15, 1), (False, 15, 2), camera="Door")

    report = improve(tmp_path, model, [*ENOUGH, *other])

    assert report["test"]["camera"] == "Door"  # type: ignore[index]
    assert set(report["learned"]) == set(range(14))  # type: ignore[call-overload]
    assert report["cameras"] == ["Door", "Till"]


def test_the_same_footage_is_in_it_once_and_contradictions_never(
    model: Path, tmp_path: Path
) -> None:
    twice = [Row(is_theft=True, day=0, like=0), Row(is_theft=False, day=8, like=1)]

    report = improve(tmp_path, model, [*ENOUGH, *twice])

    assert report["left_out"] == {"contradicted": 2, "copies": 1}
    learned = set(report["learned"])  # type: ignore[call-overload]
    assert learned == set(range(14)) - {0, 1}
    assert report["test"]["thefts"] == 4  # type: ignore[index]


def test_too_few_are_left_without_the_last_week(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ImproveError, match="0 confirmed events and 4 false alarms are left"):
        improve(tmp_path, model, rows_of((True, 0, 9), (False, 1, 9), (False, 9, 4)))


def test_what_was_seen_is_not_looked_at_again(model: Path, tmp_path: Path) -> None:
    export(tmp_path / "in", ENOUGH)
    told: list[str] = []

    def once() -> Path:
        learning.improve(
            tmp_path / "in",
            model,
            tmp_path / "out",
            detector=DETECTOR,
            cache=tmp_path / "cache",
            on_stage=told.append,
        )
        return tmp_path / "out" / "head.npz"

    first = sha256(once())
    count = len(list((tmp_path / "cache").iterdir()))

    assert sha256(once()) == first  # and the same reviews give the same head
    assert len(list((tmp_path / "cache").iterdir())) == count == len(ENOUGH)
    assert "Looking at event 21 of 21" in told


def test_of_a_person_each_window_has_its_own_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two people at once, whose windows come in turns."""
    monkeypatch.setattr("video_classifier.ml.persons.loading.load", lambda _: crowd.Spotter())
    (some,) = reading.read(export(tmp_path / "in", ENOUGH[:1]))
    ways = (crowd.walking(0.1, speed=0.05), crowd.standing(0.8))
    crowd.write(some.entry.path, *ways, seconds=8, rate=16)
    folder = write_bundle(tmp_path / "movement", seed=3, spec=OF_MOVEMENT, best_windows=2)
    network = reading.Network(folder, DETECTOR)

    seen = network.see(some, Cache(None))

    assert seen is not None
    assert len(seen.scores) > 2
    by_features = 1 / (1 + np.exp(-(seen.features @ network.kernel + network.bias)))
    assert by_features == pytest.approx(seen.scores, abs=1e-5)
    assert len(np.unique(seen.scores)) == len(seen.scores)


def test_it_is_compared_with_the_version_in_use(model: Path, tmp_path: Path) -> None:
    improve(tmp_path / "first", model, ENOUGH)
    used = tmp_path / "1"
    (tmp_path / "first" / "out").rename(used)

    learning.improve(
        tmp_path / "first" / "in", model, tmp_path / "out", detector=DETECTOR, in_use=used
    )

    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert all(each["before"] == each["after"] for each in report["events"])


def test_they_are_not_compared_on_what_the_one_in_use_learned_from(
    model: Path, tmp_path: Path
) -> None:
    """Another camera may be left out than the last time."""
    improve(tmp_path / "first", model, ENOUGH)
    used = (tmp_path / "first" / "out").rename(tmp_path / "1")
    card = bundle.read_card(used)
    known = {"clips_sha256": ["take 14", "take 15", "another"]}
    bundle.write_card(used, replace(card, training=dict(card.training) | known))

    learning.improve(
        tmp_path / "first" / "in", model, tmp_path / "out", detector=DETECTOR, in_use=used
    )

    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["left_out"] == {"known to what is in use": 2}
    figures = report["figures"]
    assert sum(figures[name]["events"] for name in ("thefts", "false_alarms")) == 5
    assert sum(report["test"][name] for name in ("thefts", "false_alarms")) == 7


def test_a_clip_that_can_not_be_read_is_left_out(model: Path, tmp_path: Path) -> None:
    export(tmp_path / "in", ENOUGH)
    (tmp_path / "in" / "clips" / "20.mp4").write_bytes(b"no video")
    learning.improve(tmp_path / "in", model, tmp_path / "out", detector=DETECTOR)

    report = json.loads((tmp_path / "out" / "report.json").read_text())

    assert report["left_out"] == {"unreadable": 1}


def test_who_is_not_seen_is_neither_learned_from_nor_counted(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    see, unseen = reading.Network.see, {0}
    monkeypatch.setattr(
        reading.Network,
        "see",
        lambda network, some, cache: None if some.event in unseen else see(network, some, cache),
    )

    report = improve(tmp_path, model, ENOUGH)

    assert report["left_out"] == {"nobody in them": 1}
    assert report["train"] == {"thefts": 6, "false_alarms": 7}
    assert set(report["learned"]) == set(range(1, 14))  # type: ignore[call-overload]

    unseen |= {1, 2}
    with pytest.raises(ImproveError, match="4 confirmed events and 7 false alarms are left"):
        learning.improve(tmp_path / "in", model, tmp_path / "more", detector=DETECTOR)


def test_a_recording_over_midnight_is_not_on_both_sides(tmp_path: Path) -> None:
    rows = [*ENOUGH]
    folder = export(tmp_path, rows)
    text = (folder / "manifest.csv").read_text().replace("take 0,", "take 20,")
    (folder / "manifest.csv").write_text(text)
    parts, on_both = splitting.split(reading.read(folder))

    assert on_both == 1
    assert 0 not in {each.event for each in parts.train}
    splitting.audit(parts)


# In its process


@pytest.fixture
def child() -> Iterator[Child]:
    found = Child(
        "video_classifier.improving",
        errors={kind.__name__: kind for kind in (ImproveError, BundleError)},
    )
    yield found
    found.kill()


def call(child: Child, folder: Path, model: Path, meanwhile: Meanwhile) -> None:
    child.call(
        "improve",
        *(export(folder / "in", ENOUGH), model, folder / "out", DETECTOR, None, folder / "cache"),
        returns=type(None),
        meanwhile=meanwhile,
    )


@pytest.mark.long
def test_a_process_of_its_own_says_what_it_is_busy_with(
    child: Child, model: Path, tmp_path: Path
) -> None:
    told: list[str] = []

    call(child, tmp_path, model, Meanwhile(parts=str, on_part=told.append))

    bundle.read_version(tmp_path / "out", model)
    assert (told[0], told[-1]) == (learning.READING, learning.FITTING)


@pytest.mark.long
def test_a_process_that_is_killed_leaves_no_version(
    child: Child, model: Path, tmp_path: Path
) -> None:
    with pytest.raises(ChildDiedError):
        call(child, tmp_path, model, Meanwhile(parts=str, on_part=lambda _: child.kill()))
    assert not (tmp_path / "out" / "card.json").exists()


def test_a_model_that_can_not_learn_says_so(child: Child, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="can't have heads of a store's own"):
        call(child, tmp_path, write_light_meter(tmp_path / "lite"), Meanwhile(parts=str))
