"""The benchmark counts hits and false positives correctly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.makers import scenes
from video_classifier.ml.data.manifest import ManifestError
from video_classifier.ml.duplicates import alterations, benchmark, fingerprints
from video_classifier.ml.duplicates.benchmark import Count, Overlap
from video_classifier.ml.duplicates.fingerprints import Fingerprint
from video_classifier.ml.duplicates.search import DuplicateKind, Pair

HEADER = "clip_a,clip_b,offset_s,shared_share_of_a,same_label\n"


def overlap(a: str, b: str) -> Overlap:
    return Overlap(a=a, b=b, share=0.5, same_label=True)


def pair(a: str, b: str) -> Pair:
    return Pair(a=a, b=b, kind=DuplicateKind.NEAR, offset_s=0.0, share=1.0)


def make_print(seed: int) -> Fingerprint:
    hashes = np.random.default_rng(seed).integers(0, 2**63, 50, np.uint64)
    return Fingerprint(
        sha256=str(seed),
        seconds=5.2,
        sharpness=1.0,
        hashes=hashes,
        mirrored=~hashes,
        has_motion=np.ones(50, np.bool_),
        mean_hashes=np.zeros(2, np.uint64),
        background_hashes=np.zeros((6, 2), np.uint64),
    )


def test_an_overlap_counts_whichever_clip_comes_first() -> None:
    known = [overlap("a", "b"), overlap("b", "c"), overlap("c", "d")]

    assert benchmark.count(known, [pair("b", "a"), pair("b", "c")]) == Count(found=2, total=3)


def test_a_count_reads_as_a_share() -> None:
    assert str(Count(found=1, total=1200)) == "1 of 1,200 (0.1%)"
    assert str(Count(found=0, total=0)) == "0 of 0"


def test_pairs_of_different_takes_are_wrong() -> None:
    takes = {"a": "1", "b": "1", "c": "2"}

    found, wrong = benchmark.false_positives("abc", takes, [pair("a", "b"), pair("a", "c")])

    assert found == Count(found=1, total=2)
    assert wrong == (pair("a", "c"),)


def test_the_margin_lies_between_the_unrelated_and_the_overlaps() -> None:
    prints = {"a": make_print(1), "b": make_print(2), "c": make_print(1)}
    takes = {"a": "1", "b": "2", "c": "1"}

    margin = benchmark.margin(prints, takes, [overlap("c", "a")])

    assert margin.max_unrelated == 0.0
    assert margin.min_overlap == pytest.approx(16 * np.sqrt(50))


def test_clips_of_one_take_are_neither_unless_they_are_known_to_overlap() -> None:
    prints = {"a": make_print(1), "b": replace(make_print(1), sha256="other")}

    margin = benchmark.margin(prints, {"a": "1", "b": "1"}, [])

    assert (margin.max_unrelated, margin.min_overlap) == (0.0, 0.0)


def test_both_halves_have_takes() -> None:
    assert {benchmark.half_of_takes(f"take {number}") for number in range(20)} == {0, 1}


def test_altered_copies_are_counted(tmp_path: Path) -> None:
    clips = {
        "long": scenes.write(tmp_path / "long.mp4", 1, seconds=6.5),
        "brief": scenes.write(tmp_path / "brief.mp4", 2, seconds=0.8),
    }
    prints = {name: fingerprints.compute(path) for name, path in clips.items()}

    counts = benchmark.altered_copies(clips, prints)

    cut = {one.name for one in alterations.ALL if one.cuts}
    assert counts == {
        one.name: Count(found=1, total=1 if one.name in cut else 2) for one in alterations.ALL
    }


def test_reads_which_clips_overlap(tmp_path: Path) -> None:
    table = tmp_path / "overlaps.csv"
    table.write_text(HEADER + "a,b,1.5,0.7,False\n")

    (found,) = benchmark.read_overlaps(table, ["x/a.mp4", "y/b.mp4"])

    assert found == Overlap(a="x/a.mp4", b="y/b.mp4", share=0.7, same_label=False)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (HEADER + "a,gone,1.5,0.7,False\n", "no clip 'gone'"),
        ("clip_a,clip_b\na,b\n", "no column"),
        (HEADER + "a,b,1.5,much,False\n", "can't be read"),
    ],
)
def test_a_table_of_overlaps_of_no_use_is_refused(tmp_path: Path, content: str, says: str) -> None:
    table = tmp_path / "overlaps.csv"
    table.write_text(content)

    with pytest.raises(ManifestError, match=says):
        benchmark.read_overlaps(table, ["a.mp4", "b.mp4"])


def test_a_manifest_without_takes_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "manifest.csv"
    table.write_text("path,label\na.mp4,shoplifter\n")

    with pytest.raises(ManifestError, match="needs a column take"):
        benchmark.read_takes(table)
