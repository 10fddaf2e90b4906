"""Tables as files for spreadsheets: nothing runs in them, and nothing is lost."""

from __future__ import annotations

import csv
import io
import re
import tracemalloc
import zipfile
from collections.abc import Sequence
from itertools import repeat
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from video_classifier.services import spreadsheets
from video_classifier.services.spreadsheets import Cell, Table

FULL_WIDTH = [chr(ord(sign) + 0xFEE0) for sign in "=+-@"]
FORMULAS = [f"{start}1+1" for start in (*"=+-@\t\r\n", " =", *FULL_WIDTH)]
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def table(*rows: Sequence[Cell], name: str = "clips") -> Table:
    return Table(name=name, head=("name", "score"), rows=rows)


def written(*rows: Sequence[Cell], semicolons: bool = False) -> list[list[str]]:
    text = "".join(spreadsheets.csv_lines(table(*rows), semicolons=semicolons))
    assert text.startswith("\ufeff")  # or Excel misreads every accent
    delimiter = ";" if semicolons else ","
    return list(
        csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter)
    )


def test_a_csv_file_has_a_head_and_its_rows() -> None:
    assert written(("till, “2”.mp4", 0.5), ("door.mp4", None)) == [
        ["name", "score"],
        ["till, “2”.mp4", "0.5"],
        ["door.mp4", ""],
    ]


def test_semicolons_go_with_decimal_commas() -> None:
    _, line = written(("till;1.5.mp4", 0.25), semicolons=True)

    assert line == ["till;1.5.mp4", "0,25"]


@pytest.mark.parametrize("name", FORMULAS)
def test_what_begins_like_a_formula_is_made_harmless(name: str) -> None:
    _, line = written((name, 1))

    assert line[0] == f"'{name}"


def test_a_number_stays_a_number() -> None:
    _, line = written(("1-2.mp4", -1e-05))

    assert (line[0], float(line[1])) == ("1-2.mp4", -1e-05)


def sheets(table: Table, folder: Path, **limits: int) -> dict[str, list[list[tuple[str, str]]]]:
    """The rows of each sheet: of each cell its type and what stands in it."""
    with spreadsheets.workbook(table, folder, **limits) as file, zipfile.ZipFile(file) as book:
        names = re.findall(r'<sheet name="([^"]+)"', book.read("xl/workbook.xml").decode())
        return {
            name: rows_of(book.read(f"xl/worksheets/sheet{number}.xml"))
            for number, name in enumerate(names, start=1)
        }


def rows_of(sheet: bytes) -> list[list[tuple[str, str]]]:
    assert b"<f>" not in sheet  # no formula at all
    return [
        [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row]
        for row in Xml.fromstring(sheet).iter(f"{SHEET}row")  # noqa: S314  (our own file)
    ]


def test_a_workbook_has_text_as_text_and_numbers_as_numbers(tmp_path: Path) -> None:
    found = sheets(table(("till.mp4", 0.25), ("door.mp4", None)), tmp_path)

    assert found == {
        "clips": [
            [("inlineStr", "name"), ("inlineStr", "score")],
            [("inlineStr", "till.mp4"), ("n", "0.25")],
            [("inlineStr", "door.mp4")],
        ]
    }


@pytest.mark.parametrize("name", ["=1+1", "{=1+1}", "@SUM(A1)", "https://example.org", "007"])
def test_no_text_becomes_a_formula_a_link_or_a_number(tmp_path: Path, name: str) -> None:
    (rows,) = sheets(table((name, 1)), tmp_path).values()

    assert rows[1][0] == ("inlineStr", name)


def test_text_that_no_cell_holds_is_cut(tmp_path: Path) -> None:
    (rows,) = sheets(table(("x" * 40_000, "\x01\ufffe")), tmp_path).values()

    assert rows[1][0] == ("inlineStr", "x" * 32_767)


@pytest.mark.parametrize(
    ("count", "lengths"), [(0, [1]), (2, [3]), (3, [3, 2]), (4, [3, 3]), (5, [3, 3, 2])]
)
def test_what_does_not_fit_into_a_sheet_goes_on_in_the_next(
    tmp_path: Path, count: int, lengths: list[int]
) -> None:
    made = table(*((f"{number}.mp4", number) for number in range(count)))

    found = sheets(made, tmp_path, most_rows=3)

    assert [len(rows) for rows in found.values()] == lengths
    assert all(rows[0][0] == ("inlineStr", "name") for rows in found.values())
    numbers = [row[1][1] for rows in found.values() for row in rows[1:]]
    assert numbers == [str(number) for number in range(count)]


def test_nothing_is_left_of_a_workbook_that_broke_off(tmp_path: Path) -> None:
    broken = Table(name="clips", head=("name",), rows=(["a" if n else 1 / n] for n in (1, 0)))

    with pytest.raises(ZeroDivisionError):
        spreadsheets.workbook(broken, tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", ["csv", "workbook"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, way: str) -> None:
    def peak(count: int) -> int:
        rows = repeat(("a name of a clip that is rather long.mp4", 0.5), count)
        made = Table(name="clips", head=("name", "score"), rows=rows)
        tracemalloc.start()
        if way == "csv":
            for _ in spreadsheets.csv_lines(made):
                pass
        else:
            spreadsheets.workbook(made, tmp_path).close()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)  # imports

    assert peak(20_000) < peak(200) + 500_000
