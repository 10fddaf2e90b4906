"""The report of a case as PDF, in letters that read from left to right or from right to left."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.sax.saxutils import escape

import fontpkg
from arabic_reshaper import reshape
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, Paragraph, SimpleDocTemplate, Spacer, Table

from video_classifier.services import right_to_left
from video_classifier.services.case_reports import CHECKS, SUMS, CaseReport, Facts, ItemReport

FONT = "Arimo"
FONTS = (FONT, "Noto Sans Arabic")  # the first that has a letter
EDGE = 18 * mm
WIDTH = A4[0] - 2 * EDGE
NAMES = 38 * mm  # the column of the names of facts
MISSING = "□"
SOME_MISSING = (
    f"Letters that this document's fonts don't have are shown as {MISSING}; report.html has them."
)

_BODY = ParagraphStyle("body", fontName=FONT, fontSize=9, leading=13)
_TITLE = ParagraphStyle("title", parent=_BODY, fontSize=18, leading=24, spaceAfter=6)
_HEAD = ParagraphStyle(
    "head", parent=_BODY, fontSize=12, leading=17, spaceBefore=10, spaceAfter=4, keepWithNext=1
)
_SMALL = ParagraphStyle("small", parent=_BODY, fontSize=8, leading=11)


def write(report: CaseReport, target: Path, *, watch: Callable[[], None] = lambda: None) -> None:
    """`watch` is called for each event, and may raise."""
    _fonts()
    document = SimpleDocTemplate(
        str(target),
        pagesize=A4,
        leftMargin=EDGE,
        rightMargin=EDGE,
        topMargin=EDGE,
        bottomMargin=EDGE,
        title=report.title,
    )
    story = list(_story(report, watch))
    document.build(story, onFirstPage=_numbered, onLaterPages=_numbered)


def _story(report: CaseReport, watch: Callable[[], None]) -> Iterator[Flowable]:
    yield _text(report.title, _TITLE)
    for remark in report.remarks:
        yield _text(remark)
    if has_missing(report):
        yield _text(SOME_MISSING)
    yield Spacer(0, 6)
    yield from _facts(report.facts)
    yield from _listed("Notes", report.notes)
    for item in report.items:
        watch()
        yield from _item(item)
    yield _text("How to check these files", _HEAD)
    told = f"Unpack the archive and run one of these in its folder, where {SUMS} is."
    yield from map(_text, (told, *CHECKS))


def _item(item: ItemReport) -> Iterator[Flowable]:
    yield _text(f"{item.number}. {item.title}", _HEAD)
    if item.packed.picture_path is not None:
        yield _picture(item.packed.picture_path)
        yield Spacer(0, 4)
    yield from _facts(item.facts)
    yield from _listed("Reviews", item.reviews)
    yield from _listed("Notes", item.notes)


def _picture(path: Path) -> Flowable:
    width, height = ImageReader(str(path)).getSize()
    share = min(110 * mm / width, 80 * mm / height)
    return Image(str(path), width=width * share, height=height * share, hAlign="LEFT", lazy=2)


def _facts(facts: Facts) -> Iterator[Flowable]:
    for name, value in facts:  # a table each: a page break may come between any two
        row = [_text(name, _SMALL, NAMES), _text(value, _SMALL, WIDTH - NAMES)]
        style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("PADDING", (0, 0), (-1, -1), 1)]
        yield Table([row], colWidths=[NAMES, WIDTH - NAMES], style=style, hAlign="LEFT")


def _listed(title: str, lines: Sequence[str]) -> Iterator[Flowable]:
    if lines:
        yield _text(title, _HEAD)
        yield from (_text(f"• {line}") for line in lines)


def _text(text: str, style: ParagraphStyle = _BODY, width: float = WIDTH) -> Flowable:
    """Broken into lines before they are put in the order in which they are seen."""
    lines = [
        _marked(right_to_left.as_seen(line, is_right_to_left=right_to_left.is_so(part)))
        for part in map(shaped, text.splitlines() or [""])
        for line in _broken(part, style.fontSize, width - 12)
    ]
    return Paragraph("<br/>".join(lines), style)


def _broken(text: str, size: float, width: float) -> Iterator[str]:
    """At blanks, and within a word that is too long for a line."""
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if _width(longer, size) <= width:
            line = longer
            continue
        if line:
            yield line
        line = ""
        for letter in word:
            if _width(line + letter, size) > width:
                yield line
                line = ""
            line += letter
    yield line


def _width(text: str, size: float) -> float:
    runs = groupby(text, key=_font_of)
    return float(sum(pdfmetrics.stringWidth("".join(run), font, size) for font, run in runs))


def _marked(line: str) -> str:
    """For Paragraph: which letters are of which font."""
    runs = ((font, escape("".join(run))) for font, run in groupby(line, key=_font_of))
    return "".join(
        run if font == FONT else f'<font name="{font}">{run}</font>' for font, run in runs
    )


def shaped(text: str) -> str:
    """With joined Arabic letters, and MISSING for what no font has."""
    joined = reshape(text)
    return "".join(filter(None, map(_shown, joined)))


def _shown(letter: str) -> str:
    if ord(letter) in _fonts():
        return letter
    # What only joins others, or chooses how they look, is no letter of its own.
    return "" if unicodedata.category(letter) in {"Cf", "Mn", "Cc"} else MISSING


def has_missing(report: CaseReport) -> bool:
    texts = [report.title, *report.notes, *(value for _, value in report.facts)]
    for item in report.items:
        texts += [item.title, *item.reviews, *item.notes, *(value for _, value in item.facts)]
    return any(MISSING in shaped(text) for text in texts)


def _font_of(letter: str) -> str:
    return _fonts().get(ord(letter), FONT)


@cache
def _fonts() -> Mapping[int, str]:
    """Registers the fonts; the one of each letter, by code point."""
    found: dict[int, str] = {}
    for name in reversed(FONTS):
        font = TTFont(name, str(fontpkg.path(name)))
        pdfmetrics.registerFont(font)
        found |= dict.fromkeys(font.face.charToGlyph, name)
    return MappingProxyType(found)


def _numbered(canvas: Canvas, document: Any) -> None:
    canvas.setFont(FONT, 8)
    canvas.drawRightString(A4[0] - EDGE, EDGE / 2, str(document.page))
