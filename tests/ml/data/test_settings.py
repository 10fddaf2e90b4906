"""A setting out of its range is refused with a sentence that has the range."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from video_classifier.ml.data.settings import check, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    share: float = setting(0.5, "of something", least=0, most=1)
    learning_rate: float = setting(1e-3, "the highest", above=0)
    epochs: int = setting(3, "at most", least=1)
    name: str = setting("plain", "has no range")


def test_defaults_are_allowed() -> None:
    check(Example())


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"share": 1.5}, "share must be from 0 to 1"),
        ({"share": math.nan}, "share must be from 0 to 1"),
        ({"learning_rate": 0}, "learning rate must be above 0"),
        ({"epochs": 0}, "epochs must be 1 or more"),
    ],
)
def test_what_is_out_of_its_range_is_refused(wrong: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        check(Example(**wrong))  # type: ignore[arg-type]
