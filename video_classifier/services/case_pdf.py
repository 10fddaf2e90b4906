"""The report of a case as PDF, in letters that read from left to right or from right to left."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from arabic_reshaper import reshape
from bidi import get_display
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader, simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, Paragraph, SimpleDocTemplate, Spacer, Table

from video_classifier.services.case_reports import CHECKS, SUMS, CaseReport, Facts, ItemReport

FONT = "DejaVu Sans"
FILE = Path(__file__).resolve().parent.parent / "fonts" / "DejaVuSans.ttf"
EDGE = 18 * mm
WIDTH = A4[0] - 2 * EDGE
NAMES = 38 * mm  # the column of the names of facts
MISSING = "□"
SOME_MISSING = (
    f"Letters that this document's font doesn't have are shown as {MISSING}; report.html has them."
)

_BODY = ParagraphStyle("body", fontName=FONT, fontSize=9, leading=13)
_TITLE = ParagraphStyle("title", parent=_BODY, fontSize=18, leading=24, spaceAfter=6)
_HEAD = ParagraphStyle(
    "head", parent=_BODY, fontSize=12, leading=17, spaceBefore=10, spaceAfter=4, keepWithNext=1
)
_SMALL = ParagraphStyle("small", parent=_BODY, fontSize=8, leading=11)


def write(report: CaseReport, target: Path, *, watch: Callable[[], None] = lambda: None) -> None:
    """`watch` is called for each event, and may raise."""
    _font()
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
        line
        for part in (text.splitlines() or [""])
        for line in simpleSplit(shaped(part), FONT, style.fontSize, width - 12) or [""]
    ]
    return Paragraph("<br/>".join(escape(str(get_display(line))) for line in lines), style)


def shaped(text: str) -> str:
    """With joined Arabic letters, and MISSING for what the font doesn't have."""
    joined = reshape(text)
    return "".join(filter(None, map(_shown, joined)))


def _shown(letter: str) -> str:
    if ord(letter) in _font():
        return letter
    # What only joins others, or chooses how they look, is no letter of its own.
    return "" if unicodedata.category(letter) in {"Cf", "Mn", "Cc"} else MISSING


def has_missing(report: CaseReport) -> bool:
    texts = [report.title, *report.notes, *(value for _, value in report.facts)]
    for item in report.items:
        texts += [item.title, *item.reviews, *item.notes, *(value for _, value in item.facts)]
    return any(MISSING in shaped(text) for text in texts)


@cache
def _font() -> frozenset[int]:
    """Registers the font; the code points of its letters."""
    font = TTFont(FONT, str(FILE))
    pdfmetrics.registerFont(font)
    return frozenset(font.face.charToGlyph)


def _numbered(canvas: Canvas, document: Any) -> None:
    canvas.setFont(FONT, 8)
    canvas.drawRightString(A4[0] - EDGE, EDGE / 2, str(document.page))
