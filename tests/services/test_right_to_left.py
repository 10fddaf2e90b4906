"""Where letters of Hebrew and Arabic stand among others."""

from __future__ import annotations

import pytest

from video_classifier.services.right_to_left import as_seen, is_so

SHELF = "\u05de\u05d3\u05e3"  # Hebrew, as it is read
FLEHS = SHELF[::-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", False), ("12", False), ("Till 3", False), (SHELF, True), (f"3. {SHELF}", True)],
)
def test_a_text_is_read_in_the_direction_of_its_first_letter(text: str, *, expected: bool) -> None:
    assert is_so(text) == expected


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("", ""),
        ("Till 3, May", "Till 3, May"),
        (SHELF, FLEHS),
        (f"Till {SHELF} 12 open", f"Till 12 {FLEHS} open"),
        (f"{SHELF}, {SHELF}!", f"{FLEHS} ,{FLEHS}!"),
        (f"({SHELF})", f"({FLEHS})"),
        ("\u0628 1/2", "1/2 \u0628"),
    ],
)
def test_within_a_text_read_from_left_to_right(line: str, seen: str) -> None:
    assert as_seen(line, is_right_to_left=False) == seen


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        (f"{SHELF} 3", f"3 {FLEHS}"),
        (f"{SHELF} (12.50)", f"(12.50) {FLEHS}"),
        (f"{SHELF} Till 3.", f".Till 3 {FLEHS}"),
        (f"{SHELF} 5%", f"5% {FLEHS}"),
        (f"{SHELF} ", f" {FLEHS}"),
        (f"\u202b{SHELF}\u202c", FLEHS),  # what only formats has no letter
        ("\u05de\u05b8", "\u05b8\u05de"),
    ],
)
def test_within_a_text_read_from_right_to_left(line: str, seen: str) -> None:
    assert as_seen(line, is_right_to_left=True) == seen
