"""Training looks for leaks first, decodes once, and calls a random split what it is."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from scripts import train
from tests.makers import videos
from video_classifier.ml.serving import bundle
from video_classifier.ml.video import sampling

pytestmark = [pytest.mark.keras, pytest.mark.usefixtures("small_networks")]

Captured = pytest.CaptureFixture[str]
PEOPLE = 6


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of six people, one of them also under another's name, and a model trained on them."""
    folder = tmp_path_factory.mktemp("shop")
    rows = ["path,label,actor"]
    for number in range(2 * PEOPLE):
        name = f"{number}.mp4"
        videos.write(folder / name, frames=5 + number)
        label = "shoplifter" if number % 2 else "non_shoplifter"
        rows.append(f"{name},{label},person {number // 2}")
    shutil.copy(folder / "0.mp4", folder / "copy.mp4")
    rows.append("copy.mp4,non_shoplifter,person 4")
    (folder / "manifest.csv").write_text("\n".join(rows))

    assert trained(folder, "first", "--cache", str(folder / "cache"), "--min-difference", "30") == 0
    return folder


def trained(shop: Path, name: str, *options: str) -> int:
    table, out = str(shop / "manifest.csv"), str(shop / name)
    usual = ["--epochs", "1", "--folds", "0"]
    return train.main(["conv3d", "--manifest", table, "--out", out, *usual, *options])


def test_a_leak_is_on_the_card(shop: Path) -> None:
    limits = bundle.check(shop / "first").limits

    assert "The figures are leaky: duplicates across the split (1 found)." in limits


def test_frames_that_are_left_out_are_in_the_spec(shop: Path) -> None:
    assert bundle.check(shop / "first").spec.min_difference == 30


def test_a_second_training_decodes_nothing(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        pytest.fail("a clip was decoded")

    monkeypatch.setattr(sampling, "sample", never)
    monkeypatch.setattr(sampling, "read_all", never)

    assert trained(shop, "second", "--cache", str(shop / "cache"), "--min-difference", "30") == 0


def test_a_full_disk_is_a_sentence_and_training_goes_on(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    write = Path.write_bytes

    def no_space(path: Path, content: bytes) -> int:
        if path.is_relative_to(shop / "full"):  # the cache is on a disk of its own
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", no_space)

    assert trained(shop, "third", "--cache", str(shop / "full"), "--no-audit") == 0
    assert capsys.readouterr().err.count("/full takes nothing more (No space left on device)") == 1
    assert bundle.check(shop / "third").parameters > 0


def test_a_random_split_says_leaky_on_each_line_and_keeps_no_model(
    shop: Path, capsys: Captured
) -> None:
    assert trained(shop, "fourth", "--split", "random", "--no-audit", "--folds", "2") == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 6
    assert all(line.startswith("leaky ") for line in lines)
    assert not (shop / "fourth").exists()


@pytest.mark.parametrize(
    "options", [("--split", "random", "--folds", "0"), ("--min-difference", "-1")]
)
def test_options_that_make_no_sense_are_refused(shop: Path, options: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as left:
        trained(shop, "none", *options)

    assert left.value.code == 2
