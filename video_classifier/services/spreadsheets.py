"""Writes tables for spreadsheets, row by row: as CSV in two dialects, and as an Excel workbook.

Text in them is never a formula, which a spreadsheet would run: some of it was typed by uploaders.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

Cell = str | int | float | None

FORMULA_STARTS = tuple("=+-@\t\r\n")  # what begins like this is a formula
BYTE_ORDER_MARK = "\ufeff"  # Excel takes the file for UTF-8 only with it
MOST_ROWS = 1_048_576  # of a sheet, with its head
MOST_CHARACTERS = 32_767  # of a cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A head, and rows that are read while they are written."""

    name: str
    head: Sequence[str]
    rows: Iterable[Sequence[Cell]]


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


def csv_lines(table: Table, *, semicolons: bool = False) -> Iterator[str]:
    """The lines of a CSV file (RFC 4180).

    With `semicolons` it is one that Excel opens as columns where numbers have a decimal comma.
    """
    writer = csv.writer(_Echo(), delimiter=";" if semicolons else ",")
    yield BYTE_ORDER_MARK + writer.writerow(table.head)
    for row in table.rows:
        cells = map(harmless, row)
        yield writer.writerow(map(_with_decimal_comma, cells) if semicolons else cells)


def workbook(table: Table, folder: Path, *, most_rows: int = MOST_ROWS) -> IO[bytes]:
    """An Excel workbook, written to a file without a name in `folder`, a row in memory at a time.

    Rows that don't fit into a sheet go on in the next one, below the same head.
    """
    import xlsxwriter

    file = TemporaryFile(dir=folder)  # noqa: SIM115  (the caller reads it)
    try:
        with xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": str(folder)}) as book:
            _write_sheets(book, table, most_rows)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _write_sheets(book: Any, table: Table, most_rows: int) -> None:
    bold = book.add_format({"bold": True})
    for number, rows in enumerate(_sheets(table.rows, most_rows - 1), start=1):
        sheet = book.add_worksheet(table.name if number == 1 else f"{table.name} {number}")
        sheet.freeze_panes(1, 0)
        _write_row(sheet, 0, table.head, bold)
        for place, row in enumerate(rows, start=1):
            _write_row(sheet, place, row)


def _sheets(rows: Iterable[Sequence[Cell]], most: int) -> Iterator[Iterator[Sequence[Cell]]]:
    """At least one, perhaps empty; each has to be used up before the next."""
    left = iter(rows)
    row = next(left, None)
    yield _followed(row, left, most)
    while (row := next(left, None)) is not None:
        yield _followed(row, left, most)


def _followed(
    first: Sequence[Cell] | None, rest: Iterator[Sequence[Cell]], most: int
) -> Iterator[Sequence[Cell]]:
    if first is not None:
        yield first
        yield from islice(rest, most - 1)


def _write_row(sheet: Any, place: int, row: Sequence[Cell], *look: Any) -> None:
    """By the type of each cell: xlsxwriter's own guess makes formulas and links of text."""
    for column, cell in enumerate(row):
        if isinstance(cell, str):
            sheet.write_string(place, column, cell[:MOST_CHARACTERS], *look)
        elif cell is not None:
            sheet.write_number(place, column, cell, *look)


def _with_decimal_comma(cell: Cell) -> Cell:
    return str(cell).replace(".", ",") if isinstance(cell, float) else cell


def harmless(cell: Cell) -> Cell:
    """Text that begins like a formula gets an apostrophe; a number stays a number."""
    if not isinstance(cell, str):
        return cell
    plain = unicodedata.normalize("NFKC", cell)  # full-width signs work in Excel, too
    return f"'{cell}" if plain.lstrip(" ").startswith(FORMULA_STARTS) else cell
