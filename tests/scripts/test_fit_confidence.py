"""The confidence of a model's predictions comes onto its card."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import fit_confidence
from tests.conftest import MakeModel
from video_classifier.ml.serving import bundle

HEAD = "path,label,group,source,score,threshold\n"


def line(number: int, *, theft: bool, score: float) -> str:
    label = "shoplifter" if theft else "non_shoplifter"
    return f"{number}.mp4,{label},person {number // 2},shop,{score},0.5\n"


@pytest.fixture
def model(make_model: MakeModel) -> Path:
    folder = make_model("mine", limits=("Not in the dark.",))
    rows = [line(n, theft=n % 2 == 0, score=0.8 - 0.05 * (n % 5)) for n in range(12)]
    (folder / "unseen.csv").write_text(HEAD + "".join(rows))
    return folder


def test_a_card_gets_its_confidence_and_keeps_the_rest(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = bundle.read_card(model)

    assert fit_confidence.main([str(model)]) == 0

    after = bundle.read_card(model)
    assert after.confidence is not None
    assert (after.limits, after.sha256) == (before.limits, before.sha256)
    printed = capsys.readouterr().out
    share = after.confidence.of(0.5, hint=True)
    assert f"{100 * share.value:.0f} ({100 * share.low:.0f} to {100 * share.high:.0f})" in printed


def test_scores_that_predict_no_label_give_none(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (model / "unseen.csv").write_text(HEAD + line(1, theft=True, score=0.7))

    assert fit_confidence.main([str(model)]) == 0

    assert bundle.read_card(model).confidence is None
    assert "its card has no confidence" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["unseen.csv", bundle.CARD_FILE])
def test_a_model_without_its_files_is_a_sentence(
    model: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    (model / missing).unlink()

    assert fit_confidence.main([str(model)]) == 2
    assert "mine" in capsys.readouterr().err
