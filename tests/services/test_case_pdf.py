"""The report of a case as PDF has the letters of names in any script that its fonts have."""

from __future__ import annotations

from pathlib import Path

import pytest

from video_classifier.services import case_pdf
from video_classifier.services.case_reports import CHECKS, HOW_TO_CHECK, CaseReport

HEBREW = "\u05de\u05d3\u05e3"
ARABIC = "\u0631\u0641 \u0663"


def report(name: str, *notes: str) -> CaseReport:
    return CaseReport(title=name, facts=(("Store", name),), remarks=(), notes=notes, items=())


@pytest.mark.parametrize("name", ["Shelf 3: “Tea”, 5 € · ½", "Ράφι", "Полка", "Kệ", HEBREW, ARABIC])
def test_its_fonts_have_the_letters_of_many_scripts(tmp_path: Path, name: str) -> None:
    case_pdf.write(report(name, f"{name} and more"), tmp_path / "report.pdf")

    assert not case_pdf.has_missing(report(name))
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


def test_what_they_lack_is_a_box_and_said() -> None:
    assert case_pdf.shaped("Till \U0001f6d2 \u68da") == "Till □ □"
    assert case_pdf.has_missing(report("\u68da"))


def test_all_that_reports_say_is_there() -> None:
    assert "□" not in case_pdf.shaped(" ".join((HOW_TO_CHECK, *CHECKS, "• \N{EN DASH} …")))
