"""What people at a screen see of a live camera."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Still

from video_classifier.ml.contracts import Box, Image
from video_classifier.watching import drawing
from video_classifier.watching.drawing import AMBER, DARK, LIGHT, STRIP, Drawing, Person

AT = datetime(2026, 11, 26, 2, 12, 45, tzinfo=UTC)
SOMEBODY = Box(left=0.25, top=0.25, right=0.5, bottom=0.75)


def plain(gray: int, width: int = 640, height: int = 360) -> Image:
    return np.full((height, width, 3), gray, np.uint8)


DRAWING = Drawing(
    picture=plain(128),
    at=AT,
    score=0.31,
    threshold=0.89,
    place="Späti Köln · Till 2",
    time_zone="Europe/Berlin",
)
HINT = replace(
    DRAWING, score=0.93, is_hint=True, people=(Person(box=SOMEBODY, score=0.93, is_hint=True),)
)


def contrast(part: Image) -> float:
    """Of the darkest to the lightest gray, as far as they aren't a few stray pixels."""
    low, high = np.percentile(part.mean(axis=2), (0.5, 99.5)) / 255
    return float((high**2.2 + 0.05) / (low**2.2 + 0.05))


def test_with_a_hint_or_without_it_has_the_same_size() -> None:
    assert drawing.drawn(DRAWING).shape == drawing.drawn(HINT).shape


def test_a_hint_has_an_amber_border_on_all_sides() -> None:
    canvas, calm = drawing.drawn(HINT), drawing.drawn(DRAWING)

    for at in ((1, 1), (200, 1), (200, -2), (-2, 300), (1, -2)):
        assert tuple(canvas[at]) == AMBER
        assert tuple(calm[at]) == DARK


@pytest.mark.parametrize("gray", [0, 128, 255], ids=["dark", "gray", "light"])
@pytest.mark.parametrize("made", [DRAWING, HINT], ids=["no hint", "hint"])
def test_words_can_be_read_whatever_the_picture_shows(made: Drawing, gray: int) -> None:
    canvas = drawing.drawn(replace(made, picture=plain(gray)))

    for strip in (canvas[:STRIP], canvas[-STRIP:]):
        assert contrast(strip[:, :250]) > 7  # WCAG's AAA


@pytest.mark.parametrize("gray", [0, 255], ids=["dark", "light"])
def test_a_box_can_be_made_out_whatever_the_picture_shows(gray: int) -> None:
    people = (Person(box=SOMEBODY, score=0.2),)

    canvas = drawing.drawn(replace(DRAWING, picture=plain(gray), people=people))

    left_edge = canvas[STRIP + 180, 5 + 150 : 5 + 170]
    assert contrast(left_edge[None]) > 7


def test_people_with_a_hint_are_drawn_in_amber_and_over_others() -> None:
    people = (
        Person(box=SOMEBODY, score=0.93, is_hint=True),
        Person(box=SOMEBODY, score=0.1),
    )

    canvas = drawing.drawn(replace(DRAWING, people=people))

    assert tuple(canvas[STRIP + 180, 5 + 160]) == AMBER


def test_nothing_of_the_picture_is_hidden_by_words() -> None:
    canvas = drawing.drawn(DRAWING)

    assert (canvas[STRIP:-STRIP, 5:-5] == 128).all()


@pytest.mark.parametrize("hint", [False, True])
def test_the_words_say_what_it_is(monkeypatch: pytest.MonkeyPatch, *, hint: bool) -> None:
    written: list[str] = []
    monkeypatch.setattr(drawing, "_write", lambda _, text, *__: written.append(text))

    drawing.drawn(replace(HINT if hint else DRAWING, people=(), words="Looks every 4.0 s"))

    heading = (
        "Possible shoplifting · score 0.93, hint from 0.89"
        if hint
        else "Score 0.31, hint from 0.89"
    )
    assert written == [
        heading,
        "Looks every 4.0 s",
        "Späti Köln · Till 2",
        "26 Nov 2026, 03:12:45 CET",
    ]


def test_without_a_score_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(drawing, "_write", lambda _, text, *__: written.append(text))

    drawing.drawn(replace(DRAWING, score=None))

    assert written[0] == "No score · hint from 0.89"


def test_a_long_name_is_cut_and_the_time_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(drawing, "_write", lambda _, text, *__: written.append(text))

    drawing.drawn(replace(DRAWING, place="Branch of the main street\n" * 5))

    assert written[2].startswith("Branch of the main street Branch")
    assert written[2].endswith("…")
    assert written[3] == "26 Nov 2026, 03:12:45 CET"


@pytest.mark.parametrize("width", [16, 64, 320])
def test_a_small_picture_is_enlarged_for_its_words(width: int) -> None:
    made = replace(DRAWING, picture=plain(128, width=width, height=width * 3 // 4))

    canvas = drawing.drawn(made)

    assert canvas.shape == (480 + 2 * STRIP, 650, 3)


@pytest.mark.parametrize(
    "box",
    [
        Box(left=0.0, top=0.0, right=1.0, bottom=1.0),
        Box(left=0.98, top=0.0, right=1.0, bottom=0.02),
        Box(left=-0.5, top=-0.5, right=1.5, bottom=1.5),
    ],
)
def test_a_box_at_the_edge_is_drawn_as_far_as_it_is_in_the_picture(box: Box) -> None:
    people = (Person(box=box, score=0.5),)

    canvas = drawing.drawn(replace(DRAWING, people=people))

    assert canvas.shape == drawing.drawn(DRAWING).shape
    assert (canvas[:STRIP] == drawing.drawn(DRAWING)[:STRIP]).all()


def test_what_was_handed_over_is_not_drawn_upon() -> None:
    picture = plain(128)

    drawing.drawn(replace(HINT, picture=picture))

    assert (picture == 128).all()


def test_it_becomes_a_jpeg_in_its_colors() -> None:
    with Still.open(BytesIO(drawing.jpeg(HINT))) as picture:
        assert picture.format == "JPEG"
        pixel = np.asarray(picture)[200, 1].astype(int)

    assert np.abs(pixel - np.array(AMBER)).max() < 12
    assert LIGHT != AMBER


def test_the_clock_is_that_of_the_store_and_names_its_zone() -> None:
    summer = datetime(2026, 7, 1, 22, 5, 9, tzinfo=UTC)

    assert drawing.clock(AT, "Europe/Berlin") == "26 Nov 2026, 03:12:45 CET"
    assert drawing.clock(summer, "Europe/Berlin") == "2 Jul 2026, 00:05:09 CEST"
    assert drawing.clock(AT, "America/New_York") == "25 Nov 2026, 21:12:45 EST"
